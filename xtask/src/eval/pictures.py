"""Decodes, describes and encodes by Pillow alone, and tells what each step cost.

One request a line on standard input, a JSON array: [command, argument, ...]. One JSON answer a line.
"""

import io
import json
import sys
import time

from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageOps

# The limits are the caller's business, and damage must not be passed over.
Image.MAX_IMAGE_PIXELS = None


def shown(image):
    """As a viewer shows it: upright, in sRGB, with alpha; 8 bits."""
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


def profile_name(image):
    icc = image.info.get("icc_profile")
    if not icc:
        return None
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc))).strip() or "unnamed"
    except ImageCms.PyCMSError:
        return "unreadable"


def facts(path, most_pixels):
    """What an image is. Pixels are looked at up to `most_pixels`; above, only the header is."""
    with Image.open(path) as image:
        answer = {
            "format": image.format,
            "mode": image.mode,
            "width": image.width,
            "height": image.height,
            "frames": getattr(image, "n_frames", 1),
            "orientation": image.getexif().get(0x0112, 1),
            "profile": profile_name(image),
            "alpha": False,
            "flat": None,
            "soft": None,
        }
        if image.width * image.height > most_pixels:
            return answer
        picture = shown(image)
        answer["alpha"] = picture.mode == "RGBA"
        grey = picture.convert("L")
        beside = ImageChops.difference(grey, ImageChops.offset(grey, 1, 0))
        steps = beside.histogram()
        answer["flat"] = steps[0] / max(1, sum(steps))
        answer["soft"] = steps[1] / max(1, sum(steps[1:]))
        return answer


def views(source, white, black):
    """Writes it as shown, over white; and over black too, where some pixel is not opaque."""
    with Image.open(source) as image:
        picture = shown(image)
    if picture.mode == "RGB":
        picture.save(white, "PPM")
        return {"alpha": False}
    for path, level in ((white, 255), (black, 0)):
        ground = Image.new("RGBA", picture.size, (level, level, level, 255))
        Image.alpha_composite(ground, picture).convert("RGB").save(path, "PPM")
    return {"alpha": True}


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


def encode(source, target, quality):
    """The original service's way, at any quality; its processor time, apart for the two steps."""
    forget_peak()
    start = time.process_time()
    with Image.open(source) as image:
        pixels = image.convert("RGB")
    decoded = time.process_time()
    pixels.save(target, "JPEG", quality=quality)
    return {"decode": decoded - start, "encode": time.process_time() - decoded, "peak": peak()}


def distance(first, second):
    """The largest difference of any sample, 0 to 255, between the two pictures at 32 x 32 over grey."""
    small = []
    for path in (first, second):
        with Image.open(path) as image:
            picture = shown(image).convert("RGBA")
        grey = Image.new("RGBA", picture.size, (128, 128, 128, 255))
        flat = Image.alpha_composite(grey, picture).convert("RGB")
        small.append(flat.resize((32, 32), Image.Resampling.BOX).tobytes())
    return {"distance": max(abs(a - b) for a, b in zip(*small))}


def repeated(source, target, times):
    """A baseline JPEG of quality 85 with a picture `times` times below itself."""
    with Image.open(source) as image:
        tall = Image.new("RGB", (image.width, image.height * times))
        for index in range(times):
            tall.paste(image, (0, index * image.height))
    tall.save(target, "JPEG", quality=85)
    return {"width": tall.width, "height": tall.height}


def sheet(target, rows):
    """Rows of [left picture, right picture, text], below one another."""
    line, gap = 16, 6
    pairs = [(Image.open(left), Image.open(right), text) for left, right, text in rows]
    width = max((left.width + gap + right.width for left, right, _ in pairs), default=1)
    height = sum(left.height + line + gap for left, _, _ in pairs)
    paper = Image.new("RGB", (max(width, 2 * 256 + gap), max(height, 1)), "white")
    pen = ImageDraw.Draw(paper)
    top = 0
    for left, right, text in pairs:
        pen.text((2, top + 2), text, fill="black")
        paper.paste(left, (0, top + line))
        paper.paste(right, (left.width + gap, top + line))
        top += left.height + line + gap
    paper.save(target, "PNG", optimize=True)
    return {}


COMMANDS = {f.__name__: f for f in (facts, views, encode, distance, repeated, sheet)}

for request in sys.stdin:
    command, *arguments = json.loads(request)
    try:
        answer = COMMANDS[command](*arguments)
    except Exception as error:  # the caller decides what a failure means
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
