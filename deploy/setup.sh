#!/usr/bin/env bash
# Everything a bare Debian needs to run or to test Milesaga; a second run finds it done and takes no time.
#   deploy/setup.sh run|dev [PYTHON]
# Makes .venv from the lock file (hashes checked), and installs rabbitmq-server when it is missing and we may.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=$1
asked=${2:-python3}
venv=.venv
case $kind in
  run) lock=requirements.lock ;;
  dev) lock=requirements-dev.lock ;;
  *) echo "usage: deploy/setup.sh run|dev [PYTHON]" >&2; exit 2 ;;
esac

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n -- "$@"; fi
}
may_install() {
  command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}
apt_install() {
  local options=(-y --no-install-recommends -o DPkg::Lock::Timeout=120)
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" >/dev/null 2>&1 && return
  # package lists that are missing, or so old that they name versions which are gone
  as_root apt-get update -o DPkg::Lock::Timeout=120 >/dev/null
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" >/dev/null
}

check_python() {
  command -v "$asked" >/dev/null || fail "there is no \`$asked\`: install Python 3.11 or later, or name one with PYTHON=/path/to/python3."
  "$asked" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$asked" --version) is too old: Milesaga needs Python 3.11 or later; name one with PYTHON=/path/to/python3."
}

make_venv() {
  check_python
  if ! "$asked" -c 'import ensurepip, venv' 2>/dev/null; then
    local package
    package=$("$asked" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    may_install || fail "$asked cannot make virtual environments: run \`apt-get install $package\`."
    say "installing $package"
    apt_install "$package" || fail "$package could not be installed: run \`apt-get install $package\`."
  fi
  say "making $venv with $("$asked" --version)"
  "$asked" -m venv --clear "$venv"
}

# What an installation depends on; scripts in a virtual environment name its folder, so a moved clone is made anew.
place() { printf '%s %s' "$PWD" "$("$venv/bin/python" --version 2>/dev/null)"; }
fingerprint() { cat "$lock" pyproject.toml deploy/setup.sh | sha256sum; }

install_python_packages() {
  if [ "$(cat "$venv/.place" 2>/dev/null)" != "$(place)" ]; then
    make_venv
    place >"$venv/.place"
  fi
  [ "$(cat "$venv/.$kind" 2>/dev/null)" = "$(fingerprint)" ] && return
  say "installing $lock"
  local pip=("$venv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --no-deps)
  "${pip[@]}" --require-hashes --requirement "$lock"
  "${pip[@]}" --no-build-isolation --no-index --editable .
  fingerprint >"$venv/.$kind"
}

# The package must not start a broker of the system's own: Milesaga runs private nodes. Where a policy is set already
# (containers), it stays; a broker that was here before is never touched, because then nothing is installed.
install_rabbitmq() {
  [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] && return
  command -v rabbitmq-server >/dev/null && return
  [ -n "${BROKER_URL:-}" ] && return
  may_install || fail "RabbitMQ is missing: run \`apt-get install rabbitmq-server\`, or set BROKER_URL to a broker's AMQP URL."
  say "installing rabbitmq-server"
  local policy=/usr/sbin/policy-rc.d made=no
  if [ ! -e "$policy" ]; then
    made=yes
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  apt_install rabbitmq-server || fail "rabbitmq-server could not be installed: run \`apt-get install rabbitmq-server\`."
  if [ "$made" = yes ]; then
    as_root rm -f "$policy"
    trap - EXIT
    if command -v systemctl >/dev/null; then
      as_root systemctl --quiet disable rabbitmq-server.service epmd.service epmd.socket 2>/dev/null ||
        say "the system's rabbitmq-server could not be disabled: it will start at the next boot."
    fi
  fi
}

install_python_packages
install_rabbitmq
