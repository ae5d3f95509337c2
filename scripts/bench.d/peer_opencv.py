# SPDX-License-Identifier: MIT
"""The jobs of scripts/bench as a program that uses OpenCV would do them.

    peer_opencv.py reinhard SOURCE REFERENCE OUT    mean and deviation of each channel of Lab
    peer_opencv.py matrix SOURCE REFERENCE OUT      the same without leaving OpenCV

The first is the way most programs do it: planes of float, numpy's statistics and arithmetic. The
second keeps bytes and applies the whole as one matrix, which is as fast as OpenCV gets.

The method is that of Reinhard, Ashikhmin, Gooch and Shirley, "Color transfer between images"
(2001), in CIELAB instead of their own space. The factor is the deviation of the reference over that
of the source, as they have it.

warm.py says what `--warm N` in front does.
"""
import cv2
import numpy

import warm

QUALITY = 85


def load(path):
    return cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2LAB)


def save(lab, path):
    cv2.imwrite(path, cv2.cvtColor(lab, cv2.COLOR_LAB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def reinhard(source, reference, target):
    sides = (cv2.split(load(path).astype(numpy.float32)) for path in (source, reference))
    planes = [(one - one.mean()) * (two.std() / one.std()) + two.mean()
              for one, two in zip(*sides)]
    save(numpy.clip(cv2.merge(planes), 0, 255).astype(numpy.uint8), target)


def matrix(source, reference, target):
    lab = load(source)
    mean, deviation = cv2.meanStdDev(lab)
    to_mean, to_deviation = cv2.meanStdDev(load(reference))
    factor = to_deviation / deviation
    affine = numpy.hstack((numpy.diag(factor[:, 0]), to_mean - factor * mean))
    save(cv2.transform(lab, affine), target)


warm.main(reinhard, matrix)
