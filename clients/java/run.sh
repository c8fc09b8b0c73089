#!/bin/sh
# Runs a program of the examples after `mvn test-compile process-test-classes`: run.sh TARGET CLASS [ARGUMENT]...
set -eu
target=$1
shift
exec java -Xshare:auto -XX:TieredStopAtLevel=1 -cp "$target/classes:$target/test-classes:$(cat "$target/classpath")" "$@"
