#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whatever is wrong with the input gets the message that helps at 3 a.m., and the exit status for it.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern dummy

# bad NAME STATUS TEXT ARGUMENT...
bad() {
    local name=$1 expected=$2 text=$3
    shift 3
    p "$@"
    is "$name: status" "$status" "$expected"
    like "$name: message" "$err" "$text"
    is "$name: nothing on standard output" "$out" ""
}

bad "no verb" 2 "postern --help"
bad "unknown verb" 2 "unknown verb 'plugin' (did you mean 'plugins'?)" plugin
bad "half a verb" 2 "postern task --help" task
bad "unknown option" 2 "unknown option --max-paralel of run (did you mean 'max-parallel'?)" run dummy.ok a --max-paralel 3
bad "option without its value" 2 "--timeout needs a value: --timeout TIME" run dummy.ok a --timeout
bad "flag with a value" 2 "--yes takes no value" run dummy.ok a --yes=1
bad "no duration" 2 "'soon' is no duration: expected a number from 1ms to 168h" run dummy.ok a --timeout soon
bad "no rate" 2 "'fast' is no rate" run dummy.ok a --rate fast
bad "number out of range" 2 "'5000' does not fit: expected a number from 1 to 4096" run dummy.ok a -P 5000
bad "no format" 2 "'yaml' is none of table, json, jsonl, csv" run dummy.ok a -o yaml
bad "a word too many" 2 "'x' is one word too many" plugins x

bad "no task" 2 "run needs more" run
bad "unknown task" 2 "(did you mean 'dummy.sleep'?)" run dummy.slep a
bad "unknown task of a plugin that is there but not enabled" 2 "amt" run amt.power.get a
bad "no target" 2 "no target for task dummy.ok" run dummy.ok
bad "unknown parameter" 2 "unknown name 'txt' (did you mean 'text'?)" run dummy.echo txt=x a
bad "missing parameter" 2 "text" run dummy.echo a
bad "wrong type" 2 "'many'" run dummy.sleep ms=many a
bad "number too large" 2 "99999999999" run dummy.sleep ms=99999999999 a
bad "no choice" 2 "red, green, blue" run dummy.echo text=x colour=pink a
bad "parameter given twice" 2 "parameter ms is given twice" run dummy.sleep ms=1 ms=2 a
bad "value from a file that is not there" 2 "parameter text: " run dummy.echo text=@/nonexistent a
bad "secret as plain text" 2 "a secret is not given as plain text" run dummy.echo text=x secret=hunter22 a
unlike "a refused secret is not shown" "$err" "hunter22"

bad "malformed network" 2 "10.0.0.0/33" run dummy.ok 10.0.0.0/33
like "malformed network: where" "$err" "character 10"
bad "malformed range" 2 "10.0.0.9-10.0.0.1" run dummy.ok 10.0.0.9-10.0.0.1
bad "bad port" 2 "lab:99999" run dummy.ok lab:99999
bad "list that is not there" 2 "/nonexistent" run dummy.ok -f /nonexistent
bad "list that is a directory" 2 "/tmp" run dummy.ok -f /tmp

bad "credential of an unknown type" 2 "dummy.logn" run dummy.login.check -c dummy.logn:user=x a
bad "credential with an unknown field" 2 "usr" run dummy.login.check -c dummy.login:usr=x a
bad "credential with a plain secret" 2 "password=@FILE" run dummy.login.check -c dummy.login:user=x,password=hunter22 a
unlike "a refused password is not shown" "$err" "hunter22"
bad "credential without its password" 2 "password" run dummy.login.check -c dummy.login:user=x a
printf 'secret\n' >"$work/open"
chmod 0644 "$work/open"
bad "password file that others can read" 2 "chmod 600" run dummy.login.check -c "dummy.login:user=x,password=@$work/open" a

# configuration
bad_config() {
    local name=$1 text=$2
    shift 2
    bad "$name" 3 "$text" tasks
    configure_postern dummy
}
bad "configuration that is not there" 3 "/nonexistent.conf" --config /nonexistent.conf tasks
bad "configuration that cannot be read as one" 3 "/tmp" --config /tmp tasks
printf '[host]\nplugin-path = %s\nmax-paralel = 3\n' "$builddir/.libs" >"$config"
bad_config "unknown key in postern.conf, with file and line" "$config:3: "
printf '[host]\nplugin-path = %s\nmax-parallel = lots\n' "$builddir/.libs" >"$config"
bad_config "wrong type in postern.conf" "$config:3: "
printf '[plugin]\nload = yes\n[config]\ndepht = 3\n' >"$work/etc/plugins.d/dummy.conf"
p plugins
like "unknown key of a plugin, with file and line" "$out$err" "plugins.d/dummy.conf:4: "
like "unknown key of a plugin: nearest" "$out$err" "did you mean 'depth'"
printf '[plugin]\nload = yes\n[config]\ndepth = deep\n' >"$work/etc/plugins.d/dummy.conf"
p plugins
like "wrong type in a plugin's file" "$out$err" "plugins.d/dummy.conf:4: "
printf '[plugin]\nload = maybe\n' >"$work/etc/plugins.d/dummy.conf"
p plugins
like "wrong word for load" "$out$err" "plugins.d/dummy.conf:2: "
configure_postern dummy ghost
p plugins
like "a plugin that is enabled but not there" "$out" "missing"
printf '[plugin]\nload = required\n' >"$work/etc/plugins.d/ghost.conf"
bad "a plugin that is required but not there" 3 "plugins.d/ghost.conf says load = required" tasks
rm "$work/etc/plugins.d/ghost.conf"
rm "$work/etc/plugins.d/dummy.conf"
p plugins
like "a plugin without a file is not enabled" "$out" "not-enabled"
p run dummy.ok a
is "its tasks cannot be run" "$status" 2
like "and it says why" "$err" "dummy"

# plugins that are not sound
if [ -f "$builddir/.libs/dummy.so" ]; then
    mkdir "$work/plugins"
    cp "$builddir/.libs/dummy.so" "$work/plugins/"
    printf '[host]\nplugin-path = %s\n' "$work/plugins" >"$config"
    printf '[plugin]\nload = yes\n' >"$work/etc/plugins.d/dummy.conf"
    p plugins
    like "a copy elsewhere is as good" "$out" "enabled"
    chmod 0777 "$work/plugins"
    p plugins
    like "unsafe plugin directory: named" "$out$err" "$work/plugins"
    like "unsafe plugin directory: why" "$out$err" "writ"
    is "unsafe plugin directory: not used" "$(awk '$1 == "dummy" { print $3 }' "$work/out")" refused
    chmod 0755 "$work/plugins"
    chmod 0666 "$work/plugins/dummy.so"
    p plugins
    like "unsafe plugin file: refused" "$out" "refused"
    chmod 0644 "$work/plugins/dummy.so"
    printf 'not an ELF file\n' >"$work/plugins/noise.so"
    printf '[plugin]\nload = yes\n' >"$work/etc/plugins.d/noise.conf"
    p plugins
    like "a file that is no module" "$out" "noise"
    rm "$work/plugins/noise.so" "$work/etc/plugins.d/noise.conf"
    if command -v "${CC:-gcc}" >/dev/null; then
        cat >"$work/broken.c" <<'C'
extern int nobody_has_this(void);
__attribute__((visibility("default"))) const void *broken_LTX_postern_plugin_v1(const void *host);
const void *broken_LTX_postern_plugin_v1(const void *host) { return nobody_has_this() ? host : 0; }
C
        cat >"$work/newer.c" <<'C'
#include <postern-plugin.h>
static const PosternPlugin newer_plugin = {.magic = POSTERN_MAGIC, .size = sizeof newer_plugin,
    .abi_major = POSTERN_ABI_MAJOR, .abi_minor = POSTERN_ABI_MINOR + 7, .abi_minor_needed = POSTERN_ABI_MINOR + 5,
    .name = "newer", .version = "1.0", .license = "Apache-2.0", .summary = "from the future", .origin = "tests"};
POSTERN_PLUGIN(newer) { return &newer_plugin; }
C
        for name in broken newer; do
            # shellcheck disable=SC2046
            "${CC:-gcc}" -shared -fPIC -I"$srcdir/sdk" $(pkg-config --cflags glib-2.0 gio-2.0) \
                -o "$work/plugins/$name.so" "$work/$name.c"
            printf '[plugin]\nload = yes\n' >"$work/etc/plugins.d/$name.conf"
        done
        p plugins
        like "unresolved symbol: named" "$out" "nobody_has_this"
        line=$(grep '^newer' "$work/out")
        like "newer plugin: refused" "$line" "refused"
        like "newer plugin: what it needs" "$line" "1.6"
        like "newer plugin: the others go on" "$(grep '^dummy' "$work/out")" "enabled"
        p run newer.task a
        like "a task of a plugin that was refused: why" "$err" "newer"
    else
        skip "no compiler for broken plugins"
    fi
else
    skip "plugins are linked in: no files to spoil"
fi
finish
