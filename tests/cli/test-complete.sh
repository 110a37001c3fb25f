#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bash completion: verbs, options, tasks, parameters and their values.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern dummy
eval "$("$postern" completion bash)"
# shellcheck disable=SC2317 # the function that was just read calls it
compopt() { :; }

# complete LINE: what bash would offer, joined
offers() {
    COMP_LINE=$1
    COMP_POINT=${#1}
    COMPREPLY=()
    _postern
    printf '%s ' ${COMPREPLY[@]+"${COMPREPLY[@]}"} | sed 's/ $//'
}

base="$postern --config $config"
is "verbs" "$(offers "$base pl")" "plugins"
like "all verbs" "$(offers "$base ")" "run"
unlike "no verb of the shell's" "$(offers "$base ")" "complete-words"
is "second half of a verb" "$(offers "$base task ")" "show"
is "options" "$(offers "$base run --max")" "--max-parallel"
is "common options" "$(offers "$base tasks --verb")" "--verbose"
is "values of an option" "$(offers "$base run dummy.ok -o js")" "json jsonl"
is "tasks" "$(offers "$base run dummy.fl")" "dummy.flaky dummy.flaky-once"
is "tasks to show" "$(offers "$base task show dummy.e")" "dummy.echo"
is "parameters" "$(offers "$base run dummy.echo te")" "text="
is "choices, without what bash took as a word of its own" "$(offers "$base run dummy.echo colour=")" "red green blue"
is "choices, begun" "$(offers "$base run dummy.echo colour=g")" "green"
is "yes and no" "$(offers "$base run dummy.echo flag=")" "yes no"
is "types of credentials" "$(offers "$base run dummy.login.check -c dum")" "dummy.login:"
is "types of credentials, asked for directly" \
    "$("$postern" complete-words -- --config "$config" run dummy.login.check -c dum)" "dummy.login:"
is "files are the shell's" "$(offers "$base run dummy.ok -f ")" ""
is "a broken configuration offers nothing and says nothing" \
    "$("$postern" complete-words -- --config /nonexistent run dummy 2>&1)" ""
is "completion for another shell" "$("$postern" completion fish 2>&1 >/dev/null | head -n 1)" \
    "postern: no completion for shell 'fish': bash is the one there is"
finish
