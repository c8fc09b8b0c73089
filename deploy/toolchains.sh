#!/bin/sh
# Makes sure that the tools are there which build a client: toolchains.sh cpp|go|java|protoc|rust|typescript
set -eu

case $1 in
cpp)
    needs="a C++ compiler, CMake, protobuf and gRPC"
    packages="cmake g++ make libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc"
    present() {
        command -v cmake && command -v make && command -v protoc && command -v grpc_cpp_plugin &&
            echo '#include <grpcpp/grpcpp.h>' | c++ -E -x c++ -
    }
    ;;
go)
    needs="Go 1.23 or newer"
    packages="" # Debian's is older
    present() {
        command -v go && go version | awk '{ split(substr($3, 3), version, "."); exit version[1] == 1 && version[2] < 23 }'
    }
    ;;
java)
    needs="Maven and a JDK"
    packages="default-jdk-headless maven"
    present() { command -v mvn && command -v javac; }
    ;;
protoc)
    needs="protoc"
    packages="libprotobuf-dev protobuf-compiler"
    present() { command -v protoc; }
    ;;
rust)
    needs="Rust 1.88 or newer"
    packages="" # Debian's is older
    present() {
        command -v cargo &&
            cargo --version | awk '{ split($2, version, "."); exit version[1] == 1 && version[2] < 88 }'
    }
    ;;
typescript)
    needs="Node 20 or newer, with npm"
    packages="npm"
    present() { command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; }
    ;;
esac

present >/dev/null 2>&1 && exit 0
if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update --quiet
    # shellcheck disable=SC2086  # several packages
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends $packages || true
fi
present >/dev/null 2>&1 && exit 0
echo "missing: $needs.${packages:+  On Debian, as root: apt-get install $packages}" >&2
exit 1
