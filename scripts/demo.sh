#!/usr/bin/env bash
# A primary and two standbys on this machine, set up by the program itself.
#
#   demo.sh up      takes an older demo down first
#   demo.sh down
#
# HG_REPMGR is the program (default: the release build), DEMO_DIR the folder (default below).
# Nothing runs as root: called by root, it goes on as the user postgres. The servers listen on Unix sockets
# in a folder closed to others, and on no port.
set -euo pipefail

if [ "$(id -u)" = 0 ]; then runner=postgres; else runner=$(id -un); fi
DIR=${DEMO_DIR:-${TMPDIR:-/tmp}/hg_repmgr-demo-$runner}
MARK=.made-by-the-hg_repmgr-demo
NODES="1 2 3"

die() { echo "demo: $*" >&2; exit 1; }
step() { printf '\n%s\n' "== $*"; }

# Shows a command as a person would type it, then runs it; its output only if it fails.
show() {
  printf '$ %s\n' "${*/#$DIR\/bin\/repmgr/repmgr}"
  "$@" >"$DIR/last.out" 2>&1 || { local code=$?; cat "$DIR/last.out" >&2; die "exit code $code from: $*"; }
}
# The same with its output.
tell() {
  printf '$ %s\n' "${*/#$DIR\/bin\/repmgr/repmgr}"
  "$@" || die "exit code $? from: $*"
}

newest_postgres() { # the bin directory of the newest server on this machine
  local initdb best='' best_version=0 version
  for initdb in /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb "$(command -v initdb || true)"; do
    [ -x "$initdb" ] || continue
    version=$("$initdb" --version | sed 's/.*) \([0-9]*\).*/\1/')
    if [ "$version" -gt "$best_version" ]; then best_version=$version best=$(dirname "$initdb"); fi
  done
  [ -n "$best" ] || die "no PostgreSQL server is installed: 'make demo' installs it, or 'scripts/setup.sh demo'"
  echo "$best"
}

port() { echo $((5430 + $1)); }
data() { echo "$DIR/node$1/data"; }
conf() { echo "$DIR/node$1/repmgr.conf"; }
repmgr() { local n=$1; shift; show "$DIR/bin/repmgr" -f "$(conf "$n")" "$@"; }
start() { show "$PG/pg_ctl" -D "$(data "$1")" -l "$DIR/node$1/postgresql.log" -w start; }
sql() { "$PG/psql" -X -q -A -t -h "$DIR/run" -p "$(port "$1")" -U repmgr -d repmgr -c "$2"; }

take_down() {
  [ -e "$DIR" ] || return 0
  [ -O "$DIR" ] && [ -e "$DIR/$MARK" ] || die "$DIR was not made by this demo: it is left as it is"
  local n pg
  pg=$(cat "$DIR/bindir" 2>/dev/null || true)
  for n in $NODES; do
    [ ! -e "$(data "$n")/postmaster.pid" ] || "$pg/pg_ctl" -D "$(data "$n")" -m fast -w stop >/dev/null || true
  done
  for n in $NODES; do
    [ ! -e "$(data "$n")/postmaster.pid" ] || die "node$n is still running: see $(data "$n")/postmaster.pid"
  done
  rm -rf "${DIR:?}"/* "${DIR:?}/$MARK"
  rmdir "$DIR" 2>/dev/null || true   # its parent may belong to somebody else
}

write_conf() {
  mkdir -p "$DIR/node$1"
  cat >"$(conf "$1")" <<END
node_id=$1
node_name='node$1'
conninfo='host=$DIR/run port=$(port "$1") user=repmgr dbname=repmgr connect_timeout=2'
data_directory='$(data "$1")'
pg_bindir='$PG'
END
}

make_primary() {
  "$PG/initdb" -D "$(data 1)" -U postgres -A trust -N >"$DIR/last.out" 2>&1 || { cat "$DIR/last.out" >&2; die "initdb failed"; }
  cat >>"$(data 1)/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$DIR/run'
port = $(port 1)
wal_level = replica
max_wal_senders = 10
max_replication_slots = 10
hot_standby = on
wal_log_hints = on
shared_buffers = 16MB
END
  start 1
  "$PG/psql" -X -q -h "$DIR/run" -p "$(port 1)" -U postgres -d postgres \
    -c 'CREATE ROLE repmgr SUPERUSER LOGIN' -c 'CREATE DATABASE repmgr OWNER repmgr'
}

make_standby() {
  repmgr "$1" -h "$DIR/run" -p "$(port 1)" -U repmgr -d repmgr standby clone --fast-checkpoint
  # On one machine each server needs a port of its own; the clone brought its origin's.
  echo "port = $(port "$1")" >>"$(data "$1")/postgresql.conf"
  start "$1"
  repmgr "$1" standby register
}

read_row() {
  local n found deadline=$((SECONDS + 20))
  for n in 2 3; do
    until found=$(sql "$n" 'SELECT text FROM demo' 2>/dev/null) && [ -n "$found" ]; do
      [ $SECONDS -lt $deadline ] || die "the row did not reach node$n"
      sleep 0.05
    done
    echo "node$n: $found"
  done
}

up() {
  PG=$(newest_postgres)
  take_down
  mkdir -p "$DIR"
  touch "$DIR/$MARK"
  mkdir -p "$DIR/bin"
  mkdir -m 700 "$DIR/run"
  echo "$PG" >"$DIR/bindir"
  [ ${#DIR} -lt 80 ] || die "$DIR is too long for a Unix socket: set DEMO_DIR to a shorter one"
  cp "$PROGRAM" "$DIR/bin/hg_repmgr"
  ln -s hg_repmgr "$DIR/bin/repmgr"
  ln -s hg_repmgr "$DIR/bin/repmgrd"
  local n
  for n in $NODES; do write_conf "$n"; done
  echo "Three servers in $DIR, as the user $(id -un), with $("$PG/postgres" --version)"

  step "A primary, and its entry in repmgr's metadata"
  make_primary
  repmgr 1 primary register
  for n in 2 3; do
    step "A standby: cloned, started, registered"
    make_standby "$n"
  done
  step "A row written on the primary and read on the standbys"
  sql 1 "CREATE TABLE demo AS SELECT 'hello from node1'::text AS text"
  read_row
  step "The cluster"
  tell "$DIR/bin/repmgr" -f "$(conf 1)" cluster show
  local as=''
  [ "$runner" = "$CALLER" ] || as="runuser -u $runner -- "
  cat <<END

Look around:
  ${as}$DIR/bin/repmgr -f $(conf 1) cluster event
  ${as}$DIR/bin/repmgr -f $(conf 2) node status
  ${as}$DIR/bin/repmgr -f $(conf 2) node check
  ${as}$PG/psql -h $DIR/run -p $(port 1) -U repmgr repmgr
Stop a server, and see what is said of it:
  ${as}$PG/pg_ctl -D $(data 3) stop
  ${as}$DIR/bin/repmgr -f $(conf 1) cluster show
Take it down:
  make demo-down
END
}

# Goes on as the user postgres, with copies of script and program that it can read.
as_postgres() {
  id postgres >/dev/null 2>&1 || die "there is no user postgres: install PostgreSQL with 'scripts/setup.sh demo'"
  local copy
  copy=$(mktemp -d "${TMPDIR:-/tmp}/hg_repmgr-demo.XXXXXX")
  # shellcheck disable=SC2064 # the name as it is now
  trap "rm -rf $copy" EXIT
  cp "$0" "$copy/demo.sh"
  [ -z "${PROGRAM:-}" ] || cp "$PROGRAM" "$copy/hg_repmgr"
  chmod -R a+rX "$copy"
  cd /
  setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/ DEMO_DIR="$DIR" CALLER=root \
    HG_REPMGR="${PROGRAM:+$copy/hg_repmgr}" bash "$copy/demo.sh" "$1"
}

CALLER=${CALLER:-$(id -un)}
case ${1:-} in
  up)
    PROGRAM=${HG_REPMGR:-$(find "$(dirname "$0")/../target" -path '*/release/hg_repmgr' -type f 2>/dev/null | head -1)}
    [ -x "$PROGRAM" ] || die "no program to run: 'make' builds it" ;;
  down) ;;
  *) die "up or down?" ;;
esac
if [ "$(id -u)" = 0 ]; then as_postgres "$1"; exit; fi
# Servers must not keep the terminal's folder busy, nor fail in one they may not enter.
cd /
case $1 in
  up) up ;;
  down)
    if [ -e "$DIR" ]; then take_down; echo "The demo in $DIR is gone."; else echo "No demo in $DIR."; fi ;;
esac
