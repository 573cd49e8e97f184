#!/usr/bin/env bash
# Runs the tests: what is fast first. Its last line is the runner's own summary.
#
#   test.sh [FILTER...]    all tests, or those whose names hold one of the words
#
# Environment: HG_REPMGR_UNDER_TEST  another program in the place of the one built here
#              HG_REPMGR_RELEASE     the release binary for the tests of what ships; built when not named
# The tests of the cluster need root for network namespaces: they are built as you and run with sudo.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS
step() { echo "== $* ($((SECONDS - started)) s)"; }

host=$(rustc --print host-tuple 2>/dev/null || rustc -vV | sed -n 's/^host: //p')
if [ "$(id -u)" != 0 ]; then
  variable=CARGO_TARGET_$(echo "$host" | tr 'a-z-' 'A-Z_')_RUNNER
  export "$variable=sudo -E env PATH=$PATH"
  sudo -v || { echo "test: root is needed for network namespaces" >&2; exit 1; }
fi

# With nextest a test is a process of its own, and one summary closes the run.
if cargo nextest --version >/dev/null 2>&1; then
  run() { cargo nextest run --no-fail-fast ${CI:+--profile ci} "$@"; }
else
  run() { cargo test --no-fail-fast "$@"; }
  echo "test: cargo-nextest is not here; cargo test is used, with one summary for each part"
fi

if [ $# -gt 0 ]; then
  cargo build --tests --quiet
  # cargo test takes one word, nextest several.
  run "$@"
  exit
fi

step "rules of the house"
run --test house_rules

step "examples in the documentation"
cargo test --doc --quiet

if [ -z "${HG_REPMGR_RELEASE:-}" ]; then
  step "release build, for the tests of what ships"
  make --no-print-directory build
  export HG_REPMGR_RELEASE=$PWD/target/$host/release/hg_repmgr
fi

step "all tests"
run --lib --bins --tests
