#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# MeshCentral's own AMT stack as a judge of the simulator: it logs in, reads identity, settings, power and hardware, and
# switches the machine, plain and over TLS, on several generations.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/sim/sim.sh
. "$here/sim.sh"

need_meshcentral

judge() {
    timeout 90 node "$here/meshcentral.js" "$meshcentral" "$@"
}

sim_start 127.201.0.1 --count 8 --model amt8,amt9,amt11.8,amt12,amt12-keepalive,amt15,amt16,amt19
# amt8 and amt9 over TLS need OpenSSL's security level 0, which this client does not ask for
ok "amt8 plain" judge 127.201.0.1 plain $port
ok "amt9 plain" judge 127.201.0.2 plain $port
ok "amt11.8 plain" judge 127.201.0.3 plain $port
ok "amt11.8 TLS" judge 127.201.0.3 tls $tls_port
ok "amt12 TLS" judge 127.201.0.4 tls $tls_port
ok "amt12-keepalive plain" judge 127.201.0.5 plain $port
ok "amt15 plain, auth-int" judge 127.201.0.6 plain $port
ok "amt16 TLS" judge 127.201.0.7 tls $tls_port
ok "amt19 TLS, elliptic curve" judge 127.201.0.8 tls $tls_port
sim_stop
ok "the simulator ended well" test "$sim_status" = 0
ok "the devices saw power requests" test "$(grep -c RequestPowerStateChange "$work/state")" = 8
done_testing
