# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by what lends machines a CD or a floppy: makes images that they start from, with anything in the rest.

# put FILE OFFSET HEX...: bytes into a file that is there
put() {
    local file=$1 offset=$2
    shift 2
    printf '%b' "$(printf '\\x%s' "$@")" | dd of="$file" bs=1 seek="$offset" conv=notrunc status=none
}

# put_text FILE OFFSET TEXT
put_text() {
    printf '%s' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# make_cd FILE SECTORS: ISO 9660 descriptors, and El Torito: catalog in sector 20, a boot image of 2 KiB in sector 21
make_cd() {
    head -c $(($2 * 2048)) /dev/urandom >"$1"
    head -c $((8 * 2048)) /dev/zero | dd of="$1" bs=2048 seek=16 conv=notrunc status=none
    put "$1" $((16 * 2048)) 01
    put_text "$1" $((16 * 2048 + 1)) CD001
    put_text "$1" $((17 * 2048 + 1)) CD001
    put_text "$1" $((17 * 2048 + 7)) "EL TORITO SPECIFICATION"
    put "$1" $((17 * 2048 + 71)) 14 00 00 00
    put "$1" $((18 * 2048)) ff
    put_text "$1" $((18 * 2048 + 1)) CD001
    put "$1" $((20 * 2048)) 01
    put "$1" $((20 * 2048 + 28)) aa 55 55 aa 88 00 00 00 00 00 04 00 15 00 00 00
}

# make_floppy FILE KIB
make_floppy() {
    head -c $(($2 * 1024)) /dev/urandom >"$1"
    put "$1" 510 55 aa
}

# sum_of FILE
sum_of() {
    sha256sum "$1" | cut -d ' ' -f 1
}
