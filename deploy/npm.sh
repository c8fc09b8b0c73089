#!/bin/sh
# Makes sure that npx is there: it brings buf, the linter of the contract.
set -eu
command -v npx >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "the contract's linter needs npx.  On Debian, as root: apt-get install npm" >&2
    exit 1
fi
apt-get update --quiet
DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends npm
