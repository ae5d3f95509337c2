// SPDX-License-Identifier: MIT
'use strict';
/* The function that imgtool-node(7) shows does what the page says. */
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { build, cutout, folder, until } = require('./suite.cjs');

const page = fs.readFileSync(path.resolve(__dirname, '../../man/imgtool-node.7'), 'utf8');
const [, shown] = page.match(/^\.nf\n\.RS\n([^]*?^}\n)/m);
const imgtool = new Function('require', `${shown.replaceAll('\\e', '\\')}; return imgtool;`)(require);
process.env.PATH = `${build}:${process.env.PATH}`;

test('good: the object, an answer that is no, a typed error, an abort, a timeout', async (t) => {
    const cwd = folder(t), name = path.join(cwd, "it's a;$(x).png"), out = path.join(cwd, 'out.png');
    fs.writeFileSync(name, cutout(1600, 900));
    const done = await imgtool('imgcrop', ['-i', name, '-o', out]);
    assert.deepEqual([done.ok, done.no, done.output.path], [true, false, out]);
    const over = await imgtool('deltae', ['--max', '1', 'red', 'blue']);
    assert.equal(over.no, true);
    await assert.rejects(imgtool('imgcrop', ['-i', `${name}x`, '-o', out]),
        { kind: 'no-input', code: 66, status: 66, file: `${name}x` });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    await assert.rejects(imgtool('imgresize', ['-i', name, '-o', path.join(cwd, 'large.png'),
        '--width', '8000', '--upscale', '--effort', '9'], { signal: abort.signal }),
        { name: 'AbortError' });
    await assert.rejects(imgtool('imgresize', ['-i', name, '-o', path.join(cwd, 'large.png'),
        '--width', '8000', '--upscale', '--effort', '9'], { timeout: 30 }),
        { kind: 'timeout', code: 124 });
    await assert.rejects(imgtool('imgnothing', []), { code: 'ENOENT' });
    const piped = await imgtool('imgtool pipe', ['-i', name, '-o', out, 'crop', ':', 'shadow']);
    assert.deepEqual([piped.tool, piped.input.path, piped.stages.length], ['imgtool', name, 2]);
    await assert.rejects(imgtool('imgtool pipe', ['-i', `${name}x`, '-o', out, 'crop', ':',
        'shadow']), { kind: 'no-input', file: `${name}x` });
    await assert.rejects(imgtool('deltae', ['red', 'blue', 'green']), { name: 'SyntaxError' });
    // An abort does not wait until the tool has ended.
    await until(() => fs.readdirSync(cwd).sort().join() === `${path.basename(name)},out.png`, 60000,
        'two files and no other');
});
