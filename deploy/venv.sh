#!/bin/sh
# Makes the virtual environment in $1 with the gateway, its client and all that tests and checks need.
set -eu
venv=$1
for python in python3.13 python3.12 python3.11 python3; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi
done
if ! "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "dockfleet needs Python 3.11 or newer with venv.  On Debian, as root: apt-get install python3-venv" >&2
        exit 1
    fi
    apt-get update --quiet
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends python3 python3-venv
    python=python3
fi
echo "making $venv with all that dockfleet needs; this takes one to two minutes" >&2
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
install() { # prints what pip is about to fetch, a line for each package
    "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off "$@"
}
install --upgrade 'pip>=25.1' 'uv>=0.9'
# What uv.lock names, and nothing else: each file that is fetched must have the hash that is written there.
UV_PROJECT_ENVIRONMENT="$venv" UV_PYTHON_DOWNLOADS=never "$venv/bin/uv" sync --locked --inexact --extra otel --python "$venv/bin/python"
