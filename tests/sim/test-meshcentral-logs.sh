#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# MeshCentral's decoders as judges of event log and audit log: what they read from simulated devices, what our tasks read, and
# what the simulator says it holds are one.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/cli/lib.sh
. "$here/../cli/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"

version=1.1.55
cache=$(cd "$builddir" && pwd)/build-meshcentral-$version

command -v node >/dev/null || skip_all "node is not installed"
if ! test -f "$cache/package/amt/amt.js"; then
    command -v npm >/dev/null || skip_all "npm is not installed"
    # beside test-meshcentral.sh, which may be at the same
    mkdir -p "$work/npm" "$cache" &&
        (cd "$work/npm" && timeout 120 npm pack --silent "meshcentral@$version" >/dev/null 2>&1 &&
            tar xzf "meshcentral-$version.tgz" package/amt && cp -r package "$cache/")
fi
test -f "$cache/package/amt/amt.js" || skip_all "meshcentral $version cannot be had from the npm registry"

export TZ=UTC
configure_postern amt

judge() {
    timeout 90 node "$here/meshcentral-logs.js" "$cache/package/amt" "$@" "$work/password" 2>&1
}

# a time whose bytes MeshCentral reads as they are, for two minutes: none of them from 80h on
now=$(date +%s) then=$(date +%s)
while [ $((then & 0x808080ff)) -ne 0 ]; do
    then=$((then + 1))
done
start_simulator --count 3 --first 127.82.9.1 --model amt8,amt12,amt16 --fault "*=clock:+$((then - now))"
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
TABLE
stop_simulator
for last in 1 2 3; do
    address=127.82.9.$last
    found=$(node "$here/meshcentral-logs.js" - compare "$work/read-$address" "$work/events-$address" "$work/audit-$address" \
        "$work/state.jsonl" $address 2>&1)
    [ $? -eq 0 ] && [[ $found == '{"events":'* ]]
    result $? "$address: all three have the same records ($(head -n 1 <<<"$found" | cut -c 1-200))"
done
finish
