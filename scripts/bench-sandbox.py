#!/usr/bin/env python3
"""What the sandbox of the engine's child costs: at its start, with a photo at effort fast, and with a balanced one.

bench-sandbox.py PROGRAM PHOTO STARTS FAST BALANCED: how many pairs of children, one without and one with, are measured
of each. Prints medians in milliseconds, and the median of the pairs' differences in processor time with its standard error.
"""

import json
import os
import statistics
import struct
import subprocess
import sys
import time

LAYERS = [word for layer in ("limits", "landlock", "seccomp") for word in ("--layer", layer)]
LIMITS = ["--max-bytes", "100000000", "--memory", "6000000000", "--cpu-seconds", "100"]


def order(request, image):
    head = json.dumps({"request": {"version": 1, **request}, "limits": {}, "deadline_ms": 60000}).encode()
    return struct.pack("<I", len(head)) + head + struct.pack("<Q", len(image)) + image


def read(pipe, length):
    data = pipe.read(length)
    if len(data) < length:
        raise SystemExit("a child ended early")
    return data


def child(program, layers, orders):
    """Milliseconds on the clock and of processor time, from start to end."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [program, "engine-child", *LIMITS, *layers], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}
    )
    for message in orders:
        process.stdin.write(message)
        process.stdin.flush()
        read(process.stdout, struct.unpack("<I", read(process.stdout, 4))[0])
        if not read(process.stdout, struct.unpack("<Q", read(process.stdout, 8))[0]):
            raise SystemExit("a child failed")
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"a child ended with {status}")
    return (time.perf_counter() - began) * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3


def main(program, photo, *pairs):
    with open(photo, "rb") as file:
        image = file.read()
    fast = order({"target": {"kind": "quality", "quality": 70}, "format": "keep", "effort": "fast"}, image)
    balanced = order({"target": {"kind": "score", "score": 70}, "format": "keep"}, image)
    kinds = [("start and end", []), ("a photo, fast", [fast]), ("a photo, balanced", [balanced])]
    for (name, orders), count in zip(kinds, map(int, pairs)):
        without, within = [], []
        for number in range(count):
            turns = [(without, []), (within, LAYERS)]
            for costs, layers in turns if number % 2 else reversed(turns):
                costs.append(child(program, layers, orders))
        clock, processor = ([statistics.median(cost[of] for cost in without) for of in (0, 1)])
        more = [with_it[1] - without_it[1] for without_it, with_it in zip(without, within)]
        error = statistics.stdev(more) / len(more) ** 0.5
        more_clock = statistics.median(with_it[0] - without_it[0] for without_it, with_it in zip(without, within))
        print(f"{name}: clock {clock:.2f}, more {more_clock:.2f}; processor {processor:.2f}, "
              f"more {statistics.median(more):.2f} ({error:.2f})")


main(*sys.argv[1:])
