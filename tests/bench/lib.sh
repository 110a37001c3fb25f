# SPDX-License-Identifier: Apache-2.0
# lib.sh - for the scripts of the bench: a directory of their own, a login, bare-server, and its counts.
# Source it with `bench` set to the directory of the programs.
# shellcheck shell=bash
: "${bench:?}"
umask 022
dir=$(mktemp -d "${TMPDIR:-/tmp}/postern-bench.XXXXXX") || exit 1
chmod 0755 "$dir"
server='' port=''
server_prefix=()
(umask 077 && echo 'P@ssw0rd' >"$dir/password")
login=(--user admin --password-file "$dir/password")

bench_clean_up() {
    [ -n "$server" ] && kill "$server" 2>/dev/null
    rm -rf "$dir"
}
export HOME=$dir XDG_CACHE_HOME=$dir/cache XDG_STATE_HOME=$dir/state # whatever the command remembers
trap bench_clean_up EXIT
trap 'exit 1' INT TERM

# number_of NAME FILE: a number in the last line of JSON of a file
number_of() {
    grep '^{' "$2" | tail -n 1 | grep -o "\"$1\":[0-9.]*" | cut -d : -f 2
}

# start_server ARGUMENT...: on any free port unless told; sets server and port
start_server() {
    : >"$dir/server"
    ${server_prefix[@]+"${server_prefix[@]}"} "$bench/bare-server" --port 0 "${login[@]}" "$@" >"$dir/server" &
    server=$!
    for _ in $(seq 100); do
        port=$(sed -n 's/^ready //p' "$dir/server")
        [ -n "$port" ] && return
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    echo "Bail out! bare-server did not get ready within 10 seconds"
    exit 1
}

# What it has counted is in $dir/server after that.
stop_server() {
    kill "$server"
    wait "$server"
    server=
}

# configure_postern BUILDDIR PORT: writes $dir/postern.conf for the command built there and devices on this port
configure_postern() {
    mkdir -p "$dir/plugins.d"
    printf '[host]\nplugin-path = %s\n' "$1/.libs" >"$dir/postern.conf"
    printf '[plugin]\nload = yes\n[config]\nport = %s\ntls-port = %s\n' "$2" "$2" >"$dir/plugins.d/amt.conf"
}

# range_of COUNT: the addresses of so many devices, as the command takes them
range_of() {
    local last=$(((16 << 16) + $1))
    echo "127.16.0.1-127.$((last >> 16)).$((last >> 8 & 255)).$((last & 255))"
}
