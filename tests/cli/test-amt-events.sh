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
finish
