#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Network ports of simulated machines: read, changed with and without losing the way there, and refused.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt

# run TASK [PARAMETER...] ADDRESS: with a login, one line of JSON
run() {
    p run "$@" -c "$login" -o jsonl -q --retries 0 --yes
}
count() {
    grep "\"$1\"" "$work/state.jsonl" | grep -o "\"action\" *: *\"$2\"" | wc -l
}

# with seed 7, .1 has a wireless port and .2 has none
start_simulator --count 2 --first 127.88.1.1 --model amt12 --seed 7 --fault 127.88.1.2=realms:general
run amt.network.get 127.88.1.1
like "wired port" "$out" '"wired":{"mac":"00:1e:67:'
like "wired port: addresses and policy in words" "$out" '"link-up":true,"connection":"integrated","dhcp":true,"address":"127.88.1.1","mask":"255.255.255.0","gateway":"127.88.1.254","primary-dns":"127.88.1.254","ip-sync":true,"shared-mac":true,"shared-static-ip":false,"shared-dynamic-ip":true,"link-policy":["s0-ac","sx-ac"]}'
like "IPv6: what is :: is no address" "$out" '"ipv6":{"interface-id":"random"}'
run amt.network.get 127.88.1.2
is "reading needs General Info only" "$status" 0

refused() {
    local name=$1 code=$2 words=$3
    shift 3
    run amt.network.set "$@" 127.88.1.1
    like "$name" "$out" "\"code\":\"$code\",\"message\":\"$words"
}
refused "an address without saying so" bad-param "address is for a static address, and the port takes its own from DHCP: give dhcp=no as well" address=127.88.1.9
refused "an address while following the system's" bad-param "address is for a static address, and the port follows the operating system's (ip-sync): give ip-sync=no as well" dhcp=no address=127.88.1.9
refused "static without a mask" bad-param "a static address needs address and mask, found no mask" dhcp=no ip-sync=no address=127.88.1.9
refused "a mask with a hole" bad-param "mask 255.255.0.255 is no network mask" dhcp=no ip-sync=no address=127.88.1.9 mask=255.255.0.255
refused "the network's own address" bad-param "address 127.88.1.0 is that of its network or its broadcasts" dhcp=no ip-sync=no address=127.88.1.0 mask=255.255.255.0
refused "a gateway outside" bad-param "gateway 127.88.2.254 is not another machine in the network of 127.88.1.9 with mask 255.255.255.0" dhcp=no ip-sync=no address=127.88.1.9 mask=255.255.255.0 gateway=127.88.2.254
refused "a group's address" bad-param "address 224.0.0.5 is no IPv4 address of a machine" dhcp=no ip-sync=no address=224.0.0.5 mask=255.255.255.0
refused "an IPv6 DNS server" bad-param "primary-dns ::1 is no IPv4 address" dhcp=no ip-sync=no address=127.88.1.9 mask=255.255.255.0 primary-dns=::1
refused "a policy that there is not" bad-param "link-policy 's1' is none: expected s0-ac, sx-ac, s0-dc or sx-dc" link-policy=s0-ac,s1
refused "VLAN where there is none" not-supported "this port has no vlan (VLANTag): nothing was changed" vlan=7
run amt.network.set port=wireless dhcp=yes 127.88.1.2
like "wireless where there is none" "$out" '"code":"not-supported","message":"this machine has no wireless port that the firmware uses'
p run amt.network.set dhcp=no 127.88.1.1 -c "$login"
is "it asks first" "$status" 4

run amt.network.set link-policy=sx-dc,s0-ac,sx-ac 127.88.1.1
like "link policy" "$out" '"link-policy":["s0-ac","sx-ac","sx-dc"]},"changed":true,"confirmed":true}'
run amt.network.set dhcp=no ip-sync=no address=127.88.1.9 mask=255.255.255.0 gateway=127.88.1.254 127.88.1.1
like "a new address: its answer is lost, and it is found again" "$out" '"dhcp":false,"address":"127.88.1.9","mask":"255.255.255.0","gateway":"127.88.1.254","ip-sync":false'
like "a new address: said to be unconfirmed" "$out" '"changed":true,"confirmed":false}'
run amt.network.set secondary-dns=127.88.1.53 127.88.1.1
like "what is not named stays" "$out" '"address":"127.88.1.9","mask":"255.255.255.0","gateway":"127.88.1.254","secondary-dns":"127.88.1.53"'
run amt.network.set address=127.88.1.9 secondary-dns=127.88.1.53 127.88.1.1
like "so already" "$out" '"changed":false}'
run amt.network.set dhcp=yes 127.88.1.1
like "back to DHCP drops the static ones" "$out" '"dhcp":true,"address":"127.88.1.1","mask":"255.255.255.0","gateway":"127.88.1.254","primary-dns":"127.88.1.254","ip-sync":false'
run amt.wifi.link.set owner=me timeout=1 127.88.1.1
like "the firmware takes the wireless link" "$out" '"result":{"preference":"me","control":"me"}'
sleep 1.2
run amt.network.get 127.88.1.1
like "and gives it back in time" "$out" '"link-preference":"host","link-control":"host"}'
run amt.wifi.link.set owner=me timeout=0 127.88.1.1
like "no time" "$out" '"code":"bad-param","message":"timeout is 0, expected 1 second or more"'
run amt.wifi.link.set owner=me 127.88.1.2
like "no wireless port" "$out" '"code":"not-supported"'
stop_simulator
is "written as often as told" "$(count 127.88.1.1 Put)" 4

# another machine at the new address is not taken for this one
start_simulator --count 2 --first 127.88.1.11 --model amt16 --seed 7
run amt.network.set dhcp=no ip-sync=no address=127.88.1.12 mask=255.255.255.0 127.88.1.11
like "another machine at the new address" "$out" '"confirmed":false}'
stop_simulator
start_simulator --count 1 --first 127.88.1.21 --model amt12 --seed 7 --fault '*=lost-answer'
run amt.network.set link-policy=s0-ac 127.88.1.21
like "a lost answer without a new address" "$out" '"link-policy":["s0-ac"]},"changed":true,"confirmed":false}'
stop_simulator
finish
