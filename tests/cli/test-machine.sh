#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The inventory: add, list, tag, merge, forget; in from CSV and out again.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern dummy

p machine add lab-7 fqdn=lab-7.example.org mac=00-11-22-33-44-55 address=10.0.0.7 tag=lab
is "add" "$status$err" "0"
p machine add lab-8 uuid=11111111-2222-3333-4444-55555555aaaa address=10.0.0.8
is "add another" "$status$err" "0"
p machine list -o csv
is "list" "$(cut -d , -f 1-4 "$work/out" | tr '\n' ' ')" \
    "name,uuid,fqdn,address lab-7,,lab-7.example.org,10.0.0.7 lab-8,11111111-2222-3333-4444-55555555aaaa,,10.0.0.8 "
p machine list tag:lab -o jsonl
is "list: a query" "$(sed 's/,"seen.*//' "$work/out")" \
    '{"id":1,"name":"lab-7","uuid":null,"fqdn":"lab-7.example.org","address":"10.0.0.7"'
p machine show lab-7
is "show" "$status$err" "0"
like "what it is known by" "$(grep '^mac ' "$work/out")" "00:11:22:33:44:55"
like "and by whom" "$(grep '^mac ' "$work/out")" " add"
like "its history" "$out" "history, latest first"
p machine list
is "a table has a header and a line for each" "$(wc -l <"$work/out")" "3"
p machine add lab-9 mac=zz
is "no MAC: refused" "$status" "2"
like "and said why" "$err" "'zz' is no MAC address"
p machine tag kiosk 00:11:22:33:44:55 10.0.0.8
is "tag, by MAC and by address" "$status$err" "0"
p machine tag kiosk lab-7 nobody
is "tag: one is not known" "$status" "2"
p machine tag Kiosk lab-7
is "tag: no such word" "$status" "2"
p machine untag kiosk lab-7
p machine list tag:kiosk -o jsonl
is "untag" "$status:$(wc -l <"$work/out")" "0:1"
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

# ---- in and out ----
cat >"$work/in.csv" <<'END'
name,fqdn,uuid,mac,address,tag,amt.version,note
pc-1,pc-1.example.org,11111111-2222-3333-4444-555555550001,00:11:22:33:44:01 00:11:22:33:44:02,10.0.0.1,lab kiosk,12.0.81,"said ""no"", twice"
pc-2,,,00:11:22:33:44:03,10.0.0.2,,9.5,'=1+1
pc-3,pc-3.example.org,,,,lab,,ä
END
p machine import "$work/in.csv"
is "import" "$status" "0"
like "import says how many" "$err" "3 machines"
p machine list 'amt.version < 12' -o jsonl
like "a fact is a version" "$out" '"name":"pc-2"'
p machine list 'note ~ "=*"' -o jsonl
like "what spreadsheets are kept from is read as meant" "$out" '"name":"pc-2"'
p machine export
is "export" "$status$err" "0"
cp "$work/out" "$work/first.csv"
like "export: quotes" "$out" '"said ""no"", twice"'
like "export: no formulas" "$out" ",'=1+1"
p machine import "$work/first.csv"
p machine list -o jsonl
is "taken in again, they are the same machines" "$(wc -l <"$work/out")" "3"
XDG_STATE_HOME=$work/other p machine import "$work/first.csv"
is "import into an empty store" "$status" "0"
XDG_STATE_HOME=$work/other p machine export
is "which exports the same bytes" "$(cksum <"$work/out")" "$(cksum <"$work/first.csv")"
p machine export tag:lab
is "export: a query" "$(wc -l <"$work/out")" "3"

# ---- nothing at all when a line is wrong ----
# wrong NAME TEXT PART: the file is refused, the line is named, and nothing was taken in
wrong() {
    printf '%b' "$2" >"$work/wrong.csv"
    p machine import "$work/wrong.csv"
    is "$1: refused" "$status" "2"
    like "$1: where" "$err" "$work/wrong.csv, $3"
    p machine export
    is "$1: nothing was taken in" "$(cksum <"$work/out")" "$(cksum <"$work/first.csv")"
}
wrong "no MAC" 'name,mac\npc-4,00:11:22:33:44:09\npc-5,zz\n' 'line 3:'
wrong "too few cells" 'name,address\npc-4,10.0.0.4\npc-5\n' 'line 3:'
wrong "a quote" 'name,note\npc-4,x\npc-5,a"b\n' 'line 3, column 7:'
wrong "no column that identifies" 'tag,note\nlab,x\n' 'line 1:'
wrong "a column twice" 'name,note,note\npc-4,x,y\n' 'line 1:'
wrong "no tag" 'name,tag\npc-4,lab\n\npc-5,No!\n' 'line 4:'
wrong "an empty file" '' 'line 1:'
p machine import "$work/nowhere.csv"
is "no file" "$status" "2"
like "no file: names it" "$err" "$work/nowhere.csv"
"$postern" --config "$config" machine import - <"$work/in.csv" >"$work/out" 2>&1
is "from standard input" "$?" "0"
finish
