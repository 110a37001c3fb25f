#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The verbs that show what there is, in every format, and help at every level.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern

p plugins
is "plugins: status" "$status" 0
like "plugins: enabled one" "$out" "dummy"
like "plugins: state" "$out" "enabled"
p plugins -o jsonl
like "plugins as jsonl" "$out" '{"name":"dummy","version":"'
p tasks
like "tasks" "$out" "dummy.echo"
p tasks 'dummy.s*' -o jsonl
is "tasks: pattern" "$(grep -c '"id":"dummy.s' "$work/out")" "$(wc -l <"$work/out")"
p tasks flaky -o csv
is "tasks: csv header" "$(head -n 1 "$work/out")" "task,summary"
is "tasks: part of the id" "$(wc -l <"$work/out")" 3
p tasks nothing-like-it
is "tasks: no fit is no failure" "$status" 0
like "tasks: no fit is said" "$err" "no task fits 'nothing-like-it'"

p task show dummy.echo
like "task show: parameter" "$out" "one of: red, green, blue"
like "task show: secret" "$out" "secret"
like "task show: example" "$out" "postern run dummy.echo text=VALUE"
p task show dummy.login.check
like "task show: credentials in the example" "$out" "--credential dummy.login:user=VALUE,password=@FILE"
p task show dummy.echo -o json
like "task show as json" "$out" '"name":"colour","type":"s","format":null,"required":false,"secret":false,"default":"green","choices":["red","green","blue"]'
if has_python; then
    for words in "plugins" "tasks" "task show dummy.echo" "explain"; do
        # shellcheck disable=SC2086
        p $words -o json
        python3 -c 'import json,sys; json.load(sys.stdin)' <"$work/out"
        result $? "$words -o json is JSON"
    done
fi

p explain not-detected
is "explain: status" "$status" 0
like "explain an error" "$out" "not-detected (error)"
p explain skipped
like "explain an outcome" "$out" "skipped (outcome)"
p explain blocked
like "explain a plugin state" "$out" "blocked (plugin state)"
p explain 4
like "explain an exit status" "$out" "--yes"
p explain not-detekted
is "explain: unknown" "$status" 2
like "explain: nearest" "$err" "did you mean 'not-detected'"

p --version
like "version" "$out" "postern "
like "version of the interface" "$out" "plugin interface 1."
p --help
is "help: status" "$status" 0
for text in "run " "task show" "Exit status" "--config FILE" "refused" "130"; do
    like "help has $text" "$out" "$text"
done
for verb in plugins tasks "task show" run explain completion man help; do
    # shellcheck disable=SC2086
    p $verb --help
    is "$verb --help: status" "$status" 0
    like "$verb --help: usage" "$out" "Usage: postern $verb"
    # shellcheck disable=SC2086
    p help $verb
    like "help $verb" "$out" "Usage: postern $verb"
done
p task --help
like "help of a group" "$out" "task show"
p run dummy.sleep --help
like "help of a task" "$out" "wait as a task should"
for topic in targets parameters credentials output; do
    p help $topic
    is "help $topic" "$status" 0
done

p man
is "man: status" "$status" 0
like "man: names each verb" "$out" "postern task show"
like "man: exit status" "$out" "EXIT STATUS"
unlike "man: no verb of the shell's" "$out" "complete"
for option in $("$postern" run --help | grep -o -- '--[a-z-]*' | sort -u); do
    like "man has $option" "$out" "${option//-/\\-}"
done
if command -v man >/dev/null; then
    is "man: no complaint of the formatter" "$(man --warnings -l -Tutf8 "$work/out" 2>&1 >/dev/null)" ""
else
    skip "no man to format the page with"
fi

# fast enough to type by
p tasks
times=()
for _ in 1 2 3 4 5; do
    began=$(date +%s%N)
    "$postern" --config "$config" tasks >"$work/out"
    times+=($((($(date +%s%N) - began) / 1000000)))
done
best=$(printf '%s\n' "${times[@]}" | sort -n | head -n 1)
if sanitized; then
    skip "start-up time is not measured here ($best ms)"
else
    echo "# tasks: $best ms"
    [ "$best" -lt 50 ]
    result $? "tasks starts in less than 50 ms"
fi
finish
