#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Questions to the person at a terminal: a login that was not given, a yes for a disruptive task.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "no python3 to play the person at a terminal"
configure_postern dummy

# at_terminal ANSWERS ARGUMENT...: the answers, with | between them, go out one by one when a prompt waits
at_terminal() {
    local answers=$1
    shift
    python3 - "$answers" "$postern" --config "$config" "$@" >"$work/out" 2>"$work/err" <<'PYTHON'
import os, pty, select, sys, termios, time
answers = [a.encode().decode("unicode_escape").encode() for a in sys.argv[1].split("|")] if sys.argv[1] else []
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen, tail, end, echo = b"", b"", time.time() + 30, []
while time.time() < end:
    if not select.select([fd], [], [], 0.2)[0]:
        if answers and (tail.endswith(b": ") or tail.endswith(b"] ")):
            echo.append(bool(termios.tcgetattr(fd)[3] & termios.ECHO))
            os.write(fd, answers.pop(0))
            tail = b""
        continue
    try:
        piece = os.read(fd, 4096)
    except OSError:
        break
    if not piece:
        break
    seen += piece
    tail += piece
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.write(seen.decode(errors="replace").replace("\r", ""))
print("echo:", *["on" if e else "off" for e in echo])
sys.exit(status if status >= 0 else 128 - status)
PYTHON
    status=$?
    out=$(cat "$work/out")
}

at_terminal 'guest\n|tseug\n' run dummy.login.check a -o jsonl
is "asked for a login: status" "$status" 0
like "asked for the user, with the default" "$out" "dummy.login user ['guest']: guest"
like "asked for the password" "$out" "dummy.login password: "
unlike "the password does not show" "$out" "tseug"
like "echo is off for the password only" "$out" "echo: on off"
like "and it works" "$out" '"outcome":"ok"'
at_terminal '\n|tseug\n' run dummy.login.check a -o jsonl
is "the default user by Enter" "$status" 0
at_terminal 'guest\n|wrong\n' run dummy.login.check a -o jsonl
is "a wrong password: status" "$status" 1
at_terminal 'guest\n|\x03' run dummy.login.check a -o jsonl
is "Ctrl-C at the password: refused" "$status" 4
like "Ctrl-C: said" "$out" "no login was given"
at_terminal 'y\n' run dummy.flaky-once times=0 a b -o jsonl
is "yes to a disruptive task" "$status" 0
like "the question names task and targets" "$out" "dummy.flaky-once may cut power, network or access. Run it on 2 targets (a, b)? [y/N]"
at_terminal 'n\n' run dummy.flaky-once times=0 a
is "no to a disruptive task" "$status" 4
like "no: said" "$out" "nothing was run"
at_terminal '\n' run dummy.flaky-once times=0 a
is "Enter is no" "$status" 4
at_terminal '' run dummy.flaky-once times=0 a --yes
is "with --yes nobody is asked" "$status" 0
at_terminal '' run dummy.sleep ms=700 a b
like "a bar while it works" "$out" "0/2  0 ok  2 in flight"
finish
