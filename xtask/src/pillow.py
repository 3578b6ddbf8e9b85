"""A second opinion on images: decodes, encodes and compares by Pillow alone. Stands after shown.py."""


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


serve({"jpeg70": jpeg70, "jpeg90": jpeg90, "ppm": ppm, "facts": facts, "distance": distance})
