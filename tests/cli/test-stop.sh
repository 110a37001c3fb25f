#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The first signal cancels and reports what had been done, the second ends at once.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern dummy

# wait_for_lines FILE COUNT
wait_for_lines() {
    for _ in $(seq 100); do
        [ "$(wc -l <"$1")" -ge "$2" ] && return
        sleep 0.1
    done
}

for signal in INT TERM; do
    { echo name-a && echo name-b && seq -f 'name-%g' 500; } >"$work/list"
    : >"$work/out"
    # a shell ignores SIGINT in what it starts behind its back, so another program starts it
    env --default-signal=INT "$postern" --config "$config" run dummy.sleep ms=60000 -f "$work/list" -P 50 -o jsonl \
        >"$work/out" 2>"$work/err" &
    pid=$!
    sleep 1
    kill -$signal $pid
    wait $pid
    is "first SIG$signal: status" $? 1
    is "first SIG$signal: exactly one outcome each" "$(grep -o '"target":"[^"]*"' "$work/out" | sort -u | wc -l)" 502
    is "first SIG$signal: no more than one" "$(wc -l <"$work/out")" 502
    is "first SIG$signal: those in flight were cancelled" "$(grep -c '"outcome":"cancelled","error":{"code":"cancelled"' "$work/out")" 50
    is "first SIG$signal: the others skipped" "$(grep -c '"outcome":"skipped".*"attempts":0' "$work/out")" 452
    like "first SIG$signal: summary" "$(cat "$work/err")" "50 cancelled, 452 skipped"
done

env --default-signal=INT "$postern" --config "$config" run dummy.spin ms=8000 a -o jsonl >"$work/out" 2>"$work/err" &
pid=$!
sleep 0.7
kill -INT $pid
sleep 0.3
began=$(date +%s)
kill -INT $pid
wait $pid
is "second: status" $? 130
[ $(($(date +%s) - began)) -lt 3 ]
result $? "second: at once"

# a list that never ends: what was read is reported
mkfifo "$work/pipe"
env --default-signal=INT "$postern" --config "$config" run dummy.ok - -o jsonl <"$work/pipe" >"$work/out" 2>"$work/err" &
pid=$!
exec 7>"$work/pipe"
printf 'one\ntwo\n' >&7
wait_for_lines "$work/out" 2
is "results come while the list is still open" "$(wc -l <"$work/out")" 2
kill -INT $pid
wait $pid
is "an open list can be ended" $? 0
exec 7>&-

# somebody who does not read cannot keep it from ending
mkfifo "$work/stuck"
# shellcheck disable=SC2217 # it keeps the pipe open and does not read it
sleep 30 <"$work/stuck" &
reader=$!
env --default-signal=INT "$postern" --config "$config" run dummy.ok 10.0.0.0/12 -o jsonl >"$work/stuck" 2>"$work/err" &
pid=$!
sleep 1.5
kill -INT $pid
sleep 0.5
kill -INT $pid
wait $pid
is "second, with output stuck: status" $? 130
kill $reader
wait $reader 2>/dev/null
finish
