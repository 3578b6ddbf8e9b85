"""A second opinion on images: decodes, encodes and compares by Pillow alone.

One request a line on standard input, a JSON array: [command, path, ...]. One JSON answer a line.
"""

import io
import json
import sys
import time

from PIL import Image, ImageCms, ImageOps

# The limits are the caller's business, and damage must not be passed over.
Image.MAX_IMAGE_PIXELS = None


def jpeg70(source, target):
    """What the original service makes of an image."""
    start = time.perf_counter()
    with Image.open(source) as image:
        image.convert("RGB").save(target, "JPEG", quality=70)
    return {"seconds": time.perf_counter() - start}


def jpeg90(source, target):
    with Image.open(source) as image:
        image.convert("RGB").save(target, "JPEG", quality=90)
    return {}


def ppm(source, target):
    with Image.open(source) as image:
        image.convert("RGB").save(target, "PPM")
    return {}


def is_deep(image):
    return image.mode.startswith("I;16") or image.mode in ("I", "F")


def shown(image):
    """As a viewer shows it: upright, in sRGB, with alpha; 8 bits."""
    icc = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if is_deep(image):
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
    image.putalpha(alpha if alpha is not None else 255)
    return image


def facts(path):
    with Image.open(path) as image:
        frames = getattr(image, "n_frames", 1)
        upright = ImageOps.exif_transpose(image)
        has_alpha = "A" in image.getbands() or "transparency" in image.info
        lowest = upright.convert("RGBA").getchannel("A").getextrema()[0] if has_alpha else 255
        return {
            "format": image.format,
            "mode": image.mode,
            "width": upright.width,
            "height": upright.height,
            "frames": frames,
            "alpha": lowest < 255,
            "icc": bool(image.info.get("icc_profile")),
            "gps": bool(image.getexif().get_ifd(0x8825)),
        }


def distance(first, second):
    """The largest difference of any sample, 0 to 255, between the two pictures at 32 x 32 over grey."""
    small = []
    for path in (first, second):
        with Image.open(path) as image:
            picture = shown(image)
        grey = Image.new("RGBA", picture.size, (128, 128, 128, 255))
        flat = Image.alpha_composite(grey, picture).convert("RGB")
        colour = flat.resize((32, 32), Image.Resampling.BOX).tobytes()
        alpha = picture.getchannel("A").resize((32, 32), Image.Resampling.BOX).tobytes()
        small.append(colour + alpha)
    return {"distance": max(abs(a - b) for a, b in zip(*small))}


COMMANDS = {"jpeg70": jpeg70, "jpeg90": jpeg90, "ppm": ppm, "facts": facts, "distance": distance}

for line in sys.stdin:
    command, *paths = json.loads(line)
    try:
        answer = COMMANDS[command](*paths)
    except Exception as error:  # the caller decides what a failure means
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
