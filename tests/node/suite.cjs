// SPDX-License-Identifier: MIT
'use strict';
/* What the Node tests share: the built tools, pictures, and processes that have ended. */
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const build = process.env.IMGTOOL_BUILD || path.resolve(__dirname, '../../build');

const tool = (name) => path.join(build, name);

/* A new folder, gone when the test T ends. */
function folder(t) {
    const made = fs.mkdtempSync(path.join(os.tmpdir(), 'imgtool-node-'));
    t.after(() => fs.rmSync(made, { recursive: true, force: true }));
    return made;
}

/* A rendered cutout as the bytes of a PNG. */
function cutout(width = 320, height = 180) {
    const render = path.join(build, 'tests/gen/render');
    const raw = spawnSync(render, ['cutout', '--width', width, '--height', height],
        { maxBuffer: 1 << 28 });
    const png = spawnSync(tool('imgresize'), ['-q', '--effort', '0', '-f', 'png'],
        { input: raw.stdout, maxBuffer: 1 << 28 });
    if (png.status !== 0) throw new Error(`no picture: ${raw.stderr}${png.stderr}`);
    return png.stdout;
}

/* Starts NAME with ARGS; INPUT (bytes) goes to its stdin. Resolves to status, signal and what it
 * wrote; never rejects for what the process did. */
function run(name, args, { input, options = {} } = {}) {
    return new Promise((resolve, reject) => {
        const child = spawn(tool(name), args, options);
        const out = [], err = [], errors = [];
        child.on('error', reject);
        child.stdout.on('data', (bytes) => out.push(bytes));
        child.stderr.on('data', (bytes) => err.push(bytes));
        child.stdin.on('error', (error) => errors.push(error));
        child.on('close', (status, signal) => resolve({ status, signal, errors,
            stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() }));
        child.stdin.end(input);
    });
}

/* Resolves when CONDITION holds, or rejects after LIMIT_MS. */
async function until(condition, limit_ms, what) {
    const end = Date.now() + limit_ms;
    while (!condition()) {
        if (Date.now() > end) throw new Error(`not within ${limit_ms} ms: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}

/* True where the process has ended, reaped or not. */
function gone(pid) {
    try {
        return /^State:\s+[ZX]/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
        return true;
    }
}

module.exports = { build, cutout, folder, gone, run, tool, until };
