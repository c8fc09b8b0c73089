"""Documents and files that are made to harm who reads them: hosts come from etcd, and name files of their own."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config.contexts import discover
from gateway.config.documents import MAX_BYTES, Document, read, read_any
from gateway.config.hosts import host_in, hosts_in
from gateway.config.problems import ConfigError
from gateway.config.settings import DockerConfiguration, HostSettings

Make = Callable[[Path], object]
ADDRESS = "address: unix:///x\n"
ALIASES = "a: &a0 [x, x]\n" + "".join(f"k{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 32))
MERGED = "k0: &a0 {x: y}\n" + "".join(f"k{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 32))


def pipe(path: Path) -> None:
    """A pipe to which nobody writes."""
    os.mkfifo(path)


def device(path: Path) -> None:
    """A file without end."""
    path.symlink_to("/dev/zero")


def holes(path: Path) -> None:
    """A file that takes no room on the disk, and more than there is in memory."""
    with path.open("wb") as file:
        file.truncate(1 << 33)


FILES = pytest.mark.parametrize("make", [pipe, device, holes])


@pytest.mark.parametrize(
    "text",
    [
        "address: !!bool maybe",
        "address: !!timestamp tomorrow",
        "address: !!int ''",
        "address: !!float x",
        "address: 2024-99-99",
        "address: &itself [*itself]",
        "&itself {a: *itself}",
        "a: &itself [*itself]",
        "a: &a [&b [*a], *b]",
        "&a {<<: *a}",
        "[" * 100_000,
        "- " * 5000,
        "\0",
    ],
)
def test_what_is_no_document_is_refused(text: str) -> None:
    """Whatever the parser thinks of it."""
    with pytest.raises(ConfigError):
        hosts_in(Document(text, "file x"), Path("/"))


@pytest.mark.parametrize("bomb", [ALIASES, MERGED])
def test_aliases_that_repeat_much_are_refused(bomb: str) -> None:
    """Some lines of text would be 4,294,967,296 values."""
    with pytest.raises(ConfigError, match="aliases repeat too much"):
        Document(ADDRESS + bomb, "key hosts/a")


def test_an_alias_is_what_it_names() -> None:
    """Also several times."""
    document = Document("- &a {name: a, address: 'unix:///x'}\n- {<<: *a, name: b}\n", "file x")

    assert [host.name for host in hosts_in(document, Path("/"))] == ["a", "b"]


def test_many_keys_are_read_in_time() -> None:
    """Each key is compared once: 50,000 keys take as long as 50,000 values."""
    text = "".join(f"key{number}: x\n" for number in range(50_000))
    with pytest.raises(ConfigError, match="49981 more problems"):  # one of them is the address that is missing
        host_in(Document(text, "key hosts/a"), "a")


def test_json_that_is_no_yaml_has_no_places_in_messages() -> None:
    """A tab is a blank in JSON only."""
    with pytest.raises(ConfigError, match=r"^key hosts/a: adress is unknown"):
        host_in(Document('{"address": "unix:///x",\n\t"adress": 1}', "key hosts/a"), "a")


@FILES
def test_only_regular_files_are_read(tmp_path: Path, make: Make) -> None:
    """A pipe would block, and the others have no end."""
    file = tmp_path / "x.yaml"
    make(file)
    with pytest.raises(ConfigError, match=f"it is no regular file|it has more than {MAX_BYTES} bytes"):
        read(file)


@FILES
@pytest.mark.parametrize("key", ["tls: {ca: %s}", "tls: {ca: %s, certificate: %s, key: %s}"])
def test_a_host_cannot_name_such_a_file(tmp_path: Path, make: Make, key: str) -> None:
    """Whoever writes to etcd cannot stop the gateway by that."""
    file = tmp_path / "x"
    make(file)
    text = f"address: tcp://127.0.0.1:1\n{key.replace('%s', str(file))}"
    with pytest.raises(ConfigError, match=r"cannot be read: it is no regular file|cannot be read: it has more than"):
        host_in(Document(text, "key hosts/a"), "a")


@FILES
def test_a_host_cannot_name_such_a_file_for_ssh(tmp_path: Path, make: Make) -> None:
    """Nor there."""
    file = tmp_path / "x"
    make(file)
    text = f"address: ssh://me@north\nssh: {{identity_file: {file}, known_hosts_file: {file}}}"
    with pytest.raises(ConfigError, match="cannot be read"):
        host_in(Document(text, "key hosts/a"), "a")


def test_a_configuration_can_be_a_pipe(tmp_path: Path) -> None:
    """A shell makes one of `<(command)`."""
    os.mkfifo(tmp_path / "x")
    writer = threading.Thread(target=(tmp_path / "x").write_text, args=("a: b",))
    writer.start()
    document = read_any(tmp_path / "x")
    writer.join()

    assert document.value == {"a": "b"}


@pytest.mark.parametrize(
    "make",
    [
        pipe,
        device,
        holes,
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_text("{"),
        lambda path: path.write_bytes(b"\xff"),
        lambda path: path.symlink_to(path),
        lambda path: path.write_text(json.dumps({"Name": ["x"], "Endpoints": {"docker": {"Host": 7}}})),
        lambda path: path.write_text(json.dumps({"Name": {"x": 1}, "Endpoints": []})),
        lambda path: path.write_text(json.dumps({"Name": "\x1b", "Endpoints": {"docker": {"Host": "\x1b"}}})),
    ],
)
def test_a_docker_context_that_is_none_is_left_out(tmp_path: Path, make: Make) -> None:
    """The others are served."""
    for name in ("bad", "good"):
        (tmp_path / "contexts" / "meta" / name).mkdir(parents=True)
    good = {"Name": "good", "Endpoints": {"docker": {"Host": "unix:///x"}}}
    (tmp_path / "contexts/meta/good/meta.json").write_text(json.dumps(good))
    make(tmp_path / "contexts/meta/bad/meta.json")

    found = discover(DockerConfiguration(tmp_path, "", None, alone=False))

    assert found.hosts == (HostSettings(name="good", address="unix:///x"),)
    assert [type(text) for entry in found.left_out for text in entry] in ([], [str, str])
