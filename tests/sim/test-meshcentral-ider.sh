#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# MeshCentral's own storage redirection as a judge of the simulator: machines start from what it lends them, and read every byte.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/sim/sim.sh
. "$here/sim.sh"
# shellcheck source=tests/sim/meshcentral.sh
. "$here/meshcentral.sh"
# shellcheck source=tests/sim/images.sh
. "$here/images.sh"

# judge ADDRESS plain|tls cd|floppy IMAGE
judge() {
    local at=$port to=$redirection_port
    [ "$2" = tls ] && at=$tls_port to=$redirection_tls_port
    timeout 60 node "$here/meshcentral-ider.js" "$meshcentral" "$1" "$2" "$at" "$to" "$3" "$4"
}

# found N NAME VALUE: the N-th machine wrote that down
found() {
    sed -n "$1p" "$work/state" | grep -o '"ider":{[^}]*}' | grep -qF "\"$2\":$3"
}

make_cd "$work/cd.iso" 2000
make_floppy "$work/floppy.img" 1440
make_floppy "$work/large.img" 8192
sim_start 127.84.3.1 --count 4 --model amt12,amt15,amt12,amt16 --seed 3
ok "a CD, plain" judge 127.84.3.1 plain cd "$work/cd.iso"
ok "a floppy, plain" judge 127.84.3.2 plain floppy "$work/floppy.img"
ok "a large floppy, plain" judge 127.84.3.3 plain floppy "$work/large.img"
ok "a CD, TLS" judge 127.84.3.4 tls cd "$work/cd.iso"
sim_stop
ok "the simulator ended well" test "$sim_status" = 0
n=0
for image in cd.iso floppy.img large.img cd.iso; do
    n=$((n + 1))
    ok "machine $n read all of $image" found $n sha256 "\"$(sum_of "$work/$image")\""
    ok "machine $n saw nothing wrong" found $n problem '""'
done
done_testing
