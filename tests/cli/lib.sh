# SPDX-License-Identifier: Apache-2.0
# lib.sh - for tests of the command: a configuration of its own in a directory of its own, TAP, and a simulator.
# Source it; then call plan-free checks and end with `finish`.
# shellcheck shell=bash disable=SC2034
set -u
: "${srcdir:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${builddir:=$PWD}"
umask 022
postern=$builddir/postern
simulator=$builddir/postern-sim
work=$(mktemp -d "${TMPDIR:-/tmp}/postern-cli.XXXXXX")
chmod 0755 "$work"
export XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state HOME=$work LC_ALL=C.UTF-8
# a leak at the end of a program that was told to end at once says nothing
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:abort_on_error=0"
checks=0 failures=0 children=()
# tests may run side by side, and a simulator of many machines takes its ports on all addresses
port=$((20000 + $$ % 5000 * 2)) tls_port=$((20001 + $$ % 5000 * 2))
redirection_port=$((port - 10000)) redirection_tls_port=$((tls_port - 10000))

clean_up() {
    local child
    for child in ${children[@]+"${children[@]}"}; do
        kill "$child" 2>/dev/null && wait "$child" 2>/dev/null
    done
    rm -rf "$work"
}
trap clean_up EXIT

# configure_postern [PLUGIN...]: write a configuration that enables these plugins of the build (default: all of them)
configure_postern() {
    [ $# -gt 0 ] || set -- amt dummy
    mkdir -p "$work/etc/plugins.d"
    printf '[host]\nplugin-path = %s\n' "$builddir/.libs" >"$work/etc/postern.conf"
    local plugin
    for plugin in "$@"; do
        printf '[plugin]\nload = yes\n' >"$work/etc/plugins.d/$plugin.conf"
    done
    config=$work/etc/postern.conf
    [ ! -f "$work/etc/plugins.d/amt.conf" ] ||
        printf '[config]\nport = %s\ntls-port = %s\nredirection-port = %s\nredirection-tls-port = %s\n' \
            $port $tls_port $redirection_port $redirection_tls_port >>"$work/etc/plugins.d/amt.conf"
}

# p ARGUMENT...: run the command; its status in $status, its output in $out and $err (files $work/out, $work/err)
p() {
    "$postern" --config "$config" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    out=$(cat "$work/out")
    # the address checker says at each switch of stacks that it might be wrong about them
    err=$(grep -v 'WARNING: ASan doesn.t fully support makecontext' "$work/err")
}

# sanitized: a checker is built in, so that time and memory say nothing
sanitized() {
    ldd "$postern" 2>/dev/null | grep -qE 'lib(asan|tsan|ubsan)'
}

result() {
    checks=$((checks + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $checks - $2"
        return 0
    fi
    failures=$((failures + 1))
    echo "not ok $checks - $2"
    return 1
}

show_last() {
    head -n 8 "$work/out" | cut -c 1-300 | sed 's/^/# out: /'
    head -n 8 "$work/err" | cut -c 1-300 | sed 's/^/# err: /'
}

# is NAME FOUND EXPECTED
is() {
    [ "$2" = "$3" ]
    result $? "$1" || {
        printf '# found:    %.300s\n# expected: %.300s\n' "$2" "$3"
        show_last
    }
}

# like NAME TEXT PART: the part is somewhere in the text
like() {
    [[ $2 == *"$3"* ]]
    result $? "$1" || {
        printf '# no match for: %s\n' "$3"
        show_last
    }
}

# unlike NAME TEXT PART
unlike() {
    [[ $2 != *"$3"* ]]
    result $? "$1" || {
        printf '# match for: %s\n' "$3"
        show_last
    }
}

skip() {
    checks=$((checks + 1))
    echo "ok $checks # SKIP $1"
}

skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

finish() {
    echo "1..$checks"
    [ "$failures" -eq 0 ]
    exit
}

# start_simulator ARGUMENT...: until the end of the test, or stop_simulator. State goes to $work/state.jsonl.
start_simulator() {
    printf 'Sim-Pass-47!\n' >"$work/password"
    chmod 0600 "$work/password"
    login=amt.digest:user=admin,password=@$work/password
    : >"$work/simulator.out" # or the last one's "ready" would be taken for this one's
    "$simulator" --port $port --tls-port $tls_port --redirection-port $redirection_port --redirection-tls-port $redirection_tls_port \
        --user admin --password-file "$work/password" --state-file "$work/state.jsonl" "$@" \
        >"$work/simulator.out" 2>"$work/simulator.err" &
    sim=$!
    children+=("$sim")
    for _ in $(seq 300); do
        grep -q '^ready ' "$work/simulator.out" && return 0
        kill -0 "$sim" 2>/dev/null || break
        sleep 0.1
    done
    sed 's/^/# simulator: /' "$work/simulator.err"
    echo "Bail out! the simulator did not come up"
    exit 1
}

stop_simulator() {
    kill "$sim" && wait "$sim"
    children=()
}

# has_python: some checks read JSON with an independent parser
has_python() {
    command -v python3 >/dev/null
}
