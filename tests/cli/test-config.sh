#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# config check, show and template: what is wrong is told with its line, and what is printed can be read again.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern
etc=$work/etc

# ---- check ----
p config check
is "check: status" "$status" 0
like "check: postern.conf" "$out" "ok       $etc/postern.conf"
like "check: a plugin" "$out" "ok       $etc/plugins.d/dummy.conf"
like "check: the store is not there yet" "$out" "/fleet.db (not there yet"
[ ! -e "$work/state" ]
result $? "check: makes nothing"

printf '[plugin]\nload = yes\n[config]\ndepht = 4\n' >"$etc/plugins.d/dummy.conf"
printf '[plugin]\nload = perhaps\n' >"$etc/plugins.d/amt.conf"
printf '[plugin]\n' >"$etc/plugins.d/ghost.conf"
mkdir "$etc/roles.d"
printf '[role]\ntasks = dummy.*\n\ncolections = all\n' >"$etc/roles.d/odd.conf"
p config check
is "check: several mistakes: status" "$status" 3
like "check: key of a plugin" "$out" "problem  $etc/plugins.d/dummy.conf:4: "
like "check: nearest key" "$out" "did you mean 'depth'"
like "check: [plugin]" "$out" "problem  $etc/plugins.d/amt.conf:2: "
like "check: no such plugin" "$out" "plugin ghost is missing"
like "check: role" "$out" "problem  $etc/roles.d/odd.conf:4: "
is "check: each once" "$(grep -c '^problem' "$work/out")" 4
p tasks
is "a mistake still ends every other command" "$status" 3
rm "$etc/plugins.d/ghost.conf"
printf '[plugin]\nload = no\n[config]\ndepth = x\n' >"$etc/plugins.d/dummy.conf"
printf '[plugin]\nload = yes\n' >"$etc/plugins.d/amt.conf"
printf '[role]\ntasks = amt.power.*, nosuch.*\ncollections = all\nmembers = alice\n' >"$etc/roles.d/odd.conf"
p config check
like "check: a plugin that is not enabled" "$out" "problem  $etc/plugins.d/dummy.conf:4: "
like "check: pattern without task" "$out" "warning  $etc/roles.d/odd.conf: no task of an enabled plugin fits nosuch.*"
p plugins
is "a plugin that is not enabled binds nobody else" "$status" 0
printf '[plugin]\nload = no\n' >"$etc/plugins.d/dummy.conf"
printf 'not read\n' >"$etc/plugins.d/My_Plugin.conf"
p config check
like "check: a file that nobody reads" "$out" "warning  $etc/plugins.d/My_Plugin.conf: "
is "check: a warning is no problem" "$status" 0
chmod 0664 "$etc/roles.d/odd.conf"
p config check
is "check: role that others can write: status" "$status" 3
like "check: role that others can write" "$out" "chmod go-w $etc/roles.d/odd.conf"
chmod 0644 "$etc/roles.d/odd.conf"
printf '[fleet]\nstore = none\n' >>"$etc/postern.conf"
p config check
like "check: roles need a store" "$out" "roles have members and cannot be kept without a store"
printf 'store = twice\n' >>"$etc/postern.conf"
p config check
is "check: postern.conf: status" "$status" 3
like "check: postern.conf" "$out" "problem  $etc/postern.conf:5: "
like "check: what could not be checked" "$err" "plugins.d and the store were not checked"
rm -r "$etc"

# ---- show ----
configure_postern
printf '[plugin]\nload = yes\n[config]\npass-word = hunter2\n' >"$etc/plugins.d/ghost.conf"
p config show -o csv
is "show: status" "$status" 0
is "show: header" "$(head -n 1 "$work/out")" "file,section,key,value,from"
like "show: where from" "$out" ",plugin-path,$builddir/.libs,$etc/postern.conf:2"
unlike "show: no defaults" "$out" ",default"
unlike "show: nobody can say that it is no secret" "$out" "hunter2"
p config show --effective -o jsonl
like "show --effective" "$out" '"section":"fleet","key":"journal-keep-days","value":"365","from":"default"'
like "show --effective: a plugin's" "$out" '"section":"config","key":"depth","value":"3","from":"default"'
is "show --effective: each key once" "$(grep -c '"key":"plugin-path"' "$work/out")" 1
if has_python; then
    p config show --effective -o json
    python3 -c 'import json,sys; json.load(sys.stdin)' <"$work/out"
    result $? "show as json is JSON"
fi
rm "$etc/plugins.d/ghost.conf"

# ---- template ----
keys() { # the sections and keys of a file, set or commented out
    sed -nE 's/^\[([a-z]+)\]$/[\1]/p; s/^#? ?([a-z0-9-]+) =( .*)?$/\1/p' "$1"
}
uncommented() {
    sed -E 's/^#([a-z])/\1/' "$1"
}
p config template
is "template: status" "$status" 0
cp "$work/out" "$work/postern.conf"
is "template: has the keys of config/postern.conf" "$(keys "$work/postern.conf")" "$(keys "$srcdir/config/postern.conf")"
[ "$(keys "$work/postern.conf" | wc -l)" -gt 15 ]
result $? "template: which are many"
cp "$work/postern.conf" "$etc/postern.conf"
p config check
unlike "template: as it is" "$out" "$etc/postern.conf:"
like "template: as it is, it is sound" "$out" "ok       $etc/postern.conf"
# two keys exclude each other
uncommented "$work/postern.conf" | sed "/^key-credential/d; s|/path/to/|$work/set/|; s|^plugin-path =|& $builddir/.libs|" >"$etc/postern.conf"
p config check
is "template: every key set: status" "$status" 0
like "template: every key set" "$out" "ok       $etc/postern.conf"
p config show -o jsonl
is "template: every key set is every key" "$(grep -c '"section":"\(host\|fleet\)"' "$work/out")" \
    "$(($(keys "$work/postern.conf" | grep -vc '^\[') - 1))"
for plugin in amt dummy; do
    p config template $plugin
    is "template $plugin: status" "$status" 0
    cp "$work/out" "$work/plugin.conf"
    is "template $plugin: has the keys of config/plugins.d" "$(keys "$work/plugin.conf")" "$(keys "$srcdir/config/plugins.d/$plugin.conf")"
    cp "$work/plugin.conf" "$etc/plugins.d/$plugin.conf"
    p config check
    is "template $plugin: as it is" "$status" 0
    uncommented "$work/plugin.conf" | sed '/^sha256/d' >"$etc/plugins.d/$plugin.conf"
    p config check
    is "template $plugin: every key set" "$status" 0
done
rm "$etc/plugins.d/dummy.conf"
p config template dummy
like "template of a plugin that is not enabled" "$out" "#greeting = hello"
if [ -f "$builddir/.libs/dummy.so" ]; then
    printf '[plugin]\nload = no\nsha256 = %064d\n' 0 >"$etc/plugins.d/dummy.conf"
    p config template dummy
    is "template of a plugin that is not what it should be: not run: status" "$status" 2
    like "template of a plugin that is not what it should be: not run" "$err" "cannot say which keys it has"
    rm "$etc/plugins.d/dummy.conf"
else
    skip "plugins are linked in: they are what they are"
fi
p config template dumy
is "template: unknown plugin: status" "$status" 2
like "template: unknown plugin" "$err" "did you mean 'dummy'"

# ---- the roles that are installed ----
configure_postern
mkdir -p "$etc/roles.d"
cp "$srcdir"/config/roles.d/*.conf "$etc/roles.d"
chmod 0644 "$etc"/roles.d/*.conf
p config check
is "ready-made roles: status" "$status" 0
unlike "ready-made roles: no warnings" "$out" "warning"
p access list -o csv
is "ready-made roles: all are read" "$(($(wc -l <"$work/out") - 1))" "$(find "$srcdir/config/roles.d" -name '*.conf' | wc -l)"
like "ready-made roles: bind nobody" "$err" "no role has members"
finish
