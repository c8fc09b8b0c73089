"""`python -m deploy.image`: writes the image to .state/image/dockfleet-gateway.tar, for `docker load --input`.

It needs Debian 12, its package index and PyPI, and neither root nor a Docker Engine.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from dockfleet import __version__

from deploy.image import archive, python
from deploy.image.system import USER, BuildError, make_system, require_debian, run

NAME = "dockfleet-gateway"
OUTPUT = python.ROOT / ".state/image/dockfleet-gateway.tar"
STATE = "var/lib/dockfleet"
_PLATFORMS = {"amd64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
_PROGRAMS = {NAME: "gateway.__main__", "dockfleet": "dockfleet.cli"}
_ASK = (
    "import http.client as h, os; port = os.environ['DOCKFLEET_METRICS_LISTEN'].rpartition(':')[2]; "
    "c = h.HTTPConnection('127.0.0.1', port, timeout=3); c.request('GET', '/healthz'); "
    "raise SystemExit(c.getresponse().status != 200)"
)
_SECOND = 1_000_000_000


def build(output: Path) -> str:
    """Write the image to *output*; return its id.  Raises `BuildError`."""
    require_debian()
    architecture = run("dpkg", "--print-architecture").strip()
    if architecture not in _PLATFORMS:
        raise BuildError(f"there are no wheels for {architecture}: build on {' or '.join(_PLATFORMS)}")
    epoch = int(run("git", "log", "-1", "--format=%ct", cwd=python.ROOT))
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        scratch = Path(folder)
        system, locked, own = (scratch / name for name in ("system", "locked", "own"))
        make_system(system, scratch / "debs")
        python.install_locked(locked, scratch, _PLATFORMS[architecture])
        python.install_own(own, scratch)
        _add_files(own, python.notice(locked))
        for root in (system, locked, own):
            python.compile_below(system, root)
        layers = []
        texts = {system: "Debian's packages", locked: "packages of uv.lock", own: f"{NAME} {__version__}"}
        for root, text in texts.items():
            file = scratch / f"{root.name}.tar"
            layers.append((file, archive.layer(root, file, epoch, {STATE: USER}), text))
        partial = scratch / "image.tar"
        identity = archive.image(
            partial, layers, (f"{NAME}:{__version__}", f"{NAME}:latest"), architecture, epoch, **_config()
        )
        partial.replace(output)
    return identity


def _add_files(root: Path, notice: str) -> None:
    """Add the programs, the configuration, the folder for the state, and the notice of licenses."""
    (root / "etc/dockfleet").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("gateway.yaml"), root / "etc/dockfleet")
    (root / STATE).mkdir(parents=True)
    (root / STATE).chmod(0o700)
    (root / "usr/local/bin").mkdir(parents=True)
    for program, module in _PROGRAMS.items():
        script = root / "usr/local/bin" / program
        script.write_text(f"#!/usr/bin/python3\nimport sys\nfrom {module} import main\nsys.exit(main())\n")
        script.chmod(0o755)
    documents = root / "usr/share/doc" / NAME
    documents.mkdir(parents=True)
    shutil.copy(python.ROOT / "LICENSE", documents)
    (documents / "NOTICE").write_text(notice)


def _config() -> dict[str, object]:
    """Return what Docker calls the configuration of an image."""
    environment = {
        "PATH": "/usr/local/bin:/usr/bin",
        "HOME": f"/{STATE}",
        "USER": "dockfleet",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONSAFEPATH": "1",
        "DOCKFLEET_CONFIG": "/etc/dockfleet/gateway.yaml",
        "DOCKFLEET_METRICS_LISTEN": "0.0.0.0:9464",
        "DOCKFLEET_STATE_DIRECTORY": f"/{STATE}",
    }
    return {
        "User": f"{USER}:{USER}",
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Entrypoint": [NAME],
        "WorkingDir": "/",
        "ExposedPorts": {"50051/tcp": {}, "9464/tcp": {}},
        "Volumes": {f"/{STATE}": {}},
        "StopSignal": "SIGTERM",
        "Healthcheck": {
            "Test": ["CMD", "python3", "-c", _ASK],
            "Interval": 30 * _SECOND,
            "Timeout": 5 * _SECOND,
            "StartPeriod": 10 * _SECOND,
            "Retries": 3,
        },
        "Labels": {
            "org.opencontainers.image.title": NAME,
            "org.opencontainers.image.description": "One gRPC endpoint for many Docker hosts",
            "org.opencontainers.image.version": __version__,
            "org.opencontainers.image.licenses": "Apache-2.0",
        },
    }


def main() -> None:
    """Build, and print what to do with the image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the file to write")
    output = parser.parse_args().output.resolve()
    started = time.monotonic()
    try:
        identity = build(output)
    except BuildError as error:
        sys.exit(f"dockfleet: {error}")
    size = output.stat().st_size / 1e6
    print(f"{NAME}:{__version__} is {identity[:19]}, {size:.0f} MB, built in {time.monotonic() - started:.0f} s.")
    print(f"docker load --input {output}")


if __name__ == "__main__":
    main()
