#!/usr/bin/env bash
# Builds the service and plays the story of a Friday evening message against it; fails when anything differs.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

scripts/prerequisites.sh build
cargo build --locked --package server
exec "$CARGO_TARGET_DIR/debug/postern" demo "$@"
