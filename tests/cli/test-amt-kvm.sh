#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# KVM: settings, pictures, the port for VNC viewers, and a viewer that is not ours as the judge of both.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
viewer=$builddir/tests/sim/vnc-picture
vnc_port=$((port + 1000))
configure_postern amt
printf 'vnc-port = %s\n' $vnc_port >>"$work/etc/plugins.d/amt.conf"
printf 'Vnc-Pw1!\n' >"$work/vnc"
printf 'Wrong-1!\n' >"$work/wrong"
: >"$work/bad"
chmod 0600 "$work/vnc" "$work/wrong" "$work/bad"
vnc=amt.rfb:password=@$work/vnc
export XDG_RUNTIME_DIR=$work/run

# png FILE: width, height and the colours of the middles of the eight bars, by a reader of its own
png() {
    python3 - "$1" <<'PYTHON'
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n"
at, body = 8, b""
while at < len(data):
    length, kind = struct.unpack(">I4s", data[at:at + 8])
    part = data[at + 8:at + 8 + length]
    assert zlib.crc32(kind + part) == struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0]
    if kind == b"IHDR":
        width, height, depth, colour = struct.unpack(">IIBB", part[:10])
        assert (depth, colour) == (8, 2)
    if kind == b"IDAT":
        body += part
    at += 12 + length
raw, rows, before = zlib.decompress(body), [], bytearray(width * 3)
for y in range(height):
    start = y * (width * 3 + 1)
    how, row = raw[start], bytearray(raw[start + 1:start + 1 + width * 3])
    for i in range(len(row)):
        a = row[i - 3] if i >= 3 else 0
        b = before[i]
        c = before[i - 3] if i >= 3 else 0
        near = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
        row[i] = (row[i] + (0, a, b, (a + b) // 2, near)[how]) & 255
    rows.append(row)
    before = row
bars = " ".join("%02x%02x%02x" % tuple(rows[160][x * 3:x * 3 + 3]) for x in range(32, 512, 64))
print(width, height, bars)
PYTHON
}

# start_proxy PARAMETER...: in the background; where it listens is in $proxy_port, its password's file in $proxy_password
start_proxy() {
    "$postern" --config "$config" run amt.kvm.proxy "$@" -o jsonl >"$work/proxy.out" 2>"$work/proxy.err" </dev/null &
    proxy=$!
    children+=("$proxy")
    for _ in $(seq 100); do
        grep -q '"row":' "$work/proxy.out" && break
        kill -0 "$proxy" 2>/dev/null || break
        sleep 0.1
    done
    proxy_port=$(sed -n 's/.*"row":.*"port":\([0-9]*\).*/\1/p' "$work/proxy.out" | head -n 1)
    proxy_password=$(sed -n 's/.*"password-file":"\([^"]*\)".*/\1/p' "$work/proxy.out" | head -n 1)
}

# view HOST PORT PASSWORDFILE ENCODINGS FORMAT [TEXT]
view() {
    timeout 60 "$viewer" "$@" >"$work/view" 2>"$work/view.err"
    viewed=$?
}

bars565='bars: f800 07e0 001f ffe0 ffff 8410 0000 18e3'
bars332='bars: 00e0 001c 0003 00fc 00ff 0092 0000 0000'

# settings
start_simulator --count 1 --first 127.85.1.1 --model amt12 --seed 4 --vnc-port $vnc_port --fault '*=strict-put-order'
p run amt.kvm.get -c "$login" 127.85.1.1 -o jsonl
like "settings: read" "$out" '"result":{"kvm":true,"in-session":false,"allowed-by-mebx":true,"port-5900":false,"consent":false,"consent-seconds":300,"session-minutes":3,"default-screen":0,"back-to-back-frames":false,"screens":[{"number":0,"x":0,"y":0,"width":1024,"height":768}]}'
p run amt.kvm.set session-minutes=256 -c "$login" 127.85.1.1 -o jsonl
like "settings: a number that the device would not take" "$out" '"code":"bad-param","message":"session-minutes is 256, expected 0 to 255'
for bad in Short1! Toolong1! alllow1! ALLUPP1! NoDigit! NoSpeci1 'Blank 1!'; do
    printf '%s\n' "$bad" >"$work/bad"
    p run amt.kvm.set port-5900=yes vnc-password="@$work/bad" -c "$login" 127.85.1.1 -o jsonl
    like "settings: a password that the device would not take" "$out" '"code":"bad-param","message":"the VNC password has'
    unlike "settings: which is not told" "$out$err" "$bad"
done
p run amt.kvm.set port-5900=yes -c "$login" 127.85.1.1 -o jsonl
like "settings: the port without a password" "$out" 'the VNC port may want vnc-password'
(exec 3<>/dev/tcp/127.85.1.1/$vnc_port) 2>/dev/null
is "settings: the port is closed" $? 1
p run amt.kvm.set port-5900=yes vnc-password="@$work/vnc" session-minutes=30 consent-seconds=60 -c "$login" 127.85.1.1 -o jsonl
like "settings: changed in the order of the schema, and read back" "$out" '"port-5900":true,"consent":false,"consent-seconds":60,"session-minutes":30,'
(exec 3<>/dev/tcp/127.85.1.1/$vnc_port) 2>/dev/null
is "settings: the port is open" $? 0
p run amt.kvm.set session-minutes=30 -c "$login" 127.85.1.1
is "settings: so already" "$status" 0
p run amt.kvm.set greys=yes -c "$login" 127.85.1.1
is "settings: one that cannot be written" "$status" 2

# the device's own port, and a viewer that is not ours
p run amt.features.set consent=kvm -c "$login" 127.85.1.1
p run amt.kvm.screenshot port-5900=yes file="$work/none.png" -c "$vnc" 127.85.1.1 -o jsonl --retries 0
like "VNC port: somebody must agree, here too" "$out" '"code":"unreachable","message":"the VNC port took the call and said nothing: somebody may have to agree first'
p run amt.features.set consent=none -c "$login" 127.85.1.1
p run amt.power.set state=on wait=yes --yes -c "$login" 127.85.1.1
p run amt.kvm.screenshot port-5900=yes file="$work/direct.png" -c "$vnc" 127.85.1.1 -o jsonl
like "VNC port: a picture" "$out" "\"file\":\"$work/direct.png\",\"bytes\":"
p run amt.kvm.screenshot port-5900=yes file="$work/none.png" -c amt.rfb:password=@"$work/wrong" 127.85.1.1 -o jsonl
like "VNC port: a wrong password" "$out" '"code":"auth"'
[ ! -e "$work/none.png" ]
result $? "VNC port: no file without a picture"
if [ -x "$viewer" ]; then
    while read -r encodings format bars; do
        view 127.85.1.1 $vnc_port "$work/vnc" "${encodings/+/ }" "$format" x
        is "libvncclient, $encodings, $format: status" "$viewed" 0
        is "libvncclient, $encodings, $format: colours" "$(grep '^bars' "$work/view")" "${bars//_/ }"
    done <<TABLE
raw 565 ${bars565// /_}
raw 332 ${bars332// /_}
zrle+raw 565 ${bars565// /_}
zrle+raw 332 ${bars332// /_}
TABLE
    view 127.85.1.1 $vnc_port "$work/wrong" raw 565
    is "libvncclient, a wrong password" "$(cat "$work/view")" "no session"
    view 127.85.1.1 $vnc_port "$work/vnc" zrle 565
    is "libvncclient, without raw: the firmware ends the session" "$viewed" 1
else
    skip "no libvncclient (Debian: libvncserver-dev) to judge the VNC port with"
fi
p run amt.features.set kvm=no -c "$login" 127.85.1.1 -o jsonl
(exec 3<>/dev/tcp/127.85.1.1/$vnc_port) 2>/dev/null
is "VNC port: closed with KVM" $? 1
p run amt.kvm.screenshot port-5900=yes file="$work/none.png" -c "$vnc" 127.85.1.1 -o jsonl
like "VNC port: what to do when it is closed" "$out" '"code":"refused","message":"the VNC port is closed; open it with amt.kvm.set port-5900=true'
p run amt.kvm.screenshot file="$work/none.png" -c "$login" 127.85.1.1 -o jsonl
like "picture: KVM is off" "$out" '"code":"conflict"'
p run amt.kvm.screenshot file="$work/enabled.png" enable=yes -c "$login" 127.85.1.1 -o jsonl
like "picture: KVM is switched on for it" "$out" '"outcome":"ok"'
stop_simulator
unlike "the VNC password is nowhere in the simulator's state" "$(cat "$work/state.jsonl")" 'Vnc-Pw1!'

# pictures: one generation after another, plain and over TLS
start_simulator --count 3 --first 127.85.2.1 --model amt9,amt12,amt16 --seed 2 --vnc-port $vnc_port
for address in 127.85.2.1 127.85.2.2 127.85.2.3; do
    p run amt.features.set consent=none kvm=yes listener=yes -c "$login" "$address"
    p run amt.power.set state=on wait=yes --yes -c "$login" "$address"
done
sleep 2.5 # the BIOS shows itself first
p run amt.kvm.screenshot file="$work/%t-100%%.png" -c "$login" 127.85.2.1-127.85.2.3 -o jsonl
is "pictures: of three generations" "$(grep -c '"outcome":"ok"' "$work/out")" 3
is "pictures: a name for each" "$(cd "$work" && echo 127.85.2.*.png)" '127.85.2.1-100%.png 127.85.2.2-100%.png 127.85.2.3-100%.png'
is "pictures: only their owner may read them" "$(stat -c %a "$work/127.85.2.1-100%.png")" 600
rgb565='1024 768 ff0000 00ff00 0000ff ffff00 ffffff 848284 000000 191c19'
if has_python; then
    for address in 127.85.2.1 127.85.2.2 127.85.2.3; do
        is "picture of $address: size and colours" "$(png "$work/$address-100%.png")" "$rgb565"
    done
else
    skip "no python3 to read a picture with"
fi
if command -v pngcheck >/dev/null; then
    is "picture: judged by pngcheck" "$(pngcheck "$work/127.85.2.2-100%.png" | sed 's/.*(\(1024x768, 24-bit RGB\).*/\1/')" '1024x768, 24-bit RGB'
else
    skip "no pngcheck"
fi
before=$(cksum <"$work/127.85.2.2-100%.png")
p run amt.kvm.screenshot file="$work/127.85.2.2-100%%.png" -c "$login" 127.85.2.2 -o jsonl
like "picture: a file that is there" "$out" '"code":"bad-param","message":"cannot create'
is "picture: it is left alone" "$(cksum <"$work/127.85.2.2-100%.png")" "$before"
printf 'old' >"$work/old.png"
p run amt.kvm.screenshot file="$work/old.png" replace=yes -c "$login" 127.85.2.2 -o jsonl
like "picture: takes the place of another when told to" "$out" '"outcome":"ok"'
is "picture: and is one" "$(head -c 4 "$work/old.png" | tail -c 3)" PNG
mkdir "$work/folder"
p run amt.kvm.screenshot file="$work/folder" -c "$login" 127.85.2.2 -o jsonl
is "picture: into a folder" "$(ls "$work/folder")" 127.85.2.2.png
p run amt.kvm.screenshot file="$work/%x.png" -c "$login" 127.85.2.2 -o jsonl
like "picture: a name that makes no sense" "$out" 'has a % that neither t (the target)'
p run amt.kvm.screenshot file="$work/nowhere/x.png" -c "$login" 127.85.2.2 -o jsonl
like "picture: a folder that there is not" "$out" 'No such file or directory'
p run amt.kvm.screenshot file="$work/grey4.png" colours=grey4 -c "$login" 127.85.2.3 -o jsonl
like "picture: greys" "$out" '"colours":"grey4"'
p run amt.kvm.screenshot file="$work/grey8.png" colours=grey8 -c "$login" 127.85.2.3
p run amt.kvm.screenshot file="$work/rgb332.png" colours=rgb332 -c "$login" 127.85.2.1
if has_python; then
    is "picture: sixteen greys" "$(png "$work/grey4.png")" '1024 768 444444 999999 111111 dddddd ffffff 888888 000000 111111'
    is "picture: 256 greys" "$(png "$work/grey8.png")" '1024 768 4a4a4a 949494 1b1b1b dfdfdf fafafa 808080 000000 1a1a1a'
    is "picture: 256 colours" "$(png "$work/rgb332.png")" '1024 768 ff0000 00ff00 0000ff ffff00 ffffff 9292aa 000000 000000'
else
    skip "no python3 to read a picture with"
fi
p run amt.kvm.screenshot file="$work/grey9.png" colours=grey8 -c "$login" 127.85.2.1 -o jsonl
like "picture: greys before AMT 16 end the session" "$out" '"code":"unreachable"'

# while it starts, and while it is off
p run amt.power.set state=reset --yes -c "$login" 127.85.2.2
sleep 1
p run amt.kvm.screenshot file="$work/bios.png" -c "$login" 127.85.2.2 -o jsonl
like "picture: of the BIOS" "$out" '"width":640,"height":480'
p run amt.power.set state=off-soft wait=yes --yes -c "$login" 127.85.2.2
p run amt.kvm.screenshot file="$work/off.png" wait-seconds=1 -c "$login" 127.85.2.2 -o jsonl
like "picture: a machine that is off shows nothing" "$out" '"code":"conflict","message":"the KVM session is open, and no whole picture came within 1 s (786432 of 1024 x 768 pixels are missing)'
[ ! -e "$work/off.png" ]
result $? "picture: no file then"
stop_simulator

# the port for viewers
start_simulator --count 2 --first 127.85.3.1 --model amt12 --seed 2 --vnc-port $vnc_port --fault 127.85.3.2=consent
p run amt.features.set consent=none -c "$login" 127.85.3.1
p run amt.power.set state=on wait=yes --yes -c "$login" 127.85.3.1
sleep 2.5
p run amt.kvm.proxy -c "$login" 127.85.3.2 -o jsonl
like "proxy: somebody must agree first" "$out" '"code":"consent"'
unlike "proxy: nobody is invited before" "$out" '"row":'
p run amt.kvm.proxy no-password=yes listen=0.0.0.0 -c "$login" 127.85.3.1 -o jsonl
like "proxy: no open door to the network" "$out" '"code":"bad-param","message":"no-password at 0.0.0.0 would let everybody in'
p run amt.kvm.proxy no-password=yes password-file="$work/x" -c "$login" 127.85.3.1 -o jsonl
like "proxy: with and without a password" "$out" '"code":"bad-param"'
p run amt.kvm.proxy viewer-password="@$work/password" -c "$login" 127.85.3.1 -o jsonl
like "proxy: a password of which VNC would read a part" "$out" 'the viewer'"'"'s password has 12 bytes, expected 1 to 8'
touch "$work/taken"
p run amt.kvm.proxy password-file="$work/taken" -c "$login" 127.85.3.1 -o jsonl
like "proxy: the password's file is there already" "$out" "$work/taken: File exists"
[ -s "$work/taken" ]
is "proxy: it is left alone" $? 1

start_proxy -c "$login" 127.85.3.1
is "proxy: the password is for its owner only" "$(stat -c %a "$proxy_password")" 600
secret=$(cat "$proxy_password")
is "proxy: it has eight characters" "${#secret}" 8
if [ -x "$viewer" ]; then
    view 127.0.0.1 "$proxy_port" "$work/wrong" raw 565
    is "proxy: a viewer with another password" "$(cat "$work/view")" "no session"
    view 127.0.0.1 "$proxy_port" - raw 565
    is "proxy: a viewer without one" "$(cat "$work/view")" "no session"
    view 127.0.0.1 "$proxy_port" "$proxy_password" "zrle raw" 565 "seen from outside"
    is "proxy: libvncclient, picture and typing" "$viewed" 0
    is "proxy: libvncclient, colours" "$(grep '^bars' "$work/view")" "$bars565"
    like "proxy: libvncclient, the pointer" "$(cat "$work/view")" 'pointer f800'
    wait "$proxy"
    is "proxy: ends with its viewer" $? 0
    like "proxy: what it tells at the end" "$(cat "$work/proxy.out")" '"outcome":"ok","result":{"viewers":1,"ended-by":"viewer","bytes-to-viewer":'
else
    skip "no libvncclient (Debian: libvncserver-dev) to judge the proxy with"
    kill -INT "$proxy"
    wait "$proxy"
fi
[ ! -e "$proxy_password" ]
result $? "proxy: the password's file goes with it"
unlike "proxy: the password is in no output" "$(cat "$work/proxy.out" "$work/proxy.err")" "$secret"

# several viewers, a password of ours, the device's VNC port, and an end from outside
start_proxy once=no viewer-password="@$work/vnc" -c "$login" 127.85.3.1
is "proxy: no file for a password of ours" "$proxy_password" ""
if [ -x "$viewer" ]; then
    view 127.0.0.1 "$proxy_port" "$work/vnc" raw 332 a
    is "proxy: the first viewer" "$viewed $(grep '^bars' "$work/view")" "0 $bars332"
    view 127.0.0.1 "$proxy_port" "$work/vnc" "zrle raw" 332 b
    is "proxy: the next one" "$viewed $(grep '^bars' "$work/view")" "0 $bars332"
else
    skip "no libvncclient (Debian: libvncserver-dev)"
fi
kill -INT "$proxy"
wait "$proxy"
is "proxy: ends when it is told to" $? 1
like "proxy: and says so" "$(cat "$work/proxy.out")" '"outcome":"cancelled"'
p run amt.kvm.set port-5900=yes vnc-password="@$work/vnc" -c "$login" 127.85.3.1
start_proxy no-password=yes port-5900=yes -c "$vnc" 127.85.3.1
if [ -x "$viewer" ]; then
    view 127.0.0.1 "$proxy_port" - "zrle raw" 565 c
    is "proxy: over the VNC port, without a password towards the viewer" "$viewed $(grep '^bars' "$work/view")" "0 $bars565"
    wait "$proxy"
    is "proxy: over the VNC port, status" $? 0
else
    skip "no libvncclient (Debian: libvncserver-dev)"
    kill -INT "$proxy"
    wait "$proxy"
fi

# one session at a time
start_proxy no-password=yes -c "$login" 127.85.3.1
exec 3<>"/dev/tcp/127.0.0.1/$proxy_port"
printf 'RFB 003.008\n\1\1' >&3
head -c 12 <&3 >/dev/null
sleep 1
p run amt.kvm.get -c "$login" 127.85.3.1 -o jsonl
like "busy: the device says that somebody is connected" "$out" '"in-session":true'
p run amt.kvm.screenshot file="$work/busy.png" -c "$login" 127.85.3.1 -o jsonl --retries 0
like "busy: a second session" "$out" '"code":"busy","message":"another KVM session with the device is open'
exec 3>&-
wait "$proxy"
like "busy: over when the viewer leaves" "$(cat "$work/proxy.out")" '"ended-by":"viewer"'
p run amt.kvm.screenshot file="$work/free.png" -c "$login" 127.85.3.1 -o jsonl
like "busy: free again" "$out" '"outcome":"ok"'
children=("$sim")
stop_simulator
is "what was typed has arrived" "$(grep '"127.85.3.1"' "$work/state.jsonl" | grep -o '"typed":"[^"]*"')" "$([ -x "$viewer" ] && echo '"typed":"seen from outsideabc"' || echo '"typed":""')"

# consent: the code is on the screen, and good for one session
start_simulator --count 1 --first 127.85.4.2 --model amt12 --seed 2 --vnc-port $vnc_port
p run amt.power.set state=on wait=yes --yes -c "$login" 127.85.4.2
sleep 2.5
p run amt.features.set consent=none -c "$login" 127.85.4.2
p run amt.kvm.screenshot file="$work/without.png" -c "$login" 127.85.4.2
p run amt.wsman.invoke class=IPS_OptInService method=StartOptIn --yes -c "$login" 127.85.4.2 -o jsonl
code=$(grep -o 'consent code [0-9]*' "$work/simulator.out" | grep -o '[0-9]*$')
is "consent: a code is shown" "${#code}" 6
p run amt.kvm.screenshot file="$work/code.png" -c "$login" 127.85.4.2
cmp -s "$work/without.png" "$work/code.png"
is "consent: it is on the screen" $? 1
p run amt.features.set consent=kvm -c "$login" 127.85.4.2
p run amt.wsman.invoke class=IPS_OptInService method=SendOptInCode "args={'OptInCode': <'$code'>}" --yes -c "$login" 127.85.4.2 -o jsonl
like "consent: the code is right" "$out" '"return-value":0'
p run amt.kvm.screenshot file="$work/agreed.png" -c "$login" 127.85.4.2 -o jsonl
like "consent: a session then" "$out" '"outcome":"ok"'
p run amt.kvm.screenshot file="$work/again.png" -c "$login" 127.85.4.2 -o jsonl
like "consent: not a second one" "$out" '"code":"consent"'
stop_simulator

# the device ends the session
start_simulator --count 1 --first 127.85.4.1 --model amt12 --seed 2 --fault '*=kvm-timeout:1500' --vnc-port $vnc_port
p run amt.features.set consent=none -c "$login" 127.85.4.1
start_proxy no-password=yes -c "$login" 127.85.4.1
exec 3<>"/dev/tcp/127.0.0.1/$proxy_port"
printf 'RFB 003.008\n\1\1' >&3
cat <&3 >/dev/null
exec 3>&-
wait "$proxy"
like "time-out: told as the device's" "$(cat "$work/proxy.out")" '"ended-by":"device"'
stop_simulator
finish
