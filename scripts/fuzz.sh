#!/usr/bin/env bash
# Runs each fuzz target for a while, on one core, from the golden exchanges as seeds. Needs a nightly toolchain.
#
#   scripts/fuzz.sh [SECONDS [TARGET...]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-60}
shift || true
cargo fuzz --version >/dev/null 2>&1 || cargo install --locked --quiet cargo-fuzz
targets=("$@")
if ((${#targets[@]} == 0)); then mapfile -t targets < <(cargo +nightly fuzz list); fi

# The seeds are made anew from the tests' own files, so that they cannot fall behind.
python3 scripts/fuzz_seeds.py fuzz/corpus

for target in "${targets[@]}"; do
  echo "== $target"
  cargo +nightly fuzz run --sanitizer none "$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 2>&1 |
    grep -vE '^#|NEW|REDUCE|^INFO' | tail -15
done
