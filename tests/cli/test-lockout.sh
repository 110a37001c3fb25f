#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A refused login is not sent to its device again; one that worked is tried first.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern
export WRONG_PASSWORD=Wrong-Pass-1 NEXT_PASSWORD=Wrong-Pass-2

# failed: how many wrong logins the machine has seen
failed() {
    sed -n 's/.*"logins_failed":\([0-9]*\).*/\1/p' "$work/state.jsonl" | tail -n 1
}

get() {
    p run amt.power.get tls=off 127.34.0.1 --retries 0 -o jsonl -q "$@"
}

start_simulator --count 1 --first 127.34.0.1 --model amt12 --tls off
p credential add bad amt.digest:user=admin,password=env:WRONG_PASSWORD
p credential add good "$login"
get
is "a wrong login fails" "$status" 1
like "and was sent" "$out" "the device refused it"
get
is "again it fails" "$status" 1
like "but was not sent" "$out" "does not get it again before"
like "and what to do is said" "$out" "credential test --again"
get -c amt.digest:user=admin,password=env:WRONG_PASSWORD
like "not when it is given with the command, either" "$out" "does not get it again before"
p credential rotate bad amt.digest:password=env:NEXT_PASSWORD
get
like "one that changed is sent" "$out" "the device refused it"
get --profile good
is "the right one is tried after it" "$status" 0
get
is "and is tried first from then on" "$status" 0
p credential show good
like "where it was accepted shows" "$out" "1 machine, last "
p credential add mixed dummy.login:user=x,password=env:WRONG_PASSWORD
p credential add mixed "$login"
p credential remove good --yes
p credential default mixed
p credential test 127.34.0.1 -o csv
like "one profile: the wrong login of one technology is refused" "$out" "profile mixed,dummy.login,refused,"
like "and the right one of another is accepted" "$out" "profile mixed,amt.digest,accepted,"
get
is "and used" "$status" 0
stop_simulator
is "each wrong password was sent once" "$(failed)" 2
finish
