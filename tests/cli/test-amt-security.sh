#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The security report, expiry of certificates and revocation lists, over simulated devices with something wrong each.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
command -v openssl >/dev/null || skip_all "openssl is not installed"
configure_postern amt
net=127.87.2
run() {
    p run "$1" -c "$login" --yes -o jsonl -q "${@:2}"
}
# findings ADDRESS: its findings with their severity, sorted, but for advisories
findings() {
    grep -F "\"target\":\"$1\"" "$work/out" | sed -n 's/.*"severity":"\([a-z]*\)","finding":"\([a-z0-9-]*\)".*/\1 \2/p' | grep -v intel-sa | sort
}

start_simulator --count 6 --first $net.1 --model amt9,amt12,amt16,amt11.8,amt16,amt16 --fault $net.5=cert-expired --fault $net.6=cert-weak
run amt.security.report $net.1-$net.6
is "report over a fleet: status" "$status" 0
is "report: an outcome each" "$(grep -c '"outcome":"ok"' "$work/out")" 6
cp "$work/out" "$work/report"
like "old firmware: nothing mends it" "$(findings $net.1)" 'medium firmware-unmaintained'
like "old firmware: its TLS" "$(findings $net.1)" 'medium tls-old-version-used'
like "plain port" "$(findings $net.1)" 'high plain-port-open'
like "plain redirection" "$(findings $net.2)" 'medium redirection-plain'
like "TLS 1.1 is offered beside 1.2" "$(findings $net.2)" 'low tls-old-version-offered'
unlike "TLS 1.1 is not offered by 16.1" "$(findings $net.3)" 'tls-old-version'
unlike "no plain port on 16.1" "$(findings $net.3)" 'plain'
like "self-signed" "$(findings $net.3)" 'low certificate-self-signed'
like "the administrator's name" "$(findings $net.3)" 'low admin-name-default'
like "an expired certificate" "$(findings $net.5)" 'high certificate-expired'
unlike "the others have none" "$(findings $net.3)" 'certificate-expired'
like "a weak key" "$(findings $net.6)" 'medium certificate-weak-key'
unlike "the others have none, either" "$(findings $net.3)" 'certificate-weak-key'
like "advisories for 11.8.77" "$(grep -F "\"target\":\"$net.4\"" "$work/out")" '"firmware":"11.8.77.3664","advisories":["INTEL-SA-00391","INTEL-SA-00404","INTEL-SA-00459"]'
like "advisories for 12.0.67" "$(grep -F "\"target\":\"$net.2\"" "$work/out")" '"advisories":["INTEL-SA-00391","INTEL-SA-00404","INTEL-SA-00459"]'
like "none known for 16.1" "$(grep -F "\"target\":\"$net.3\"" "$work/out")" '"advisories":[]'
like "each with the version that has the fix" "$out" '"found":"firmware 11.8.77.3664: write out of bounds in the IPv6 code (CVE-2020-8752)","next":"update the firmware: 11.8.80 or later has the fix"'
stop_simulator
for what in Put Create Delete; do
    unlike "it changes nothing: no $what" "$(cat "$work/state.jsonl")" "\"action\":\"$what\""
done

# what was mended is no longer told
openssl req -x509 -newkey rsa:2048 -nodes -days 20 -subj "/CN=Fleet CA" -keyout "$work/ca.key" -out "$work/ca.pem" \
    -addext 'basicConstraints=critical,CA:TRUE' 2>/dev/null
start_simulator --count 1 --first $net.1 --model amt12
run amt.tls.enroll ca-file="$work/ca.pem" ca-key-file="$work/ca.key" days=10 $net.1
run amt.tls.set accept-plain=no $net.1
run amt.security.report soon-days=15 $net.1
unlike "after: no plain port" "$(findings $net.1)" 'plain'
unlike "after: not self-signed" "$(findings $net.1)" 'self-signed'
is "after: it ends soon" "$(findings $net.1 | grep -c 'medium certificate-expires-soon')" 1
run amt.certificate.expiry soon-days=15 $net.1
like "expiry" "$out" '"result":{"state":"soon","expired":0,"soon":1,"days-left":'
is "expiry: a row each" "$(grep -c '"row":' "$work/out")" 3
like "expiry: the one that TLS uses" "$out" '"state":"soon","days-left":9,'
run amt.certificate.expiry soon-days=5 $net.1
like "expiry: not so soon" "$out" '"result":{"state":"fine","expired":0,"soon":0,'

# revocation lists
run amt.crl.list $net.1
like "no revocation list" "$out" '"result":{"lists":0}'
run amt.crl.add url=http://ca.example.test/fleet.crl 'serials=["01:ff", "4a20"]' $net.1
like "add one" "$out" '"result":{"url":"http://ca.example.test/fleet.crl","serials":2}'
run amt.crl.add url=http://ca.example.test/x.crl 'serials=["nonsense"]' $net.1
like "a serial number that is none" "$out" '"code":"bad-param","message":"serial number '
run amt.crl.list $net.1
like "list it" "$out" '"row":{"url":"http://ca.example.test/fleet.crl","serials":["01ff","4a20"]}'
stop_simulator

# an account with few rights, and a device without TLS
start_simulator --count 1 --first $net.1 --model amt9 --tls off
run amt.security.report $net.1
like "TLS is off" "$(findings $net.1)" 'high tls-off'
stop_simulator
start_simulator --count 1 --first $net.1 --model amt12 --fault '*=fault:AccessDenied'
run amt.security.report $net.1
like "no right to anything: told as such" "$(findings $net.1)" 'info not-read'
stop_simulator
finish
