#!/bin/sh
# Adds the fuzzer to the virtual environment in $1, which has the rest already: 35 MB, for `make fuzz` alone.
set -eu
venv=$1
if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
    echo "the fuzzer, atheris, is there for Linux on x86-64 only" >&2
    exit 1
fi
echo "adding the fuzzer to $venv" >&2
wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
# What uv.lock names, with the hash that is written there.
"$venv/bin/uv" export --quiet --locked --only-group fuzz --no-emit-project --output-file "$wanted" >/dev/null
"$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off --require-hashes --requirement "$wanted"
