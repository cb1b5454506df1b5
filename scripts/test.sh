#!/usr/bin/env bash
# Everything that must hold on every commit. Ends with 1 at the first part that fails.
#
#   LAZARET_REQUIRE_REGISTRIES=1   a test that would be skipped fails instead (set in CI)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p target

part() { printf '\n== %s\n' "$1"; }

part "tools"
if ! cargo deny --version >/dev/null 2>&1; then
  cargo install --locked --quiet cargo-deny
fi
e2e/install-clients.sh
if [[ ${LAZARET_REQUIRE_REGISTRIES:-} == 1 ]]; then export LAZARET_TEST_NO_SKIP=1; fi
export LAZARET_SKIP_LOG=$PWD/target/skipped.log
: >"$LAZARET_SKIP_LOG"

part "format"
cargo fmt --all --check

part "lint"
cargo clippy --locked --workspace --all-targets --quiet -- -D warnings

part "docs"
RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --document-private-items --quiet

part "dependencies"
# The advisory check needs a database from a git host, which not every build machine reaches.
cargo deny --workspace --log-level error check bans licenses sources

part "host names"
if [[ -x ../shared/bin/check-hosts ]]; then ../shared/bin/check-hosts .; else echo "no check-hosts here: passed over"; fi

part "tests"
# The binary first: the end-to-end tests run it.
cargo build --locked --quiet -p lazaret
cargo test --locked --workspace --quiet

part "OCI conformance"
for printed in target/conformance/*/printed.txt; do
  [[ -f $printed ]] || { echo "the suite did not run"; break; }
  printf '%s\n' "${printed%/*}"
  sed -n '/^OCI Conformance Result/,/^Data conformance/p' "$printed" | grep -v Disabled || true
done

part "done"
if [[ -s $LAZARET_SKIP_LOG ]]; then
  printf '%s tests were SKIPPED:\n' "$(wc -l <"$LAZARET_SKIP_LOG")"
  cat "$LAZARET_SKIP_LOG"
else
  echo "no test was skipped"
fi
