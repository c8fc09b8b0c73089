"""Private, real Docker Engines on this machine, for demonstrations and tests.

    with PrivateEngine("state", "a") as engine:
        engine.load_busybox()
        client = docker.DockerClient(engine.address)

An engine runs in a mount and a hostname namespace of its own, where its directory is bound over the places that
a Docker Engine lives in. It believes it has a machine to itself, the machine's own Docker is never touched, and
what it mounts vanishes with its processes, however they end:

    state/a/etc     /etc/docker       daemon.json, certs.d, the server's certificate
    state/a/data    /var/lib/docker   images, containers, volumes
    state/a/run     /run/docker       docker.sock
    state/a/certs                     ca.pem, cert.pem and key.pem for clients, with tls=True
    state/a/log                       what dockerd says

Only the network is shared with the machine, so that published ports and registries on loopback work: an engine
has its own bridge and addresses (in 198.18.0.0/15, which is reserved for tests), and writes no firewall rules.

There is no list of what runs that could be wrong after a crash: processes are recognised by a variable in their
environment and by their control group, bridges by their alias and by the engine's own records.

Needs root on Debian 12 or newer, and Python's standard library alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import ipaddress
import json
import os
import re
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.private_engines.provision import (
    EngineError,
    busybox_image,
    locked,
    remove_tree,
    require_root,
    run,
    unmount_below,
)
from deploy.private_engines.service import Service, free_port, kill_all, marked, read, within

SUBNETS = list(ipaddress.IPv4Network("198.18.0.0/15").subnets(new_prefix=20))  # one for each engine
CERTIFICATE = ("openssl", "req", "-x509", "-days", "3650", "-nodes", "-newkey", "ec", "-pkeyopt", "group:P-256")


class EngineService(Service):
    """An engine that is asked on its unix socket."""

    socket: Path

    def answers(self) -> bool:
        """Whether the engine answers a ping within two seconds."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/_ping", timeout=2)[0] == 200
        return False

    def request(self, method: str, path: str, body: Any = None, timeout: float = 60.0) -> tuple[int, bytes]:
        """Send one request to the Engine API, bytes as a tar and all else as JSON; return status and body."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        with contextlib.closing(connection):
            connection.sock.settimeout(timeout)
            connection.sock.connect(str(self.socket))
            if body is None:
                connection.request(method, path)
            elif isinstance(body, bytes):
                connection.request(method, path, body, {"Content-Type": "application/x-tar"})
            else:
                connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def load_busybox(self, tag: str = "busybox:latest") -> None:
        """Import `busybox_image` as *tag*, so that containers can be run without any registry."""
        repository, _, version = tag.partition(":")
        query = f"fromSrc=-&repo={repository}&tag={version or 'latest'}&changes=CMD%20%5B%22sh%22%5D"
        status, body = self.request("POST", f"/images/create?{query}", busybox_image())
        if status != 200 or b'"error"' in body:
            raise EngineError(f"{self.name} did not import {tag}: {status} {body.decode(errors='replace')}")


class PrivateEngine(EngineService):
    """A dockerd with everything of its own, in *directory*/*name*; *name* is its hostname as well.

    Args:
        bridge: The name of its default bridge, which comes and goes with it; generated when not given.
        tcp_port: A port on 127.0.0.1, besides the unix socket; 0 takes a free one.
        tls: Secure that port (a free one, if none is given) with certificates for both sides, see *certs*.
        root: The root directory of another system whose Engine to run, see `debian_root`.
        settings: Goes into daemon.json, over what we set ourselves: `{"live-restore": True}`.
    """

    def __init__(
        self,
        directory: str | Path,
        name: str,
        *,
        bridge: str | None = None,
        tcp_port: int | None = None,
        tls: bool = False,
        root: str | Path | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(directory, name)
        # Unique, short, known beforehand: names the bridge, the control group and the containerd namespace.
        self.tag = "df-" + hashlib.sha256(os.fsencode(self.home)).hexdigest()[:8]
        self.bridge = bridge or self.tag
        self.socket = self.home / "run/docker.sock"
        self.address = f"unix://{self.socket}"
        self.tcp_port = tcp_port or (free_port() if tls or tcp_port == 0 else None)
        self.tcp_address = f"tcp://127.0.0.1:{self.tcp_port}" if self.tcp_port else None
        self.tls = tls
        self.certs = self.home / "certs" if tls else None
        self.root = Path(root).resolve() if root else None
        self.settings = dict(settings or {})

    def start(self, timeout: float = 60.0) -> None:
        """Start dockerd and return when it answers; containers that outlived a killed one are found again."""
        require_root("ip", "unshare", *([] if self.root else ["dockerd"]))
        if len(os.fsencode(self.socket)) > 107:
            raise EngineError(f"{self.socket} is too long for a unix socket (107 bytes): take a shorter directory")
        super().stop()
        shims = self._shims()
        if not shims:
            remove_tree(self.home / "run")
        for part in ("etc", "data", "run"):
            (self.home / part).mkdir(parents=True, exist_ok=True)
        configuration = self.home / "etc/daemon.json"
        configuration.touch()  # from here on, `down` knows that this is an engine
        for stale in ("docker.sock", "docker.pid", "containerd/containerd.pid"):
            (self.home / "run" / stale).unlink(missing_ok=True)
        if self.certs and not (self.certs / "cert.pem").exists():
            self._make_certificates(self.certs)
        with locked("/sys/class/net"):
            subnet = self._subnet() or self._make_bridge()
        configuration.write_text(json.dumps(self._configuration(subnet) | self.settings, indent=2))
        if shims:  # join the namespaces that they, and the mounts of their containers, are in
            argv = ["nsenter", f"--target={shims[0]}", "--mount", "--uts", "--root", "dockerd"]
        else:
            enter = ["sh", str(Path(__file__).with_name("enter.sh")), str(self.home), self.name, str(self.root or "")]
            argv = ["unshare", "--mount", "--propagation=slave", "--uts", *enter]
        self._launch(argv, self.answers, timeout)

    def stop(self, grace: float = 5.0) -> None:
        """End dockerd and all that it has started, and clear this machine of what it left; its data stays.

        Containers have *grace* seconds to end by themselves. Does no harm when repeated, or after a crash.
        """
        super().stop(grace)
        within(10, self._sweep)
        for bridge in self._left_bridges():
            run("ip", "link", "delete", bridge)
        unmount_below(self.home)

    def restart(self, grace: float = 20.0) -> None:
        """Restart dockerd alone, as the service manager of a host does it."""
        super().stop(grace)
        self.start()

    def _configuration(self, subnet: ipaddress.IPv4Network) -> dict[str, Any]:
        pool = list(subnet.subnets())[1]  # half of it is for networks, the other for the bridge
        settings: dict[str, Any] = {
            "hosts": ["unix:///run/docker/docker.sock"],
            "pidfile": "/run/docker/docker.pid",
            "bridge": self.bridge,
            "default-address-pools": [{"base": str(pool), "size": 26}],
            "iptables": False,
            "ip6tables": False,
            "ip-forward": False,
            "cgroup-parent": f"/{self.tag}",
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "containerd-namespace": self.tag,
        }
        if self.tcp_address:
            settings["hosts"].append(self.tcp_address)
            settings["tlsverify" if self.tls else "tls"] = self.tls  # not said, dockerd hesitates for 15 s
        if self.certs:
            parts = {"tlscacert": "ca.pem", "tlscert": "server-cert.pem", "tlskey": "server-key.pem"}
            settings |= {key: f"/etc/docker/{file}" for key, file in parts.items()}
        return settings

    def _make_certificates(self, certs: Path) -> None:
        """One authority, one certificate of the server, one of its clients."""
        ca, ca_key = certs / "ca.pem", self.home / "etc/ca-key.pem"
        certs.mkdir(exist_ok=True)
        run(*CERTIFICATE, "-subj", f"/CN={self.name} CA", "-keyout", str(ca_key), "-out", str(ca))
        shutil.copy(ca, self.home / "etc")
        names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
        for use, key, cert in (
            ("serverAuth", self.home / "etc/server-key.pem", self.home / "etc/server-cert.pem"),
            ("clientAuth", certs / "key.pem", certs / "cert.pem"),
        ):
            signed = ["-CA", str(ca), "-CAkey", str(ca_key), "-subj", f"/CN={use}"]
            for extension in ("basicConstraints=critical,CA:FALSE", f"extendedKeyUsage={use}", names):
                signed += ["-addext", extension]
            run(*CERTIFICATE, "-keyout", str(key), "-out", str(cert), *signed)

    def _subnet(self) -> ipaddress.IPv4Network | None:
        """The addresses that are ours as long as our bridge is there."""
        networks = _bridges().get(self.bridge, []) if self._owns(self.bridge) else []
        return networks[0].supernet(new_prefix=20) if networks else None

    def _make_bridge(self) -> ipaddress.IPv4Network:
        """Make our bridge with addresses that nothing on this machine routes to."""
        routes = json.loads(run("ip", "-4", "-j", "route", "show", "table", "all") or "[]")
        targets = {route.get("dst", "default") for route in routes} - {"default"}
        taken = [ipaddress.IPv4Network(target) for target in targets]
        first = int(self.tag[3:], 16) % len(SUBNETS)  # most often the same as the last time
        for subnet in SUBNETS[first:] + SUBNETS[:first]:
            if not any(subnet.overlaps(other) for other in taken):
                break
        else:
            raise EngineError(f"no addresses are left for {self.name}: all of 198.18.0.0/15 is routed already")
        commands = (
            f"link add name {self.bridge} type bridge",
            f"link set dev {self.bridge} alias {self.tag} up",
            f"address add {subnet[1]}/21 dev {self.bridge}",
        )
        run("ip", "-batch", "-", input="\n".join(commands))
        return subnet

    def _owns(self, bridge: str) -> bool:
        return read(Path("/sys/class/net", bridge, "ifalias")).strip() == self.tag.encode()

    def _left_bridges(self) -> list[str]:
        """What stays when dockerd ends: its default bridge, and one for each network that it remembers."""
        remembered = read(self.home / "data/network/files/local-kv.db")
        names = {name.decode() for name in re.findall(rb'"BridgeName":"([^"]+)"', remembered)}
        subnet = self._subnet()

        def ours(name: str, networks: list[ipaddress.IPv4Network]) -> bool:
            if name.startswith("br-"):  # after the network's id, so it is unique; swarm's docker_gwbridge is not
                return name in names
            inside = subnet is not None and any(network.subnet_of(subnet) for network in networks)
            return self._owns(name) or (name in names and inside)

        return [name for name, networks in _bridges().items() if ours(name, networks)]

    def _shims(self) -> list[int]:
        """The processes that continue when dockerd is killed: one for each container. All others end with it."""

        def others_end() -> bool:
            comms = {pid: read(Path("/proc", str(pid), "comm")) for pid in marked()[str(self.home)]}
            return not kill_all(pid for pid, comm in comms.items() if not comm.startswith(b"containerd-shim"))

        within(10, others_end)
        return marked()[str(self.home)]

    def _sweep(self) -> bool:
        """Kill what is left of this engine, and remove its control groups; return whether all was gone."""
        roots = [*Path("/sys/fs/cgroup").glob(self.tag), *Path("/sys/fs/cgroup").glob(f"*/{self.tag}")]  # v2, v1
        walks = (os.walk(root) for root in roots)  # which passes over what vanishes meanwhile
        groups = sorted({Path(group) for walk in walks for group, _, _ in walk}, reverse=True)  # the deepest first
        pids = set(marked()[str(self.home)])
        for group in groups:
            pids.update(map(int, read(group / "cgroup.procs").split()))
        some_left = kill_all(pids)
        for group in groups:
            with contextlib.suppress(OSError):
                if (group / "freezer.state").exists():  # v1 does not kill what is frozen
                    (group / "freezer.state").write_text("THAWED")
                group.rmdir()
        return not some_left and not groups


def _bridges() -> dict[str, list[ipaddress.IPv4Network]]:
    """All bridges of this machine, with their networks."""
    links = json.loads(run("ip", "-j", "address", "show", "type", "bridge") or "[]")
    return {
        link["ifname"]: [
            ipaddress.IPv4Network((address["local"], address["prefixlen"]), strict=False)
            for address in link["addr_info"]
            if address["family"] == "inet"
        ]
        for link in links
        if link
    }
