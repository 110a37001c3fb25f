#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The fleet's memory as a file: backup, check, several processes, and nothing off the record.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern dummy
store=$work/state/fleet.db
mkdir -p "$work/state"
printf '[fleet]\nstore = %s\n' "$store" >>"$config"

p run dummy.ok a
p store check
is "sound" "$status:$out" "0:the store is sound"
p store backup "$work/copy.db"
is "backup" "$status:$(stat -c %a "$work/copy.db")" 0:600
p store backup "$work/copy.db"
unlike "a backup replaces nothing: status" "$status" 0
like "a backup replaces nothing: says so" "$err" "cannot put the backup at $work/copy.db"
cp "$config" "$work/live.conf"
sed -i "s|^store = .*|store = $work/copy.db|" "$config"
p log -o jsonl
is "the backup has the journal" "$(wc -l <"$work/out")" 1
cp "$work/live.conf" "$config"

"$postern" --config "$config" run dummy.ok 10.0.0.0/24 -o jsonl >"$work/one" 2>&1 &
one=$!
p run dummy.ok 10.0.1.0/24 -o jsonl
is "two processes at once: this one" "$status" 0
wait "$one"
is "two processes at once: the other" "$?" 0
p log -o jsonl
is "both are on record" "$(grep -c '"outcome":"ok"' "$work/out")" 509
p log verify
like "in one chain" "$out" "1018 rows"

# nothing off the record
head -c 8192 /dev/zero | tr '\0' x >"$work/garbage.db"
chmod 0600 "$work/garbage.db"
sed -i "s|^store = .*|store = $work/garbage.db|" "$config"
p run dummy.ok a -o jsonl
is "garbage: status" "$status" 3
is "garbage: nothing ran" "$out" ""
like "garbage: names the file" "$err" "$work/garbage.db"
cp "$work/live.conf" "$config"
size=$(($(stat -c %s "$store") / 1024))
(
    trap '' XFSZ
    ulimit -f $((size > 8 ? 4 : 1))
    "$postern" --config "$config" run dummy.ok full -o jsonl 2>&1 </dev/null
) | cat >"$work/out"
unlike "a full disk: nothing ran" "$(cat "$work/out")" '"outcome":"ok"'
like "a full disk: says why" "$(cat "$work/out")" "store $store"
p log verify
is "a full disk: sound after it" "$status" 0
finish
