#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boot, erase and consent against simulated machines of several generations: what is set, what the machine booted in the end,
# and that nothing is left behind where a step fails.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt

# on TASK ADDRESS [PARAMETER...]: run it, with a yes
on() {
    p run "$1" "${@:3}" -c "$login" "$2" --yes -o jsonl -q
}
# settle: wait until machines have booted, or are off; a cycle takes 0.8 s, the others less
settle() {
    sleep 1
}
# of ADDRESS MEMBER: what the state file says
of() {
    grep -F "\"address\":\"$1\"" "$work/state.jsonl" | grep -o "\"$2\":\"*[A-Za-z0-9 ()/.:-]*" | sed 's/^"[^"]*":"*//' | head -n 1
}
# found_uuid: the UUID in the result of amt.inventory.get
found_uuid() {
    grep -o '"uuid":"[^"]*' "$work/out" | head -n 1 | cut -d '"' -f 4
}
# sent ADDRESS ACTION: how often it was asked for that
sent() {
    grep -F "\"address\":\"$1\"" "$work/state.jsonl" | grep -o "\"action\":\"$2\"" | wc -l
}
# free ADDRESS: nobody needs to agree there
free() {
    on amt.features.set "$1" consent=none
}
# code_for ADDRESS: the last code on its screen, in a file
code_for() {
    sed -n "s/^screen of $1: consent code //p" "$work/simulator.out" | tail -n 1 >"$work/code"
    chmod 0600 "$work/code"
}

# what machines of several generations offer, and where they go
start_simulator --count 8 --first 127.81.1.1 --model amt9,amt12,amt15,amt16
for last in 1 2 3 4 5 6 7 8; do
    free 127.81.1.$last
done
on amt.boot.get 127.81.1.1
like "get: AMT 9" "$out" '"result":{"flags":[],"verbosity":"default","media-index":0,"parameters":0,"options-cleared":true,"devices":["pxe","disk","cd","ider-cd","ider-floppy","bios-setup","bios-pause"],"offers":["sol","lock-keyboard",'
unlike "get: AMT 9 has no erase" "$out" '"last-status"'
on amt.boot.get 127.81.1.4
like "get: AMT 16 erases" "$out" '"erase-options":["ssd","tpm-clear","bios-nvm","bios-golden","csme-unconfigure"]'
like "get: AMT 16 recovers" "$out" '"OCR UEFI Boot Option 1 (WinRe)","OCR UEFI Boot Option 2 (Local PBA)"],"service":"recovery","boot-reason":0,"previous-sleep-state":5}'
p run amt.boot.set device=pxe -c "$login" 127.81.1.1
is "set: asks first" "$status" 4
on amt.boot.set 127.81.1.1 device=pxe power=on-or-reset
like "set: PXE and boot" "$out" '"result":{"device":"pxe","source":"Intel(r) AMT: Force PXE Boot","flags":[],"verbosity":"default","previous":"'
on amt.boot.set 127.81.1.2 device=bios-setup sol=yes verbosity=quiet lock-keyboard=yes lock-power-button=yes power=on-or-reset
like "set: flags" "$out" '"flags":["bios-setup","sol","lock-keyboard","lock-power-button"],"verbosity":"quiet"'
settle
on amt.boot.get 127.81.1.2
like "set: used up by the boot" "$out" '"flags":[],"verbosity":"default","media-index":0,"parameters":0,"options-cleared":true'
on amt.boot.set 127.81.1.3 device=winre power=on-or-reset
like "set: WinRE is found" "$out" '"source":"Intel(r) AMT: Force OCR UEFI Boot Option 1","flags":["enforce-secure-boot"]'
printf 'Bild-Wort-7\n' >"$work/image-password"
chmod 0600 "$work/image-password"
on amt.boot.set 127.81.1.4 device=https url=https://b.example/x.efi user=fleet password=@"$work/image-password" server-name=b.example \
    server-name-check=full server-hash="$(printf '%064d' 7)" enforce-secure-boot=no power=on-or-reset --record "$work/recording"
like "set: over HTTPS" "$out" '"source":"Intel(r) AMT: Force OCR UEFI HTTPS Boot","flags":[]'
encoded=$(printf 'Bild-Wort-7' | base64)
grep -qF 'UefiBootParametersArray' "$work/recording" && ! grep -qF -e 'Bild-Wort-7' -e "${encoded:0:12}" "$work/recording"
result $? "set: the recording has no password"
on amt.boot.set 127.81.1.5 device=ider-cd power=cycle
like "set: IDER is a flag" "$out" '"result":{"device":"ider-cd","flags":["ider-cd"]'
on amt.boot.set 127.81.1.6 device=pxe
on amt.boot.set 127.81.1.6 device=none
like "set: cleared" "$out" '"result":{"device":"none","flags":[],"verbosity":"default"}'
on amt.power.set 127.81.1.6 state=off
on amt.power.set 127.81.1.8 state=off
on amt.boot.set 127.81.1.7 device=pba option=2
on amt.boot.get 127.81.1.7
like "set: the path of a local application goes along" "$out" '"flags":["enforce-secure-boot"],"verbosity":"default","media-index":0,"parameters":2,"options-cleared":false'
on amt.boot.set 127.81.1.7 device=pba option=2 power=on-or-reset
like "set: a local application" "$out" '"source":"Intel(r) AMT: Force OCR UEFI Boot Option 2"'
settle
on amt.power.set 127.81.1.6 state=on
on amt.boot.set 127.81.1.8 device=disk media-index=2 power=on-or-reset
like "set: what is off is switched on" "$out" '"previous":"off-soft","requested":"on","confirmed":true'
settle
on amt.boot.set 127.81.1.8 progress-events=yes power=on-or-reset
like "set: what is on is reset" "$out" '"result":{"device":"default","flags":["progress-events"],"verbosity":"default","previous":"on","requested":"reset","confirmed":true}'
stop_simulator
is "booted: AMT 9" "$(of 127.81.1.1 boot)" pxe
is "booted: AMT 12" "$(of 127.81.1.2 boot)" bios-setup
is "booted: AMT 15" "$(of 127.81.1.3 boot)" winre
is "booted: AMT 16" "$(of 127.81.1.4 boot)" https
is "booted: lent storage" "$(of 127.81.1.5 boot)" ider-cd
is "booted: what was cleared is not" "$(of 127.81.1.6 boot)" default
is "booted: a local application" "$(of 127.81.1.7 boot)" pba

# refused before the first write
start_simulator --count 4 --first 127.81.1.1 --model amt9,amt12,amt15,amt16
for last in 1 2 3 4; do
    free 127.81.1.$last
done
on amt.boot.set 127.81.1.2 device=bios-pause
like "refused: a device" "$out" '"code":"not-supported","message":"this machine does not offer bios-pause, and nothing was changed; devices: pxe, disk, cd, ider-cd, ider-floppy, bios-setup; else: sol, '
on amt.boot.set 127.81.1.2 device=https url=https://b.example/x.efi
like "refused: recovery before AMT 15" "$out" '"message":"this machine does not offer https, and nothing was changed'
on amt.boot.set 127.81.1.4 device=pxe lock-sleep-button=yes
like "refused: a lock" "$out" 'does not offer lock-sleep-button'
on amt.boot.set 127.81.1.4 device=https url=http://b.example/x.efi
like "refused: in the clear" "$out" '"code":"bad-param","message":"device=https needs url=https://..., found one of another kind"'
on amt.boot.set 127.81.1.4 device=https url=https://b.example/x.efi server-hash=12
like "refused: half a hash" "$out" 'server-hash has 2 characters, expected a SHA-256, SHA-384 or SHA-512'
on amt.boot.set 127.81.1.4 device=https url="https://b.example/$(printf '%0300d' 0)"
like "refused: a long URL" "$out" 'url has 318 bytes, expected 1 to 300'
on amt.boot.set 127.81.1.4 device=https url=https://b.example/x user=u
like "refused: half a login" "$out" 'user and password go together'
on amt.boot.set 127.81.1.4 device=pba option=9
like "refused: an option that is not there" "$out" '"message":"this machine has no boot option 9'
on amt.boot.set 127.81.1.4 device=pba
like "refused: which of them" "$out" 'device=pba needs option=N'
on amt.boot.service.set 127.81.1.1 recovery=no
like "refused: a switch that older firmware has not" "$out" '"code":"not-supported","message":"this firmware has no switch for recovery boots and erase (EnabledState of CIM_BootService is 2, expected 32768 to 32771'
stop_simulator
for last in 1 2 4; do
    is "refused: nothing was written to .$last" "$(sent 127.81.1.$last ChangeBootOrder) $(sent 127.81.1.$last SetBootConfigRole)" "0 0"
done

# the switch of recovery boots
start_simulator --count 2 --first 127.81.1.1 --model amt15,amt16
free 127.81.1.1
free 127.81.1.2
on amt.boot.service.set 127.81.1.1 recovery=no
like "service: off" "$out" '"result":{"recovery":false,"erase":false}'
on amt.boot.set 127.81.1.1 device=winre
like "service: a boot that is switched off" "$out" '"code":"conflict","message":"boots of the kind winre are switched off in this machine (WinREBootEnabled): postern run amt.boot.service.set recovery=yes'
on amt.boot.service.set 127.81.1.1 erase=yes
like "service: no erase on AMT 15" "$out" '"code":"device"'
on amt.boot.service.set 127.81.1.2 erase=yes
like "service: both" "$out" '"result":{"recovery":true,"erase":true}'
on amt.boot.service.set 127.81.1.2 erase=yes
like "service: so already" "$out" '"result":{"recovery":true,"erase":true}'
stop_simulator
is "service: what is so already is not asked for" "$(sent 127.81.1.2 RequestStateChange)" 1

# whole or not at all
start_simulator --count 3 --first 127.81.1.1 --model amt12 --fault 127.81.1.1=lacks:CIM_PowerManagementService \
    --fault 127.81.1.2=lacks:CIM_BootService --fault 127.81.1.3=nic-reset:3000
for last in 1 2 3; do
    free 127.81.1.$last
    on amt.power.set 127.81.1.$last state=on
done
sleep 4 # the third is not to be reached for 3 s where it was off
on amt.boot.set 127.81.1.1 device=bios-setup power=on-or-reset
like "whole: the power request fails" "$out" '"code":"not-supported","message":"CIM_PowerManagementService.RequestPowerStateChange'
like "whole: and all is taken back" "$out" 'what was set for the next boot was taken back'
on amt.boot.get 127.81.1.1
like "whole: really" "$out" '"result":{"flags":[]'
on amt.boot.set 127.81.1.2 device=pxe user-password-bypass=yes power=on-or-reset
like "whole: the role fails" "$out" 'what was set for the next boot could NOT be taken back ('
like "whole: and says what to do" "$out" 'postern run amt.boot.set device=none 127.81.1.2'
on amt.boot.get 127.81.1.2
like "whole: what could be taken back was" "$out" '"result":{"flags":[]'
on amt.boot.set 127.81.1.3 device=pxe power=on-or-reset
like "whole: the answer is lost, and not repeated" "$out" '"device":"pxe"'
stop_simulator
is "whole: no source is left" "$(of 127.81.1.1 boot_source)$(of 127.81.1.2 boot_source)" ""
is "whole: one request to switch it on before, and one to boot" "$(of 127.81.1.3 boot) $(sent 127.81.1.3 RequestPowerStateChange)" "pxe 2"

# erasing
start_simulator --count 5 --first 127.81.1.1 --model amt12:2,amt16:3 --fault 127.81.1.2=drive-password:geheim
for last in 1 2 3 4 5; do
    free 127.81.1.$last
    on amt.inventory.get 127.81.1.$last
    found_uuid >"$work/uuid.$last"
done
uuid() {
    cat "$work/uuid.$1"
}
printf 'falsch\n' >"$work/drive"
chmod 0600 "$work/drive"
p run amt.boot.erase what=drive confirm="$(uuid 1)" -c "$login" 127.81.1.1
is "erase: asks first" "$status" 4
on amt.boot.erase 127.81.1.1 what=drive confirm="$(uuid 2)"
like "erase: another machine" "$out" '"code":"conflict","message":"confirm is not the UUID of this machine: nothing was changed'
on amt.boot.erase 127.81.1.1 what=drive
is "erase: no confirmation" "$status" 2
on amt.boot.erase 127.81.1.1 what=drive confirm="$(uuid 1)"
like "erase: the drive" "$out" '"result":{"what":"drive","flags":["secure-erase"],"previous":"'
on amt.boot.erase 127.81.1.2 what=drive confirm="$(uuid 2)" drive-password=@"$work/drive"
settle
on amt.boot.get 127.81.1.1
like "erase: done" "$out" '"last-status":"ok","last-drive-status":"ok"'
on amt.boot.get 127.81.1.2
like "erase: a wrong password" "$out" '"last-status":"failed","last-drive-status":"wrong-password"'
on amt.boot.erase 127.81.1.1 what=platform options=ssd confirm="$(uuid 1)"
like "erase: no platform erase before AMT 16" "$out" '"code":"not-supported","message":"this machine does not offer to erase ssd, and nothing was changed; it offers: nothing"'
on amt.boot.erase 127.81.1.3 what=platform options=ssd,oem confirm="$(uuid 3)"
like "erase: an option that is not offered" "$out" 'does not offer to erase oem, and nothing was changed; it offers: ssd, tpm-clear, bios-nvm, bios-golden, csme-unconfigure'
on amt.boot.erase 127.81.1.3 what=platform options=ssd,dust confirm="$(uuid 3)"
like "erase: no such option" "$out" "'dust' is no erase option"
on amt.boot.erase 127.81.1.3 what=platform options=ssd confirm="$(uuid 3)"
like "erase: switched off" "$out" 'remote platform erase is switched off in this machine (RPEEnabled), and nothing was changed: postern run amt.boot.service.set erase=yes'
for last in 3 4 5; do
    on amt.boot.service.set 127.81.1.$last erase=yes
done
on amt.boot.erase 127.81.1.3 what=platform options=ssd,tpm-clear confirm="$(uuid 3)"
like "erase: the platform" "$out" '"result":{"what":"platform","options":["ssd","tpm-clear"],"flags":["platform-erase"],"previous":"'
settle
on amt.boot.erase 127.81.1.4 what=platform options=csme-unconfigure confirm="$(uuid 4)"
is "erase: AMT itself" "$status" 0
settle
p run amt.power.get -c "$login" 127.81.1.4 -o jsonl -q --retries 0 --timeout 3s
is "erase: nothing is heard of it any more" "$status" 1
on amt.boot.erase 127.81.1.5 what=platform options=ssd confirm="$(uuid 5)" power=none
like "erase: for whoever boots next" "$out" '"flags":["platform-erase"]}'
on amt.boot.set 127.81.1.5 device=none
like "erase: taken back" "$out" '"result":{"device":"none","flags":[]'
stop_simulator
is "erased: the drive" "$(of 127.81.1.1 boot)" secure-erase
is "erased: the platform" "$(of 127.81.1.3 boot)" platform-erase
is "erased: AMT itself" "$(of 127.81.1.4 erased)" amt
is "erased: nothing" "$(of 127.81.1.5 erased)" ""
start_simulator --count 1 --first 127.81.1.1 --model amt16 --tls off
free 127.81.1.1
on amt.boot.service.set 127.81.1.1 erase=yes
on amt.inventory.get 127.81.1.1
on amt.boot.erase 127.81.1.1 what=platform options=ssd confirm="$(found_uuid)"
like "erase: not in the clear" "$out" '"code":"tls","message":"a platform erase needs a TLS connection, and this one has none: nothing was changed'
stop_simulator

# consent
start_simulator --count 2 --first 127.81.1.1 --model amt12 --fault '*=consent'
on amt.consent.get 127.81.1.1
like "consent: none" "$out" '"result":{"required":"all","state":"none","given":false,"modifiable":true,"code-seconds":120,"display-seconds":300}'
on amt.boot.set 127.81.1.1 device=pxe
like "consent: needed for a boot" "$out" '"code":"consent","message":"a boot option needs the consent of somebody at the machine, and there is none (state: none): postern run amt.consent.start 127.81.1.1 shows a code there, postern run amt.consent.submit code=@FILE 127.81.1.1 sends it"'
printf '000000\n' >"$work/code"
chmod 0600 "$work/code"
on amt.consent.submit 127.81.1.1 code=@"$work/code"
like "consent: nothing to submit" "$out" '"code":"conflict","message":"the device waits for no code: its state is none'
on amt.consent.start 127.81.1.1
like "consent: shown" "$out" '"state":"displayed","given":false'
on amt.consent.start 127.81.1.1
like "consent: shown already" "$out" '"state":"displayed","given":false'
is "consent: one code" "$(grep -c 'screen of 127.81.1.1' "$work/simulator.out")" 1
on amt.consent.submit 127.81.1.1 code=@"$work/code"
like "consent: wrong" "$out" '"code":"consent","message":"the device did not take the code (ReturnValue 2066): it is wrong; as a rule it takes 3 tries'
code_for 127.81.1.1
on amt.consent.submit 127.81.1.1 code=@"$work/code" --record "$work/recording"
like "consent: given" "$out" '"state":"received","given":true'
grep -qF 'OptInCode' "$work/recording" && ! grep -qF "$(cat "$work/code")" "$work/recording"
result $? "consent: the recording has no code"
on amt.boot.set 127.81.1.1 device=pxe power=on-or-reset
like "consent: and now it boots" "$out" '"outcome":"ok"'
settle
on amt.consent.cancel 127.81.1.1
like "consent: taken back" "$out" '"state":"none","given":false'
p run amt.consent.submit code=123456 -c "$login" 127.81.1.1
is "consent: a code in the clear is refused" "$status" 2
on amt.consent.start 127.81.1.2
printf '12345\n' >"$work/code"
on amt.consent.submit 127.81.1.2 code=@"$work/code"
like "consent: five digits" "$out" '"code":"bad-param","message":"code has 5 characters, expected the six digits'
printf '000000\n' >"$work/code"
for _ in 1 2 3; do
    on amt.consent.submit 127.81.1.2 code=@"$work/code"
done
like "consent: the last try" "$out" 'shows none any more: after 3 wrong ones it blocks for a while'
on amt.consent.start 127.81.1.2
like "consent: blocked" "$out" '"code":"busy","message":"IPS_OptInService.StartOptIn: the device takes no code for a while'
stop_simulator
is "consent: booted" "$(of 127.81.1.1 boot)" pxe
start_simulator --count 1 --first 127.81.1.1 --model amt9 --fault '*=lacks:IPS_OptInService'
on amt.consent.get 127.81.1.1
like "consent: older firmware asks nobody" "$out" '"code":"not-supported","message":"this firmware has no user consent'
on amt.boot.set 127.81.1.1 device=pxe
like "consent: and boots without" "$out" '"outcome":"ok"'
stop_simulator
finish
