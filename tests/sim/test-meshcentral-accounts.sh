#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# MeshCentral's own AMT stack and curl as judges of the simulator's accounts: listed, added, changed, switched off and
# removed; whoever is there logs in with its own password, and reaches what its realms are for.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/sim/sim.sh
. "$here/sim.sh"

# shellcheck source=tests/sim/meshcentral.sh
. "$here/meshcentral.sh"

judge() {
    timeout 90 node "$here/meshcentral-accounts.js" "$meshcentral" "$@"
}

# as USER PASSWORD ADDRESS: the status that curl gets for AMT_GeneralSettings
as() {
    cat >"$work/request" <<'XML'
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header><a:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</a:Action>
<w:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings</w:ResourceURI><a:MessageID>1</a:MessageID></s:Header><s:Body></s:Body></s:Envelope>
XML
    curl -s -m 10 -o /dev/null -w '%{http_code}' --digest -u "$1:$2" --data-binary "@$work/request" "http://$3:$port/wsman"
}

is() {
    test "$("${@:2}")" = "$1"
}

sim_start 127.86.9.1 --count 7 --model amt8,amt9,amt11.8,amt12,amt15,amt16,amt19 --tls on
ok "amt8 plain" judge 127.86.9.1 plain $port
ok "amt9 plain" judge 127.86.9.2 plain $port
ok "amt11.8 TLS" judge 127.86.9.3 tls $tls_port
ok "amt12 TLS" judge 127.86.9.4 tls $tls_port
ok "amt15 plain" judge 127.86.9.5 plain $port
ok "amt16 TLS" judge 127.86.9.6 tls $tls_port
ok "amt19 TLS" judge 127.86.9.7 tls $tls_port
ok "curl as one of the accounts made: no right to read the settings" is 401 as user0 x 127.86.9.4
ok "curl with the administrator's new password" is 200 as admin N3w-P@ssw0rd 127.86.9.4
ok "curl with the old one" is 401 as admin P@ssw0rd 127.86.9.4
sim_stop
ok "the simulator ended well" test "$sim_status" = 0
# account NAME: how many devices tell of it in the state file, with its realms
account() {
    test "$(grep -c "\"name\":\"$1\",\"access\":2,\"enabled\":true,\"realms\":\[5\]" "$work/state")" = 7
}
ok "the state file has the accounts" account user6
ok "and no account that was removed" test "$(grep -c operator "$work/state")" = 0
ok "no password and no hash of one" test "$(grep -cE 'P@ssw0rd|Oper-47|"a1"' "$work/state")" = 0
done_testing
