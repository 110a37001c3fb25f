#!/bin/bash
# Each plugin as built: one dynamic symbol, bound at once, read-only after that, no path of its own, no executable stack.
set -u
builddir=${builddir:-.}
modules=()
for la in "$builddir"/*.la; do
    grep -q '^shouldnotlink=yes' "$la" 2>/dev/null || continue
    so="$builddir/.libs/$(basename "$la" .la).so"
    [ -f "$so" ] && modules+=("$so")
done
if [ ${#modules[@]} -eq 0 ]; then
    echo "1..0 # SKIP no plugin is built as a module here"
    exit 0
fi
number=0
echo "1..$((${#modules[@]} * 5))"

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

for so in "${modules[@]}"; do
    name=$(basename "$so" .so)
    symbols=$(nm -D --defined-only "$so" | awk '{print $3}')
    [ "$symbols" = "${name//-/_}_LTX_postern_plugin_v1" ]
    verdict $? "$name exports its entry and nothing else" "$symbols"
    dynamic=$(readelf -dW "$so")
    grep -qE 'BIND_NOW|FLAGS_1.*NOW' <<<"$dynamic"
    verdict $? "$name is bound at once" "$dynamic"
    ! grep -qE 'RPATH|RUNPATH' <<<"$dynamic"
    verdict $? "$name searches no path of its own" "$dynamic"
    segments=$(readelf -lW "$so")
    grep -q GNU_RELRO <<<"$segments"
    verdict $? "$name is read-only after binding" "$segments"
    grep 'GNU_STACK' <<<"$segments" | grep -qv E
    verdict $? "$name has no executable stack" "$segments"
done
