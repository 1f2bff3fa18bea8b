#!/usr/bin/env bash
# Runs a command beside a throw-away PostgreSQL: `scripts/postgres.sh cargo test`.
#
# The server listens on a free port of 127.0.0.1 and on a socket in its own temporary folder, trusts whoever reaches
# it there, keeps full durability (a test that kills a process must find what was promised), and is stopped and
# removed when the command ends. The command finds
#   POSTERN_TEST_POSTGRES_URL   the URL of a superuser who may create databases
#   POSTERN_POSTGRES_BIN        the folder of pgbench, psql and the other tools of the same version
# Without a command it prints the URL and runs until it is stopped. `--find` prints the tools' folder and ends.
# POSTGRES_OPTIONS holds further options for the server, such as `-c shared_buffers=1GB`.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

# Debian keeps the server's programs out of PATH, one folder a version; the newest wins.
find_bin() {
    local initdb
    initdb="$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)"
    if [ -z "$initdb" ]; then
        initdb="$(command -v initdb)" || return 1
        initdb="$(readlink -f "$initdb")"
    fi
    dirname "$initdb"
}

if [ "${1:-}" = "--find" ]; then
    find_bin
    exit
fi
bin="$(find_bin)" || die "PostgreSQL's server is not installed. Run: scripts/prerequisites.sh test"

# PostgreSQL refuses to run as root; Debian's package brings the user `postgres` for it.
as_server=(setpriv)
if [ "$(id -u)" -eq 0 ]; then
    id postgres >/dev/null 2>&1 || die "PostgreSQL cannot run as root, and there is no user 'postgres' to run it as."
    as_server=(setpriv --reuid=postgres --regid=postgres --init-groups)
    # root's TMPDIR may be closed to everybody else.
    TMPDIR=/tmp
fi

# What a killed run could not remove. A folder that is not ours cannot be removed, and is left.
for left in "${TMPDIR:-/tmp}"/postern-postgres.*; do
    if [ -f "$left/owner" ] && [ ! -e "/proc/$(cat "$left/owner")" ]; then
        rm -rf "$left" 2>/dev/null || true
    fi
done

folder="$(mktemp -d "${TMPDIR:-/tmp}/postern-postgres.XXXXXX")"
echo "$$" >"$folder/owner"
server=""
stop() {
    local status=$?
    trap - EXIT INT TERM HUP
    if [ -n "$server" ]; then
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
        kill -INT "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$folder"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

[ "$(id -u)" -ne 0 ] || chown postgres: "$folder"
# The server's own working folder: it cannot enter one that only the caller may read.
in_folder() {
    (cd "$folder" && exec "${as_server[@]}" "$@")
}

in_folder "$bin/initdb" --pgdata="$folder/data" --username=postgres --auth=trust \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$folder/initdb.log" 2>&1 || {
    cat "$folder/initdb.log" >&2
    die "initdb failed"
}

# Succeeds when nothing answers on the port. Another process may still take it first, hence the tries below.
is_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

accepts() {
    "$bin/psql" --host="$folder" --port="$1" --username=postgres --dbname=postgres --no-psqlrc --quiet \
        --command='select 1' >/dev/null 2>&1
}

# Starts the server on the port and waits until it answers; fails when it ends instead.
start() {
    local port="$1"
    # In a session of its own, so that Ctrl-C reaches the command first; with a death signal, so that it never
    # outlives this script, not even when this script is killed.
    # shellcheck disable=SC2086 # the options are several words by intent
    (cd "$folder" && exec setsid "${as_server[@]}" --pdeathsig INT "$bin/postgres" -D "$folder/data" \
        -c listen_addresses=127.0.0.1 -c port="$port" -c unix_socket_directories="$folder" \
        -c shared_buffers=256MB -c max_connections=200 \
        ${POSTGRES_OPTIONS:-}) >"$folder/server.log" 2>&1 &
    server=$!
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        accepts "$port" && return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    kill -INT "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=""
    return 1
}

port=""
for ((attempt = 0; attempt < 5; attempt++)); do
    candidate=$((20000 + RANDOM % 12000))
    is_free "$candidate" || continue
    if start "$candidate"; then
        port="$candidate"
        break
    fi
done
if [ -z "$port" ]; then
    [ ! -e "$folder/server.log" ] || cat "$folder/server.log" >&2
    die "PostgreSQL did not start"
fi

export POSTERN_TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
export POSTERN_POSTGRES_BIN="$bin"

if [ "$#" -eq 0 ]; then
    echo "$POSTERN_TEST_POSTGRES_URL"
    wait "$server"
else
    status=0
    "$@" || status=$?
    exit "$status"
fi
