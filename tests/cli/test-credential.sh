#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stored logins: what is put in, what shows, and what never does.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
configure_postern
printf '[fleet]\nstore = %s\n' "$work/state/fleet.db" >>"$config"
export FIRST_PASSWORD=first-Passw0rd OTHER_PASSWORD=other-Passw0rd

p credential add lab amt.digest:user=admin,password=env:FIRST_PASSWORD
[ "$status" -eq 0 ]
result $? "a login is added"
p credential add lab amt.digest:user=admin,password=env:OTHER_PASSWORD
[ "$status" -ne 0 ] && [[ $err == *rotate* ]]
result $? "a second one of its type is refused, and rotate named"
p credential add lab amt.digest:user=admin,password=plain-Passw0rd
[ "$status" -ne 0 ] && [[ $err != *plain-Passw0rd* ]]
result $? "a secret in the clear is refused and not shown"
p credential list
[ "$status" -eq 0 ] && [[ $out == *lab*default*amt.digest* ]] && [[ $out != *Passw0rd* ]]
result $? "the first profile is the default, and no secret shows"
p credential rotate lab amt.digest:password=env:OTHER_PASSWORD
[ "$status" -eq 0 ]
result $? "one field is replaced"
! grep -rqa Passw0rd "$work/state"
result $? "nothing at rest tells a secret"
p credential add lab wmi.login:user=x
[ "$status" -ne 0 ] && [[ $err == *wmi* ]]
result $? "a type that no plugin brings is refused"
p credential remove lab
[ "$status" -eq 4 ]
result $? "removing asks first"
p credential remove lab --yes
[ "$status" -eq 0 ]
result $? "and is done with --yes"
p credential list
[ "$status" -eq 0 ] && [ -z "$out" ]
result $? "nothing is left"
finish
