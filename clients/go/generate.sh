#!/bin/sh
# Generates the Go code of the contract with bare protoc.
#
#     clients/go/generate.sh [OUTPUT]      OUTPUT is clients/go when not given
#
# protoc is $PROTOC, else the one on the PATH, else the one that grpcio-tools brings.
#
# The generated files are committed; CI runs this into a fresh folder and compares all but the comment that names
# the protoc:    diff -r -I '^// .*protoc  ' OUTPUT/dockfleetv1 clients/go/dockfleetv1
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
output=${1:-$root/clients/go}
module=github.com/dockfleet/dockfleet/clients/go

if [ -z "${PROTOC:-}" ]; then
    PROTOC=$(command -v protoc || echo "$root/.venv/bin/python -m grpc_tools.protoc")
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
GOBIN=$work go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
GOBIN=$work go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2

# shellcheck disable=SC2086  # PROTOC may be a command with arguments
PATH=$work:$PATH $PROTOC -I"$root/protos" \
    --go_out="$work" --go_opt=module=$module \
    --go-grpc_out="$work" --go-grpc_opt=module=$module \
    "$root"/protos/dockfleet/v1/*.proto

mkdir -p "$output"
rm -rf "$output/dockfleetv1"
mv "$work/dockfleetv1" "$output/"
