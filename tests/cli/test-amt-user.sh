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

start_simulator --count 12 --first $net.1 --model amt12 --tls off --fault $net.9=lost-answer --fault $net.10=return:2054 \
    --fault $net.11=return:1

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
finish
