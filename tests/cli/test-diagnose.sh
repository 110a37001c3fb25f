#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# postern diagnose names the first broken link of everything that the simulator can play, and of what it cannot: a name
# without an address, a firewall that drops, an address that is another machine's by now.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern amt dummy discovery
pong=$((port + 12000))
printf 'pong-port = %s\n' $pong >>"$work/etc/plugins.d/amt.conf"
cp -r "$work/etc" "$work/etc-trusting"
host_port=$((port + 24000))

# one machine for each line: ADDRESS CAUSE WHAT FAULTS...
cases=(
    '127.48.0.1 - well'
    '127.48.0.2 certificate-expired expired cert-expired'
    '127.48.0.3 certificate-not-yet not-yet-valid cert-not-yet'
    '127.48.0.4 wrong-password wrong-password 401-forever'
    '127.48.0.5 no-right right-password-without-the-realm realms:general'
    '127.48.0.6 not-provisioned not-provisioned not-provisioned'
    '127.48.0.7 amt-disabled AMT-disabled amt-disabled'
    '127.48.0.8 hanging hanging silent'
    '127.48.0.9 clock-skew clock-an-hour-off clock:3600'
    '127.48.0.10 redirection-off redirection-off redirection-off'
    '127.48.0.11 kvm-off KVM-off kvm-off'
    '127.48.0.12 consent-required consent consent'
    '127.48.0.13 certificate-weak-key weak-key cert-weak'
    '127.48.0.14 tls-failed TLS-cut reset'
)
options=()
for one in "${cases[@]}"; do
    read -r address cause _ faults <<<"$one"
    for fault in $faults; do
        options+=(--fault "$address=$fault")
    done
done
start_simulator --count 20 --first 127.48.0.1 --model amt16 --tls on --pong-port $pong --host-port $host_port \
    --fault 127.48.0.15=cert-name:pc-99.example.org "${options[@]}"
first_sim=$sim
p credential add lab "$login"
is "a login is stored" "$status" 0

# cause_of TARGET [OPTION...]: verdict and cause, as scripts read them
cause_of() {
    p diagnose "$@" --timeout 25s -o jsonl
    cause=$(sed -n 's/.*"result":{\(.*\),"checks".*/\1/p' "$work/out")
    cause=$(grep -o '"cause":"[^"]*"' <<<"$cause" | cut -d '"' -f 4)
    cause=${cause:--}
}

for one in "${cases[@]}"; do
    read -r address expected what _ <<<"$one"
    [ "$address" = 127.48.0.14 ] && continue
    cause_of "$address"
    # who has nothing worse is told of the consent that these models ask for
    [ "$expected" = - ] && [ "$cause" = consent-required ] && cause=-
    is "$what: $expected" "$cause" "$expected"
done
cause_of 127.48.0.14
[[ $cause == tls-failed || $cause == unreachable ]]
result $? "a connection that is cut at once: $cause"

# the parts of the chain that need no login, as tasks of their own
p run discovery.ports 127.48.0.1 ports=1 -o jsonl
like "ports: each is told (these devices listen elsewhere)" "$out" "{\"port\":16993,\"protocol\":\"tcp\",\"state\":\"closed\",\"service\":\"AMT over TLS\"}"
like "ports: one that was asked for" "$out" '{"port":1,"protocol":"tcp","state":"closed"}'
p run discovery.ports 127.48.0.1 ports=70000 -o jsonl
like "ports: a number that is none" "$out" "expected at most 64 numbers from 1 to 65535"
p run discovery.resolve localhost -o jsonl
like "resolve: forward" "$out" '"127.0.0.1"'

# what is closed although the machine was known to have AMT there
p run amt.identify 127.48.0.6
cause_of 127.48.0.100
is "nothing there, and the address answers: amt-disabled" "$cause" amt-disabled
p machine add gone address=127.48.0.101
"${sqlite:-sqlite3}" "$work/state/postern/fleet.db" "INSERT INTO machine_fact SELECT id, 'amt.version', '12.0.1', NULL, seen, 'test' FROM machine WHERE name = 'gone'" 2>"$work/err" ||
    skip "no sqlite3"
cause_of gone
is "known to have AMT, and its port is closed: port-closed" "$cause" port-closed

# an address that another machine has by now
p run amt.inventory.get 127.48.0.16
is "a machine becomes known" "$status" 0
p machine add moved uuid=11111111-2222-3333-4444-555555555555 address=127.48.0.17
p run amt.power.set state=cycle --yes moved
is "stale address: another machine answers there, and its power is not cut" "$status" 1
like "which says why" "$out" "conflict: another machine answers at moved"
cause_of moved
is "stale address: another machine answers there" "$cause" stale-address
p run amt.power.get 11111111-2222-3333-4444-555555555555
is "then the address is that one's, and the machine that moved is nowhere" "$status" 1
like "which says what to do" "$err" "has neither FQDN nor address"

# certificates are held against what is trusted
openssl s_client -connect 127.48.0.15:$tls_port </dev/null 2>/dev/null | openssl x509 >"$work/root.pem"
printf 'tls-ca-file = %s\n' "$work/root.pem" >>"$work/etc-trusting/plugins.d/amt.conf"
plain_config=$config
config=$work/etc-trusting/postern.conf
preload=$(ls /usr/lib/*/libnss_wrapper.so 2>/dev/null | head -n 1)
if [ -n "$preload" ] && ! sanitized; then
    printf '127.48.0.15 lab-15.example.org lab-15\n127.48.0.18 lab-18.example.org\n' >"$work/hosts"
    export NSS_WRAPPER_HOSTS=$work/hosts
    export LD_PRELOAD=$preload
    cause_of lab-15.example.org
    is "certificate for another name" "$cause" certificate-name
    config=$plain_config
    cause_of lab-18.example.org
    [[ $cause == - || $cause == consent-required ]]
    result $? "a name that resolves, forward and back ($cause)"
    like "the chain begins with the name" "$out" '"found":"lab-18.example.org is 127.48.0.18, and back: lab-18.example.org"'
    cause_of no-such-machine.example.org
    is "no DNS" "$cause" no-name
    unset LD_PRELOAD
else
    skip "no libnss_wrapper to make names with, or a checker that must come first"
    config=$plain_config
    cause_of no-such-machine.invalid
    is "no DNS" "$cause" no-name
fi
config=$work/etc-trusting/postern.conf
cause_of 127.48.0.19
is "a certificate that nobody trusted issued" "$cause" certificate-untrusted
config=$plain_config

# a port where packets vanish: its queue of connections is full, and nobody takes any
cat >"$work/full.py" <<'PYTHON'
import socket, sys, time
held = []
for port in map(int, sys.argv[2:]):
    full = socket.socket()
    full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    full.bind((sys.argv[1], port))
    full.listen(0)
    held.append(full)
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex((sys.argv[1], port))
        held.append(client)
print("ready", flush=True)
time.sleep(60)
PYTHON
if has_python; then
    python3 "$work/full.py" 127.48.1.1 $port $tls_port >"$work/full" &
    children+=($!)
    for _ in $(seq 50); do grep -q ready "$work/full" && break || sleep 0.1; done
    cause_of 127.48.1.1
    is "firewall that drops: filtered" "$cause" filtered
else
    skip "no python3 to play a port where packets vanish"
fi

# no login at all, and one that is not tried again
p credential remove lab --yes
cause_of 127.48.0.1
is "no login is known: no-credential" "$cause" no-credential
printf 'wrong-one-47\n' >"$work/wrong"
chmod 600 "$work/wrong"
cause_of 127.48.0.1 -c "amt.digest:user=admin,password=@$work/wrong"
is "a wrong password" "$cause" wrong-password
cause_of 127.48.0.1 -c "amt.digest:user=admin,password=@$work/wrong"
is "and within the hour it is not sent again" "$cause" login-barred

# several: a line each, and a summary by cause
p diagnose 127.48.0.2 127.48.0.6-8 --timeout 25s -c "$login"
is "some are broken: status" "$status" 1
like "one line each" "$out" "127.48.0.6       broken"
like "summed up by cause" "$err" "1  not-provisioned: 127.48.0.6"
p diagnose 127.48.0.6 --timeout 25s -c "$login"
like "one machine: the chain" "$out" "FAILED  provisioning"
like "one machine: the verdict" "$out" "verdict: broken at provisioning: not-provisioned"
like "one machine: what to do" "$out" "what to do: "
p explain not-provisioned
is "the cause is explained" "$status" 0

# old TLS, in a simulator of its own
kill "$first_sim" && wait "$first_sim"
start_simulator --count 2 --first 127.48.0.1 --model amt9 --tls legacy --pong-port $pong
cause_of 127.48.0.1 -c "$login"
is "TLS too old" "$cause" tls-too-old
finish
