#!/usr/bin/env bash
# Removes what was built. The embedded database in data/ stays: it is somebody's data, not a build's output.
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

require_toolchain
cargo clean
say "removed $CARGO_TARGET_DIR; data/ was left as it is"
