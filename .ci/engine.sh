# Sourced: what the tests over containers need, for a job whose name is in `job`. They say why when they cannot run.

scratch=$(mktemp -d)
engine=

skip() { echo "$job: skipped: $*" >&2; exit 0; }

end_engine() {
  if [ -n "$engine" ]; then kill "$engine" 2>/dev/null || true; wait "$engine" 2>/dev/null || true; fi
  rm -rf "$scratch"
}
trap end_engine EXIT

# Debian's packages, where they are not there yet.
packages() {
  dpkg --status "$@" >/dev/null 2>&1 && return
  command -v apt-get >/dev/null || skip "there is no apt-get to install $* by"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
    >"$scratch/apt.log" 2>&1 || { tail -3 "$scratch/apt.log" >&2; skip "$* cannot be installed"; }
}

# A Docker engine: the one that runs, else one of our own, which ends with the script. DOCKER_DATA keeps what it holds.
engine_up() {
  docker info >/dev/null 2>&1 && return
  [ "$(id -u)" = 0 ] || skip "no Docker engine runs, and one of our own needs root"
  packages docker.io debootstrap iptables
  docker info >/dev/null 2>&1 && return
  dockerd --data-root "${DOCKER_DATA:-$scratch/docker}" >"$scratch/dockerd.log" 2>&1 &
  engine=$!
  for _ in $(seq 60); do
    docker info >/dev/null 2>&1 && return
    kill -0 "$engine" 2>/dev/null || break
    sleep 1
  done
  tail -5 "$scratch/dockerd.log" >&2
  skip "no Docker engine can be started"
}

# The images that are pinned, or stand-ins of them.
images() {
  local image
  for image in "$@"; do
    .ci/stand-in "$image" >"$scratch/image.log" 2>&1 || { tail -3 "$scratch/image.log" >&2; skip "there is no $image"; }
  done
}
