#!/usr/bin/env bash
# Runs a command beside two real issuers of tokens: `scripts/issuers.sh cargo test`.
#
# oidc-provider comes from npm, pinned by tests/issuers/package-lock.json and kept in the cache; glewlwyd comes from
# Debian. Both listen on free ports of 127.0.0.1, keep what they know in a temporary folder, and end with the command.
# The command finds
#   POSTERN_TEST_ISSUERS   the folder: `oidc-provider.url`, `glewlwyd.url`, and `client.p8`, the key that the clients
#                          of oidc-provider prove
# An issuer that cannot be had is named here, and the tests that need it fail by saying so; the others still run.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

[ "$#" -gt 0 ] || die "usage: scripts/issuers.sh COMMAND..."

folder="$(mktemp -d "${TMPDIR:-/tmp}/postern-issuers.XXXXXX")"
running=()
# shellcheck disable=SC2317 # called by the trap
stop() {
    local status=$? process
    for process in "${running[@]}"; do
        kill "$process" 2>/dev/null || true
    done
    rm -rf "$folder"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Starts something in a session of its own that never outlives this script, and remembers it.
beside() {
    local log="$1"
    shift
    setsid setpriv --pdeathsig TERM "$@" >"$folder/$log" 2>&1 &
    running+=("$!")
}

# Waits until a command succeeds, for up to 30 seconds.
until_done() {
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    return 1
}

# What npm installs is the same for the same lock, so it is installed once for all checkouts.
npm_packages() {
    local kept
    kept="${XDG_CACHE_HOME:-$HOME/.cache}/postern/issuers/$(sha256sum <tests/issuers/package-lock.json | cut -c1-16)"
    if [ ! -d "$kept/node_modules" ]; then
        mkdir "$folder/npm"
        cp tests/issuers/package.json tests/issuers/package-lock.json "$folder/npm/"
        npm ci --prefix "$folder/npm" --ignore-scripts --no-audit --no-fund >"$folder/npm.log" 2>&1 || return 1
        mkdir -p "$kept"
        # Whoever was first has made the same.
        mv "$folder/npm/node_modules" "$kept/" 2>/dev/null || [ -d "$kept/node_modules" ]
    fi
    ln -s "$kept/node_modules" "$folder/node_modules"
}

oidc_provider() {
    npm_packages || return 1
    cp tests/issuers/oidc-provider.mjs "$folder/"
    beside oidc-provider.log node "$folder/oidc-provider.mjs" "$folder"
    until_done test -s "$folder/oidc-provider.url"
}

glewlwyd_answers() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

glewlwyd() {
    local tables=/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3 port
    [ -e "$tables" ] || return 1
    sqlite3 "$folder/glewlwyd.sqlite" <"$tables"
    port=$((20000 + RANDOM % 12000))
    while glewlwyd_answers "$port"; do
        port=$((port + 1))
    done
    sed -e "s|PORT|$port|g" -e "s|FOLDER|$folder|g" tests/issuers/glewlwyd.conf >"$folder/glewlwyd.conf"
    beside glewlwyd.log glewlwyd --config-file="$folder/glewlwyd.conf"
    until_done glewlwyd_answers "$port" || return 1
    node tests/issuers/glewlwyd.mjs "http://127.0.0.1:$port" "$folder" >"$folder/setup.log" 2>&1
}

tell() {
    say "$1 is not there, and the tests that need it will fail:"
    tail -n 5 "$folder/$2" >&2 2>/dev/null || true
}

oidc_provider || tell oidc-provider "$([ -e "$folder/oidc-provider.log" ] && echo oidc-provider.log || echo npm.log)"
glewlwyd || tell glewlwyd "$([ -e "$folder/setup.log" ] && echo setup.log || echo glewlwyd.log)"

export POSTERN_TEST_ISSUERS="$folder"
status=0
"$@" || status=$?
exit "$status"
