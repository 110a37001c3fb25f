# shellcheck shell=bash disable=SC2154
# Shared by the ABI tests and by whoever makes a new dump: witness, dump, verdict.

# abi_build HEADER-DIR OUT.so: the witness, built with the header in that directory
abi_build() {
    # shellcheck disable=SC2046
    ${CC:-gcc} -shared -fPIC -g -O0 -fno-eliminate-unused-debug-types -ffile-prefix-map="$srcdir"=. -I"$1" $(pkg-config --cflags gio-2.0) \
        -o "$2" "$srcdir/tests/abi/abi-witness.c"
}

# abi_dump WITNESS.so OUT.abi: only the contract's own types, without paths and lines
abi_dump() {
    abidw --no-show-locs --no-corpus-path --no-comp-dir-path --no-elf-needed \
        --type-id-style hash --out-file "$2" "$1"
}

# abi_verdict OLD NEW: "same", "grown" (only appended) or "broken", with abidiff's report behind it. A suppression of
# "inserted at the end" would also hide a changed argument, so none is used: the report itself is read.
abi_verdict() {
    local report status
    report=$(abidiff --no-default-suppression "$1" "$2")
    status=$?
    if [ $status -eq 0 ]; then
        echo same
    elif grep -v 'type size changed from' <<<"$report" |
        grep -qE "offset changed|deletion|data member change|type of .* changed|changed from|entity changed"; then
        printf 'broken\n%s\n' "$report"
    else
        printf 'grown\n%s\n' "$report"
    fi
}
