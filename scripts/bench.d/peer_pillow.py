# SPDX-License-Identifier: MIT
"""The jobs of scripts/bench as a program that uses Pillow would do them.

    peer_pillow.py listing IN OUT_PREFIX FORMAT     crop, shadow, three sizes
    peer_pillow.py crop IN OUT
    peer_pillow.py shadow IN OUT SIGMA
    peer_pillow.py shrink IN OUT WIDTH
    peer_pillow.py palette IN OUT METHOD            six colours; METHOD is one of Image.Quantize
    peer_pillow.py blurs IN SIGMA                   times blurs alone: wall_ns cpu_us 0 name
    peer_pillow.py start                            import, and nothing else

warm.py says what `--warm N` in front does.
"""
from concurrent.futures import ThreadPoolExecutor

from PIL import Image, ImageFilter

import warm

ALPHA_THRESHOLD = 10
PADDING_SHARE = 0.05
PADDING_MIN_PX = 20
SHADOW_OPACITY = 0.4
OFFSET_X, OFFSET_Y = 8, 12
QUALITY = 80
COLORS = 6


def crop_to_content(image):
    seen = [255 if value > ALPHA_THRESHOLD else 0 for value in range(256)]
    left, top, right, bottom = image.getchannel("A").point(seen).getbbox()
    pad_x = max(PADDING_MIN_PX, int(PADDING_SHARE * (right - left)))
    pad_y = max(PADDING_MIN_PX, int(PADDING_SHARE * (bottom - top)))
    return image.crop((max(0, left - pad_x), max(0, top - pad_y),
                       min(image.width, right + pad_x), min(image.height, bottom + pad_y)))


def put_shadow(image, sigma):
    grow = 3 * sigma
    left, top = max(0, grow - OFFSET_X), max(0, grow - OFFSET_Y)
    size = (image.width + left + grow + OFFSET_X, image.height + top + grow + OFFSET_Y)
    alpha = Image.new("L", size)
    alpha.paste(image.getchannel("A"), (left + OFFSET_X, top + OFFSET_Y))
    alpha = alpha.filter(ImageFilter.GaussianBlur(sigma))
    alpha = alpha.point([round(SHADOW_OPACITY * value) for value in range(256)])
    result = Image.new("RGBA", size)
    result.putalpha(alpha)
    result.alpha_composite(image, (left, top))
    return result


def shrunk(image, width):
    copy = image.copy()
    copy.thumbnail((width, image.height), Image.Resampling.LANCZOS)
    return copy


def load(path):
    return Image.open(path).convert("RGBA")


def save(image, path):
    image.save(path, **({} if path.endswith(".png") else {"quality": QUALITY}))


def listing(source, prefix, extension):
    full = put_shadow(crop_to_content(load(source)), 16)
    sizes = {"processed": None, "detail": 1200, "grid": 400}

    def write(name):
        image = shrunk(full, sizes[name]) if sizes[name] else full
        save(image, f"{prefix}-{name}.{extension}")

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, sizes))


def crop(source, target):
    save(crop_to_content(load(source)), target)


def shadow(source, target, sigma):
    save(put_shadow(load(source), int(sigma)), target)


def shrink(source, target, width):
    image = Image.open(source)  # thumbnail() makes the decoder do most of the shrinking
    image.thumbnail((int(width), image.height), Image.Resampling.LANCZOS)
    save(image, target)


def palette(source, target, method):
    reduced = Image.open(source).convert("RGB").quantize(COLORS, Image.Quantize[method])
    colors = reduced.getpalette()
    pixels = reduced.width * reduced.height
    with open(target, "w") as file:
        for count, index in sorted(reduced.getcolors(), reverse=True):
            red, green, blue = colors[3 * index:3 * index + 3]
            file.write(f"#{red:02x}{green:02x}{blue:02x}\t{count / pixels:.3f}\n")


def blurs(source, sigma):
    """Pillow's GaussianBlur is three box blurs of fractional width."""
    import time
    image = load(source)
    image.load()
    for name, picture in (("RGBA", image), ("alpha", image.getchannel("A"))):
        wall_ns, cpu_ns = time.perf_counter_ns(), time.process_time_ns()
        picture.filter(ImageFilter.GaussianBlur(int(sigma)))
        wall_ns, cpu_ns = time.perf_counter_ns() - wall_ns, time.process_time_ns() - cpu_ns
        print(wall_ns, cpu_ns // 1000, 0, f"Pillow, blur of {name}")


def start():
    pass


warm.main(listing, crop, shadow, shrink, palette, blurs, start)
