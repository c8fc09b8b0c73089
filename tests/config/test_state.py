"""The key that the gateway keeps between its runs."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from gateway.config.loading import load
from gateway.config.state import kept_key


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """The second run finds the key of the first; nothing else is left in the directory."""
    directory = tmp_path / "state" / "dockfleet"

    first, second = kept_key(directory), kept_key(directory)

    assert first == second
    assert len(first) == 32
    assert [file.name for file in directory.iterdir()] == ["resume.key"]
    assert stat.S_IMODE((directory / "resume.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_gateways_that_start_at_the_same_time_agree_on_one_key(tmp_path: Path) -> None:
    """None of them overwrites, or reads half of, the key of another."""
    barrier = Barrier(16)

    def start(_: int) -> bytes:
        barrier.wait()
        return kept_key(tmp_path / "state")

    with ThreadPoolExecutor(16) as threads:
        keys = set(threads.map(start, range(16)))

    assert keys == {(tmp_path / "state/resume.key").read_bytes()}


def test_a_key_that_is_too_short_is_not_used(tmp_path: Path) -> None:
    """A short key could be guessed; the error says what to do."""
    (tmp_path / "resume.key").write_bytes(b"short")

    with pytest.raises(OSError, match=r"resume\.key has fewer than 16 bytes: remove it"):
        kept_key(tmp_path)


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """The caller decides what to do without a key."""
    (tmp_path / "file").write_text("")

    with pytest.raises(OSError, match="Not a directory"):
        kept_key(tmp_path / "file" / "state")


@pytest.mark.parametrize(
    ("environ", "directory"),
    [
        ({"STATE_DIRECTORY": "/var/lib/dockfleet:/var/lib/other", "HOME": "/home/me"}, "/var/lib/dockfleet"),
        ({"XDG_STATE_HOME": "/home/me/.state", "HOME": "/home/me"}, "/home/me/.state/dockfleet"),
        ({"HOME": "/home/me"}, "/home/me/.local/state/dockfleet"),
        ({"DOCKFLEET_STATE_DIRECTORY": "/srv/state", "STATE_DIRECTORY": "/var/lib/dockfleet"}, "/srv/state"),
    ],
)
def test_the_state_directory_is_where_the_system_keeps_such_things(environ: dict[str, str], directory: str) -> None:
    """systemd's directory, else the user's, unless the configuration says otherwise."""
    assert load([], environ).state_directory == Path(directory)


def test_without_a_home_there_is_no_state_directory() -> None:
    """Nothing is written into the working directory."""
    assert load([], {}).state_directory is None
