#!/bin/sh
# Fuzzes one reader for so many seconds, with the stable compiler: `sh fuzz/run.sh dash 60`. What was interesting is
# kept in corpus/, what went wrong in artifacts/.
set -eu
cd "$(dirname "$0")"
reader=$1
seconds=${2:-60}
[ -d "corpus/$reader" ] || sh seed.sh
mkdir -p "artifacts/$reader"
# What cargo-fuzz asks of the compiler, but for the sanitizers, which only a nightly one has: there is no unsafe code
# in the readers for them to watch.
export RUSTFLAGS="--cfg fuzzing -Cdebug-assertions -Ccodegen-units=1 -Cpasses=sancov-module \
-Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
# With a target, so that these flags are not those of build scripts and macros, too.
target=$(rustc -vV | sed -n 's/^host: //p')
cargo build --release --target "$target" --bin "$reader"
exec "${CARGO_TARGET_DIR:-target}/$target/release/$reader" "corpus/$reader" -artifact_prefix="artifacts/$reader/" \
    -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=1024
