#!/bin/sh
# Installs what a command of this repository needs and is missing: Debian packages and npm packages.
# Usage: scripts/setup.sh [build|test|package|ui|vscode|bench|otel|prebuild|wine|sinks|ops|mac|cluster|encrypted|ingest]
# Idempotent; says what it does on stderr; as root or through sudo. With everything present it costs
# one dpkg-query and one checksum.
set -eu

profile=${1:-build}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

packages="gcc g++ make cmake ninja-build pkg-config python3 ca-certificates \
libcurl4-openssl-dev libssl-dev libsqlite3-dev zlib1g-dev libevent-dev libdeflate-dev libisal-dev libcmocka-dev libpq-dev libmariadb-dev \
libprotobuf-c-dev protobuf-c-compiler"
case $profile in
  build | encrypted) ;;
  otel) packages="$packages openssl" ;;
  ui) packages="$packages chromium" ;;
  test | package) packages="$packages chromium clang lld wasi-libc libclang-rt-14-dev-wasm32 clang-format libclang-rt-14-dev locales openssl git procps" ;;
  bench) packages="$packages python3-fastapi python3-uvicorn python3-uvloop python3-httptools" ;;
  prebuild | wine) packages="$packages dpkg-dev bzip2 xz-utils perl tcl binutils gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
gcc-mingw-w64-x86-64-posix" ;;
  mac) packages="$packages dpkg-dev bzip2 xz-utils perl tcl lld-19" ;;
  vscode) packages="$packages chromium fonts-dejavu-core" ;;
  # the servers that bench:ingest --sink starts
  ingest) packages="$packages python3-fastapi python3-uvicorn python3-uvloop python3-httptools postgresql mariadb-server clickhouse-server" ;;
  sinks) packages="$packages clang libclang-rt-14-dev postgresql mariadb-server clickhouse-server" ;;
  ops) packages="$packages postgresql clickhouse-server prometheus systemd docker-compose" ;;
  cluster) packages="$packages clang libclang-rt-14-dev clickhouse-server libzookeeper-java default-jre-headless" ;;

  *) fail "unknown profile \"$profile\": use build, test, package, ui, vscode, bench, otel, prebuild, wine, sinks, ops, mac, cluster, encrypted or ingest" ;;
esac
# Programs for Windows on x64 run on such a processor alone; elsewhere those tests are skipped.
case $profile in package | wine) [ "$(uname -m)" != x86_64 ] || packages="$packages wine64" ;; esac
if [ "$profile" = package ]; then packages="$packages qemu-user-static libc6-dev-arm64-cross"; fi

# The words of $packages whose package is not fully installed.
missing_packages() {
  # dpkg-query fails when it knows one of the names not at all: that one is missing, which is the answer.
  # shellcheck disable=SC2086 # a list of words
  installed=$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' $packages 2>/dev/null |
    sed -n 's/^ii  *//p' || true)
  for package in $packages; do
    printf '%s\n' "$installed" | grep -qx "$package" || printf '%s ' "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo -n "$@" || fail "sudo needs a password: run as root once: apt-get install -y $missing"
  else
    fail "not root and no sudo: run as root once: apt-get install -y $missing"
  fi
}

install_packages() {
  command -v dpkg-query >/dev/null 2>&1 ||
    fail "this is not Debian: install the equivalents of: $packages"
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  say "installing Debian packages: $missing"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 ||
    fail "apt-get update failed: check the network and /etc/apt/sources.list"
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
    >&2 || fail "apt-get install failed: see the lines above"
}

# Database servers for tests: the packages would make a cluster in /var/lib and start services. The tests
# start servers of their own in scratch folders.
keep_servers_off() {
  [ -n "$(missing_packages)" ] || return 0
  conf=/etc/postgresql-common/createcluster.conf
  if ! grep -qs '^create_main_cluster' "$conf"; then
    as_root mkdir -p /etc/postgresql-common
    printf 'create_main_cluster = false\n' | as_root tee -a "$conf" >/dev/null
  fi
  [ -e /usr/sbin/policy-rc.d ] && return 0
  say "no services are started while packages are installed (policy-rc.d)"
  printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
  as_root chmod 755 /usr/sbin/policy-rc.d
  trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
}

# npm ci in $1 unless its stamp says that this lock file is already installed.
install_npm() {
  [ -f "$1/package-lock.json" ] || return 0
  want=$(cksum <"$1/package-lock.json")
  stamp=$1/node_modules/.candor-lock
  # No stamp: never installed.
  [ "$(cat "$stamp" 2>/dev/null || true)" = "$want" ] && return 0
  # npm ci empties what node_modules points to, which another checkout works with.
  [ ! -L "$1/node_modules" ] ||
    fail "$1/node_modules is a link and not what package-lock.json asks for: run npm ci where it points to, or remove the link"
  say "installing npm packages in ${1#"$root"/}"
  (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund >&2) || fail "npm ci failed in $1"
  printf '%s\n' "$want" >"$stamp"
}

check_node() {
  command -v node >/dev/null 2>&1 || fail "Node.js is missing: install Node 18 or later with npm"
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 18 ? 0 : 1)' ||
    fail "Node $(node --version) is too old: 18 or later is needed"
}

check_node
case $profile in sinks | ops | cluster | ingest) keep_servers_off ;; esac
install_packages
install_npm "$root"
install_npm "$root/dashboard"
if [ "$profile" = encrypted ]; then install_npm "$root/scripts/encrypted"; fi
if [ "$profile" = bench ]; then install_npm "$root/tests/bench"; fi
if [ "$profile" = mac ]; then
  # What scripts/prebuild/zig/package.json names runs on such a processor alone.
  [ "$(uname -m)" = x86_64 ] || fail "binaries for macOS are built on Linux on x64 (docs/prebuilds.md)"
  install_npm "$root/scripts/prebuild/zig"
fi
case $profile in test | package | otel) install_npm "$root/tests/otel" ;; esac
case $profile in test | package | ui) install_npm "$root/tests/ui"; install_npm "$root/tests/electron" ;; esac
if [ "$profile" = vscode ]; then
  install_npm "$root/tests/ui"
  node "$root/scripts/vscode-host.js" >/dev/null || fail "VS Code for tests could not be installed"
fi
