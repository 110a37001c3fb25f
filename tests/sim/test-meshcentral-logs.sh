#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# MeshCentral's decoders as judges of event log and audit log: what they read from simulated devices, what our tasks read, and
# what the simulator says it holds are one.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/cli/lib.sh
. "$here/../cli/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"

# shellcheck source=tests/sim/meshcentral.sh
. "$here/meshcentral.sh"

export TZ=UTC
configure_postern amt

judge() {
    timeout 90 node "$here/meshcentral-logs.js" "$meshcentral" "$@" "$work/password" 2>&1
}

# a time whose bytes MeshCentral reads as they are, for two minutes: none of them from 80h on
now=$(date +%s) then=$(date +%s)
while [ $((then & 0x808080ff)) -ne 0 ]; do
    then=$((then + 1))
done
start_simulator --count 7 --first 127.82.9.1 --model amt8,amt12,amt16,amt9,amt11.8,amt15,amt19 --fault "*=clock:+$((then - now))"
printf 'wrong\n' >"$work/wrong"
chmod 0600 "$work/wrong"
while read -r address how at; do
    is "$address $how: MeshCentral does things" "$(judge act "$address" "$how" "$at")" '{"acted":true}'
    p run amt.power.get -c "amt.digest:user=mallory,password=@$work/wrong" "$address" tls="$([ "$how" = tls ] && echo require || echo off)" -q --retries 0
    judge read "$address" "$how" "$at" >"$work/read-$address"
    p run amt.eventlog.get -c "$login" "$address" -o jsonl -q
    cp "$work/out" "$work/events-$address"
    p run amt.auditlog.get -c "$login" "$address" -o jsonl -q
    cp "$work/out" "$work/audit-$address"
done <<TABLE
127.82.9.1 plain $port
127.82.9.2 tls $tls_port
127.82.9.3 tls $tls_port
127.82.9.4 plain $port
127.82.9.5 tls $tls_port
127.82.9.6 plain $port
127.82.9.7 tls $tls_port
TABLE
stop_simulator
for last in 1 2 3 4 5 6 7; do
    address=127.82.9.$last
    found=$(node "$here/meshcentral-logs.js" - compare "$work/read-$address" "$work/events-$address" "$work/audit-$address" \
        "$work/state.jsonl" $address 2>&1)
    [ $? -eq 0 ] && [[ $found == '{"events":'* ]]
    result $? "$address: all three have the same records ($(head -n 1 <<<"$found" | cut -c 1-200))"
done
finish
