# SPDX-License-Identifier: MIT
"""The jobs of scripts/bench as a program that uses scikit-image would do them.

    peer_skimage.py deltae ONE TWO OUT      statistics of the CIEDE2000 between two pictures

warm.py says what `--warm N` in front does.
"""
import numpy
from skimage import color, io

import warm

TOLERANCE = 2.3


def deltae(one, two, target):
    labs = (color.rgb2lab(io.imread(path)) for path in (one, two))
    difference = color.deltaE_ciede2000(*labs)
    median, p95, p99 = numpy.percentile(difference, (50, 95, 99))
    answers = {"mean": difference.mean(), "median": median, "p95": p95, "p99": p99,
               "max": difference.max(), "over": (difference > TOLERANCE).mean()}
    with open(target, "w") as file:
        file.writelines(f"{name}\t{value:.4f}\n" for name, value in answers.items())


warm.main(deltae)
