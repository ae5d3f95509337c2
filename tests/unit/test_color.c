/* SPDX-License-Identifier: MIT */
/* Colours as people write them, against values of the CSS Color 4 specification and of RAL. */
#include "color/color.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "color/lab.h"
#include "color/ral.h"
#include "tap.h"

/* What has to come out as sRGB, as in the specification's own examples. */
static const struct {
    const char *text;
    unsigned rgb;
} equal[] = {
    {"red", 0xff0000},
    {"RED", 0xff0000},
    {" \tRebeccaPurple ", 0x663399},
    {"gray", 0x808080},
    {"darkgrey", 0xa9a9a9},
    {"green", 0x008000},
    {"lightgoldenrodyellow", 0xfafad2},
    {"tan", 0xd2b48c},
    {"aqua", 0x00ffff},
    {"yellowgreen", 0x9acd32},
    {"#c33", 0xcc3333},
    {"#C0FFEE", 0xc0ffee},
    {"rgb(51, 178, 102)", 0x33b266},
    {"rgb(51 178 102)", 0x33b266},
    {"rgba(20%,70%,40%,1)", 0x33b366},
    {"RGB(20% 178 40%)", 0x33b266},
    {"rgb(300 -5 0)", 0xff0000},
    {"rgb(none 255 none)", 0x00ff00},
    {"rgb(0+255+0)", 0x00ff00},
    {"rgb(20%70%40%/.5)", 0x33b366},
    {"rgb( 51 , 178,102 )", 0x33b266},
    {"rgb(5.1e1 178e0 102)", 0x33b266},
    {"hsl(120deg 100% 50%)", 0x00ff00},
    {"hsl(120 100% 25%)", 0x008000},
    {"hsl(120, 75%, 75%)", 0x8fef8f},
    {"hsla(480, 100%, 50%, 1)", 0x00ff00},
    {"hsl(-240 100 50)", 0x00ff00},
    {"hsl(0.5turn 100% 50%)", 0x00ffff},
    {"hsl(200grad 100% 50%)", 0x00ffff},
    {"hsl(3.14159265rad 100% 50%)", 0x00ffff},
    {"hsl(none 0% 50%)", 0x808080},
    {"hsl(120 200% 50%)", 0x00ff00},
    {"hwb(194 0% 0%)", 0x00c4ff},
    {"hwb(150deg 20% 10%)", 0x33e68c},
    {"hwb(40 40 80)", 0x555555},
    {"lab(29.2345% 39.3825 20.0664)", 0x7d2329},
    {"lab(52.2345% 40.1645 59.9971)", 0xc65d06},
    {"lab(60.2345% -5.3654 58.956)", 0x9d9318},
    {"lab(62.2345% -34.9638 47.7721)", 0x68a639},
    {"lab(67.5345% -8.6911 -41.6019)", 0x62acef},
    {"lab(67.5345 -6.95288% -33.28152%)", 0x62acef},
    {"lab(150 0 0)", 0xffffff},
    {"lab(-3 0 0)", 0x000000},
    {"lch(29.2345% 44.2 27)", 0x7d2329},
    {"lch(52.2345% 72.2 56.2)", 0xc65d06},
    {"lch(60.2345% 59.2 95.2)", 0x9d9318},
    {"lch(62.2345% 59.2 126.2)", 0x68a639},
    {"lch(67.5345% 42.5 258.2deg)", 0x62acef},
    {"lch(67.5345 28.3333333% 258.2)", 0x62acef},
    {"oklab(40.101% 0.1147 0.0453)", 0x7d2329},
    {"oklab(59.686% 0.1009 0.1192)", 0xc65d06},
    {"oklab(0.65125 -0.0320 0.1274)", 0x9d9318},
    {"oklab(66.016% -0.1084 0.1114)", 0x68a639},
    {"oklab(72.322% -0.0465 -0.1150)", 0x62acef},
    {"oklab(72.322% -11.625% -28.75%)", 0x62acef},
    {"oklch(40.101% 0.12332 21.555)", 0x7d2329},
    {"oklch(59.686% 0.15619 49.7694)", 0xc65d06},
    {"oklch(0.65125 0.13138 104.097)", 0x9d9318},
    {"oklch(66.016% 0.15546 134.231)", 0x68a639},
    {"oklch(72.322% 0.12403 247.996)", 0x62acef},
    /* One colour in four spaces; section 3 of the specification. */
    {"rgb(41.587% 50.3670% 36.664%)", 0x6a805d},
    {"color(srgb 0.41587 0.50367 0.36664)", 0x6a805d},
    {"color(display-p3 0.43313 0.50108 0.37950)", 0x6a805d},
    {"color(a98-rgb 0.44091 0.49971 0.37408)", 0x6a805d},
    {"color(prophoto-rgb 0.36589 0.41717 0.31333)", 0x6a805d},
    {"Color( SRGB 20% 70% 40% )", 0x33b366},
    {"color(srgb-linear 1 0.2140411 0)", 0xff8000},
    {"color(xyz 0.3447836421 0.2236672450 0.0261660135)", 0xe25304},
    {"color(xyz-d65 0.3447836421 0.2236672450 0.0261660135)", 0xe25304},
    {"color(xyz-d50 0.3651281823 0.2312961702 0.0198540566)", 0xe25304},
    /* 0.5^2.4 of light on all channels. */
    {"color(rec2020 0.5 0.5 0.5)", 0x787878},
    {"lab-d65(31.9132157984 -2.7510984038 -31.2437353159)", 0x004f7c},
    {"LAB-D65(31.9132157984, -2.7510984038, -31.2437353159)", 0x004f7c},
    /* RAL's own values; 1000 and 6011 are wrong in lists that are often copied. */
    {"RAL 1000", 0xcdba88},
    {"ral6011", 0x6b7c59},
    {"Ral  3020", 0xbb1f11},
    {" RAL 010 20 25 ", 0x4b1c28},
    {"ral0102025", 0x4b1c28},
    {"RAL 110-1", 0xe6e7e6},
    {"ral110-m", 0xa0a2a4},
};

static void test_equal(void)
{
    for (size_t i = 0; i < sizeof equal / sizeof *equal; i++) {
        struct color color = {0};
        struct error error = {0};
        double worst = 0;
        bool good = color_parse(equal[i].text, &color, &error);
        for (int c = 0; good && c < 3; c++) {
            double wanted = (equal[i].rgb >> (16 - 8 * c) & 255) / 255.0;
            worst = fmax(worst, 255 * fabs(color.srgb[c] - wanted));
        }
        tap_ok(good && worst < 0.7, "%s is #%06x, %.2f off %s",
               equal[i].text + strspn(equal[i].text, " \t"), equal[i].rgb, worst, error.message);
    }
}

/* The same colour in Lab of D50 and D65 and in OKLab; CSS Color 4 constants, confirmed with
 * colorjs.io and culori. */
static const struct {
    unsigned rgb;
    double d50[3], d65[3], ok[3];
} spaces[] = {
    {0xff0000,
     {54.2905414047, 80.8049281704, 69.8909647686},
     {53.2371155954, 80.0901135231, 67.2032635117},
     {0.6279553639, 0.2248630684, 0.1258462773}},
    {0x00ff00,
     {87.8185343650, -79.2710607756, 80.9945814844},
     {87.7355191097, -86.1815968904, 83.1866202736},
     {0.8664396175, -0.2338875809, 0.1794984452}},
    {0x0000ff,
     {29.5683019791, 68.2873646025, -112.0297095251},
     {32.3008729040, 79.1952703074, -107.8554655397},
     {0.4520137182, -0.0324569752, -0.3115281657}},
    {0x00ffff,
     {90.6660121761, -50.6565049146, -14.9616713407},
     {91.1147523167, -48.0788883870, -14.1289852624},
     {0.9053992360, -0.1494439435, -0.0393981922}},
    {0xff00ff,
     {60.1689414009, 93.5395862956, -60.5008029565},
     {60.3227313546, 98.2374438132, -60.8289102310},
     {0.7016738591, 0.2745663057, -0.1691560845}},
    {0xffff00,
     {97.6070078645, -15.7498283978, 93.3935907060},
     {97.1385593418, -21.5599708145, 94.4838400156},
     {0.9679827268, -0.0713690829, 0.1985697176}},
    {0xffffff,
     {100.0000000000, 0.0000000000, 0.0000000000},
     {100.0000000000, 0.0000000000, 0.0000000000},
     {1.0000000000, 0.0000000000, 0.0000000000}},
    {0x000000,
     {0.0000000000, 0.0000000000, 0.0000000000},
     {0.0000000000, 0.0000000000, 0.0000000000},
     {0.0000000000, 0.0000000000, 0.0000000000}},
    {0x808080,
     {53.5850134522, 0.0000000000, 0.0000000000},
     {53.5850134522, 0.0000000000, 0.0000000000},
     {0.5998708056, 0.0000000000, 0.0000000000}},
    {0xffa500,
     {75.5898878750, 27.5161548167, 79.1208419321},
     {74.9339076637, 23.9268932947, 78.9530200401},
     {0.7926884362, 0.0566112011, 0.1613845195}},
    {0x4b0082,
     {19.7151826860, 47.0289845118, -54.2775249946},
     {20.4700220853, 51.6891793529, -53.3127189997},
     {0.3389820722, 0.0941615278, -0.1525512578}},
    {0xee82ee,
     {69.6180418745, 53.2948810254, -36.5378445664},
     {69.6950248484, 56.3577871163, -36.8121530863},
     {0.7618985464, 0.1564652744, -0.1007978077}},
    {0x008000,
     {46.2777078481, -47.5523950900, 48.5862848461},
     {46.2279094199, -51.6978239564, 49.9012249205},
     {0.5197518314, -0.1403023316, 0.1076758769}},
    {0xcdba88,
     {76.2384951220, 1.5651581976, 28.0096922692},
     {75.9925800449, -0.6319313937, 27.8490249286},
     {0.7928884580, 0.0004299186, 0.0696176509}},
    {0xe25304,
     {55.2055977345, 54.8069778233, 65.0282766680},
     {54.4139626185, 53.0862487926, 63.6923466853},
     {0.6270816253, 0.1442108155, 0.1256442194}},
    {0x004f7c,
     {31.4097468931, -7.3822531121, -31.9393800733},
     {31.9132157984, -2.7510984038, -31.2437353159},
     {0.4110322515, -0.0449720739, -0.0891167205}},
    {0x383e42,
     {25.7537654746, -1.8558477769, -3.3654004623},
     {25.8008671011, -1.5090503133, -3.3023799629},
     {0.3597561771, -0.0058084588, -0.0089016137}},
    {0x0e0e10,
     {4.0100359595, 0.2699532595, -0.9903366619},
     {4.0182949271, 0.3620539591, -0.9851251232},
     {0.1646713571, 0.0011397359, -0.0039918029}},
    {0xf1ede1,
     {93.8169569547, -0.1339213297, 6.3339290321},
     {93.7561026261, -0.7103022965, 6.2816168238},
     {0.9459380021, -0.0004478599, 0.0165036701}},
    {0x777777,
     {50.0344387925, 0.0000000000, 0.0000000000},
     {50.0344387925, 0.0000000000, 0.0000000000},
     {0.5692624034, 0.0000000000, 0.0000000000}},
    {0x010101,
     {0.2741748001, 0.0000000000, 0.0000000000},
     {0.2741748001, 0.0000000000, 0.0000000000},
     {0.0672046157, 0.0000000000, 0.0000000000}},
};

static double distance(const double one[3], const double two[3])
{
    double worst = 0;
    for (int i = 0; i < 3; i++)
        worst = fmax(worst, fabs(one[i] - two[i]));
    return worst;
}

static void test_spaces(void)
{
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        static const char *const names[] = {"lab", "lab-d65", "oklab"};
        const double *values[] = {spaces[i].d50, spaces[i].d65, spaces[i].ok};
        struct color hex, color;
        char text[100];
        snprintf(text, sizeof text, "#%06x", spaces[i].rgb);
        bool good = color_parse(text, &hex, NULL) && hex.in_gamut && hex.alpha == 1;
        double worst = distance(hex.lab, spaces[i].d65);
        for (int k = 0; k < 3; k++) {
            const double *v = values[k];
            snprintf(text, sizeof text, "%s(%.10f %.10f %.10f)", names[k], v[0], v[1], v[2]);
            good = good && color_parse(text, &color, NULL) && color.in_gamut;
            worst = fmax(worst, distance(color.lab, spaces[i].d65));
            worst = fmax(worst, distance(color.srgb, hex.srgb));
        }
        tap_ok(good && worst < 2e-6, "#%06x in three more spaces: %g", spaces[i].rgb, worst);
    }
}

/* 8-bit sRGB in XYZ of D65, and adapted to D50; the same sources. */
static const struct {
    unsigned rgb;
    double d65[3], d50[3];
} lights[] = {
    {0xff0000,
     {0.4123907993, 0.2126390059, 0.0193308187},
     {0.4360657469, 0.2224931771, 0.0139239215}},
    {0x00ff00,
     {0.3575843394, 0.7151686788, 0.1191947798},
     {0.3851515096, 0.7168870131, 0.0970813242}},
    {0x0000ff,
     {0.1804807884, 0.0721923154, 0.9505321522},
     {0.1430784200, 0.0606198098, 0.7140993568}},
    {0x00ffff,
     {0.5380651278, 0.7873609941, 1.0697269320},
     {0.5282299296, 0.7775068229, 0.8111806810}},
    {0xff00ff,
     {0.5928715877, 0.2848313212, 0.9698629710},
     {0.5791441668, 0.2831129869, 0.7280232783}},
    {0xffff00,
     {0.7699751386, 0.9278076846, 0.1385255985},
     {0.8212172565, 0.9393801902, 0.1110052457}},
    {0xffffff,
     {0.9504559271, 1.0000000000, 1.0890577508},
     {0.9642956764, 1.0000000000, 0.8251046025}},
    {0x000000,
     {0.0000000000, 0.0000000000, 0.0000000000},
     {0.0000000000, 0.0000000000, 0.0000000000}},
    {0x808080,
     {0.2051658917, 0.2158605001, 0.2350845507},
     {0.2081533470, 0.2158605001, 0.1781074921}},
    {0xffa500,
     {0.5469362420, 0.4817298912, 0.0641792996},
     {0.5809836715, 0.4922306066, 0.0504519466}},
    {0x4b0082,
     {0.0693042138, 0.0310766439, 0.2135454690},
     {0.0626207311, 0.0291866775, 0.1603866292}},
    {0xee82ee,
     {0.5867236467, 0.4031743175, 0.8558332783},
     {0.5811405664, 0.4020887346, 0.6441257872}},
    {0x008000,
     {0.0771883343, 0.1543766687, 0.0257294448},
     {0.0831389975, 0.1547475892, 0.0209560232}},
    {0xcdba88,
     {0.4717787322, 0.4987517475, 0.3043507782},
     {0.4905597254, 0.5027622472, 0.2319816558}},
    {0xe25304,
     {0.3447836421, 0.2236672450, 0.0261660135},
     {0.3651281823, 0.2312961702, 0.0198540566}},
    {0x004f7c,
     {0.0643356292, 0.0704680078, 0.2009052322},
     {0.0589523539, 0.0682698490, 0.1515217296}},
    {0x383e42,
     {0.0433666368, 0.0467931093, 0.0582915455},
     {0.0435931613, 0.0466351067, 0.0441315535}},
    {0x0e0e10,
     {0.0043164654, 0.0044484794, 0.0055335254},
     {0.0043476912, 0.0044393362, 0.0041875908}},
    {0xf1ede1,
     {0.8014683932, 0.8470558840, 0.8336424753},
     {0.8174774837, 0.8484656171, 0.6321389207}},
    {0x777777,
     {0.1753353519, 0.1844749945, 0.2009039226},
     {0.1778884396, 0.1844749945, 0.1522111670}},
    {0x010101,
     {0.0002884890, 0.0003035270, 0.0003305584},
     {0.0002926898, 0.0003035270, 0.0002504415}},
};

static void test_light(void)
{
    for (size_t i = 0; i < sizeof lights / sizeof *lights; i++) {
        static const char *const names[] = {"xyz", "xyz-d65", "xyz-d50"};
        char text[100];
        struct color hex, color;
        snprintf(text, sizeof text, "#%06x", lights[i].rgb);
        bool good = color_parse(text, &hex, NULL);
        double worst = 0;
        for (int k = 0; k < 3; k++) {
            const double *v = k == 2 ? lights[i].d50 : lights[i].d65;
            snprintf(text, sizeof text, "color(%s %.10f %.10f %.10f)", names[k], v[0], v[1], v[2]);
            good = good && color_parse(text, &color, NULL) && color.in_gamut;
            worst = fmax(worst, distance(color.lab, hex.lab));
        }
        tap_ok(good && worst < 1e-6, "#%06x as light: %g", lights[i].rgb, worst);
    }
}

/* Two ways to write one colour. The primaries in XYZ are the columns of CSS Color 4's matrices. */
static const char *const pairs[][2] = {
    {"color(display-p3 0 1 0)",
     "color(xyz 0.26566769316909306 0.6917385218365064 0.04511338185890264)"},
    {"color(display-p3 1 0 0)", "color(xyz 0.4865709486482162 0.2289745640697488 0)"},
    {"color(display-p3-linear 0 1 0)", "color(display-p3 0 1 0)"},
    {"color(display-p3-linear 0.2140411405 -0.2140411405 10%)",
     "color(display-p3 0.5 -0.5 0.3491902)"},
    {"color(a98-rgb 0 1 0)",
     "color(xyz 0.1855582379065463 0.6273635662554661 0.07068885253582723)"},
    {"color(prophoto-rgb 0 1 0)", "color(xyz-d50 0.13518129740053308 0.711835234241873 0)"},
    {"color(prophoto-rgb 0 0 1)",
     "color(xyz-d50 0.0313477341283922 0.00008993693872564 0.8251046025104602)"},
    {"color(prophoto-rgb 0.02 0.02 0.02)", "color(srgb-linear 0.00125 0.00125 0.00125)"},
    {"color(rec2020 0 1 0)",
     "color(xyz 0.14461690358620832 0.6779980715188708 0.028072693049087428)"},
    {"color(srgb 10% 20% -30%)", "color(srgb 0.1 0.2 -0.3)"},
    {"color(srgb -0.5 0.5 0.5)",
     "color(srgb-linear -0.214041140482 0.214041140482 0.214041140482)"},
    {"lab(150 40 0)", "lab(100 40 0)"},
    {"lab-d65(100% 80% -80%)", "lab-d65(100 100 -100)"},
    {"lab(50% 40% -20%)", "lab(50 50 -25)"},
    {"oklab(-1 0.1 0)", "oklab(0 0.1 0)"},
    {"oklab(2 0.1 0)", "oklab(100% 25% 0)"},
    {"lch(50 -20 0)", "lch(50 0 0)"},
    {"lch(50 20 90)", "lab(50 0 20)"},
    {"oklch(0.5 50% -90deg)", "oklab(0.5 0 -0.2)"},
    {"hwb(90 -10% 10%)", "hwb(90 0% 10%)"},
    {"hsl(90 -10% 10%)", "hsl(90 0% 10%)"},
};

static void test_pairs(void)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct color one = {0}, two = {0};
        bool good = color_parse(pairs[i][0], &one, NULL) && color_parse(pairs[i][1], &two, NULL);
        double worst = fmax(distance(one.lab, two.lab), distance(one.srgb, two.srgb));
        tap_ok(good && worst < 1e-4 && one.in_gamut == two.in_gamut, "%s is %s: %g", pairs[i][0],
               pairs[i][1], worst);
    }
}

static void test_alpha(void)
{
    static const struct {
        const char *text;
        double alpha;
    } alphas[] = {
        {"#ff000080", 128 / 255.0},      {"#f008", 136 / 255.0},    {"transparent", 0},
        {"rgb(1 2 3 / 40%)", 0.4},       {"rgba(1,2,3,.25)", 0.25}, {"rgb(1 2 3/none)", 0},
        {"hsl(1,2%,3%,50%)", 0.5},       {"lab(1 2 3 / 2)", 1},     {"oklch(1 0 0 / -1)", 0},
        {"color(srgb 1 1 1 / .5)", 0.5}, {"RAL 3020", 1},           {"navy", 1},
    };
    for (size_t i = 0; i < sizeof alphas / sizeof *alphas; i++) {
        struct color color = {0};
        bool good = color_parse(alphas[i].text, &color, NULL);
        tap_ok(good && fabs(color.alpha - alphas[i].alpha) < 1e-12, "alpha of %s: %g",
               alphas[i].text, color.alpha);
    }
}

static const double *srgb_lab(const double srgb[3], double lab[3])
{
    double linear[3];
    for (int i = 0; i < 3; i++)
        linear[i] = srgb_decode(srgb[i]);
    lab_from_linear(linear, lab);
    return lab;
}

static void test_gamut(void)
{
    struct color color, again;
    bool good = color_parse("color(display-p3 0 1 0)", &color, NULL);
    /* As colorjs.io maps it: rgb(0% 98.576% 15.974%). */
    const double green[3] = {0, 0.98576, 0.15974};
    tap_ok(good && !color.in_gamut && distance(color.srgb, green) < 0.001,
           "the green of display-p3 in sRGB: %.5f %.5f %.5f", color.srgb[0], color.srgb[1],
           color.srgb[2]);
    good = color_parse("lab-d65(86.59 -115.28 107.68)", &again, NULL);
    tap_ok(good && again.lab[0] == 86.59 && again.lab[1] == -115.28 && again.lab[2] == 107.68,
           "its Lab is kept as it is");
    /* The same lightness and hue, but for the clipping that OKLab calls not noticeable. */
    double worst = 0, shown[3];
    for (int hue = 0; hue < 360; hue += 7)
        for (int light = 5; light < 100; light += 10) {
            char text[80];
            snprintf(text, sizeof text, "oklch(%d%% 0.37 %d)", light, hue);
            good = color_parse(text, &color, NULL) && good && !color.in_gamut;
            /* The nearest of the colours with less chroma. */
            double sine = sin(hue * M_PI / 180), cosine = cos(hue * M_PI / 180), low = 1;
            for (double chroma = 0; chroma <= 0.37; chroma += 0.002) {
                snprintf(text, sizeof text, "oklab(%g %.6f %.6f)", light / 100.0, chroma * cosine,
                         chroma * sine);
                good = color_parse(text, &again, NULL) && good;
                low = fmin(low, lab_ciede2000(again.lab, srgb_lab(color.srgb, shown)));
            }
            worst = fmax(worst, low);
        }
    tap_ok(good && worst < 3, "chroma is all that is given up, to CIEDE2000 %.2f", worst);
    good = color_parse("oklch(100% 0.3 30)", &color, NULL);
    tap_ok(good && color.srgb[0] == 1 && color.srgb[1] == 1 && color.srgb[2] == 1,
           "nothing is lighter than white");
    good = color_parse("oklch(0% 0.3 30)", &color, NULL);
    tap_ok(good && color.srgb[0] == 0 && color.srgb[1] == 0 && color.srgb[2] == 0,
           "nor darker than black");
    /* RAL 2005 is fluorescent: far outside, its hex as RAL publishes it. */
    good = color_parse("RAL 2005", &color, NULL);
    const double lab[3] = {72.274, 87.783, 82.315}, srgb[3] = {1, 77 / 255.0, 8 / 255.0};
    tap_ok(good && !color.in_gamut && distance(color.lab, lab) < 1e-12 &&
               distance(color.srgb, srgb) < 1e-12,
           "RAL 2005 measured and shown");
    good = color_parse("RAL 7016", &color, NULL);
    tap_ok(good && color.in_gamut, "RAL 7016 is inside");
}

static const struct {
    const char *text, *message, *hint;
} bad[] = {
    {"", "no colour", ""},
    {"  ", "no colour", ""},
    {"#12x456", "'#12x456': 'x' at position 4 is not a hexadecimal digit", ""},
    {"#12\xc3\xbc"
     "456",
     "'\xc3\xbc' at position 4 is not a hexadecimal digit", ""},
    {"#\xc3\xbc", "position 2 is not a hexadecimal digit", ""},
    {"#12345", "'#12345': 5 digits after the #, not 3, 4, 6 or 8", ""},
    {"#123456789", "9 digits", ""},
    {"#", "0 digits", ""},
    {"# 123", "0 digits", ""},
    {"rebecapurple", "'rebecapurple': no such colour", "did you mean 'rebeccapurple'?"},
    {"c33", "no such colour", "did you mean '#c33'?"},
    {"3020", "no such colour", "did you mean 'RAL 3020'?"},
    {"RAL 3021", "there is no RAL 3021", "did you mean 'RAL 3020'?"},
    {"ral 010 20 26", "there is no RAL 010 20 26", "did you mean 'RAL 010 20 25'?"},
    {"RAL", "not a RAL code", "the code belongs to it: 'RAL 3020' in quotes, or RAL3020"},
    {"gentian blue", "no such colour", "did you mean 'RAL 5010'?"},
    {"Beige red", "is not the end of the colour", "did you mean 'RAL 3012'?"},
    {"RAL Enzianblau", "not a RAL code", "did you mean 'RAL 5010'?"},
    {"RAL 30 20", "not a RAL code", "a code is like 3020, 010 20 25 or 110-1"},
    {"RAL 3020x", "not a RAL code", "a code is like 3020, 010 20 25 or 110-1"},
    {"RAL 110-Q", "not a RAL code", "a code is like 3020, 010 20 25 or 110-1"},
    {"red blue", "'b' at position 5 is not the end of the colour", ""},
    {"rgb(1 2 3)x", "'x' at position 11 is not the end of the colour", ""},
    {"rgb (1 2 3)", "' ' at position 4 is not '('", ""},
    {"rgb", "ends where '(' is expected", ""},
    {"rgb(", "ends where a number is expected", ""},
    {"rgb(1 2)", "')' at position 8 is not a number", ""},
    {"rgb(1 2 3", "ends where ')' or '/' is expected", ""},
    {"rgb(1,2,3", "ends where ')' or a comma is expected", ""},
    {"rgb(1 2 3 4)", "'4' at position 11 is not ')' or '/'", ""},
    {"rgb(1,2,3,4,5)", "',' at position 12 is not ')'", ""},
    {"rgb(1,2 3)", "'3' at position 9 is not a comma", ""},
    {"rgb(1 2,3)", "',' at position 8 is not a number", ""},
    {"rgb(1,2,3/4)", "'/' at position 10 is not ')' or a comma", ""},
    {"rgb(100%,0,0)", "'0' at position 10 is not the start of a percentage, as the first", ""},
    {"rgb(1,2%,3)", "'2' at position 7 is not the start of a number, as the first", ""},
    {"rgb(none,1,2)", "'n' at position 5", ""},
    {"rgb(1,2,3,none)", "'n' at position 11", ""},
    {"rgb(1deg 2 3)", "'1' at position 5 is not the start of a number or percentage", ""},
    {"rgb(1 2 3px)", "'p' at position 10 is not %, deg, grad, rad or turn", ""},
    {"rgb(1 2 3 / 1deg)", "'1' at position 13", ""},
    {"rgb(1e99 2 3)", "'1' at position 5 is not the start of a number below 1e9", ""},
    {"rgb(1 2 3 / 1e99)", "'1' at position 13 is not the start of a number below 1e9", ""},
    {"lab-d65(101 2 3)", "L of 101 at position 9 is out of range 0 to 100", ""},
    {"lab-d65(-0.5 2 3)", "L of -0.5 at position 9 is out of range 0 to 100", ""},
    {"lab-d65(100.01% 2 3)", "L of 100.01 at position 9 is out of range 0 to 100", ""},
    {"lab-d65(50, 2000, 3)", "a of 2000 at position 13 is out of range -1000 to 1000", ""},
    {"lab-d65(50 2 -1001)", "b of -1001 at position 14 is out of range -1000 to 1000", ""},
    {"color(display-p3-linear 0 1)", "')' at position 28 is not a number", ""},
    {"rgb(0x10 2 3)", "'x' at position 6", ""},
    {"rgb(inf 2 3)", "'i' at position 5 is not a number", ""},
    {"rgb(nan 2 3)", "'n' at position 5 is not a number", ""},
    {"rgb(1. 2 3)", "'.' at position 6 is not a number", ""},
    {"hsl(50% 1 1)", "'5' at position 5 is not the start of an angle", ""},
    {"hsl(120,1,1%)", "'1' at position 9 is not the start of a percentage", ""},
    {"hwb(90,10%,10%)", "',' at position 7", ""},
    {"lab(50,1,1)", "',' at position 7", ""},
    {"lch(50 1 20%)", "'2' at position 10 is not the start of an angle", ""},
    {"oklsh(1 1 1)", "no such colour function", "did you mean 'oklch()'?"},
    {"rgbb(1 1 1)", "no such colour function", "did you mean 'rgb()'?"},
    {"color(display-p4 0 1 0)", "'d' at position 7 is not the start of a colour space",
     "did you mean 'display-p3'?"},
    {"color(0 1 0)", "'0' at position 7 is not the start of a colour space", ""},
    {"color(srgb 0 1)", "')' at position 15 is not a number", ""},
    {"color(srgb 1 1deg 1)", "'1' at position 14", ""},
    {"!", "'!' at position 1 is not the start of a colour", ""},
    {"currentcolor", "no such colour", ""},
    {"re\x1b[31md", "'re?[31md': no such colour", ""},
};

static void test_bad(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct color color;
        struct error error = {0};
        bool good = color_parse(bad[i].text, &color, &error);
        bool hint = bad[i].hint[0] == '\0' || strcmp(error.hint, bad[i].hint) == 0;
        tap_ok(!good && error.kind == ERROR_USAGE &&
                   strstr(error.message, bad[i].message) != NULL && error.message[0] == '\'' &&
                   hint,
               "refused: %s [%s]", error.message, error.hint);
    }
    static char large[100001];
    memset(large, 'x', sizeof large - 1);
    struct color color;
    struct error error = {0};
    tap_ok(!color_parse(large, &color, &error) && error.kind == ERROR_USAGE,
           "a word of 100000 letters is no colour");
}

static void test_ral(void)
{
    unsigned count[3] = {0}, unfound = 0, named = 0;
    for (size_t i = 0; i < ral_count(); i++) {
        struct ral_color ral = ral_at(i);
        size_t found = ral_count();
        count[ral.set]++;
        unfound += !ral_find(ral.code, &found, NULL) || found != i;
        named += ral.name_en[0] != '\0' && ral.name_de[0] != '\0';
    }
    tap_ok(count[RAL_CLASSIC] == 216 && count[RAL_DESIGN] == 1825 && count[RAL_EFFECT] == 490,
           "216 Classic, 1825 Design, 490 Effect: %u %u %u", count[0], count[1], count[2]);
    tap_ok(unfound == 0, "each is found by its code: %u are not", unfound);
    tap_ok(named == 216 + 1825, "Classic and Design have two names: %u", named);
    size_t index = 0;
    bool good = ral_find("6025", &index, NULL);
    struct ral_color ral = ral_at(index);
    tap_ok(good && strcmp(ral.name_en, "Fern green") == 0 && strcmp(ral.name_de, "Farngrün") == 0 &&
               ral.rgb == 0x5e6e3b && ral.finish == RAL_SOLID,
           "RAL 6025 %s, %s", ral.name_en, ral.name_de);
    good = ral_find("RAL 9006", &index, NULL);
    ral = ral_at(index);
    tap_ok(good && ral.finish == RAL_METALLIC && strcmp(ral.name_de, "Weißaluminium") == 0,
           "RAL 9006 is %s: %s", ral_finish_name(ral.finish), ral.name_de);
}

/* Texts put together at random from what the parser knows: no crash, and what passes is sane. */
static void test_random(void)
{
    static const char *const pieces[] = {
        "rgb(", "hsl(", "lab(", "oklch(", "color(", "srgb ", "xyz-d50 ", "lab-d65(",
        "1",    "50%",  "-2",   ".5",     " ",      " ",     " ",        ",",
        ",",    "/",    ")",    ")",      "none",   "deg",   "turn",     "1e9",
        "#",    "abc",  "ral ", "3020",   "110-m",  "red",   "\xc3\xbc", "\t",
        "e",    "+",    "hwb(", "120",    "\xff"};
    unsigned seed = 5, passed = 0, insane = 0;
    for (int i = 0; i < 200000; i++) {
        char text[200] = "";
        seed = seed * 1664525u + 1013904223u;
        for (unsigned k = seed >> 28; k > 0; k--) {
            seed = seed * 1664525u + 1013904223u;
            strncat(text, pieces[(seed >> 8) % (sizeof pieces / sizeof *pieces)],
                    sizeof text - strlen(text) - 1);
        }
        char *exact = strdup(text);
        struct color color;
        struct error error = {0};
        if (color_parse(exact, &color, &error)) {
            passed++;
            for (int c = 0; c < 3; c++)
                insane += !(color.srgb[c] >= 0 && color.srgb[c] <= 1) || !isfinite(color.lab[c]);
            insane += !(color.alpha >= 0 && color.alpha <= 1);
        } else {
            insane += error.kind != ERROR_USAGE || error.message[0] == '\0';
        }
        free(exact);
    }
    tap_ok(insane == 0 && passed > 100, "200000 random texts, %u pass, %u results are not sane",
           passed, insane);
}

/* What long lists are made of, by the short way and by the long one. */
static void test_plain(void)
{
    static const char *const others[] = {"",         "#",         "#12345",   "#1234567", "#12345678",
                                         "#12345g",  " #123456",  "#123456 ", "123456",   "#123 56",
                                         "rebecca",  "#-12345"};
    unsigned different = 0, taken = 0;
    for (unsigned i = 0; i < 1u << 12; i++) {
        char text[8];
        double lab[3] = {-1};
        struct color color;
        snprintf(text, sizeof text, i % 2 == 0 ? "#%06x" : "#%06X", i * 4099u & 0xffffffu);
        different += !color_parse_plain(text, lab) || !color_parse(text, &color, NULL) ||
                     memcmp(lab, color.lab, sizeof lab) != 0;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        double lab[3];
        taken += color_parse_plain(others[i], lab);
    }
    tap_ok(different == 0 && taken == 0, "#rrggbb by the short way: %u differ, %u are none",
           different, taken);
}

int main(void)
{
    test_equal();
    test_spaces();
    test_light();
    test_pairs();
    test_alpha();
    test_gamut();
    test_bad();
    test_ral();
    test_random();
    test_plain();
    return tap_done();
}
