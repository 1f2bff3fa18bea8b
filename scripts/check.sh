#!/usr/bin/env bash
# Everything that must hold before tests: the quick checks first. Tools that are no part of Rust or Debian's base
# (shellcheck, cargo-deny) are used when they are installed and named when they are not.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

# Runs a named step; the first that fails ends the check, and its name is the last thing printed.
step() {
    local name="$1" started=$SECONDS
    shift
    say "check: $name"
    "$@" || die "check failed: $name"
    say "check: $name: ok ($((SECONDS - started)) s)"
}

shell_scripts() {
    printf '%s\n' scripts/*.sh deploy/*.sh .ci/run
}

shell_syntax() {
    local script
    for script in $(shell_scripts); do
        bash -n "$script" || return 1
    done
    if command -v shellcheck >/dev/null 2>&1; then
        # shellcheck disable=SC2046 # the names have no spaces
        shellcheck --external-sources $(shell_scripts)
    else
        say "shellcheck is not installed: only the syntax was checked"
    fi
}

# Advisories need a fresh database from the network: a vulnerability published today is told, but does not turn
# yesterday's commit red.
dependencies() {
    if ! cargo deny --version >/dev/null 2>&1; then
        say "cargo-deny is not installed: licences, bans and sources were not checked (cargo install --locked cargo-deny)"
        return
    fi
    cargo deny --locked check bans licenses sources || return 1
    cargo deny --locked check advisories || say "WARNING: cargo-deny advisories did not pass; see above"
}

scripts/prerequisites.sh build

step "shell scripts" shell_syntax
step "links in the documentation" scripts/links.sh
step "format" cargo fmt --all --check
step "dependencies" dependencies
step "lints" cargo clippy --workspace --all-targets --locked -- --deny warnings
step "API documentation" env RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --locked
