// SPDX-License-Identifier: MIT
'use strict';
/*
 * The jobs of scripts/bench as a Node program that uses sharp would do them.
 *
 *     node peer_sharp.cjs listing IN OUT_PREFIX FORMAT     crop, shadow, three sizes
 *     node peer_sharp.cjs crop IN OUT
 *     node peer_sharp.cjs shadow IN OUT SIGMA
 *     node peer_sharp.cjs shrink IN OUT WIDTH
 *     node peer_sharp.cjs start                            require, and nothing else
 *
 * warm.cjs says what `--warm N` in front does.
 *
 * Pixels go from step to step as raw buffers, never through an encoder. The box of the content and
 * the plane of alpha are found by plain loops, which is faster here than sharp's own trim.
 */
const { createRequire } = require('node:module');
const path = require('node:path');

const { main } = require('./warm.cjs');

// sharp lives where scripts/bench installed it, not beside this file.
const sharp = createRequire(path.join(process.env.BENCH_NODE_DIR, 'x.js'))('sharp');

const ALPHA_THRESHOLD = 10;
const PADDING_SHARE = 0.05;
const PADDING_MIN_PX = 20;
const SHADOW_OPACITY = 0.4;
const OFFSET_X = 8;
const OFFSET_Y = 12;
const QUALITY = 80;
// As wide as three sigma; sharp's own choice cuts the Gaussian at less than two.
const BLUR_MIN_AMPLITUDE = 0.011;

const rgba = (width, height) => ({ raw: { width, height, channels: 4 } });

async function load(source) {
    const { data, info } = await sharp(source).ensureAlpha().raw()
        .toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
}

function contentBox({ data, width, height }) {
    const box = { left: width, top: height, right: 0, bottom: 0 };
    for (let y = 0; y < height; y++) {
        const row = y * width * 4 + 3;
        let first = 0;
        while (first < width && data[row + first * 4] <= ALPHA_THRESHOLD) first++;
        if (first === width) continue;
        let last = width - 1;
        while (data[row + last * 4] <= ALPHA_THRESHOLD) last--;
        if (y < box.top) box.top = y;
        box.bottom = y + 1;
        if (first < box.left) box.left = first;
        if (last + 1 > box.right) box.right = last + 1;
    }
    return box;
}

function cropToContent(image) {
    const box = contentBox(image);
    const padX = Math.max(PADDING_MIN_PX, Math.floor(PADDING_SHARE * (box.right - box.left)));
    const padY = Math.max(PADDING_MIN_PX, Math.floor(PADDING_SHARE * (box.bottom - box.top)));
    const left = Math.max(0, box.left - padX);
    const top = Math.max(0, box.top - padY);
    const width = Math.min(image.width, box.right + padX) - left;
    const height = Math.min(image.height, box.bottom + padY) - top;
    const data = Buffer.allocUnsafe(width * height * 4);
    for (let y = 0; y < height; y++) {
        const from = ((top + y) * image.width + left) * 4;
        image.data.copy(data, y * width * 4, from, from + width * 4);
    }
    return { data, width, height };
}

async function putShadow(image, sigma) {
    const grow = 3 * sigma;
    const left = Math.max(0, grow - OFFSET_X);
    const top = Math.max(0, grow - OFFSET_Y);
    const width = image.width + left + grow + OFFSET_X;
    const height = image.height + top + grow + OFFSET_Y;
    const alpha = Buffer.alloc(width * height);
    for (let y = 0; y < image.height; y++) {
        let to = (y + top + OFFSET_Y) * width + left + OFFSET_X;
        const end = (y + 1) * image.width * 4;
        for (let from = y * image.width * 4 + 3; from < end; from += 4) {
            alpha[to++] = image.data[from];
        }
    }
    const blurred = await sharp(alpha, { raw: { width, height, channels: 1 } })
        .blur({ sigma, minAmplitude: BLUR_MIN_AMPLITUDE }).toColourspace('b-w').raw().toBuffer();
    const shadow = Buffer.alloc(width * height * 4);
    for (let i = 0; i < width * height; i++) shadow[i * 4 + 3] = SHADOW_OPACITY * blurred[i] + 0.5;
    const data = await sharp(shadow, rgba(width, height))
        .composite([{ input: image.data, ...rgba(image.width, image.height), left, top }])
        .raw().toBuffer();
    return { data, width, height };
}

function save(picture, target) {
    if (target.endsWith('.png')) return picture.png().toFile(target);
    if (target.endsWith('.webp')) return picture.webp({ quality: QUALITY }).toFile(target);
    return picture.jpeg({ quality: QUALITY }).toFile(target);
}

const picture = ({ data, width, height }) => sharp(data, rgba(width, height));

const jobs = {
    async listing(source, prefix, extension) {
        const full = await putShadow(cropToContent(await load(source)), 16);
        const write = (name, width) => {
            const one = picture(full);
            if (width) one.resize({ width, withoutEnlargement: true });
            return save(one, `${prefix}-${name}.${extension}`);
        };
        await Promise.all([write('processed', 0), write('detail', 1200), write('grid', 400)]);
    },
    async crop(source, target) {
        await save(picture(cropToContent(await load(source))), target);
    },
    async shadow(source, target, sigma) {
        await save(picture(await putShadow(await load(source), Number(sigma))), target);
    },
    async shrink(source, target, width) {
        const small = { width: Number(width), withoutEnlargement: true };
        await save(sharp(source).resize(small), target);
    },
    async start() {},
};

// Without the cache: else the second run finds the first one's decoded pixels.
main(jobs, () => sharp.cache(false));
