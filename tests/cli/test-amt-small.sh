#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The web pages of simulated machines, switched off and on, and the store that older ones keep for programs of others.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt

run() {
    p run "$@" -c "$login" -o jsonl -q --retries 0 --yes
}
start_simulator --count 1 --first 127.88.10.1 --model amt12
run amt.webui.set enabled=yes 127.88.10.1
like "on already" "$out" '"result":{"enabled":true,"changed":false}'
run amt.webui.set enabled=no 127.88.10.1
like "off" "$out" '"result":{"enabled":false,"changed":true}'
run amt.identify 127.88.10.1
is "the machine is found all the same" "$status" 0
run amt.webui.set enabled=yes 127.88.10.1
like "on again" "$out" '"result":{"enabled":true,"changed":true}'
stop_simulator
start_simulator --count 1 --first 127.88.10.1 --model amt12 --fault '*=return:0'
run amt.webui.set enabled=no 127.88.10.1
like "a device that says yes and does nothing" "$out" '"code":"conflict","message":"the device said yes, and its web pages are still on'
stop_simulator
start_simulator --count 1 --first 127.88.10.1 --model amt12 --fault '*=lacks:AMT_WebUIService'
run amt.webui.set enabled=no 127.88.10.1
like "firmware without the switch" "$out" '"code":"not-supported","message":"this firmware does not switch its web pages (AMT_WebUIService)"'
stop_simulator
start_simulator --count 2 --first 127.88.10.11 --model amt9,amt12
run amt.storage.get 127.88.10.11
like "the store of older firmware" "$out" '"result":{"total-bytes":196608,"allocated-bytes":0,"partner-bytes":98304,"partner-allocated-bytes":0,"others-bytes":98304,"others-most-bytes":12288,"applications":[]}'
run amt.storage.get 127.88.10.12
like "none of newer" "$out" '"code":"not-supported","message":"this firmware keeps no store for programs of others'
stop_simulator
finish
