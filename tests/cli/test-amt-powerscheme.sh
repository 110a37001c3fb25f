#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Power schemes of simulated machines: chosen by description, GUID or id.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt

run() {
    p run "$@" -c "$login" -o jsonl -q --retries 0 --yes
}
start_simulator --count 1 --first 127.88.5.1 --model amt12
run amt.powerscheme.get 127.88.5.1
like "the current one" "$out" '"result":{"current":"Desktop: ON in S0","schemes":[{"id":"SCHEME 0","description":"Desktop: ON in S0","guid":"570492ef-9d33-4eb6-94d9-6324dd1bb881"},{"id":"SCHEME 1"'
run amt.powerscheme.set 'scheme=desktop: on in s0, s3, s4-5' 127.88.5.1
like "by description" "$out" '"result":{"current":"Desktop: ON in S0, S3, S4-5"'
like "by description: changed" "$out" '"changed":true}'
run amt.powerscheme.set scheme=AE4A4683-5451-4770-BDCF-677AB492AC2B 127.88.5.1
like "by GUID" "$out" '"result":{"current":"Desktop: ON in S0, S3","schemes"'
run amt.powerscheme.set 'scheme=SCHEME 1' 127.88.5.1
like "by id, and so already" "$out" '"changed":false}'
run amt.powerscheme.set scheme=never 127.88.5.1
like "one that there is not" "$out" "\"code\":\"bad-param\",\"message\":\"scheme 'never' is none: the device has 'Desktop: ON in S0'; 'Desktop: ON in S0, S3'; 'Desktop: ON in S0, S3, S4-5'\""
p run amt.powerscheme.set scheme=never 127.88.5.1 -c "$login"
is "it asks first" "$status" 4
stop_simulator
is "asked as often as told" "$(grep -o SetPowerScheme "$work/state.jsonl" | wc -l)" 2
start_simulator --count 1 --first 127.88.5.1 --model amt12 --fault '*=return:0'
run amt.powerscheme.set 'scheme=SCHEME 1' 127.88.5.1
like "a device that says yes and does nothing" "$out" '"code":"conflict","message":"the device said yes, and another scheme is the current one'
stop_simulator
start_simulator --count 1 --first 127.88.5.1 --model amt12 --fault '*=lacks:AMT_SystemPowerScheme'
run amt.powerscheme.get 127.88.5.1
like "firmware without schemes" "$out" '"code":"not-supported","message":"this firmware has no power schemes (AMT_SystemPowerScheme)"'
stop_simulator
finish
