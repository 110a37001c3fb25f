#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Storage redirection: simulated machines start from images that amt.ider lends them, and say what they read.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/sim/images.sh
. "$srcdir/tests/sim/images.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt

# lend ADDRESS ARGUMENT...
lend() {
    p run amt.ider -c "$login" "$1" -o jsonl -q --yes --retries 0 "${@:2}"
}

# prepare ADDRESS...
prepare() {
    p run amt.features.set -c "$login" consent=none ider=true listener=true "$@" -q
    is "prepared: features" "$status" 0
}

# found ADDRESS NAME: a member of what the machine with that address wrote down, of numbers and words
found() {
    grep "\"address\":\"$1\"" "$work/state.jsonl" | grep -o '"ider":{[^}]*}' |
        sed -n "s/.*\"$2\":\"\\{0,1\\}\\([^\",}]*\\).*/\\1/p"
}

# output NAME: of the last result
output() {
    grep '"outcome"' "$work/out" | sed -n "s/.*\"$1\":\"\\{0,1\\}\\([^\",}]*\\).*/\\1/p"
}

cd=$work/cd.iso floppy=$work/floppy.img
make_cd "$cd" 1000
make_floppy "$floppy" 1440
cd_sum=$(sum_of "$cd")

start_simulator --count 20 --first 127.84.1.1 --model amt9,amt12,amt15 --fault 127.84.1.20=redirection-off --fault 127.84.1.19=consent
prepare 127.84.1.1-127.84.1.18

# ---- what is wrong with images is told before any device is asked ----
lend 127.84.1.1
like "nothing to lend" "$out" '"code":"bad-param","message":"there is nothing to lend: give cd or floppy, the path of an image"'
lend 127.84.1.1 cd="$work/none"
like "no such file" "$out" "cannot open the image $work/none: No such file or directory"
lend 127.84.1.1 cd="$work"
like "a directory" "$out" "$work is no regular file, as an image is"
head -c 3000 "$cd" >"$work/cut.iso"
lend 127.84.1.1 cd="$work/cut.iso"
like "a cut image" "$out" "has 3000 bytes, expected whole sectors of 2048: it is cut, or no image of a CD"
head -c 65536 /dev/zero >"$work/zero.iso"
lend 127.84.1.1 cd="$work/zero.iso"
like "no volume" "$out" "has no volume descriptor in sector 16"
lend 127.84.1.1 floppy="$work/zero.iso"
like "a size that is no floppy's" "$out" "has 65536 bytes; firmware knows floppies of 720, 1200, 1440 and 2880 KiB"
lend 127.84.1.1 floppy="$floppy" boot=cd
like "boot from what is not there" "$out" "boot=cd needs cd, the path of an image to start from"
head -c $((1440 * 1024)) /dev/zero >"$work/zero.img"
lend 127.84.1.1 floppy="$work/zero.img" boot=floppy
like "no boot sector" "$out" "no machine can start from $work/zero.img: it has no boot sector"
lend 127.84.1.1 cd="$cd" writable=true
like "a CD is not written to" "$out" "only a floppy can be written to"

# ---- what is switched off ----
lend 127.84.1.20 cd="$cd"
like "switched off" "$out" '"code":"conflict"'
lend 127.84.1.19 cd="$cd"
like "somebody must agree" "$out" '"code":"consent"'

# ---- many machines, one CD ----
lend 127.84.1.1-127.84.1.12 cd="$cd" boot=cd idle=3
is "twelve machines: status" "$status" 0
is "twelve machines: all ended idle" "$(grep -c '"outcome":"ok".*"ended":"idle"' "$work/out")" 12
# two descriptors, a catalog and the boot image before what the whole takes
is "twelve machines: bytes" "$(output bytes-read | sort -u)" $((1000 * 2048 + 4 * 2048))
is "twelve machines: no errors" "$(output errors | sort -u)" 0

# ---- a floppy that is written to ----
lend 127.84.1.13 floppy="$floppy" boot=floppy idle=3
is "a floppy that cannot be written to: status" "$status" 0
is "nothing was written" "$(output bytes-written)" 0
floppy_sum=$(sum_of "$floppy")
cp "$floppy" "$work/written.img"
lend 127.84.1.14 floppy="$work/written.img" writable=true boot=floppy idle=3
is "a floppy that can: status" "$status" 0
is "sixteen sectors were written" "$(output bytes-written)" 8192
cmp -n $((1440 * 1024 - 8192)) "$floppy" "$work/written.img"
result $? "all before them is as it was"
! cmp -s "$floppy" "$work/written.img"
result $? "they are in the file"

# ---- both drives, and none of them started from ----
lend 127.84.1.15 floppy="$floppy" cd="$cd" seconds=3
is "both drives: status" "$status" 0
is "both drives: ended" "$(output ended)" seconds

# ---- when drives appear ----
lend 127.84.1.17 cd="$cd" start=on-reboot seconds=2
is "on reboot, without one: status" "$status" 0
is "no command came" "$(output commands) $(output resets)" "0 0"
"$postern" --config "$config" run amt.ider -c "$login" 127.84.1.17 cd="$cd" start=on-reboot idle=4 --yes -o jsonl -q \
    >"$work/background" 2>&1 </dev/null &
background=$!
children+=("$background")
sleep 1
p run amt.boot.set -c "$login" device=ider-cd power=on-or-reset 127.84.1.17 -q --yes
is "a boot by another: status" "$status" 0
wait "$background"
is "on reboot, with one: status" "$?" 0
like "all of the CD was read" "$(cat "$work/background")" "\"bytes-read\":$((1000 * 2048 + 4 * 2048))"
lend 127.84.1.18 cd="$cd" start=graceful boot=cd power=cycle idle=4
is "gracefully, with a power cycle: bytes" "$(output bytes-read)" $((1000 * 2048 + 4 * 2048))

# ---- a boot that the machine does not do ----
lend 127.84.1.18 cd="$cd" boot=cd power=none idle=1
is "set for the next boot only: nothing is read" "$(output bytes-read)" 0

# ---- one writes, or many read ----
"$postern" --config "$config" run amt.ider -c "$login" 127.84.1.16 floppy="$work/written.img" writable=true seconds=60 --yes -q \
    >"$work/background" 2>&1 </dev/null &
background=$!
children+=("$background")
for _ in $(seq 100); do
    flock -n -s "$work/written.img" true || break
    sleep 0.1
done
lend 127.84.1.17 floppy="$work/written.img"
like "a second one is refused" "$out" '"code":"conflict","message":"cannot lock the image '
like "and told why" "$out" "another program or run has it open, and one of the two writes: wait until it ends, or use a copy"
sleep 1 # it has checked its image, and now has the session as well
lend 127.84.1.16 cd="$cd" seconds=1
like "a second session with a machine is refused" "$out" '"code":"busy"'

# ---- cancelled: the machine is told ----
kill -INT "$background"
wait "$background"
lend 127.84.1.16 floppy="$work/written.img" writable=true seconds=1
is "both are free at once after a cancel: status" "$status" 0
stop_simulator

for n in 1 5 12; do
    is ".$n started from the CD" "$(found 127.84.1.$n booted)" cd
    is ".$n read all of it" "$(found 127.84.1.$n sha256)" "$cd_sum"
done
is "fourteen machines read the same" "$(grep -c "\"sha256\":\"$cd_sum\"" "$work/state.jsonl")" 14
is ".17 read all of it" "$(found 127.84.1.17 sha256)" "$cd_sum"
is ".18 did, too" "$(found 127.84.1.18 sha256)" "$cd_sum"
is ".13 started from the floppy" "$(found 127.84.1.13 booted)" floppy
is ".13 read all of it" "$(found 127.84.1.13 sha256)" "$floppy_sum"
is ".14 did, too, before it wrote" "$(found 127.84.1.14 sha256)" "$floppy_sum"
is ".14 wrote" "$(found 127.84.1.14 written)" 8192
is ".15 saw both drives" "$(found 127.84.1.15 cd_sectors) $(found 127.84.1.15 floppy_sectors)" "1000 2880"
is ".15 started from none" "$(found 127.84.1.15 booted)" ""
is ".16: the cancelled session was closed as it should, and the last" "$(found 127.84.1.16 sessions) $(found 127.84.1.16 closed)" "2 2"
is "no machine saw anything wrong" "$(grep -o '"errors":[0-9]*,"problem":"[^"]*"' "$work/state.jsonl" | sort -u)" '"errors":0,"problem":""'
finish
