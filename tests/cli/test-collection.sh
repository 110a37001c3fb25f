#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Collections: saved, shown in every format, tried, refused and removed.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern dummy

p machine add pc-1 address=10.9.0.1 tag=lab
is "machine added" "$status" 0
p machine add pc-2 address=10.9.0.2
p collection save lab query='tag:lab'
is "query saved" "$status" 0
p collection save both @lab 10.9.0.2/31
is "list saved" "$status" 0
p collection show lab -o csv
is "show: csv" "$(tail -n 1 "$work/out")" "pc-1,,10.9.0.1"
like "show: its query" "$err" "query: tag:lab"
p collection show both -o jsonl
is "show: list and network" "$(wc -l <"$work/out")" 2
p collection list -o jsonl
like "list" "$out" '"targets":["@lab","10.9.0.2/31"]'
p collection test 'not @lab' pc-2 -o csv
is "test: found" "$(tail -n 1 "$work/out")" "pc-2,yes"
p collection test 'tag:lab' pc-2
is "test: not found is a failure" "$status" 1
p collection test 'tag:lab and'
is "test: wrong query" "$status" 2
like "test: wrong query is explained" "$err" "character 12"
p collection save lab query='not @both'
like "circle refused" "$err" "would contain itself"
p collection remove lab
like "used collection stays" "$err" 'is used by "both"'
p collection remove both
is "removed" "$status" 0
p collection show both
is "gone" "$status" 2
finish
