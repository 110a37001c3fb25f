#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who gets the alerts of simulated machines: listed, subscribed and ended.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt

run() {
    p run "$@" -c "$login" -o jsonl -q --retries 0 --yes
}
printf 'Gate-Pass-1\n' >"$work/gate"
chmod 0600 "$work/gate"
url=https://127.88.6.200:4443/events

start_simulator --count 3 --first 127.88.6.1 --model amt16,amt9,amt12 --fault 127.88.6.3=realms:general
run amt.events.list 127.88.6.1
like "nobody yet" "$out" '"result":{"subscriptions":[],"collections":["Intel(r) AMT:All","Intel(r) AMT:CorePlatform","Intel(r) AMT:Features","Intel(r) AMT:Platform","Intel(r) AMT:User"]}'
run amt.events.list 127.88.6.3
like "an account without the realm" "$out" '"code":"auth"'
run amt.events.subscribe url=$url user=pc password=@"$work/gate" tag='<pc & 17>' 127.88.6.1
like "subscribed" "$out" "{\"url\":\"$url\",\"delivery\":\"ack\",\"name\":\"Intel(r) AMT:Listener Destination 0\",\"collection\":\"Intel(r) AMT:All\"}"
unlike "its password is not told" "$out$err" 'Gate-Pass'
run amt.events.subscribe url=$url 127.88.6.1
like "so already" "$out" '"changed":false}'
run amt.events.subscribe url=$url delivery=push 127.88.6.1
like "so already, but otherwise" "$out" "\"code\":\"conflict\",\"message\":\"$url gets these events already, in another way: unsubscribe it first\""
run amt.events.subscribe url=$url delivery=push 'collection=Intel(r) AMT:User' 127.88.6.1
like "other events" "$out" "{\"url\":\"$url\",\"delivery\":\"push\",\"name\":\"Intel(r) AMT:Listener Destination 1\",\"collection\":\"Intel(r) AMT:User\"}"
run amt.events.subscribe url=http://127.88.6.201/ delivery=push 127.88.6.1
is "another listener" "$status" 0
run amt.events.subscribe url=$url 'collection=Intel(r) AMT:None' 127.88.6.1
like "a collection that there is not" "$out" "\"code\":\"bad-param\",\"message\":\"the device has no collection 'Intel(r) AMT:None'"
run amt.events.subscribe url=ftp://127.88.6.201/ 127.88.6.1
like "an URL that firmware does not take" "$out" '"code":"bad-param","message":"url ftp://127.88.6.201/ is none that firmware takes'
run amt.events.subscribe url=http://pc:secret@127.88.6.201/ 127.88.6.1
like "an URL with a user" "$out" '"code":"bad-param","message":"the url names a user: give user and password instead"'
run amt.events.subscribe url=http://127.88.6.202/ user=pc 127.88.6.1
like "a user without a password" "$out" '"message":"user and password go together: one of them is given"'
run amt.events.subscribe url=$url 127.88.6.2
like "https and older firmware" "$out" '"code":"bad-param","message":"Subscribe CIM_FilterCollection: fault InvalidParameter'
run amt.events.unsubscribe url=$url 'collection=Intel(r) AMT:All' 127.88.6.1
like "one ended" "$out" '"result":{"subscriptions":[{"url":"https://127.88.6.200:4443/events","delivery":"push","name":"Intel(r) AMT:Listener Destination 1","collection":"Intel(r) AMT:User"},{"url":"http://127.88.6.201/"'
run amt.events.subscribe url=$url 127.88.6.1
run amt.events.unsubscribe url=$url 127.88.6.1
like "all of a listener ended" "$out" '"result":{"subscriptions":[{"url":"http://127.88.6.201/","delivery":"push","name":"Intel(r) AMT:Listener Destination 2","collection":"Intel(r) AMT:All"}]'
run amt.events.unsubscribe url=$url 127.88.6.1
like "ended already" "$out" '"changed":false}'
for i in 1 2 3 4 5 6 7 8; do
    run amt.events.subscribe url=http://127.88.6.21$i/ 127.88.6.1
done
is "nine listeners" "$status" 0
run amt.events.subscribe url=http://127.88.6.220/ 127.88.6.1
like "no room for a tenth" "$out" '"code":"busy","message":"Subscribe CIM_FilterCollection: fault QuotaLimit'
stop_simulator
unlike "the password is nowhere" "$(cat "$work/state.jsonl" "$work/simulator.err")" 'Gate-Pass'
start_simulator --count 1 --first 127.88.6.1 --model amt12 --fault '*=lacks:CIM_FilterCollection'
run amt.events.list 127.88.6.1
like "firmware without events" "$out" '"code":"not-supported","message":"this firmware delivers no events (CIM_FilterCollection)"'
stop_simulator

# events arrive: a change of the network is one, and what it is was agreed with nobody but the device
if ! has_python; then
    skip "events arrive: python3 is not there to listen"
    finish
fi
python3 "$srcdir/tests/sim/event-listener.py" 127.88.6.200 "$work/events" pc Gate-Pass-1 >"$work/listening" 2>"$work/listener.err" &
listener=$!
children+=("$listener")
for _ in $(seq 100); do
    [ -s "$work/listening" ] && break
    sleep 0.1
done
read -r listening <"$work/listening"
start_simulator --count 2 --first 127.88.6.21 --model amt12
run amt.events.subscribe url="http://127.88.6.200:$listening/push" delivery=push 127.88.6.21
run amt.events.subscribe url="http://127.88.6.200:$listening/digest" user=pc password=@"$work/gate" tag='<pc & 17>' 127.88.6.21
run amt.events.subscribe url="http://127.88.6.200:$listening/deaf" 127.88.6.21
run amt.network.set link-policy=s0-ac 127.88.6.22
run amt.network.set link-policy=s0-ac 127.88.6.21
for _ in $(seq 60); do
    [ "$(grep -c /deaf "$work/events" 2>/dev/null)" = 3 ] && break
    sleep 0.1
done
is "events: sent once" "$(grep -c /push "$work/events")" 1
is "events: with the login and the tag" "$(grep /digest "$work/events")" '/digest right iAMT0057 <pc & 17>'
is "events: repeated where nobody acknowledges them" "$(grep -c '/deaf none iAMT0057 -' "$work/events")" 3
sleep 1.2
is "events: but not for ever" "$(grep -c /deaf "$work/events")" 3
run amt.events.unsubscribe url="http://127.88.6.200:$listening/digest" 127.88.6.21
run amt.network.set link-policy=s0-ac,sx-ac 127.88.6.21
for _ in $(seq 60); do
    [ "$(grep -c /push "$work/events")" = 2 ] && break
    sleep 0.1
done
is "events: the next one" "$(grep -c /push "$work/events")" 2
is "events: none for who does not want them any more" "$(grep -c /digest "$work/events")" 1
stop_simulator
kill "$listener" && wait "$listener" # stopping the simulator forgets it
is "events: the listener had nothing to say" "$(cat "$work/listener.err")" ''
finish
