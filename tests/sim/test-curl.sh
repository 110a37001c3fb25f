#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# curl and envelopes written by hand as a judge of the simulator: login, transport, TLS versions, power, faults, options.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/sim/sim.sh
. "$here/sim.sh"

command -v curl >/dev/null || skip_all "curl is not installed"

cim=http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2
# request ACTION CLASS-URI BODY
request() {
    printf '%s' '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"' \
        ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"' \
        ' xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header>' \
        "<a:Action>$1</a:Action><a:To>/wsman</a:To><w:ResourceURI>$2</w:ResourceURI>" \
        "<a:MessageID>7</a:MessageID></s:Header><s:Body>$3</s:Body></s:Envelope>"
}
request http://schemas.xmlsoap.org/ws/2004/09/transfer/Get \
    http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings "" >"$work/get"
request http://schemas.xmlsoap.org/ws/2004/09/transfer/Get \
    $cim/CIM_AssociatedPowerManagementService "" >"$work/power"
service=$cim/CIM_PowerManagementService
# set_power STATE: the body of a power request
set_power() {
    request $service/RequestPowerStateChange $service \
        "<r:RequestPowerStateChange_INPUT xmlns:r=\"$service\"><r:PowerState>$1</r:PowerState><r:ManagedElement>
        <a:Address>/wsman</a:Address></r:ManagedElement></r:RequestPowerStateChange_INPUT>" >"$work/set"
}

# fetch URL FILE OPTION...: status on standard output, body in $work/body, headers in $work/head
fetch() {
    curl -sk -m 5 --digest -u "admin:${password-P@ssw0rd}" -D "$work/head" -o "$work/body" -w '%{http_code} %{num_connects}' \
        -H 'Content-Type: application/soap+xml' --data-binary "@$work/$2" "${@:3}" "$1"
}
# answers EXPECTED URL FILE OPTION...: status and number of connections are as expected
answers() {
    local got
    got=$(fetch "${@:2}")
    test "$got" = "$1" || {
        echo "expected $1, got $got"
        cat "$work/head"
        return 1
    }
}
fails() {
    ! fetch "$@" || { echo "it should have failed: $(cat "$work/head")"; return 1; }
}
has() {
    grep -qi -- "$1" "$work/$2"
}

sim_start 127.202.0.1 --count 7 --model amt9,amt12,amt12-keepalive,amt15,amt16,amt19,amt16-keepalive
ok "login, and the connection closed after 401" answers "200 2" "http://127.202.0.2:$port/wsman" get
ok "the answer is chunked" has '^transfer-encoding: chunked' head
ok "the answer has AMT's type" has '^content-type: application/soap+xml; charset=utf-8' head
ok "the answer names the firmware" has '^server: intel(r) active management technology 12.0.67.1579' head
ok "the answer relates to the request" has '<b:RelatesTo>7</b:RelatesTo>' body
ok "the connection kept after 401" answers "200 1" "http://127.202.0.3:$port/wsman" get
ok "octet-stream of old firmware" answers "200 2" "http://127.202.0.1:$port/wsman" get
ok "its type" has '^content-type: application/octet-stream' head
password=wrong ok "wrong password" answers "401 2" "http://127.202.0.2:$port/wsman" get
ok "the 401 is a page" has 'text/html' head
ok "auth out of a list of two" answers "200 2" "http://127.202.0.4:$port/wsman" get
ok "auth, second in the list, over TLS" answers "200 2" "https://127.202.0.5:$tls_port/wsman" get
ok "the connection kept after 401, over TLS" answers "200 1" "https://127.202.0.7:$tls_port/wsman" get
ok "root goes to the logon page" test "$(curl -s -o /dev/null -w '%{http_code}' "http://127.202.0.1:$port/")" = 303
ok "plain is closed on 16.1" fails "http://127.202.0.5:$port/wsman" get
ok "AMT 12 speaks TLS 1.2" answers "200 2" "https://127.202.0.2:$tls_port/wsman" get --tls-max 1.2
ok "AMT 12 has no TLS 1.3" fails "https://127.202.0.2:$tls_port/wsman" get --tlsv1.3
ok "AMT 16.1 speaks TLS 1.3" answers "200 2" "https://127.202.0.5:$tls_port/wsman" get --tlsv1.3
ok "AMT 19 has an elliptic curve key" answers "200 2" "https://127.202.0.6:$tls_port/wsman" get --ciphers ECDHE-ECDSA-AES256-GCM-SHA384 --tls-max 1.2
ok "AMT 9 speaks TLS 1.0 at security level 0" answers "200 2" "https://127.202.0.1:$tls_port/wsman" get --tlsv1.0 --tls-max 1.0 --ciphers DEFAULT:@SECLEVEL=0
ok "AMT 9 has no TLS 1.2" fails "https://127.202.0.1:$tls_port/wsman" get --tlsv1.2

power_is() {
    for _ in 1 2 3 4 5 6 7 8; do
        fetch "http://127.202.0.3:$port/wsman" power >/dev/null
        grep -q "<g:PowerState>$1</g:PowerState>" "$work/body" && return 0
        sleep 0.3
    done
    cat "$work/body"
    return 1
}
set_power 2
fetch "http://127.202.0.3:$port/wsman" set >/dev/null
ok "it comes on" power_is 2
set_power 8
ok "switch off" answers "200 1" "http://127.202.0.3:$port/wsman" set
ok "accepted" has '<g:ReturnValue>0</g:ReturnValue>' body
ok "still on" grep -q '<g:PowerState>2<' <(fetch "http://127.202.0.3:$port/wsman" power >/dev/null; cat "$work/body")
ok "then off" power_is 8
set_power 10
fetch "http://127.202.0.3:$port/wsman" set >/dev/null
ok "no reset while off" has '<g:ReturnValue>4097</g:ReturnValue>' body
sim_stop
ok "one line of state for each device" test "$(wc -l <"$work/state")" = 7
ok "state after all" grep -q '"address":"127.202.0.3",.*"power":8,' "$work/state"

net=127.202.1
sim_start $net.1 --count 16 --model amt12-keepalive --fault $net.1=delay:400 --fault $net.2=reset:2 --fault $net.3=truncate:300 \
    --fault $net.4=garbage --fault $net.5=wrong-digest --fault $net.6=401-forever --fault $net.7=fault:QuotaLimit \
    --fault $net.8=drip:4000 --fault $net.9=tls-fail --fault $net.10=silent --fault $net.11=http:503 \
    --fault $net.12=bad-length --fault $net.13=lost-answer --fault $net.14=reset --fault $net.15=not-xml --fault $net.16=power-ignored
url() {
    echo "http://$net.$1:$port/wsman"
}
slower_than() {
    local start=$EPOCHREALTIME
    "${@:2}" || return 1
    awk -v a="$start" -v b="$EPOCHREALTIME" -v least="$1" 'BEGIN { exit !(b - a >= least) }'
}
ok "delay" slower_than 0.8 answers "200 1" "$(url 1)" get
# curl then tries again on a new connection
ok "reset at the second request of a connection" answers "200 2" "$(url 2)" get
ok "truncate" fails "$(url 3)" get
ok "garbage" fails "$(url 4)" get --http1.1
ok "wrong-digest, once" answers "401 1" "$(url 5)" get
ok "then right" answers "200 1" "$(url 5)" get
ok "401-forever" answers "401 1" "$(url 6)" get
ok "fault" answers "400 1" "$(url 7)" get
ok "its subcode" has 'e:QuotaLimit' body
ok "drip" slower_than 0.5 answers "200 1" "$(url 8)" get
ok "tls-fail" fails "https://$net.9:$tls_port/wsman" get
ok "tls-fail leaves plain alone" answers "200 1" "$(url 9)" get
ok "silent" fails "$(url 10)" get -m 1
ok "http" answers "503 1" "$(url 11)" get
ok "bad-length" fails "$(url 12)" get
set_power 8
ok "lost-answer" fails "$(url 13)" set
ok "reset at once" fails "$(url 14)" get
ok "not-xml" answers "200 1" "$(url 15)" get
ok "power-ignored" answers "200 1" "$(url 16)" set
# nonsense on the wire must not end it
ok "nonsense" bash -c "for p in $port $tls_port; do head -c 100000 /dev/urandom >/dev/tcp/$net.16/\$p; done 2>/dev/null; true"
ok "it lives" answers "200 1" "$(url 16)" get
sim_stop
ok "it ends well" test "$sim_status" = 0
ok "lost-answer did it all the same" grep -q "\"address\":\"$net.13\",.*RequestPowerStateChange" "$work/state"

net=127.202.3
sim_start $net.1 --count 5 --model amt12-keepalive --fault $net.1=nonce-reset:1 --fault $net.2=stale:1 --fault $net.3=close:2 \
    --fault $net.4=nic-reset:700 --fault $net.5=huge:100000
# twice URL: two requests with one curl; the statuses and new connections of both
twice() {
    curl -s -m 5 --digest -u "admin:P@ssw0rd" -o /dev/null -o /dev/null -w '%{http_code} %{num_connects} ' \
        --data-binary "@$work/get" "$1" "$1"
}
ok "nonce-reset: curl tries again" test "$(twice "$(url 1)")" = "200 1 200 0 "
ok "stale: curl tries again" test "$(twice "$(url 2)")" = "200 1 200 0 "
sim_challenges() {
    grep -q "\"address\":\"$net.$1\",.*\"challenges\":$2,\"logins\":1,\"logins_failed\":0," "$work/state"
}
ok "close, unannounced" test "$(twice "$(url 3)")" = "200 1 200 1 "
set_power 10
ok "nic-reset" fails "$(url 4)" set
ok "away for a while" fails "$(url 4)" get
sleep 0.8
ok "and back" answers "200 1" "$(url 4)" get
ok "huge" answers "200 1" "$(url 5)" get
ok "it is" test "$(wc -c <"$work/body")" -ge 100000
sim_stop
ok "nonce-reset: two challenges, no failed login" sim_challenges 1 2
ok "stale: the same" sim_challenges 2 2

net=127.202.3
sim_start $net.1 --count 3 --model amt12-keepalive --fault $net.1=realms:power --fault $net.2=realms:general+power \
    --fault $net.3=cert-name:pc3.example.test
ok "a realm that the account has not: 401" answers "401 1" "$(url 1)" get
ok "the realm that it has" answers "200 1" "$(url 1)" power
ok "two realms" answers "200 1" "$(url 2)" get
# trusts NAME: curl takes the device's certificate, trusted by itself, as that of NAME
trusts() {
    curl -sS -m 5 -o /dev/null --cacert "$work/cert" --resolve "$1:$tls_port:$net.3" "https://$1:$tls_port/"
}
distrusts() {
    trusts "$@"
    test $? = 60
}
if openssl s_client -connect "$net.3:$tls_port" </dev/null 2>/dev/null | openssl x509 >"$work/cert" 2>/dev/null; then
    ok "the certificate's name" trusts pc3.example.test
    ok "and no other" distrusts pc4.example.test
fi
sim_stop

sim_start 127.202.2.1 --count 1 --model amt16 --tls legacy --listen wildcard
ok "legacy TLS on a new model" answers "200 2" "https://127.202.2.1:$tls_port/wsman" get --tlsv1.0 --tls-max 1.1 --ciphers DEFAULT:@SECLEVEL=0
ok "no new TLS then" fails "https://127.202.2.1:$tls_port/wsman" get --tlsv1.2
ok "an address without a device" fails "http://127.202.2.2:$port/wsman" get
outside=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -m 1 '^[0-9.]*$')
if test -n "$outside"; then
    ok "nothing from outside 127/8" fails "http://$outside:$port/wsman" get
fi
sim_stop

refuses() {
    "$sim" "$@" >"$work/out" 2>"$work/err"
    test $? = 2 && test -s "$work/err" && ! grep -q ready "$work/out"
}
ok "unknown fault" refuses --fault 127.16.0.1=nosuch
ok "bad address" refuses --first 10.0.0.1
ok "count beyond 127/8" refuses --first 127.255.255.255 --count 2
ok "unknown model" refuses --model amt1
ok "unknown option" refuses --nosuch
ok "bad TLS" refuses --tls maybe
ok "ports that are none" refuses --host-port 70000
ok "two uses of one port" refuses --host-port 16992
ok "a state file that cannot be written" refuses --state-file /nonexistent/state
ok "no such password file" refuses --password-file /nonexistent
done_testing
