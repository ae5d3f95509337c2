// SPDX-License-Identifier: MIT
'use strict';
/*
 * The jobs of scripts/bench as a Node program that uses culori would do them.
 *
 *     node peer_culori.cjs deltae ONE TWO OUT          statistics of the CIEDE2000 of two pictures
 *     node peer_culori.cjs list IN OUT                 CIEDE2000 of each row of six Lab numbers
 *     node peer_culori.cjs ralmatch IN CATALOGUE OUT   the nearest RAL Classic colour of each line
 *
 * warm.cjs says what `--warm N` in front does.
 *
 * culori has no pictures: sharp decodes them. Colours are converted to Lab (D65) once, not in each
 * comparison, which is faster than what culori's examples do.
 */
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

const { main } = require('./warm.cjs');

// Both live where scripts/bench installed them, not beside this file.
const installed = createRequire(path.join(process.env.BENCH_NODE_DIR, 'x.js'));
const { converter, differenceCiede2000, nearest } = installed('culori');

const TOLERANCE = 2.3;

const toLab = converter('lab65');
const ciede2000 = differenceCiede2000();
const lab = (l, a, b) => ({ mode: 'lab65', l, a, b });

const lines = (file) => fs.readFileSync(file, 'utf8').trimEnd().split('\n');

function differences(one, two) {
    const result = new Float64Array(one.length / 3);
    const labAt = (pixels, i) => toLab({
        mode: 'rgb', r: pixels[i] / 255, g: pixels[i + 1] / 255, b: pixels[i + 2] / 255,
    });
    for (let i = 0; i < result.length; i++) {
        result[i] = ciede2000(labAt(one, 3 * i), labAt(two, 3 * i));
    }
    return result;
}

function statistics(values) {
    const sorted = values.sort();
    const at = (share) => sorted[Math.ceil(share * sorted.length) - 1];
    let sum = 0;
    let over = 0;
    for (const value of sorted) {
        sum += value;
        if (value > TOLERANCE) over++;
    }
    return {
        mean: sum / sorted.length, median: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1),
        over: over / sorted.length,
    };
}

// number, three names and values, L*, a*, b*; '#' begins a comment, the first row is a heading.
function catalogue(file) {
    const rows = lines(file).filter((line) => !line.startsWith('#')).slice(1);
    return rows.map((row) => row.split(',')).map((cells) => (
        { code: cells[0], color: lab(Number(cells[4]), Number(cells[5]), Number(cells[6])) }));
}

const jobs = {
    async deltae(one, two, target) {
        const sharp = installed('sharp');
        const decode = (file) => sharp(file).removeAlpha().raw().toBuffer();
        const answers = statistics(differences(...await Promise.all([decode(one), decode(two)])));
        fs.writeFileSync(target, Object.entries(answers)
            .map(([name, value]) => `${name}\t${value.toFixed(4)}\n`).join(''));
    },
    async list(source, target) {
        const answers = lines(source).map((row) => {
            const n = row.split(',').map(Number);
            return `${row},${ciede2000(lab(n[0], n[1], n[2]), lab(n[3], n[4], n[5])).toFixed(4)}\n`;
        });
        fs.writeFileSync(target, answers.join(''));
    },
    async ralmatch(source, table, target) {
        const find = nearest(catalogue(table), ciede2000, (entry) => entry.color);
        const answers = lines(source)
            .map((color) => `${color}\tRAL ${find(toLab(color))[0].code}\n`);
        fs.writeFileSync(target, answers.join(''));
    },
};

main(jobs);
