# shellcheck shell=bash
# Sourced by every script here: where the build goes, and that the toolchain is there.
#
# Sets `root` (the checkout) and changes into it. Respects CARGO_TARGET_DIR when it is already set.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root" || exit 1

# A minimal environment (a container, a service unit) may lack HOME; cargo and the cache need it.
if [ -z "${HOME:-}" ]; then
    HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"
    export HOME
fi

# rustup's installer changes only login shells.
if ! command -v cargo >/dev/null 2>&1 && [ -x "$HOME/.cargo/bin/cargo" ]; then
    export PATH="$HOME/.cargo/bin:$PATH"
fi

# Outside the checkout, so that a second clean checkout on the same machine finds its dependencies built.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/postern/target}"

if [ -n "${CI:-}" ]; then
    # Incremental state costs time to write and is never read again in a fresh clone.
    export CARGO_INCREMENTAL=0
    export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"
fi
export CARGO_NET_RETRY="${CARGO_NET_RETRY:-5}"

# Says on standard error what a script is about to do; standard output belongs to the commands.
say() {
    printf '%s\n' "$*" >&2
}

# Ends the script with a reason and its remedy.
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Refuses to go on without the Rust toolchain that rust-toolchain.toml names.
require_toolchain() {
    local wanted
    wanted="$(sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml)"
    command -v cargo >/dev/null 2>&1 ||
        die "cargo is not installed. Install Rust $wanted with rustup (https://rustup.rs) and run this again."
    # With rustup this line also installs the pinned toolchain when it is missing.
    cargo --version >/dev/null ||
        die "Rust $wanted is not installed. Run: rustup toolchain install $wanted --component rustfmt --component clippy"
}
