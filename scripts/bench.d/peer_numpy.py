# SPDX-License-Identifier: MIT
"""The jobs of scripts/bench as a program that uses numpy would do them; Pillow reads and writes.

    peer_numpy.py mkl SOURCE REFERENCE OUT      the linear map that moves colours least

The map is the closed form of Pitie and Kokaram, "The linear Monge-Kantorovitch linear colour
mapping for example-based colour transfer" (2007), on encoded sRGB:
T = S^-1/2 (S^1/2 R S^1/2)^1/2 S^-1/2 with the covariances S of the source and R of the reference.

warm.py says what `--warm N` in front does.
"""
import numpy
from PIL import Image

import warm

QUALITY = 85
SMALLEST_VARIANCE = 1e-9


def load(path):
    return numpy.asarray(Image.open(path).convert("RGB"), dtype=numpy.float64)


def power(matrix, exponent):
    """Of a symmetric matrix without negative eigenvalues."""
    values, vectors = numpy.linalg.eigh(matrix)
    return (vectors * numpy.maximum(values, SMALLEST_VARIANCE) ** exponent) @ vectors.T


def mkl(source, reference, target):
    picture = load(source)
    pixels, others = picture.reshape(-1, 3), load(reference).reshape(-1, 3)
    spread = numpy.cov(pixels.T)
    half, back = power(spread, 0.5), power(spread, -0.5)
    step = back @ power(half @ numpy.cov(others.T) @ half, 0.5) @ back
    moved = (pixels - pixels.mean(axis=0)) @ step + others.mean(axis=0)
    moved = numpy.clip(numpy.rint(moved), 0, 255).astype(numpy.uint8)
    Image.fromarray(moved.reshape(picture.shape)).save(target, quality=QUALITY)


warm.main(mkl)
