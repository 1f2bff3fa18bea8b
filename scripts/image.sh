#!/usr/bin/env bash
# Builds the container image with docker, podman or buildah, whichever works here. IMAGE names it (postern:latest).
set -euo pipefail
# shellcheck source=scripts/environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

image="${IMAGE:-postern:latest}"

# docker's client is often installed where no daemon runs: it counts only when the daemon answers.
if command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
    build=(docker build)
elif command -v podman >/dev/null 2>&1; then
    # Without the docker format HEALTHCHECK is dropped in silence.
    build=(podman build --format docker)
elif command -v buildah >/dev/null 2>&1; then
    build=(buildah build --format docker)
else
    die "no container engine works here: docker (with its daemon running), podman or buildah is needed.
On Debian: apt-get install --yes podman"
fi

say "building $image with ${build[0]}"
"${build[@]}" --file deploy/Containerfile --tag "$image" "$@" .
say "built $image"
