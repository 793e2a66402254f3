#!/usr/bin/env bash
# Installs the systemd units of this package, and makes certificates and a join token when there are none.
# Running it again changes only what differs. Settings in /etc/quic-swarm are never overwritten.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: scripts/systemd/install.sh [--prefix DIR] [--dry-run] [--start]

  --prefix DIR   install below DIR instead of / (an image, a test); systemd is not told
  --dry-run      say what would be done, and do nothing
  --start        enable and start the coordinator as well

Example:
  sudo scripts/systemd/install.sh --start
  sudo systemctl enable --now swarm-agent@one
USAGE
}

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

prefix=
dry_run=false
start=false
while [ $# -gt 0 ]; do
  case $1 in
    --prefix)
      [ $# -ge 2 ] || fail '--prefix: needs a directory'
      prefix=${2%/}
      shift
      ;;
    --dry-run) dry_run=true ;;
    --start) start=true ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "'$1' is no option (--help lists them)" ;;
  esac
  shift
done

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=$(dirname "$(dirname "$here")")
node=$(command -v node) || fail 'node is not on the path'
node=$(readlink -f "$node")
units=$prefix/etc/systemd/system
settings=$prefix/etc/quic-swarm

[ -f "$package/dist/commands/coordinator-program.js" ] || fail "$package is not built: run npm run build there"
if [ -z "$prefix" ]; then
  [ "$dry_run" = true ] || [ "$(id -u)" -eq 0 ] || fail 'needs root (or --prefix DIR, or --dry-run)'
  for path in "$node" "$package"; do
    case $path in
      /home/* | /root/* | /tmp/* | /run/user/*)
        fail "$path: services do not see this place; install it elsewhere, such as npm install --global quic-swarm"
        ;;
    esac
  done
fi
# What systemd would read as specifiers, variables or quotes.
for path in "$node" "$package"; do
  case $path in
    *[%\$\"\'\\\ ]*) fail "$path: holds characters that a unit file cannot" ;;
  esac
done

# change DESCRIPTION COMMAND... - does it, or says what would be done.
change() {
  printf '%s\n' "$1"
  [ "$dry_run" = true ] || "${@:2}"
}

# Writes standard input to a file in one step.
write_file() {
  local path=$1 mode=$2 new
  new=$(mktemp "$path.XXXXXX")
  cat >"$new"
  chmod "$mode" "$new"
  mv -f "$new" "$path"
}

changed=false
for unit in swarm-coordinator.service swarm-agent@.service; do
  text=$(sed -E "s|^ExecStart=/usr/bin/env (swarm-[a-z]+)|ExecStart=$node $package/bin/\\1.js|" "$here/$unit")
  [ -f "$units/$unit" ] && [ "$(cat "$units/$unit")" = "$text" ] && continue
  change "write $units/$unit" mkdir -p "$units"
  [ "$dry_run" = true ] || write_file "$units/$unit" 644 <<<"$text"
  changed=true
done

if [ ! -d "$settings" ]; then
  change "make $settings" install -d -m 755 "$settings"
fi
if [ ! -f "$settings/certs/ca.crt" ]; then
  printf 'make certificates in %s\n' "$settings/certs"
  [ "$dry_run" = true ] || "$node" "$package/bin/swarm-coordinator.js" certs init --certs "$settings/certs" >/dev/null
fi
if [ ! -f "$settings/join-token" ]; then
  printf 'make %s\n' "$settings/join-token"
  [ "$dry_run" = true ] || od -An -N32 -tx1 /dev/urandom | tr -d ' \n' | write_file "$settings/join-token" 600
fi
if [ ! -f "$settings/coordinator.env" ]; then
  printf 'write %s\n' "$settings/coordinator.env"
  [ "$dry_run" = true ] || write_file "$settings/coordinator.env" 644 <<'ENV'
# Settings of the coordinator: each flag as a variable (swarm-coordinator run --help lists them).
#SWARM_LISTEN=0.0.0.0:5000
#SWARM_LOG_LEVEL=debug
ENV
fi
if [ ! -f "$settings/agent.env" ]; then
  printf 'write %s\n' "$settings/agent.env"
  [ "$dry_run" = true ] || write_file "$settings/agent.env" 644 <<'ENV'
# Settings of all agents on this machine (swarm-agent --help lists them); those of one are in agent-NAME.env.
#SWARM_CONNECT=coordinator.example:5000
#SWARM_TYPE=pattern
ENV
fi

if [ -z "$prefix" ] && [ "$changed" = true ]; then
  change 'systemctl daemon-reload' systemctl daemon-reload
fi
if [ -z "$prefix" ] && [ "$start" = true ]; then
  change 'systemctl enable --now swarm-coordinator' systemctl enable --now swarm-coordinator
fi
printf 'done%s\n' "$([ "$dry_run" = true ] && echo ' (nothing was changed)')"
