#!/bin/sh
# Asks whether anything that the gateway depends on, by uv.lock, has a known vulnerability.  Exit code 1 when it has.
#
# Where the advisories cannot be reached nothing is known.  It prints that, and fails only with AUDIT=required.
set -eu
cd "$(dirname "$0")/.."
locked=$(mktemp)
trap 'rm -f "$locked"' EXIT
.venv/bin/uv export --quiet --locked --no-dev --no-emit-project --no-emit-package dockfleet --output-file "$locked"
code=0
said=$(.venv/bin/uv tool run --quiet --from pip-audit==2.10.1 \
    pip-audit --disable-pip --require-hashes --requirement "$locked" 2>&1) || code=$?
case $said in
    *Found*known\ vulnerabilit*) echo "$said" >&2; exit 1 ;;
    # pip-audit ends well also when the index has no advisories at all.
    *could\ not\ be\ audited*) code=1 ;;
esac
if [ "$code" = 0 ]; then
    echo "$said"
    exit 0
fi
echo "NOT AUDITED, because the advisories cannot be reached: $(echo "$said" | tail -n 1)" >&2
[ "${AUDIT:-}" != required ]
