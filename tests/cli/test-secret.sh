#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A secret shows nowhere: not in results, messages, log or recording, and not on the command line.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern dummy
secret='s3cr3t<"&value/47'
printf '%s\n' "$secret" >"$work/secret"
chmod 0600 "$work/secret"
everything=$work/everything

# seen: keep what was written for the search at the end
seen() {
    cat "$work/out" "$work/err" >>"$everything"
}

p run dummy.echo text=x secret=@"$work/secret" a -o jsonl -vv
is "secret from a file" "$status" 0
seen
SECRET=$secret p run dummy.echo text=x secret=env:SECRET a -vv
is "secret from the environment" "$status" 0
seen
"$postern" --config "$config" run dummy.echo text=x secret=fd:5 a -vv -o json 5<"$work/secret" >"$work/out" 2>"$work/err"
is "secret from a descriptor" $? 0
seen
# a task that is careless with what it was given
for format in table json jsonl csv; do
    p run dummy.echo text="$secret" secret=@"$work/secret" a -vv -o $format
    like "$format: masked in the result" "$out" "******"
    seen
    p run dummy.fail message="found $secret there" code=13 a -vv -o $format -c "dummy.login:user=x,password=@$work/secret"
    seen
done
p run dummy.login.check -c "dummy.login:user=x,password=@$work/secret" a -vv -o jsonl --record "$work/recording"
like "a wrong password is an auth error" "$out" '"code":"auth"'
seen
[ -f "$work/recording" ] && cat "$work/recording" >>"$everything"

"$postern" --config "$config" run dummy.sleep ms=1500 -c "dummy.login:user=x,password=@$work/secret" a >"$work/out" 2>&1 &
pid=$!
sleep 0.5
tr '\0' '\n' <"/proc/$pid/cmdline" >>"$everything"
wait $pid
seen

[ "$(wc -c <"$everything")" -gt 500 ]
result $? "there was something to search"
for form in "$secret" 's3cr3t&lt;&quot;&amp;value/47' 's3cr3t<\"&value/47' 's3cr3t%3C%22%26value%2F47' 's3cr3t<""&value/47' \
    "$(printf %s "$secret" | base64)"; do
    ! grep -qF -- "$form" "$everything"
    result $? "the secret is nowhere, as ${form:0:4}... (${#form} bytes)"
done
finish
