#!/usr/bin/env bash
# Keeps a swarm under load for hours and fails when it grows: memory or handles of a process at the end against those
# after the first tenth of the time.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: scripts/soak.sh --hours N [--agents N] [--rate N] [--growth PERCENT]

  --hours N          how long; may be a fraction
  --agents N         agents (default 100)
  --rate N           tasks in a second (default 200)
  --growth PERCENT   resident memory may grow this much from the first tenth to the end (default 25)

Example:
  scripts/soak.sh --hours 8
USAGE
}

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

hours='' agents=100 rate=200 growth=25
while [ $# -gt 0 ]; do
  case $1 in
    --hours)
      [[ ${2-} =~ ^[0-9]{1,4}(\.[0-9]{1,4})?$ ]] || fail "--hours: '${2-}' is not a number of hours"
      hours=$2
      shift
      ;;
    --agents | --rate | --growth)
      [[ ${2-} =~ ^[1-9][0-9]{0,6}$ ]] || fail "$1: '${2-}' is not a whole number of at least 1"
      printf -v "${1#--}" %s "$2"
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "'$1' is no option (--help lists them)" ;;
  esac
  shift
done
[ -n "$hours" ] || fail '--hours: is missing'
seconds=$(awk -v hours="$hours" 'BEGIN { printf "%d", hours * 3600 }')
[ "$seconds" -ge 10 ] || fail "--hours: '$hours' is under ten seconds"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/load-test.sh" --agents "$agents" --rate "$rate" --duration "${seconds}s" \
  --tasks 999999999 --max-growth "$growth"
