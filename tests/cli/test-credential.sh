#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stored logins: what is put in, what shows, what never does; tried, moved to another store, sealed with another key.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern
export FIRST_PASSWORD=first-Passw0rd OTHER_PASSWORD=other-Passw0rd GUEST=tseug PHRASE=a-long-Passw0rd-phrase SHORT=short

p credential add lab amt.digest:user=admin,password=env:FIRST_PASSWORD
is "add" "$status$err" 0
p credential add lab amt.digest:user=admin,password=env:OTHER_PASSWORD
is "a second one of its type: refused" "$status" 1
like "a second one of its type: rotate is named" "$err" "credential rotate"
p credential add lab amt.digest:user=admin,password=plain-Passw0rd
is "a secret in the clear: refused" "$status" 2
unlike "a secret in the clear: not shown" "$err" plain-Passw0rd
p credential add home dummy.login:password=env:OTHER_PASSWORD
p credential list -o csv
is "list: the first is the default" "$(tr '\n' ' ' <"$work/out")" "profile,default,types home,,dummy.login lab,default,amt.digest "
p credential rotate lab amt.digest:password=env:OTHER_PASSWORD
is "one field is replaced" "$status$err" 0
p credential show lab
like "the other stays" "$out" "user=admin password=******"
p credential add lab wmi.login:user=x
is "a type that no plugin brings: refused" "$status" 2
like "a type that no plugin brings: named" "$err" "wmi.login"
p credential default nobody
is "no such profile" "$status" 2
p credential default home
is "default" "$status$err" 0
p credential list -o jsonl
like "default: one at a time" "$(grep '"default":true' "$work/out" | tr '\n' ' ')" '"home"'

# ---- tried ----
p credential test 10.7.0.1 -o csv
is "test: refused: status" "$status" 1
like "test: refused" "$out" "profile home,dummy.login,refused,"
p credential test 10.7.0.1 -o csv
like "test: not sent again" "$out" "profile home,dummy.login,not tried,"
p credential test 10.7.0.1 --again -o csv
like "test: sent again when told" "$out" "profile home,dummy.login,refused,"
p credential rotate home dummy.login:password=env:GUEST
p credential test 10.7.0.1 -o csv
is "test: accepted: status" "$status" 0
like "test: accepted" "$out" "profile home,dummy.login,accepted,"
p credential show home
like "show: where it was accepted" "$out" "1 machine, last "
p run dummy.login.check 10.7.0.1 -o jsonl
is "a task is let in" "$status" 0

# ---- moved ----
p credential export "$work/profiles" passphrase=env:SHORT
is "export: a short passphrase" "$status" 2
p credential export "$work/profiles" passphrase=in-the-clear-Passw0rd
is "export: one in the clear" "$status" 2
unlike "export: which is not shown" "$err" in-the-clear
p credential export "$work/profiles" passphrase=env:PHRASE
is "export" "$status:$(stat -c %a "$work/profiles")" 0:600
like "export: how many" "$err" "2 profiles"
p credential export "$work/profiles" passphrase=env:PHRASE
is "export replaces nothing" "$status:$(stat -c %a "$work/profiles")" 1:600
p credential import "$work/profiles" passphrase=env:PHRASE
is "import changes no profile that is there" "$status" 1
XDG_STATE_HOME=$work/other p credential import "$work/profiles" passphrase=env:FIRST_PASSWORD
is "import: wrong passphrase" "$status" 1
like "import: wrong passphrase: says so" "$err" "$work/profiles: the passphrase is wrong"
XDG_STATE_HOME=$work/other p credential list -o jsonl
is "import: nothing was taken in" "$status$out" 0
XDG_STATE_HOME=$work/other p credential import "$work/profiles" passphrase=env:PHRASE
is "import" "$status" 0
XDG_STATE_HOME=$work/other p credential list -o csv
is "import: all of them" "$(tr '\n' ' ' <"$work/out")" "profile,default,types home,default,dummy.login lab,,amt.digest "
XDG_STATE_HOME=$work/other p run dummy.login.check 10.7.0.1 -o jsonl
is "import: as they were" "$status" 0

# ---- another key ----
key=$(find "$work/state" -name '*.key')
cp "$key" "$work/key.before"
p store rekey
is "rekey asks" "$status" 4
p store rekey --yes
is "rekey" "$status$err" 0
cmp -s "$key" "$work/key.before"
is "the key is another" $? 1
p run dummy.login.check 10.7.0.1 -o jsonl
is "what is sealed is read" "$status" 0
cp "$key" "$work/key.now"
cp "$work/key.before" "$key"
p credential show lab
is "not with the old key" "$status" 1
like "not with the old key: says which" "$err" "was sealed with key"
cp "$work/key.now" "$key"
chmod 0644 "$key"
p credential show lab
like "a key that others can read is refused" "$err" "0644"
chmod 0600 "$key"

is "nothing at rest tells a secret" "$(grep -rlaE 'Passw0rd|tseug' "$work/state" "$work/other" "$work/profiles")" ""
p log -o jsonl
unlike "nor does the journal" "$out" Passw0rd
like "which has each change" "$out" "credential rotate"
p credential remove lab
is "remove asks" "$status" 4
p credential remove lab amt.digest --yes
is "remove one login" "$status$err" 0
p credential list -o jsonl
is "a profile without logins is gone" "$(wc -l <"$work/out")" 1
p credential remove home --yes
p credential list -o jsonl
is "nothing is left" "$status$out" 0
p credential add again dummy.login:user=x,password=env:GUEST
mv "$work/state/postern/fleet.db.key" "$work/key"
p run dummy.ok a
is "the key is gone: nothing runs" "$status" 3
like "the key is gone: said" "$err" "the key that seals stored secrets"
[ ! -e "$work/state/postern/fleet.db.key" ]
result $? "and no other one is made in its place"
mv "$work/key" "$work/state/postern/fleet.db.key"
p run dummy.ok a
is "it is back" "$status" 0
for type in snmp.v3 wmi.login asf.key; do
    p credential add later "$type:user=x"
    is "$type: a type of a plugin that is not there" "$status" 2
    like "$type: names the plugin" "$err" "plugin ${type%.*} would bring it"
done
finish
