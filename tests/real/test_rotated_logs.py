"""Logs that are rotated while they are followed, on real engines: nothing hangs, and nothing is lost in silence."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from dockfleet.v1 import common_pb2, containers_pb2

from tests.real.support import Containers, messages
from tests.support.gateway import Client

LINES = 2000
# Driver, size and number of files, and whether those that are full are compressed.
SETTINGS = [
    ("json-file", "1k", 1, "false"),
    ("json-file", "1k", 2, "false"),
    ("json-file", "1k", 5, "true"),
    ("json-file", "10k", 5, "false"),
    ("local", "10k", 1, "false"),
    ("local", "10k", 2, "true"),
    ("local", "1k", 5, "true"),
]
# Writes numbers, in bursts of which each is more than the smallest files hold.
SCRIPT = f"""
i=0
while [ $i -lt {LINES} ]; do
    i=$((i + 1))
    echo $i
    [ $((i % 50)) = 0 ] && usleep 20000
done
sleep 1  # Docker 20.10 itself drops the end of a followed log when the container ends right behind it
exit 3
"""


@dataclass
class Account:
    """What a follower has of the lines: how many come, how many are missing where a gap is, and what is wrong."""

    come: int = 0
    told: int = 0
    disorder: list[str] = field(default_factory=list)
    silence: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, read: list[containers_pb2.StreamLogsResponse]) -> Account:
        """Look at what was read."""
        account, last, gap = cls(), 0, True  # what was rotated away before the first line is nobody's loss
        for message in read:
            gap = gap or message.gap.reason == common_pb2.GAP_REASON_ROTATED
            for entry in message.batch.entries:
                number = int(entry.data)
                account.come += 1
                account.told += number - last - 1 if gap and last else 0
                if number <= last:
                    account.disorder.append(f"{number} after {last}")
                elif number != last + 1 and not gap:
                    account.silence.append(f"{number} after {last}")
                last, gap = number, False
        if last != LINES:  # it is always there
            account.silence.append(f"the end after {last}")
        return account


async def test_a_follower_gets_all_lines_or_a_gap_in_their_place(
    client: Client, host: str, containers: Containers
) -> None:
    """However fast logs are rotated away: lines come in order and once, gaps stand for those lost, and there is an end.

    An engine that is followed skips what was rotated away before it came to it, and says nothing.
    """

    async def follow(driver: str, size: str, files: int, compress: str) -> list[containers_pb2.StreamLogsResponse]:
        options = {"max-size": size, "max-file": str(files), "compress": compress}
        host_config = {"log_config": {"type": driver, "config": options}, "network_mode": "none"}
        container = await containers.start("sh", "-c", SCRIPT, host_config=host_config)
        request = containers_pb2.StreamLogsRequest(host=host, id=container, follow=True)
        return await messages(client.containers.StreamLogs(request))

    logs = await asyncio.gather(*(follow(*settings) for settings in SETTINGS))

    accounts = [Account.of(read) for read in logs]
    for settings, account in zip(SETTINGS, accounts, strict=True):
        print(settings, account)
    ends = {(read[-1].end.reason, read[-1].end.exit_code) for read in logs}
    assert ends == {(containers_pb2.LOG_END_REASON_EXITED, 3)}
    assert not any(account.disorder for account in accounts)
    assert not any(account.silence for account in accounts)
