#!/usr/bin/env bash
# Writes openapi/postern.json from the routes that the service serves.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

scripts/prerequisites.sh build
cargo build --locked --package server

# Written beside and moved, so that a failure never leaves half a document.
fresh="$(mktemp openapi/.postern.json.XXXXXX)"
trap 'rm -f "$fresh"' EXIT
"$CARGO_TARGET_DIR/debug/postern" openapi >"$fresh"
chmod 644 "$fresh"
mv "$fresh" openapi/postern.json
say "wrote openapi/postern.json"
