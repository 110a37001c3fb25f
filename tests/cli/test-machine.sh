#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# the inventory: add, list, tag, merge and forget.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern dummy
printf '[fleet]\nstore = %s\n' "$work/state/fleet.db" >>"$config"

p machine add lab-7 fqdn=lab-7.example.org mac=00-11-22-33-44-55 address=10.0.0.7 tag=lab
is "add" "$status$err" "0"
p machine add lab-8 uuid=11111111-2222-3333-4444-55555555aaaa address=10.0.0.8
is "add another" "$status$err" "0"
p machine list -o csv
is "list" "$(cut -d , -f 1-3 "$work/out" | tr '\n' ' ')" \
    "name,uuid,address lab-7,,10.0.0.7 lab-8,11111111-2222-3333-4444-55555555aaaa,10.0.0.8 "
p machine show lab-7
is "show" "$status$err" "0"
like "what it is known by, and by whom" "$(grep '^mac ' "$work/out")" "00:11:22:33:44:55"
like "its history" "$out" "by what"
p machine list
is "a table has a header and a line for each" "$(wc -l <"$work/out")" "3"
p machine add lab-9 mac=zz
is "no MAC: refused" "$status" "2"
like "and said why" "$err" "\"zz\" is no MAC address"
p machine tag kiosk 00:11:22:33:44:55 10.0.0.8
is "tag, by MAC and by address" "$status$err" "0"
p machine forget lab-7
is "forget asks" "$status" "4"
p machine forget nobody --yes
is "nobody to forget" "$status" "2"
p machine merge lab-8 lab-7 --yes
is "merge" "$status$err" "0"
p machine list -o jsonl
is "one is left" "$(wc -l <"$work/out")" "1"
p machine forget 00:11:22:33:44:55 --yes
is "forget, by what the other brought along" "$status$err" "0"
p machine list -o jsonl
is "none is left" "$status$out" "0"
finish
