#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# MeshCentral's own AMT stack puts a root and a certificate into devices, and openssl sees them shown.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/sim/sim.sh
. "$here/sim.sh"
command -v openssl >/dev/null || skip_all "openssl is not installed"
# shellcheck source=tests/sim/meshcentral.sh
. "$here/meshcentral.sh"
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/O=Test/CN=Mesh CA" -keyout "$work/ca.key" -out "$work/ca.pem" \
    -addext 'basicConstraints=critical,CA:TRUE' 2>/dev/null

judge() {
    timeout 90 node "$here/meshcentral-certificates.js" "$meshcentral" "$@" "$work" >"$work/judged" || {
        cat "$work/judged"
        return 1
    }
}
# shown ADDRESS: the device shows what was added last
shown() {
    for _ in 1 2 3 4 5 6 7 8; do
        openssl s_client -connect "$1:$tls_port" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint >"$work/shown" 2>/dev/null
        openssl x509 -in "$work/new.pem" -noout -fingerprint | cmp -s - "$work/shown" && return 0
        sleep 0.3
    done
    cat "$work/shown"
    return 1
}
verified() {
    openssl s_client -connect "$1:$tls_port" -CAfile "$work/ca.pem" -verify_return_error </dev/null 2>&1 | grep 'Verify return code: 0'
}

sim_start 127.87.3.1 --count 7 --model amt11.8,amt12,amt15,amt16,amt19,amt8,amt9
ok "amt11.8 plain" judge 127.87.3.1 plain $port
ok "amt11.8 shows it" shown 127.87.3.1
ok "amt12 TLS" judge 127.87.3.2 tls $tls_port
ok "amt12: what was there is changed" grep -q '"context":"Put"' "$work/judged"
ok "amt12 shows it" shown 127.87.3.2
ok "amt12: openssl verifies the chain" verified 127.87.3.2
ok "amt15 plain" judge 127.87.3.3 plain $port
ok "amt16 TLS" judge 127.87.3.4 tls $tls_port
ok "amt16 shows it" shown 127.87.3.4
ok "amt19 TLS" judge 127.87.3.5 tls $tls_port
ok "amt19 shows it" shown 127.87.3.5
# these two speak no TLS that openssl offers by itself
ok "amt8 plain" judge 127.87.3.6 plain $port
ok "amt9 plain" judge 127.87.3.7 plain $port
sim_stop
ok "the simulator ended well" test "$sim_status" = 0
sim_start 127.87.3.1 --count 1 --model amt12 --tls off
ok "no TLS yet" judge 127.87.3.1 plain $port
ok "no TLS yet: the first is made" grep -q '"context":"Create"' "$work/judged"
ok "no TLS yet: now there is" shown 127.87.3.1
sim_stop
done_testing
