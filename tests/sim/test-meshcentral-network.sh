#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# MeshCentral's own AMT stack as a judge of the simulator's alarms, wireless profiles, calling home, events and power schemes.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/sim/sim.sh
. "$here/sim.sh"
# shellcheck source=tests/sim/meshcentral.sh
. "$here/meshcentral.sh"

judge() {
    timeout 90 node "$here/meshcentral-network.js" "$meshcentral" "$@"
}

# with this seed these have a wireless port
sim_start 127.88.8.1 --count 12 --seed 7 --model amt11.8,amt12,amt16
ok "amt11.8 plain" judge 127.88.8.1 plain $port
ok "amt12 TLS" judge 127.88.8.2 tls $tls_port
ok "amt16 TLS" judge 127.88.8.6 tls $tls_port
sim_stop
ok "the simulator ended well" test "$sim_status" = 0
ok "the devices saw alarms" test "$(grep -c AddAlarm "$work/state")" = 3
done_testing
