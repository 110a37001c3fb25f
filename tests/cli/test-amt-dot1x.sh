#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 802.1X of simulated devices: one class in old firmware, another in new.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
command -v openssl >/dev/null || skip_all "openssl is not installed"
configure_postern amt
net=127.87.1
run() {
    p run "$1" -c "$login" --yes -o jsonl -q "${@:2}"
}
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=Net CA" -keyout "$work/ca.key" -out "$work/ca.pem" \
    -addext 'basicConstraints=critical,CA:TRUE' 2>/dev/null
printf 'radius-Secret-9\n' >"$work/radius" && chmod 0600 "$work/radius"

start_simulator --count 3 --first $net.1 --model amt12,amt16,amt9
while read -r i class in_s0 timeout; do
    run amt.dot1x.get $net.$i
    like "$class: off at first" "$out" "\"result\":{\"enabled\":false,\"in-s0\":$in_s0,\"pxe-timeout\":$timeout,\"class\":\"$class\"}"
    run amt.dot1x.set enabled=yes $net.$i
    like "$class: no protocol" "$out" '"code":"bad-param","message":"802.1X is to be on, and no protocol is set'
    run amt.dot1x.set enabled=yes protocol=peap-mschapv2 $net.$i
    like "$class: no user" "$out" 'there is no user name: give user; nothing was changed'
    run amt.dot1x.set enabled=yes protocol=tls user=pc $net.$i
    like "$class: no certificate" "$out" 'give client-certificate; nothing was changed'
    run amt.dot1x.set pxe-timeout=86401 $net.$i
    like "$class: a time-out that is too long" "$out" '"message":"pxe-timeout is 86401, expected at most 86400 seconds"'
    run amt.dot1x.set client-certificate=4 $net.$i
    like "$class: a certificate that is not there" "$out" 'client-certificate: there is no certificate 4 in the device'
    run amt.dot1x.set enabled=yes protocol=peap-mschapv2 user=pc-1 identity=anonymous domain=corp server-name=radius.example.test \
        password=@"$work/radius" in-s0=yes pxe-timeout=240 $net.$i
    like "$class: set" "$out" '"result":{"enabled":true,"protocol":"peap-mschapv2","user":"pc-1","identity":"anonymous","domain":"corp","server-name":"radius.example.test","in-s0":true,"pxe-timeout":240,'
    run amt.wsman.get class="$class" $net.$i
    unlike "$class: the password cannot be read" "$out" 'Password'
    run amt.certificate.add kind=root file="$work/ca.pem" $net.$i
    run amt.tls.enroll ca-file="$work/ca.pem" ca-key-file="$work/ca.key" client=yes $net.$i
    run amt.dot1x.set server-issuer=2 $net.$i
    like "$class: what is no root vouches for nobody" "$out" 'is not among the trusted roots of the device'
    run amt.dot1x.set protocol=tls client-certificate=2 server-issuer=1 $net.$i
    like "$class: certificates" "$out" '"protocol":"tls","user":"pc-1","identity":"anonymous","domain":"corp","server-name":"radius.example.test","client-certificate":2,"server-issuer":1,'
    run amt.certificate.list $net.$i
    like "$class: the root is used" "$out" '"trusted-root":true,"read-only":false,"used-by":["8021x"]'
    like "$class: and the other by both" "$out" '"used-by":["tls","8021x"]'
    run amt.certificate.remove handle=1 $net.$i
    like "$class: what it uses stays" "$out" '"code":"conflict","message":"certificate 1 is used by 8021x'
    run amt.dot1x.set enabled=no $net.$i
    like "$class: off" "$out" '"enabled":false,"protocol":"tls"'
done <<'TABLE'
1 AMT_8021XProfile true 0
2 IPS_IEEE8021xSettings false 120
3 AMT_8021XProfile true 0
TABLE
stop_simulator
unlike "the password is not in the state" "$(cat "$work/state.jsonl")" 'radius-Secret'
start_simulator --count 1 --first $net.1 --model amt12 --fault '*=lacks:AMT_8021XProfile'
run amt.dot1x.get $net.1
like "no such class" "$out" '"code":"not-supported","message":"this firmware has no 802.1X for the wired port"'
stop_simulator
finish
