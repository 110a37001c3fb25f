#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# amtterm as a judge of the simulator's serial console: it logs in, sees the machine start, and types. It knows no digest, so that
# devices must take passwords in the clear, as old firmware does.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/sim/sim.sh
. "$here/sim.sh"

command -v amtterm >/dev/null || skip_all "amtterm is not installed"
command -v python3 >/dev/null || skip_all "python3 is not installed"

# at ADDRESS [EXPECT TYPE]...: everything on the terminal, and whether all of it was seen
at() {
    AMT_PASSWORD=${password-P@ssw0rd} python3 "$here/../cli/terminal.py" 20 "${@:2}" -- \
        amtterm -u admin "$1" "$redirection_port" >"$work/screen" 2>&1
    local seen=$?
    cat "$work/screen"
    [ $seen != 99 ]
}

# sees ADDRESS [EXPECT TYPE]...: and $last was among what was shown
sees() {
    at "$@" && [[ $(tr -d '\r' <"$work/screen") == *"$last"* ]]
}

request() { # ADDRESS STATE
    python3 - "$1" "$port" "$2" <<'END'
import sys, urllib.request
address, port, state = sys.argv[1:]
url = f"http://{address}:{port}/wsman"
passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
passwords.add_password(None, url, "admin", "P@ssw0rd")
opener = urllib.request.build_opener(urllib.request.HTTPDigestAuthHandler(passwords))
cim = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
body = f"""<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header>
<a:Action>{cim}CIM_PowerManagementService/RequestPowerStateChange</a:Action><a:To>/wsman</a:To>
<w:ResourceURI>{cim}CIM_PowerManagementService</w:ResourceURI><a:MessageID>1</a:MessageID>
<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo></s:Header><s:Body>
<r:RequestPowerStateChange_INPUT xmlns:r="{cim}CIM_PowerManagementService"><r:PowerState>{state}</r:PowerState><r:ManagedElement>
<a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address><a:ReferenceParameters>
<w:ResourceURI>{cim}CIM_ComputerSystem</w:ResourceURI><w:SelectorSet><w:Selector Name="CreationClassName">CIM_ComputerSystem</w:Selector>
<w:Selector Name="Name">ManagedSystem</w:Selector></w:SelectorSet></a:ReferenceParameters></r:ManagedElement>
</r:RequestPowerStateChange_INPUT></s:Body></s:Envelope>"""
print(opener.open(url, body.encode()).read().decode())
END
}

# the seed is one with which the first machine is on, redirection is on, and nobody must agree
sim_start 127.201.0.1 --model amt9 --seed 61 --fault "*=plain-login"
last='root@pc-201-0-1:~# echo typed here
typed here'
ok "logs in, sees the prompt and types" sees 127.201.0.1 'login: ' 'root\r' 'Password: ' 'sim-host\r' '# ' 'echo typed here\r' \
    '\ntyped here\s' '\x1d'
last='Memory test: 16384 MB ok'
(sleep 1 && request 127.201.0.1 10 >"$work/request" 2>&1) &
ok "sees the machine start" sees 127.201.0.1 'Booting from hard drive' '' 'login: ' '\x1d'
wait $!
password=wrong last='session authentication failed'
ok "a wrong password is refused" sees 127.201.0.1
unset password
sim_stop

sim_start 127.201.0.1 --model amt9 --seed 61
ok "nothing in the clear without being told" sees 127.201.0.1
sim_stop
sim_start 127.201.0.1 --model amt9 --seed 61 --fault "*=plain-login" --fault "*=redirection-off"
last='connect: Connection refused'
ok "closed when it is switched off" sees 127.201.0.1
sim_stop
done_testing
