#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The setup of simulated machines taken back: only of the one that is confirmed, and seen to be so.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt

run() {
    p run "$@" -c "$login" -o jsonl -q --retries 0 --yes
}
uuid_of() {
    p run amt.inventory.get groups=system -c "$login" -o jsonl -q "$1"
    grep -o '"uuid":"[^"]*"' "$work/out" | head -n 1 | cut -d '"' -f 4
}
state_of() {
    grep "\"$1\"" "$work/state.jsonl" | grep -o '"provisioned" *: *[a-z]*'
}
start_simulator --count 4 --first 127.88.7.1 --model amt12,amt16 --fault 127.88.7.3=lost-answer --fault 127.88.7.4=return:2076
first=$(uuid_of 127.88.7.1)
second=$(uuid_of 127.88.7.2)
third=$(uuid_of 127.88.7.3)
fourth=$(uuid_of 127.88.7.4)
p run amt.unprovision -c "$login" 127.88.7.1 --yes
is "without a UUID" "$status" 2
p run amt.unprovision confirm=yes -c "$login" 127.88.7.1 --yes
is "with something else" "$status" 2
p run amt.unprovision confirm="$first" -c "$login" 127.88.7.1
is "without a yes" "$status" 4
run amt.unprovision confirm="$second" 127.88.7.1
like "another machine's UUID" "$out" "\"code\":\"conflict\",\"message\":\"the machine at 127.88.7.1 has UUID $first, and $second is confirmed: nothing was asked of it\""
run amt.unprovision confirm="$fourth" 127.88.7.4
like "a device that says no" "$out" '"code":"device","message":"AMT_SetupAndConfigurationService.Unprovision: the device answered ReturnValue 2076 (blocking component), expected 0"'
run amt.unprovision confirm="${first^^}" 127.88.7.1
like "taken back" "$out" "\"result\":{\"uuid\":\"$first\",\"state\":\"unreachable\",\"confirmed\":true}"
run amt.power.get 127.88.7.1
like "its ports are closed" "$out" '"outcome":"failed","error":{"code":"unreachable"'
run amt.unprovision confirm="$third" 127.88.7.3
like "with its answer lost" "$out" "\"result\":{\"uuid\":\"$third\",\"state\":\"unreachable\",\"confirmed\":false}"
run amt.unprovision confirm="$second" partial=yes 127.88.7.2
like "in part" "$out" '"state":"unreachable","confirmed":true}'
stop_simulator
is "the simulator says so" "$(state_of 127.88.7.1)" '"provisioned":false'
is "the other way is another method" "$(grep '"127.88.7.2"' "$work/state.jsonl" | grep -o '"action" *: *"PartialUnprovision"' | wc -l)" 1
is "and not so of the one that said no" "$(state_of 127.88.7.4)" ''
is "asked once, lost answer or not" "$(grep '"127.88.7.3"' "$work/state.jsonl" | grep -o '"action" *: *"Unprovision"' | wc -l)" 1

start_simulator --count 1 --first 127.88.7.11 --model amt12 --fault '*=return:0'
run amt.unprovision confirm="$(uuid_of 127.88.7.11)" 127.88.7.11 --timeout 60s
like "a device that says yes and does nothing" "$out" '"code":"conflict","message":"the device said yes, and 30 s later the machine is still set up'
stop_simulator
finish
