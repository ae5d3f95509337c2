# SPDX-License-Identifier: MIT
"""Runs the jobs of scripts/bench in rounds; see main() for its arguments.

jobs.txt, contenders.txt and figures.txt say what there is; nothing here knows what a job does.
Contenders take turns (A B C, A B C, ...), so that a disturbance meets all of them; which of them
begins moves on by one with each round.
"""
import argparse
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time

import answers
import callgrind
import quality
import report

HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT_S = 300
SLOW_S = 3.0        # a contender slower than this gets at most SLOW_ROUNDS rounds
SLOW_ROUNDS = 3
SHORT_S = 0.06      # a shorter one runs several times in each round, for about this long
SHORT_REPEATS = 20
WARM_REPEATS = 5
LOAD_PER_CPU = 0.5  # above this other programs disturb

# The largest mean CIEDE2000 at which two results are the same work. Encoders at one quality differ
# more than resamplers do: quality 80 alone moves a strongly textured picture by 2.9.
SAME_MEAN_DE = 2.0
SAME_MEAN_DE_LOSSY = 3.0
PICTURES = (".png", ".jpg", ".webp")

# In the order in which they serve as the reference.
ROLES = ("floor", "ours", "peer", "other")
PART_ROLES = ("part", "parts")
WHOLE = "decode + encode"  # the sum of two parts, called by their names


class Contender:
    def __init__(self, name, role, needs="-", command="", source=None):
        self.name, self.role, self.needs, self.command = name, role, needs, command
        self.source = source    # the job's input
        self.skipped = None     # why it did not run
        self.folder = self.argv = None
        self.wall_ms, self.cpu_ms = [], []
        self.peak_kib = self.warm_ms = self.bytes = None
        self.repeats, self.rounds = 1, 0
        self.parts = {}         # of role "parts": what it timed, by name
        self.instructions = None  # a Counter by (function, program)
        self.difference = None  # from the reference: per output, and the worst mean and p95
        self.ratio = None       # median / median of the reference

    @property
    def median_ms(self):
        return statistics.median(self.wall_ms)


class Job:
    def __init__(self, name, family, source, values, outputs, title):
        self.name, self.family, self.source, self.title = name, family, source, title
        pairs = (pair.split("=", 1) for pair in shlex.split(values) if pair != "-")
        # A list stands for several words of a command, or none.
        self.values = {name: value.split() if " " in value or not value else value
                       for name, value in pairs}
        self.outputs = [] if outputs == "-" else filled(outputs, self.values)
        self.figures = []
        self.contenders = []
        self.reference = None
        self.pixels = []

    def running(self):
        return [contender for contender in self.contenders if not contender.skipped]

    def rows(self):
        """All that has a time: what ran, and the parts that it timed."""
        running = self.running()
        return ([one for one in running if one.role != "parts"] +
                [part for one in running for part in one.parts.values()])


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def table(path, columns):
    """The rows of a table whose cells are parted by `|`; the last one may hold some itself."""
    with open(path) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                yield [cell.strip() for cell in line.split("|", columns - 1)]


def filled(text, values):
    """The words of a command, @name@ replaced."""
    words = []
    for word in shlex.split(text):
        whole = values.get(word[1:-1]) if word[:1] == word[-1:] == "@" else None
        if isinstance(whole, list):
            words += whole
            continue
        for name, value in values.items():
            word = word.replace(f"@{name}@", value if isinstance(value, str) else " ".join(value))
        words.append(word)
    return words


def add_up(parts):
    """The part that all of the inputs and outputs need, as a part of its own."""
    decode, encode = parts.get("decode"), parts.get("encode")
    if decode and encode:
        whole = parts[WHOLE] = Contender(WHOLE, "part")
        whole.bytes = encode.bytes
        whole.wall_ms = list(map(sum, zip(decode.wall_ms, encode.wall_ms)))
        whole.cpu_ms = list(map(sum, zip(decode.cpu_ms, encode.cpu_ms)))


class Bench:
    def __init__(self, options):
        self.work, self.round_count, self.keep = options.work, options.rounds, options.keep
        self.callgrind = options.callgrind
        self.paths = dict(pair.split("=", 1) for pair in options.path)
        self.peers = {key: {"name": name, "version": version, "reason": "" if version else reason}
                      for key, name, version, reason in options.peer}
        self.contenders = [row for row in table(os.path.join(HERE, "contenders.txt"), 5)
                           if (options.limits or row[2] not in PART_ROLES) and
                           not (options.ours and row[2] in ("peer", "other"))]
        self.jobs = [Job(*row) for row in table(os.path.join(self.work, "jobs"), 6)]
        for name, *figure, when in table(os.path.join(HERE, "figures.txt"), 5):
            for job in self.jobs:
                if job.name == name and (when == "-" or options.limits):
                    job.figures.append(figure)
        unknown = set(options.job) - {job.name for job in self.jobs}
        if unknown:
            sys.exit(f"bench: no job {', '.join(sorted(unknown))}: see --list")
        if options.job:
            self.jobs = [job for job in self.jobs if job.name in options.job]

    def argv(self, job, contender, warm=()):
        return filled(contender.command, {**self.paths, **job.values, "warm": list(warm),
                                          "in": self.source(contender.source),
                                          "out": contender.folder, "pixels": job.pixels})

    def source(self, name):
        path = filled(name, self.paths)[0]
        return os.path.join(self.work, "in", path)  # an absolute path stays what it is

    def measure(self, job, contender, memory=False):
        errors = os.path.join(self.work, "stderr")
        command = [os.path.join(self.work, "measure"), *(["-m"] if memory else []), "-e", errors,
                   "-t", str(TIMEOUT_S), *self.argv(job, contender)]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if run.returncode != 0:
            raise RuntimeError(run.stderr.strip() or f"measure: exit {run.returncode}")
        wall_ns, cpu_us, peak_kib, status = (int(word) for word in run.stdout.split())
        if status != 0:
            with open(errors, errors="replace") as file:
                first = file.readline().strip()
            reason = "timeout" if wall_ns > TIMEOUT_S * 1e9 else f"exit {status}"
            raise RuntimeError(f"{reason}: {first}" if first else reason)
        return wall_ns / 1e6, cpu_us / 1e3, peak_kib

    def outputs(self, job, contender):
        return [os.path.join(contender.folder, name) for name in job.outputs]

    def run(self, job):
        """Everything about one job, in this order; False where its input is missing."""
        if job.source != "-" and not os.path.exists(self.source(job.source)):
            sys.stderr.write(f"bench: {job.name}: no {self.source(job.source)}; left out\n")
            return False
        for number, contender in enumerate(self.contenders_of(job)):
            contender.folder = os.path.join(self.work, "out", job.name, str(number))
            job.contenders.append(contender)
            self.try_out(job, contender)
        if not job.contenders:
            return False  # parts alone, without --limits
        self.take_turns(job)
        self.run_warm(job)
        if self.callgrind:
            self.count_instructions(job)
        self.compare(job)
        progress("")
        if not self.keep:
            shutil.rmtree(os.path.join(self.work, "out", job.name), ignore_errors=True)
        return True

    def contenders_of(self, job):
        rows = [cells for family, *cells in self.contenders if family == job.family]
        small = job.values.get("small")
        if not small:
            return [Contender(*cells, job.source) for cells in rows]
        _, role, needs, command = next(cells for cells in rows if cells[1] == "ours")
        return [Contender("16 MP", role, needs, command, job.source),
                Contender("1 MP", role, needs, command, small)]

    def make_pixels(self, job):
        """What our command makes of the job, as PAM files, for whoever encodes it alone."""
        ours = next((one for one in job.running() if one.role == "ours"), None)
        if job.pixels or not ours:
            return
        folder = os.path.join(self.work, "out", job.name, "pixels")
        os.makedirs(folder, exist_ok=True)
        argv = [os.path.splitext(word)[0] + ".pam" if ours.folder in word else word
                for word in ours.argv]
        subprocess.run([word.replace(ours.folder, folder) for word in argv], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        job.pixels = sorted(os.path.join(folder, name) for name in os.listdir(folder))

    def time_parts(self, contender):
        """One run of a contender that times parts itself; its samples are added."""
        run = subprocess.run(contender.argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, timeout=TIMEOUT_S)
        if run.returncode != 0:
            raise RuntimeError(run.stderr.strip() or f"exit {run.returncode}")
        for line in run.stdout.splitlines():
            wall_ns, cpu_us, size, name = line.split(None, 3)
            part = contender.parts.setdefault(name, Contender(name, "part"))
            part.wall_ms.append(int(wall_ns) / 1e6)
            part.cpu_ms.append(int(cpu_us) / 1e3)
            part.bytes = int(size)

    def try_out_parts(self, job, contender):
        try:
            if "@pixels@" in contender.command:
                self.make_pixels(job)
            contender.argv = self.argv(job, contender)
            begin = time.monotonic()
            self.time_parts(contender)
            slow = time.monotonic() - begin > SLOW_S
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            contender.skipped = str(error)
            return
        contender.parts = {}
        contender.rounds = min(self.round_count, SLOW_ROUNDS) if slow else self.round_count

    def try_out(self, job, contender):
        """One run that is not timed: peak memory, size of the outputs, whether it works at all."""
        for peer in filter(None, map(self.peers.get, contender.needs.split(","))):
            if not peer["version"]:
                alone = peer["name"] == contender.name
                contender.skipped = peer["reason"] if alone else f"{peer['name']}: {peer['reason']}"
                return
        os.makedirs(contender.folder, exist_ok=True)
        progress(f"{job.name}: {contender.name}")
        if contender.role == "parts":
            self.try_out_parts(job, contender)
            return
        try:
            wall_ms, _, contender.peak_kib = self.measure(job, contender, memory=True)
            if contender.role != "part":
                contender.bytes = sum(os.stat(path).st_size
                                      for path in self.outputs(job, contender))
        except FileNotFoundError as error:
            contender.skipped = f"wrote no {os.path.basename(error.filename)}"
            return
        except RuntimeError as error:
            contender.skipped = str(error)
            return
        contender.argv = self.argv(job, contender)
        contender.repeats = max(1, min(SHORT_REPEATS, int(SHORT_S * 1e3 / wall_ms)))
        slow = wall_ms > SLOW_S * 1e3
        contender.rounds = min(self.round_count, SLOW_ROUNDS) if slow else self.round_count

    def take_turns(self, job):
        running = job.running()
        for number in range(self.round_count):
            first = number % max(1, len(running))
            for contender in running[first:] + running[:first]:
                if number < contender.rounds and not contender.skipped:
                    turn = f"round {number + 1} of {self.round_count}"
                    progress(f"{job.name}: {turn}: {contender.name}")
                    self.take_turn(job, contender)

    def take_turn(self, job, contender):
        try:
            if contender.role == "parts":
                self.time_parts(contender)
                return
            for _ in range(contender.repeats):
                wall_ms, cpu_ms, _ = self.measure(job, contender)
                contender.wall_ms.append(wall_ms)
                contender.cpu_ms.append(cpu_ms)
        except (RuntimeError, subprocess.SubprocessError) as error:
            contender.skipped = f"failed after {len(contender.wall_ms)} runs: {error}"

    def run_warm(self, job):
        for contender in job.running():
            if "@warm@" in contender.command:
                progress(f"{job.name}: {contender.name}, warm")
                argv = self.argv(job, contender, warm=("--warm", str(WARM_REPEATS)))
                run = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                     text=True)
                contender.warm_ms = float(run.stdout) if run.returncode == 0 else None

    def count_instructions(self, job):
        """Of our first command; where it ran on two inputs, on both."""
        ours = [one for one in job.running() if one.role == "ours"]
        for contender in ours[:2 if "small" in job.values else 1]:
            progress(f"{job.name}: {contender.name}, counting instructions")
            try:
                contender.instructions = callgrind.count(
                    contender.argv, os.path.join(self.work, "callgrind"))
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                sys.stderr.write(f"bench: {job.name}: {error}\n")

    def compare(self, job):
        """Ratios and differences, from ours where that ran; where there is a floor, from that."""
        running = sorted((one for one in job.running() if one.role in ROLES),
                         key=lambda one: ROLES.index(one.role))
        job.reference = running[0] if running else None
        for contender in job.running():
            add_up(contender.parts)
        for contender in job.rows():
            if job.reference:
                contender.ratio = contender.median_ms / job.reference.median_ms
        for contender in running[1:]:
            if job.outputs and contender.source == job.reference.source:
                progress(f"{job.name}: comparing {contender.name}")
                contender.difference = self.difference(job, contender)

    def difference(self, job, contender):
        """None where the outputs are of a kind that nothing here can compare."""
        pairs = list(zip(self.outputs(job, job.reference), self.outputs(job, contender)))
        kind = os.path.splitext(job.outputs[0])[1]
        if kind in answers.KINDS:
            result = answers.KINDS[kind](*pairs[0])
        elif kind in PICTURES:
            result = self.picture_difference(job, pairs)
        else:
            return None
        if contender.role == "other":
            result["same_work"] = None
        return result

    def picture_difference(self, job, pairs):
        each = {os.path.basename(one): quality.compare(one, two) for one, two in pairs}
        result = {"outputs": each, "same_work": False}
        if all("mean" in one for one in each.values()):
            limit = SAME_MEAN_DE if job.outputs[0].endswith(".png") else SAME_MEAN_DE_LOSSY
            result["mean"] = max(one["mean"] for one in each.values())
            result["p95"] = max(one["p95"] for one in each.values())
            result["same_work"] = result["mean"] < limit
        return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True, help="with files jobs, measure, in/")
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--job", action="append", default=[])
    parser.add_argument("--peer", nargs=4, action="append",
                        metavar=("KEY", "NAME", "VERSION", "REASON"))
    parser.add_argument("--path", action="append", default=[], metavar="NAME=PATH",
                        help="what @NAME@ in a command stands for")
    parser.add_argument("--limits", action="store_true")
    parser.add_argument("--callgrind", action="store_true")
    parser.add_argument("--ours", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    quality.check_formula()
    bench = Bench(options)
    printer = report.Json(bench.peers) if options.json else report.Tables(bench.peers)
    load = os.getloadavg()[0]
    if load > LOAD_PER_CPU * os.cpu_count():
        sys.stderr.write(f"bench: the load is {load:.1f}: other programs disturb the times\n")
    for job in bench.jobs:
        if bench.run(job):
            printer.job(job)
    reached = printer.end(report.figures_of(bench.jobs, options.ours))
    return 1 if options.strict and not reached else 0


sys.exit(main())
