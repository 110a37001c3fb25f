#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The journal as people see it: a line for each run, filters, following, checking.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern dummy
store=$work/state/fleet.db
mkdir -p "$work/state"
printf '[fleet]\nstore = %s\n' "$store" >>"$config"

p log -o json
is "an empty journal is an empty array" "$status:${out//$'\n'/}" "0:[]"
p log verify
like "an empty journal is sound" "$out" "0 rows"

p run dummy.ok a b -o jsonl
p run dummy.fail code=8 lab-7 -o jsonl
p log -o jsonl
is "a line for each run" "$status:$(wc -l <"$work/out")" 0:3
is "oldest first, with cause" "$(tail -n 1 "$work/out" | grep -c '"task":"dummy.fail","target":"lab-7".*"outcome":"failed","error":"auth","message":"failed as asked"')" 1
is "times are RFC 3339 UTC" "$(grep -cE '"time":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z"' "$work/out")" 3
p log -o csv
is "csv: header" "$(head -n 1 "$work/out")" "time,user,task,target,profile,outcome,ms,message"
is "csv: lines" "$(wc -l <"$work/out")" 4
p log
like "table: failure with its message" "$out" "failed as asked"
if has_python; then
    p log -o json
    is "json is one array" "$(python3 -c 'import json,sys; print(len(json.load(sys.stdin)))' <"$work/out")" 3
fi

p log --outcome failed -o jsonl
is "--outcome" "$(wc -l <"$work/out")" 1
p log --machine lab-7 -o jsonl
is "--machine as it was named" "$(wc -l <"$work/out")" 1
p log --task 'dummy.o*' -o jsonl
is "--task" "$(wc -l <"$work/out")" 2
p log --actor nobody-of-that-name -o jsonl
is "--actor" "$status:$out" "0:"
for since in 2h 7d 30m 2000-01-01 2000-01-01T10:00 2000-01-01T10:00Z 2000-01-01T10:00:00+02:00; do
    p log --since "$since" -o jsonl
    is "--since $since" "$(wc -l <"$work/out")" 3
done
p log --since 2999-01-01 -o jsonl
is "--since the future" "$status:$out" "0:"
p log --since yesterday
is "--since nonsense: status" "$status" 2
like "--since nonsense: says what is expected" "$err" "--since yesterday: expected a day"
p log --outcome good
is "--outcome nonsense" "$status" 2

p log verify
is "sound" "$status" 0
like "six rows" "$out" "6 rows"
last=${out##*: }
p log verify "$last"
is "the last hash is in it" "$status" 0
p log verify "${last%?????}00000"
is "another hash is not" "$status" 1
p log verify 5
is "what is no hash" "$status" 2
p log purge
is "nothing is old enough" "$out" "removed 0 rows"

"$postern" --config "$config" log --follow -o jsonl >"$work/followed" 2>"$work/followed.err" &
follower=$!
children+=("$follower")
for _ in $(seq 100); do [ "$(wc -l <"$work/followed")" -ge 3 ] && break || sleep 0.1; done
p run dummy.ok followed -o jsonl
for _ in $(seq 100); do grep -q '"target":"followed".*"ok"' "$work/followed" && break || sleep 0.1; done
kill -INT "$follower"
wait "$follower"
is "--follow ends well" "$?" 0
children=()
is "--follow showed what came" "$(grep -c '"target":"followed".*"outcome":"ok"' "$work/followed")" 1

if command -v sqlite3 >/dev/null; then
    sqlite3 "$store" "UPDATE journal SET actor = 'somebody' WHERE seq = 3"
    p log verify
    is "a changed row: status" "$status" 1
    like "a changed row is named" "$err" "row 3 "
    sqlite3 "$store" "DELETE FROM journal WHERE seq = 2"
    p log verify
    like "a removed row is named" "$err" "row 2 is missing"
else
    skip "no sqlite3 program: tests/unit/test-journal changes rows by the library"
fi
finish
