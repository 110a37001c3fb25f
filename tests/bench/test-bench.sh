#!/bin/bash
# The yardsticks work, and each does what it is to be compared by: one connection and one login for each device.
# How long it takes is not looked at: tests/bench/wsman measures.
set -u
bench=${builddir:-.}/tests/bench
count=200
number=0
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
(umask 077 && echo wrong >"$dir/wrong")

# verdict WHAT COMMAND...: the command says whether it is so
verdict() {
    local what=$1
    shift
    number=$((number + 1))
    if "$@"; then
        echo "ok $number - $what"
    else
        echo "not ok $number - $what"
        return 1
    fi
}

# says FILE NAME=NUMBER...
says() {
    local file=$1 pair found
    shift
    for pair in "$@"; do
        found=$(number_of "${pair%%=*}" "$file")
        [ "$found" = "${pair#*=}" ] && continue
        echo "# ${pair%%=*} is ${found:-missing}, expected ${pair#*=}; the file says: $(tr '\n' ' ' <"$file")"
        return 1
    done
}

# client_is_right NAME [--tls]
client_is_right() {
    local name=$1
    shift
    start_server "$@"
    "$bench/$name" --count "$count" --parallel 150 --port "$port" "${login[@]}" "$@" >"$dir/client"
    stop_server
    verdict "$name ${1-plain}: each device answers" says "$dir/client" targets=$count ok=$count failed=0
    verdict "$name ${1-plain}: one connection and one login for each device" \
        says "$dir/server" connections=$count logins=$count answers=$count challenges=$count \
        requests=$((2 * count))
}

# command_is_right off|require [--tls]
command_is_right() {
    local tls=$1 name="postern tls=$1"
    shift
    start_server "$@"
    configure_postern "$(realpath "${builddir:-.}")" "$port"
    "${builddir:-.}/postern" --config "$dir/postern.conf" run amt.power.get "tls=$tls" "$(range_of $count)" \
        --credential "amt.digest:user=admin,password=@$dir/password" --output jsonl --max-parallel 150 \
        >"$dir/client" 2>"$dir/errors"
    stop_server
    verdict "$name: each device is on" test "$(grep '"outcome":"ok"' "$dir/client" | grep -c '"state":"on"')" = $count ||
        cat "$dir/errors" <(grep -v '"outcome":"ok"' "$dir/client") | head -n 5 | sed 's/^/# /'
    verdict "$name: one connection and one login for each device" \
        says "$dir/server" connections=$count logins=$count answers=$count
}

wrong_password_fails() {
    start_server
    "$bench/bare-client" --count 5 --port "$port" --user admin --password-file "$dir/wrong" >"$dir/client"
    stop_server
    verdict "a wrong password is seen" says "$dir/client" ok=0 failed=5
    verdict "a wrong password gets no answer" says "$dir/server" answers=0 connections=5
}

nobody_there_fails() {
    start_server
    stop_server
    "$bench/bare-client" --count 5 --port "$port" "${login[@]}" >"$dir/client"
    verdict "devices that are not there count as failed" says "$dir/client" ok=0 failed=5
}

run_measures() {
    "$bench/bench-run" --stdout "$dir/out" sh -c 'echo said; exit 3' >"$dir/client"
    verdict "bench-run passes on the status" says "$dir/client" status=3
    verdict "bench-run keeps the output apart" test "$(cat "$dir/out")" = said
}

pair_is_right() {
    "$bench/ider-pair" 3 1048576 65536 8192 >"$dir/client"
    verdict "ider-pair moves what it should" says "$dir/client" bytes=3145728
}

clients=(bare-client)
[ -x "$bench/curl-client" ] && clients+=(curl-client)
with_command=0
[ -x "${builddir:-.}/postern" ] && with_command=1
echo "1..$((6 + 4 * with_command + 4 * ${#clients[@]}))"
[ ${#clients[@]} -eq 2 ] || echo "# without libcurl there is no curl-client"
for client in "${clients[@]}"; do
    client_is_right "$client"
    client_is_right "$client" --tls
done
wrong_password_fails
nobody_there_fails
run_measures
pair_is_right
if [ $with_command = 1 ]; then
    command_is_right off
    command_is_right require --tls
else
    echo "# postern is not built here: not tried"
fi
