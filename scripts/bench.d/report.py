# SPDX-License-Identifier: MIT
"""What scripts/bench prints: tables for people, or one JSON object."""
import json
import os
import time
from fractions import Fraction
from statistics import median

FUNCTIONS = 6  # whose instructions are shown


class Tables:
    def __init__(self, peers):
        print("; ".join(f"{name}: {value}" for name, value in machine().items()))
        print_columns([(peer["name"], peer["version"] or f"not there: {peer['reason']}")
                       for peer in peers.values()])
        print(flush=True)

    def job(self, job):
        print(f"{job.name}: {job.title}")
        rows = job.rows()
        if rows:
            print_columns([("", "runs", "median", "min", "cpu", "peak", "warm", "ratio", "output",
                            "dE mean", "dE 95%", "same work"),
                           ("", "", "ms", "ms", "ms", "MiB", "ms", "", "KiB", "", "", ""),
                           *(row(contender) for contender in rows)])
        print_share(job, rows)
        print_instructions(rows)
        for contender in job.contenders:
            if contender.skipped:
                print(f"  {contender.name}: did not run: {contender.skipped}")
        if job.reference and job.reference.role == "peer":
            print(f"  ours did not run: ratios and differences are against {job.reference.name}")
        print(flush=True)

    def end(self, figures):
        rows = [("job", "ours", "against", "at most", "measured", "by cpu", "reached")]
        rows += [figure_row(one) for one in figures]
        if figures:
            print("Figures to reach: time of ours / time of the other; \"by cpu\", which other "
                  "programs disturb less, is for information")
            print_columns(rows)
        return all(one["reached"] for one in figures)


class Json:
    def __init__(self, peers):
        self.result = {"ok": True, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                       "machine": machine(), "versions": peers, "jobs": []}

    def job(self, job):
        self.result["jobs"].append({
            "name": job.name, "title": job.title, "input": job.source,
            "reference": job.reference.name if job.reference else None,
            "contenders": [contender_object(one) for one in job.rows() +
                           [one for one in job.contenders if one.skipped]]})

    def end(self, figures):
        print(json.dumps({**self.result, "figures": figures, "load_at_end": os.getloadavg()[0]}))
        return all(one["reached"] for one in figures)


def machine():
    processor = "unknown"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                processor = line.split(":", 1)[1].strip()
                break
    return {"processor": processor, "processors": len(os.sched_getaffinity(0)),
            "kernel": os.uname().release, "load": round(os.getloadavg()[0], 2)}


def contender_object(contender):
    if contender.skipped:
        return {"name": contender.name, "role": contender.role, "skipped": contender.skipped}
    return {"name": contender.name, "role": contender.role, "command": contender.argv,
            "runs": len(contender.wall_ms), "median_ms": contender.median_ms,
            "min_ms": min(contender.wall_ms), "wall_ms": contender.wall_ms,
            "cpu_median_ms": median(contender.cpu_ms), "peak_kib": contender.peak_kib,
            "warm_ms": contender.warm_ms, "ratio": contender.ratio, "bytes": contender.bytes,
            "difference": contender.difference,
            "instructions": instructions_object(contender.instructions)}


def instructions_object(counter):
    return counter and {"total": sum(counter.values()),
                        "functions": [{"name": name, "in": where, "count": cost}
                                      for (name, where), cost in counter.most_common(FUNCTIONS)]}


def row(contender):
    difference = contender.difference or {}
    same = "a part" if contender.role == "part" else ""
    if difference:
        same = {True: "yes", False: "NO", None: "another method"}[difference["same_work"]]
        if "note" in difference:
            same += "; " + difference["note"]
        outputs = difference.get("outputs", {}).values()
        odd = [one for one in outputs if one["size1"] != one["size2"]]
        if odd:
            same += "; size " + " ".join("{}x{}".format(*one["size2"]) for one in odd)
    return (contender.name, str(len(contender.wall_ms)), number(contender.median_ms),
            number(min(contender.wall_ms)), number(median(contender.cpu_ms)),
            number(contender.peak_kib and contender.peak_kib / 1024), number(contender.warm_ms),
            number(contender.ratio, 2), number(contender.bytes / 1024 if contender.bytes else None),
            number(difference.get("mean"), 2), number(difference.get("p95"), 2), same)


def figures_of(jobs, partial):
    """Where only some contenders were asked for, only what they tell."""
    every = (figure(job, *one) for job in jobs for one in job.figures)
    return [one for one in every if "measured" in one or not partial]


def print_share(job, rows):
    """Ours against what nobody can do without."""
    ours = next((one for one in rows if one.role == "ours"), None)
    parts = {one.name: one for one in rows if one.role == "part"}
    floor = parts.get("decode + encode") or parts.get("decode")
    if ours and floor:
        print(f"  {ours.name} takes {ours.median_ms / floor.median_ms:.2f} times {floor.name} alone"
              f" ({median(ours.cpu_ms) / median(floor.cpu_ms):.2f} by processor time)")


def print_instructions(rows):
    counted = [one for one in rows if one.instructions]
    totals = [sum(one.instructions.values()) for one in counted]
    for one, total in zip(counted, totals):
        print(f"  {one.name}: {total / 1e6:.0f} million instructions")
        for (name, where), cost in one.instructions.most_common(FUNCTIONS):
            print(f"    {100 * cost / total:5.1f}%  {cost / 1e6:6.0f}  {name} in {where}")
    if len(counted) == 2:
        print(f"  {counted[0].name} executes {totals[0] / totals[1]:.1f} times the instructions of "
              f"{counted[1].name}")


def named(rows, names):
    """The rows that are called one of `A or B`, wholly or up to a comma."""
    return [one for name in names.split(" or ") for one in rows
            if one.name == name or one.name.startswith(name + ",")]


def figure(job, ours, opponent, limit):
    """What a figure of the job asks for and what was measured."""
    rows = job.rows()
    own = [one for one in rows if one.role == "ours"]
    if ours == "-":
        own = own[:1]
    elif ours != "every":
        own = named(rows, ours)
    others = ([one for one in rows if one.role == "peer"] if opponent == "fastest peer"
              else named(rows, opponent))
    result = {"job": job.name, "opponent": opponent, "limit": limit, "reached": False}
    if own and others:
        slowest = max(own, key=lambda one: one.median_ms)
        other = min(others, key=lambda one: one.median_ms)
        measured = slowest.median_ms / other.median_ms
        same = True if other.difference is None else other.difference["same_work"]
        result.update(ours=slowest.name, against=other.name, measured=measured,
                      by_cpu=median(slowest.cpu_ms) / median(other.cpu_ms), same_work=same,
                      reached=measured <= Fraction(limit))
    return result


def figure_row(one):
    if "measured" not in one:
        return (one["job"], "", one["opponent"], one["limit"], "", "", "not measured")
    verdict = "yes" if one["reached"] else "NO"
    if one["same_work"] is None:
        verdict += ", against another method"
    elif not one["same_work"]:
        verdict += ", but not the same work"
    return (one["job"], one["ours"], one["against"], one["limit"],
            share(one["measured"]), share(one["by_cpu"]), verdict)


def share(ratio):
    return f"1/{1 / ratio:.1f}" if ratio < 1 else f"{ratio:.2f}"


def number(value, digits=None):
    if value is None:
        return ""
    if digits is None:
        digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f}"


def print_columns(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for cells in rows:
        middle = (cell.rjust(width) for cell, width in zip(cells[1:-1], widths[1:-1]))
        print("  " + "  ".join([cells[0].ljust(widths[0]), *middle, cells[-1]]).rstrip())
