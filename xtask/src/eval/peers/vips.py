"""libvips as a program would use it. One JSON array a line: [source, target, options of the saver]. Stands
after peak.py."""

import json
import sys
import time

import pyvips

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
