#!/usr/bin/env bash
# Runs every test on SQLite and PostgreSQL. Words after the script go to cargo test: `scripts/test.sh -p domain`.
#
# Uses the PostgreSQL of POSTERN_TEST_POSTGRES_URL (a superuser's URL) when that is set, else starts a throw-away one.
# So with the issuers of tokens of POSTERN_TEST_ISSUERS (see scripts/issuers.sh) and with the clients of
# POSTERN_TEST_CLIENTS (see scripts/clients.sh).
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

if [ -z "${POSTERN_TEST_POSTGRES_URL:-}" ]; then
    scripts/prerequisites.sh test
    exec scripts/postgres.sh scripts/test.sh "$@"
fi
if [ -z "${POSTERN_TEST_ISSUERS:-}" ]; then
    exec scripts/issuers.sh scripts/test.sh "$@"
fi
if [ -z "${POSTERN_TEST_CLIENTS:-}" ]; then
    exec scripts/clients.sh scripts/test.sh "$@"
fi
require_toolchain
[ "$#" -gt 0 ] || set -- --workspace

# `cargo test` alone does not build the binary that the tests start, kill and start again. The same packages and
# targets in one build keep one set of features, so nothing is compiled twice.
if [ "$1" = "--workspace" ]; then
    cargo build --workspace --lib --bins --tests --locked
fi
exec cargo test --locked --no-fail-fast "$@"
