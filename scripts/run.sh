#!/usr/bin/env bash
# Builds the service and starts it in development mode with an embedded database in data/.
#
# The first start migrates and seeds a small clinic; later starts keep the data. Every variable can be set outside.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

scripts/prerequisites.sh build
cargo build --locked --package server

export POSTERN_DEV="${POSTERN_DEV:-1}"
export POSTERN_LISTEN="${POSTERN_LISTEN:-127.0.0.1:8080}"
export POSTERN_DATABASE_URL="${POSTERN_DATABASE_URL:-sqlite:data/postern.sqlite}"

mkdir -p data
postern="$CARGO_TARGET_DIR/debug/postern"
"$postern" migrate
"$postern" seed
# In place of this shell, so that Ctrl-C and a service manager's signals reach the server itself.
exec "$postern" serve
