#!/bin/sh
# Generates the messages of the contract: generate.sh [FOLDER]
# It needs Rust, and Python with grpcio-tools: PYTHON says which.
set -eu
out=$(realpath -m "${1:-$(dirname "$0")/src/generated}")
cd "$(dirname "$0")"
descriptors=$(mktemp)
trap 'rm -f "$descriptors"' EXIT
"${PYTHON:-../../.venv/bin/python}" -m grpc_tools.protoc -I ../../protos --include_imports --include_source_info \
    --descriptor_set_out="$descriptors" ../../protos/dockfleet/v1/*.proto ../../protos/dockfleet/fleet/v1/*.proto
cargo run --quiet --locked --manifest-path generate/Cargo.toml -- "$descriptors" "$out"
rm -f "$out"/dockfleet.options.v1.rs "$out"/google.protobuf.rs
