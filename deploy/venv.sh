#!/bin/sh
# Makes the virtual environment in $1 with the gateway, its client and all that tests and checks need.
set -eu
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
[ -x "$1/bin/python" ] || "$python" -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
"$1/bin/python" -m pip install --quiet --disable-pip-version-check --editable . --group dev
# The gateway brings the client as a copy; here the sources themselves are wanted.
"$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --editable clients/python
