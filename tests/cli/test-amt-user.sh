#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Accounts of simulated machines: listed, made, changed, removed, compared with a list; what an account lacks is said by name;
# and the administrator's password changes without a moment in which nobody has it.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
[ -x "$simulator" ] || skip_all "no simulator in this build"
configure_postern amt
net=127.86.1

# secret NAME TEXT: a file that only we read
secret() {
    printf '%s\n' "$2" >"$work/$1"
    chmod 0600 "$work/$1"
}
secret operator 'Oper-4711!'
secret other 'Other-4712!'

# code: the word of the error in $out
code() {
    sed -n 's/.*"error":{"code":"\([a-z-]*\)".*/\1/p' "$work/out"
}

# result: what came out of a run, without its row lines
result_of() {
    sed -n 's/.*"result":\({.*}\),"attempts".*/\1/p' "$work/out"
}

# account NAME: the row of it that amt.user.list hands out
account() {
    p run amt.user.list "$1" -c "$login" -o jsonl -q
    sed -n "s/.*\"row\":\({[^{}]*\"name\":\"$2\"[^{}]*}\).*/\1/p" "$work/out"
}

start_simulator --count 12 --first $net.1 --model amt12 --tls off --fault $net.9=lost-answer --fault $net.10=delay:1500

# ---- listing ----
p run amt.user.list $net.1 -c "$login" -o jsonl
is "the list: status" "$status" 0
is "the administrator, and that it is not the factory's" "$(result_of)" '{"admin":"admin","admin-default":false,"accounts":1}'
is "the firmware's own account" "$(account $net.1 '$$OsAdmin')" \
    '{"handle":1,"name":"$$OsAdmin","kind":"system","realms":["local-system"],"access":"local","enabled":true}'

# ---- making ----
p run amt.user.add $net.1 -c "$login" name=operator "realms=['remote-control','general-info']" "password=@$work/operator" -o jsonl
is "an account is made" "$(result_of)" \
    '{"handle":2,"name":"operator","kind":"digest","realms":["remote-control","general-info"],"access":"any","enabled":true,"changed":true}'
unlike "no password in the answer" "$out$err" 4711
p run amt.user.add $net.1 -c "$login" name=operator "realms=['remote-control']" "password=@$work/operator" -o jsonl
is "the same again" "$(code)" conflict
like "what to do" "$out" 'there is an account operator already; amt.user.set changes it'
p run amt.user.add $net.1 -c "$login" name=admin "realms=['remote-control']" "password=@$work/operator" -o jsonl
is "the administrator's name" "$(code)" conflict
p run amt.user.add $net.1 -c "$login" name=S-1-5-21-2127521184-1604012920-1887927527-72713 "realms=['redirection']" access=network -o jsonl
is "a Kerberos account" "$(result_of)" \
    '{"handle":3,"name":"S-1-5-21-2127521184-1604012920-1887927527-72713","kind":"kerberos","realms":["redirection"],"access":"network","enabled":true,"changed":true}'
while read -r name realms words; do
    p run amt.user.add $net.1 -c "$login" "name=$name" "realms=['$realms']" "password=@$work/operator" -o jsonl
    is "$name $realms: the code" "$(code)" bad-param
    like "$name $realms: the words" "$out" "$words"
done <<'TABLE'
seventeen-letters remote-control has 17 characters, AMT takes 1 to 16
a:b remote-control character 2 is not among those that AMT takes
$$mine remote-control is an account of the firmware's own
S-1-5 remote-control is no SID
x no-such-realm there is no realm 'no-such-realm'; there are: redirection, administration,
TABLE
secret weak 'password'
p run amt.user.add $net.1 -c "$login" name=x "realms=['remote-control']" "password=@$work/weak" -o jsonl
is "a weak password" "$(code)" bad-param
like "a weak password: what is wanted" "$out" '8 to 32 characters of printable ASCII, at least one small letter'
p run amt.user.add $net.1 -c "$login" name=x "realms=['remote-control']" password=Oper-4711! -o jsonl
is "a password on the command line is refused" "$status" 2
p run amt.user.add $net.1 -c "$login" name=x "realms=['remote-control']" -o jsonl
is "no password at all" "$(code)" bad-param
for n in 1 2 3 4 5 6; do
    p run amt.user.add $net.2 -c "$login" name=user$n "realms=['general-info']" "password=@$work/operator" -o jsonl
done
p run amt.user.add $net.2 -c "$login" name=off "realms=['general-info']" enabled=false "password=@$work/operator" -o jsonl
like "the seventh, switched off" "$(result_of)" '"enabled":false,"changed":true'
p run amt.user.add $net.2 -c "$login" name=user8 "realms=['general-info']" "password=@$work/operator" -o jsonl
is "no room for an eighth" "$(code)" conflict
like "no room: why" "$out" 'there are 7 accounts with passwords beside the administrator, and AMT has room for 7'

# ---- changing ----
p run amt.user.set $net.1 -c "$login" name=operator "realms=['remote-control','general-info','redirection']" access=network -o jsonl
is "other realms" "$(result_of)" \
    '{"handle":2,"name":"operator","kind":"digest","realms":["redirection","remote-control","general-info"],"access":"network","enabled":true,"changed":true}'
p run amt.user.set $net.1 -c "$login" name=operator access=network -o jsonl
like "what is so already is not written" "$(result_of)" '"changed":false'
p run amt.user.set $net.1 -c "$login" name=nobody access=network -o jsonl
is "an account that is not there" "$(code)" conflict
p run amt.user.set $net.1 -c "$login" name=admin enabled=false -o jsonl
like "the administrator is not touched" "$out" 'admin is the administrator'
p run amt.user.set $net.1 -c "$login" 'name=$$OsAdmin' enabled=false -o jsonl
like "the firmware's own is switched off" "$(result_of)" '"kind":"system","realms":["local-system"],"access":"local","enabled":false,"changed":true'
p run amt.user.set $net.1 -c "$login" 'name=$$OsAdmin' access=any -o jsonl
is "and nothing else" "$(code)" bad-param
operator=amt.digest:user=operator,password=@$work/operator
p run amt.power.get $net.1 -c "$operator" -o jsonl
is "it logs in with its password" "$(code)$status" 0
p run amt.user.password $net.1 -c "$login" name=operator "password=@$work/other" -o jsonl
is "another password" "$status" 0
p run amt.power.get $net.1 -c "$operator" -o jsonl
is "the old one is out" "$(code)" auth
operator=amt.digest:user=operator,password=@$work/other
p run amt.power.get $net.1 -c "$operator" -o jsonl
is "the new one is in" "$(code)$status" 0

# ---- what an account lacks ----
p run amt.features.get $net.1 -c "$operator" -o jsonl
is "a right that it has" "$(code)$status" 0
p run amt.user.list $net.1 -c "$operator" -o jsonl
is "a right that it has not, known before: the code" "$(code)" forbidden
like "known before: what is missing" "$out" \
    'amt.user.list needs realm administration (PT Administration), which account operator does not have, as of 20'
like "known before: how to look again" "$out" "the device was not asked. If that has changed: postern run amt.user.list $net.1, as an administrator"
p run amt.user.set $net.1 -c "$login" name=operator "realms=['general-info','administration']" -o jsonl
is "more rights through us" "$status" 0
p run amt.user.list $net.1 -c "$operator" -o jsonl
is "are known at once" "$status" 0

# ---- and what amt.diagnose found that it lacks ----
p run amt.user.add $net.8 -c "$login" name=viewer "realms=['general-info','hardware-asset']" "password=@$work/other" -o jsonl
viewer=amt.digest:user=viewer,password=@$work/other
export XDG_STATE_HOME=$work/another # who has seen no list
p run amt.diagnose $net.8 -c "$viewer" -o jsonl --timeout 30s
p run amt.features.get $net.8 -c "$viewer" -o jsonl
is "lacking, found by the diagnosis: the code" "$(code)" forbidden
like "lacking, found by the diagnosis: what" "$out" \
    'amt.features.get needs realm redirection (Redirection), which account viewer does not have, as of 20'
p run amt.general.get $net.8 -c "$viewer" -o jsonl
is "what it has goes on" "$status" 0
export XDG_STATE_HOME=$work/state

# ---- our own account ----
for change in enabled=false "realms=['general-info']" access=local; do
    p run amt.user.set $net.1 -c "$operator" name=operator "$change" -o jsonl
    is "we do not shut ourselves out: $change" "$(code)" conflict
done
like "and say how it is done" "$out" 'operator is the account that we are logged in with, and local access only could lock us out; nothing was changed. self=true'
p run amt.user.remove $net.1 -c "$operator" name=operator --yes -o jsonl
is "nor remove ourselves" "$(code)" conflict
p run amt.user.remove $net.1 -c "$operator" name=operator self=true --yes -o jsonl
is "unless it is meant" "$(result_of)" '{"removed":true}'
is "then it is gone" "$(account $net.1 operator)" ''
p run amt.user.remove $net.1 -c "$login" name=operator --yes -o jsonl
is "what is not there is not removed" "$(result_of)" '{"removed":false}'
p run amt.user.remove $net.1 -c "$login" name=S-1-5-21-2127521184-1604012920-1887927527-72713 --yes -o jsonl
is "a Kerberos account is removed" "$(result_of)" '{"removed":true}'
p run amt.user.remove $net.1 -c "$login" name=admin --yes -o jsonl
is "the administrator is not" "$(code)" conflict

# ---- a device that refuses, without anybody having known ----
p run amt.user.add $net.3 -c "$login" name=reader "realms=['general-info']" "password=@$work/other" -o jsonl
reader=amt.digest:user=reader,password=@$work/other
# forget: what is known of machines is not in this store
cp "$work/etc/postern.conf" "$work/etc/none.conf"
config=$work/etc/none.conf XDG_STATE_HOME=$work/elsewhere p run amt.features.set sol=false $net.3 -c "$reader" -o jsonl
is "refused with the first question: it could be the password as well" "$(code)" auth
config=$work/etc/none.conf XDG_STATE_HOME=$work/elsewhere2 p run amt.general.set answers-ping=false $net.3 -c "$reader" -o jsonl
is "refused behind an answer: the code" "$(code)" forbidden
like "refused behind an answer: what is missing" "$out" \
    'amt.general.set needs realm administration (PT Administration), which account reader seems not to have'

# ---- nothing of a password shows, not even its digest ----
p run amt.user.add $net.7 -c "$login" name=operator "realms=['general-info']" "password=@$work/operator" --record "$work/recording" -o jsonl
is "recording: status" "$status" 0
[ -s "$work/recording" ] && grep -q DigestPassword "$work/recording" && ! grep -q 4711 "$work/recording"
result $? "recording: no password"
grep -o 'DigestPassword>.\{8\}' "$work/recording" | cut -d '>' -f 2 | sort -u >"$work/digests"
is "recording: no digest of one" "$(head -n 1 "$work/digests")" '******</'
p run amt.user.add $net.7 -c "$login" name=operator "realms=['general-info']" "password=@$work/operator" --replay "$work/recording" -o jsonl
is "replay: the same without the machine" "$status" 0
p log --task 'amt.user.add' -o jsonl
unlike "the journal has no password" "$out" 4711

# ---- drift ----
cat >"$work/wanted" <<'TEXT'
# who there should be
operator    remote-control,general-info
reader      general-info,event-log-reader  access=network   # from outside only
S-1-5-21-1-2-3-512  administration
TEXT
p run amt.user.add $net.4 -c "$login" name=reader "realms=['general-info','redirection']" "password=@$work/other" -o jsonl
p run amt.user.add $net.4 -c "$login" name=stranger "realms=['administration']" "password=@$work/other" -o jsonl
p run amt.account.drift $net.4 -c "$login" "file=$work/wanted" -o jsonl -q
is "drift: what is found" "$(result_of)" \
    '{"in-step":false,"missing":["operator","S-1-5-21-1-2-3-512"],"different":["reader"],"foreign":["stranger"]}'
row() {
    sed -n "s/.*\"row\":\({\"account\":\"$1\"[^{}]*}\).*/\1/p" "$work/out"
}
is "drift: which realms" "$(row reader)" \
    '{"account":"reader","state":"different","realms-less":["event-log-reader"],"realms-more":["redirection"],"access":"any","enabled":true,"changed":false}'
is "drift: who is foreign" "$(row stranger)" \
    '{"account":"stranger","state":"foreign","realms-less":[],"realms-more":["administration"],"access":"any","enabled":true,"changed":false}'
p run amt.account.drift $net.4 -c "$login" "file=$work/wanted" apply=true -o jsonl -q
is "drift: none is made without a password" "$(code)" bad-param
is "drift: and none was changed" "$(account $net.4 reader)" \
    '{"handle":2,"name":"reader","kind":"digest","realms":["redirection","general-info"],"access":"any","enabled":true}'
p run amt.account.drift $net.4 -c "$login" "file=$work/wanted" apply=true "password=@$work/operator" -o jsonl -q
is "drift: applied" "$(row operator)$(row reader)" \
    '{"account":"operator","state":"missing","realms-less":["remote-control","general-info"],"realms-more":[],"changed":true}{"account":"reader","state":"different","realms-less":["event-log-reader"],"realms-more":["redirection"],"access":"any","enabled":true,"changed":true}'
p run amt.account.drift $net.4 -c "$login" "file=$work/wanted" -o jsonl -q
is "drift: only the foreign is left" "$(result_of)" '{"in-step":false,"missing":[],"different":[],"foreign":["stranger"]}'
p run amt.power.get $net.4 -c "amt.digest:user=operator,password=@$work/operator" -o jsonl
is "drift: the account that was made works" "$status" 0
p run amt.account.drift $net.4 -c "amt.digest:user=stranger,password=@$work/other" "accounts=[{'name': <'stranger'>, 'realms': <['general-info']>}]" \
    apply=true -o jsonl -q
is "drift: not our own account" "$(code)" conflict
p run amt.account.drift $net.4 -c "$login" "accounts=[{'name': <'a'>, 'realms': <['general-info']>, 'colour': <'red'>}]" -o jsonl -q
is "drift: a member that is none" "$(code)" bad-param
printf 'a general-info\na redirection\n' >"$work/twice"
p run amt.account.drift $net.4 -c "$login" "file=$work/twice" -o jsonl -q
like "drift: a name that comes twice" "$out" "twice: line 2: account a is named twice"
p run amt.account.drift $net.4 -c "$login" -o jsonl -q
is "drift: from nothing" "$(code)" bad-param

# ---- the administrator's password ----
# tried DESCRIPTION ADDRESS EXPECTED [OPTION...]: does what is stored for the machine let us in?
tried() {
    p run amt.power.get "$2" -o jsonl "${@:4}"
    is "$1" "$(code)$status" "$3"
}
p run amt.admin.password $net.5 -c "$login" -o jsonl
is "the administrator's password is asked about" "$status" 4
p run amt.admin.password $net.5 -c "$login" --yes -o jsonl
is "a password that the host made" "$(sed 's/host-[0-9.]*/HOST/' <<<"$(result_of)")" '{"user":"admin","stored":"profile HOST"}'
tried "it is stored and in force" $net.5 0
XDG_STATE_HOME=$work/elsewhere tried "the old one is not" $net.5 auth1 -c "$login"
p run amt.admin.password $net.5 --yes -o jsonl
is "and once more, with what is stored" "$status" 0
tried "the second is in force" $net.5 0
p credential list -o jsonl
unlike "nothing is left pending" "$out" '.next'
unlike "it is no machine's default" "$out" '"default":true'
tried "no other machine gets it" $net.6 auth1
secret mine 'Mine-4713!'
p run amt.admin.password $net.6 -c "$login" --yes "new-password=@$work/mine" -o jsonl
is "a password that we choose" "$status" 0
tried "it is what we chose" $net.6 0 -c "amt.digest:user=admin,password=@$work/mine"
p run amt.admin.password $net.6 -c "$login" --yes "new-password=@$work/weak" -o jsonl
is "a weak one" "$(code)" bad-param
p run amt.admin.password $net.4 -c "amt.digest:user=stranger,password=@$work/other" --yes -o jsonl
is "as somebody else" "$(code)" conflict
like "as somebody else: why" "$out" 'the administrator is admin, and we are logged in as stranger'
p run amt.admin.password $net.9 -c "$login" --yes -o jsonl
is "the answer is lost: found out by logging in" "$status" 0
p run amt.general.get $net.9 -o jsonl
is "and it is in force" "$status" 0
# our own end between the change and its answer: the device has the new password, and we are gone
"$postern" --config "$config" run amt.admin.password $net.10 -c "$login" --yes -o jsonl >/dev/null 2>&1 </dev/null &
victim=$!
for _ in $(seq 100); do
    "$postern" --config "$config" credential list -o jsonl 2>/dev/null | grep -qF 'host-127.86.1.10.next' && break
    sleep 0.1
done
sleep 0.7
kill -KILL $victim
wait $victim 2>/dev/null
XDG_STATE_HOME=$work/elsewhere tried "ended in between: the old password is out" $net.10 auth1 -c "$login"
tried "ended in between: what was pending lets us in" $net.10 0
p run amt.admin.password $net.10 --yes -o jsonl
is "ended in between: and it can be changed again" "$(sed 's/machine-[0-9]*/machine-N/' <<<"$(result_of)")" '{"user":"admin","stored":"profile machine-N"}'
p credential list -o jsonl
unlike "ended in between: nothing is pending any more" "$out" '.next'
stop_simulator
is "SetAdminAclEntryEx was asked once of each" "$(grep -o SetAdminAclEntryEx "$work/state.jsonl" | wc -l)" 6

# ---- as it left the factory ----
secret factory admin
start_simulator --count 1 --first $net.1 --model amt8 --tls off --password-file "$work/factory"
p run amt.user.list $net.1 -c "amt.digest:user=admin,password=@$work/factory" -o jsonl -q
# the word admin is a secret here, so it is masked wherever it stands
is "an administrator as the factory has it, and no system account on old firmware" "$(result_of)" \
    '{"******":"******","******-default":true,"accounts":0}'
stop_simulator

# ---- an account for power alone, at a machine whose UUID is known ----
start_simulator --count 1 --first $net.40 --model amt16 --seed 7
p run amt.inventory.get groups=system $net.40 -c "$login" -q
p run amt.user.add $net.40 -c "$login" name=switch "realms=['remote-control']" "password=@$work/operator" -q
is "an account for power alone" "$status" 0
p machine list -o jsonl
like "the machine is known" "$out" '"uuid":'
p run amt.power.set state=reset force=true $net.40 -c "amt.digest:user=switch,password=@$work/operator" --yes -o jsonl
is "it may switch, although it may not ask for the UUID" "$status" 0
like "and that nothing was compared is told" "$(cat "$work/err")" 'whether this is the machine that is known here was not looked up'
finish
