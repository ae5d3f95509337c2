// SPDX-License-Identifier: MIT
'use strict';
/* Every line of JSON that the suite prints is what `imgtool schema` says. The lines come from the
 * commands below and, in IMGTOOL_JSON_LOG, from all other tests of the same run. */
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { build, cutout, folder, tool } = require('./suite.cjs');

/* scripts/check puts ajv there. */
const modules = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'),
    'imgtool-tests');

function load_ajv() {
    try {
        return require(require.resolve('ajv/dist/2020', { paths: [__dirname, modules] }));
    } catch {
        return null;
    }
}

const Ajv = load_ajv();
const options = { skip: Ajv ? false : 'ajv is not installed' };

function run(name, args, { cwd, input, env = {} } = {}) {
    const done = spawnSync(tool(name), args, { cwd, input, env: { ...process.env, ...env },
        maxBuffer: 1 << 26, timeout: 60000 });
    return { status: done.status, stdout: done.stdout.toString(), stderr: done.stderr.toString() };
}

const json_lines = (text) => text.split('\n').filter((line) => line.startsWith('{'));

/* Validators by the name of a definition; '' is any line. */
function load_schema() {
    const done = run('imgtool', ['schema']);
    assert.equal(done.status, 0, done.stderr);
    const schema = JSON.parse(done.stdout);
    const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });
    ajv.addSchema(schema, 'imgtool');
    const of = (name) => ajv.getSchema(name === '' ? 'imgtool' : `imgtool#/$defs/${name}`);
    return { ajv, schema, of };
}

let loaded;
const schema = () => (loaded ??= load_schema());

/* OBJECT is what NAME says, and also a line that the suite may print. */
function valid(object, name, what = name) {
    for (const each of [name, '']) {
        const validate = schema().of(each);
        assert.ok(validate, `no definition '${each}'`);
        assert.ok(validate(object), `${what}: not '${each || 'a line'}': ${JSON.stringify(object)}\n${
            validate.errors?.slice(0, 8).map((e) => `${e.instancePath} ${e.message} ${
                JSON.stringify(e.params)}`).join('\n')}`);
    }
}

/* The definition that a line must have. */
function name_of(object) {
    if ('progress' in object) return 'progress';
    if ('id' in object) return object.pong ? 'pong' : 'answer';
    if ('commands' in object) return 'commands';
    if ('options' in object) return 'command';
    if ('libraries' in object) return 'version';
    if ('counted' in object) return 'imgpalette-result';
    if (!object.ok) return 'failure';
    return object.tool === 'imgtool' ? 'report' : object.tool;
}

/* Pictures and lists in a folder of its own. */
function material(t) {
    const cwd = folder(t);
    const write = (name, content) => fs.writeFileSync(path.join(cwd, name), content);
    const png = cutout();
    const studio = spawnSync(path.join(build, 'tests/gen/render'),
        ['studio', '--width', '320', '--height', '180'], { maxBuffer: 1 << 28 });
    write('a.png', png);
    write('cut.png', png.subarray(0, 900));
    write('studio.pam', studio.stdout);
    write('blank.pam', Buffer.concat([Buffer.from('P6\n32 32\n255\n'), Buffer.alloc(3072, 255)]));
    write('clear.pam', Buffer.concat([Buffer.from('P7\nWIDTH 4\nHEIGHT 4\nDEPTH 4\nMAXVAL 255\n' +
        'TUPLTYPE RGB_ALPHA\nENDHDR\n'), Buffer.alloc(64)]));
    write('text.txt', 'no picture\n');
    write('pairs.csv', 'color1,color2\nred,#f10\nblue,navy\n');
    write('bad.csv', 'color1,color2\nred,#f10\nblue,nonsense\n');
    write('none.csv', 'color1,color2\n');
    write('list.txt', 'red\nnonsense\n#c33\n');
    write('own.csv', 'code,name,hex\nA,Red,#ff0000\n');
    write('own-bad.csv', 'code,name,hex\nA,Red,#ff0000\nB,Odd,#zz\n');
    write('own.recipe', 'crop\nresize --width 80 -f png\n');
    for (const [to, args] of [['photo.jpg', ['-f', 'jpeg', '--background', 'white']],
        ['lossy.webp', ['-f', 'webp', '--width', '64']]])
        assert.equal(run('imgresize', ['-i', 'a.png', '-o', to, ...args], { cwd }).status, 0);
    return cwd;
}

/* Status, command, arguments; --json is added. */
const commands = [
    [0, 'imgcrop', ['-o', 'o.png', 'a.png']],
    [0, 'imgcrop', ['--print-box', 'studio.pam']],
    [0, 'imgcrop', ['--extend', '--padding', '30%', '--in-place', '--dry-run', 'photo.jpg']],
    [0, 'imgcrop', ['-o', 'o.png', 'blank.pam']],
    [1, 'imgcrop', ['--strict', '-o', 'o.png', 'blank.pam']],
    [0, 'imgcrop', ['--box', '10x10+5+5', '--request-id', 'r-1', '-o', 'o.png', 'a.png']],
    [65, 'imgcrop', ['-o', 'o.png', 'cut.png']],
    [65, 'imgcrop', ['-o', 'o.png', 'text.txt']],
    [66, 'imgcrop', ['-o', 'o.png', 'missing.png']],
    [64, 'imgcrop', ['--paddin', '3', 'a.png']],
    [64, 'imgcrop', ['--padding', 'x', 'a.png']],
    [73, 'imgcrop', ['-o', 'no/such/o.png', 'a.png']],
    [77, 'imgcrop', ['--max-pixels', '10', '-o', 'o.png', 'a.png']],
    [0, 'imgshadow', ['-o', 'o.png', 'a.png']],
    [0, 'imgshadow', ['--opacity', '0%', '--canvas', 'keep', '-o', 'o.webp', 'a.png']],
    [66, 'imgshadow', ['-o', 'o.png', 'missing.png']],
    [0, 'imgresize', ['--width', '50', '-o', 'o.jpg', 'a.png']],
    [0, 'imgresize', ['--size', 'a=50x', '--size', 'b=20%', '--output-template',
        '{stem}-{name}.png', 'a.png']],
    [0, 'imgresize', ['--size', '50x', '--size', '20x', '--output-template', '{stem}-{w}.png',
        '--dry-run', 'a.png']],
    [64, 'imgresize', ['--size', 'axb', 'a.png']],
    [0, 'imginfo', ['a.png']],
    [65, 'imginfo', ['--check', 'a.png', 'photo.jpg', 'lossy.webp', 'studio.pam', 'clear.pam',
        'cut.png']],
    [66, 'imginfo', ['missing.png', 'photo.jpg']],
    [0, 'imgpalette', ['a.png']],
    [0, 'imgpalette', ['--ignore', 'background', '-n', '2', 'studio.pam']],
    [65, 'imgpalette', ['clear.pam']],
    [0, 'ralmatch', ['red']],
    [0, 'ralmatch', ['-n', '3', '--set', 'all', 'red', 'a.png']],
    [0, 'ralmatch', ['a.png']],
    [1, 'ralmatch', ['--max-de', '0.01', '#123456']],
    [65, 'ralmatch', ['list.txt']],
    [0, 'ralmatch', ['--code', '3020']],
    [0, 'ralmatch', ['--list', '--set', 'effect']],
    [0, 'ralmatch', ['--catalogue', 'own.csv', 'red']],
    [65, 'ralmatch', ['--catalogue', 'own-bad.csv', 'red']],
    [64, 'ralmatch', ['--code', '9999']],
    [64, 'ralmatch', ['reed']],
    [0, 'deltae', ['red', 'RAL 3020']],
    [1, 'deltae', ['--max', '1', '--formula', 'cam16', 'red', '#ff000080', 'blue']],
    [0, 'deltae', ['a.png', 'a.png']],
    [1, 'deltae', ['--max', '1', '--heatmap', 'h.png', 'a.png', 'photo.jpg']],
    [65, 'deltae', ['a.png', 'a.png', 'lossy.webp']],
    [0, 'deltae', ['--pairs', 'pairs.csv']],
    [0, 'deltae', ['--pairs', 'none.csv', '-o', 'o.csv']],
    [65, 'deltae', ['--pairs', 'bad.csv', '--max', '50']],
    [64, 'deltae', ['a.png', 'red']],
    [0, 'colorxfer', ['--to', 'RAL 5010', '-o', 'o.png', 'a.png']],
    [1, 'colorxfer', ['--to', 'white', '--from', 'blue', '--max-de', '0.01', '-o', 'o.png', 'a.png']],
    [0, 'colorxfer', ['--ref', 'photo.jpg', '--save-lut', 't.cube', '-o', 'o.png', 'a.png']],
    [0, 'colorxfer', ['--ref', 'photo.jpg', '--save-lut', 't.cube', 'a.png']],
    [0, 'colorxfer', ['--lut', 't.cube', '-o', 'o.png', 'a.png']],
    [65, 'colorxfer', ['--ref', 'clear.pam', '-o', 'o.png', 'a.png']],
    [0, 'imgtool', ['pipe', '-i', 'a.png', '-o', 'o.webp', 'crop', ':', 'shadow', ':', 'resize',
        '--width', '80'], '--json first'],
    [0, 'imgtool', ['pipe', '-i', 'a.png', 'crop', ':', 'resize', '--size', 'a=50x', '--size',
        'b=20x', '--output-template', '{stem}-{name}.png'], '--json first'],
    [1, 'imgtool', ['pipe', '-i', 'blank.pam', '-o', 'o.png', 'crop', '--strict', ':', 'shadow'],
        '--json first'],
    [65, 'imgtool', ['pipe', '-i', 'cut.png', '-o', 'o.png', 'crop', ':', 'shadow'],
        '--json first'],
    [77, 'imgtool', ['pipe', '-i', 'a.png', '-o', 'o.png', 'crop', ':', 'shadow', '--max-pixels',
        '9'], '--json first'],
    [127, 'imgtool', ['pipe', '-i', 'a.png', '-o', 'o.png', 'crop', ':', 'shadw'], '--json first'],
    [0, 'imgtool', ['run', 'product', 'a.png', '--output-dir', 'out']],
    [0, 'imgtool', ['run', './own.recipe', 'a.png', '-o', 'o.png', '--mkdir', '--request-id', 'x']],
    [0, 'imgtool', ['run', '--list']],
    [0, 'imgtool', ['run', '--show', 'product']],
    [66, 'imgtool', ['run', 'prodct', 'a.png', '-o', 'o.png']],
    [0, 'imgtool', ['list']],
    [0, 'imgtool', ['doctor', '--timeout', '60s']],
    [69, 'imgtool', ['doctor', '--timeout', '60s', '/proc/nothing']],
    [0, 'imgtool', ['help']],
    [0, 'imgtool', ['help', 'crop']],
    [0, 'imgtool', ['help', 'pipe']],
    [64, 'imgtool', ['schema', 'nonsense']],
    [127, 'imgtool', ['crp', 'a.png']],
    [64, 'imgtool', ['cache', 'stat']],
];

test('good: the schema is one that a strict validator takes', options, () => {
    const { schema: whole, of, ajv } = schema();
    assert.equal(whole.$schema, 'https://json-schema.org/draft/2020-12/schema');
    assert.ok(ajv.validateSchema(whole));
    for (const name of Object.keys(whole.$defs)) assert.ok(of(name), name);
});

test('good: a part has all that it needs', options, () => {
    for (const name of ['job', 'answer', 'crop', 'imgcrop-result', 'pipe', 'failure']) {
        const part = JSON.parse(run('imgtool', ['schema', name]).stdout);
        assert.ok(new Ajv({ strict: false }).compile(part), name);
    }
    const job = JSON.parse(run('imgtool', ['schema', 'job']).stdout);
    assert.deepEqual(Object.keys(job.$defs).sort(), ['id', 'job', 'words']);
});

test('good: every tool has a schema of its own, and every command its options', options, () => {
    const listed = JSON.parse(run('imgtool', ['list', '--json']).stdout).result.commands;
    const help = JSON.parse(run('imgtool', ['help', '--json']).stdout);
    valid(help, 'commands');
    for (const { command, binary } of listed) {
        const about = help.commands[command];
        assert.ok(about?.options.some((option) => option.name === 'json'), command);
        assert.ok(schema().of(`${binary ?? command}-result`), command);
        if (binary === null) continue;
        valid(about, 'command', command);
        assert.deepEqual(JSON.parse(run(binary, ['--help', '--json']).stdout), about);
        valid(JSON.parse(run(binary, ['--version', '--json']).stdout), 'version', binary);
    }
    const padding = help.commands.crop.options.find((option) => option.name === 'min-padding');
    assert.deepEqual([padding.type, padding.default, padding.min, padding.group],
        ['pixels', '20', 0, 'Cropping']);
});

test('good: what each tool prints with --json, on success and on failure', options, (t) => {
    const cwd = material(t);
    const seen = new Set();
    for (const [status, name, args, first] of commands) {
        const all = first ? [args[0], '--json', ...args.slice(1)] : [...args, '--json'];
        const done = run(name, all, { cwd });
        const what = `${name} ${all.join(' ')}`;
        assert.equal(done.status, status, `${what}: ${done.stderr}`);
        const lines = json_lines(done.stdout);
        assert.ok(lines.length > 0, what);
        for (const line of lines) {
            const object = JSON.parse(line);
            valid(object, name_of(object), what);
            seen.add(`${object.tool} ${object.ok}`);
        }
    }
    for (const name of ['imgcrop', 'imgshadow', 'imgresize', 'imginfo', 'imgpalette', 'ralmatch',
        'deltae', 'colorxfer', 'imgtool'])
        for (const ok of [true, false]) assert.ok(seen.has(`${name} ${ok}`), `${name} ${ok}`);
    valid(JSON.parse(run('imgpalette', ['-f', 'json', 'a.png'], { cwd }).stdout),
        'imgpalette-result');
});

test('good: commands of imgtool have reports of their own kind', options, (t) => {
    const cwd = material(t);
    const recipe = ['run', './own.recipe', 'a.png', '-o', 'o.png', '--json'];
    assert.deepEqual(Object.keys(schema().schema.$defs.run.properties).sort(),
        ['metadata', 'outputs', 'result', 'stages', 'tool']);
    valid(JSON.parse(run('imgtool', recipe, { cwd }).stdout), 'run');
    const cases = [['pipe', ['pipe', '--json', '-i', 'a.png', '-o', 'o.png', 'crop']],
        ['run', ['run', '--json', '--list']], ['list', ['list', '--json']],
        ['doctor', ['doctor', '--json', '--timeout', '60s']]];
    for (const [name, args] of cases) {
        const object = JSON.parse(run('imgtool', args, { cwd }).stdout);
        valid(object, name);
        for (const other of ['pipe', 'list', 'doctor', 'cache'].filter((each) => each !== name))
            assert.ok(!schema().of(other)(object), `${name} is not ${other}`);
    }
});

test('good: the jobs of a batch, its answers and its progress', options, (t) => {
    const cwd = material(t);
    const jobs = [
        { id: 'a', recipe: 'product', input: 'a.png', output_dir: 'out' },
        { id: 2, input: 'a.png', output: 'b.webp', timeout: '10s', request_id: 'r',
            stages: [['crop', '--padding', '5%'], ['resize', '--width', '80']] },
        { id: 'c', argv: ['deltae', 'red', 'blue', '--max', '2'], timeout: 5 },
        { id: 'd', input: 'cut.png', output: 'd.png', stages: [['crop']], mkdir: true },
        { id: 'e', input: 'missing.png', output: 'e.png', stages: [['crop'], ['shadow']] },
        { id: 'f', argv: ['imginfo', 'a.png'], ping: false },
        { id: 'g', ping: true },
    ];
    for (const job of jobs) {
        const name = job.ping ? 'ping' : 'job';
        assert.ok(schema().of(name)(job), JSON.stringify([job, schema().of(name).errors]));
    }
    const bad = [{ id: 'h', argv: ['imginfo', 'a.png'], extra: 1 }, { id: 'i' },
        { argv: ['imginfo', 'a.png'] }, { id: 1.5, argv: ['imginfo', 'a.png'] },
        { id: 'j', argv: [] }, { id: 'k', argv: ['imginfo', 'a.png'], recipe: 'product' },
        { id: 'l', argv: ['imginfo', 'a.png'], output_dir: 'out' }, { id: 'm', ping: true, input: '' },
        { id: 'n', argv: ['imginfo', 'a.png'], timeout: 0 }, { id: 'o', stages: [['crop', 3]] }];
    for (const job of bad)
        assert.ok(!schema().of('job')(job) && !schema().of('ping')(job), JSON.stringify(job));
    const input = `${[...jobs, ...bad].map((job) => JSON.stringify(job)).join('\n')}\n{"id":"p",\n`;
    const args = ['batch', '--progress', 'json', '--journal', 'done'];
    for (const more of [[], ['--resume', '--ordered']]) {
        const done = run('imgtool', [...args, ...more], { cwd, input });
        assert.equal(done.status, 1, done.stderr);
        const answers = json_lines(done.stdout).map((line) => JSON.parse(line));
        assert.equal(answers.length, jobs.length + bad.length + 1);
        for (const answer of answers) {
            valid(answer, name_of(answer));
            const judged = jobs.find((job) => job.id === answer.id && !['d', 'e'].includes(job.id));
            assert.equal(answer.ok, judged !== undefined, JSON.stringify(answer));
        }
        const progress = json_lines(done.stderr);
        assert.ok(progress.length > 0, done.stderr);
        for (const line of progress) valid(JSON.parse(line), 'progress');
    }
    const report = spawnSync(tool('imgtool'), ['batch', '--report-fd', '3'],
        { cwd, input: '{"id":1,"argv":["imginfo","a.png"]}\n', stdio: ['pipe', 'ignore', 'pipe', 'pipe'] });
    valid(JSON.parse(report.output[3]), 'batch');
});

test('good: the cache', options, (t) => {
    const cwd = material(t);
    const input = '{"id":1,"input":"a.png","output":"o.png","stages":[["crop"]]}\n';
    for (let i = 0; i < 2; i++)
        valid(JSON.parse(run('imgtool', ['batch', '--cache', 'store'], { cwd, input }).stdout),
            'answer');
    for (const args of [['stats'], ['prune', '--cache-size', '0'], ['clear'], ['stats']]) {
        const done = run('imgtool', ['cache', ...args, '--cache', 'store', '--json'], { cwd });
        valid(JSON.parse(done.stdout), 'cache', done.stdout);
    }
});

test('bad: an installation without its tools says so', (t) => {
    const cwd = folder(t);
    fs.copyFileSync(tool('imgtool'), path.join(cwd, 'imgtool'));
    fs.cpSync(tool('share'), path.join(cwd, 'share'), { recursive: true });
    for (const args of [['schema'], ['help']]) {
        const done = spawnSync(path.join(cwd, 'imgtool'), [...args, '--json']);
        assert.equal(done.status, 69, `${done.stderr}`);
        const { error } = JSON.parse(done.stdout);
        assert.equal(error.kind, 'unavailable');
        assert.match(error.message, /imgcrop/);
        assert.match(error.hint, /doctor/);
    }
});

test('bad: a name that nothing has', () => {
    const done = run('imgtool', ['schema', 'imgcrop-resul']);
    assert.equal(done.status, 64);
    assert.match(done.stderr, /did you mean 'imgcrop-result'/);
});

/* Each way to damage OBJECT once: a field less, one more, or one of another type. */
function* damaged(object) {
    for (const key of Object.keys(object)) {
        const without = { ...object };
        delete without[key];
        yield [`without ${key}`, without];
        yield [`${key} of another type`, { ...object, [key]: { odd: [] } }];
        const value = object[key];
        if (value !== null && typeof value === 'object' && !Array.isArray(value))
            for (const [what, inner] of damaged(value))
                yield [`${key}: ${what}`, { ...object, [key]: inner }];
    }
    yield ['one field more', { ...object, more: 1 }];
}

test('bad: a damaged object is found, whatever is damaged', options, (t) => {
    const cwd = material(t);
    const cases = [['imgcrop', ['-o', 'o.png', 'a.png']], ['imgshadow', ['-o', 'o.png', 'a.png']],
        ['imginfo', ['a.png']], ['imgpalette', ['a.png']], ['colorxfer', ['--to', 'red', '-o', 'o.png',
            'a.png']], ['deltae', ['a.png', 'photo.jpg']], ['imgcrop', ['missing.png']]];
    let count = 0;
    for (const [name, args] of cases) {
        const object = JSON.parse(run(name, [...args, '--json'], { cwd }).stdout);
        const kind = name_of(object);
        valid(object, kind);
        for (const [what, wrong] of damaged(object)) {
            assert.ok(!schema().of(kind)(wrong), `${kind}, ${what}: taken`);
            count++;
        }
    }
    assert.ok(count > 200, `${count}`);
    const failed = { ...JSON.parse(run('imgcrop', ['missing.png', '--json'], { cwd }).stdout) };
    failed.error = { ...failed.error, code: 65 };
    assert.ok(!schema().of('failure')(failed), 'a kind with the exit status of another');
});

/* Reports, answers and progress; a test may also have written jobs, or no JSON on purpose. */
const kept = /^\{(("id":("[^"]*"|-?\d+|null),)?"ok":(true|false),|"progress":).*\}$/;
const log = process.env.IMGTOOL_JSON_LOG;
test('good: every line that the other tests of this run saw',
    { skip: options.skip || (log ? false : 'no other tests have run') }, (t) => {
        let count = 0;
        for (const name of fs.readdirSync(log)) {
            const lines = fs.readFileSync(path.join(log, name), 'utf8').split('\n');
            for (const line of new Set(lines.filter((each) => kept.test(each)))) {
                const object = JSON.parse(line);
                valid(object, name_of(object), name);
                count++;
            }
        }
        t.diagnostic(`${count} lines`);
        assert.ok(count > 0);
    });
