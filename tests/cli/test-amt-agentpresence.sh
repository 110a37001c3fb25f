#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Watchdogs of simulated machines, made by hand and read with their actions.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt

run() {
    p run "$@" -c "$login" -o jsonl -q --retries 0 --yes
}
first="selectors={'DeviceID': <'eFY0Erya8N4RIjNEVWZ3iA=='>}"
start_simulator --count 2 --first 127.88.9.1 --model amt12 --fault 127.88.9.2=realms:general+agents
run amt.agentpresence.get 127.88.9.1
like "none" "$out" '"result":{"watchdogs":[],"most-agents":16,"most-actions":64}'
run amt.wsman.create class=AMT_AgentPresenceWatchdog "values={'DeviceID': <'eFY0Erya8N4RIjNEVWZ3iA=='>, 'MonitoredEntityDescription': <'backup'>, 'StartupInterval': <uint32 120>, 'TimeoutInterval': <uint32 30>}" 127.88.9.1
is "made" "$status" 0
run amt.wsman.create class=AMT_AgentPresenceWatchdog "values={'DeviceID': <'AAAAAAAAAAAAAAAAAAAAAA=='>}" 127.88.9.1
is "a zero GUID" "$status" 1
run amt.wsman.create class=AMT_AgentPresenceWatchdog "values={'DeviceID': <'eFY0Erya8N4RIjNEVWZ3iQ=='>, 'MonitoredEntityDescription': <'other'>}" 127.88.9.1
run amt.wsman.invoke class=AMT_AgentPresenceWatchdog method=AddAction "$first" \
    "args={'OldState': <uint32 4>, 'NewState': <uint32 10>, 'EventOnTransition': <true>, 'ActionSd': <false>, 'ActionEac': <false>}" 127.88.9.1
is "an action" "$status" 0
run amt.wsman.invoke class=AMT_AgentPresenceWatchdog method=AddAction "$first" \
    "args={'OldState': <uint32 31>, 'NewState': <uint32 8>, 'EventOnTransition': <false>, 'ActionSd': <true>, 'ActionEac': <false>}" 127.88.9.1
run amt.agentpresence.get 127.88.9.1
like "read, each with its own actions" "$out" '"watchdogs":[{"guid":"12345678-9abc-def0-1122-334455667788","description":"backup","state":"not-started","startup-seconds":120,"timeout-seconds":30,"actions":[{"from":"running","to":"stopped+expired","event":true,"system-defense":false,"access-control":false},{"from":"any","to":"expired","event":false,"system-defense":true,"access-control":false}]},{"guid":"12345678-9abc-def0-1122-334455667789","description":"other","state":"not-started","actions":[]}]'
run amt.wsman.invoke class=AMT_AgentPresenceWatchdog method=DeleteAllActions "$first" 127.88.9.1
run amt.agentpresence.get 127.88.9.1
like "actions deleted" "$out" '"timeout-seconds":30,"actions":[]}'
run amt.wsman.delete class=AMT_AgentPresenceWatchdog "$first" 127.88.9.1
run amt.agentpresence.get 127.88.9.1
unlike "a watchdog deleted" "$out" 'backup'
run amt.agentpresence.get 127.88.9.2
is "with the realm that it says" "$status" 0
stop_simulator
start_simulator --count 1 --first 127.88.9.1 --model amt12 --fault '*=lacks:AMT_AgentPresenceCapabilities'
run amt.agentpresence.get 127.88.9.1
like "firmware that watches nobody" "$out" '"code":"not-supported","message":"this firmware watches no agents (AMT_AgentPresenceCapabilities)"'
stop_simulator
finish
