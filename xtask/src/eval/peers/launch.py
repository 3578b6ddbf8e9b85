"""Runs commands and tells what each used. Small, because the kernel counts the launcher's memory into the child's peak.

One JSON array a line: [program, argument, ...].
"""

import json
import os
import sys

null = os.open(os.devnull, os.O_RDWR)
for request in sys.stdin:
    command = json.loads(request)
    try:
        streams = [(os.POSIX_SPAWN_DUP2, null, stream) for stream in (0, 1, 2)]
        child = os.posix_spawn(command[0], command, os.environ, file_actions=streams)
        _, status, used = os.wait4(child, 0)
        code = os.waitstatus_to_exitcode(status)
        answer = {"cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * 1024}
        if code != 0:
            answer = {"error": f"exit status {code}"}
    except OSError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
