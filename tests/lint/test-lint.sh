#!/bin/bash
# Each rule of tools/lint/lint must trip on its fixtures, on nothing else, and not on the tree.
set -u
cd "${srcdir:-.}" || exit 1
top=$PWD
fixtures=$(find tests/lint/fixtures -type f | sort)
echo "1..$(($(wc -w <<<"$fixtures") + 1))"
number=0

# verdict OK WHAT
verdict() {
    number=$((number + 1))
    [ "$1" = yes ] && echo "ok $number - $2" || echo "not ok $number - $2"
}

for fixture in $fixtures; do
    rule=${fixture#tests/lint/fixtures/}
    rule=${rule%%/*}
    within=${fixture#"tests/lint/fixtures/$rule/"}
    found=$(cd "tests/lint/fixtures/$rule" && "$top/tools/lint/lint" "$within" | sed -n 's/^[^[]*: \[\([a-z-]*\)\].*/\1/p' | sort -u | tr '\n' ' ')
    wanted="$rule "
    [ "$rule" = clean ] && wanted=
    [ "$found" = "$wanted" ] && ok=yes || ok=no
    verdict "$ok" "${fixture#tests/lint/fixtures/} trips: ${wanted:-nothing }(found: $found)"
done
findings=$(tools/lint/lint 2>&1)
case $? in
0) verdict yes "the tree has no findings" ;;
2) verdict yes "the tree has no findings # SKIP $findings" ;;
*)
    verdict no "the tree has no findings"
    echo "# ${findings//$'\n'/$'\n'# }"
    ;;
esac
