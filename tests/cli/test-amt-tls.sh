#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TLS settings, certificates and keys of simulated devices; openssl and curl are the judges.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
command -v openssl >/dev/null || skip_all "openssl is not installed"
configure_postern amt
net=127.87.0
pw='Sim-Pass-47!'

# ---- an authority, and a certificate for ourselves ----
ca() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/O=Test/CN=$2" -keyout "$work/$1.key" -out "$work/$1.pem" \
        -addext 'basicConstraints=critical,CA:TRUE' 2>/dev/null
}
ca ca 'Fleet CA'
ca other 'Other CA'
# client NAME ISSUER USAGES
client() {
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.csr" 2>/dev/null
    openssl x509 -req -in "$work/$1.csr" -CA "$work/$2.pem" -CAkey "$work/$2.key" -days 20 -out "$work/$1.pem" \
        -extfile <(printf 'extendedKeyUsage=%s\n' "$3") 2>/dev/null
    cat "$work/$1.key" >>"$work/$1.pem"
}
client console ca clientAuth,2.16.840.1.113741.1.2.1
client plainclient ca clientAuth
client boss ca clientAuth,2.16.840.1.113741.1.2.1
client stranger other clientAuth,2.16.840.1.113741.1.2.1

# shown ADDRESS OPTION...: SHA-256 of the certificate that a device shows
shown() {
    openssl s_client -connect "$1:$tls_port" "${@:2}" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256 2>/dev/null |
        sed 's/.*=//; s/://g' | tr '[:upper:]' '[:lower:]'
}
value() {
    grep -o "\"$1\":[^,}]*" "$work/out" | head -n 1 | cut -d : -f 2- | tr -d '"'
}
run() {
    p run "$1" -c "$login" --yes -o jsonl -q "${@:2}"
}
count() {
    grep -c "\"row\":" "$work/out"
}

start_simulator --count 4 --first $net.1 --model amt12
run amt.tls.get $net.1
like "get: settings" "$out" '"enabled":true,"mutual":false,"accept-plain":true,"local-enabled":false,"local-mutual":false,"local-accept-plain":true'
like "get: certificate" "$out" '"certificate":0,"certificate-subject":"CN=Intel(R) AMT,O=postern-sim"'
like "get: ports" "$out" '"plain-port":"open","tls-port":"open","version":"TLSv1.2"'
is "get: what is shown is what is listed" "$(value shown-sha256)" "$(value certificate-sha256)"
is "get: openssl sees it, too" "$(value shown-sha256)" "$(shown $net.1)"

run amt.certificate.list $net.1
is "list: the factory's" "$(count)" 1
like "list: decoded" "$out" '"trusted-root":false,"read-only":true,"used-by":["tls"]'
run amt.certificate.remove handle=0 $net.1
like "remove: not the factory's" "$out" '"code":"conflict","message":"certificate 0 is the device'"'"'s own'
run amt.certificate.remove handle=7 $net.1
like "remove: one that is not there" "$out" '"code":"bad-param","message":"there is no certificate 7'

# ---- roots ----
run amt.certificate.add kind=root file="$work/ca.pem" $net.1
like "add a root" "$out" '"result":{"handle":1,"added":true,"subject":"CN=Fleet CA,O=Test"'
run amt.certificate.add kind=root file="$work/ca.pem" $net.1
like "add it again" "$out" '"result":{"handle":1,"added":false'
openssl x509 -in "$work/other.pem" -outform DER -out "$work/other.der"
run amt.certificate.add kind=root file="$work/other.der" $net.1
like "add a root as DER" "$out" '"result":{"handle":2,"added":true'
run amt.certificate.add kind=root file="$work/console.pem" $net.1
like "add: no authority is no root" "$out" '"code":"bad-param","message":"the certificate in '
run amt.certificate.add kind=own file="$work/console.pem" $net.1
like "add: a certificate without its key" "$out" '"code":"conflict","message":"no key pair in the device is that of CN=console'
run amt.certificate.add kind=root file="$work/ca.key" $net.1
like "add: a file that is none" "$out" 'holds 0 certificates, expected one'
run amt.certificate.remove handle=2 $net.1
like "remove a root" "$out" '"result":{"certificates":2}'

# ---- keys and requests ----
run amt.key.generate bits=1000 $net.1
like "generate: a length that there is not" "$out" '"code":"bad-param","message":"bits is 1000'
run amt.key.generate $net.1
like "generate a key, with patience" "$out" '"result":{"handle":0,"key":"rsa","key-bits":2048,'
run amt.certificate.request key=0 common-name=pc-1.example.test organization=Test 'names=["pc-1.example.test", "pc-1"]' file="$work/pc-1.csr" $net.1
like "request" "$out" '"file":"'
openssl req -in "$work/pc-1.csr" -verify -noout >"$work/verified" 2>&1
like "openssl finds the request's signature right" "$(cat "$work/verified")" 'OK'
like "its subject and names" "$(openssl req -in "$work/pc-1.csr" -noout -subject -text)" 'DNS:pc-1.example.test, DNS:pc-1'
like "its signature is SHA-256" "$(openssl req -in "$work/pc-1.csr" -noout -text)" 'sha256WithRSAEncryption'
run amt.certificate.request key=5 common-name=x $net.1
like "request: no such key" "$out" '"code":"bad-param","message":"there is no key pair 5'
openssl x509 -req -in "$work/pc-1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days 20 -copy_extensions copy -out "$work/pc-1.pem" 2>/dev/null
run amt.certificate.add kind=own file="$work/pc-1.pem" $net.1
like "add what the operator signed" "$out" '"result":{"handle":2,"added":true,"subject":"CN=pc-1.example.test,O=Test"'
run amt.key.remove handle=0 $net.1
like "a key with a certificate stays" "$out" '"code":"conflict","message":"key pair 0 belongs to certificate 2'
run amt.key.list $net.1
like "keys and their certificates" "$out" '"certificates":[2]'

# ---- TLS shows it ----
run amt.tls.set certificate=1 $net.1
like "set: a root is not for TLS" "$out" '"code":"bad-param","message":"certificate 1 (CN=Fleet CA,O=Test) has no key pair'
run amt.tls.set certificate=2 $net.1
like "set: another certificate" "$out" '"certificate":2,"certificate-subject":"CN=pc-1.example.test,O=Test"'
is "openssl sees it" "$(shown $net.1)" "$(openssl x509 -in "$work/pc-1.pem" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr '[:upper:]' '[:lower:]')"
run amt.certificate.remove handle=2 $net.1
like "remove: not while TLS uses it" "$out" '"code":"conflict","message":"certificate 2 is used by tls'
run amt.tls.get tls-ca-file="$work/ca.pem" $net.1
is "reached with the authority as the only root" "$status" 0
run amt.tls.set certificate=2 $net.1
is "set: so already" "$status" 0
run amt.tls.set certificate=0 $net.1
like "set: back to the factory's" "$out" '"certificate":0,'
run amt.certificate.remove handle=2 $net.1
is "then it can go" "$status" 0
run amt.key.remove handle=0 $net.1
like "and its key" "$out" '"result":{"keys":0}'

# ---- ports ----
p run amt.tls.set accept-plain=no -c "$login" $net.2
is "it asks first" "$status" 4
run amt.tls.set accept-plain=no tls=off $net.2
like "plain off, asked for by the plain port" "$out" '"enabled":true,"mutual":false,"accept-plain":false'
curl -s -m 5 "http://$net.2:$port/" >/dev/null 2>&1
is "curl finds the plain port closed" $? 7
run amt.tls.set enabled=no $net.2
like "TLS off, while nothing else is open" "$out" 'without TLS and without plain connections nobody would reach the device'
run amt.tls.set enabled=no accept-plain=yes $net.2
like "TLS off, before plain was seen to work" "$out" '"code":"conflict","message":"this was asked for over TLS, and the plain port '
run amt.tls.set accept-plain=yes $net.2
like "plain on again" "$out" '"accept-plain":true'
run amt.tls.set enabled=no tls=require $net.2
like "TLS off, where it is required" "$out" '(tls=require)'
run amt.tls.set enabled=no $net.2
like "TLS off" "$out" '"enabled":false,'
curl -sk -m 5 "https://$net.2:$tls_port/" >/dev/null 2>&1
is "curl finds the TLS port closed" $? 7
run amt.tls.set enabled=yes $net.2
like "TLS on" "$out" '"enabled":true,'
is "openssl sees it, too" "$(shown $net.2 | wc -c)" 65

# ---- mutual TLS ----
run amt.tls.set mutual=yes $net.2
like "mutual: no root in the device" "$out" '"code":"conflict","message":"the device has no trusted root'
run amt.certificate.add kind=root file="$work/ca.pem" $net.2
run amt.tls.set mutual=yes $net.2
like "mutual: we have no certificate" "$out" '"message":"with mutual TLS the device would no longer let this host in'
run amt.tls.set mutual=yes tls-certificate-file="$work/plainclient.pem" $net.2
like "mutual: one that is not for it" "$out" 'clientAuth and 2.16.840.1.113741.1.2.1 only; nothing was changed'
run amt.tls.set mutual=yes tls-certificate-file="$work/stranger.pem" $net.2
like "mutual: one of another authority" "$out" 'no trusted root in the device issued our own certificate (CN=stranger'
run amt.tls.set mutual=yes 'trusted-names=["boss"]' tls-certificate-file="$work/console.pem" $net.2
like "mutual: a name that is not trusted" "$out" 'is not among the trusted names'
run amt.tls.set mutual=yes accept-plain=no 'trusted-names=["console"]' tls-certificate-file="$work/console.pem" $net.2
like "mutual" "$out" '"enabled":true,"mutual":true,"accept-plain":false,"trusted-names":["console"]'
judge() {
    curl -sk -m 5 -o /dev/null -w '%{http_code}' "$@" "https://$net.2:$tls_port/"
}
is "curl without a certificate is turned away" "$(judge)" 000
is "curl with one gets in" "$(judge --cert "$work/console.pem")" 303
is "curl with another authority's does not" "$(judge --cert "$work/stranger.pem")" 000
is "curl with one of an untrusted name does not" "$(judge --cert "$work/boss.pem")" 000
is "curl with one that is not for it does not" "$(judge --cert "$work/plainclient.pem")" 000
run amt.tls.get $net.2
is "postern without a certificate is turned away" "$status" 1
run amt.tls.get tls-certificate-file="$work/console.pem" $net.2
like "postern with one gets in" "$out" '"mutual":true'
run amt.tls.set mutual=no accept-plain=yes tls-certificate-file="$work/console.pem" $net.2
like "mutual off" "$out" '"mutual":false,"accept-plain":true'

# ---- enrolment ----
run amt.tls.enroll ca-file="$work/ca.pem" ca-key-file="$work/other.key" $net.3
like "enroll: key of another authority" "$out" '"code":"bad-param","message":"the key in '
run amt.tls.enroll ca-file="$work/console.pem" ca-key-file="$work/console.key" $net.3
like "enroll: no authority" "$out" 'is not that of a certification authority'
run amt.tls.enroll ca-file="$work/ca.pem" ca-key-file="$work/ca.key" common-name=pc-3.example.test days=10 $net.3
like "enroll" "$out" '"subject":"CN=pc-3.example.test","issuer":"CN=Fleet CA,O=Test"'
like "enroll: root added" "$out" '"root-added":true'
is "openssl sees it" "$(shown $net.3)" "$(value sha256)"
openssl s_client -connect $net.3:$tls_port -CAfile "$work/ca.pem" -verify_hostname pc-3.example.test -verify_return_error </dev/null >"$work/chain" 2>&1
like "openssl verifies chain and name" "$(cat "$work/chain")" 'Verify return code: 0 (ok)'
like "its serial has 16 bytes" "$(openssl s_client -connect $net.3:$tls_port </dev/null 2>/dev/null | openssl x509 -noout -serial | wc -c)" 40
openssl rsa -aes256 -passout pass:secret-2 -in "$work/ca.key" -out "$work/ca-locked.key" 2>/dev/null
printf 'secret-2\n' >"$work/ca-password" && chmod 0600 "$work/ca-password"
run amt.tls.enroll ca-file="$work/ca.pem" ca-key-file="$work/ca-locked.key" $net.3
like "enroll again: a locked key without its password" "$out" 'if it has a password, give it as ca-key-password'
run amt.tls.enroll ca-file="$work/ca.pem" ca-key-file="$work/ca-locked.key" ca-key-password=@"$work/ca-password" remove-old=yes $net.3
like "enroll again" "$out" '"root-added":false'
is "openssl sees the new one" "$(shown $net.3)" "$(value sha256)"
like "its name is the device's own" "$(value subject)" '.example.test'
run amt.certificate.list $net.3
is "the old one is gone" "$(count)" 3
run amt.key.list $net.3
is "and its key" "$(count)" 1
stop_simulator

# what was made is taken back
start_simulator --count 1 --first $net.1 --model amt9 --fault '*=lacks:AMT_TLSCredentialContext'
run amt.tls.enroll ca-file="$work/ca.pem" ca-key-file="$work/ca.key" $net.1
like "enroll: a step that fails" "$out" '"message":"the certificate was not put in place, and the device is as before: '
run amt.certificate.list $net.1
is "no certificate is left" "$(count)" 1
run amt.key.list $net.1
is "no key is left" "$(count)" 0
stop_simulator

# an answer that gets lost is not asked for again, and what it may have made is looked for
start_simulator --count 1 --first $net.1 --model amt12 --fault '*=lost-answer'
run amt.tls.enroll ca-file="$work/ca.pem" ca-key-file="$work/ca.key" $net.1
like "enroll: a lost answer" "$out" '"code":"unreachable","message":"the certificate was not put in place, and the device is as before: '
stop_simulator
is "enroll: asked once" "$(grep -o '"action":"GenerateKeyPair"' "$work/state.jsonl" | wc -l)" 1

# TLS that does not work after the commit is seen, and all is put back
start_simulator --count 1 --first $net.1 --model amt12 --fault '*=tls-fail'
run amt.tls.enroll ca-file="$work/ca.pem" ca-key-file="$work/ca.key" tls=off $net.1
like "enroll: no proof" "$out" '"message":"the certificate was not put in place, and the device is as before: '
run amt.certificate.list tls=off $net.1
is "enroll: no certificate is left" "$(count)" 1
like "enroll: TLS is bound as before" "$out" '"read-only":true,"used-by":["tls"]'
run amt.tls.set accept-plain=no tls=off $net.1
like "plain stays while TLS does not prove itself" "$out" 'TLS did not prove to work; all was put back as it was: '
run amt.tls.get tls=off $net.1
like "and is as it was" "$out" '"accept-plain":true'
stop_simulator

# other generations: the first binding is made, not changed, and TLS is switched on
start_simulator --count 1 --first $net.1 --model amt9 --tls off
run amt.tls.get $net.1
like "no TLS: get" "$out" '"enabled":false,"mutual":false,"accept-plain":true,'
like "no TLS: the port" "$out" '"plain-port":"open","tls-port":"closed"'
run amt.tls.set enabled=yes $net.1
like "no TLS: and no certificate for it" "$out" '"code":"conflict","message":"TLS has no certificate to show'
run amt.tls.enroll ca-file="$work/ca.pem" ca-key-file="$work/ca.key" $net.1
like "no TLS: enroll" "$out" '"outcome":"ok"'
run amt.tls.get $net.1
like "TLS is on" "$out" '"enabled":true,"mutual":false,"accept-plain":true'
like "in its old version" "$out" '"version":"TLSv1.1"'
stop_simulator
is "asked for a Create, and no Put of it" "$(grep -o '"action":"[A-Z][a-z]*","target":"AMT_TLSCredentialContext"' "$work/state.jsonl" | grep -c -e Create)" 1
start_simulator --count 2 --first $net.1 --model amt16,amt19
for i in 1 2; do
    run amt.tls.enroll ca-file="$work/ca.pem" ca-key-file="$work/ca.key" $net.$i
    is "TLS alone: enroll on .$i" "$(value sha256)" "$(shown $net.$i)"
    run amt.tls.set accept-plain=yes $net.$i
    like "TLS alone: no plain on .$i" "$out" '"code":"not-supported","message":"this firmware has TLS and nothing else'
done
stop_simulator
unlike "no password anywhere" "$(cat "$work"/state.jsonl)" "$pw"
finish
