#!/usr/bin/env bash
# Measures sends and reads beside pgbench on a throw-away PostgreSQL and writes docs/bench.md, with the
# micro-benchmarks of calendars, decisions and validation. Words after the script go to the load generator.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

scripts/prerequisites.sh test
# Only the load generator and the server it starts, optimised; both before anything is measured.
cargo build --release --locked --package server --package postern-bench
cargo bench --locked --package postern-bench --no-run

# The report takes up what the micro-benchmarks leave behind.
cargo bench --locked --package postern-bench
scripts/postgres.sh "$CARGO_TARGET_DIR/release/postern-bench" "$@"
