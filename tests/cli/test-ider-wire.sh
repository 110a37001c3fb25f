#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a simulated device does with a client of storage redirection that breaks a rule: it ends the session, and the state file
# says why.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
has_python || skip_all "python3 is not installed"
configure_postern amt

# at N MODE EXPECTED NAME: the N-th device
at() {
    is "$4" "$(timeout 20 python3 "$srcdir/tests/cli/ider-client.py" "127.84.4.$1" "$redirection_port" "$2" "$work/password" 2>&1)" "$3"
}

# says N TEXT: the N-th device's problem
says() {
    is "$1 says why" "$(sed -n "$1p" "$work/state.jsonl" | sed -n 's/.*"ider":{[^}]*"problem":"\([^"]*\)".*/\1/p')" "$2"
}

start_simulator --count 12 --first 127.84.4.1 --model amt12 --seed 3
p run amt.features.set -c "$login" consent=none ider=true listener=true 127.84.4.1-127.84.4.12 -q
is "prepared: features" "$status" 0
p run amt.power.set -c "$login" state=on wait=true 127.84.4.1-127.84.4.12 -q --yes
is "prepared: power" "$status" 0
at 1 gap closed "a number is left out"
at 2 no-data closed "an end without the data"
at 3 unmarked closed "the last piece is not marked"
at 4 other-drive closed "the other drive answers"
at 5 too-long closed "more data than there is room for"
at 6 too-short closed "less than was asked for"
at 7 silent closed "no answer"
at 8 asks closed "data to write are asked for, and nothing is written"
at 9 unknown closed "an unknown message"
at 10 early closed "data before anything was asked for"
at 11 fine "going on" "nothing is wrong"
at 11 busy busy "a second session"
at 11 heartbeat "five heartbeats" "heartbeats as often as the client wants"
at 12 close "closed as asked" "closed by the client"
stop_simulator
says 1 "message 47 has number 3, expected 2"
says 2 "command 25: it ended well without the data"
says 3 "command 25: the last piece is not marked, or another is"
says 4 "command 25: data came from the other drive"
says 5 "command 25: more data came than there is room for"
says 6 "command 25: the last piece is not marked, or another is"
says 7 "command 25 was not answered"
says 8 "512 bytes to write were asked for"
says 9 "the session ended in the middle of a command"
says 10 "command 00: data came that nobody asked for"
says 12 ""
grep -q '"sessions":1,"closed":1,"cd_sectors":100' "$work/state.jsonl"
result $? "12 was closed as it should"
finish
