#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Alarms of simulated machines: added, refused, and going off by the machine's own clock.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt

run() {
    p run "$@" -c "$login" -o jsonl -q --retries 0 --yes
}
# minute SECONDS: that far from now, to the full minute
minute() {
    date -u -d "@$((($(date +%s) + $1) / 60 * 60))" +%Y-%m-%dT%H:%M:00Z
}

# the clock of .1 is an hour behind, so that its alarms fall due by setting it
start_simulator --count 2 --first 127.88.2.1 --model amt12 --fault 127.88.2.1=clock:-3600
run amt.power.set state=off-soft wait=yes 127.88.2.1
soon=$(minute -3000)
run amt.alarm.list 127.88.2.1
like "none yet" "$out" '"result":{"alarms":[]}'
run amt.alarm.add name=once time="$soon" 127.88.2.1
like "one alarm" "$out" "\"result\":{\"alarms\":[{\"name\":\"once\",\"time\":\"$soon\",\"delete-when-done\":true}],\"changed\":true}"
run amt.alarm.add name=once time="$soon" 127.88.2.1
like "so already" "$out" '"changed":false}'
run amt.alarm.add name=once time="$(minute 600)" 127.88.2.1
like "another one of that name" "$out" "\"code\":\"conflict\",\"message\":\"there is another alarm called once, at $soon: remove it first"
run amt.alarm.add name=stays time="$soon" delete-when-done=no 127.88.2.1
is "one that stays" "$status" 0
run amt.alarm.add name=again time="$soon" 'every=1 day 2 hours 30 minutes' 127.88.2.1
like "one that comes again" "$out" "{\"name\":\"again\",\"time\":\"$soon\",\"every\":\"1 day 2 hours 30 minutes\",\"delete-when-done\":true}"
run amt.alarm.add name=past time="$(minute -4000)" 127.88.2.1
like "a past time, by the machine's clock" "$out" '"code":"bad-param","message":"that time is past: it is '
run amt.alarm.add name=seconds time=2027-01-01T06:30:15Z 127.88.2.1
like "not on the full minute" "$out" '"code":"bad-param","message":"time is 2027-01-01T06:30:15Z, expected a full minute'
run amt.alarm.add name=zone time=2027-01-01T06:30 127.88.2.1
is "a time without a zone" "$status" 2
run amt.alarm.add name=never time="$(minute 600)" 'every=2 moons' 127.88.2.1
like "a span that there is not" "$out" "\"code\":\"bad-param\",\"message\":\"every is '2 moons', expected a span of whole minutes"
run amt.alarm.add name=a-name-that-is-longer-than-firmware-keeps time="$(minute 600)" 127.88.2.1
like "a long name" "$out" '"code":"bad-param","message":"name has 41 bytes, expected 1 to 32"'
run amt.alarm.add name=summer time=2027-07-01T08:30:00+02:00 127.88.2.1
like "another zone is told in UTC" "$out" '{"name":"summer","time":"2027-07-01T06:30:00Z"'
run amt.alarm.add name=five time=2027-07-01T08:30:00Z every=P7D 127.88.2.1
like "weeks are days" "$out" '{"name":"five","time":"2027-07-01T08:30:00Z","every":"7 days","delete-when-done":true}'
run amt.alarm.add name=six time=2027-07-01T08:30:00Z 127.88.2.1
like "no room for a sixth" "$out" '"code":"conflict","message":"the device holds 5 alarms already, and no more than 5: remove one first'
run amt.alarm.remove name=five 127.88.2.1
like "removed" "$out" '"changed":true}'
unlike "removed: it is gone" "$out" '"name":"five"'
run amt.alarm.remove name=five 127.88.2.1
like "removed already" "$out" '"changed":false}'

run amt.power.get 127.88.2.1
like "still off" "$out" '"state":"off-soft"'
run amt.time.set 127.88.2.1
run amt.alarm.list 127.88.2.1
unlike "gone off: the one that wanted it is forgotten" "$out" '"name":"once"'
like "gone off: the one that stays is there" "$out" "{\"name\":\"stays\",\"time\":\"$soon\",\"delete-when-done\":false}"
next=$(date -u -d "@$(($(date -d "$soon" +%s) + 95400))" +%Y-%m-%dT%H:%M:00Z)
like "gone off: the next time is told" "$out" "{\"name\":\"again\",\"time\":\"$next\""
for _ in $(seq 20); do
    run amt.power.get 127.88.2.1
    [[ $out == *'"state":"on"'* ]] && break
    sleep 0.1
done
like "gone off: the machine is on" "$out" '"state":"on"'
stop_simulator
is "it started once" "$(grep '127.88.2.1"' "$work/state.jsonl" | grep -o '"boots" *: *[0-9]*')" '"boots":1'

start_simulator --count 1 --first 127.88.2.11 --model amt12 --fault '*=lacks:IPS_AlarmClockOccurrence'
run amt.alarm.list 127.88.2.11
like "older firmware" "$out" '"code":"not-supported","message":"this firmware has no alarm clock of this kind'
stop_simulator
start_simulator --count 1 --first 127.88.2.11 --model amt12 --fault '*=return:23'
run amt.alarm.add name=x time="$(minute 600)" 127.88.2.11
like "the device says no" "$out" '"code":"device","message":"AMT_TimeSynchronizationService.GetLowAccuracyTimeSynch'
stop_simulator
finish
