"""Decodes, describes and encodes by Pillow alone, and tells what each step cost. Stands after shown.py and peak.py."""

from PIL import ImageChops, ImageDraw


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


def encode(source, target, quality):
    """The original service's way, at any quality; its processor time, apart for the two steps."""
    forget_peak()
    start = time.process_time()
    with Image.open(source) as image:
        pixels = image.convert("RGB")
    decoded = time.process_time()
    pixels.save(target, "JPEG", quality=quality)
    return {"decode": decoded - start, "encode": time.process_time() - decoded, "peak": peak()}


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


def moving(source, target, kind):
    """A GIF of 16 frames of 320 x 240 from a picture: its own palette for each frame, every frame whole."""
    with Image.open(source) as image:
        picture = shown(image).convert("RGB")
    scale = max(480 / picture.width, 360 / picture.height)
    large = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    frames = []
    for step in range(16):
        if kind == "pan":
            frame = large.crop((step * 8, step * 4, step * 8 + 320, step * 4 + 240))
        elif kind == "zoom":
            width, height = 320 + step * 8, 240 + step * 6
            frame = large.crop((80 - step * 4, 60 - step * 3, 80 - step * 4 + width, 60 - step * 3 + height))
            frame = frame.resize((320, 240), Image.Resampling.BICUBIC)
        elif kind == "fade":
            black = Image.new("RGB", (320, 240))
            frame = Image.blend(black, large.crop((0, 0, 320, 240)), (step + 1) / 16)
        else:  # a light that moves over a still picture
            frame = large.crop((0, 0, 320, 240))
            ImageDraw.Draw(frame).ellipse((step * 16, 100, step * 16 + 40, 140), fill=(255, 240, 200))
        frames.append(frame.quantize(256))
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0, optimize=False)
    return {}


def frames(source, folder):
    """Writes every frame as shown, over white; and tells for how long each is shown."""
    durations = []
    with Image.open(source) as image:
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            image.load()
            picture = image.convert("RGBA")
            ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
            Image.alpha_composite(ground, picture).convert("RGB").save(f"{folder}/{index}.ppm", "PPM")
            durations.append(image.info.get("duration", 0))
    return {"durations": durations}


COMMANDS = {f.__name__: f for f in (facts, views, encode, distance, repeated, sheet, moving, frames)}

serve(COMMANDS)
