#!/usr/bin/env bash
# Everything a bare Debian needs to run or to test Milesaga; a second run finds it done and takes no time.
#   deploy/setup.sh run|tools|dev|any-day [PYTHON]
# Makes .venv from the lock file (hashes checked), and installs rabbitmq-server when it is missing and we may; `tools` is for
# the command line beside a stack that runs elsewhere, without a broker. `dev` adds Prometheus, for the tests of alerts,
# where we may; `any-day` adds to that what moves the clock of a process.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=$1
asked=${2:-python3}
venv=.venv
clock=real
broker=here
case $kind in
  run) lock=requirements.lock ;;
  tools) kind=run lock=requirements.lock broker=elsewhere ;;
  dev) lock=requirements-dev.lock ;;
  any-day) kind=dev lock=requirements-dev.lock clock=movable ;;
  *) echo "usage: deploy/setup.sh run|tools|dev|any-day [PYTHON]" >&2; exit 2 ;;
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
  local log
  log=$(mktemp)
  apt_get install -y --no-install-recommends "$@" 2>&1 | tee "$log" | apt_progress ||
    # package lists that are missing, or so old that they name versions which are gone
    { apt_get update && apt_get install -y --no-install-recommends "$@"; } 2>&1 | tee "$log" | apt_progress ||
    { cat "$log" >&2; rm -f "$log"; return 1; }
  rm -f "$log"
}
# Counts the lines that match: on a terminal in one line that moves, elsewhere every twenty.
progress() {
  local pattern=$1 what=$2 count=0 line
  while IFS= read -r line; do
    [[ $line =~ $pattern ]] || continue
    count=$((count + 1))
    if [ -t 2 ]; then printf '\rsetup: %d %s' $count "$what" >&2
    elif [ $((count % 20)) = 0 ]; then say "$count $what"; fi
  done
  [ ! -t 2 ] || [ $count = 0 ] || printf '\n' >&2
}
apt_progress() { progress '^(Get:|Unpacking |Setting up )' 'steps of the installation'; }
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 "$@"
}

check_python() {
  command -v "$asked" >/dev/null || fail "there is no \`$asked\`: install Python 3.11 or later, or name one with PYTHON=/path/to/python3."
  "$asked" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$asked" --version) is too old: Milesaga needs Python 3.11 or later; name one with PYTHON=/path/to/python3."
}

make_venv() {
  say "making $venv with $("$asked" --version)"
  "$asked" -m venv --clear "$venv"
  place >"$venv/.place"
}

# What an installation depends on; scripts in a virtual environment name its folder, so a moved clone is made anew.
place() { printf '%s %s' "$PWD" "$("$venv/bin/python" --version 2>/dev/null)"; }
venv_stands() { [ "$(cat "$venv/.place" 2>/dev/null)" = "$(place)" ]; }
fingerprint() { cat "$lock" pyproject.toml deploy/setup.sh | sha256sum; }

install_python_packages() {
  venv_stands || make_venv
  [ "$(cat "$venv/.$kind" 2>/dev/null)" = "$(fingerprint)" ] && return
  say "installing $lock"
  local pip=("$venv/bin/python" -m pip --disable-pip-version-check --no-input install --no-deps --progress-bar off)
  "${pip[@]}" --require-hashes --requirement "$lock" |
    progress '^(Collecting|Ignoring|Requirement already satisfied)' "of $(grep -c == "$lock") packages"
  "${pip[@]}" --quiet --no-build-isolation --no-index --editable .
  fingerprint >"$venv/.$kind"
}

# Debian keeps what makes a virtual environment work in a package of its own.
venv_package() {
  "$asked" -c 'import ensurepip, venv' 2>/dev/null ||
    "$asked" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
}
broker_package() {
  [ $broker = elsewhere ] || [ -n "${BROKER_URL:-}" ] || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] ||
    command -v rabbitmq-server >/dev/null || echo rabbitmq-server
}

clock_package() {
  [ $clock = real ] || command -v faketime >/dev/null || echo faketime
}

install_system_packages() {
  local missing=()
  mapfile -t missing < <(venv_stands || venv_package; broker_package; clock_package)
  [ ${#missing[@]} = 0 ] && return
  local advice="run \`apt-get install ${missing[*]}\`"
  [[ " ${missing[*]} " == *" rabbitmq-server "* ]] && advice+=", or set BROKER_URL to the AMQP URL of a broker"
  may_install || fail "${missing[*]} missing: $advice."
  say "installing ${missing[*]}"
  without_starting_services apt_install "${missing[@]}" || fail "${missing[*]} could not be installed: $advice."
}

# The tests of alerts and dashboards ask promtool and Prometheus; without them they are skipped, and say so.
install_prometheus() {
  [ $kind = dev ] || return 0
  command -v promtool >/dev/null && command -v prometheus >/dev/null && return
  may_install && say "installing prometheus" && without_starting_services apt_install prometheus ||
    say "without \`prometheus\` the tests of alerts are skipped."
}

# Milesaga runs private nodes, and tests a Prometheus of their own, so a package must start none of the system's, now or
# at the next boot. A policy that is set already (containers) stays; a service that was here before is never touched.
without_starting_services() {
  local policy=/usr/sbin/policy-rc.d had_epmd=no had_policy=no outcome=0 brought=() service
  for service in rabbitmq-server prometheus; do
    [ -e "/etc/init.d/$service" ] || brought+=("$service")
  done
  command -v epmd >/dev/null && had_epmd=yes
  [ -e "$policy" ] && had_policy=yes
  if [ $had_policy = no ]; then
    trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  "$@" || outcome=$?
  if [ $had_policy = no ]; then
    as_root rm -f "$policy"
    trap - EXIT
  fi
  for service in "${brought[@]}"; do
    [ -e "/etc/init.d/$service" ] || continue
    as_root update-rc.d "$service" disable >/dev/null 2>&1 || say "$service will start at the next boot."
  done
  [ $had_epmd = yes ] || ! command -v epmd >/dev/null ||
    as_root systemctl --quiet disable epmd.service epmd.socket >/dev/null 2>&1 || true
  return $outcome
}

venv_stands || check_python
install_system_packages
install_prometheus
install_python_packages
