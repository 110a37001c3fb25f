#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Serial consoles over the redirection port: by script, and on a terminal.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt
printf 'sim-host' >"$work/host-password" # of the machine's system; the simulator's README has it
chmod 0600 "$work/host-password"

# script NAME: standard input becomes $work/NAME, for script=@...
script() {
    cat >"$work/$1"
}

# expect ADDRESS SCRIPT ARGUMENT...
expect() {
    p run amt.sol.expect -c "$login" "$1" script=@"$work/$2" -o json -q --retries 0 "${@:3}"
}

# prepare ADDRESS...: powered on, switched on, and nobody needs to agree
prepare() {
    p run amt.features.set -c "$login" consent=none sol=true listener=true "$@" -q
    is "prepared: features" "$status" 0
    p run amt.power.set -c "$login" state=on wait=true "$@" -q --yes
    is "prepared: power" "$status" 0
}

script log-in <<'END'
# the session raises the line, so the login prompt comes by itself
expect login:
send root\r
expect assword:
send \{secret}\r
expect #\s
END
{
    cat "$work/log-in"
    cat <<'END'
send hostname\r
capture name ^(pc-\S+)
expect #\s
send uname\r
capture system ^(\w+)$
expect #\s
END
} >"$work/ask"

script boot <<'END'
timeout 10
expect Simulated BIOS 2.14
expect Booting from hard drive
expect login:
END

start_simulator --count 12 --first 127.83.1.1 --model amt12 --fault 127.83.1.5=redirection-off --fault 127.83.1.6=consent \
    --fault 127.83.1.7=session-drop --fault 127.83.1.8=realms:general --fault 127.83.1.9=nic-reset:1500 \
    --fault 127.83.1.12=redirection-off --fault 127.83.1.12=consent
prepare 127.83.1.1-127.83.1.4 127.83.1.7 127.83.1.9-127.83.1.11

# ---- scripts ----
expect 127.83.1.1-127.83.1.3 ask secret=@"$work/host-password"
is "three machines: status" "$status" 0
for n in 1 2 3; do
    like "what .$n said" "$out" "\"captures\":{\"name\":\"pc-83-1-$n\",\"system\":\"Linux\"},\"steps\":11,\"reconnects\":0"
done
like "the transcript has what was shown" "$out" 'uname\r\nLinux\r\nroot@pc-83-1-1:~# '
unlike "the secret is not in the result" "$out$err" sim-host

script echo-secret <<'END'
expect login:
send \{secret}\r
expect assword:
END
expect 127.83.1.1 echo-secret secret=@"$work/host-password"
is "a secret where it is echoed: status" "$status" 0
like "it is masked" "$out" 'login: ******\r\nPassword: '
unlike "and nowhere else" "$out$err" sim-host

script miss <<'END'
expect login:
timeout 1
send nobody\r
expect Welcome
END
expect 127.83.1.1 miss
is "what does not come: status" "$status" 1
like "its code" "$out" '"code":"timeout"'
like "it names the step and the end of the screen" "$out" \
    "step on line 4, 'expect Welcome': nothing like it came in 1 seconds; last seen was: "
like "which is" "$out" 'login: nobody\\r\\nPassword: \"'
for member in '"line":4' '"step":"expect Welcome"' '"transcript":"\r\nSimulated GNU'; do
    like "fields for scripts: $member" "$out" "$member"
done

script bad <<'END'
send a
shout b
END
expect 127.83.1.1 bad
like "a wrong script" "$out" "script, line 2: expected send, expect, capture, timeout or wait, got 'shout b'"
like "its code" "$out" '"code":"bad-param"'

script flood <<'END'
send flood 3000\r
expect line 003000 of a lot of text
expect #\s
END
cat "$work/log-in" "$work/flood" >"$work/much"
expect 127.83.1.2 much secret=@"$work/host-password"
is "100 kB of text come whole" "$status" 0
lines=$(sed 's/\\r\\n/\n/g' "$work/out" | grep -c '^line [0-9]* of a lot of text$')
is "each line once" "$lines" 3000

# ---- who may not ----
expect 127.83.1.5 ask secret=@"$work/host-password"
like "switched off" "$out" '"code":"conflict","message":"serial console of the device is switched off; switch it on with amt.features.set sol=true listener=true, or give enable=true"'
(exec 3<>"/dev/tcp/127.83.1.5/$redirection_port") 2>/dev/null
is "its port is closed" $? 1
p run amt.features.set -c "$login" consent=none 127.83.1.5 -q
p run amt.power.set -c "$login" state=on wait=true 127.83.1.5 -q --yes
expect 127.83.1.5 ask secret=@"$work/host-password" enable=true
is "with enable=true it is switched on" "$status" 0
p run amt.features.get -c "$login" 127.83.1.5 -o json -q
like "serial console and its listener, and nothing else" "$out" '{"sol":true,"ider":false,"listener":true'
(exec 3<>"/dev/tcp/127.83.1.5/$redirection_port") 2>/dev/null
is "its port is open" $? 0

expect 127.83.1.6 ask secret=@"$work/host-password"
like "consent is needed" "$out" '"code":"consent","message":"serial console needs the consent of somebody at the machine, and there is none (state: none): postern run amt.consent.start 127.83.1.6 shows a code'
expect 127.83.1.12 ask secret=@"$work/host-password" enable=true
like "and is looked for before anything is switched on" "$out" '"code":"consent"'
p run amt.features.get -c "$login" 127.83.1.12 -o json -q
like "so that nothing was" "$out" '{"sol":false,"ider":false,"listener":false'
expect 127.83.1.8 ask secret=@"$work/host-password"
like "without the realm" "$out" '"code":"auth"'
printf 'wrong\n' >"$work/wrong" && chmod 0600 "$work/wrong"
p run amt.sol.expect -c "amt.digest:user=admin,password=@$work/wrong" 127.83.1.1 script=@"$work/boot" -o json -q
like "a wrong password" "$out" '"code":"auth"'

# ---- one at a time ----
script hold <<'END'
expect login:
wait 3
END
"$postern" --config "$config" run amt.sol.expect -c "$login" 127.83.1.3 script=@"$work/hold" -q >"$work/hold.out" 2>&1 &
holder=$!
sleep 1
expect 127.83.1.3 ask secret=@"$work/host-password"
like "another session is open" "$out" '"code":"busy","message":"another serial console session with the device is open; it must end first"'
wait $holder
is "the first was left in peace" $? 0
expect 127.83.1.3 ask secret=@"$work/host-password"
is "and then it is free" "$status" 0

# ---- power ----
p run amt.power.set -c "$login" state=off wait=true 127.83.1.4 -q --yes
(sleep 1 && "$postern" --config "$config" run amt.power.set -c "$login" state=on 127.83.1.4 -q --yes) >/dev/null 2>&1 &
expect 127.83.1.4 boot
is "a machine that starts is seen starting" "$status" 0
unlike "and was silent before" "$out" '"transcript":"\r\nSimulated GNU'
wait $!
{
    cat "$work/log-in"
    printf 'send reboot\\r\nexpect login: \n'
} >"$work/restart"
expect 127.83.1.4 restart secret=@"$work/host-password"
is "a restart is seen through" "$status" 0
like "in one session" "$out" '"reconnects":0'
expect 127.83.1.7 restart secret=@"$work/host-password"
like "firmware that ends the session then" "$out" '"code":"unreachable"'
expect 127.83.1.7 restart secret=@"$work/host-password" reconnect=true
is "with reconnect=true it is opened again: status" "$status" 0
like "once" "$out" '"reconnects":1'
(sleep 1 && "$postern" --config "$config" run amt.power.set -c "$login" state=reset 127.83.1.9 -q --yes --timeout 3s) >/dev/null 2>&1 &
{
    cat "$work/log-in"
    printf 'timeout 15\nexpect login: \n'
} >"$work/cut"
expect 127.83.1.9 cut secret=@"$work/host-password" reconnect=true
is "a network that is gone for a while" "$status" 0
wait $!

# ---- a device that hangs ----
script never <<'END'
expect login:
expect never
END
(sleep 1 && kill -STOP "$sim") &
expect 127.83.1.1 never
kill -CONT "$sim"
wait $!
like "no heartbeat, no session" "$out" \
    '"code":"unreachable","message":"the device has sent nothing for 11 seconds, not even a heartbeat: the session is dead"'

# ---- ways there ----
expect 127.83.1.1 ask secret=@"$work/host-password" tls=require
is "over TLS only" "$status" 0
expect 127.83.1.1 ask secret=@"$work/host-password" tls=off
is "without TLS" "$status" 0
expect 127.83.1.1 ask secret=@"$work/host-password" tls-pin=0000000000000000000000000000000000000000000000000000000000000000
like "another certificate than the wanted one" "$out" '"code":"tls"'

stop_simulator
is "the simulator ended well" $? 0

# ---- older and newer firmware ----
start_simulator --count 4 --first 127.83.1.1 --model amt9,amt11.8,amt16,amt19
prepare 127.83.1.1-127.83.1.4
expect 127.83.1.1-127.83.1.4 ask secret=@"$work/host-password"
is "AMT 9, 11.8, 16, 19" "$(grep -c '"system":"Linux"' "$work/out")" 4

# ---- on a terminal ----
if ! has_python; then
    skip "no python3: nobody to sit at the terminal"
else
    # at ADDRESS [EXPECT SEND]... [-- ARGUMENT...]
    at() {
        local where=$1 arguments=() steps=()
        shift
        while [ $# -gt 0 ] && [ "$1" != -- ]; do
            steps+=("$1")
            shift
        done
        [ $# -eq 0 ] || arguments=("${@:2}")
        python3 "$srcdir/tests/cli/terminal.py" 20 "${steps[@]}" -- \
            "$postern" --config "$config" run amt.sol -c "$login" "$where" "${arguments[@]}" >"$work/out" 2>"$work/err"
        status=$?
        out=$(tr -d '\r' <"$work/out")
    }
    at 127.83.1.1 'login: ' 'root\r' 'Password: ' 'sim-host\r' '# ' 'echo \x03a\r' '\na\r\n' '\x1d'
    is "terminal: status" "$status" 0
    like "it greets" "$out" "[console of 127.83.1.1; ctrl-] ends the session]"
    like "what is typed is echoed by the machine" "$out" "root@pc-83-1-1:~# echo a
a
root@pc-83-1-1:~# "
    unlike "a password is not" "$out" sim-host
    is "it is raw meanwhile" "$(grep -c '^raw then: yes' "$work/out")" 4
    like "and not afterwards" "$out" "raw at the end: no"
    shown=${out#*"[console of"}
    unlike "no progress bar over it" "${shown%"the session has ended"*}" "in flight"
    head=$(grep -n TARGET "$work/out" | cut -d: -f1) last=$(grep -n 'the session has ended' "$work/out" | cut -d: -f1)
    [ "${head:-0}" -gt "${last:-0}" ]
    is "the table comes behind it" $? 0

    at 127.83.1.1 'login: ' 'x\x19' -- escape=ctrl-y
    is "another key" "$status" 0
    at 127.83.1.1 -- escape=F1
    like "a key that is none" "$out" "escape: got 'F1', expected ctrl- and a letter"
    like "no terminal" "$(setsid "$postern" --config "$config" run amt.sol -c "$login" 127.83.1.1 -o json -q 2>&1 </dev/null)" \
        '"code":"conflict","message":"amt.sol needs the terminal of whoever runs it, and there is none; in scripts use amt.sol.expect"'
    at 127.83.1.1-127.83.1.2 'login: ' '\x1d' -- -o json
    like "a second console on the same terminal" "$out" '"code":"busy"'

    # ended from outside, the terminal is as it was
    python3 "$srcdir/tests/cli/terminal.py" 20 'login: ' '' -- \
        "$postern" --config "$config" run amt.sol -c "$login" 127.83.1.1 >"$work/out" 2>"$work/err" &
    seat=$!
    for _ in $(seq 100); do
        child=$(pgrep -P $seat) && grep -qs amt.sol "/proc/$child/cmdline" && break
        sleep 0.1
    done
    sleep 1
    kill -TERM "$child"
    wait $seat
    like "a signal: the terminal is restored" "$(cat "$work/out")" "raw at the end: no"
    like "and it was raw" "$(cat "$work/out")" "raw then: yes"
fi
stop_simulator
finish
