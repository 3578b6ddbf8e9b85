"""What every helper in Python starts with: pictures as a viewer shows them, and what a step costs.

Put before a script of its own, which ends with `serve(COMMANDS)`: one request a line on standard input, a JSON array:
[command, argument, ...]; one JSON answer a line.
"""

import io
import json
import sys
import time

from PIL import Image, ImageCms, ImageOps

# The limits are the caller's business, and damage must not be passed over.
Image.MAX_IMAGE_PIXELS = None


def shown(image):
    """As a viewer shows it: upright, in sRGB, 8 bits; with alpha where some pixel is not opaque."""
    icc = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = image.point(lambda value: value / 256).convert("L")
    alpha = None
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA") if image.mode != "LA" else image
        alpha = image.getchannel("A")
        image = image.convert("RGB") if image.mode == "RGBA" else image.convert("L")
    elif image.mode == "P":
        image = image.convert("RGB")
    if icc:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            image = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except ImageCms.PyCMSError:
            pass
    image = image.convert("RGB")
    if alpha is not None and alpha.getextrema()[0] < 255:
        image.putalpha(alpha)
    return image


def distance(first, second):
    """The largest difference of any sample, 0 to 255, between the two pictures at 32 x 32 over grey."""
    small = []
    for path in (first, second):
        with Image.open(path) as image:
            picture = shown(image).convert("RGBA")
        grey = Image.new("RGBA", picture.size, (128, 128, 128, 255))
        flat = Image.alpha_composite(grey, picture).convert("RGB")
        colour = flat.resize((32, 32), Image.Resampling.BOX).tobytes()
        alpha = picture.getchannel("A").resize((32, 32), Image.Resampling.BOX).tobytes()
        small.append(colour + alpha)
    return {"distance": max(abs(a - b) for a, b in zip(*small))}


def serve(commands):
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        try:
            answer = commands[command](*arguments)
        except Exception as error:  # the caller decides what a failure means
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
