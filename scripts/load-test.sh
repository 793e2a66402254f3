#!/usr/bin/env bash
# Starts a coordinator and agents as real processes in a directory of their own, drives them at a fixed rate, and prints
# throughput, latencies, errors, processor time and memory. Leaves nothing behind, also when it is interrupted.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: scripts/load-test.sh [--agents N] [--tasks N] [--rate N] [--duration TIME] [--idle TIME] [--pack N]
                            [--max-growth PERCENT] [--json]

  --agents N       agents in all (default 100)
  --tasks N        tasks at most (default 100000)
  --rate N         tasks begun in a second, whatever becomes of those before (default 1000)
  --duration TIME  the load ends after this at the latest, such as 60s (default 10s)
  --idle TIME      leaves the agents alone this long first, to see what they cost (default 0s)
  --pack N         agents in one process (default 1000)
  --max-growth P   fails when memory or handles of a process grow more than this from a tenth of the load to its end
  --json           one JSON document on standard output instead of tables

The exit status is 0 when no task failed and every agent is there at the end.

Example:
  scripts/load-test.sh --agents 1000 --tasks 100000 --rate 5000 --duration 60s
USAGE
}

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

agents=100 tasks=100000 rate=1000 duration=10s idle=0s pack=1000 max_growth='' extra=()
while [ $# -gt 0 ]; do
  case $1 in
    --agents | --tasks | --rate | --pack | --max-growth)
      [[ ${2-} =~ ^[1-9][0-9]{0,8}$ ]] || fail "$1: '${2-}' is not a whole number of at least 1"
      name=${1#--}
      printf -v "${name//-/_}" %s "$2"
      shift
      ;;
    --duration | --idle)
      [[ ${2-} =~ ^[0-9]+(\.[0-9]+)?(ms|s|m|h)$ ]] || fail "$1: '${2-}' is not a duration (such as 500ms, 10s, 5m, 1h)"
      printf -v "${1#--}" %s "$2"
      shift
      ;;
    --json) extra+=(--json) ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "'$1' is no option (--help lists them)" ;;
  esac
  shift
done

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
driver=$root/.build/scripts/load/main.js
for file in "$root/dist/commands/coordinator-program.js" "$driver"; do
  [ -f "$file" ] || fail "$root is not built: run npm run build && npm run build:test there"
done
[ -d /proc/self/fd ] || fail 'needs /proc: it runs on Linux'
# Every agent has a socket of its own.
ulimit -n "$(ulimit -H -n)"

directory=$(mktemp -d "${TMPDIR:-/tmp}/swarm-load.XXXXXX")
started=()
# shellcheck disable=SC2317 # called by the trap
clean_up() {
  local pid
  trap - EXIT
  for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do
    # Nothing here is worth a long farewell.
    for _ in {1..50}; do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# SWARM_ variables of the caller must not change what is measured.
while IFS= read -r name; do unset "$name"; done < <(compgen -e SWARM_ || true)

cd "$directory"
: >coordinator.log # it is looked into before the process in the background has made it
node "$root/bin/swarm-coordinator.js" --listen 127.0.0.1:0 --no-http --log-format json \
  --max-agents "$((agents + 10))" 2>coordinator.log &
coordinator=$!
started+=("$coordinator")
for _ in {1..300}; do
  grep -q '"msg":"ready"' coordinator.log && break
  kill -0 "$coordinator" 2>/dev/null || fail "the coordinator ended: $(tail -n 1 coordinator.log)"
  sleep 0.1
done
address=$(sed -nE 's/.*"address":"([^"]+)".*"msg":"ready".*/\1/p' coordinator.log)
[ -n "$address" ] || fail 'the coordinator is not ready after 30 s'
baseline=$(sed -nE 's/^VmRSS:[^0-9]*([0-9]+) kB$/\1/p' "/proc/$coordinator/status")

processes=(--process "coordinator=$coordinator")
begun=$(date +%s%3N)
for ((first = 1, packs = 1; first <= agents; first += pack, packs++)); do
  count=$((agents - first + 1 < pack ? agents - first + 1 : pack))
  node "$root/bin/swarm-agent.js" --id "load-$packs-{n}" --count "$count" --connect "$address" \
    --log-format json --log-level warn 2>"agents-$packs.log" &
  started+=($!)
  processes+=(--process "agents-$packs=$!")
done

status=0
# In the background, so that an interrupt is heeded at once.
node "$driver" --connect "$address" --ca certs/ca.crt --agents "$agents" --tasks "$tasks" --rate "$rate" \
  --duration "$duration" --idle "$idle" --started-at "$begun" --baseline-kb "$baseline" \
  ${max_growth:+--max-growth "$max_growth"} "${processes[@]}" "${extra[@]}" &
started+=($!)
wait $! || status=$?
if [ "$status" -ne 0 ]; then tail -n 3 -- *.log >&2; fi
exit "$status"
