// SPDX-License-Identifier: MIT
'use strict';
/* A batch that is kept open is a pool of workers: jobs in, answers out, ping for health. */
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { test } = require('node:test');
const { cutout, folder, gone, tool, until } = require('./suite.cjs');

/* A batch in CWD: ask(job) resolves to the answer of its id. */
function pool(cwd, args = []) {
    const child = spawn(tool('imgtool'), ['batch', '-j', '2', ...args],
        { cwd, stdio: ['pipe', 'pipe', 'ignore'] });
    const waiting = new Map();
    readline.createInterface({ input: child.stdout }).on('line', (line) => {
        const answer = JSON.parse(line);
        waiting.get(answer.id)?.(answer);
        waiting.delete(answer.id);
    });
    const ended = new Promise((resolve) => child.on('close', (...how) => resolve(how)));
    const ask = (job) => new Promise((resolve) => {
        waiting.set(job.id, resolve);
        child.stdin.write(`${JSON.stringify(job)}\n`);
    });
    return { ask, child, ended, waiting };
}

test('good: jobs in, answers out, and a ping between', async (t) => {
    const cwd = folder(t);
    fs.writeFileSync(path.join(cwd, "it's a;$(car).png"), cutout());
    const workers = pool(cwd);
    assert.equal((await workers.ask({ id: 'p', ping: true })).ok, true);
    const jobs = Array.from({ length: 40 }, (_, i) => workers.ask({ id: `j${i}`,
        input: "it's a;$(car).png", output: `out/${i}.webp`,
        stages: [['crop'], ['resize', '--width', '60', '--mkdir']] }));
    const bad = workers.ask({ id: 'bad', input: 'nothing.png', output: 'x.png', stages: [['crop']] });
    for (const answer of await Promise.all(jobs)) {
        assert.equal(answer.ok, true, JSON.stringify(answer));
        assert.equal(answer.outputs[0].width, 60);
    }
    assert.deepEqual([(await bad).ok, (await bad).error.code], [false, 66]);
    assert.equal((await workers.ask({ id: 'p2', ping: true })).ok, true);
    workers.child.stdin.end();
    assert.deepEqual(await workers.ended, [1, null]);
    assert.equal(fs.readdirSync(path.join(cwd, 'out')).length, 40);
});

test('good: SIGTERM answers every id and ends by that signal', async (t) => {
    const cwd = folder(t);
    fs.writeFileSync(path.join(cwd, 'in.png'), cutout(2000, 1500));
    const workers = pool(cwd, ['--grace', '100ms', '--max-queue', '300']);
    // More than can be done until the signal comes, however late that is.
    const answers = Array.from({ length: 200 }, (_, i) => workers.ask({ id: `j${i}`,
        input: 'in.png', output: `${i}.png`,
        stages: [['resize', '--width', '1999', '--effort', '9']] }));
    await workers.ask({ id: 'p', ping: true });
    process.kill(workers.child.pid, 'SIGTERM');
    const kinds = (await Promise.all(answers)).map((one) => one.ok || one.error.kind);
    assert.deepEqual(await workers.ended, [null, 'SIGTERM']);
    assert.ok(kinds.every((kind) => kind === true || kind === 'cancelled'), kinds.join());
    assert.ok(kinds.includes('cancelled'));
    // Of those that ran, two may have been ended between their last step and their answer.
    const made = fs.readdirSync(cwd).filter((name) => name !== 'in.png');
    kinds.forEach((kind, i) => assert.ok(kind !== true || made.includes(`${i}.png`), `no ${i}.png`));
    assert.ok(made.length <= kinds.filter((kind) => kind === true).length + 2, made.join());
    for (const name of made)
        assert.ok(fs.readFileSync(path.join(cwd, name)).equals(
            fs.readFileSync(path.join(cwd, made[0]))), name);
});

test('good: kill -9 of the pool leaves no process', async (t) => {
    const cwd = folder(t);
    fs.writeFileSync(path.join(cwd, 'in.png'), cutout(2000, 1500));
    const workers = pool(cwd);
    for (let i = 0; i < 200; i++)
        workers.ask({ id: `j${i}`, input: 'in.png', output: `${i}.png`,
            stages: [['resize', '--width', '1999', '--effort', '9']] });
    const children = `/proc/${workers.child.pid}/task/${workers.child.pid}/children`;
    let pids = [];
    await until(() => {
        pids = fs.readFileSync(children, 'utf8').trim().split(' ').filter(Boolean).map(Number);
        return pids.length === 2;
    }, 60000, 'two running jobs');
    process.kill(workers.child.pid, 'SIGKILL');
    await workers.ended;
    await until(() => pids.every(gone), 60000, 'children of a killed pool');
});
