#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The command against simulated machines: right results, and for each thing that can go wrong the right word.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt
many=${POSTERN_MANY:-10000}
if sanitized; then
    many=500
fi

# code_of ADDRESS: the word with which this target ended in $work/out
code_of() {
    grep -F "\"target\":\"$1\"" "$work/out" | sed -n 's/.*"outcome":"\([a-z]*\)".*/\1/;T;p' | head -n 1 >"$work/outcome"
    sed -n "/\"target\":\"$1\"/s/.*\"error\":{\"code\":\"\([a-z-]*\)\".*/\1/p" "$work/out" | grep . || cat "$work/outcome"
}

start_simulator --count 14 --first 127.33.0.1 --model amt12 --tls off --fault 127.33.0.2=silent --fault 127.33.0.3=reset:1 \
    --fault 127.33.0.4=401-forever --fault 127.33.0.5=garbage --fault 127.33.0.6=truncate:200 --fault 127.33.0.7=delay:30000 \
    --fault 127.33.0.8=drip:5 --fault 127.33.0.9=stale:1 --fault 127.33.0.10=fault:AccessDenied --fault 127.33.0.11=wrong-digest:1
p run amt.power.get -c "$login" tls=off 127.33.0.1-127.33.0.14 127.33.1.1 --timeout 3s --retries 0 -o jsonl -q
is "faults: status" "$status" 1
while read -r last expected; do
    is "fault of .$last" "$(code_of "127.33.$last")" "$expected"
done <<'TABLE'
0.1 ok
0.2 timeout
0.3 unreachable
0.4 auth
0.5 protocol
0.6 unreachable
0.7 timeout
0.8 timeout
0.9 ok
0.10 forbidden
0.11 auth
0.12 ok
0.14 ok
1.1 refused
TABLE
unlike "the password is not in the results" "$out" 'Sim-Pass'
p run amt.power.get -c "$login" 127.33.0.12 tls=require --retries 0 -o jsonl -q
is "TLS required where there is none" "$(code_of 127.33.0.12)" refused
p run amt.power.get -o jsonl tls=off 127.33.0.12 -q
is "no login given" "$(code_of 127.33.0.12)" auth
printf 'wrong-password\n' >"$work/wrong"
chmod 0600 "$work/wrong"
p run amt.power.get tls=off -c "amt.digest:user=admin,password=@$work/wrong" 127.33.0.12 -o jsonl -q
is "wrong password" "$(code_of 127.33.0.12)" auth
like "wrong password: which one was tried" "$out" "the device refused it"
p run amt.power.get tls=off -c "amt.digest:user=admin,password=@$work/wrong" -c "$login" 127.33.0.12 -o jsonl -q
is "the second of two logins" "$(code_of 127.33.0.12)" ok
p run amt.power.get tls=off -c "$login" localhost:1 no-such-name.invalid -o jsonl -q --retries 0
is "nobody at that port" "$(code_of localhost:1)" refused
is "no such name" "$(code_of no-such-name.invalid)" unresolved

# change something, and ask the simulator whether it is so
p run amt.power.set state=off tls=off -c "$login" 127.33.0.13
is "switching off without a yes" "$status" 4
p run amt.power.set state=off wait=yes tls=off -c "$login" 127.33.0.13 --yes -o jsonl
is "switching off" "$status" 0
p run amt.power.set state=on wait=yes tls=off -c "$login" 127.33.0.14 --yes -o jsonl
is "switching on" "$status" 0
p run amt.inventory.get tls=off -c "$login" 127.33.0.12 -o jsonl
like "inventory" "$out" '"uuid":"'
like "inventory: nested values are objects" "$out" '":{"'
p run amt.inventory.get tls=off -c "$login" 127.33.0.12 -o csv
is "inventory as csv: two lines" "$(wc -l <"$work/out")" 2

# record, and do it again without the machine
p run amt.power.get tls=off -c "$login" 127.33.0.12 --record "$work/recording" -o jsonl
is "recording: status" "$status" 0
sed 's/"attempts".*//' "$work/out" >"$work/first"
[ -s "$work/recording" ] && ! grep -qF 'Sim-Pass' "$work/recording"
result $? "the recording has no password"
stop_simulator
p run amt.power.get tls=off -c "$login" 127.33.0.12 --replay "$work/recording" -o jsonl
is "replay: status" "$status" 0
is "replay: the same result" "$(sed 's/"attempts".*//' "$work/out")" "$(cat "$work/first")"
p run amt.power.get tls=off -c "$login" 127.33.0.12 --replay /nonexistent
is "a recording that is not there" "$status" 2
p run amt.power.get tls=off -c "$login" 127.33.0.12 --record /nonexistent/x
is "a recording that cannot be written" "$status" 2
state_of() {
    sed -n "/\"address\" *: *\"$1\"/s/.*\"power\" *: *\([0-9]*\).*/\1/p" "$work/state.jsonl"
}
is "the simulator says it is off" "$(state_of 127.33.0.13)" 8
is "the simulator says it is on" "$(state_of 127.33.0.14)" 2

# the event log and the clock
start_simulator --count 2 --first 127.33.0.21 --model amt12 --fault 127.33.0.22=clock:-3600
p run amt.eventlog.get last=5 -c "$login" 127.33.0.21 -o jsonl
is "event log: rows and a count" "$(grep -c '"row":' "$work/out") $(grep -o '"records":[0-9]*' "$work/out")" '5 "records":5'
like "event log: decoded" "$out" '"severity":"critical","entity":"management engine","text":"authentication failed 10 times: possibly an attack"'
newest=$(grep -o '"time":"[^"]*"' "$work/out" | head -n 1)
oldest=$(grep -o '"time":"[^"]*"' "$work/out" | tail -n 1)
[[ $newest > $oldest ]]
result $? "event log: latest first"
p run amt.eventlog.clear -c "$login" 127.33.0.21
is "event log: clearing asks first" "$status" 4
p run amt.eventlog.clear -c "$login" 127.33.0.21 --yes -o jsonl
like "event log: cleared" "$out" '"cleared":true'
p run amt.eventlog.get -c "$login" 127.33.0.21 -o jsonl
like "event log: an empty one is no failure" "$out" '"outcome":"ok","result":{"records":0}'
p run amt.time.get -c "$login" 127.33.0.22 -o jsonl
ahead=$(grep -o '"ahead-seconds":-*[0-9]*' "$work/out" | cut -d : -f 2)
[ "${ahead:-0}" -le -3598 ] && [ "$ahead" -ge -3602 ]
result $? "clock: an hour behind ($ahead s)"
p run amt.time.set -c "$login" 127.33.0.22 -o jsonl
ahead=$(grep -o '"ahead-seconds":-*[0-9]*' "$work/out" | cut -d : -f 2)
[ "${ahead:-99}" -le 2 ] && [ "$ahead" -ge -2 ]
result $? "clock: set ($ahead s)"
stop_simulator

# general settings
start_simulator --count 1 --first 127.33.0.41 --model amt12
p run amt.general.set host-name=pc-41 domain-name=lab.example.org idle-wake-minutes=65535 answers-ping=no -c "$login" 127.33.0.41 -o jsonl
like "general: changed, and read back" "$out" '"result":{"host-name":"pc-41","domain-name":"lab.example.org","shared-fqdn":true,"answers-ping":false,"answers-rmcp-ping":true,"idle-wake-minutes":65535'
p run amt.general.set host-name=pc-41 -c "$login" 127.33.0.41
is "general: so already" "$status" 0
p run amt.general.set idle-wake-minutes=0 -c "$login" 127.33.0.41 -o jsonl
like "general: a number that the device would not take" "$out" '"code":"bad-param","message":"idle-wake-minutes is 0, expected 1 to 65535'
p run amt.general.get -c "$login" 127.33.0.41 -o jsonl
like "general: read" "$out" '"host-name":"pc-41"'
stop_simulator
is "general: written once" "$(grep -o '"action" *: *"Put"' "$work/state.jsonl" | wc -l)" 1

# features
start_simulator --count 2 --first 127.33.0.31 --model amt16 --fault 127.33.0.31=redirection-off --fault 127.33.0.31=kvm-off
p run amt.features.get -c "$login" 127.33.0.31 -o jsonl
like "features: as they are" "$out" '"result":{"sol":false,"ider":false,"listener":false,"kvm":false,"consent":"'
p run amt.features.set sol=yes listener=yes kvm=yes consent=all -c "$login" 127.33.0.31 -o jsonl
like "features: changed, and read back" "$out" '"result":{"sol":true,"ider":false,"listener":true,"kvm":true,"consent":"all"}'
p run amt.features.set sol=yes kvm=yes -c "$login" 127.33.0.31 -o jsonl
like "features: so already" "$out" '"result":{"sol":true,"ider":false,"listener":true,"kvm":true,"consent":"all"}'
p run amt.features.set consent=sometimes -c "$login" 127.33.0.31
is "features: a consent that there is not" "$status" 2
stop_simulator
asked() {
    grep '"127.33.0.31"' "$work/state.jsonl" | grep -o "\"action\" *: *\"$1\"" | wc -l
}
is "features: what is so already is not asked for again" "$(asked RequestStateChange)" 2
start_simulator --count 1 --first 127.33.0.31 --model amt9 --fault '*=lacks:CIM_KVMRedirectionSAP'
p run amt.features.set kvm=yes -c "$login" 127.33.0.31 -o jsonl
like "features: KVM where there is none" "$out" '"code":"not-supported","message":"this firmware has no KVM: nothing was changed"'
p run amt.features.get -c "$login" 127.33.0.31 -o jsonl
unlike "features: and it is not told of" "$out" '"kvm":'
stop_simulator
start_simulator --count 1 --first 127.33.0.31 --model amt16 --fault '*=redirection-off' --fault '*=return:0'
p run amt.features.set sol=yes -c "$login" 127.33.0.31 -o jsonl
like "features: a yes that changes nothing" "$out" '"code":"conflict","message":"the device said yes, and its serial console is still as it was'
stop_simulator

# a fleet
start_simulator --count "$many" --first 127.40.0.1 --model amt9,amt11.8:2,amt12:4 --tls off --seed 3
last=$(printf '127.%d.%d.%d' $((40 + many / 65536)) $((many / 256 % 256)) $((many % 256)))
began=$(date +%s%N)
p run amt.power.get tls=off -c "$login" "127.40.0.1-$last" -o jsonl
echo "# $many machines in $((($(date +%s%N) - began) / 1000000)) ms"
is "a fleet: status" "$status" 0
is "a fleet: an outcome each" "$(wc -l <"$work/out")" "$many"
is "a fleet: all of them ok" "$(grep -c '"outcome":"ok"' "$work/out")" "$many"
stop_simulator
sed -n 's/.*"target":"\([^"]*\)".*"code":\([0-9]*\).*/\1 \2/p' "$work/out" | sort >"$work/seen"
sed -n 's/.*"address" *: *"\([^"]*\)".*"power" *: *\([0-9]*\).*/\1 \2/p' "$work/state.jsonl" | sort >"$work/true"
is "a fleet: states were read" "$(wc -l <"$work/seen")" "$many"
cmp "$work/seen" "$work/true"
result $? "a fleet: each state is the machine's own"
finish
