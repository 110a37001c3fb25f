#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Calling home: servers and rules of simulated machines, in the right order, and how they know where they are.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt

run() {
    p run "$@" -c "$login" -o jsonl -q --retries 0 --yes
}
# order: what the machine was asked for that changes something, in its last 256 requests
order() {
    grep "\"$1\"" "$work/state.jsonl" |
        grep -oE '"action" *: *"(AddMpServer|AddRemoteAccessPolicyRule|Delete|Put|RequestStateChange)","target" *: *"[A-Za-z_]*"' |
        sed -E 's/.*"action" *: *"([A-Za-z]*)","target" *: *"[A-Z]*_([A-Za-z]*)"/\1:\2/' | tr '\n' ' '
}
printf 'Gate-Pass-1\n' >"$work/gate"
printf 'a-password-too-long\n' >"$work/long"
chmod 0600 "$work/gate" "$work/long"
first='{"name":"Intel(r) AMT:Management Presence Server 0","address":"gw1.example.test","format":"fqdn","port":4433,"cn":"gw1.example.test","user":"lab"}'

start_simulator --count 2 --first 127.88.4.1 --model amt16,amt9 --seed 7
run amt.remoteaccess.get 127.88.4.1
like "nothing yet" "$out" '"result":{"servers":[],"rules":[],"user-initiated":"off","connected":false}'
run amt.remoteaccess.set periodic=300 127.88.4.1
like "a rule without a server" "$out" '"code":"bad-param","message":"a rule needs a server to call: the device has none, and none is given"'
run amt.remoteaccess.set server=gw1.example.test user=lab@home password=@"$work/gate" 127.88.4.1
like "a user that firmware does not take" "$out" '"message":"a new server needs a user of 1 to 16 letters and digits"'
run amt.remoteaccess.set server=gw1.example.test user=lab password=@"$work/long" 127.88.4.1
like "a password that firmware does not take" "$out" '"message":"a new server needs a password of 1 to 16 characters"'
run amt.remoteaccess.set server=gw1.example.test user=lab password=@"$work/gate" periodic=25:00 127.88.4.1
like "a period that there is not" "$out" "\"message\":\"periodic is '25:00', expected seconds, a time of day as in 03:30, or off\""
run amt.remoteaccess.set server=gw1.example.test user=lab password=@"$work/gate" periodic=300 127.88.4.1
like "a server and a rule" "$out" "\"result\":{\"servers\":[$first],\"rules\":[{\"name\":\"Periodic\",\"trigger\":\"periodic\",\"period\":\"300\",\"lifetime-seconds\":0,\"servers\":[\"Intel(r) AMT:Management Presence Server 0\"],\"where\":\"outside\"}],\"user-initiated\":\"off\",\"connected\":false,\"changed\":true}"
unlike "the password is not told" "$out$err" 'Gate-Pass'
run amt.remoteaccess.set server=gw1.example.test periodic=300 127.88.4.1
like "so already" "$out" '"changed":false}'
run amt.remoteaccess.set server=10.1.2.3 cn=gw2 user=lab2 password=@"$work/gate" rule-alert=yes lifetime=60 where=both user-initiated=os 127.88.4.1
like "a second one" "$out" '{"name":"Alert","trigger":"alert","lifetime-seconds":60,"servers":["Intel(r) AMT:Management Presence Server 1"],"where":"both"}'
like "a second one: address and name" "$out" '"address":"10.1.2.3","format":"ipv4","port":4433,"cn":"gw2","user":"lab2"}'
like "the switch" "$out" '"user-initiated":"os"'
run amt.remoteaccess.set periodic=03:30 127.88.4.1
like "another period, and all else of the rule stays" "$out" '"trigger":"periodic","period":"03:30","lifetime-seconds":0,"servers":["Intel(r) AMT:Management Presence Server 0"],"where":"both"}'
run amt.remoteaccess.set remove=gw1.example.test 127.88.4.1
like "a server that a rule calls" "$out" '"code":"conflict","message":"rule Periodic calls gw1.example.test: name another server for it, or switch it off, in the same run; nothing was changed"'
run amt.remoteaccess.set server=10.1.2.3 periodic=25 remove=gw1.example.test 127.88.4.1
like "moved to the other server" "$out" '"period":"25","lifetime-seconds":0,"servers":["Intel(r) AMT:Management Presence Server 1"],"where":"both"}'
unlike "and the first is gone" "$out" 'gw1.example.test'
run amt.remoteaccess.set lifetime=5 127.88.4.1
like "a lifetime of nothing" "$out" '"code":"bad-param","message":"lifetime is of a rule: name the rule as well"'

run amt.environment.set strings=a.example.test,b.example.test 127.88.4.1
like "detection" "$out" '"result":{"strings":["a.example.test","b.example.test"],"ipv6-prefixes":[],"detects":true,"changed":true}'
run amt.environment.set strings=b.example.test,a.example.test ipv6-prefixes=2001:db8::/32 127.88.4.1
like "detection: IPv6" "$out" '"ipv6-prefixes":["2001:db8::/32"],"detects":true,"changed":true}'
run amt.environment.set strings=1,2,3,4,5,6 127.88.4.1
like "detection: too many" "$out" '"code":"bad-param","message":"strings has 6 members, expected at most 5"'
run amt.environment.set "strings=['a b']" 127.88.4.1
like "detection: a blank" "$out" "\"code\":\"bad-param\",\"message\":\"strings: 'a b' is none"
run amt.remoteaccess.set periodic=off rule-alert=no 127.88.4.1
like "the last rule away while it detects" "$out" '"code":"conflict","message":"the firmware still detects its environment: outside it could then be reached no more'
run amt.remoteaccess.set clear=yes 127.88.4.1
like "all away while it detects" "$out" '"code":"conflict","message":"the firmware still detects its environment: outside it could then be reached no more'
run amt.environment.set strings= ipv6-prefixes= 127.88.4.1
like "detection: off" "$out" '"result":{"strings":[],"ipv6-prefixes":[],"detects":false,"changed":true}'
run amt.environment.set strings= 127.88.4.1
like "detection: off already" "$out" '"changed":false}'
run amt.remoteaccess.set clear=yes 127.88.4.1
like "all away" "$out" '"result":{"servers":[],"rules":[],"user-initiated":"off","connected":false,"changed":true}'

run amt.remoteaccess.set server=gw1.example.test user=lab password=@"$work/gate" rule-user=yes 127.88.4.2
unlike "older firmware does not say where" "$out" '"where"'
run amt.remoteaccess.set rule-user=yes where=both 127.88.4.2
like "older firmware: refused before anything is written" "$out" '"code":"not-supported","message":"this firmware knows no gateways inside (MpsType): AMT 11.6 was the first that does; nothing was changed"'
for i in 2 3 4 5 6; do
    run amt.remoteaccess.set server=gw$i.example.test user=lab password=@"$work/gate" 127.88.4.2
done
run amt.remoteaccess.set server=gw7.example.test user=lab password=@"$work/gate" 127.88.4.2
like "no room for a seventh" "$out" '"code":"conflict","message":"the device holds 6 servers already, and no more than 6: remove one first"'
run amt.wsman.delete class=AMT_ManagementPresenceRemoteSAP "selectors={'Name': <'Intel(r) AMT:Management Presence Server 0'>}" 127.88.4.2
like "the device itself keeps a server that a rule calls" "$out" '"code":"forbidden"'
stop_simulator
is "servers come before rules, and go after them" "$(order 127.88.4.1)" "AddMpServer:RemoteAccessService AddRemoteAccessPolicyRule:RemoteAccessService RequestStateChange:UserInitiatedConnectionService Put:RemoteAccessPolicyAppliesToMPS Put:RemoteAccessPolicyAppliesToMPS Delete:RemoteAccessPolicyRule AddRemoteAccessPolicyRule:RemoteAccessService Put:RemoteAccessPolicyAppliesToMPS Delete:RemoteAccessPolicyRule AddRemoteAccessPolicyRule:RemoteAccessService Delete:ManagementPresenceRemoteSAP Put:RemoteAccessPolicyAppliesToMPS Put:EnvironmentDetectionSettingData Put:EnvironmentDetectionSettingData Put:EnvironmentDetectionSettingData RequestStateChange:UserInitiatedConnectionService Delete:RemoteAccessPolicyRule Delete:RemoteAccessPolicyRule Delete:ManagementPresenceRemoteSAP "
start_simulator --count 1 --first 127.88.4.11 --model amt16 --fault '*=lacks:AMT_RemoteAccessService'
run amt.remoteaccess.get 127.88.4.11
like "firmware that cannot call home" "$out" '"code":"not-supported","message":"this firmware cannot call home (AMT_RemoteAccessService)"'
stop_simulator
finish
