#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Wireless profiles of simulated machines, the radio, and the sharing of profiles.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt

run() {
    p run "$@" -c "$login" -o jsonl -q --retries 0 --yes
}
printf 'Phrase-of-9-words\n' >"$work/phrase"
printf 'short\n' >"$work/short"
chmod 0600 "$work/phrase" "$work/short"

# with this seed .2 (AMT 12) and .5 (AMT 16) have a wireless port, and .1 has none
start_simulator --count 5 --first 127.88.3.1 --model amt16,amt12 --seed 7
run amt.wifi.list 127.88.3.1
like "no wireless port" "$out" '"code":"not-supported","message":"this machine has no wireless port that the firmware uses'
run amt.wifi.list 127.88.3.5
like "no profile yet" "$out" '"result":{"profiles":[],"radio":"off","profile-sync":"off","uefi-share":false}'
run amt.wifi.add name=home ssid=Home password=@"$work/phrase" 127.88.3.5
like "a profile" "$out" '"result":{"profiles":[{"name":"home","ssid":"Home","priority":1,"auth":"wpa2-psk","encryption":"ccmp"}],"radio":"off","profile-sync":"off","uefi-share":false,"changed":true}'
unlike "its password is not told" "$out$err" 'Phrase-of'
run amt.wifi.add name=home ssid=Home password=@"$work/phrase" 127.88.3.5
like "so already" "$out" '"changed":false}'
run amt.wifi.add name=home ssid=Other password=@"$work/phrase" 127.88.3.5
like "another one of that name" "$out" '"code":"conflict","message":"there is another profile called home: replace=true writes over it"'
run amt.wifi.add name=home ssid=Other replace=yes password=@"$work/phrase" 127.88.3.5
like "replaced" "$out" '"profiles":[{"name":"home","ssid":"Other","priority":1,"auth":"wpa2-psk","encryption":"ccmp"}]'
run amt.wifi.add name=old auth=wpa-psk encryption=tkip priority=1 password=@"$work/phrase" 127.88.3.5
like "a priority that is taken" "$out" '"code":"conflict","message":"priority 1 is that of profile home: each has its own'
run amt.wifi.add name=old auth=wpa-psk encryption=tkip priority=256 password=@"$work/phrase" 127.88.3.5
like "a priority that there is not" "$out" '"code":"bad-param","message":"priority is 256, expected 1 to 255"'
run amt.wifi.add name=old auth=wpa-psk encryption=tkip priority=9 password=@"$work/phrase" 127.88.3.5
like "older security" "$out" '{"name":"old","ssid":"old","priority":9,"auth":"wpa-psk","encryption":"tkip"}'
run amt.wifi.add name=x password=@"$work/short" 127.88.3.5
like "a short password" "$out" '"code":"bad-param","message":"wpa2-psk needs a password of 8 to 63 ASCII characters, found another length or other characters"'
run amt.wifi.add name=x 127.88.3.5
like "no password" "$out" '"message":"wpa2-psk needs a password of 8 to 63 ASCII characters, found none"'
run amt.wifi.add name=x auth=open password=@"$work/phrase" 127.88.3.5
like "a password for an open network" "$out" '"code":"bad-param","message":"an open network has no password, and one is given"'
run amt.wifi.add name=x encryption=none password=@"$work/phrase" 127.88.3.5
like "a cipher that does not go with it" "$out" '"code":"bad-param","message":"auth=wpa2-psk does not go with encryption=none'
run amt.wifi.add name=x password=Phrase-in-the-open 127.88.3.5
is "a password in plain text" "$status" 2
run amt.wifi.add name=x ssid=a-name-that-no-network-can-have-at-all password=@"$work/phrase" 127.88.3.5
like "a long SSID" "$out" '"code":"bad-param","message":"ssid has 38 bytes, expected 1 to 32"'
for i in 3 4 5 6 7 8; do
    run amt.wifi.add name=n$i auth=open 127.88.3.5
done
is "eight profiles" "$status" 0
run amt.wifi.add name=n9 auth=open 127.88.3.5
like "no room for a ninth" "$out" '"code":"device","message":"AMT_WiFiPortConfigurationService.AddWiFiSettings: the device answered ReturnValue 23 (maximum reached), expected 0"'
run amt.wifi.remove name=home 127.88.3.5
unlike "removed" "$out" '"name":"home"'
run amt.wifi.remove name=home 127.88.3.5
like "removed already" "$out" '"changed":false}'
run amt.wifi.set radio=s0-sx profile-sync=user uefi-share=yes 127.88.3.5
like "switches" "$out" '"radio":"s0-sx","profile-sync":"user","uefi-share":true,"changed":true}'
run amt.wifi.set radio=s0-sx profile-sync=user 127.88.3.5
like "switches: so already" "$out" '"changed":false}'
run amt.wifi.set uefi-share=yes radio=s0 127.88.3.2
like "sharing where there is none" "$out" '"code":"not-supported","message":"this firmware shares no profiles with UEFI (UEFIWiFiProfileShareEnabled): nothing was changed"'
run amt.wifi.list 127.88.3.2
like "and nothing was changed" "$out" '"radio":"off","profile-sync":"off"}'
run amt.wsman.enumerate class=CIM_WiFiEndpointSettings 127.88.3.5
unlike "the device does not tell passwords" "$out" 'Phrase-of'
like "the device tells what real ones do" "$out" '"AuthenticationMethod":4,"BSSType":3,"ElementName":"old","EncryptionMethod":3,"InstanceID":"Intel(r) AMT:WiFi Endpoint Settings old","Priority":9,"SSID":"old"'
stop_simulator
start_simulator --count 1 --first 127.88.3.5 --model amt16 --seed 7 --fault '*=return:0'
run amt.wifi.set radio=s0 127.88.3.5
like "a device that says yes and does nothing" "$out" '"code":"conflict","message":"the device said yes, and its radio is not as it was asked for'
run amt.wifi.add name=x auth=open 127.88.3.5
like "a profile that is not kept" "$out" '"code":"conflict","message":"the device took the profile, and it is not in its list'
stop_simulator
finish
