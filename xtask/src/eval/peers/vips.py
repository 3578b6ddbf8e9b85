"""libvips as a program would use it. One JSON array a line: [source, target, options of the saver]."""

import json
import sys
import time

import pyvips


def forget_peak():
    """The kernel's highest mark of this process's memory starts anew (proc(5), clear_refs)."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def peak():
    try:
        with open("/proc/self/status") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["VmHWM"].split()[0]) * 1024
    except (OSError, KeyError):
        return None


for request in sys.stdin:
    source, target, options = json.loads(request)
    try:
        forget_peak()
        start = time.process_time()
        pixels = pyvips.Image.new_from_file(source).copy_memory()
        decoded = time.process_time()
        pixels.write_to_file(target, **options)
        answer = {"decode": decoded - start, "encode": time.process_time() - decoded, "peak": peak()}
    except Exception as error:  # the caller decides what a failure means
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
