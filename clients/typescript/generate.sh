#!/bin/sh
# Generates the messages of the contract, and those of error details: generate.sh [FOLDER]
# It needs `npm ci`, and Python with grpcio-tools and googleapis-common-protos: PYTHON says which.
set -eu
out=$(realpath -m "${1:-$(dirname "$0")/src/gen}")
cd "$(dirname "$0")"
python=${PYTHON:-../../.venv/bin/python}
google_rpc=$("$python" -c 'import google.rpc as found; print(list(found.__path__)[0])')
mkdir -p "$out"
"$python" -m grpc_tools.protoc -I ../../protos -I "${google_rpc%/google/rpc}" \
    --plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es \
    --es_out="$out" --es_opt=target=ts,import_extension=js \
    ../../protos/dockfleet/v1/*.proto ../../protos/dockfleet/*/v1/*.proto google/rpc/error_details.proto
