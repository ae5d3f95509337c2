#!/usr/bin/env python3
"""The tests' second opinion: decodes with Pillow, computes with numpy, shares nothing with the tools.

oracle.py same A B            exit 1 unless the pixels (as Pillow decodes them) are the same
oracle.py difference A B      JSON: mean, p99 and max CIEDE2000 over white, through the profiles
oracle.py shape A             prints "WIDTHxHEIGHT MODE"
oracle.py box A [THRESHOLD]   bounding box of alpha > threshold: "x y width height"
oracle.py make KIND FILE...   test inputs; see the functions make_...
"""
import io
import json
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageCms


def read_pam(data):
    """PAM with comments, which Pillow does not read: an array of height x width x channels."""
    header, _, body = data.partition(b"ENDHDR\n")
    fields = dict(line.split(None, 1) for line in header.split(b"\n")[1:]
                  if line and not line.startswith(b"#"))
    width, height, depth, full = (int(fields[k]) for k in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"))
    samples = np.frombuffer(body, dtype=">u2" if full > 255 else "u1")
    return samples.reshape(height, width, depth).astype(np.float64) / full


def read(name):
    """(samples 0..1 as height x width x channels, ICC profile or None)"""
    with open(name, "rb") as file:
        data = file.read()
    if data.startswith(b"P7"):
        return read_pam(data), None
    if data.startswith(b"\x89PNG"):
        return read_png(data)
    image = Image.open(io.BytesIO(data))
    profile = image.info.get("icc_profile")
    if image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        image = image.convert("RGBA" if "A" in image.mode else "RGB")
    array = np.asarray(image).astype(np.float64) / 255
    return array.reshape(array.shape[0], array.shape[1], -1), profile


def read_png(data):
    """PNG of 8 or 16 bits, not interlaced, no palette, from its definition: Pillow has no 16-bit RGB."""
    at, idat, profile = 8, b"", None
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        chunk = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, color, _, _, interlace = struct.unpack(">IIBBBBB", chunk)
        elif kind == b"IDAT":
            idat += chunk
        elif kind == b"iCCP":
            profile = zlib.decompress(chunk[chunk.index(b"\0") + 2:])
        at += size + 12
    if depth < 8 or color == 3 or interlace:
        image = Image.open(io.BytesIO(data)).convert("RGBA")
        return np.asarray(image).astype(np.float64) / 255, profile
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color]
    step = channels * depth // 8
    stride = width * step
    raw = zlib.decompress(idat)
    above = np.zeros(stride, np.uint8)
    rows = []
    for y in range(height):
        kind = raw[y * (stride + 1)]
        row = np.frombuffer(raw, np.uint8, stride, y * (stride + 1) + 1).copy()
        if kind == 2:
            row += above
        elif kind != 0:
            row = unfilter(kind, row, above, step)
        rows.append(row)
        above = row
    array = np.stack(rows).reshape(height, -1)
    array = array.view(">u2") if depth == 16 else array
    return array.reshape(height, width, channels).astype(np.float64) / (2 ** depth - 1), profile


def unfilter(kind, row, above, step):
    out = [0] * step + row.tolist()
    up = [0] * step + above.tolist()
    for i in range(step, len(out)):
        a, b, c = out[i - step], up[i], up[i - step]
        if kind == 1:
            guess = a
        elif kind == 3:
            guess = (a + b) // 2
        else:
            p = a + b - c
            pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
            guess = a if pa <= pb and pa <= pc else b if pb <= pc else c
        out[i] = (out[i] + guess) & 255
    return np.array(out[step:], np.uint8)


def to_srgb(array, profile):
    """Encoded sRGB 0..1 of colour samples, through the profile where there is one."""
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2) if profile is None else array
    if profile is None:
        return array
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = "L" if array.shape[2] == 1 else "RGB"
    bytes8 = np.round(array * 255).astype(np.uint8)
    image = Image.fromarray(bytes8[:, :, 0] if mode == "L" else bytes8, mode)
    done = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"),
                                     renderingIntent=1, outputMode="RGB")
    return np.asarray(done).astype(np.float64) / 255


def over_white(name):
    array, profile = read(name)
    channels = array.shape[2]
    alpha = array[:, :, -1:] if channels in (2, 4) else np.ones(array.shape[:2] + (1,))
    color = to_srgb(array[:, :, :-1] if channels in (2, 4) else array, profile)
    return color * alpha + (1 - alpha)


def lab(srgb):
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[506752 / 1228815, 87881 / 245763, 12673 / 70218],
                       [87098 / 409605, 175762 / 245763, 12673 / 175545],
                       [7918 / 409605, 87881 / 737289, 1001167 / 1053270]])
    xyz = linear @ matrix.T / np.array([0.3127 / 0.3290, 1.0, (1 - 0.3127 - 0.3290) / 0.3290])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]),
                     200 * (f[..., 1] - f[..., 2])], axis=-1)


def ciede2000(one, two):
    l1, a1, b1 = np.moveaxis(one, -1, 0)
    l2, a2, b2 = np.moveaxis(two, -1, 0)
    c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - np.sqrt(c7 / (c7 + 25.0 ** 7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    dh = h2 - h1
    dh = np.where(dh > 180, dh - 360, np.where(dh < -180, dh + 360, dh))
    dh = np.where(c1 * c2 == 0, 0, dh)
    big_dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh / 2))
    lm, cm = (l1 + l2) / 2, (c1 + c2) / 2
    total = h1 + h2
    hm = np.where(np.abs(h1 - h2) <= 180, total / 2,
                  np.where(total < 360, (total + 360) / 2, (total - 360) / 2))
    hm = np.where(c1 * c2 == 0, total, hm)
    t = (1 - 0.17 * np.cos(np.radians(hm - 30)) + 0.24 * np.cos(np.radians(2 * hm)) +
         0.32 * np.cos(np.radians(3 * hm + 6)) - 0.20 * np.cos(np.radians(4 * hm - 63)))
    rotation = 30 * np.exp(-(((hm - 275) / 25) ** 2))
    rc = 2 * np.sqrt(cm ** 7 / (cm ** 7 + 25.0 ** 7))
    sl = 1 + 0.015 * (lm - 50) ** 2 / np.sqrt(20 + (lm - 50) ** 2)
    sc, sh = 1 + 0.045 * cm, 1 + 0.015 * cm * t
    rt = -np.sin(np.radians(2 * rotation)) * rc
    kl, kc, kh = (l2 - l1) / sl, (c2 - c1) / sc, big_dh / sh
    return np.sqrt(np.maximum(kl ** 2 + kc ** 2 + kh ** 2 + rt * kc * kh, 0))


def command_same(one, two):
    a, b = read(one)[0], read(two)[0]
    if a.shape != b.shape:
        sys.exit(f"shapes {a.shape} and {b.shape}")
    if not np.array_equal(np.round(a * 65535), np.round(b * 65535)):
        sys.exit(f"{int((a != b).any(axis=2).sum())} pixels differ, by up to {abs(a - b).max():.4f}")


def command_difference(one, two):
    a, b = over_white(one), over_white(two)
    if a.shape != b.shape:
        sys.exit(f"shapes {a.shape} and {b.shape}")
    d = ciede2000(lab(a), lab(b))
    print(json.dumps({"mean": float(d.mean()), "p99": float(np.percentile(d, 99)),
                      "max": float(d.max())}))


def command_shape(name):
    image = Image.open(name)
    print(f"{image.width}x{image.height} {image.mode}")


def command_box(name, threshold="10"):
    alpha = read(name)[0][:, :, -1] * 255
    ys, xs = np.nonzero(alpha > float(threshold))
    print(xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1)


def command_make(kind, *names):
    globals()["make_" + kind](*names)


def picture(width=96, height=64):
    """Something with gradients, edges and saturated colours, 8-bit RGB."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x * 255 / (width - 1), y * 255 / (height - 1),
                    128 + 100 * np.sin(x / 9.0) * np.cos(y / 7.0)], axis=-1)
    rgb[height // 4:height // 2, width // 4:width // 2] = (200, 30, 40)
    rgb[height // 2:, width // 2:] = (20, 60, 160)
    return np.clip(np.round(rgb), 0, 255).astype(np.uint8)


def make_rgb(name):
    Image.fromarray(picture()).save(name)


def make_cmyk(name):
    Image.fromarray(picture()).convert("CMYK").save(name, quality=95, subsampling=0)


def make_oriented(name, orientation):
    """The picture turned the way a camera stores it, with the tag that turns it back."""
    back = {1: None, 2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM,
            5: Image.TRANSPOSE, 6: Image.ROTATE_90, 7: Image.TRANSVERSE, 8: Image.ROTATE_270}
    image = Image.fromarray(picture())
    turn = back[int(orientation)]
    exif = Image.Exif()
    exif[274] = int(orientation)
    (image.transpose(turn) if turn is not None else image).save(
        name, exif=exif, quality=100, subsampling=0)


def make_animated(name):
    frames = [Image.fromarray(np.roll(picture(), 8 * i, axis=1)) for i in range(3)]
    frames[0].save(name, save_all=True, append_images=frames[1:], duration=100, lossless=True)


def make_profiled(name):
    """An image in a wide space made here: a profile with a gamma of 1.8 and other primaries."""
    Image.fromarray(picture()).save(name, icc_profile=wide_profile())


def wide_profile():
    """A matrix profile (ICC.1:2001): gamma 1.8, primaries of ProPhoto, D50."""
    def s15(v):
        return struct.pack(">i", round(v * 65536))

    def xyz(x, y, z):
        return b"XYZ \0\0\0\0" + s15(x) + s15(y) + s15(z)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(1.8 * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"wide\0" + b"\0" * 78
    text += b"\0" * (-len(text) % 4)
    tags = [(b"desc", text), (b"wtpt", xyz(0.9642, 1.0, 0.8249)),
            (b"rXYZ", xyz(0.7976749, 0.2880402, 0.0)), (b"gXYZ", xyz(0.1351917, 0.7118741, 0.0)),
            (b"bXYZ", xyz(0.0313534, 0.0000857, 0.82521)), (b"rTRC", curve), (b"gTRC", curve),
            (b"bTRC", curve), (b"cprt", b"text\0\0\0\0none\0\0\0\0")]
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags:
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    size = 128 + len(table) + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 24
    header += b"\0" * 4 + s15(0.9642) + s15(1.0) + s15(0.8249)
    return header.ljust(128, b"\0") + table + body


def write_png16(name, array):
    """16-bit PNG, which Pillow cannot write for RGB."""
    height, width, channels = array.shape
    color = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    raw = b"".join(b"\0" + array[y].astype(">u2").tobytes() for y in range(height))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))
    with open(name, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" +
                   chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def make_png16(name, channels="3"):
    rgb = picture().astype(np.uint32) * 257
    rgb += np.arange(rgb.size, dtype=np.uint32).reshape(rgb.shape) % 200
    rgb = np.minimum(rgb, 65535)
    grey = rgb[:, :, 1:2]
    alpha = np.linspace(0, 65535, rgb.shape[1]).astype(np.uint32)[None, :, None]
    alpha = np.repeat(alpha, rgb.shape[0], axis=0)
    parts = {"1": [grey], "2": [grey, alpha], "3": [rgb], "4": [rgb, alpha]}[channels]
    write_png16(name, np.concatenate(parts, axis=2))


def make_grey(name):
    Image.fromarray(picture()[:, :, 1]).save(name)


def make_palette(name):
    Image.fromarray(picture()).quantize(64).save(name)


if __name__ == "__main__":
    globals()["command_" + sys.argv[1]](*sys.argv[2:])
