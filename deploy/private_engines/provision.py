"""What private engines are made of: Debian's packages, an image from busybox, the root of a newer Debian."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import io
import os
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PACKAGES = {  # by the command that says whether it is there
    "dockerd": "docker.io",
    "ip": "iproute2",
    "iptables": "iptables",
    "openssl": "openssl",
    "ps": "procps",
}
OPTIONS = {  # the same, of what is wanted beside engines: by `Registry`, `debian_root` and tests
    "docker-registry": "docker-registry",
    "debootstrap": "debootstrap",
    "sshd": "openssh-server",
    "podman": "podman",
    "etcd": "etcd-server",
    "prometheus": "prometheus",
}


class EngineError(RuntimeError):
    """An engine, or a tool that it needs, failed; the text says why, and what to do where that is known."""


def install(*options: str) -> list[str]:
    """Install from Debian what is missing, and return the packages; no service is started, now or at boot.

    *options* are of `OPTIONS`. A command that is there, from whatever source, is left as it is.
    """
    require_root()
    wanted = PACKAGES | {option: OPTIONS[option] for option in options}
    with locked("/usr/sbin"):  # other processes may do the same
        missing = [package for command, package in wanted.items() if not shutil.which(command, path=PATH)]
        missing += [] if _static_busybox() else ["busybox-static"]
        if missing and not shutil.which("apt-get", path=PATH):
            raise EngineError(f"there is no apt-get; install what Debian calls {', '.join(missing)} by other means")
        if missing:
            command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing]
            with _services_held_back():
                try:
                    run(*command, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})
                except EngineError:  # the package lists are missing or too old
                    run("apt-get", "update", "--quiet")
                    run(*command, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})
    return missing


def debian_root(cache: str | Path, suite: str = "trixie") -> Path:
    """Return a root directory with a newer Engine, for `PrivateEngine(root=…)`; trixie's is 26.1, API 1.45.

    The first call takes about a minute and 500 MB in *cache*; others, in any process, wait for it and share it.
    Several engines can run from one root at a time: they write elsewhere.
    """
    require_root("debootstrap")
    cache = Path(cache).resolve()
    cache.mkdir(parents=True, exist_ok=True)
    root, partial = cache / suite, cache / f"{suite}.partial"
    with locked(cache) as lock:
        if not root.exists():
            remove_tree(partial)
            packages = "--include=docker.io,iptables,ca-certificates,procps"
            bootstrap = ["debootstrap", "--variant=minbase", packages, suite, str(partial)]
            # In a mount namespace: its mounts end with it. It inherits the lock: if we die, others wait for it.
            run("unshare", "--mount", *bootstrap, pass_fds=[lock])
            for package in (partial / "var/cache/apt/archives").glob("*.deb"):
                package.unlink()
            partial.rename(root)
    return root


def debian_program(cache: str | Path, package: str, program: str, suite: str) -> Path:
    """Return a program of a package that another release of Debian has, such as `usr/bin/consul` of bullseye's consul.

    The first call fetches it, from where this machine has its own packages, and unpacks it in *cache*; nothing is
    installed.
    """
    cache = Path(cache).resolve()
    cache.mkdir(parents=True, exist_ok=True)
    root, partial = cache / f"{suite}-{package}", cache / f"{suite}-{package}.partial"
    with locked(cache):
        if not root.exists():
            remove_tree(partial)
            (partial / "lists/partial").mkdir(parents=True)
            run("apt-get", *_other_release(partial, suite), "update", "--quiet", cwd=partial)
            run("apt-get", *_other_release(partial, suite), "download", package, cwd=partial)
            [archive] = partial.glob("*.deb")
            run("dpkg-deb", "--extract", str(archive), str(partial / "root"))
            (partial / "root").rename(root)
            remove_tree(partial)
    return root / program


def _other_release(folder: Path, suite: str) -> list[str]:
    """Return the options that let apt see *suite* alone, and keep what it learns in *folder*."""
    asked = ("apt-get", "indextargets", "--format", "$(REPO_URI)", "Identifier: Packages", "Origin: Debian")
    uris = [uri for uri in run(*asked).split() if not uri.rstrip("/").endswith("-security")]
    if not uris:
        raise EngineError("the package lists are missing: run apt-get update")
    signed = "signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"
    (folder / "sources.list").write_text(f"deb [{signed}] {uris[0]} {suite} main\n")
    options = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
    }
    return [part for name, value in options.items() for part in ("-o", f"{name}={value}")]


@functools.cache
def busybox_image() -> bytes:
    """Return a small root file system as a tar: a static busybox and its applets; the same bytes every time."""
    busybox = _static_busybox()
    if busybox is None:
        raise EngineError("a static busybox is missing: apt-get install busybox-static")
    applets = {applet for applet in run(busybox, "--list-full").split() if applet != "bin/busybox"}
    folders = {"bin", "dev", "etc", "home", "proc", "root", "sbin", "sys", "tmp", "usr", "usr/bin", "usr/sbin", "var"}
    files = {
        "bin/busybox": Path(busybox).read_bytes(),
        "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
        "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    }
    image = io.BytesIO()
    with tarfile.open(fileobj=image, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted({*folders, *files, *applets}):
            entry, content = tarfile.TarInfo(name), files.get(name, b"")
            entry.mode = 0o1777 if name.endswith("tmp") else 0o644 if name.startswith("etc/") else 0o755
            entry.size = len(content)
            if name in folders:
                entry.type = tarfile.DIRTYPE
            elif name in applets:
                entry.type, entry.linkname = tarfile.SYMTYPE, "/bin/busybox"
            tar.addfile(entry, io.BytesIO(content))
    return image.getvalue()


def require_root(*commands: str) -> None:
    """Raise with the way out unless we are root and have *commands*."""
    if os.geteuid() != 0:
        raise EngineError("private engines need root: run this again with sudo")
    if missing := [command for command in commands if not shutil.which(command, path=PATH)]:
        options = [f"--with={option}" for option in OPTIONS if option in missing]
        command = shlex.join(["python", "-m", "deploy.private_engines", "install", *options])
        raise EngineError(f"{', '.join(missing)} not found: run {command}")


def run(*argv: str, **options: Any) -> str:
    """Run a command and return what it prints; a failure raises with the last of what it said."""
    done: subprocess.CompletedProcess[str]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        said = (done.stdout + done.stderr).splitlines()[-15:]
        raise EngineError("\n  ".join([f"{shlex.join(argv)}: exit status {done.returncode}", *said]))
    return done.stdout


@contextlib.contextmanager
def locked(directory: str | Path) -> Iterator[int]:
    """Hold a directory's lock against all other processes and threads; the kernel frees it when we die."""
    lock = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def unmount_below(directory: Path) -> None:
    """Detach every mount on or below a directory, as this process sees them."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in reversed([Path(mount.replace("\\040", " ")) for mount in mounts]):
        if mount.is_relative_to(directory):
            run("umount", "--lazy", str(mount))


def remove_tree(directory: Path) -> None:
    """Delete a directory if it is there, but never what is mounted below it."""
    unmount_below(directory)
    if directory.exists():
        shutil.rmtree(directory)


@contextlib.contextmanager
def _services_held_back() -> Iterator[None]:
    """Keep new packages from starting their services (policy-rc.d is asked first), now and at the next boot."""
    policy, system = Path("/usr/sbin/policy-rc.d"), Path("/etc/systemd/system")
    before, enabled = policy.read_bytes() if policy.exists() else None, set(system.glob("*.wants/*"))
    policy.write_bytes(b"#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        for unit in set(system.glob("*.wants/*")) - enabled:
            unit.unlink()
        if before is None:
            policy.unlink()
        else:
            policy.write_bytes(before)


def _static_busybox() -> str | None:
    busybox = shutil.which("busybox", path=PATH)
    return busybox if busybox and b"/ld-" not in Path(busybox).read_bytes() else None
