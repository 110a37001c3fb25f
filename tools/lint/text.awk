# Rules for every text file.
function say(rule, what) { print FILENAME ":" FNR ": [" rule "] " what }
# written in pieces, so that this file does not trip over itself
BEGIN {
    marks = "(^|[^A-Za-z])(TO" "DO|FIX" "ME|X" "XX|HA" "CK)([^A-Za-z]|$)"
    homes = "(^|[ \"'=(:])/(ho" "me|ro" "ot|wo" "rk|fa" "rm)/"
}
FNR == 1 { makefile = FILENAME ~ /(Makefile|\.am$|\.inc$|\.mk$)/ }
$0 ~ marks { say("left-over", "finish it or describe it; no marks for later") }
$0 ~ homes { say("machine-path", "a path of one machine has no place in the tree") }
/[ \t]+$/ { say("trailing-space", "remove the white space at the end of the line") }
/\t/ && !makefile && FILENAME !~ /\.(md|tsv|m4|awk)$/ { say("tab", "indent with four spaces") }
