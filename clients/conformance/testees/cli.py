"""The testee of the command line: it runs `dockfleet`, and prints what that prints in the form of a testee.

The command line asks the fleet where others ask a host, and sends default values.  So it plays what its file names;
its own tests show the rest.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

CANNOT = 3


def dockfleet(*arguments: str) -> list[str]:
    """Return the command line of the client."""
    return [sys.executable, "-m", "dockfleet.cli", *arguments]


def say(*words: object) -> None:
    """Print a line at once."""
    print(*words, flush=True)


def hosts() -> int:
    """Print the hosts."""
    done = subprocess.run(dockfleet("hosts", "--json"), stdout=subprocess.PIPE, text=True, check=False)
    for line in done.stdout.splitlines():
        host = json.loads(line)
        say("host", host["name"], str(host["state"]).removeprefix("HOST_STATE_"))
    return done.returncode


def logs(host: str, container: str, count: str) -> int:
    """Follow a log."""
    left = int(count) or sys.maxsize
    with subprocess.Popen(
        dockfleet("logs", "-f", "--no-prefix", f"{host}/{container}"), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            say("line stdout", line.rstrip("\n"))
            left -= 1
            if not left:
                process.terminate()
                return 0
        return process.wait()


COMMANDS: dict[str, Callable[..., int]] = {"hosts": hosts, "logs": logs}

if __name__ == "__main__":
    command = COMMANDS.get(sys.argv[1])
    sys.exit(command(*sys.argv[2:]) if command else CANNOT)
