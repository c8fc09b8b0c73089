"""The system of the image: the packages of Debian that the gateway's Python needs, and a few files."""

from __future__ import annotations

import subprocess
from pathlib import Path

PYTHON = "python3.11"  # Debian 12's, with which all tests run
RELEASE = "12"
PACKAGES = (
    "base-files",  # says what system it is
    "ca-certificates",
    "libbz2-1.0",
    "libc6",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    "liblzma5",
    f"lib{PYTHON}-minimal",
    f"lib{PYTHON}-stdlib",
    "libsqlite3-0",
    "libssl3",
    "libstdc++6",
    "libuuid1",
    "media-types",
    "netbase",  # the names of protocols and services
    f"{PYTHON}-minimal",
    "zlib1g",
)
USER = 65532  # as in other images without a shell
_MERGED = ("bin", "sbin", "lib", "lib64")  # folders that Debian has in /usr
_LEFT_OUT = (
    *("usr/share/lintian", "usr/share/man", "usr/share/locale", "usr/share/python3", "usr/share/bug", "usr/share/apps"),
    *("usr/share/common-licenses/GFDL*", "usr/share/base-files", "usr/share/pixmaps", "usr/share/applications"),
    *("usr/lib/*/gconv", "usr/lib/*/audit", "usr/lib/valgrind", "usr/share/binfmts", "usr/sbin/*", "etc/init.d"),
    *(f"usr/lib/{PYTHON}/{name}" for name in ("pydoc_data", "lib2to3", "idlelib", "turtledemo", "distutils")),
    *("etc/update-motd.d", "etc/profile.d", "etc/ca-certificates", "var/backups", "var/spool", "home", "root", "boot"),
)
_FILES = {
    "etc/passwd": f"root:x:0:0:root:/:/\ndockfleet:x:{USER}:{USER}:dockfleet:/var/lib/dockfleet:/\n",
    "etc/group": f"root:x:0:\ndockfleet:x:{USER}:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


class BuildError(RuntimeError):
    """The image cannot be built; the text says why, and what to do."""


def run(*argv: str | Path, **options: object) -> str:
    """Run a program and return what it prints.  Raises `BuildError` with the end of what it said."""
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, **options)  # type: ignore[call-overload]
    if done.returncode:
        said = "\n  ".join((done.stdout + done.stderr).splitlines()[-15:])
        raise BuildError(f"{' '.join(map(str, argv[:3]))}…: exit status {done.returncode}\n  {said}")
    return str(done.stdout)


def require_debian() -> None:
    """Raise `BuildError` on another system: its packages have other names, and another Python."""
    release = Path("/etc/os-release")
    lines = release.read_text().splitlines() if release.exists() else []
    if "ID=debian" not in lines or f'VERSION_ID="{RELEASE}"' not in lines:
        raise BuildError(f"the image is built from the packages of Debian {RELEASE}, on Debian {RELEASE}")


def make_system(root: Path, scratch: Path) -> None:
    """Unpack the system below *root*; apt checks the signatures of what it fetches into *scratch*."""
    scratch.mkdir(parents=True)
    root.mkdir(parents=True)
    try:
        run("apt-get", "download", "--quiet", "-o", "APT::Sandbox::User=root", *PACKAGES, cwd=scratch)
    except BuildError:  # the package lists are missing or too old
        run("apt-get", "update", "--quiet")
        run("apt-get", "download", "--quiet", "-o", "APT::Sandbox::User=root", *PACKAGES, cwd=scratch)
    (root / "usr").mkdir()
    for name in _MERGED:
        (root / "usr" / name).mkdir()
        (root / name).symlink_to(f"usr/{name}")
    installed = []
    for archive in sorted(scratch.glob("*.deb")):
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as packed:
            run("tar", "--extract", "--no-same-owner", "--keep-directory-symlink", "-C", root, stdin=packed.stdout)
        if packed.returncode:
            raise BuildError(f"{archive.name} cannot be unpacked")
        installed.append(run("dpkg-deb", "--field", archive).rstrip() + "\nStatus: install ok installed\n")
    _tidy(root)
    (root / "var/lib/dpkg").mkdir(parents=True, exist_ok=True)
    (root / "var/lib/dpkg/status").write_text("\n".join(installed))  # scanners for vulnerabilities read it
    (root / "usr/bin/python3").symlink_to(PYTHON)


def _tidy(root: Path) -> None:
    """Take out what a container has no use for; licenses stay.  Add what scripts of packages would make."""
    authorities = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    (root / "etc/ssl/certs").mkdir(parents=True, exist_ok=True)
    (root / "etc/ssl/certs/ca-certificates.crt").write_text("".join(file.read_text() for file in authorities))
    documents = [file for file in (root / "usr/share/doc").rglob("*") if not file.is_dir() and file.name != "copyright"]
    left_out = [*(found for pattern in _LEFT_OUT for found in root.glob(pattern)), *documents, *authorities]
    run("rm", "-rf", "--", *left_out)
    for name, text in _FILES.items():
        (root / name).write_text(text)
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
