"""Runs a command on a terminal of its own and types answers: on_a_terminal.py ANSWERS COMMAND...

ANSWERS is JSON, [[what to wait for, what to type], ...]. Prints what the terminal showed, and ends as the command does.
"""

import json
import os
import pty
import sys

answers = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b""
seen = 0
while True:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:  # Linux says so when the other end is closed
        break
    if not chunk:
        break
    shown += chunk
    if answers and answers[0][0].encode() in shown[seen:]:
        seen = len(shown)
        os.write(terminal, answers.pop(0)[1].encode())
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
