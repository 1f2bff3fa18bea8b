#!/usr/bin/env bash
# Runs a command beside FHIR clients that others have written: `scripts/clients.sh cargo test`.
#
# They come from PyPI and npm, pinned with their hashes by tests/clients/requirements.txt and
# tests/clients/package-lock.json, and are kept in the cache. The command finds
#   POSTERN_TEST_CLIENTS   the folder: `python/bin/python` has those of PyPI, `node_modules` those of npm
# Those that cannot be had are named here, and the tests that drive them fail by saying so; the others still run.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

[ "$#" -gt 0 ] || die "usage: scripts/clients.sh COMMAND..."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/postern/clients"
folder="$(mktemp -d "${TMPDIR:-/tmp}/postern-clients.XXXXXX")"
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# What is installed is the same for the same lock, so it is installed once for all checkouts.
digest() {
    sha256sum <"$1" | cut -c1-16
}

python_packages() {
    local kept version
    version="$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')" || return 1
    kept="$cache/python-$version-$(digest tests/clients/requirements.txt)"
    if [ ! -e "$kept/complete" ]; then
        # An environment knows its own place, so it is made there.
        rm -rf "$kept"
        python3 -m venv "$kept" >"$folder/python.log" 2>&1 || return 1
        "$kept/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
            --requirement tests/clients/requirements.txt >>"$folder/python.log" 2>&1 || return 1
        touch "$kept/complete"
    fi
    ln -s "$kept" "$folder/python"
}

npm_packages() {
    local kept
    kept="$cache/npm-$(digest tests/clients/package-lock.json)"
    if [ ! -d "$kept/node_modules" ]; then
        mkdir "$folder/npm"
        cp tests/clients/package.json tests/clients/package-lock.json "$folder/npm/"
        # What one of them needs on telephones alone is optional or a peer, and ten times as much as all the rest.
        npm ci --prefix "$folder/npm" --legacy-peer-deps --omit=optional --ignore-scripts --no-audit --no-fund \
            >"$folder/npm.log" 2>&1 || return 1
        mkdir -p "$kept"
        # Whoever was first has made the same.
        mv "$folder/npm/node_modules" "$kept/" 2>/dev/null || [ -d "$kept/node_modules" ]
    fi
    ln -s "$kept/node_modules" "$folder/node_modules"
}

tell() {
    say "the clients of $1 are not there, and the tests that drive them will fail:"
    tail -n 5 "$folder/$2" >&2 2>/dev/null || true
}

python_packages || tell PyPI python.log
npm_packages || tell npm npm.log
cp tests/clients/*.py tests/clients/*.mjs "$folder/"

export POSTERN_TEST_CLIENTS="$folder"
status=0
"$@" || status=$?
exit "$status"
