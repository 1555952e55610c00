#!/usr/bin/env bash
# Builds one of the images from this checkout and the wheel in dist/. `make image` calls it for each.
#
#   images/build.sh runner|egress|server [TAG]     the tag to give it [lazyaf-NAME:latest]
#
#   BASE_IMAGE=python:3.13-slim   any Debian with Python; images/build-base.sh makes one
#   NPM_AGENTS="PACKAGE@VERSION"  further agents for the runner's image, from npm
#   PIP_CONFIG_FILE=, NPM_CONFIG_USERCONFIG=, CA_FILE=
#                                 files that the build may read and no image keeps: how to reach the package
#                                 indexes; whom to trust there (pip: `cert = /run/secrets/ca`)
#   DOCKER=docker                 the command to build with
set -euo pipefail
cd "$(dirname "$0")/.."

name=${1:?runner, egress or server}
tag=${2:-lazyaf-$name:latest}
docker=${DOCKER:-docker}
[ -f "images/$name.Dockerfile" ] || { echo "There is no images/$name.Dockerfile." >&2; exit 1; }

version=$("$docker" --version | sed -n 's/.*version \([0-9]*\)\..*/\1/p')
if ! "$docker" buildx version >/dev/null 2>&1 && [ "${version:-0}" -ge 23 ]; then
  echo "This docker command cannot build with secrets: install its plug-in (apt install docker-buildx)." >&2
  exit 1
fi

words=(--build-arg "BASE_IMAGE=${BASE_IMAGE:-python:3.13-slim}")
wheels=(dist/*.whl)
if [ -e "${wheels[0]}" ]; then
  words+=(--build-arg "VERSION=$(basename "${wheels[0]}" | cut -d- -f2)")
elif [ "$name" != egress ]; then
  echo "There is no wheel in dist: make wheel." >&2
  exit 1
fi
words+=(--build-arg "REVISION=$(git describe --always --dirty --abbrev=40 --exclude '*' 2>/dev/null || echo unknown)")
[ -z "${NPM_AGENTS:-}" ] || words+=(--build-arg "NPM_AGENTS=$NPM_AGENTS")
secret() { # id file
  [ -z "$2" ] || words+=(--secret "id=$1,src=$2")
}
secret pip "${PIP_CONFIG_FILE:-}"
secret npm "${NPM_CONFIG_USERCONFIG:-}"
secret ca "${CA_FILE:-}"

DOCKER_BUILDKIT=1 exec "$docker" build --file "images/$name.Dockerfile" "${words[@]}" --tag "$tag" .
