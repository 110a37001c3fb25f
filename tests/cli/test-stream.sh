#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 100,000 targets from standard input: an outcome each, and memory for what is in flight only.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern dummy
count=100000
bound=65536 # KiB
if sanitized; then
    count=5000 bound=0
fi
began=$(date +%s%N)
mkfifo "$work/pipe"
seq -f 'machine-%06g.example.org' $count >"$work/pipe" &
"$postern" --config "$config" run dummy.ok - -o jsonl <"$work/pipe" >"$work/out" 2>"$work/err" &
pid=$!
high=0
while now=$(awk '/VmHWM/ {print $2}' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
    high=$now
    sleep 0.05
done
wait $pid
is "status" $? 0
echo "# $count targets in $((($(date +%s%N) - began) / 1000000)) ms, at most $high KiB"
is "an outcome each" "$(wc -l <"$work/out")" $count
is "all of them ok" "$(grep -c '"outcome":"ok"' "$work/out")" $count
is "each target once" "$(grep -o '"target":"[^"]*"' "$work/out" | sort -u | wc -l)" $count
like "the summary has the number" "$(cat "$work/err")" "$count targets: $count ok"
if [ $bound -gt 0 ] && [ "$high" -gt 0 ]; then
    [ "$high" -lt $bound ]
    result $? "memory stays below $bound KiB (it was $high)"
else
    skip "memory is not measured here"
fi
finish
