// SPDX-License-Identifier: MIT
'use strict';
/* The tools as a Node program calls them: spawn with an array of arguments. */
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { cutout, folder, gone, run, tool, until } = require('./suite.cjs');

const png = cutout();

const hostile = ['a b.png', "it's.png", '"double".png', 'new\nline.png', '; rm -rf x.png',
    '$(id).png', '`id`.png', '-rf.png', '--output=x.png', '--', '*?[0].png', '@list.png', '%d.png',
    'a:b.png', 'https:x.png', '{stem}.png', '\u202egnp.png', `${'n'.repeat(251)}.png`];

test('good: any name is a file name, for input and output', async (t) => {
    const cwd = folder(t);
    for (const name of hostile) {
        fs.writeFileSync(path.join(cwd, name), png);
        const out = `out-${name}`.slice(0, 250);
        const done = await run('imgcrop', ['-i', name, '-o', out, '-f', 'png', '--json'],
            { options: { cwd } });
        assert.equal(done.status, 0, `${JSON.stringify(name)}: ${done.stderr}`);
        const answer = JSON.parse(done.stdout);
        assert.equal(answer.ok, true);
        assert.equal(answer.input.path, name);
        assert.equal(answer.output.path, out);
        assert.ok(fs.statSync(path.join(cwd, out)).size > 100);
    }
    assert.equal(fs.readdirSync(cwd).length, 2 * hostile.length);
});

test('good: a name that is not UTF-8, behind a folder that is', async (t) => {
    const cwd = folder(t);
    const name = Buffer.concat([Buffer.from(`${cwd}/bad-`), Buffer.from([0xff, 0xfe])]);
    fs.writeFileSync(name, png);
    // Node passes arguments as UTF-8 only, so such a file comes by descriptor.
    const input = fs.openSync(name, 'r');
    const child = spawn(tool('imgcrop'), ['--json', '-o', 'out.png'],
        { cwd, stdio: [input, 'pipe', 'inherit'] });
    const out = [];
    child.stdout.on('data', (bytes) => out.push(bytes));
    const status = await new Promise((resolve) => child.on('close', resolve));
    fs.closeSync(input);
    assert.equal(status, 0);
    assert.equal(JSON.parse(Buffer.concat(out)).ok, true);
});

test('good: bytes through pipes, with backpressure on both sides', async () => {
    const large = cutout(2000, 1500);
    const child = spawn(tool('imgresize'), ['--width', '1900', '-f', 'pam']);
    const ended = new Promise((resolve) => child.on('close', resolve));
    let written = 0, waits = 0;
    const feed = (async () => {
        for (let at = 0; at < large.length; at += 4096) {
            if (!child.stdin.write(large.subarray(at, at + 4096))) {
                waits++;
                await new Promise((resolve) => child.stdin.once('drain', resolve));
            }
            written = at;
        }
        child.stdin.end();
    })();
    const parts = [];
    for await (const part of child.stdout) {
        parts.push(part);
        if (parts.length % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await feed;
    assert.equal(await ended, 0);
    const pam = Buffer.concat(parts);
    const header = pam.subarray(0, pam.indexOf('ENDHDR\n')).toString();
    assert.match(header, /\nWIDTH 1900\nHEIGHT 1425\n/);
    assert.equal(pam.length, pam.indexOf('ENDHDR\n') + 7 + 1900 * 1425 * 4);
    assert.ok(waits > 0 && written > 0);
});

test('good: an abort is a death by that signal and leaves nothing', async (t) => {
    const cwd = folder(t);
    fs.writeFileSync(path.join(cwd, 'in.png'), cutout(3000, 2000));
    for (const killSignal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
        const abort = new AbortController();
        const child = spawn(tool('imgresize'),
            ['-i', 'in.png', '-o', 'out.png', '--width', '2999', '--effort', '9'],
            { cwd, signal: abort.signal, killSignal });
        const ended = new Promise((resolve) => child.on('close', (...how) => resolve(how)));
        let named;
        child.on('error', (error) => { named = error.name; });
        setTimeout(() => abort.abort(), 60);
        const [status, signal] = await ended;
        if (status !== 0) {
            assert.equal(signal, killSignal);
            assert.equal(named, 'AbortError');
            assert.deepEqual(fs.readdirSync(cwd), ['in.png']);
        }
        fs.rmSync(path.join(cwd, 'out.png'), { force: true });
    }
});

test('good: a detached pipeline goes with its group', async (t) => {
    const cwd = folder(t);
    const child = spawn(tool('imgtool'), ['pipe', '-o', 'out.png', 'crop', ':', 'shadow', '--sigma',
        '80', ':', 'resize', '--width', '2400', '--effort', '9'],
        { cwd, detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = new Promise((resolve) => child.on('close', (...how) => resolve(how)));
    // The rest of the picture never comes.
    child.stdin.write(png.subarray(0, png.length / 2));
    let stages = [];
    await until(() => {
        stages = fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
            .trim().split(' ').filter(Boolean).map(Number);
        return stages.length === 3;
    }, 60000, 'three stages');
    process.kill(-child.pid, 'SIGTERM');
    const [, signal] = await ended;
    assert.equal(signal, 'SIGTERM');
    await until(() => stages.every(gone), 60000, 'stages of a killed pipeline');
    assert.deepEqual(fs.readdirSync(cwd), []);
});

test('good: 200 pictures, 16 at a time', async (t) => {
    const cwd = folder(t);
    let next = 0, most = 0, now = 0;
    const worker = async () => {
        while (next < 200) {
            const name = `o${next++}.webp`;
            most = Math.max(most, ++now);
            const done = await run('imgresize', ['--width', '40', '-o', name, '--json'],
                { input: png, options: { cwd } });
            now--;
            assert.equal(done.status, 0, done.stderr);
            assert.equal(JSON.parse(done.stdout).output.width, 40);
        }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    assert.equal(most, 16);
    assert.equal(fs.readdirSync(cwd).length, 200);
});

test('bad: a usage error reaches the caller, and its write does not fail with EPIPE', async () => {
    const input = Buffer.alloc(3 << 20, 1);
    let errors = ['not tried'];
    // It is read for a moment, in which a busy machine may have other work for us.
    for (let i = 0; i < 50 && errors.length > 0; i++) {
        const done = await run('imgcrop', ['--paddin', '5%', '--json'], { input });
        assert.equal(done.status, 64);
        assert.equal(JSON.parse(done.stdout).error.kind, 'usage');
        assert.match(done.stderr, /--padding/);
        errors = done.errors;
    }
    assert.deepEqual(errors, []);
});

test('bad: what fails says so in one object', async (t) => {
    const cwd = folder(t);
    fs.writeFileSync(path.join(cwd, 'cut.png'), png.subarray(0, png.length / 2));
    const done = await run('imgcrop', ['-i', 'cut.png', '-o', 'out.png', '--json',
        '--request-id', 'r-1'], { options: { cwd } });
    assert.equal(done.status, 65);
    const answer = JSON.parse(done.stdout);
    assert.equal(answer.ok, false);
    assert.equal(answer.request_id, 'r-1');
    assert.deepEqual([answer.error.code, answer.error.kind, answer.error.file],
        [65, 'truncated', 'cut.png']);
    assert.deepEqual(fs.readdirSync(cwd), ['cut.png']);
});
