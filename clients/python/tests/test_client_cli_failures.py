"""How the command line client fails: one line that says what happened and what to do, and an exit code."""

from __future__ import annotations

import json
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from click.testing import CliRunner, Result
from dockfleet.cli.program import dockfleet
from dockfleet.fleet.v1 import fleet_pb2 as fleet
from dockfleet.fleet.v1 import hosts_pb2 as hosts
from dockfleet.v1.common_pb2 import Failure
from dockfleet.v1.containers_pb2 import WaitContainerResponse
from dockfleet.v1.exec_pb2 import ExecRequest, ExecResponse

from clients.python.tests.scripted_gateway import Gateway, fail

Run = Callable[..., Result]


class Pki:
    """Certificates of an authority and of another one, as files."""

    def __init__(self, directory: Path) -> None:
        self.authority, self.other = trustme.CA(), trustme.CA()
        self._directory = directory
        self.ca = self._file("ca", self.authority.cert_pem)
        self.other_ca = self._file("other-ca", self.other.cert_pem)
        self.cert, self.key = self._pair("mine", self.authority)
        self.other_cert, self.other_key = self._pair("theirs", self.other)

    def serve(self, name: str = "127.0.0.1", client_certificates: bool = False) -> tuple[grpc.Server, str]:
        """Return a server with a certificate for *name*, and its address."""
        own = self.authority.issue_cert(name)
        chain = b"".join(part.bytes() for part in own.cert_chain_pems)
        root = self.authority.cert_pem.bytes() if client_certificates else None
        pairs = [(own.private_key_pem.bytes(), chain)]
        server = grpc.server(ThreadPoolExecutor(1))
        port = server.add_secure_port(
            "127.0.0.1:0", grpc.ssl_server_credentials(pairs, root, require_client_auth=client_certificates)
        )
        server.start()
        return server, f"127.0.0.1:{port}"

    def _pair(self, name: str, authority: trustme.CA) -> tuple[str, str]:
        issued = authority.issue_cert(f"{name}@example.org")
        return self._file(name, issued.cert_chain_pems[0]), self._file(f"{name}-key", issued.private_key_pem)

    def _file(self, name: str, pem: trustme.Blob) -> str:
        pem.write_to_path(str(self._directory / name))
        return str(self._directory / name)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


NO_TLS, TLS, MUTUAL, OTHER_NAME = "no TLS", "TLS", "mutual TLS", "a certificate for another name"


@pytest.fixture(scope="module")
def addresses(pki: Pki) -> Iterator[dict[str, str]]:
    """Servers of all kinds."""
    plain = grpc.server(ThreadPoolExecutor(1))
    port = plain.add_insecure_port("127.0.0.1:0")
    plain.start()
    (one, tls), (two, mutual), (three, other) = pki.serve(), pki.serve("127.0.0.1", True), pki.serve("example.org")
    yield {NO_TLS: f"127.0.0.1:{port}", TLS: tls, MUTUAL: mutual, OTHER_NAME: other}
    for server in (plain, one, two, three):
        server.stop(None).wait()


NO_CONNECTION = [  # the server, the files that the client has, and what it says
    (TLS, {}, "it closed the connection at once and may require TLS: see --tls and --tls-ca"),
    (MUTUAL, {"ca": "ca"}, "may require a client certificate: see --tls-cert and --tls-key"),
    (MUTUAL, {"ca": "ca", "cert": "other_cert", "key": "other_key"}, "may not trust the client certificate in --tls-c"),
    (TLS, {"ca": "other_ca"}, "no authority that this client trusts has signed its certificate: see --tls-ca"),
    (OTHER_NAME, {"ca": "ca"}, "its certificate is for another name: use a name of the certificate in --address"),
    (NO_TLS, {"ca": "ca"}, "it does not use TLS: leave out --tls, --tls-ca, --tls-cert and --tls-key"),
]


@pytest.mark.parametrize(("server", "files", "text"), NO_CONNECTION, ids=lambda each: str(each)[:30])
def test_wrong_tls_is_a_sentence_with_the_option(
    addresses: dict[str, str], pki: Pki, server: str, files: dict[str, str], text: str
) -> None:
    """It does not look like a gateway that is not running."""
    options = [part for name, file in files.items() for part in (f"--tls-{name}", getattr(pki, file))]

    result = CliRunner().invoke(dockfleet, ["--address", addresses[server], *options, "hosts"])

    assert result.stderr.startswith(f"dockfleet: no connection to the gateway at {addresses[server]}: ")
    assert text in result.stderr
    assert (len(result.stderr.splitlines()), result.stdout, result.exit_code) == (1, "", 69)


class Ssh(socketserver.BaseRequestHandler):
    """Greets as an SSH server, and reads until the client has gone."""

    def handle(self) -> None:
        self.request.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        while self.request.recv(4096):
            pass


def test_another_program_at_the_address_is_not_a_gateway() -> None:
    """Such as an SSH server."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Ssh) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"127.0.0.1:{server.server_address[1]}"
        result = CliRunner().invoke(dockfleet, ["--address", address, "hosts"])
        server.shutdown()

    assert result.stderr == (
        f"dockfleet: no connection to the gateway at {address}: it is not a gRPC server: check the port in --address\n"
    )


def test_an_unknown_name_is_said_to_be_unknown() -> None:
    """The address in the message has the default port."""
    result = CliRunner().invoke(dockfleet, ["--address", "gateway.invalid", "hosts"])

    assert result.stderr.startswith("dockfleet: no connection to the gateway at gateway.invalid:50051: its name is not")


USAGE = [  # the options, and what the error says
    (["--address", "http://127.0.0.1:50051"], "the address of the gateway is HOST:PORT, without http://"),
    (["--tls-cert", "{pki.cert}"], "tls_cert and tls_key belong together: tls_cert is given without tls_key"),
    (["--tls-key", "{pki.key}"], "tls_cert and tls_key belong together: tls_key is given without tls_cert"),
    (["--tls-ca", "{pki.key}"], "mine-key is not a certificate in PEM format"),
    (["--token", "x"], "No such option"),
]


@pytest.mark.parametrize(("options", "text"), USAGE, ids=lambda each: str(each)[:30])
def test_wrong_options_are_a_usage_error(pki: Pki, options: list[str], text: str) -> None:
    """Exit code 2, before anything is sent."""
    result = CliRunner().invoke(dockfleet, [*(option.format(pki=pki) for option in options), "hosts"])

    assert text in result.stderr
    assert result.exit_code == 2


def test_output_that_cannot_be_written_is_one_line(gateway: Gateway, command: list[str]) -> None:
    """As with a full disk: no traceback, also when the command itself has succeeded."""
    gateway.on("fleet.ListContainers", [fleet.ListContainersResponse(summary={})])
    gateway.on("ListHosts", hosts.ListHostsResponse(hosts=[{"name": "a"}]))

    for words in (["ps", "-H", "a"], ["hosts"], ["version", "--client"], ["--help"]):
        with open("/dev/full", "w") as full:
            result = subprocess.run([*command, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)

        assert result.stderr == "dockfleet: cannot write the output: No space left on device\n"
        assert result.returncode == 1


@pytest.mark.parametrize("words", ["ps -H nope", "find web -H nope", "stats -H nope", "stats --no-stream -H nope"])
def test_an_error_has_no_header_before_it(gateway: Gateway, run: Run, words: str) -> None:
    """When there is nothing to list."""
    for rpc in ("fleet.ListContainers", "fleet.FindContainers", "fleet.StreamStats"):
        gateway.on(rpc, lambda request, context: fail(context, grpc.StatusCode.NOT_FOUND, "no host", "UNKNOWN_HOST"))

    result = run(*words.split())

    assert result.stderr == "dockfleet: UNKNOWN_HOST: no host (`dockfleet hosts` lists the hosts)\n"
    assert (result.stdout, result.exit_code) == ("", 1)


@pytest.mark.parametrize("words", ["ps", "stats --no-stream", "hosts", "discover"])
def test_an_empty_list_has_a_header(gateway: Gateway, run: Run, words: str) -> None:
    """It is the answer that there is nothing."""
    gateway.on("ListHosts", hosts.ListHostsResponse())
    gateway.on("fleet.ListContainers", [fleet.ListContainersResponse(summary={"selected": 1, "answered": 1})])
    gateway.on("fleet.FindContainers", [fleet.FindContainersResponse(summary={})])
    gateway.on("fleet.DiscoverServices", fleet.DiscoverServicesResponse())

    result = run(*words.split())

    assert result.stdout.split()[0] in ("HOST", "NAME", "SERVICE")
    assert (len(result.stdout.splitlines()), result.stderr, result.exit_code) == (1, "", 0)


START_FAILURES = {
    'OCI runtime exec failed: exec: "nope": executable file not found in $PATH: unknown': 127,
    "OCI runtime exec failed: exec: /nope: stat /nope: no such file or directory: unknown": 127,
    "OCI runtime exec failed: exec: /etc/passwd: permission denied: unknown": 126,
    "OCI runtime exec failed: exec: /etc: is a directory: unknown": 126,
    "OCI runtime exec failed: something else": 125,
}


@pytest.mark.parametrize("message", START_FAILURES)
def test_the_exit_code_of_a_command_that_does_not_start_is_that_of_docker(
    gateway: Gateway, run: Run, message: str
) -> None:
    """127: there is no such command; 126: it is not executable; 125: the rest."""
    gateway.on(
        "Exec",
        lambda requests, context: fail(
            context, grpc.StatusCode.FAILED_PRECONDITION, message, "EXEC_START_FAILED", host="a"
        ),
    )

    result = run("exec", "a/web", "nope")

    assert (result.stdout, result.exit_code) == ("", START_FAILURES[message])
    assert message in result.stderr


def test_no_such_file_of_another_failure_is_not_the_commands(gateway: Gateway, run: Run) -> None:
    """Only the start of the command decides between 126 and 127."""
    gateway.on("Exec", lambda requests, context: fail(context, message="/run/docker.sock: no such file or directory"))

    assert run("exec", "a/web", "true").exit_code == 125


def test_a_command_that_a_dead_gateway_cuts_off_is_said_to_be(gateway: Gateway, command: list[str]) -> None:
    """The exit code is 255, not 125: the command ran, and may run on."""
    sent = threading.Event()

    def behave(requests: Iterator[ExecRequest], context: grpc.ServicerContext) -> Iterator[ExecResponse]:
        next(requests)
        yield ExecResponse(started={"exec_id": "e1"})
        yield ExecResponse(output={"data": b"working\n"})
        sent.wait(30)

    gateway.on("Exec", behave)

    with subprocess.Popen(
        [*command, "exec", "a/web", "sleep", "50"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline() == "working\n"
        gateway.stop()
        sent.set()
        assert program.wait(10) == 255
        (line,) = program.stderr.read().splitlines()

    assert line.startswith(f"dockfleet: the connection to the gateway at {gateway.address} broke (")
    assert line.endswith("; the command may still be running in a/web")


def test_a_variable_without_a_value_has_that_of_the_caller(
    gateway: Gateway, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with docker; one that the caller does not have is sent by its name alone."""
    monkeypatch.setenv("MINE", "1=2")
    monkeypatch.delenv("NOT_MINE", raising=False)
    gateway.on("Exec", lambda requests, context: next(requests) and [ExecResponse(end={"exit_code": 0})])

    run("exec", "-e", "MINE", "-e", "NOT_MINE", "-e", "A=", "a/web", "env")

    assert list(gateway.requests[0].start.env) == ["MINE=1=2", "NOT_MINE", "A="]


NOT_FOUND = (grpc.StatusCode.NOT_FOUND, "No such container: web", "NOT_FOUND")


def test_a_failed_call_is_one_json_object_if_that_is_wanted(gateway: Gateway, run: Run) -> None:
    """With what a script decides by; the text for people is in it."""
    gateway.on("InspectContainer", lambda request, context: fail(context, *NOT_FOUND, host="a", retry_safe="false"))
    down = Failure(code=14, reason="ERROR_REASON_HOST_UNREACHABLE", host="b", message="b: no route", retry_safe=True)
    summary = fleet.FanOutSummary(failures=[{"host": "b", "failure": down}])
    gateway.on("fleet.FindContainers", [fleet.FindContainersResponse(summary=summary)])

    failed = json.loads(run("--json-errors", "container", "inspect", "a/web").stderr)["error"]
    of_host = json.loads(run("--json-errors", "find", "-H", "*").stderr)["error"]

    assert (failed["reason"], failed["host"], failed["retrySafe"]) == ("NOT_FOUND", "a", False)
    assert failed["text"].startswith("a: NOT_FOUND: ")
    assert (of_host["code"], of_host["reason"], of_host["retrySafe"]) == ("UNAVAILABLE", "HOST_UNREACHABLE", True)


def test_each_call_ends_at_the_deadline(gateway: Gateway, run: Run) -> None:
    """The gateway sees it; without one there is none."""
    left: list[float | None] = []

    def wait(request: Any, context: grpc.ServicerContext) -> WaitContainerResponse:
        left.append(context.time_remaining())
        return WaitContainerResponse()

    gateway.on("WaitContainer", wait)
    run("--deadline", "1000", "wait", "a/web")
    run("wait", "a/web")

    assert left[0] is not None
    assert 900 < left[0] < 1100  # gRPC sends three digits of it, rounded up
    assert left[1] is None or left[1] > 1e6
