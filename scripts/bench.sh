#!/usr/bin/env bash
# Figures of the program beside the original's, on one cluster in one run. Prints a table and writes
# target/bench.json. Nothing here passes or fails: machines differ.
#
# HG_REPMGR: the program (default: the release build). Needs root, for network namespaces.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${HG_REPMGR:-$(find target -path '*/release/hg_repmgr' -type f | head -1)}
[ -x "$program" ] || { echo "bench: no program: 'make' builds it" >&2; exit 1; }
HG_REPMGR_UNDER_TEST=$(realpath "$program")
export HG_REPMGR_UNDER_TEST
if [ "$(id -u)" != 0 ]; then
  host=$(rustc -vV | sed -n 's/^host: //p')
  export "CARGO_TARGET_$(echo "$host" | tr 'a-z-' 'A-Z_')_RUNNER=sudo -E env PATH=$PATH"
fi
cargo test --quiet --test it -- --ignored --nocapture --test-threads=1 it::bench:: | grep -v '^running\|^test result\|^$\|^\.$'
