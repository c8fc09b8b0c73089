"""A real etcd and a real Consul on this machine, for tests."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.private_engines.provision import remove_tree, require_root
from deploy.private_engines.service import Service, free_port


class HttpService(Service):
    """A daemon with an HTTP API on 127.0.0.1."""

    port: int

    @property
    def address(self) -> str:
        """Where it listens, host:port."""
        return f"127.0.0.1:{self.port}"

    def request(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Send a request with a JSON body, and return the JSON of the response; raises `OSError` for a refusal."""
        connection = http.client.HTTPConnection(self.address, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body), dict(headers or {}))
            response = connection.getresponse()
            text = response.read()
        if response.status != 200:
            raise OSError(f"{self.name}: {method} {path}: {response.status} {text.decode(errors='replace')}")
        return json.loads(text or b"null")

    def _answers(self, path: str) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            return bool(self.request("GET", path))
        return False


class Etcd(HttpService):
    """Debian's etcd, one member, in *directory*/*name*; its data stays when it is stopped or killed.

    With *tls*, files `server.pem`, `server-key.pem` and `ca.pem` in that directory, clients need certificates.
    """

    def __init__(self, directory: str | Path, name: str = "etcd", *, tls: Path | None = None) -> None:
        super().__init__(directory, name)
        self.port, self._peers = free_port(), free_port()
        self._tls = tls
        self._metrics = free_port()  # health, also where clients need certificates

    def start(self, timeout: float = 30.0) -> None:
        """Start etcd and return when it answers."""
        require_root("etcd")
        self.stop()
        self.home.mkdir(parents=True, exist_ok=True)
        client, peer = f"{'https' if self._tls else 'http'}://{self.address}", f"http://127.0.0.1:{self._peers}"
        argv = ["etcd", f"--name={self.name}", f"--data-dir={self.home / 'data'}", "--log-level=error"]
        argv += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}"]
        argv += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"]
        argv += [f"--initial-cluster={self.name}={peer}", f"--listen-metrics-urls=http://127.0.0.1:{self._metrics}"]
        if self._tls:
            argv += [f"--cert-file={self._tls / 'server.pem'}", f"--key-file={self._tls / 'server-key.pem'}"]
            argv += ["--client-cert-auth", f"--trusted-ca-file={self._tls / 'ca.pem'}"]
        self._launch(argv, self.answers, timeout)

    def answers(self) -> bool:
        """Whether it is healthy."""
        connection = http.client.HTTPConnection("127.0.0.1", self._metrics, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        return False

    def wipe(self) -> None:
        """Let the next start begin with nothing."""
        remove_tree(self.home / "data")


class Consul(HttpService):
    """Consul, one server in memory, in *directory*/*name*: it has nothing after a restart.

    With *hasty*, it deregisters services whose checks are critical within seconds, not after a minute at least.
    """

    def __init__(self, directory: str | Path, program: Path, name: str = "consul", *, hasty: bool = False) -> None:
        super().__init__(directory, name)
        self._program = program
        self._hasty = hasty
        self.port = free_port()
        self.dns_port = free_port()
        self._others = [free_port() for _ in range(3)]

    def start(self, timeout: float = 30.0) -> None:
        """Start Consul and return when it has a leader."""
        self.stop()
        self.home.mkdir(parents=True, exist_ok=True)
        serf, wan, server = self._others
        argv = [str(self._program), "agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1", "-log-level=warn"]
        argv += [f"-node={self.name}", f"-http-port={self.port}", f"-dns-port={self.dns_port}", "-grpc-port=-1"]
        argv += [f"-serf-lan-port={serf}", f"-serf-wan-port={wan}", f"-server-port={server}"]
        if self._hasty:
            argv += [f'-hcl={key}="1s"' for key in ("check_reap_interval", "check_deregister_interval_min")]
        self._launch(argv, lambda: self._answers("/v1/status/leader"), timeout)

    def register(self, id: str, address: str, port: int, *, service: str = "docker", **more: Any) -> None:
        """Register an instance of a service."""
        body = {"ID": id, "Name": service, "Address": address, "Port": port} | more
        self.request("PUT", "/v1/agent/service/register", body)

    def deregister(self, id: str) -> None:
        """Take an instance away."""
        self.request("PUT", f"/v1/agent/service/deregister/{id}")
