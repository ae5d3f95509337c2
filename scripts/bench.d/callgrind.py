# SPDX-License-Identifier: MIT
"""Counts the instructions that a command and all its children execute, by function.

They do not depend on what else the machine does. valgrind knows AVX2 but not AVX-512, so functions
with several versions run in that for AVX2. Waiting and memory are not seen.
"""
import collections
import glob
import os
import re
import shutil
import subprocess

NAMES = {"ob": "ob", "cob": "ob", "fn": "fn", "cfn": "fn"}
NAME = re.compile(r"(c?ob|c?fn)=\((\d+)\)(?: (.*))?$")
TIMEOUT_S = 1800


def count(argv, folder):
    """A Counter of instructions by (function, program or library); libraries without names of
    functions count as one."""
    os.makedirs(folder, exist_ok=True)
    command = ["valgrind", "--tool=callgrind", "--trace-children=yes", "--quiet",
               f"--callgrind-out-file={folder}/%p", *argv]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True, timeout=TIMEOUT_S)
    if run.returncode != 0:
        raise RuntimeError(f"valgrind: exit {run.returncode}: {run.stderr.strip()[-200:]}")
    total = collections.Counter()
    for path in glob.glob(os.path.join(glob.escape(folder), "*")):
        total += profile(path)
    shutil.rmtree(folder)
    return total


def profile(path):
    """The own cost of each function in one file of callgrind's format, one event."""
    names = {"ob": {}, "fn": {}}
    now = {}
    costs = collections.Counter()
    skip = False
    with open(path, errors="replace") as file:
        for line in file:
            match = NAME.match(line)
            if match:
                key, number, name = match.groups()
                known = names[NAMES[key]]
                if name is not None:
                    known[number] = name
                if not key.startswith("c"):
                    now[key] = known[number]
            elif line.startswith("calls="):
                skip = True     # the next line is the cost of what is called
            elif line[0] in "0123456789+-*":
                if not skip:
                    costs[function(now)] += int(line.split()[1])
                skip = False
    return costs


def function(now):
    name, where = now["fn"], os.path.basename(now["ob"])
    return ("(no name)" if name.startswith("0x") or name == "???" else name.split("'")[0], where)
