#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own and plays the person in front of it.

    terminal.py SECONDS [EXPECT SEND]... -- COMMAND [ARGUMENT]...

Waits for each EXPECT in what the command writes (a regular expression, behind what the one before matched) and then types SEND
(\\r, \\xNN and the like). Prints all that was written, then a line "raw then: yes|no" for each step with the mode of the terminal at
that moment, and "raw at the end: yes|no". Exit status: the command's, or 99 when a step did not come true in time.
"""
import os
import pty
import re
import select
import sys
import termios
import time


def is_raw(fd):
    return "no" if termios.tcgetattr(fd)[3] & termios.ICANON else "yes"


def main():
    split = sys.argv.index("--")
    end = time.time() + float(sys.argv[1])
    steps = list(zip(sys.argv[2:split:2], sys.argv[3:split:2]))
    # held open here, so that its mode can be asked for when the command has ended
    master, slave = pty.openpty()
    pid = os.fork()
    if pid == 0:
        os.close(master)
        os.login_tty(slave) if hasattr(os, "login_tty") else login(slave)
        os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
    seen, window, modes, status = b"", b"", [], None
    while status is None and time.time() < end:
        if select.select([master], [], [], 0.05)[0]:
            data = os.read(master, 65536)
            seen, window = seen + data, window + data
        elif (found := os.waitpid(pid, os.WNOHANG))[0] == pid:
            status = os.waitstatus_to_exitcode(found[1])
        match = re.search(steps[0][0].encode(), window) if steps else None
        if match:
            window = window[match.end():]
            modes.append(is_raw(slave))
            os.write(master, steps.pop(0)[1].encode().decode("unicode_escape").encode("latin-1"))
    mode = is_raw(slave)
    sys.stdout.buffer.write(seen)
    print()
    for one in modes:
        print("raw then:", one)
    print("raw at the end:", mode)
    if status is None or steps:
        print("not seen:", steps)
        if status is None:
            os.kill(pid, 15)
            os.waitpid(pid, 0)
        status = 99
    return status


def login(slave):
    """What os.login_tty() does since Python 3.11."""
    import fcntl

    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in 0, 1, 2:
        os.dup2(slave, fd)
    if slave > 2:
        os.close(slave)


sys.exit(main())
