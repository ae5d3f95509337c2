# SPDX-License-Identifier: MIT
"""How far two text answers lie apart; what they are is in the name of the file.

    .stats   lines `name value`: differences are those of mean and p95
    .csv     rows whose last field is a number: differences are those of that field
    .codes   lines with a code `RAL 1000` among fields parted by tabs: the share that agrees

Each gives "same_work", "mean" and "p95" (None where there is none), and maybe a "note".
"""
import numpy

SAME_STATISTIC = 0.01   # formulas agree to less; the Lab of a pixel differs by rounding
SAME_NUMBER = 0.001     # four decimals are written
SAME_CODES = 0.999      # where two colours of a catalogue are equally near, rounding decides


def compare_stats(one, two):
    sides = [dict(line.split() for line in lines(path)) for path in (one, two)]
    apart = {name: abs(float(sides[0][name]) - float(value))
             for name, value in sides[1].items() if name in sides[0]}
    return {"mean": apart["mean"], "p95": apart.get("p95"),
            "same_work": apart["mean"] <= SAME_STATISTIC}


def compare_lists(one, two):
    sides = [numpy.array([float(row.rpartition(",")[2]) for row in lines(path)])
             for path in (one, two)]
    if len(sides[0]) != len(sides[1]):
        return counts_differ(*sides)
    apart = numpy.abs(sides[0] - sides[1])
    return {"mean": float(apart.mean()), "p95": float(numpy.percentile(apart, 95)),
            "max": float(apart.max()), "same_work": bool(apart.max() <= SAME_NUMBER)}


def compare_codes(one, two):
    sides = [[next((field for field in line.split("\t") if field.startswith("RAL ")), "")
              for line in lines(path)] for path in (one, two)]
    if len(sides[0]) != len(sides[1]):
        return counts_differ(*sides)
    share = sum(map(str.__eq__, *sides)) / max(1, len(sides[0]))
    return {"mean": None, "p95": None, "equal": share, "same_work": share >= SAME_CODES,
            "note": f"{100 * share:.2f}% equal"}


def counts_differ(one, two):
    return {"mean": None, "p95": None, "same_work": False,
            "note": f"{len(two)} answers, not {len(one)}"}


def lines(path):
    with open(path) as file:
        return file.read().splitlines()


KINDS = {".stats": compare_stats, ".csv": compare_lists, ".codes": compare_codes}
