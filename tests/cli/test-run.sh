#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What scripts rely on: shapes of the output, exit status, targets from everywhere, options of a run.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern dummy

p run dummy.ok a -o jsonl
is "ok: status" "$status" 0
is "ok: the shape" "$(sed 's/"elapsed_ms":[0-9]*/"elapsed_ms":N/' "$work/out")" \
    '{"target":"a","task":"dummy.ok","outcome":"ok","result":{"text":"hello, a"},"attempts":1,"elapsed_ms":N}'
is "one good target needs no summary" "$err" ""

p run dummy.fail code=8 a -o jsonl
is "failed: status" "$status" 1
is "failed: the shape" "$(sed 's/"hint":"[^"]*"/"hint":"H"/; s/"elapsed_ms":[0-9]*/"elapsed_ms":N/' "$work/out")" \
    '{"target":"a","task":"dummy.fail","outcome":"failed","error":{"code":"auth","message":"failed as asked","hint":"H","device-code":2066},"attempts":1,"elapsed_ms":N}'
like "failed: summary names the cause" "$err" "1  auth: a"

words=(internal unresolved unreachable refused timeout tls not-detected not-provisioned auth forbidden not-supported
    consent busy device protocol bad-param conflict)
for code in "${!words[@]}"; do
    p run dummy.fail code="$code" --retries 0 a -o jsonl
    like "code $code is ${words[code]}" "$out" "\"error\":{\"code\":\"${words[code]}\","
done

p run dummy.echo text=hello flag=yes number=0x10 signed=-3 real=0.5 list=a,b colour=red t1 t2 -o json
is "all types: status" "$status" 0
like "all types" "$out" '"result":{"text":"hello","flag":true,"number":16,"signed":-3,"real":0.5,"list":["a","b"],"colour":"red"}'
if has_python; then
    is "json is one array of both" "$(python3 -c 'import json,sys
print(sorted(o["target"] for o in json.load(sys.stdin)))' <"$work/out")" "['t1', 't2']"
fi
p run dummy.ok a b c -o csv
is "csv: header" "$(head -n 1 "$work/out")" "target,task,outcome,text,error_code,error_message,error_hint,attempts,elapsed_ms"
is "csv: a line each" "$(grep -c '^[abc],dummy.ok,ok,"hello, [abc]",,,,1,' "$work/out")" 3
p run dummy.fail 'message==1+1, "x"' code=13 a -o csv
like "csv: quoted and harmless" "$out" "a,dummy.fail,failed,device,\"'=1+1, \"\"x\"\"\","
p run dummy.ok a
like "table: header" "$out" "TARGET"
like "table: line" "$out" "hello, a"
p run dummy.fail code=8 a
like "table: failure" "$out" "auth: failed as asked"
p run dummy.fail 'message=one
two' code=8 a
is "table: one line whatever the device says" "$(wc -l <"$work/out")" 2

p run dummy.rows count=3 a -o jsonl
is "rows: objects of their own" "$(head -n 1 "$work/out")" '{"target":"a","task":"dummy.rows","row":{"number":0}}'
is "rows and the outcome" "$(wc -l <"$work/out")" 4
p run dummy.rows count=2 a -o csv
is "rows: csv" "$(sed -n 2p "$work/out")" "a,dummy.rows,row,,0,,,,,"

# targets
p run dummy.ok 10.0.0.0/29 -o jsonl
is "a network" "$(wc -l <"$work/out")" 6
p run dummy.ok 10.0.0.1-10.0.0.20 -o jsonl
is "a range" "$(wc -l <"$work/out")" 20
p run dummy.ok same same same -o jsonl
is "a target named thrice is worked on thrice" "$(grep -c '"target":"same"' "$work/out")" 3
printf '\357\273\277one\r\n# comment\r\n\r\ntwo # more\r\nthree' >"$work/list"
p run dummy.ok -f "$work/list" -o jsonl
is "a file with byte order mark, CRLF, comments, no last line end" \
    "$(grep -o '"target":"[a-z]*"' "$work/out" | sort | tr '\n' ' ')" '"target":"one" "target":"three" "target":"two" '
"$postern" --config "$config" run dummy.ok - -o jsonl <"$work/list" >"$work/out" 2>"$work/err"
is "standard input" "$(wc -l <"$work/out")" 3
p run dummy.ok -f "$work/list" four -f "$work/list" -o jsonl
is "files and words" "$(wc -l <"$work/out")" 7
printf 'good\nbad target\nfine\n' >"$work/list"
p run dummy.ok -f "$work/list" -o jsonl
is "a bad line does not stop the others" "$(wc -l <"$work/out")" 2
is "but it shows in the status" "$status" 1
like "and in a message with file and line" "$err" "$work/list, line 2"
: >"$work/list"
p run dummy.ok -f "$work/list"
like "an empty list is said" "$err" "the list of targets is empty"

# limits
p run dummy.sleep ms=5000 --timeout 100ms a -o jsonl --retries 0
like "time-out of a run" "$out" '"code":"timeout"'
began=$(date +%s)
p run dummy.sleep ms=20000 --total-timeout 300ms a b c -P 1 -o jsonl
[ $(($(date +%s) - began)) -lt 10 ]
result $? "time-out of all"
is "time-out of all: an outcome each" "$(wc -l <"$work/out")" 3
p run dummy.flaky times=1 a -o jsonl --retries 2
like "retried until it works" "$out" '"outcome":"ok","result":{"failures":1},"attempts":2'
p run dummy.flaky-once times=1 a -o jsonl --retries 2 --yes
like "what is not idempotent is tried once" "$out" '"attempts":1'
began=$(date +%s%N)
p run dummy.ok --rate 20/s 10.0.0.1-10.0.0.20 -o jsonl
[ $(($(date +%s%N) - began)) -gt 700000000 ]
result $? "start rate"

# disruptive
p run dummy.flaky-once times=0 a b
is "disruptive without --yes: refused" "$status" 4
is "nothing was run" "$out" ""
like "it says what to add" "$err" "--yes"
like "it says for whom" "$err" "2 targets (a, b)"
p run dummy.flaky-once times=0 a --yes
is "disruptive with --yes" "$status" 0

# quiet and verbose
p run dummy.ok a b
like "summary of several" "$err" "2 targets: 2 ok"
p run dummy.ok a b -q
is "quiet" "$err" ""
unlike "no bar where there is no terminal" "$err" $'\r'
if command -v script >/dev/null; then
    script -qec "'$postern' --config '$config' run dummy.sleep ms=500 a b" /dev/null >"$work/out" </dev/null
    like "a bar on a terminal" "$(cat "$work/out")" "[....."
fi

# a parameter from a file
printf 'from the file' >"$work/text"
p run dummy.echo text=@"$work/text" a -o jsonl
like "a value from a file" "$out" '"text":"from the file"'
p run dummy.echo text=@@x a -o jsonl
like "a value that begins with @" "$out" '"text":"@x"'
p run dummy.echo -o jsonl -- text=--x a
like "-- ends the options" "$out" '"text":"--x"'

# a plugin that misbehaves is named
p run dummy.wrong-type a -o jsonl
like "a result of the wrong type: whose" "$out" '"code":"internal","message":"the task has run, but plugin dummy broke its own description'
if sanitized; then
    skip "the checker itself catches crashes"
else
    ulimit -c 0
    p run dummy.crash a
    like "a crash: whose" "$err" "crash: segmentation fault in task dummy.crash of plugin dummy on a"
fi

# who does not read to the end
"$postern" --config "$config" run dummy.ok 10.0.0.0/16 -o jsonl 2>"$work/err" | head -n 1 >"$work/out"
is "a reader that goes away: what it read" "$(wc -l <"$work/out")" 1
unlike "a reader that goes away: quiet" "$(cat "$work/err")" "Broken pipe"
if [ -w /dev/full ]; then
    "$postern" --config "$config" run dummy.ok a -o jsonl >/dev/full 2>"$work/err"
    is "a full disk shows in the status" "$?" 1
    like "a full disk is said" "$(cat "$work/err")" "No space left"
fi
finish
