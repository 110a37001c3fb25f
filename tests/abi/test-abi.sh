#!/bin/bash
# The contract of sdk/postern-plugin.h as binary: nothing moved, nothing changed, growth is declared. And the check itself
# is checked: each kind of change must be found.
set -u
srcdir=${srcdir:-.}
. "$srcdir/tests/abi/abi.sh"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
glib=$(pkg-config --cflags gio-2.0)
number=0
echo "1..11"

# verdict STATUS WHAT [DETAIL]
verdict() {
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        [ -n "${3:-}" ] && sed 's/^/# /' <<<"$3"
    fi
}

skip() {
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2"
}

# ---- the header alone ----

# alone COMPILER STANDARD LANGUAGE
alone() {
    local report
    if ! command -v "$1" >/dev/null; then
        skip "the header alone: $1 $2" "no $1 here"
        return
    fi
    # shellcheck disable=SC2086
    report=$(printf '#include "postern-plugin.h"\nPOSTERN_PLUGIN (alone) { (void) host; return NULL; }\n' |
        "$1" -std="$2" -x "$3" -Wall -Wextra -Wpedantic -Werror -I"$srcdir/sdk" $glib -c -o "$work/alone.o" - 2>&1)
    verdict $? "the header alone: $1 $2" "$report"
}

alone gcc c11 c
alone clang c11 c
alone g++ c++17 c++

# ---- layout ----

# shellcheck disable=SC2086
${CC:-gcc} -Wall -Werror -I"$srcdir/sdk" $glib -o "$work/layout" "$srcdir/tests/abi/abi-layout.c" &&
    "$work/layout" >"$work/layout.txt"
if [ "$(getconf LONG_BIT)" = 64 ]; then
    report=$(diff "$srcdir/sdk/abi/layout-1.txt" "$work/layout.txt")
    verdict $? "every member lies where version 1 put it" "$report
< is a broken contract, > belongs to a new POSTERN_ABI_MINOR and into sdk/abi/layout-1.txt"
else
    skip "every member lies where version 1 put it" "the layout is recorded for 64-bit machines"
fi
if command -v ctags >/dev/null && ctags --version | grep -q Universal; then
    there=$(ctags -f - --language-force=C --kinds-C=m -I G_BEGIN_DECLS,G_END_DECLS "$srcdir/sdk/postern-plugin.h" | wc -l)
    listed=$(grep -cE '^[A-Za-z]+\.' "$work/layout.txt")
    [ "$there" -eq "$listed" ]
    verdict $? "abi-layout.c lists all members" "the header has $there, the list $listed"
else
    skip "abi-layout.c lists all members" "no Universal Ctags here"
fi

# ---- types ----

if ! command -v abidw >/dev/null; then
    for what in "types are those of the dump" appended inserted removed "retyped member" "retyped argument"; do
        skip "$what" "no abidw here (Debian: abigail-tools)"
    done
    exit 0
fi
abi_build "$srcdir/sdk" "$work/now.so" && abi_dump "$work/now.so" "$work/now.abi"
found=$(abi_verdict "$srcdir/sdk/abi/postern-1.abi" "$work/now.abi")
[ "${found%%$'\n'*}" = same ]
verdict $? "types are those of sdk/abi/postern-1.abi (if it only grew: raise POSTERN_ABI_MINOR and commit a new dump)" "$found"

# change WHAT EXPECTED SED-EXPRESSION: what does the check say to such a header?
change() {
    mkdir -p "$work/changed"
    sed "$3" "$srcdir/sdk/postern-plugin.h" >"$work/changed/postern-plugin.h"
    if cmp -s "$srcdir/sdk/postern-plugin.h" "$work/changed/postern-plugin.h"; then
        verdict 1 "$1 is found" "the change did not apply"
        return
    fi
    abi_build "$work/changed" "$work/changed.so" && abi_dump "$work/changed.so" "$work/changed.abi"
    found=$(abi_verdict "$work/now.abi" "$work/changed.abi")
    [ "${found%%$'\n'*}" = "$2" ]
    verdict $? "$1 is found to be $2" "$found"
}

change "an appended member" grown 's/^} PosternClockSvc;/    void (*more)(void);\n&/'
change "an inserted member" broken 's/^    gint64 (\*monotonic)/    void (*more)(void);\n&/'
change "a removed member" broken '/gint64 (\*monotonic)/d'
change "a retyped member" broken 's/^    const char \*login; /    gpointer login; /'
change "a retyped argument" broken 's/gboolean (\*sleep)(PosternRun \*run, guint32 ms/gboolean (*sleep)(PosternRun *run, guint64 ms/'
