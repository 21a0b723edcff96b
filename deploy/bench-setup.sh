#!/usr/bin/env bash
# What only the benchmark needs: the packages of its peers (Celery, DBOS, taskiq) in .bench-venv, or those of another
# commit's lock in a folder beside it. Prints the Python to run them with; a second run finds it done.
#   deploy/bench-setup.sh [PYTHON [LOCK VENV]]
set -euo pipefail
cd "$(dirname "$0")/.."

base=${1:-.venv/bin/python}
lock=${2:-requirements-bench.lock}
venv=${3:-.bench-venv}
[ -x "$(command -v "$base")" ] || { echo "bench-setup: there is no $base: run \`make bench\`." >&2; exit 1; }
done_for="$PWD $("$base" --version) $(sha256sum <"$lock")"
if [ "$(cat "$venv/.done" 2>/dev/null)" != "$done_for" ]; then
  "$base" -m venv --clear "$venv" >&2
  "$venv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --no-deps --require-hashes --requirement "$lock" >&2
  echo "$done_for" >"$venv/.done"
fi
echo "$PWD/$venv/bin/python"
