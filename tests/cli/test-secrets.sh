#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A secret shows nowhere: a full run with stored, given and exported logins, a task that is careless with what it was given,
# and failures of all kinds; then everything it wrote is searched: output, messages, logs, recordings, the journal, the store
# with its log, the key, the exported file and the command lines, for every secret in every form in which it could show.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern
start_simulator --count 3 --first 127.47.0.1 --model amt12 --fault 127.47.0.2=401-forever
secret='s3cr3t<"&value/47'
wrong='Wr0ng-pass&47'
passphrase='a long <phrase> & no less'
sim_password='Sim-Pass-47!'
# what is secret is kept apart, so that all the rest can be searched
mkdir -m 0700 "$work/secret"
printf '%s\n' "$secret" >"$work/secret/plain"
printf '%s\n' "$wrong" >"$work/secret/wrong"
printf '%s\n' "$passphrase" >"$work/secret/passphrase"
printf '%s\n' "$passphrase-not" >"$work/secret/not-passphrase"
mv "$work/password" "$work/secret/password"
chmod 0600 "$work/secret"/*
everything=$work/everything
runs=0

# q ARGUMENT...: run the command, keep what it wrote, and look at how it was called
q() {
    p "$@" -vv
    runs=$((runs + 1))
    { printf 'postern %s\n' "$*"; cat "$work/out" "$work/err"; } >>"$everything"
}

q run dummy.echo text=x secret=@"$work/secret/plain" a -o jsonl
is "secret parameter from a file" "$status" 0
SECRET=$secret q run dummy.echo text=x secret=env:SECRET a
is "from the environment" "$status" 0
"$postern" --config "$config" run dummy.echo text=x secret=fd:5 a -vv -o json 5<"$work/secret/plain" >"$work/out" 2>"$work/err"
is "from a descriptor" $? 0
cat "$work/out" "$work/err" >>"$everything"
q run dummy.echo text=x secret="$secret" a
is "in the clear it is refused" "$status" 2
# a task that is careless with what it was given
for format in table json jsonl csv; do
    q run dummy.echo text="say $secret" secret=@"$work/secret/plain" a -o $format
    like "$format: masked in the result" "$out" "******"
    q run dummy.fail message="found $secret there" code=13 a -o $format -c "dummy.login:user=x,password=@$work/secret/plain"
done
# the words of the task's own parameter are ours: what is searched for must come from the program
sed -i '/^postern run dummy\.\(echo\|fail\)/d' "$everything"

q credential add lab amt.digest:user=admin,password=@"$work/secret/password"
is "a stored login" "$status" 0
q credential add lab dummy.login:user=x,password=@"$work/secret/plain"
q credential add bad amt.digest:user=admin,password=@"$work/secret/wrong"
SECRET=$wrong q credential rotate bad amt.digest:password=env:SECRET
is "rotated" "$status" 0
for format in table json; do
    q credential list -o $format
    q credential show lab -o $format
    q credential show bad -o $format
done
q run amt.inventory.get 127.47.0.1-3 -o jsonl
like "logged in with it" "$out" '"outcome":"ok"'
q run amt.power.get 127.47.0.1 --profile bad --record "$work/recording-1"
q run amt.power.get 127.47.0.1-3 --record "$work/recording-2" -o json
q run dummy.login.check a -o jsonl
like "a wrong password is an auth error" "$out" '"code":"auth"'
q run dummy.login.check -c "dummy.login:user=x,password=@$work/secret/wrong" b -o jsonl --record "$work/recording-3"
q credential test 127.47.0.1
q credential test 127.47.0.2 --profile bad
q diagnose 127.47.0.1 127.47.0.2 -o json
q credential export "$work/profiles.json" passphrase=@"$work/secret/passphrase"
is "exported" "$status" 0
q credential import "$work/profiles.json" passphrase=@"$work/secret/not-passphrase"
q credential remove lab --yes
q credential import "$work/profiles.json" passphrase=@"$work/secret/passphrase"
q store rekey --yes
is "sealed anew" "$status" 0
q store backup "$work/backup.db"
q config show --effective
q log -o json
q log
q log verify
q machine list
q machine export
"$postern" --config "$config" run dummy.sleep ms=1500 -c "dummy.login:user=x,password=@$work/secret/plain" a >"$work/out" 2>&1 &
pid=$!
sleep 0.5
tr '\0' '\n' <"/proc/$pid/cmdline" >>"$everything"
wait $pid
[ -s "$work/recording-2" ]
result $? "there is a recording"
[ -s "$work/state/postern/fleet.db" ] && [ -s "$work/state/postern/fleet.db.key" ]
result $? "there is a store, and a key"
[ "$runs" -gt 30 ] && [ "$(wc -c <"$everything")" -gt 5000 ]
result $? "there was something to search ($runs runs)"
python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/profiles.json"
result $? "the exported file is JSON"

# forms TEXT: as it is, in XML, JSON, CSV and percent coding, base64 at each offset, hex in both cases, UTF-16
forms() {
    python3 - "$1" <<'PYTHON'
import base64, html, json, sys, urllib.parse
text = sys.argv[1]
forms = {text, html.escape(text, quote=True), html.escape(text, quote=False), json.dumps(text)[1:-1], text.replace('"', '""'),
         urllib.parse.quote(text, safe=""), text.encode().hex(), text.encode().hex().upper()}
raw = text.encode()
for offset in range(3):
    coded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
    forms.add(coded[4 if offset else 0:-1])
for form in forms:
    print(form)
PYTHON
}
if has_python; then
    for one in "$secret" "$wrong" "$passphrase" "$sim_password"; do
        forms "$one" >"$work/secret/forms"
        # -a: the store is no text; --exclude-dir: the place where the secrets themselves are
        found=$(grep -raFl --exclude-dir=secret -f "$work/secret/forms" "$work")
        is "${one:0:4}... is nowhere, in $(wc -l <"$work/secret/forms") forms" "$found" ""
    done
else
    skip "no python3 to make the forms of secrets"
fi
# the search itself finds what is there
cp "$work/secret/plain" "$work/leak"
forms "$secret" >"$work/secret/forms"
found=$(grep -raFl --exclude-dir=secret -f "$work/secret/forms" "$work")
is "the search would find a leak" "$found" "$work/leak"
finish
