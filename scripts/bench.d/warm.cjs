// SPDX-License-Identifier: MIT
'use strict';
/*
 * How the programs of scripts/bench that stand for a Node peer run their jobs.
 *
 *     node PROGRAM JOB [ARGUMENT]...
 *
 * With `--warm N` in front the job runs N times in this process, after one run that is not
 * counted, and the median time in milliseconds is printed.
 */
async function repeat(count, job, values) {
    const timesMs = [];
    for (let i = 0; i <= count; i++) {
        const begin = performance.now();
        await job(...values);
        timesMs.push(performance.now() - begin);
    }
    const sorted = timesMs.slice(1).sort((a, b) => a - b);
    console.log((sorted[(count - 1) >> 1] + sorted[count >> 1]) / 2);
}

async function run(jobs, values, beforeWarm) {
    if (values[0] !== '--warm') return jobs[values[0]](...values.slice(1));
    beforeWarm();
    return repeat(Number(values[1]), jobs[values[2]], values.slice(3));
}

/** Runs the one of jobs, functions by name, that the command line names. */
exports.main = (jobs, beforeWarm = () => {}) => {
    run(jobs, process.argv.slice(2), beforeWarm).catch((error) => {
        console.error(String(error));
        process.exitCode = 1;
    });
};
