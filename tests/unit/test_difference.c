/* SPDX-License-Identifier: MIT */
/* Colour differences against published values and other programs' results. */
#include "color/difference.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "color/cam16.h"
#include "color/lab.h"
#include "sharma.h"
#include "tap.h"

/* Published with the unit tests of colour-science 0.4.6, to the last digit given there. CIE94,
 * CIEDE2000, CMC and DIN99 are of Lab; ITP of I, Ct / 2, Cp;
 * the last row of J', a', b' in the space of large differences. */
static const struct {
    struct difference difference;
    double one[3], two[3], published, within;
} published[] = {
    {{.formula = DIFFERENCE_94},
     {100, 21.57210357, 272.2281935},
     {100, 426.67945353, 72.39590835},
     83.7792255009,
     6e-11},
    {{.formula = DIFFERENCE_94},
     {100, 21.57210357, 272.2281935},
     {100, 74.05216981, 276.45318193},
     10.0539319546,
     6e-11},
    {{.formula = DIFFERENCE_94},
     {100, 21.57210357, 272.2281935},
     {100, 8.32281957, -73.58297716},
     57.5354537067,
     6e-11},
    {{.formula = DIFFERENCE_94T},
     {100, 21.57210357, 272.2281935},
     {100, 426.67945353, 72.39590835},
     88.3355530575,
     6e-11},
    {{.formula = DIFFERENCE_94T},
     {100, 21.57210357, 272.2281935},
     {100, 74.05216981, 276.45318193},
     10.61265789,
     6e-09},
    {{.formula = DIFFERENCE_94T},
     {100, 21.57210357, 272.2281935},
     {100, 8.32281957, -73.58297716},
     60.3686872611,
     6e-11},
    {{.formula = DIFFERENCE_2000},
     {100, 21.57210357, 272.2281935},
     {100, 426.67945353, 72.39590835},
     94.03564903,
     6e-09},
    {{.formula = DIFFERENCE_2000},
     {100, 21.57210357, 272.2281935},
     {100, 74.05216981, 276.45318193},
     14.87906419,
     6e-09},
    {{.formula = DIFFERENCE_2000},
     {100, 21.57210357, 272.2281935},
     {100, 8.32281957, -73.58297716},
     68.23111251,
     6e-09},
    {{.formula = DIFFERENCE_2000, .kl = 2},
     {100, 21.57210357, 272.2281935},
     {50, 426.67945353, 72.39590835},
     95.79205352,
     6e-09},
    {{.formula = DIFFERENCE_2000, .kl = 2},
     {100, 21.57210357, 272.2281935},
     {50, 74.05216981, 276.45318193},
     23.55420943,
     6e-09},
    {{.formula = DIFFERENCE_2000, .kl = 2},
     {100, 21.57210357, 272.2281935},
     {50, 8.32281957, -73.58297716},
     70.63213819,
     6e-09},
    {{.formula = DIFFERENCE_CMC},
     {100, 21.57210357, 272.2281935},
     {100, 426.67945353, 72.39590835},
     172.70477129,
     6e-09},
    {{.formula = DIFFERENCE_CMC},
     {100, 21.57210357, 272.2281935},
     {100, 74.05216981, 276.45318193},
     20.59732717,
     6e-09},
    {{.formula = DIFFERENCE_CMC},
     {100, 21.57210357, 272.2281935},
     {100, 8.32281957, -73.58297716},
     121.71841479,
     6e-09},
    {{.formula = DIFFERENCE_CMC, .cmc_l = 1},
     {100, 21.57210357, 272.2281935},
     {100, 426.67945353, 72.39590835},
     172.70477129,
     6e-09},
    {{.formula = DIFFERENCE_CMC, .cmc_l = 1},
     {100, 21.57210357, 272.2281935},
     {100, 74.05216981, 276.45318193},
     20.59732717,
     6e-09},
    {{.formula = DIFFERENCE_CMC, .cmc_l = 1},
     {100, 21.57210357, 272.2281935},
     {100, 8.32281957, -73.58297716},
     121.71841479,
     6e-09},
    {{.formula = DIFFERENCE_ITP},
     {0.4885468072, -0.04739350675 / 2, 0.07475401302},
     {0.4899203231, -0.04567508203 / 2, 0.07361341775},
     1.426572247,
     5e-8},
    {{.formula = DIFFERENCE_ITP},
     {0.7538438727, 0 / 2, 0},
     {0.7538912244, 0.001930922514 / 2, -0.0003599955951},
     0.7426668055,
     5e-8},
    {{.formula = DIFFERENCE_ITP},
     {0.1596179061, 0 / 2, 0},
     {0.1603575152, 0.02881444889 / 2, -0.009908665843},
     12.60096264,
     5e-8},
    {{.formula = DIFFERENCE_ITP},
     {0.5965650331, -0.2083210482 / 2, 0.3699729716},
     {0.596263079, -0.1629742033 / 2, 0.3617767026},
     17.36012552,
     5e-8},
    {{.formula = DIFFERENCE_ITP},
     {0.7055787513, -0.4063731514 / 2, -0.07278767382},
     {0.7046946082, -0.3771037586 / 2, -0.07141626753},
     10.60227327,
     5e-8},
    {{.formula = DIFFERENCE_ITP},
     {0.5180652611, 0.2932420978 / 2, -0.1873112695},
     {0.5167090868, 0.298191609 / 2, -0.1824609953},
     4.040270489,
     5e-8},
    {{.formula = DIFFERENCE_ITP},
     {0.7223275939, -0.01290632441 / 2, -0.1139004748},
     {0.7215329274, -0.007863821961 / 2, -0.1106683944},
     3.00633812,
     5e-8},
    {{.formula = DIFFERENCE_ITP},
     {0.6401125212, 0.280225698 / 2, 0.1665590804},
     {0.640473651, 0.2819981563 / 2, 0.1654050172},
     1.07944277,
     5e-8},
    {{.formula = DIFFERENCE_ITP},
     {0.7413041405, -0.3638807621 / 2, 0.04959414794},
     {0.7412815181, -0.3299076141 / 2, 0.04545287368},
     12.5885645,
     5e-8},
    {{.formula = DIFFERENCE_DIN99},
     {60.2574, -34.0099, 36.2677},
     {60.4626, -34.1751, 39.4387},
     1.17721662011,
     6e-12},
    {{.formula = DIFFERENCE_DIN99},
     {63.0109, -31.0961, -5.8663},
     {62.8187, -29.7946, -4.0864},
     0.987529977993,
     1e-11},
    {{.formula = DIFFERENCE_DIN99},
     {35.0831, -44.1164, 3.7933},
     {35.0232, -40.0716, 1.5901},
     1.53589475797,
     6e-12},
    {{.formula = DIFFERENCE_DIN99, .kl = 2, .kc = 0.5},
     {60.2574, -34.0099, 36.2677},
     {60.4626, -34.1751, 39.4387},
     1.21565277559,
     6e-12},
    {{.formula = DIFFERENCE_DIN99, .kl = 2, .kc = 0.5},
     {63.0109, -31.0961, -5.8663},
     {62.8187, -29.7946, -4.0864},
     1.02599713887,
     6e-12},
    {{.formula = DIFFERENCE_DIN99, .kl = 2, .kc = 0.5},
     {35.0831, -44.1164, 3.7933},
     {35.0232, -40.0716, 1.5901},
     1.53992281003,
     6e-12},
    {{.formula = DIFFERENCE_CAM16, .kl = 0.77},
     {54.90433134, -0.08450395, -0.06854831},
     {54.80352754, -3.96940084, -13.57591013},
     14.0555464378,
     6e-11},
};

/* culori 4.0.2 (CAM16 and OK: colorjs.io 0.7.1) on 8-bit sRGB, D65. */
static const struct {
    unsigned one, two;
    double difference[DIFFERENCE_COUNT]; /* 0: not known to it */
} peers[] = {
    {0xff0000, 0x008000,
     {[DIFFERENCE_2000] = 72.1805359124, [DIFFERENCE_76] = 133.1035310416,
      [DIFFERENCE_94] = 50.9748390908, [DIFFERENCE_94T] = 52.6911915559,
      [DIFFERENCE_CMC] = 81.1088064228, [DIFFERENCE_DIN99O] = 70.1862060857,
      [DIFFERENCE_OK] = 0.3812924564, [DIFFERENCE_HYAB] = 139.9280573762,
      [DIFFERENCE_ITP] = 238.2886875996, [DIFFERENCE_CAM16] = 68.7174745696}},
    {0xff0000, 0xe25304,
     {[DIFFERENCE_2000] = 9.4984222467, [DIFFERENCE_76] = 27.2565628109,
      [DIFFERENCE_94] = 7.5647820676, [DIFFERENCE_94T] = 7.6367805558,
      [DIFFERENCE_CMC] = 12.0945222107, [DIFFERENCE_DIN99O] = 8.8664301217,
      [DIFFERENCE_OK] = 0.0806572387, [DIFFERENCE_HYAB] = 28.4079918273,
      [DIFFERENCE_ITP] = 62.8655663322, [DIFFERENCE_CAM16] = 13.5575135570}},
    {0x004f7c, 0x4b0082,
     {[DIFFERENCE_2000] = 25.8967975502, [DIFFERENCE_76] = 59.8475610650,
      [DIFFERENCE_94] = 34.5312583653, [DIFFERENCE_94T] = 33.2221647408,
      [DIFFERENCE_CMC] = 38.4239845257, [DIFFERENCE_DIN99O] = 36.2102931353,
      [DIFFERENCE_OK] = 0.1690364694, [DIFFERENCE_HYAB] = 70.1865668123,
      [DIFFERENCE_ITP] = 88.9698406443, [DIFFERENCE_CAM16] = 29.4711834582}},
    {0xffffff, 0xf1ede1,
     {[DIFFERENCE_2000] = 6.6740130278, [DIFFERENCE_76] = 8.8853527611,
      [DIFFERENCE_94] = 8.8853527611, [DIFFERENCE_94T] = 7.0505179155,
      [DIFFERENCE_CMC] = 10.1300213451, [DIFFERENCE_DIN99O] = 9.4598432712,
      [DIFFERENCE_OK] = 0.0565267310, [DIFFERENCE_HYAB] = 12.5655458356,
      [DIFFERENCE_ITP] = 14.0836068294, [DIFFERENCE_CAM16] = 7.0125403808}},
    {0x808080, 0x777777,
     {[DIFFERENCE_2000] = 3.5147839960, [DIFFERENCE_76] = 3.5505746596,
      [DIFFERENCE_94] = 3.5505746596, [DIFFERENCE_94T] = 1.7752873298,
      [DIFFERENCE_CMC] = 1.5732548351, [DIFFERENCE_DIN99O] = 3.4982108933,
      [DIFFERENCE_OK] = 0.0306084022, [DIFFERENCE_HYAB] = 3.5505746596,
      [DIFFERENCE_ITP] = 10.5462979687, [DIFFERENCE_CAM16] = 3.6639247321}},
    {0x0e0e10, 0x010101,
     {[DIFFERENCE_2000] = 2.4436867262, [DIFFERENCE_76] = 3.8884431465,
      [DIFFERENCE_94] = 3.8759348686, [DIFFERENCE_94T] = 2.1220347848,
      [DIFFERENCE_CMC] = 3.9552066561, [DIFFERENCE_DIN99O] = 4.6329532743,
      [DIFFERENCE_OK] = 0.0975551084, [DIFFERENCE_HYAB] = 4.7936698294,
      [DIFFERENCE_ITP] = 68.1099230966, [DIFFERENCE_CAM16] = 6.5719721382}},
    {0x00ff00, 0x0000ff,
     {[DIFFERENCE_2000] = 83.1837209092, [DIFFERENCE_76] = 258.6882037435,
      [DIFFERENCE_94] = 105.9036077159, [DIFFERENCE_94T] = 98.2592135783,
      [DIFFERENCE_CMC] = 94.6319879205, [DIFFERENCE_DIN99O] = 113.8559738279,
      [DIFFERENCE_OK] = 0.6733722949, [DIFFERENCE_HYAB] = 308.1134675503,
      [DIFFERENCE_ITP] = 251.5651792556, [DIFFERENCE_CAM16] = 93.5127416792}},
    {0xcdba88, 0xffa500,
     {[DIFFERENCE_2000] = 18.7359979726, [DIFFERENCE_76] = 56.7086851694,
      [DIFFERENCE_94] = 26.5131208645, [DIFFERENCE_94T] = 25.7957318863,
      [DIFFERENCE_CMC] = 31.0457525087, [DIFFERENCE_DIN99O] = 22.5869721120,
      [DIFFERENCE_OK] = 0.1075989530, [DIFFERENCE_HYAB] = 57.7574747180,
      [DIFFERENCE_ITP] = 76.5126438137, [DIFFERENCE_CAM16] = 18.4111112154}},
    {0x40d0a8, 0x60b8a0,
     {[DIFFERENCE_2000] = 7.5478477198, [DIFFERENCE_76] = 17.0860417870,
      [DIFFERENCE_94] = 8.2751239610, [DIFFERENCE_94T] = 5.9048553702,
      [DIFFERENCE_CMC] = 6.7805407868, [DIFFERENCE_DIN99O] = 8.9939599749,
      [DIFFERENCE_OK] = 0.0660631049, [DIFFERENCE_HYAB] = 22.2994264395,
      [DIFFERENCE_ITP] = 19.6933138169, [DIFFERENCE_CAM16] = 8.2098829043}},
    {0xff69b4, 0xe05098,
     {[DIFFERENCE_2000] = 8.3405482710, [DIFFERENCE_76] = 9.8307684036,
      [DIFFERENCE_94] = 9.5734020823, [DIFFERENCE_94T] = 4.8314635830,
      [DIFFERENCE_CMC] = 3.9366912737, [DIFFERENCE_DIN99O] = 9.1768125365,
      [DIFFERENCE_OK] = 0.0831583833, [DIFFERENCE_HYAB] = 11.9043071793,
      [DIFFERENCE_ITP] = 27.2211075771, [DIFFERENCE_CAM16] = 9.6506814893}},
    {0x3050c0, 0x5040b0,
     {[DIFFERENCE_2000] = 7.6057835858, [DIFFERENCE_76] = 10.8771389721,
      [DIFFERENCE_94] = 6.0211871877, [DIFFERENCE_94T] = 5.5475733743,
      [DIFFERENCE_CMC] = 6.1130690234, [DIFFERENCE_DIN99O] = 7.6941298996,
      [DIFFERENCE_OK] = 0.0562012787, [DIFFERENCE_HYAB] = 13.5477003563,
      [DIFFERENCE_ITP] = 31.4286936874, [DIFFERENCE_CAM16] = 8.6569673547}},
};

/* Brilliant yellow, BYK-Gardner, "Pocket guide to color": CMC 2:1. */
static const struct {
    double two[3], cmc;
} yellow[] = {
    {{84.46, 8.88, 96.49}, 1.6364},
    {{84.52, 5.75, 93.09}, 0.8770},
    {{84.37, 5.86, 99.42}, 1.0221},
};

static const struct difference all[] = {
    {.formula = DIFFERENCE_2000},  {.formula = DIFFERENCE_76},     {.formula = DIFFERENCE_94},
    {.formula = DIFFERENCE_94T},   {.formula = DIFFERENCE_CMC},    {.formula = DIFFERENCE_DIN99},
    {.formula = DIFFERENCE_DIN99O}, {.formula = DIFFERENCE_OK},    {.formula = DIFFERENCE_HYAB},
    {.formula = DIFFERENCE_ITP},   {.formula = DIFFERENCE_CAM16},
};

static double compare(const struct difference *difference, const double one[3],
                      const double two[3])
{
    double from[3], to[3];
    difference_point(difference, one, from);
    difference_point(difference, two, to);
    return difference_between(difference, from, to);
}

static void lab_of_hex(unsigned rgb, double lab[3])
{
    double linear[3];
    for (int i = 0; i < 3; i++)
        linear[i] = srgb_decode((rgb >> (16 - 8 * i) & 255) / 255.0);
    lab_from_linear(linear, lab);
}

static void test_sharma(void)
{
    for (size_t i = 0; i < sizeof sharma / sizeof *sharma; i++) {
        double forth = compare(&all[DIFFERENCE_2000], sharma[i].one, sharma[i].two);
        double back = compare(&all[DIFFERENCE_2000], sharma[i].two, sharma[i].one);
        tap_ok(fabs(forth - sharma[i].difference) <= 0.5001e-4 &&
                   fabs(back - sharma[i].difference) <= 0.5001e-4,
               "CIEDE2000 pair %zu: %.6f and %.6f, published %.4f", i + 1, forth, back,
               sharma[i].difference);
    }
}

static void test_published(void)
{
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        const struct difference *difference = &published[i].difference;
        enum difference_formula formula = difference->formula;
        bool points = formula == DIFFERENCE_ITP || formula == DIFFERENCE_CAM16;
        double de = points ? difference_between(difference, published[i].one, published[i].two)
                           : compare(difference, published[i].one, published[i].two);
        tap_ok(fabs(de - published[i].published) <= published[i].within,
               "%s, kL %g: %.12f, published %.12g", difference_names[formula], difference->kl, de,
               published[i].published);
    }
    static const double from[3] = {84.25, 5.74, 96.00};
    for (size_t i = 0; i < sizeof yellow / sizeof *yellow; i++) {
        double de = compare(&all[DIFFERENCE_CMC], from, yellow[i].two);
        tap_ok(fabs(de - yellow[i].cmc) <= 0.5001e-4, "CMC of yellows: %.6f, published %.4f", de,
               yellow[i].cmc);
    }
}

static void test_peers(void)
{
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
        double one[3], two[3];
        lab_of_hex(peers[i].one, one);
        lab_of_hex(peers[i].two, two);
        for (int f = 0; f < DIFFERENCE_COUNT; f++) {
            double wanted = peers[i].difference[f];
            double de = compare(&all[f], one, two);
            /* culori scales DIN99o so that L 100 stays 100, which DIN's constant misses by 3e-6. */
            double within = f == DIFFERENCE_DIN99O ? 4e-6 * wanted : 2e-8;
            if (wanted > 0)
                tap_ok(fabs(de - wanted) < within, "%s of #%06x and #%06x: %.10f, wanted %.10f",
                       difference_names[f], peers[i].one, peers[i].two, de, wanted);
        }
    }
}

/* Points of single colours. */
static const struct {
    enum difference_formula formula;
    double lab[3], point[3], within;
    const char *source;
} points[] = {
    {DIFFERENCE_DIN99, {41.52787529, 52.63858304, 26.92317922},
     {53.22821988, 28.41634656, 3.89839552}, 6e-9, "colour-science 0.4.6"},
    {DIFFERENCE_DIN99O, {53.2371155954, 80.0901135231, 67.2032635117},
     {57.28917941426675, 39.49797800074304, 30.518440059252875}, 2e-4, "culori, #ff0000"},
    {DIFFERENCE_DIN99O, {100, 0, 0}, {100, 0, 0}, 4e-4, "L 100 stays 100"},
    {DIFFERENCE_OK, {53.2371155954, 80.0901135231, 67.2032635117},
     {0.6279553639, 0.2248630684, 0.1258462773}, 1e-9, "CSS Color 4, #ff0000"},
    {DIFFERENCE_ITP, {53.2371155954, 80.0901135231, 67.2032635117},
     {0.4278802843622844, -0.11570435976969046 / 2, 0.27872894737532694}, 1e-10,
     "culori, #ff0000"},
    {DIFFERENCE_ITP, {32.3008729040, 79.1952703074, -107.8554655397},
     {0.35598362802705463, 0.2693341555682033 / 2, -0.16137109768327434}, 1e-10,
     "culori, #0000ff"},
    /* BT.2408: 203 cd/m2 is 58 % of PQ. */
    {DIFFERENCE_ITP, {100, 0, 0}, {0.5806888810416109, 0, 0}, 1e-10, "reference white"},
    /* PQ of no light is c1^m2. */
    {DIFFERENCE_ITP, {0, 0, 0}, {7.309559025783966e-7, 0, 0}, 1e-15, "black"},
};

static void test_points(void)
{
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        const struct difference difference = {.formula = points[i].formula};
        double point[3], worst = 0;
        difference_point(&difference, points[i].lab, point);
        for (int k = 0; k < 3; k++)
            worst = fmax(worst, fabs(point[k] - points[i].point[k]));
        tap_ok(worst <= points[i].within, "%s point, %s: %.10f %.10f %.10f",
               difference_names[points[i].formula], points[i].source, point[0], point[1],
               point[2]);
    }
}

/* The worked example that implementations of CAM16 share. */
static const struct {
    double xyz[3];
    struct cam16_view view;
    double j, c, h, m;
} cam_examples[] = {
    {{19.01, 20.00, 21.78}, {{95.05, 100, 108.88}, 318.31, 20},
     41.731207905126638, 0.103355738709070, 217.06795976739301, 0.107436772335905},
};

/* colorjs.io 0.7.1 under the surround of sRGB: J, M, h in degrees. */
static const struct {
    unsigned rgb;
    double j, m, h;
} cam_peers[] = {
    {0xff0000, 46.025701408152244, 81.25424815849786, 27.39325656758689},
    {0x00ff00, 79.10134572991937, 78.2155216870714, 142.22342095435386},
    {0x0000ff, 25.066260555532132, 62.441525314842394, 282.75452308532226},
    {0xffffff, 100, 2.2368984457707195, 209.53333446353292},
    {0x808080, 43.04209245954343, 1.4670107518796835, 209.53509858058828},
    {0x4b0082, 16.045911978469235, 43.27839819407166, 310.90002017757},
    {0x0e0e10, 4.990423368805783, 1.9156847438218028, 276.7721558008509},
    {0x010101, 1.1144942948450465, 0.18546185937253024, 209.53696441300065},
};

static double degrees(double radians)
{
    double angle = radians * 180 / M_PI;
    return angle < 0 ? angle + 360 : angle;
}

static void test_cam16(void)
{
    struct cam16 cam;
    struct cam16_color color;
    for (size_t i = 0; i < sizeof cam_examples / sizeof *cam_examples; i++) {
        cam16_prepare(&cam, &cam_examples[i].view);
        cam16_from_xyz(&cam, cam_examples[i].xyz, &color);
        tap_ok(fabs(color.lightness - cam_examples[i].j) < 1e-10 &&
                   fabs(color.chroma - cam_examples[i].c) < 1e-10 &&
                   fabs(color.colorfulness - cam_examples[i].m) < 1e-10 &&
                   fabs(degrees(color.hue) - cam_examples[i].h) < 1e-8,
               "CAM16: J %.10f C %.10f h %.8f M %.10f", color.lightness, color.chroma,
               degrees(color.hue), color.colorfulness);
    }
    const struct cam16_view view = {
        {100 * lab_white_d65[0], 100, 100 * lab_white_d65[2]}, 64 / M_PI / 5, 20};
    cam16_prepare(&cam, &view);
    for (size_t i = 0; i < sizeof cam_peers / sizeof *cam_peers; i++) {
        double lab[3], xyz[3];
        lab_of_hex(cam_peers[i].rgb, lab);
        lab_to_xyz(lab, lab_white_d65, xyz);
        for (int k = 0; k < 3; k++)
            xyz[k] *= 100;
        cam16_from_xyz(&cam, xyz, &color);
        tap_ok(fabs(color.lightness - cam_peers[i].j) < 1e-9 &&
                   fabs(color.colorfulness - cam_peers[i].m) < 1e-9 &&
                   fabs(degrees(color.hue) - cam_peers[i].h) < 1e-8,
               "CAM16 of #%06x: J %.10f M %.10f h %.8f", cam_peers[i].rgb, color.lightness,
               color.colorfulness, degrees(color.hue));
    }
}

/* The same colours in Lab of D50, from CSS Color 4. */
static void test_white(void)
{
    static const struct {
        double d65[3], d50[3];
    } colors[] = {
        {{53.2371155954, 80.0901135231, 67.2032635117},
         {54.2905414047, 80.8049281704, 69.8909647686}},
        {{32.3008729040, 79.1952703074, -107.8554655397},
         {29.5683019791, 68.2873646025, -112.0297095251}},
        {{31.9132157984, -2.7510984038, -31.2437353159},
         {31.4097468931, -7.3822531121, -31.9393800733}},
        {{4.0182949271, 0.3620539591, -0.9851251232},
         {4.0100359595, 0.2699532595, -0.9903366619}},
    };
    enum { COUNT = sizeof colors / sizeof *colors };
    for (size_t i = 0; i < COUNT; i++) {
        const struct difference d50 = {.white = DIFFERENCE_D50}, d65 = {0};
        double lab[3], same[3], worst = 0;
        difference_lab(&d50, colors[i].d65, lab);
        difference_lab(&d65, colors[i].d65, same);
        for (int k = 0; k < 3; k++)
            worst = fmax(worst, fabs(lab[k] - colors[i].d50[k]));
        tap_ok(worst < 1e-8 && memcmp(same, colors[i].d65, sizeof same) == 0,
               "D50: %.10f %.10f %.10f", lab[0], lab[1], lab[2]);
    }
    /* The spaces with a white of their own do not care; CIEDE2000 does. */
    for (int f = 0; f < DIFFERENCE_COUNT; f++) {
        struct difference d50 = all[f];
        d50.white = DIFFERENCE_D50;
        double here = compare(&all[f], colors[0].d65, colors[1].d65);
        double there = compare(&d50, colors[0].d50, colors[1].d50);
        bool own = f == DIFFERENCE_OK || f == DIFFERENCE_ITP || f == DIFFERENCE_CAM16;
        tap_ok(own ? fabs(here - there) < 1e-7 : fabs(here - there) > 0.01,
               "%s under D65 %.6f, D50 %.6f", difference_names[f], here, there);
    }
}

static void test_factors(void)
{
    const double one[3] = {50, 20, 10}, two[3] = {60, 30, 40};
    static const char *const what[] = {"kL", "kC", "kH"};
    for (int f = 0; f < DIFFERENCE_COUNT; f++)
        for (int k = 0; k < 3; k++) {
            struct difference other = all[f];
            *(k == 0 ? &other.kl : k == 1 ? &other.kc : &other.kh) = 1.7;
            bool matters = compare(&other, one, two) != compare(&all[f], one, two);
            tap_ok(matters == ((difference_factors(all[f].formula) >> k & 1) != 0),
                   "%s of %s", what[k], difference_names[f]);
        }
    /* By hand: only lightness differs. */
    const double dark[3] = {50, 0, 0}, light[3] = {60, 0, 0};
    struct difference d = {.formula = DIFFERENCE_94T};
    tap_ok(fabs(compare(&d, dark, light) - 5) < 1e-12, "94t halves lightness");
    d.kl = 1;
    tap_ok(fabs(compare(&d, dark, light) - 10) < 1e-12, "unless kL says otherwise");
    d = (struct difference){.formula = DIFFERENCE_CMC};
    double sl = 0.040975 * 50 / (1 + 0.01765 * 50);
    tap_ok(fabs(compare(&d, dark, light) - 10 / (2 * sl)) < 1e-12, "CMC is 2:1");
    d.cmc_l = 1;
    tap_ok(fabs(compare(&d, dark, light) - 10 / sl) < 1e-12, "CMC 1:1");
}

static double random_share(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) / 16777215.0;
}

static void random_lab(unsigned *seed, double lab[3])
{
    lab[0] = 100 * random_share(seed);
    for (int i = 1; i < 3; i++)
        lab[i] = 240 * random_share(seed) - 120;
}

static void test_metric(void)
{
    for (int f = 0; f < DIFFERENCE_COUNT; f++) {
        bool symmetric = f != DIFFERENCE_94 && f != DIFFERENCE_94T && f != DIFFERENCE_CMC;
        double identity = 0, lopsided = 0, least = DBL_MAX, jump = 0;
        unsigned seed = 7;
        for (int i = 0; i < 5000; i++) {
            double one[3], two[3], near[3];
            random_lab(&seed, one);
            random_lab(&seed, two);
            memcpy(near, two, sizeof near);
            near[i % 3] += 1e-7;
            double de = compare(&all[f], one, two);
            identity = fmax(identity, compare(&all[f], one, one));
            lopsided = fmax(lopsided, fabs(de - compare(&all[f], two, one)));
            least = fmin(least, de);
            jump = fmax(jump, fabs(compare(&all[f], one, near) - de));
        }
        tap_ok(identity == 0 && least > 0, "%s: 0 from itself, else %g at least",
               difference_names[f], least);
        tap_ok(symmetric ? lopsided < 1e-9 : lopsided > 1, "%s: either way differs by %g",
               difference_names[f], lopsided);
        /* A ten-millionth of a step; dark imaginary colours are steep in PQ. */
        tap_ok(jump < 1e-4, "%s is continuous: %g",
               difference_names[f], jump);
    }
}

static void test_robust(void)
{
    static const double values[] = {0,    -0.0, 1e-320, 1,     -1,   50,       -50,    100,
                                    -100, 1e3,  -1e3,   1e100, -1e100, DBL_MAX, -DBL_MAX};
    enum { COUNT = sizeof values / sizeof *values };
    for (int f = 0; f < DIFFERENCE_COUNT; f++) {
        unsigned bad = 0, seed = 3;
        for (unsigned i = 0; i < COUNT * COUNT * COUNT; i++) {
            struct difference difference = all[f];
            difference.white = i % 2 == 0 ? DIFFERENCE_D65 : DIFFERENCE_D50;
            double one[3] = {values[i % COUNT], values[i / COUNT % COUNT],
                             values[i / COUNT / COUNT]};
            double two[3], white[3];
            for (int k = 0; k < 3; k++)
                two[k] = values[(unsigned)(random_share(&seed) * (COUNT - 1))];
            double de = compare(&difference, one, two);
            difference_lab(&difference, one, white);
            bad += !(de >= 0 && de <= DBL_MAX) || !(compare(&difference, one, one) == 0) ||
                   !isfinite(white[0] + white[1] + white[2]);
        }
        tap_ok(bad == 0, "%s: %u of %u differences of wild colours are no numbers",
               difference_names[f], bad, COUNT * COUNT * COUNT);
    }
}

int main(void)
{
    test_sharma();
    test_published();
    test_peers();
    test_points();
    test_cam16();
    test_white();
    test_factors();
    test_metric();
    test_robust();
    return tap_done();
}
