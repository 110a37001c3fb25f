#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Event log and audit log of simulated machines through the command: what happens is written down, is read without gaps, can be
# proven, and is not thrown away by mistake.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt
box=127.82.0.1 small=127.82.0.2

# run TASK WORD...: on $box unless a target is among the words
run() {
    local target=$box
    [[ " $* " == *" 127."* ]] && target=
    p run "$@" -c "$login" ${target:+"$target"} -o jsonl -q
}

# member NAME: its value in the result of the last run, without quotes
member() {
    tail -n 1 "$work/out" | grep -o "\"$1\":\(\"[^\"]*\"\|\[[^]]*\]\|[a-z0-9]*\)" | head -n 1 | sed 's/^"[^"]*"://; s/^"//; s/"$//'
}

# events: application.event of each row of the last run
events() {
    sed -n 's/.*"application":"\([^"]*\)","event":"\([^"]*\)".*/\1.\2/p' "$work/out"
}

invoke() {
    run amt.wsman.invoke class="$1" method="$2" "args=$3" check=false --yes
}

start_simulator --count 2 --first $box --model amt12 --fault $small=audit-room:2000

# ---- the event log ----

run amt.eventlog.get
before=$(member records)
run amt.power.get
run amt.power.set state=off wait=true --yes
run amt.power.set state=on wait=true --yes
run amt.eventlog.get last=4
is "event log: a start is in it" "$(grep -o '"text":"[^"]*"' "$work/out" | tr '\n' ' ')" \
    '"text":"starting the operating system" "text":"PCI configuration" "text":"disk initialization" "text":"memory initialization" '
like "event log: decoded" "$out" '"severity":"monitor","entity":"BIOS"'
run amt.eventlog.get
added=$(($(member records) - before))
[ "$added" -ge 4 ] && [ $((added % 4)) -eq 0 ]
result $? "event log: four records for each start ($added more)"
run amt.wsman.get class=AMT_MessageLog
like "event log: so many" "$out" "\"CurrentNumberOfRecords\":$((before + added))"
like "event log: as full as that" "$out" "\"PercentageNearFull\":$(((before + added) * 100 / 390))"
printf 'wrong\n' >"$work/wrong"
chmod 0600 "$work/wrong"
# one login is not tried again so soon
for i in $(seq 10); do
    p run amt.power.get -c "amt.digest:user=mallory-$i,password=@$work/wrong" $box -o jsonl -q --retries 0
done
run amt.eventlog.get last=1
like "event log: ten wrong logins" "$out" '"severity":"critical","entity":"management engine","text":"authentication failed 10 times: possibly an attack"'
invoke AMT_MessageLog GetRecord "{'IterationIdentifier': <uint32 1>, 'PositionToNext': <true>}"
like "event log: one record" "$out" '"IterationIdentifier":2,"RecordData":"'
invoke AMT_MessageLog PositionAtRecord "{'IterationIdentifier': <uint32 1>, 'MoveAbsolute': <false>, 'RecordNumber': <3>}"
like "event log: three further" "$out" '"IterationIdentifier":4,"RecordNumber":4'
invoke AMT_MessageLog PositionAtRecord "{'IterationIdentifier': <uint32 1>, 'MoveAbsolute': <true>, 'RecordNumber': <391>}"
is "event log: beyond its end" "$(member return-value)" 3
invoke AMT_MessageLog CancelIteration "{'IterationIdentifier': <uint32 1>}"
is "event log: an iteration is over" "$(member return-value)" 0
invoke AMT_MessageLog FreezeLog "{'Freeze': <true>}"
run amt.wsman.get class=AMT_MessageLog
like "event log: frozen" "$out" '"IsFrozen":true'
run amt.eventlog.clear --yes
like "event log: a frozen one is not cleared" "$out" '"code":"conflict","message":"the event log is frozen, so nothing was cleared'
run amt.power.set state=reset wait=true --yes
run amt.eventlog.get last=1
like "event log: a frozen one takes no records" "$out" 'authentication failed 10 times'
invoke AMT_MessageLog FreezeLog "{'Freeze': <false>}"
run amt.eventlog.clear --yes
like "event log: cleared" "$out" "\"cleared\":true,\"records\":$((before + added + 1))"

# ---- reading the audit log ----

run amt.auditlog.get
all=$(member next) total=$(member total)
is "audit log: a row each" "$(grep -c '"row":' "$work/out")" "$total"
is "audit log: how it begins" "$(events | head -n 4 | tr '\n' ' ')" 'security-admin.setup-started security-admin.setup-completed time.set firmware-update.updated '
is "audit log: wrong logins are in it" "$(events | grep -c '^security-admin.invalid-credentials$')" 10
like "audit log: and whose" "$out" '"initiator":"digest","user":"mallory-10"'
like "audit log: from where" "$out" '"location":"ipv4","address":"127.'
is "audit log: no gap" "$(member gap)" false
is "audit log: it overwrites" "$(member overwrite)" oldest
like "audit log: oldest first" "$(sed -n 1p "$work/out")" '"row":{"index":1,'
run amt.auditlog.get after="$all"
is "audit log: nothing new" "$(member records) $(member next)" "0 $all"
run amt.time.set
run amt.auditlog.get after="$all"
is "audit log: what is new" "$(events)" time.set
like "audit log: by whom" "$out" '"user":"admin"'
like "audit log: in words" "$out" '"details":"to 20'
next=$(member next)
is "audit log: the position goes on" "${next%%:*}" $((total + 1))
run amt.auditlog.get after=nonsense
like "audit log: no position" "$out" '"code":"bad-param","message":"\"nonsense\" is no position'
run amt.auditlog.get after=$((total + 1)):0123456789abcdef0123456789abcdef
is "audit log: another log than the one that was read" "$(member gap) $(member gap-reason) $(member records)" "true overwritten $((total + 1))"

# ---- what is audited ----

run amt.auditlog.policy.get
is "policy: 55 events at first, as on a recorded device" "$(member audited | tr , '\n' | wc -l) $(member critical)" '55 []'
run amt.auditlog.policy.set audit=event-manager
like "policy: changed" "$out" '"event-manager.log-cleared"'
run amt.auditlog.policy.set audit=event-manager
unlike "policy: so already" "$out" '"changed"'
run amt.eventlog.clear --yes
run amt.auditlog.get after="$next"
is "policy: obeyed" "$(events | tr '\n' ' ')" 'audit-log.policy-modified event-manager.log-cleared '
run amt.auditlog.policy.set ignore=event-manager,time.set
run amt.eventlog.clear --yes
run amt.time.set
run amt.auditlog.get after="$next"
is "policy: what is left out is not written" "$(events | tail -n 1)" audit-log.policy-modified
run amt.auditlog.policy.set ignore=audit-log.cleared
like "policy: what is always written" "$out" '"code":"forbidden"'
run amt.auditlog.policy.set critical=audit-log.cleared
like "policy: what is never critical" "$out" '"code":"forbidden"'
run amt.auditlog.policy.set audit=coffee
like "policy: no such event" "$out" '"code":"bad-param","message":"\"coffee\" is no audited event'
run amt.auditlog.policy.set critical=time.set
like "policy: critical" "$out" '"critical":["time.set"]'
like "policy: and what that means" "$out" '"warning":"critical events are refused while the audit log is locked"'
run amt.auditlog.enable enabled=no
is "switched off" "$(member changed) $(member enabled)" 'true false'
run amt.auditlog.enable enabled=no
is "is off already" "$(member changed) $(member enabled)" 'false false'
run amt.auditlog.get
is "off: told" "$(member enabled) $(member state)" 'false ["disabled","no-signing-key"]'
run amt.auditlog.enable enabled=yes
run amt.auditlog.get
is "on and off are written down" "$(events | tail -n 2 | tr '\n' ' ')" 'audit-log.disabled audit-log.enabled '

# ---- the lock, and clearing ----

end=$(member next) count=$(member total)
invoke AMT_AuditLog SetAuditLock "{'LockTimeoutInSeconds': <uint32 60>, 'Flag': <uint32 0>}"
handle=$(member Handle)
run amt.auditlog.clear collected="$end" confirm=clear --yes
like "locked by somebody else" "$out" '"code":"busy","message":"cannot lock the audit log'
run amt.time.set
like "locked: what is critical is refused" "$out" 'ReturnValue 2075 (audit failure)'
invoke AMT_AuditLog SetAuditLock "{'Flag': <uint32 2>, 'Handle': <uint32 1>}"
is "locked: only by its handle" "$(member return-value)" 18
invoke AMT_AuditLog SetAuditLock "{'Flag': <uint32 2>, 'Handle': <uint32 $handle>}"
is "let go" "$(member return-value)" 0
invoke AMT_AuditLog SetAuditLock "{'LockTimeoutInSeconds': <uint32 301>, 'Flag': <uint32 0>}"
is "not longer than five minutes" "$(member return-value)" 36
invoke AMT_AuditLog ClearLog '{}'
is "clearing without the lock" "$(member return-value)" 2
run amt.auditlog.clear collected="$end" confirm=clear
is "clear: asks first" "$status" 4
run amt.auditlog.clear collected="$end" confirm=yes --yes
is "clear: wants the word" "$status" 2
run amt.time.set
run amt.auditlog.clear collected="$end" confirm=clear --yes
like "clear: there is more than was collected" "$out" '"code":"conflict","message":"nothing was cleared: the audit log has 1 records that are not collected'
run amt.auditlog.get after="$end"
is "clear: and it is still there" "$(member records) $(member gap)" '1 false'
end=$(member next)
p run amt.auditlog.clear collected="$end" confirm=clear --yes -c "$login" $box -o jsonl
like "cleared" "$out" "\"result\":{\"cleared\":$((count + 1)),\"remaining\":1}"
is "cleared: the lock was let go without a word" "$err" ''
run amt.auditlog.get after="$end"
is "cleared: said to who reads on" "$(member gap) $(member gap-reason) $(events)" 'true cleared audit-log.cleared'
run amt.time.set
like "cleared: nothing is refused" "$out" '"outcome":"ok"'

# ---- a log that fills up ----

run amt.auditlog.get $small
is "small: does not overwrite" "$(member overwrite) $(member warning)" 'never '
run amt.auditlog.policy.set critical=time.set $small
like "small: critical" "$out" 'the audit log does not overwrite and has'
run amt.auditlog.policy.set audit=event-manager $small
for _ in $(seq 60); do
    run amt.eventlog.clear $small --yes
    run amt.auditlog.get $small
    [ "$(member percent-free)" -gt 15 ] || break
done
like "small: fills up" "$out" 'does not overwrite: only critical events are recorded now'
is "small: almost full" "$(member state)" '["almost-full","no-signing-key"]'
count=$(member total)
run amt.eventlog.clear $small --yes
run amt.auditlog.get $small
is "small: what is not critical is not written any more" "$(member total)" "$count"
for _ in $(seq 20); do
    run amt.time.set $small
    [ "$(member outcome)" = ok ] || break
done
like "small: full, and the critical action is refused" "$out" 'ReturnValue 2075 (audit failure)'
p run amt.auditlog.get -c "$login" $small -o jsonl
like "small: full" "$out" '"state":["almost-full","full","no-signing-key"],"warning":"the audit log is full'
like "small: said aloud" "$err" 'the audit log is full'
run amt.auditlog.clear collected="$(member next)" confirm=clear $small --yes
run amt.time.set $small
like "small: cleared, the action works again" "$out" '"outcome":"ok"'

# ---- evidence ----

for _ in 1 2 3 4; do
    run amt.time.set
done
umask 000
run amt.auditlog.export directory="$work"
umask 022
file=$(member file)
is "export: unsigned" "$(member signed) $(member records)" "false $(grep -c '"raw"' "$file")"
is "export: for its owner only" "$(stat -c %a "$file")" 600
is "export: its name is the machine's" "$(basename "$file" | sed 's/-20[0-9TZ-]*.jsonl//')" "audit-$(head -n 1 "$file" | sed 's/.*"uuid":"\([^"]*\)".*/\1/')"
p run amt.auditlog.sign.verify file="$file" -o jsonl -q
is "verify: whole, and that is all" "$status $(member records) $(member signed)" "0 $(grep -c '"raw"' "$file") false"
# read by an independent hand
if has_python; then
    is "export: its sum, by python" "$(python3 - "$file" <<'PYTHON'
import base64, hashlib, json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
records = [base64.b64decode(l["raw"]) for l in lines if "raw" in l]
assert [l["index"] for l in lines if "raw" in l] == list(range(1, len(records) + 1))
print(hashlib.sha256(b"".join(records)).hexdigest() == lines[-1]["sha256"])
PYTHON
)" True
else
    skip "python3 is not there: the sum was not computed by another"
fi
run amt.auditlog.export directory=/nonexistent
like "export: no such directory" "$out" '"code":"conflict","message":"cannot make the file /nonexistent/audit-'

if command -v openssl >/dev/null; then
    (
        cd "$work" || exit 1
        openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj "/CN=Audit root" -days 30
        openssl req -newkey rsa:2048 -nodes -keyout sign.key -out sign.csr -subj "/CN=Audit signer"
        openssl x509 -req -in sign.csr -CA root.pem -CAkey root.key -CAcreateserial -out sign.pem -days 30
        openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -subj "/CN=Other" -days 30
        openssl rsa -in sign.key -traditional -outform DER | base64 -w 0 >key
        cat sign.pem root.pem >chain.pem
        chmod 0600 key
    ) 2>/dev/null
    run amt.auditlog.sign.set signing-key=@"$work/key" certificates=@"$work/other.pem"
    like "key: not its certificate" "$out" '"code":"bad-param","message":"the first certificate is not one of the signing key; nothing was changed'
    run amt.auditlog.sign.set signing-key=@"$work/key" certificates=@"$work/chain.pem" tls=off
    like "key: not in the clear" "$out" '"code":"tls","message":"the signing key was not sent'
    run amt.auditlog.sign.set signing-key=@"$work/key" certificates=@"$work/chain.pem" --record "$work/recording"
    is "key: set" "$(member replaced)" false
    [ -s "$work/recording" ] && ! grep -qF "$(cut -c 200-260 "$work/key")" "$work/recording" && ! grep -qF "$(cut -c 200-260 "$work/key")" "$work/out" "$work/err"
    result $? "key: not in the recording"
    run amt.auditlog.sign.set signing-key=@"$work/key" certificates=@"$work/chain.pem"
    is "key: set again" "$(member replaced)" true
    sleep 1 # exports have a second in their names
    run amt.auditlog.export directory="$work"
    file=$(member file)
    is "export: signed" "$(member signed)" true
    p run amt.auditlog.sign.verify file="$file" ca-file="$work/root.pem" -o jsonl -q
    is "verify: every check" "$(grep -o '"check":"[a-z]*","passed":[a-z]*' "$work/out" | sed 's/"check":"//; s/","passed":/ /' | tr '\n' ,)" \
        'count true,sum true,header true,hash true,signature true,chain true,'
    is "verify: signed" "$status $(member signed)" '0 true'
    p run amt.auditlog.sign.verify file="$file" ca-file="$work/other.pem" -o jsonl -q
    like "verify: another's root" "$out" '"check":"chain","passed":false'
    is "verify: and it fails" "$status" 1
    # whoever changes a record can make the sum anew, and not the hash that was signed
    python3 - "$file" "$work/forged.jsonl" <<'PYTHON' 2>/dev/null
import base64, hashlib, json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
record = bytearray(base64.b64decode(lines[2]["raw"]))
record[1] ^= 1
lines[2]["raw"] = base64.b64encode(bytes(record)).decode()
lines[-1]["sha256"] = hashlib.sha256(b"".join(base64.b64decode(l["raw"]) for l in lines if "raw" in l)).hexdigest()
open(sys.argv[2], "w").write("".join(json.dumps(l) + "\n" for l in lines))
PYTHON
    if [ -s "$work/forged.jsonl" ]; then
        p run amt.auditlog.sign.verify file="$work/forged.jsonl" -o jsonl -q
        is "verify: a forged record" "$status $(grep -o '"check":"[a-z]*","passed":false' "$work/out")" '1 "check":"hash","passed":false'
    else
        skip "python3 is not there: no record was forged"
    fi
    # what was signed, by openssl's own command
    if has_python; then
        python3 - "$file" "$work" <<'PYTHON'
import base64, json, struct, sys
s = [json.loads(l) for l in open(sys.argv[1])][-2]["signature"]
b = lambda name: base64.b64decode(s[name])
t = lambda name: bytes([len(s[name])]) + s[name].encode()
message = struct.pack(">4I", s["records"], s["start"], s["end"], s["generated"]) + b("uuid") + t("fqdn") + t("firmware") \
    + struct.pack(">I", s["security-version"]) + b("hash")
open(sys.argv[2] + "/message", "wb").write(message)
open(sys.argv[2] + "/signature", "wb").write(b("signature"))
PYTHON
        openssl x509 -in "$work/sign.pem" -noout -pubkey >"$work/public.pem"
        is "verify: by openssl" "$(openssl dgst -sha256 -verify "$work/public.pem" -signature "$work/signature" "$work/message")" 'Verified OK'
    fi
    sed 's/.*"raw":.*/&/;5d' "$file" >"$work/short.jsonl"
    p run amt.auditlog.sign.verify file="$work/short.jsonl" -o jsonl -q
    like "verify: a record is missing" "$out" '"code":"protocol","message":"line 5 of the file is no part of an exported audit log: expected the next record'
    sed '$d' "$file" >"$work/cut.jsonl"
    p run amt.auditlog.sign.verify file="$work/cut.jsonl" -o jsonl -q
    like "verify: cut short" "$out" '"check":"sum","passed":false,"found":"the last line is missing'
    run amt.auditlog.get
    unlike "export: a log that is locked takes no record of it" "$out" '"event":"exported"'
    invoke AMT_AuditLog ExportAuditLogSignature "{'SigningMechanism': <uint32 2>}"
    run amt.auditlog.get
    like "signature: put on record" "$out" '"event":"exported"'
else
    skip "openssl is not there: nothing was signed"
fi
p run amt.auditlog.sign.verify file=/nonexistent -o jsonl -q
like "verify: no such file" "$out" '"code":"bad-param","message":"cannot read the export'
stop_simulator

# ---- rights, and firmware without ----

start_simulator --count 2 --first $box --model amt12 --fault $box=realms:auditlog --fault $small=lacks:AMT_AuditLog
run amt.auditlog.get
like "an auditor may" "$out" '"outcome":"ok"'
sleep 1
run amt.auditlog.export directory="$work"
like "an auditor may export, and sees no UUID" "$out" "\"file\":\"$work/audit-$box-"
run amt.power.get
like "an auditor may not more" "$out" '"outcome":"failed"'
run amt.auditlog.get $small
like "no audit log" "$out" '"code":"not-supported","message":"this firmware has no audit log'
stop_simulator
finish
