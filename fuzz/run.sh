#!/bin/sh
# Fuzzes one target for some seconds with the stable compiler: `sh fuzz/run.sh dash 60`. Inputs that reach new code
# are kept in corpus/, failing ones in artifacts/.
set -eu
cd "$(dirname "$0")"
target=$1
seconds=${2:-60}
[ -d "corpus/$target" ] || sh seed.sh
mkdir -p "artifacts/$target"
# The flags of cargo-fuzz without sanitizers, which need a nightly compiler: the readers have no unsafe code to check.
export RUSTFLAGS="--cfg fuzzing -Cdebug-assertions -Ccodegen-units=1 -Cpasses=sancov-module \
-Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
# With --target, these flags do not apply to build scripts and macros.
host=$(rustc -vV | sed -n 's/^host: //p')
cargo build --release --target "$host" --bin "$target"
exec "${CARGO_TARGET_DIR:-target}/$host/release/$target" "corpus/$target" -artifact_prefix="artifacts/$target/" \
    -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=1024
