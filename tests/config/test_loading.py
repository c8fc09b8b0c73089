"""The configuration: what it accepts, where it looks, and what it says when it refuses."""

import hashlib
import json
import re
import ssl
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from cryptography.hazmat.primitives import serialization
from pydantic import ValidationError

from gateway.config.keys import reference
from gateway.config.loading import ConfigError, load
from gateway.config.settings import HostSettings, Settings
from gateway.config.tls import client_context

EXAMPLE = Path(__file__).parents[2] / "deploy/dockfleet.example.yaml"


def refusal(argv: Sequence[str] = (), environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as refused:
        load(argv, environ or {})
    return str(refused.value)


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """A function that writes the configuration file and returns the flags that name it."""

    def write(content: str | dict[str, Any]) -> list[str]:
        path = tmp_path / "dockfleet.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return ["--config", str(path)]

    return write


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates under the names that docker gives them, and the key of another certificate."""
    folder = tmp_path_factory.mktemp("pki")
    authority = trustme.CA()
    issued = authority.issue_cert("engine.example")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    authority.issue_cert("other.example").private_key_pem.write_to_path(folder / "other.pem")
    return folder


def tls_flags(pki: Path, key: str = "key.pem") -> list[str]:
    return ["--tls-certificate", str(pki / "cert.pem"), "--tls-key", str(pki / key)]


class Contexts:
    """A docker configuration folder with contexts, as the docker command writes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"DOCKER_CONFIG": str(folder)}

    def add(self, name: str, address: str, pki: Path | None = None) -> None:
        folder = hashlib.sha256(name.encode()).hexdigest()
        meta = self.folder / "contexts" / "meta" / folder / "meta.json"
        meta.parent.mkdir(parents=True)
        meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": address}}}))
        if pki:
            tls = self.folder / "contexts" / "tls" / folder / "docker"
            tls.mkdir(parents=True)
            for file in ("ca.pem", "cert.pem", "key.pem"):
                (tls / file).write_bytes((pki / file).read_bytes())


@pytest.fixture
def contexts(tmp_path: Path) -> Contexts:
    return Contexts(tmp_path / "docker")


def places(settings: Settings) -> dict[str, str]:
    return {host.name: host.address for host in settings.all_hosts}


# Three places, one order


def test_with_nothing_configured_the_local_engine_is_served_on_loopback_only() -> None:
    """With nothing configured, gRPC and metrics are on loopback and the one host is the local socket."""
    settings = load([], {})

    assert settings.listen == "127.0.0.1:50051"
    assert settings.metrics_listen == "127.0.0.1:9464"
    assert settings.tls is None
    assert places(settings) == {"local": "unix:///var/run/docker.sock"}
    assert settings.source == "local socket"


def test_a_flag_beats_a_variable_which_beats_the_file_which_beats_the_default(file: Any) -> None:
    """A flag beats a variable, a variable beats the file, the file beats the default: key by key."""
    flags = file({"limits": {"read_timeout_seconds": 1, "write_timeout_seconds": 1, "long_timeout_seconds": 1}})
    variables = {"DOCKFLEET_LIMITS__READ_TIMEOUT_SECONDS": "2", "DOCKFLEET_LIMITS__WRITE_TIMEOUT_SECONDS": "2"}

    limits = load([*flags, "--limits-read-timeout-seconds", "3"], variables).limits

    assert (limits.read_timeout_seconds, limits.write_timeout_seconds, limits.long_timeout_seconds) == (3, 2, 1)
    assert limits.connect_timeout_seconds == 2.0


def test_hosts_of_a_stronger_place_replace_all_hosts_of_a_weaker_one(file: Any) -> None:
    """Hosts given as flags replace the variable's, and those replace the file's: lists are not mixed."""
    flags = file({"hosts": [{"name": "a", "address": "unix:///a"}]})
    variables = {"DOCKFLEET_HOSTS": "b=unix:///b,c=tcp://localhost:2375"}

    assert places(load(flags, {})) == {"a": "unix:///a"}
    assert load(flags, {}).source == f"file {flags[1]}"
    assert places(load(flags, variables)) == {"b": "unix:///b", "c": "tcp://localhost:2375"}
    assert load(flags, variables).source == "DOCKFLEET_HOSTS"
    assert places(load([*flags, "--host", "d=unix:///d", "--host=e=ssh://me@e"], variables)) == {
        "d": "unix:///d",
        "e": "ssh://me@e",
    }
    assert load(["--host", "d=unix:///d"], {}).source == "--host"


def test_the_file_may_be_named_by_a_variable(file: Any) -> None:
    """`DOCKFLEET_CONFIG` names the file where no flag does."""
    _, path = file({"log_level": "debug"})

    assert load([], {"DOCKFLEET_CONFIG": path}).log_level == "debug"


def test_a_host_that_needs_more_than_an_address_can_be_given_in_every_place(file: Any) -> None:
    """In a flag and in a variable, a host may be its YAML mapping."""
    host = "{name: lab, address: 'tcp://10.0.0.5:2375', insecure: true, labels: {rack: '7'}}"
    expected = (HostSettings(name="lab", address="tcp://10.0.0.5:2375", insecure=True, labels={"rack": "7"}),)

    assert load(file(f"hosts: [{host}]"), {}).hosts == expected
    assert load(["--host", host], {}).hosts == expected
    assert load([], {"DOCKFLEET_HOSTS": host}).hosts == expected
    assert load([], {"DOCKFLEET_HOSTS": f"[{host}]"}).hosts == expected


def test_a_section_that_is_all_comments_is_as_good_as_absent(file: Any) -> None:
    """An empty file, and a file whose sections are empty, give the defaults."""
    for text in ("", "limits:\ntls:\nhosts:\n  # - name: a\n"):
        assert load(file(text), {}).model_copy(update={"file": None}) == load([], {})


def test_an_empty_list_of_hosts_is_an_empty_fleet(file: Any, contexts: Contexts) -> None:
    """A template that rendered to nothing does not offer the gateway's own machine; only an absent key does."""
    contexts.add("found", "unix:///found")

    assert load(file("hosts: []"), contexts.environ).hosts == ()
    assert load([], contexts.environ | {"DOCKFLEET_HOSTS": ""}).hosts == ()
    assert places(load(file("hosts:"), contexts.environ)) == {"found": "unix:///found"}
    assert load(file("hosts: []"), {}).warnings == ["the fleet has no hosts: the list of hosts is empty"]


def test_two_hosts_with_one_address_are_warned_about() -> None:
    """The warning has both names: objects at the address are listed and counted twice."""
    settings = load(["--host", "a=unix:///x", "--host", "b=unix:///y", "--host", "c=unix:///x"], {})

    assert [warning.partition(":")[0] for warning in settings.warnings] == ["hosts a and c have the same address unix"]


def test_paths_in_the_file_are_relative_to_it_and_others_to_the_working_directory(
    file: Any, pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit without a working directory finds what is beside its file."""
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).write_bytes((pki / name).read_bytes())
    (tmp_path / "resume.key").write_bytes(bytes(32))
    tls = {"ca": "ca.pem", "certificate": "cert.pem", "key": "key.pem"}
    flags = file(
        {
            "tls": {"certificate": "cert.pem", "key": str(pki / "key.pem"), "client_ca": "ca.pem"},
            "resume_key": "resume.key",
            "state_directory": "state",
            "hosts": [{"name": "a", "address": "tcp://h:1", "tls": tls}],
        }
    )
    monkeypatch.chdir("/")

    settings = load(flags, {})

    assert settings.tls is not None
    assert settings.hosts[0].tls is not None
    assert settings.tls.certificate == settings.hosts[0].tls.certificate == tmp_path / "cert.pem"
    assert settings.tls.key == pki / "key.pem"
    assert (settings.resume_key, settings.state_directory) == (tmp_path / "resume.key", tmp_path / "state")
    assert load([*flags, "--state-directory", "here"], {}).state_directory == Path("here")
    assert "'resume.key' cannot be read" in refusal([*flags, "--resume-key", "resume.key"])


def test_check_prints_what_would_be_served_and_no_secret(
    file: Any, pki: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` ends well when the gateway would start, and with the refusal when it would not."""
    hosts = [{"name": "a", "address": "ssh://me@h"}, {"name": "b", "address": "ssh://me@h"}]
    flags = file({"hosts": hosts, "tls": {"certificate": str(pki / "cert.pem"), "key": str(pki / "key.pem")}})

    with pytest.raises(SystemExit) as ended:
        load([*flags, "--check"], {"XDG_STATE_HOME": "/state"})

    assert ended.value.code == 0
    said = capsys.readouterr().out
    for words in (
        *(flags[1], "127.0.0.1:50051, TLS", "127.0.0.1:9464", "/state/dockfleet/resume.key"),
        *("2, from file", "ssh://me@h", "hosts a and b have the same address", "every client can call"),
    ):
        assert words in said
    assert "PRIVATE KEY" not in said
    assert refusal(["--check", "--listen", "x"]).startswith("--listen 'x' is not")


def test_the_example_is_a_configuration(pki: Path, tmp_path: Path) -> None:
    """The example in deploy/ is accepted as it is, and with all that is commented out in it."""
    text = EXAMPLE.read_text()
    for name in ("server.pem", "gateway.pem"):
        (tmp_path / name).write_bytes((pki / "cert.pem").read_bytes())
    for name in ("server-key.pem", "gateway-key.pem"):
        (tmp_path / name).write_bytes((pki / "key.pem").read_bytes())
    (tmp_path / "ca.pem").write_bytes((pki / "ca.pem").read_bytes())
    for name in ("resume.key", "lab-key", "lab-hosts"):
        (tmp_path / name).write_bytes(bytes(32))
    whole = tmp_path / "whole.yaml"
    whole.write_text(re.sub(r"^#(?=[a-z]| {2,}[a-z-])", "", text, flags=re.MULTILINE))  # prose has one space

    plain = load(["--config", str(EXAMPLE)], {})
    full = load(["--config", str(whole)], {})

    assert set(places(plain)) == {"north"}
    assert set(places(full)) == {"north", "south", "lab"}


# Sources of hosts


def test_a_source_is_configured_in_every_place(file: Any, tmp_path: Path) -> None:
    """Lists have commas in flags and variables; a path of the file is relative to its directory."""
    etcd = {"endpoints": ["127.0.0.1:2379", "localhost:2380"]}
    flags = file({"sources": {"etcd": etcd, "directory": "hosts.d", "poll_interval_seconds": 1}})
    variables = {"DOCKFLEET_SOURCES__ETCD__ENDPOINTS": "127.0.0.1:2379, localhost:2380"}

    sources = load(flags, {}).sources

    assert sources.directory == tmp_path / "hosts.d"
    assert sources.etcd is not None
    assert sources.etcd == load([], variables).sources.etcd
    assert sources.etcd == load(["--sources-etcd-endpoints", "127.0.0.1:2379,localhost:2380"], {}).sources.etcd
    mixed = load([*flags, "--sources-etcd-prefix", "/lab/"], {"DOCKFLEET_SOURCES__CONSUL__SERVICE": "docker"}).sources
    assert mixed.etcd is not None
    assert (mixed.etcd.prefix, mixed.etcd.endpoints) == ("/lab/", sources.etcd.endpoints)
    assert mixed.consul is not None
    assert mixed.poll_interval_seconds == 1


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"discovery": {"etcd": {}}}, "discovery.etcd.endpoints: is missing: name the servers, or configure sources"),
        ({"discovery": {"etcd": {"user": "x", "password_file": __file__}}}, "no endpoints: give it endpoints"),
        ({"discovery": {"etcd": {"endpoints": ["10.0.0.1:1"]}}}, "in plaintext beyond this machine"),
        ({"discovery": {"consul": {"address": "10.0.0.1:8500"}}}, "in plaintext beyond this machine"),
        ({"discovery": {"consul": {}}, "inventory": False}, "discovery: needs the inventory"),
        ({"discovery": {"labels": ["=shop"]}}, "discovery.labels"),
        ({"discovery": {"services": []}}, "discovery.services"),
        ({"discovery": {"absence_timeout_seconds": 1}}, "discovery.absence_timeout_seconds"),
    ],
)
def test_a_catalog_that_is_not_right_is_refused(file: Any, keys: dict[str, Any], words: str) -> None:
    """With its key and the remedy."""
    assert words in refusal(file(keys))


def test_endpoints_are_written_to_the_etcd_of_the_hosts_or_to_another(
    file: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` says where."""
    hosts = {"sources": {"etcd": {"endpoints": ["127.0.0.1:1"]}}}
    for etcd, place in (({}, "127.0.0.1:1"), ({"endpoints": ["127.0.0.1:2"]}, "127.0.0.1:2")):
        with pytest.raises(SystemExit):
            load([*file(hosts | {"discovery": {"etcd": etcd}}), "--check"], {})

        words = " ".join(capsys.readouterr().out.split())
        assert f"endpoints to etcd {place}, below /dockfleet-services/" in words


def test_contexts_are_looked_for_when_nothing_else_is_configured_or_on_request(contexts: Contexts) -> None:
    """A source is enough not to look for them; the local socket is no context."""
    contexts.add("edge", "unix:///edge.sock")
    consul = ["--sources-consul-service", "docker"]

    assert places(load([], contexts.environ)) == {"edge": "unix:///edge.sock"}
    assert places(load(consul, contexts.environ)) == {}
    assert places(load([*consul, "--sources-contexts"], contexts.environ)) == {"edge": "unix:///edge.sock"}
    assert places(load([*consul, "--sources-contexts"], {})) == {}
    assert places(load(["--no-sources-contexts"], contexts.environ)) == {}
    assert places(load(["--sources-contexts"], contexts.environ)) == {"edge": "unix:///edge.sock"}
    assert places(load(["--sources-contexts"], {"DOCKER_CONFIG": "/nowhere"})) == {}
    both = load(["--host", "a=unix:///a", "--sources-contexts"], contexts.environ)
    assert places(both) == {"a": "unix:///a", "edge": "unix:///edge.sock"}
    assert both.source == f"--host and docker contexts of {contexts.folder}"


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"etcd": {}}, "sources.etcd.endpoints is missing"),
        ({"etcd": {"endpoints": []}}, "should have at least 1 item"),
        (
            {"etcd": {"endpoints": ["etcd.example:2379"]}},
            "would ask etcd.example:2379 in plaintext beyond this machine",
        ),
        ({"etcd": {"endpoints": ["127.0.0.1"]}}, "is not host:port"),
        ({"etcd": {"endpoints": ["[::1]:1"], "user": "x"}}, "needs user and password_file together"),
        ({"etcd": {"endpoints": ["[::1]:1"], "prefix": "fleet"}}, "sources.etcd.prefix"),
        ({"consul": {"service": "docker", "address": "10.0.0.1:8500"}}, "in plaintext beyond this machine"),
        ({"dns": {"name": "example"}}, "sources.dns.name"),
        ({"dns": {"name": "a.example.com", "servers": ["ns.example.com:53"]}}, "is not an IP address with a port"),
        ({"consol": {}}, "sources.consol is unknown; did you mean sources.consul?"),
    ],
)
def test_a_source_that_is_not_right_is_refused(file: Any, sources: dict[str, Any], words: str) -> None:
    """With its key and the remedy."""
    assert words in refusal(file({"sources": sources}))


def test_a_certificate_may_be_the_text_itself(file: Any, pki: Path) -> None:
    """No part of it is shown."""
    texts = {name: (pki / f"{file}.pem").read_text() for name, file in (("ca", "ca"), ("certificate", "cert"))}
    host = {"name": "lab", "address": "tcp://10.0.0.5:2376"}
    key = (pki / "key.pem").read_text()

    tls = load(file({"hosts": [host | {"tls": texts | {"key": key}}]}), {}).hosts[0].tls
    wrong = refusal(file({"hosts": [host | {"tls": texts | {"key": (pki / "other.pem").read_text()}}]}))

    assert tls is not None
    client_context(tls)
    assert "PRIVATE" not in repr(tls)
    assert list(tls.files()) == []
    assert "has a key that does not belong to its certificate" in wrong
    assert "PRIVATE" not in wrong


@pytest.mark.parametrize("off", ["off", '""', "'off'"])
def test_metrics_can_be_switched_off(file: Any, off: str) -> None:
    """`off`, which YAML reads as a boolean, and the empty string switch metrics off, in every place."""
    assert load(file(f"metrics_listen: {off}"), {}).metrics_listen is None
    assert load([], {"DOCKFLEET_METRICS_LISTEN": off.strip("\"'")}).metrics_listen is None


def test_settings_are_frozen() -> None:
    """Nothing can change the settings once they are read."""
    settings = load([], {})

    with pytest.raises(ValidationError, match="frozen"):
        settings.listen = "0.0.0.0:1"
    with pytest.raises(ValidationError, match="frozen"):
        settings.limits.read_timeout_seconds = 1


# Refusals


@pytest.mark.parametrize(
    ("content", "key", "remedy"),
    [
        ({"lisen": "127.0.0.1:1"}, "lisen", "listen"),
        ({"limit": {}}, "limit", "limits"),
        ({"limits": {"answer_byte": 1}}, "limits.answer_byte", "limits.max_response_bytes"),
        ({"max_response_bytes": 1}, "max_response_bytes", "limits.max_response_bytes"),
        ({"hosts": [{"name": "a", "address": "unix:///a", "label": {}}]}, "hosts[0].label", "hosts[].labels"),
    ],
)
def test_an_unknown_key_of_the_file_is_named_with_its_path_and_its_remedy(
    file: Any, content: dict[str, Any], key: str, remedy: str
) -> None:
    """A key the gateway does not know is refused, with its whole path and the key that was probably meant."""
    flags = file(content)

    assert re.sub(r", line \d, column \d", "", refusal(flags)) == (
        f"file {flags[1]}: {key} is unknown; did you mean {remedy}?"
    )


def test_what_is_wrong_in_the_file_is_named_with_its_line_and_column(file: Any) -> None:
    """A part that is missing, with those of what should have it."""
    flags = file("hosts:\n  - {name: a, address: 'unix:///a'}\n  - name: b\n    adress: unix:///b\n")

    missing, unknown = refusal(flags).splitlines()

    assert missing.startswith(
        f"file {flags[1]}, line 3, column 5: hosts[1].address is missing; it is: Address of its engine"
    )
    assert unknown == f"file {flags[1]}, line 4, column 5: hosts[1].adress is unknown; did you mean hosts[].address?"


def test_unknown_variables_and_flags_are_refused() -> None:
    """A misspelt variable or flag is refused too; a flag's value, which may be a secret, is not repeated."""
    assert refusal([], {"DOCKFLEET_LISEN": "x"}) == "DOCKFLEET_LISEN is unknown; did you mean DOCKFLEET_LISTEN?"
    assert refusal(["--lisen=hunter2"]) == "--lisen is unknown; did you mean --listen?"
    assert refusal(["--list", "x"]) == "--list is unknown; did you mean --listen?"
    assert refusal([], {"DOCKFLEET_SOURCE": "x"}).startswith("DOCKFLEET_SOURCE is unknown")


def test_variables_that_kubernetes_sets_for_a_service_are_not_ours() -> None:
    """A Service called dockfleet puts DOCKFLEET_… variables into every pod of its namespace; they are ignored."""
    links = {
        "DOCKFLEET_SERVICE_HOST": "10.0.0.1",
        "DOCKFLEET_SERVICE_PORT": "50051",
        "DOCKFLEET_SERVICE_PORT_GRPC": "50051",
        "DOCKFLEET_PORT": "tcp://10.0.0.1:50051",
        "DOCKFLEET_PORT_50051_TCP_ADDR": "10.0.0.1",
    }

    assert load([], links) == load([], {})
    assert "DOCKFLEET_PORT is unknown" in refusal([], {"DOCKFLEET_PORT": "50051"})


def test_a_wrong_value_is_refused_with_its_place_its_value_and_what_it_should_be(file: Any) -> None:
    """A wrong value is refused in words that name where it was written, the value, and what is right."""
    flags = file({"log_level": "loud"})

    assert refusal(flags).startswith(f"file {flags[1]}, line 1, column 1: log_level 'loud' should be 'debug', 'info', ")
    assert refusal([], {"DOCKFLEET_LIMITS__MAX_RESPONSE_BYTES": "1"}).startswith(
        "DOCKFLEET_LIMITS__MAX_RESPONSE_BYTES '1' should be greater than or equal to 65536; it is: Bytes of"
    )
    assert refusal(["--drain-timeout-seconds", "-1"]).startswith(
        "--drain-timeout-seconds '-1' should be greater than or equal to 0;"
    )
    assert "'nan' should be a finite number" in refusal(["--limits-read-timeout-seconds", "nan"])
    assert refusal(["--listen"]) == "argument --listen: expected one argument; see --help"


def test_one_refusal_has_all_that_is_wrong() -> None:
    """Every wrong value has its line in one refusal."""
    variables = {"DOCKFLEET_LOG_FORMAT": "xml", "DOCKFLEET_REFLECTION": "maybe"}

    lines = refusal(["--listen", "here"], variables).splitlines()

    assert {line.split()[0] for line in lines} == {"--listen", "DOCKFLEET_LOG_FORMAT", "DOCKFLEET_REFLECTION"}


@pytest.mark.parametrize(
    "address",
    [
        *("tcp://h", "tcp://h:99999", "tcp://[:::]:1", "tcp://u@h:1", "tcp://h:1\n"),
        *("unix://a", "unix:///a,b=unix:///b", "http://h:1", "h:2375", ""),
        *("ssh://", "ssh://h/", "ssh://h/a b", "ssh://h/a?b", "ssh://-oProxyCommand=x", "ssh://-u@h"),
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """It is unix:///path, tcp://host:port or ssh://user@host[:port][/path]; no part can pass for an option."""
    text = refusal(["--host", json.dumps({"name": "a", "address": address})])

    assert text.endswith("is not unix:///path, tcp://host:port or ssh://user@host[:port][/path]")
    assert text.startswith("--host: hosts[0].address ")


@pytest.mark.parametrize("listen", ["50051", ":50051", "127.0.0.1", "127.0.0.1:65536", "unix:x", "*:1", ""])
def test_a_listening_address_that_is_none_is_refused(listen: str) -> None:
    """The listener's address is host:port, [ipv6]:port or unix:///path."""
    assert "is not host:port, [ipv6]:port or unix:///path" in refusal(["--listen", listen])


def test_two_hosts_cannot_share_a_name() -> None:
    """A host's name is unique, and of letters that are safe everywhere."""
    text = refusal(["--host", "a=unix:///a", "--host", "a=unix:///b"])

    assert text == "--host: hosts[1].name 'a' is also the name of hosts[0]: give each host its own name"
    assert "'A b' should match pattern" in refusal(["--host", "A b=unix:///a"])
    assert refusal(["--host", "unix:///a"]) == "--host: 'unix:///a' is not name=address"


def test_a_repeated_name_is_found_in_the_file(file: Any) -> None:
    """The refusal has the line of the second host, and names the first one."""
    flags = file(
        "hosts:\n- {name: a, address: 'unix:///a'}\n- name: b\n  address: unix:///b\n- address: unix:///c\n  name: b\n"
    )

    text = refusal(flags)

    assert text.startswith(f"file {flags[1]}, line 6, column 3: hosts[2].name 'b' is also the name of hosts[1]: ")


def test_a_file_that_cannot_be_read_or_is_no_yaml_is_refused_without_quoting_it(file: Any, tmp_path: Path) -> None:
    """The error has the line of the file, and not the text there, which may hold a secret."""
    flags = file("listen: 127.0.0.1:1\npassword: 'hunter2\nlog_level: info\n")

    assert refusal(["--config", str(tmp_path / "no.yaml")]).endswith("cannot be read: No such file or directory")
    assert refusal(flags).startswith(f"file {flags[1]}, line 4, column 1: invalid YAML: found unexpected end of stream")
    assert "hunter2" not in refusal(flags)
    assert refusal(file("- a")).endswith("should be a mapping of keys to values")
    assert refusal(file("tls: 5")).endswith("tls 5 should be a mapping of keys to values")
    assert refusal(file("listen: 2024-13-45")).endswith("not text, or an impossible date or number")
    assert refusal(["--config", sys.executable]).endswith("is not UTF-8 text")
    for text in ("[" * 5000, '{"a":' * 5000):
        assert refusal(file(text)).endswith("nested too deep")
    assert "line 2, column 1: invalid YAML: hosts is given twice" in refusal(file("hosts: []\nhosts: []\n"))


def test_secrets_are_not_shown(file: Any) -> None:
    """No refusal repeats an address's login, key material given for a file's path, or an unknown key's value."""
    key = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"

    for argv in (
        ["--host", "a=ssh://me:hunter2@h"],
        ["--host", "me:hunter2@h"],
        ["--listen", "me:hunter2@h"],
        ["--tls-key", key, "--tls-certificate", key],
        file({"password": "hunter2", "tls": {"token": "hunter2"}, "limits": ["hunter2"]}),
        file({"hosts": [{"name": "a", "address": "unix:///a", "tls": {"ca": key}}]}),
        file("hosts: {name: a, password: hunter2"),
        file("password: *hunter2"),
        file("password: !hunter2"),
    ):
        with pytest.raises(ConfigError) as refused:
            load(argv, {})
        assert "hunter2" not in str(refused.value)
        assert "hunter2" not in str(refused.value.__cause__)


# Plaintext and TLS


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "127.9.9.9:1", "[::1]:1", "localhost:1", "unix:///run/x.sock"])
def test_plaintext_is_served_on_this_machine(listen: str) -> None:
    """On loopback and on a unix socket, no TLS is asked for."""
    assert load(["--listen", listen], {}).listen == listen


@pytest.mark.parametrize("listen", ["0.0.0.0:50051", "[::]:50051", "10.0.0.1:1", "gateway.example:1"])
def test_plaintext_beyond_this_machine_needs_an_option(pki: Path, listen: str) -> None:
    """Beyond loopback the listener has TLS, or an option says in its name and its help what it risks."""
    text = refusal(["--listen", listen])

    assert text.startswith(f"listen: {listen} offers root on all hosts in plaintext beyond this machine")
    assert "insecure_allow_plaintext_beyond_loopback" in text
    assert load(["--listen", listen, "--insecure-allow-plaintext-beyond-loopback"], {}).listen == listen
    assert load(["--listen", listen, *tls_flags(pki)], {}).listen == listen


def test_clients_must_present_certificates_when_their_authority_is_given(pki: Path) -> None:
    """The listener's TLS is its certificate and key; with the clients' authority, it is mutual."""
    alone = load(tls_flags(pki), {}).tls
    mutual = load(tls_flags(pki), {"DOCKFLEET_TLS__CLIENT_CA": str(pki / "ca.pem")}).tls

    assert alone is not None
    assert (alone.key, alone.client_ca) == (pki / "key.pem", None)
    assert mutual is not None
    assert mutual.client_ca == pki / "ca.pem"


def test_tls_files_that_cannot_work_are_refused_at_start(pki: Path, tmp_path: Path) -> None:
    """Missing files, a key that is not the certificate's, and what is no PEM are found before anything listens."""
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")

    missing = refusal(tls_flags(pki, "nothing.pem"))
    assert missing == f"--tls-key '{pki}/nothing.pem' cannot be read: No such file or directory"
    assert "does not belong to certificate" in refusal(tls_flags(pki, "other.pem"))
    assert "KEY_VALUES_MISMATCH" in refusal(tls_flags(pki, "other.pem"))
    assert "one of them is not PEM" in refusal(tls_flags(pki, "ca.pem"))
    assert refusal([*tls_flags(pki), "--tls-client-ca", str(junk)]).endswith("has no certificate in PEM form")
    assert refusal(["--tls-key", str(pki / "key.pem")]).startswith("tls.certificate is missing; it is: File of")


def test_an_encrypted_key_is_refused_instead_of_asking_the_terminal(pki: Path, tmp_path: Path) -> None:
    """No passphrase is asked for: a service has no one to answer."""
    key = serialization.load_pem_private_key((pki / "key.pem").read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
    )

    text = refusal(["--tls-certificate", str(pki / "cert.pem"), "--tls-key", str(locked)])

    assert "the key is encrypted" in text


def test_an_engine_beyond_this_machine_needs_tls_or_an_option(pki: Path) -> None:
    """A tcp engine elsewhere needs TLS, always with its authority, or `insecure: true`; never both."""
    tls = f"tls: {{ca: {pki}/ca.pem, certificate: {pki}/cert.pem, key: {pki}/key.pem}}"
    host = "name: a, address: 'tcp://10.0.0.5:2376'"

    assert "insecure: true}" in refusal(["--host", "a=tcp://10.0.0.5:2376"])
    assert load(["--host", f"{{{host}, insecure: true}}"], {}).hosts[0].tls is None
    assert load(["--host", f"{{{host}, {tls}}}"], {}).hosts[0].tls is not None
    assert load(["--host", f"{{{host}, tls: {{ca: {pki}/ca.pem}}}}"], {}).hosts[0].tls is not None
    assert "both tls and insecure" in refusal(["--host", f"{{{host}, {tls}, insecure: true}}"])
    assert "hosts[0].tls.ca is missing" in refusal(["--host", f"{{{host}, tls: {{}}}}"])
    assert "together, or neither" in refusal(["--host", f"{{{host}, tls: {{ca: {pki}/ca.pem, key: {pki}/key.pem}}}}"])
    assert "only tcp://" in refusal(["--host", f"{{name: a, address: 'unix:///a', {tls}}}"])


def test_what_proves_who_is_who_by_ssh_is_given_once(pki: Path, file: Any) -> None:
    """A key and known hosts are files, relative to the configuration, or text; only ssh hosts have them."""
    ssh = {"identity_file": "key.pem", "known_hosts": "lab ssh-ed25519 AAAA", "jump_host": "ops@gate:22,gate2"}
    host = {"name": "lab", "address": "ssh://ops@lab:22/run/docker.sock", "ssh": ssh}
    (Path(file({"hosts": [host]})[1]).parent / "key.pem").write_bytes((pki / "key.pem").read_bytes())

    def refused(address: str = "ssh://lab", **changes: Any) -> str:
        return refusal(file({"hosts": [host | {"address": address, "ssh": ssh | changes}]}))

    (found,) = load(file({"hosts": [host]}), {}).hosts
    assert found.ssh is not None
    assert found.ssh.identity_file == Path(file({})[1]).parent / "key.pem"
    assert refusal(file({"hosts": [host | {"address": "unix:///a"}]})).endswith(
        "only ssh:// addresses can use: leave it out"
    )
    assert refused(private_key="-----BEGIN PRIVATE KEY-----").endswith(
        "both identity_file and private_key: leave one out"
    )
    assert refused(known_hosts_file="key.pem").endswith("both known_hosts_file and known_hosts: leave one out")
    assert refused(identity_file=None, private_key="hunter2").endswith("that is not in OpenSSH or PEM format")
    assert "hunter2" not in refused(identity_file=None, private_key="hunter2")
    assert "hosts[0].ssh.jump_host '-oProxyCommand=x' should match pattern" in refused(jump_host="-oProxyCommand=x")
    assert "cannot be read: No such file" in refused(identity_file="nothing.pem")


def test_tls_and_a_file_that_leaks_its_keys_are_not_accepted_together(pki: Path) -> None:
    """With SSLKEYLOGFILE in the environment, a gateway that uses TLS does not start."""
    environ = {"SSLKEYLOGFILE": "/tmp/keys"}

    assert refusal(tls_flags(pki), environ).startswith("SSLKEYLOGFILE is set")
    assert load([], environ) == load([], {})


# Hosts of a machine that configures none


def test_every_docker_context_is_a_host(contexts: Contexts, pki: Path) -> None:
    """With no hosts configured, all docker contexts are, by name, with their TLS files, whichever is current."""
    contexts.add("Lab+1", "ssh://me@lab-1.example:2222")
    contexts.add("edge", "tcp://engine.example:2376", pki)

    settings = load([], contexts.environ)

    assert list(places(settings).items()) == [
        ("edge", "tcp://engine.example:2376"),
        ("lab-1", "ssh://me@lab-1.example:2222"),
    ]
    assert settings.source == f"docker contexts of {contexts.folder}"
    edge = settings.context_hosts[0].tls
    assert edge is not None
    assert isinstance(edge.ca, Path)
    assert isinstance(edge.certificate, Path)
    assert [edge.ca.name, edge.certificate.name] == ["ca.pem", "cert.pem"]
    ssl.create_default_context(cafile=edge.ca)


def test_contexts_are_looked_for_in_the_home_and_never_in_the_working_directory(
    contexts: Contexts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contexts are those of `$DOCKER_CONFIG`, else of `~/.docker`; docker's SDK may take ./contexts for them."""
    contexts.add("edge", "unix:///edge.sock")
    monkeypatch.chdir(contexts.folder)
    home = Contexts(tmp_path / "home" / ".docker")
    home.add("mine", "unix:///mine.sock")

    assert places(load([], {})) == {"local": "unix:///var/run/docker.sock"}
    assert places(load([], {"HOME": str(tmp_path / "home")})) == {"mine": "unix:///mine.sock"}


def test_contexts_that_cannot_be_used_are_left_out_and_named(contexts: Contexts) -> None:
    """One bad context hides no good one, and the log names each that is left out."""
    contexts.add("good", "unix:///good.sock")
    contexts.add("again", "unix:///good.sock")
    contexts.add("windows", "npipe:////./pipe/docker_engine")
    contexts.add("plain", "tcp://10.0.0.5:2375")
    broken = contexts.folder / "contexts" / "meta" / "broken" / "meta.json"
    broken.parent.mkdir()
    broken.write_text("{")

    settings = load([], contexts.environ)

    assert places(settings) == {"again": "unix:///good.sock"}
    for words in (
        "good at unix:///good.sock: another host has this name or address",
        "windows: address 'npipe:////./pipe/docker_engine' is not unix:///path",
        "plain: is in plaintext beyond this machine",
        "meta.json has no docker endpoint",
    ):
        assert words in settings.source


def test_docker_host_joins_the_contexts(contexts: Contexts, pki: Path) -> None:
    """`DOCKER_HOST` is a host called docker-host; with a certificate folder it is TLS, and always verified."""
    contexts.add("edge", "unix:///edge.sock")
    environ = contexts.environ | {"DOCKER_HOST": "tcp://10.0.0.5:2376", "DOCKER_CERT_PATH": str(pki)}

    settings = load([], environ | {"DOCKER_TLS_VERIFY": ""})

    assert places(settings) == {"edge": "unix:///edge.sock", "docker-host": "tcp://10.0.0.5:2376"}
    assert settings.context_hosts[1].tls is not None
    assert settings.context_hosts[1].tls.ca == pki / "ca.pem"
    assert settings.source == f"docker contexts of {contexts.folder} and DOCKER_HOST"
    assert load([], {"DOCKER_HOST": "unix:///x"}).source == "DOCKER_HOST"


def test_a_docker_host_that_cannot_be_used_is_refused(contexts: Contexts) -> None:
    """A `DOCKER_HOST` that is wrong, in plaintext, or without its certificates is an error: it was set on purpose."""
    remote = {"DOCKER_HOST": "tcp://10.0.0.5:2376"}

    assert refusal([], {"DOCKER_HOST": "npipe:////x"}).startswith("DOCKER_HOST: address 'npipe:////x' is not unix:")
    assert refusal([], remote).startswith("DOCKER_HOST: is in plaintext beyond this machine")
    assert refusal([], remote | contexts.environ | {"DOCKER_TLS_VERIFY": "1"}) == (
        f"DOCKER_HOST: tls.ca '{contexts.folder}/ca.pem' cannot be read: No such file or directory"
    )


def test_the_docker_environment_does_not_matter_where_hosts_are_configured(contexts: Contexts) -> None:
    """With hosts configured, neither `DOCKER_HOST` nor any context joins or changes them."""
    contexts.add("edge", "unix:///edge.sock")
    environ = contexts.environ | {"DOCKER_HOST": "junk", "DOCKER_TLS_VERIFY": "1", "HTTPS_PROXY": "http://evil:1"}

    assert places(load(["--host", "a=unix:///a"], environ)) == {"a": "unix:///a"}


# Documentation


def rows() -> list[list[str]]:
    return [[cell.strip(" `") for cell in line.strip("|").split(" | ")] for line in reference().splitlines()[2:]]


def test_the_reference_has_every_key_with_its_variable_its_flag_its_default_and_its_meaning() -> None:
    """The reference is made from the models: every key is in it, and none without a meaning."""
    table = {row[0]: row[1:] for row in rows()}

    assert table["limits.max_response_bytes"][:3] == [
        "DOCKFLEET_LIMITS__MAX_RESPONSE_BYTES",
        "--limits-max-response-bytes",
        "67108864",
    ]
    assert table["hosts"][:2] == ["DOCKFLEET_HOSTS", "--host"]
    assert table["hosts[].tls.server_name"][:2] == ["–", "–"]
    assert all(len(row) == 5 and row[4] for row in rows())


def test_help_explains_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` prints every flag with its meaning, and ends well."""
    with pytest.raises(SystemExit) as ended:
        load(["--help"], {})

    words = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    for _, _, flag, _, meaning in rows():
        assert flag == "–" or (flag in words and meaning in words)


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints the program's name and version, and ends well."""
    with pytest.raises(SystemExit) as ended:
        load(["--version"], {})

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("dockfleet-gateway ")


def test_what_the_reference_lists_is_accepted() -> None:
    """Every variable and every flag of the reference can be given its own default, and changes nothing.

    But for those of a source or a catalog that is not there unless it is configured.
    """
    optional = ("sources.etcd.", "sources.consul.", "sources.dns.", "discovery.etcd.", "discovery.consul.")
    defaults = [row[1:4] for row in rows() if "–" not in row[2:4] and not row[0].startswith(optional)]
    switches = {"true": "--", "false": "--no-"}

    variables = {variable: default for variable, _, default in defaults}
    flags = [f.replace("--", switches[d]) if d in switches else f"{f}={d}" for _, f, d in defaults]

    assert load([], variables) == load([], {})
    assert load(flags, {}) == load([], {})


def test_the_clients_variables_do_not_disturb_the_gateway() -> None:
    """Both are used from one shell."""
    settings = load(
        [], {"DOCKFLEET_ADDRESS": "10.0.0.1:50051", "DOCKFLEET_TLS_CA": "ca.pem", "DOCKER_HOST": "unix:///s"}
    )

    assert settings.listen == "127.0.0.1:50051"
