#!/usr/bin/env bash
# Sends very many broken requests to the real server, on both databases, and runs the property tests of every reader with
# many more cases than a run of the tests does. Prints the seed: POSTERN_FUZZ_SEED repeats a run.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

if [ -z "${POSTERN_TEST_POSTGRES_URL:-}" ]; then
    scripts/prerequisites.sh test
    exec scripts/postgres.sh scripts/fuzz.sh "$@"
fi
require_toolchain

export POSTERN_FUZZ_REQUESTS="${POSTERN_FUZZ_REQUESTS:-20000}"
export POSTERN_FUZZ_SEED="${POSTERN_FUZZ_SEED:-$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')}"
export PROPTEST_CASES="${PROPTEST_CASES:-100000}"
say "seed $POSTERN_FUZZ_SEED, $POSTERN_FUZZ_REQUESTS requests, $PROPTEST_CASES cases of each property"
cargo build --workspace --lib --bins --tests --locked
cargo test --workspace --locked --test postern -- fuzz:: --nocapture
exec cargo test --workspace --locked --lib --test lossless -- panic comes_out
