#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# MeshCentral's own AMT stack as a judge: its manager's boot sequences (setup over serial, PXE, IDER, one click recovery) and
# the user's consent, on several generations; the simulator's state file says what each machine booted.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/sim/sim.sh
. "$here/sim.sh"
# shellcheck source=tests/sim/meshcentral.sh
. "$here/meshcentral.sh"

# judge N HOW PORT LAST-BOOT
judge() {
    timeout 90 node "$here/meshcentral-boot.js" "$meshcentral" "127.81.3.$1" "$2" "$3" "$4" "$work/out"
}

# booted N WORD
booted() {
    grep "\"address\":\"127.81.3.$1\"" "$work/state" | grep -o '"boot":"[a-z-]*"' | grep -xF "\"boot\":\"$2\""
}

sim_start 127.81.3.1 --count 7 --model amt8,amt9,amt11.8,amt12,amt15,amt16,amt19
ok "amt8 plain" judge 1 plain $port bios
ok "amt9 plain" judge 2 plain $port pxe
ok "amt11.8 TLS" judge 3 tls $tls_port ider
ok "amt12 TLS" judge 4 tls $tls_port pxe
ok "amt15 plain" judge 5 plain $port https
ok "amt16 TLS" judge 6 tls $tls_port https
ok "amt19 TLS" judge 7 tls $tls_port pxe
sim_stop
ok "the simulator ended well" test "$sim_status" = 0
ok "amt8 booted into its setup" booted 1 bios-setup
ok "amt9 booted from the network" booted 2 pxe
ok "amt11.8 booted from lent storage" booted 3 ider-cd
ok "amt12 booted from the network" booted 4 pxe
ok "amt15 booted over HTTPS" booted 5 https
ok "amt16 booted over HTTPS" booted 6 https
ok "amt19 booted from the network" booted 7 pxe
done_testing
