# SPDX-License-Identifier: MIT
"""Makes the pictures and lists that scripts/bench works on.

    inputs.py DIR WANTED RENDER PHOTO EIGHT OTHER [CUTOUT...]

WANTED names the folders to make, parted by blanks:

    DIR/render/car.png   2560 x 1440: the cutout that RENDER (tests/gen/render) draws
    DIR/four/car.png     2560 x 1600, 4.1 MP: the same product
    DIR/photo/car.png    2560 x 1440: the outline of a car filled with a real photograph
    DIR/NAME/car.png     each real CUTOUT, as it is
    DIR/eight/photo.jpg  EIGHT, a photograph of 8 MP, as it is; copy.jpg: encoded again;
                         reference.jpg: the photograph OTHER in the size of EIGHT;
                         photo.png: zlib level 6, the best of all filters for each row
    DIR/twelve/photo.jpg PHOTO as a baseline JPEG of 4000 x 3000
    DIR/grow-1, grow-16  1280 x 800 and 5120 x 3200: a cutout car.png, and photo.jpg, copy.jpg,
                         reference.jpg as in DIR/eight, baseline; the small ones are the large
                         ones reduced
    DIR/lists/colors.txt 100,000 colours #rrggbb, all different
    DIR/lists/pairs.csv  500,000 pairs of near colours, L*, a*, b* of the one and of the other

RENDER may be empty: then the product is that outline, shaded. PHOTO may be empty: then DIR/photo
is not made; EIGHT or OTHER: then DIR/eight is not. The cutouts are all called car.png because
outputs are named after their input.
"""
import os
import shutil
import subprocess
import sys

import numpy
from PIL import Image, ImageDraw

CUTOUT = (2560, 1440)
FOUR_MP = (2560, 1600)
TWELVE_MP = (4000, 3000)
SIXTEEN_MP, ONE_MP = (5120, 3200), (1280, 800)
PHOTO_QUALITY = 90
COPY_QUALITY = 80
REFERENCE_QUALITY = 90
COLORS = 100_000
PAIRS = 500_000
PAIR_SIGMA = 4  # of the difference in each of L*, a*, b*: CIEDE2000 0 to about 10


def read_pam(data):
    """An 8-bit RGBA PAM, which Pillow reads in new versions only."""
    header, _, pixels = data.partition(b"\nENDHDR\n")
    fields = dict(line.split(None, 1) for line in header.decode().splitlines()[1:]
                  if line and not line.startswith("#"))
    if header[:2] != b"P7" or fields["DEPTH"] != "4" or fields["MAXVAL"] != "255":
        raise ValueError("not an 8-bit RGBA PAM")
    return Image.frombytes("RGBA", (int(fields["WIDTH"]), int(fields["HEIGHT"])), pixels)


def rendered(program, size):
    """The middle of a picture a quarter larger: the product alone has then more than 1200 px, the
    width of the listing's second size."""
    width, height = size[0] * 5 // 4, size[1] * 5 // 4
    command = [program, "cutout", "--width", str(width), "--height", str(height)]
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        return read_pam(run.stdout).crop((left, top, left + size[0], top + size[1]))
    except (OSError, ValueError, KeyError, subprocess.CalledProcessError) as error:
        print(f"bench: {' '.join(command)}: {error}; a plain shape instead", file=sys.stderr)
        return drawn(size)


def outline(size):
    """The alpha of a body on two wheels, with soft edges."""
    width, height = size
    wide = Image.new("L", (2 * width, 2 * height))
    draw = ImageDraw.Draw(wide)
    x, y = width / 100, height / 100
    draw.rounded_rectangle((32 * x, 70 * y, 168 * x, 150 * y), 20 * y, fill=255)
    draw.ellipse((60 * x, 36 * y, 140 * x, 120 * y), fill=255)
    for wheel in (60, 140):
        draw.ellipse((wheel * x - 22 * y, 122 * y, wheel * x + 22 * y, 166 * y), fill=255)
    return wide.resize(size, Image.Resampling.BOX)


def drawn(size):
    """A product without a renderer."""
    width, height = size
    light = numpy.linspace(220, 40, height)[:, None] + 20 * numpy.sin(numpy.linspace(0, 9, width))
    light += numpy.random.default_rng(1).normal(0, 2, light.shape)
    planes = [Image.fromarray(numpy.clip(light * share, 0, 255).astype(numpy.uint8))
              for share in (1, 0.4, 0.3)]
    return masked(Image.merge("RGB", planes), outline(size))


def masked(picture, alpha):
    """The picture under the alpha; the colour is 0 where that is, as cutout tools leave it."""
    result = Image.new("RGB", picture.size)
    result.paste(picture, mask=alpha.point([0] + [255] * 255))
    result.putalpha(alpha)
    return result


def covering(photo, size):
    scale = max(size[0] / photo.width, size[1] / photo.height)
    grown_size = (round(photo.width * scale), round(photo.height * scale))
    grown = photo.resize(grown_size, Image.Resampling.LANCZOS)
    return grown.crop((0, 0, *size))


def save(image, *parts):
    path = os.path.join(*parts, "car.png")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    image.save(path)


def eight(folder, photo, other):
    os.makedirs(folder, exist_ok=True)
    shutil.copyfile(photo, os.path.join(folder, "photo.jpg"))
    with Image.open(photo) as picture:
        size = picture.size
        picture.save(os.path.join(folder, "photo.png"))
        picture.save(os.path.join(folder, "copy.jpg"), quality=COPY_QUALITY)
    opened(other, size).save(os.path.join(folder, "reference.jpg"), quality=REFERENCE_QUALITY)


def opened(path, size):
    with Image.open(path) as picture:
        return covering(picture.convert("RGB"), size)


def twelve(folder, photo):
    os.makedirs(folder, exist_ok=True)
    opened(photo, TWELVE_MP).save(os.path.join(folder, "photo.jpg"), quality=PHOTO_QUALITY)


def grown(folders, cutout, photo, other):
    """The same pictures at both sizes."""
    pictures = [(cutout, "car.png", {})]
    if photo and other:
        large = opened(photo, SIXTEEN_MP)
        pictures += [(large, "photo.jpg", {"quality": PHOTO_QUALITY}),
                     (large, "copy.jpg", {"quality": COPY_QUALITY}),
                     (opened(other, SIXTEEN_MP), "reference.jpg", {"quality": REFERENCE_QUALITY})]
    for folder, size in zip(folders, (ONE_MP, SIXTEEN_MP)):
        os.makedirs(folder, exist_ok=True)
        for picture, name, options in pictures:
            picture.resize(size, Image.Resampling.BOX).save(os.path.join(folder, name), **options)


def lists(folder):
    os.makedirs(folder, exist_ok=True)
    random = numpy.random.default_rng(1)
    with open(os.path.join(folder, "colors.txt"), "w") as file:
        file.writelines(f"#{color:06x}\n" for color in random.choice(1 << 24, COLORS, False))
    one = random.uniform((0, -80, -80), (100, 80, 80), (PAIRS, 3))
    two = one + random.normal(0, PAIR_SIGMA, one.shape)
    two[:, 0] = numpy.clip(two[:, 0], 0, 100)
    numpy.savetxt(os.path.join(folder, "pairs.csv"), numpy.hstack((one, two)), "%.4f", ",")


def main(folder, wanted, program, photo, photo_8mp, other, *cutouts):
    make = (lambda size: rendered(program, size)) if program else drawn
    wanted = wanted.split()
    at = {name: os.path.join(folder, name) for name in wanted}
    if "render" in at:
        save(make(CUTOUT), at["render"])
    if "four" in at:
        save(make(FOUR_MP), at["four"])
    if "photo" in at and photo:
        with Image.open(photo) as picture:
            picture.draft("RGB", CUTOUT)
            filled = covering(picture.convert("RGB"), CUTOUT)
        save(masked(filled, outline(CUTOUT)), at["photo"])
    if "eight" in at and photo_8mp and other:
        eight(at["eight"], photo_8mp, other)
    if "twelve" in at and photo:
        twelve(at["twelve"], photo)
    if "grow-16" in at:
        grown((os.path.join(folder, "grow-1"), at["grow-16"]), make(SIXTEEN_MP), photo, other)
    if "lists" in at:
        lists(at["lists"])
    for cutout in cutouts:
        name = os.path.splitext(os.path.basename(cutout))[0]
        if name in at:
            os.makedirs(at[name], exist_ok=True)
            shutil.copyfile(cutout, os.path.join(at[name], "car.png"))


main(*sys.argv[1:])
