#!/usr/bin/env bash
# Installs from Debian what a task needs and this machine lacks: `prerequisites.sh build` or `prerequisites.sh test`.
#
# Does nothing, quickly and without the network, when everything is there. Without root or sudo it prints the one
# command to run and fails.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

usage="usage: scripts/prerequisites.sh build|test"
task="${1:?$usage}"

missing=()

# $1 is the package, the rest a command that succeeds when the package's part is there.
need() {
    local package="$1"
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

# The C headers and linker as well as the compiler: a bare `gcc` package has no libc to link against.
links_c() {
    echo 'int main(void) { return 0; }' | cc -x c -o /dev/null -
}

# libpq is found by the linker, where Diesel's build looks for it too.
links_libpq() {
    local folder
    folder="$(pg_config --libdir)" || return 1
    echo 'int main(void) { return 0; }' | cc -x c -o /dev/null - "-L$folder" -lpq
}

has_postgres_server() {
    scripts/postgres.sh --find >/dev/null
}

case "$task" in
build) ;;
test)
    need postgresql has_postgres_server
    # For scripts/issuers.sh.
    need nodejs command -v node
    need npm command -v npm
    # For scripts/conformance.py.
    need python3 command -v python3
    need glewlwyd command -v glewlwyd
    # For scripts/clients.sh.
    need python3-venv python3 -c 'import venv, ensurepip'
    ;;
*) die "$usage" ;;
esac
if ! links_c >/dev/null 2>&1; then
    missing+=(gcc libc6-dev libpq-dev)
else
    need libpq-dev links_libpq
fi
# rustup fetches crates over TLS with the system's certificates.
need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt

require_toolchain
[ "${#missing[@]}" -eq 0 ] && exit 0

command -v apt-get >/dev/null 2>&1 ||
    die "missing: ${missing[*]} (Debian's package names). Install them with this system's package manager and run this again."

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
    # A script without a terminal must not wait for a password.
    if [ ! -t 0 ] || [ -n "${CI:-}" ]; then
        as_root=(sudo -n)
    fi
    if ! command -v sudo >/dev/null 2>&1 || ! "${as_root[@]}" true; then
        die "missing: ${missing[*]}. Run this as root, then try again:
    apt-get update && apt-get install --yes --no-install-recommends ${missing[*]}"
    fi
fi

# The tests start a server of their own: Debian's package is to make no cluster and start no service. The file is
# there only while the package installs, so that a person who later wants a cluster gets Debian's usual behaviour.
no_cluster=/etc/postgresql-common/createcluster.d/postern.conf
log="$(mktemp)"
clean_up() {
    "${as_root[@]}" rm -f "$no_cluster"
    rm -f "$log"
}
trap clean_up EXIT

# apt's hundred lines matter only when it fails.
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --yes --quiet --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 || {
        cat "$log" >&2
        die "apt-get $* failed; see above"
    }
}

say "installing from Debian: ${missing[*]}"
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
    "${as_root[@]}" mkdir -p "$(dirname "$no_cluster")"
    echo "create_main_cluster = false" | "${as_root[@]}" tee "$no_cluster" >/dev/null
fi
apt update
if [[ " ${missing[*]} " == *" glewlwyd "* ]]; then
    if apt-cache show glewlwyd >/dev/null 2>&1; then
        # The tests bring its configuration and its database; Debian's package is to make neither.
        echo "glewlwyd glewlwyd/config_type select No configuration" | "${as_root[@]}" debconf-set-selections
        missing+=(dbconfig-no-thanks)
    else
        say "this system has no package of glewlwyd: the tests of that issuer will fail"
        read -ra missing <<<"${missing[*]/glewlwyd/}"
    fi
fi
[ "${#missing[@]}" -eq 0 ] || apt install "${missing[@]}"
