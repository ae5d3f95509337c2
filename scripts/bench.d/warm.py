# SPDX-License-Identifier: MIT
"""How the programs of scripts/bench that stand for a Python peer run their jobs.

    PROGRAM JOB [ARGUMENT]...

With `--warm N` in front the job runs N times in this process, after one run that is not counted,
and the median time in milliseconds is printed.
"""
import sys


def repeat(count, job, arguments):
    import statistics  # takes long enough to show in a start
    import time
    times_ms = []
    for _ in range(count + 1):
        begin = time.perf_counter()
        job(*arguments)
        times_ms.append(1000 * (time.perf_counter() - begin))
    print(statistics.median(times_ms[1:]))


def main(*functions):
    """Runs the one of FUNCTIONS that the command line names."""
    jobs = {function.__name__: function for function in functions}
    arguments = sys.argv[1:]
    try:
        if arguments[0] == "--warm":
            repeat(int(arguments[1]), jobs[arguments[2]], arguments[3:])
        else:
            jobs[arguments[0]](*arguments[1:])
    except Exception as error:  # one line: it is given as the reason why the peer did not run
        sys.exit(f"{type(error).__name__}: {error}")
