#!/usr/bin/env bash
# Writes the lock files from pyproject.toml: exact versions and hashes, for every platform, and no index's name.
#   deploy/lock.sh              keeps the versions that still fit
#   deploy/lock.sh --upgrade    takes the newest
set -euo pipefail
cd "$(dirname "$0")/.."

uv=$(command -v uv || echo .venv/bin/uv)
[ -x "$uv" ] || .venv/bin/python -m pip --disable-pip-version-check install --quiet uv
compile() {
  local output=$1; shift
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links "$@" --output-file "$output"
}
compile requirements.lock pyproject.toml --group build "$@"
compile requirements-dev.lock pyproject.toml --group build --group dev --constraint requirements.lock "$@"
compile requirements-bench.lock --group bench "$@"
if grep -nE '^ *(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)|://' requirements*.lock; then
  echo "lock: the lines above name a host" >&2
  exit 1
fi
