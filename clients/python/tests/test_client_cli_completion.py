"""Completion as its user has it: TAB, in a shell on a terminal."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import hosts_pb2 as hosts

from clients.python.tests.scripted_gateway import Gateway

if sys.platform == "win32":
    pytest.skip("there are no pseudo terminals", allow_module_level=True)

STARTS = {  # a shell without its user's files, and what it reads first
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(dockfleet completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit; compinit -u -D; eval "$(dockfleet completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "dockfleet completion fish | source"),
}
LONG = "registry.example.org:5000/team/app"
COMPLETED = {  # what is typed before TAB, and the line then
    "dockfleet resta": "dockfleet restart",
    "dockfleet ps -H no": "dockfleet ps -H north",
    "dockfleet logs we": "dockfleet logs web",
    "dockfleet logs north/we": "dockfleet logs north/web",
    "dockfleet images shop:1.4": "dockfleet images shop:1.4-alpine",
    f"dockfleet images {LONG}:": f"dockfleet images {LONG}:2",
    "dockfleet run --volume-d": "dockfleet run --volume-driver",
}
BYTES = 1 << 16
PATIENCE_SECONDS = 120  # after which a test has failed
CONTROLS = re.compile(r"\x1b(\[[0-9;?>=]*[a-zA-Z]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>])|[\r\x00\x0f]")


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, controller: int) -> None:
        self._controller = controller

    def type(self, keys: str) -> None:
        os.write(self._controller, keys.encode())

    def until(self, expected: str) -> str:
        """Wait until a line is *expected*, a pattern, and return what it matches."""
        seen = ""
        while (found := re.search(f"^{expected}$", CONTROLS.sub("", seen), re.MULTILINE)) is None:
            assert select.select([self._controller], [], [], PATIENCE_SECONDS)[0], f"there is no {expected} in {seen!r}"
            seen += os.read(self._controller, BYTES).decode(errors="replace")
        return found[0]


@contextmanager
def terminal(command: list[str], variables: dict[str, str]) -> Iterator[Terminal]:
    """Run *command* as the session of a terminal."""
    import fcntl
    import struct
    import termios

    controller, its_end = os.openpty()
    fcntl.ioctl(its_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
    shell = subprocess.Popen(
        command,
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        env=variables,
    )
    os.close(its_end)
    try:
        yield Terminal(controller)
    finally:
        shell.kill()
        shell.wait()
        os.close(controller)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A directory with the program `dockfleet`, as an installation has it."""
    file = tmp_path / "bin/dockfleet"
    file.parent.mkdir()
    file.write_text(f"#!{sys.executable}\nfrom dockfleet.cli import main\nmain()\n")
    file.chmod(0o755)
    return file.parent


@pytest.fixture
def named(gateway: Gateway) -> Gateway:
    """A gateway that knows a host, a container and images."""
    gateway.on("ListHosts", hosts.ListHostsResponse(hosts=[{"name": "north"}, {"name": "south"}]))
    found: dict[str, Any] = {"host": "north", "containers": [{"id": "f" * 64, "names": ["/web"]}]}
    gateway.on("fleet.FindContainers", [pb.FindContainersResponse(answers=[found])])
    images = {"images": [{"repo_tags": ["shop:1.4-alpine", "shop:1.5", f"{LONG}:2"]}]}
    gateway.on("fleet.ListImages", [pb.ListImagesResponse(answers=[{"host": "north", "response": images}])])
    return gateway


@pytest.mark.parametrize("shell", STARTS)
def test_tab_completes_commands_options_and_names(named: Gateway, program: Path, tmp_path: Path, shell: str) -> None:
    """Names with slashes and colons too, which shells take for several words."""
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    command, start = STARTS[shell]
    variables = {
        **os.environ,
        "PATH": f"{program}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TERM": "xterm",
        "DOCKFLEET_ADDRESS": named.address,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    lines = {}
    with terminal(command, variables) as on_terminal:
        on_terminal.type(f"{start}; echo re''ady\n")
        on_terminal.until("ready")
        for number, typed in enumerate(COMPLETED):
            on_terminal.type(f"{typed}\t\x01echo line-{number}: \x05\n")
            lines[typed] = on_terminal.until(f"line-{number}: .*").partition(": ")[2].rstrip()

    assert lines == COMPLETED
