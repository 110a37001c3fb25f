#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Roles: who may run what on which machines, why not, and that runs keep to it.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern
roles=$work/etc/roles.d
mkdir "$roles"
me=$(id -un 2>/dev/null) || me=uid:$(id -u)

# role NAME TASKS COLLECTIONS MEMBERS
role() {
    printf '[role]\nsummary = of the test\ntasks = %s\ncollections = %s\nmembers = %s\n' "$2" "$3" "$4" >"$roles/$1.conf"
}

# ---- open ----
role ready 'amt.*' all ''
p access list
is "list: status" "$status" 0
like "list: a role" "$out" "ready"
like "list: nobody is bound" "$err" "no role has members"
p access check alice dummy.ok lab-7
is "open: status" "$status" 0
like "open: why" "$out" "no role has members"
p run dummy.ok lab-7
is "open: runs" "$status" 0

# ---- bound ----
role power 'amt.power.?et, dummy.ok' all "alice, %root"
role lab 'dummy.echo' 'lab, kiosks' "bob"
role console 'dummy.s*' all ''
p access list -o jsonl
like "list: members" "$out" '"name":"power","summary":"of the test","members":["alice","%root"],"collections":["all"],"tasks":["amt.power.?et","dummy.ok"]'
is "list: nothing to say" "$err" ""
p access check alice amt.power.set lab-7 -o jsonl
is "check: allowed: status" "$status" 0
like "check: allowed" "$out" '{"user":"alice","task":"amt.power.set","target":"lab-7","verdict":"allowed","role":"power","reason":"role power grants it"}'
p access check nobody-we-know dummy.sleep lab-7
is "check: no role: status" "$status" 1
like "check: no role" "$out" "nobody-we-know is in no role"
like "check: which would" "$out" "roles that grant it: console"
p access check alice dummy.sleep lab-7
is "check: not that task: status" "$status" 1
like "check: not that task" "$out" "alice has role power, which does not grant it"
p access check alice dummy.sleeep lab-7
is "check: unknown task: status" "$status" 2
like "check: unknown task" "$err" "did you mean 'dummy.sleep'"
p access check alice dummy.ok 10.0.0.1-10.0.0.3 -o csv
is "check: a range" "$(grep -c ',allowed,power,' "$work/out")" 3
p access check alice dummy.ok 10.0.0.300/99
is "check: no target: status" "$status" 2

# ---- collections ----
p machine add kiosk-1 address=127.0.9.1
is "collections: a machine" "$status" 0
p collection save lab lab-7 10.7.0.0/28
is "collections: a list" "$status" 0
p access check bob dummy.echo lab-7
is "collections: in the list" "$status" 0
p access check bob dummy.echo 10.7.0.3
is "collections: in a network of the list" "$status" 0
p access check bob dummy.echo lab-8
is "collections: not in it: status" "$status" 1
like "collections: not in it" "$out" "role lab grants it, but not on this target: that is in none of lab, kiosks"
p config check
is "collections: one that is not there: status" "$status" 0
like "collections: one that is not there" "$out" "there is no collection kiosks"
p collection save kiosks query='name ~ kiosk-*'
p access check bob dummy.echo kiosk-1
is "collections: a query" "$status" 0
p access check bob dummy.echo @lab -o csv
[ "$(wc -l <"$work/out")" -gt 10 ]
result $? "collections: there are members"
is "collections: each member is allowed" "$(grep -c ',allowed,lab,' "$work/out")" "$(($(wc -l <"$work/out") - 1))"

# ---- runs ----
role power 'dummy.ok' 'lab' "$me"
p run dummy.ok lab-7 -o jsonl
is "run: allowed" "$status" 0
p run dummy.ok lab-7 lab-8 -o jsonl
is "run: one of two: status" "$status" 1
like "run: one of two: ok" "$(grep lab-7 "$work/out")" '"outcome":"ok"'
like "run: one of two: refused" "$(grep lab-8 "$work/out")" '"code":"forbidden"'
like "run: why" "$out" "$me may not run dummy.ok on lab-8"
p run dummy.echo text=x lab-7
is "run: none: status" "$status" 1
p log --outcome denied -o jsonl
is "run: refusals are on record" "$(grep -c '"denied"' "$work/out")" 2

# ---- files ----
chmod 0666 "$roles/power.conf"
p run dummy.ok lab-7
is "files: writable by others: status" "$status" 3
like "files: writable by others" "$err" "chmod go-w $roles/power.conf"
chmod 0644 "$roles/power.conf"
printf '[role]\nmember = alice\n' >"$roles/lab.conf"
p run dummy.ok lab-7
is "files: mistake: status" "$status" 3
like "files: mistake" "$err" "$roles/lab.conf:2: "
like "files: nearest" "$err" "did you mean 'members'"
finish
