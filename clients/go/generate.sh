#!/bin/sh
# Generates the Go code of the contract with bare protoc.
#
#     clients/go/generate.sh [OUTPUT]      OUTPUT is clients/go when not given
#
# protoc is $PROTOC, else the one of grpcio-tools in .venv, else the one on the PATH.  The last needs the protos of
# google/protobuf, which Debian has in libprotobuf-dev.
#
# The generated files are committed.  tests/clients/test_go_is_fresh.py compares them with what this makes.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
output=$(realpath -m "${1:-$root/clients/go}")
module=dockfleet.internal/go

if [ -z "${PROTOC:-}" ]; then
    PROTOC=protoc
    if "$root/.venv/bin/python" -c 'import grpc_tools' 2>/dev/null; then
        PROTOC="$root/.venv/bin/python -m grpc_tools.protoc"
    fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Of the library's own version, for protobuf does not support generated code that is newer than the library.
(cd "$root/clients/go" && go build -o "$work/" google.golang.org/protobuf/cmd/protoc-gen-go)
# Its code needs gRPC 1.64.  A module, unlike `go install`, needs no network when the generator is in Go's cache.
mkdir "$work/generator"
cd "$work/generator"
printf 'module generator\n\ngo 1.25.0\n\nrequire google.golang.org/grpc/cmd/protoc-gen-go-grpc v1.6.2\n' >go.mod
GOFLAGS=-mod=mod go build -o "$work/" google.golang.org/grpc/cmd/protoc-gen-go-grpc

cd "$root/protos"
# shellcheck disable=SC2046,SC2086  # PROTOC may be a command with arguments; no path of a proto has a space
PATH=$work:$PATH $PROTOC -I. \
    --go_out="$work" --go_opt=module=$module \
    --go-grpc_out="$work" --go-grpc_opt=module=$module \
    $(find dockfleet -name '*.proto' | LC_ALL=C sort)

mkdir -p "$output"
rm -rf "$output"/dockfleet*v1
mv "$work"/dockfleet*v1 "$output/"
