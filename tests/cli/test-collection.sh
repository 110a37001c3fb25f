#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Collections: saved, shown in every format, tried, worked on, refused and removed.
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
is "show: csv" "$(tail -n 1 "$work/out" | cut -d , -f 1-4)" "pc-1,,,10.9.0.1"
like "show: its query" "$err" "query: tag:lab"
p collection show both -o jsonl
is "show: list and network" "$(wc -l <"$work/out")" 2
p collection list -o jsonl
like "list" "$out" '"targets":["@lab","10.9.0.2/31"]'
p machine list @both -o jsonl
is "machines of it" "$(wc -l <"$work/out")" 2
p run dummy.ok @both -o jsonl
is "worked on: each once" "$(sort "$work/out" | sed 's/.*"target":"\([^"]*\)".*/\1/' | tr '\n' ' ')" "10.9.0.2 10.9.0.3 pc-1 "
p run dummy.ok @lba
is "no such collection" "$status" 2
like "no such collection: the nearest" "$err" "'lab'"
p collection test 'not @lab' pc-2 -o csv
is "test: found" "$status:$(tail -n 1 "$work/out")" "0:pc-2,yes"
like "test: how it is read" "$err" "read as: not @lab"
p collection test '(tag:lab and (name = pc-1)) or power' pc-1
like "test: in one spelling" "$err" "read as: tag:lab and name = pc-1 or power"
p collection test 'tag:lab' pc-2
is "test: not found is a failure" "$status" 1
p collection test 'tag:lab and'
is "test: wrong query" "$status" 2
like "test: wrong query is explained" "$err" "character 12"
p collection save lab query='not @both'
is "circle refused" "$status" 1
like "circle explained" "$err" "would contain itself"
p collection save all query='tag:lab'
is "all is taken" "$status" 2
p collection save 'No Name' query='tag:lab'
is "no name" "$status" 2
p collection save half 10.9.0.1 10.9.0.2/99
is "a wrong member" "$status" 2
p collection show half
is "saves nothing" "$status" 2
p collection remove lab
is "used collection: status" "$status" 1
like "used collection stays" "$err" "is part of 'both'"
p collection save both 10.9.0.9
is "replaced" "$status" 0
p collection list -o jsonl
like "replaced whole" "$out" '"targets":["10.9.0.9"]'
p collection remove both
is "removed" "$status" 0
p collection show both
is "gone" "$status" 2
p machine list @all -o jsonl
is "its machines stay" "$(wc -l <"$work/out")" 2
finish
