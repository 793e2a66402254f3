#!/usr/bin/env bash
# Keeps a swarm under load for hours and fails when it grows: memory or handles of a process at the end against those
# after the first tenth of the time.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: scripts/soak.sh --hours N [OPTION OF load-test.sh]...

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

hours='' load=()
while [ $# -gt 0 ]; do
  case $1 in
    --hours)
      [[ ${2-} =~ ^[0-9]{1,4}(\.[0-9]{1,4})?$ ]] || fail "--hours: '${2-}' is not a number of hours"
      hours=$2
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    --growth) load+=(--max-growth) ;;
    *) load+=("$1") ;; # the load test's, which checks it
  esac
  shift
done
[ -n "$hours" ] || fail '--hours: is missing'
seconds=$(awk -v hours="$hours" 'BEGIN { printf "%d", hours * 3600 }')
[ "$seconds" -ge 10 ] || fail "--hours: '$hours' is under ten seconds"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/load-test.sh" --agents 100 --rate 200 --max-growth 25 --duration "${seconds}s" --tasks 999999999 "${load[@]}"
