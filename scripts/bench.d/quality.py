# SPDX-License-Identifier: MIT
"""How far two pictures lie apart, so that a ratio of times compares the same work.

CIEDE2000 (CIE 142-2001) as Sharma, Wu and Dalal write it ("The CIEDE2000 color-difference formula:
implementation notes", 2005), between sRGB pixels over white, D65. Pixels that are transparent in
both pictures are left out: there are many, and they agree. Of more than SAMPLES pixels a fixed
random choice is measured.
"""
import numpy
from PIL import Image

SAMPLES = 400_000
CHUNK = 65_536
SIZE_SLACK_PX = 2

# Pairs and answers from the paper's table 1, one for each branch of the formula.
PUBLISHED = (
    ((50.0000, 2.6772, -79.7751), (50.0000, 0.0000, -82.7485), 2.0425),
    ((50.0000, 0.0000, 0.0000), (50.0000, -1.0000, 2.0000), 2.3669),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0011), 7.2195),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0009), 7.1792),
    ((50.0000, 2.5000, 0.0000), (61.0000, -5.0000, 29.0000), 22.8977),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
)

# Linear sRGB to XYZ relative to the D65 white (IEC 61966-2-1), so that white is (1, 1, 1).
TO_XYZ = numpy.array([[0.4123908, 0.3575843, 0.1804808],
                      [0.2126390, 0.7151687, 0.0721923],
                      [0.0193308, 0.1191948, 0.9505322]])
TO_XYZ /= TO_XYZ.sum(axis=1, keepdims=True)


def ciede2000(lab1, lab2):
    """Differences between the rows of two arrays of L*, a*, b*."""
    l1, a1, b1 = lab1.T
    l2, a2, b2 = lab2.T
    mean_chroma7 = ((numpy.hypot(a1, b1) + numpy.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * numpy.sqrt(mean_chroma7 / (mean_chroma7 + 25.0 ** 7))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = numpy.hypot(a1, b1), numpy.hypot(a2, b2)
    h1, h2 = numpy.degrees(numpy.arctan2(b1, a1)) % 360, numpy.degrees(numpy.arctan2(b2, a2)) % 360

    coloured = c1 * c2 != 0
    step = numpy.where(coloured, (h2 - h1 + 180) % 360 - 180, 0)
    step = numpy.where(coloured & (h2 - h1 == 180), 180, step)
    d_hue = 2 * numpy.sqrt(c1 * c2) * numpy.sin(numpy.radians(step / 2))
    hue = (h1 + h2) / 2
    far = numpy.abs(h1 - h2) > 180 + 1e-9  # exactly opposite hues are near, whatever rounding says
    turned = numpy.where(h1 + h2 < 360, hue + 180, hue - 180)
    hue = numpy.where(coloured, numpy.where(far, turned, hue), h1 + h2)

    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = (1 - 0.17 * cosine(hue - 30) + 0.24 * cosine(2 * hue) + 0.32 * cosine(3 * hue + 6)
         - 0.20 * cosine(4 * hue - 63))
    s_light = 1 + 0.015 * (light - 50) ** 2 / numpy.sqrt(20 + (light - 50) ** 2)
    s_chroma, s_hue = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    turn = 60 * numpy.exp(-(((hue - 275) / 25) ** 2))
    weight = numpy.sqrt(chroma ** 7 / (chroma ** 7 + 25.0 ** 7))
    rotate = -2 * weight * numpy.sin(numpy.radians(turn))
    x, y, z = (l2 - l1) / s_light, (c2 - c1) / s_chroma, d_hue / s_hue
    return numpy.sqrt(numpy.maximum(0, x * x + y * y + z * z + rotate * y * z))


def cosine(degrees):
    return numpy.cos(numpy.radians(degrees))


def check_formula():
    """Raises when the formula above does not give the published answers."""
    for first, second, answer in PUBLISHED:
        for pair in ((first, second), (second, first)):
            got = ciede2000(numpy.array(pair[:1]), numpy.array(pair[1:]))[0]
            if abs(got - answer) > 0.00005:
                raise AssertionError(f"CIEDE2000 of {first} and {second}: {got:.5f}, not {answer}")


def lab_over_white(rgba):
    value = rgba.astype(numpy.float64) / 255
    value = value[:, :3] * value[:, 3:] + (1 - value[:, 3:])
    linear = numpy.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    xyz = linear @ TO_XYZ.T
    f = numpy.where(xyz > 216 / 24389, numpy.cbrt(xyz), (xyz * 24389 / 27 + 16) / 116)
    x, y, z = f.T
    return numpy.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=1)


def load(path):
    with Image.open(path) as image:
        return numpy.asarray(image.convert("RGBA"))


def compare(path1, path2):
    """{"size1", "size2"} as (width, height), and "mean", "p95", "max" where the sizes are equal or
    nearly so: an edge may be found a pixel aside, then the overlap that fits best counts."""
    one, two = load(path1), load(path2)
    result = {"size1": one.shape[1::-1], "size2": two.shape[1::-1]}
    if max(abs(one.shape[0] - two.shape[0]), abs(one.shape[1] - two.shape[1])) > SIZE_SLACK_PX:
        return result
    fits = (differences(*pair) for pair in overlaps(one, two))
    best = min(fits, key=numpy.mean)
    p95 = float(numpy.percentile(best, 95))
    result.update(mean=float(best.mean()), p95=p95, max=float(best.max()))
    return result


def overlaps(one, two):
    height, width = (min(one.shape[i], two.shape[i]) for i in (0, 1))
    for y in range(abs(one.shape[0] - two.shape[0]) + 1):
        for x in range(abs(one.shape[1] - two.shape[1]) + 1):
            yield tuple(image[min(y, image.shape[0] - height):, min(x, image.shape[1] - width):]
                        [:height, :width] for image in (one, two))


def differences(one, two):
    one, two = one.reshape(-1, 4), two.reshape(-1, 4)
    visible = numpy.flatnonzero(one[:, 3] | two[:, 3])
    if len(visible) == 0:
        return numpy.zeros(1)
    if len(visible) > SAMPLES:
        visible = numpy.random.default_rng(1).choice(visible, SAMPLES, replace=False)
    return numpy.concatenate([ciede2000(lab_over_white(one[at]), lab_over_white(two[at]))
                              for at in numpy.array_split(visible, len(visible) // CHUNK + 1)])
