/* SPDX-License-Identifier: MIT */
/* The nearest colours, against comparing with every colour of the catalogue. */
#include "ops/match.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "color/lab.h"
#include "color/ral.h"
#include "tap.h"

enum { MOST = 2531, TOP = 5, QUERIES = 60, ALL = 3 };

static double catalogue[MOST][3];
static uint32_t state = 1;

/* 0 to 1; Numerical Recipes' linear congruential generator. */
static double random_share(void)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) / (double)(1 << 24);
}

static double random_between(double low, double high)
{
    return low + (high - low) * random_share();
}

static size_t load(int set)
{
    size_t count = 0;
    for (size_t i = 0; i < ral_count(); i++) {
        struct ral_color color = ral_at(i);
        if (set == ALL || (int)color.set == set)
            memcpy(catalogue[count++], color.lab, sizeof color.lab);
    }
    return count;
}

static void lab_of_rgb(uint32_t rgb, double lab[3])
{
    double linear[3];
    for (int i = 0; i < 3; i++)
        linear[i] = srgb_decode((rgb >> (16 - 8 * i) & 255) / 255.0);
    lab_from_linear(linear, lab);
}

/* Colours of several kinds: of sRGB, greys, near ones of the catalogue and those themselves, with
 * the hue opposite to one, far outside. */
static void random_color(size_t i, size_t count, double lab[3])
{
    size_t near = (size_t)(random_share() * (double)count);
    switch (i % 6) {
    case 0:
        lab_of_rgb((uint32_t)(random_share() * 0x1000000), lab);
        return;
    case 1:
        lab_of_rgb((uint32_t)(random_share() * 256) * 0x10101u, lab);
        return;
    case 2:
        for (int c = 0; c < 3; c++)
            lab[c] = catalogue[near][c] + random_between(-3, 3);
        return;
    case 3:
        memcpy(lab, catalogue[near], sizeof catalogue[near]);
        return;
    case 4: {
        double share = random_share() < 0.5 ? 1 : random_share() * 0.3;
        lab[0] = catalogue[near][0];
        lab[1] = -catalogue[near][1] * share;
        lab[2] = -catalogue[near][2] * share + random_between(-1, 1) * 1e-6;
        return;
    }
    default:
        lab[0] = random_between(-40, 140);
        for (int c = 1; c < 3; c++)
            lab[c] = random_between(-300, 300) * (random_share() < 0.2 ? 1e6 : 1);
    }
}

static int compare_matches(const void *one, const void *two)
{
    const struct match *a = one, *b = two;
    if (a->de != b->de)
        return a->de < b->de ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* All of the catalogue, nearest first. */
static void brute_force(const struct difference *difference, size_t count, const double lab[3],
                        struct match all[MOST])
{
    double relative[3], point[3], other[3];
    difference_lab(difference, lab, relative);
    difference_point(difference, relative, point);
    for (size_t i = 0; i < count; i++) {
        difference_lab(difference, catalogue[i], relative);
        difference_point(difference, relative, other);
        all[i] = (struct match){i, difference_between(difference, other, point)};
    }
    qsort(all, count, sizeof *all, compare_matches);
}

/* How many of QUERIES random questions are answered wrongly. */
static int wrong_answers(const struct difference *difference, size_t count, int queries)
{
    static const size_t wanted[] = {1, 2, TOP};
    static struct match all[MOST];
    struct match found[TOP];
    struct matcher *matcher;
    struct error error = {0};
    int wrong = 0;
    if (!matcher_new(&matcher, difference, (const double(*)[3])catalogue, count, &error))
        return queries;
    for (int q = 0; q < queries; q++) {
        double lab[3];
        random_color((size_t)q, count, lab);
        brute_force(difference, count, lab, all);
        for (size_t w = 0; w < 3; w++) {
            size_t most = wanted[w] < count ? wanted[w] : count;
            bool same = matcher_find(matcher, lab, wanted[w], found) == most;
            for (size_t i = 0; i < most; i++)
                same = same && found[i].index == all[i].index && found[i].de == all[i].de;
            wrong += !same;
        }
    }
    matcher_free(matcher);
    return wrong;
}

static void check_sets(void)
{
    static const char *const names[] = {"Classic", "Design", "Effect", "all"};
    for (int set = 0; set <= ALL; set++) {
        size_t count = load(set);
        for (int f = 0; f < DIFFERENCE_COUNT; f++) {
            struct difference difference = {.formula = (enum difference_formula)f};
            int queries = f == DIFFERENCE_2000 ? 6 * QUERIES : set == ALL ? 6 : QUERIES;
            tap_ok(wrong_answers(&difference, count, queries) == 0, "%s by %s: as by brute force",
                   names[set], difference_names[f]);
        }
    }
}

static void check_options(void)
{
    const struct difference variants[] = {
        {.formula = DIFFERENCE_2000, .white = DIFFERENCE_D50},
        {.formula = DIFFERENCE_2000, .kl = 2},
        {.formula = DIFFERENCE_CMC, .cmc_l = 1, .cmc_c = 1},
        {.formula = DIFFERENCE_2000, .kl = 1, .kc = 1, .kh = 1},
    };
    size_t count = load(RAL_CLASSIC);
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        tap_ok(wrong_answers(&variants[i], count, 3 * QUERIES) == 0, "variant %zu of a formula",
               i + 1);
}

/* Catalogues with many equal colours, of few colours, and with some that no screen can have. */
static void check_catalogues(void)
{
    static const size_t counts[] = {1, 2, 4, 31, 32, 33, 64, 65, 200};
    const struct difference difference = {0};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        for (size_t i = 0; i < counts[c]; i++)
            for (int k = 0; k < 3; k++)
                catalogue[i][k] =
                    k == 0 ? round(random_between(0, 3)) * 20 : round(random_between(-1, 1)) * 30;
        tap_ok(wrong_answers(&difference, counts[c], QUERIES) == 0,
               "%zu colours, many of them equal: the first one wins", counts[c]);
    }
    size_t count = load(RAL_CLASSIC);
    catalogue[10][1] = 500;
    catalogue[20][0] = 160;
    tap_ok(wrong_answers(&difference, count, QUERIES) == 0, "a catalogue beyond all bounds");
}

/* Catalogues all of whose colours have the hue opposite to what is asked, where the formula jumps and
 * single precision cannot tell to which side. */
static void check_opposite(void)
{
    enum { COLORS = 12 };
    const struct difference difference = {0};
    static struct match all[MOST];
    struct match found[1];
    struct error error = {0};
    int wrong = 0;
    for (int round = 0; round < 40 * QUERIES; round++) {
        double hue = random_between(0, 2 * M_PI), chroma = random_between(0, 90);
        const double lab[3] = {50, chroma * cos(hue), chroma * sin(hue)};
        struct matcher *matcher;
        for (size_t i = 0; i < COLORS; i++) {
            double other = hue + M_PI + random_between(-1, 1) * 1e-3, far = random_between(0, 90);
            catalogue[i][0] = random_between(30, 70);
            catalogue[i][1] = far * cos(other);
            catalogue[i][2] = far * sin(other);
        }
        brute_force(&difference, COLORS, lab, all);
        if (!matcher_new(&matcher, &difference, (const double(*)[3])catalogue, COLORS, &error))
            break;
        matcher_find(matcher, lab, 1, found);
        wrong += found[0].index != all[0].index || found[0].de != all[0].de;
        matcher_free(matcher);
    }
    tap_ok(wrong == 0 && error.kind == ERROR_NONE, "opposite hues: as by brute force");
}

static void check_edges(void)
{
    const struct difference difference = {0};
    const double lab[3] = {50, 0, 0};
    struct matcher *matcher = NULL;
    struct error error = {0};
    struct match found[1];
    tap_ok(matcher_new(&matcher, &difference, (const double(*)[3])catalogue, 0, &error) &&
               matcher_find(matcher, lab, 1, found) == 0,
           "an empty catalogue has no match");
    matcher_free(matcher);
    size_t count = load(RAL_CLASSIC);
    tap_ok(matcher_new(&matcher, &difference, (const double(*)[3])catalogue, count, &error) &&
               matcher_find(matcher, lab, 0, found) == 0,
           "none wanted, none found");
    matcher_free(matcher);
    matcher_free(NULL);
}

static bool in_gamut(const double lab[3])
{
    double linear[3];
    lab_to_linear(lab, linear);
    for (int i = 0; i < 3; i++)
        if (srgb_encode(linear[i]) < -0.5 / 255 || srgb_encode(linear[i]) > 1 + 0.5 / 255)
            return false;
    return true;
}

/* The hex of a colour that sRGB can show finds its own code, or, where two codes are that much
 * alike, has it second and the first within 1.5. Not so for some of RAL Design, whose hex values
 * were measured on samples and lie up to CIEDE2000 4.2 from what the codes say. */
static void check_own_hex(enum ral_set set, const char *name, size_t allowed)
{
    const struct difference difference = {0};
    struct matcher *matcher;
    struct match found[2];
    struct error error = {0};
    size_t start = 0, asked = 0, first = 0, second = 0, lost = 0;
    double worst = 0;
    for (; ral_at(start).set != set; start++)
        ;
    size_t count = load((int)set);
    if (!tap_ok(matcher_new(&matcher, &difference, (const double(*)[3])catalogue, count, &error),
                "a matcher of %s", name))
        return;
    for (size_t i = 0; i < count; i++) {
        double lab[3];
        if (!in_gamut(catalogue[i]))
            continue;
        asked++;
        lab_of_rgb(ral_at(start + i).rgb, lab);
        matcher_find(matcher, lab, 2, found);
        if (found[0].index == i)
            first++;
        else if (found[1].index == i && found[0].de < 1.5)
            second++;
        else
            lost++;
        if (found[0].index == i)
            worst = fmax(worst, found[0].de);
    }
    tap_ok(lost <= allowed,
           "%s: own hex is first for %zu of %zu (at most %.2f), second for %zu, else %zu", name,
           first, asked, worst, second, lost);
    matcher_free(matcher);
}

int main(void)
{
    check_sets();
    check_options();
    check_catalogues();
    check_opposite();
    check_edges();
    check_own_hex(RAL_CLASSIC, "Classic", 0);
    check_own_hex(RAL_DESIGN, "Design", 79);
    check_own_hex(RAL_EFFECT, "Effect", 0);
    return tap_done();
}
