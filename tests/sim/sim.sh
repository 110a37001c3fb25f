# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests of the simulator: starts one, finds free addresses, counts TAP results.

sim=${sim-${builddir-.}/postern-sim}
work=$(mktemp -d "${TMPDIR-/tmp}/sim.XXXXXX") || exit 99
sim_pid=
tests=0
# tests run side by side: ports of its own, as tests/cli/lib.sh has them, and none that the kernel gives to clients
port=$((20000 + $$ % 5000 * 2)) tls_port=$((20001 + $$ % 5000 * 2))
redirection_port=$((port - 10000)) redirection_tls_port=$((tls_port - 10000))

sim_stop() {
    test -z "$sim_pid" && return 0
    kill "$sim_pid" 2>/dev/null
    wait "$sim_pid"
    sim_status=$? # for the test to look at
    export sim_status
    sim_pid=
}
trap 'sim_stop; rm -rf "$work"' EXIT

# sim_start NET OPTION...: NET is the first address; waits until it listens.
sim_start() {
    : >"$work/out" # or the last one's "ready" would be taken for this one's
    "$sim" --first "$1" --port $port --tls-port $tls_port --redirection-port $redirection_port \
        --redirection-tls-port $redirection_tls_port --state-file "$work/state" "${@:2}" >"$work/out" 2>"$work/err" &
    sim_pid=$!
    for _ in $(seq 100); do
        grep -q '^ready' "$work/out" && return 0
        kill -0 "$sim_pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "Bail out! the simulator did not start: $(cat "$work/err")"
    exit 99
}

# ok NAME COMMAND...: a TAP line by the command's status
ok() {
    local name=$1
    shift
    tests=$((tests + 1))
    if "$@" >"$work/log" 2>&1; then
        echo "ok $tests - $name"
    else
        echo "not ok $tests - $name"
        sed 's/^/# /' "$work/log" | head -n 40
    fi
}

done_testing() {
    echo "1..$tests"
}

skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}
