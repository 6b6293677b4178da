#!/bin/bash
# Builds the fuzz targets, and runs one after another for so many seconds, each from its seeds and from what earlier
# runs have left in the directory CORPUS. Fails, after all have run, if one of them did.
#
# usage: run.sh SECONDS CORPUS
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=$1
corpus=$2
work=$PWD/target/fuzz
tool=$(packaging/tool.sh cargo-fuzz)
host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=$work

# cargo-fuzz knows no --locked.
cargo fetch --quiet --locked --manifest-path tests/fuzz/Cargo.toml
echo "building the fuzz targets (the first time one to two minutes)"
mkdir -p "$work"
# Without a sanitizer the stable compiler does, and the program has no unsafe code for one to look at.
"$tool/cargo-fuzz" fuzz build --fuzz-dir tests/fuzz --sanitizer none --target "$host" >"$work/build.log" 2>&1 || {
    cat "$work/build.log" >&2
    exit 1
}

failed=0
for target in tests/fuzz/targets/*.rs; do
    target=$(basename "$target" .rs)
    log=$work/$target.log
    program=$work/$host/release/$target
    mkdir -p "$corpus/$target" "$work/failures"
    # The longest of all bounds, of which each target takes its own (limits.rs). A minute on the clock, for what never ends.
    if "$program" -max_total_time="$seconds" -max_len=$((4 << 20)) -timeout=60 -rss_limit_mb=512 -print_final_stats=1 \
        -artifact_prefix="$work/failures/$target-" "$corpus/$target" "tests/fuzz/seeds/$target" >"$log" 2>&1; then
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: //p' "$log") executions, no failure," \
            "$(sed -n 's/^stat::slowest_unit_time_sec: *//p' "$log") s and" \
            "$(sed -n 's/^stat::peak_rss_mb: *//p' "$log") MiB at most"
    else
        failed=1
        echo "$target: FAILED, all of it is in $log"
        { grep -a -A 3 -E 'panicked at|ERROR: libFuzzer' "$log" || tail -n 20 "$log"; } | cut -c -300
        sed -n 's/^artifact_prefix=.*Test unit written to //p' "$log" |
            while read -r input; do printf 'again: %q %q\n' "$program" "$input"; done
    fi
done
exit $failed
