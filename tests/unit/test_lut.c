/* SPDX-License-Identifier: MIT */
/* Tables of colours: interpolation against the definition in double precision, files against the
 * specification and against what may be wrong with them. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ops/lut.h"

#include "tap.h"

enum { COUNT = 1000 };

static uint64_t random_state = 1;

static double random_share(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 40) / 16777216.0;
}

static void sample_identity(void *context, float *r, float *g, float *b, size_t count)
{
    (void)context;
    (void)r;
    (void)g;
    (void)b;
    (void)count;
}

static void affine(const double in[3], double out[3])
{
    static const double matrix[3][4] = {
        {0.7, 0.2, -0.1, 0.05}, {-0.3, 0.9, 0.25, 0.1}, {0.15, -0.45, 1.1, 0.2}};
    for (int c = 0; c < 3; c++)
        out[c] = matrix[c][0] * in[0] + matrix[c][1] * in[1] + matrix[c][2] * in[2] + matrix[c][3];
}

static void sample_affine(void *context, float *r, float *g, float *b, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        double in[3] = {(double)r[i], (double)g[i], (double)b[i]}, out[3];
        affine(in, out);
        r[i] = (float)out[0];
        g[i] = (float)out[1];
        b[i] = (float)out[2];
    }
}

static void sample_random(void *context, float *r, float *g, float *b, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        r[i] = (float)random_share();
        g[i] = (float)random_share();
        b[i] = (float)random_share();
    }
}

static double point_of(const struct lut *lut, const size_t at[3], int channel)
{
    size_t size = lut->size;
    return (double)lut->points[3 * (at[0] + size * (at[1] + size * at[2])) + (size_t)channel];
}

/* The six tetrahedra one by one, as the publication draws them. */
static void reference_cube(const struct lut *lut, const double in[3], double out[3])
{
    size_t p[3], q[3];
    double f[3];
    for (int c = 0; c < 3; c++) {
        double at = (in[c] - (double)lut->low[c]) / ((double)lut->high[c] - (double)lut->low[c]) *
                    (lut->size - 1);
        at = fmin(fmax(at, 0), lut->size - 1);
        p[c] = (size_t)fmin(floor(at), lut->size - 2);
        q[c] = p[c] + 1;
        f[c] = at - (double)p[c];
    }
    for (int c = 0; c < 3; c++) {
        double c000 = point_of(lut, p, c), c111 = point_of(lut, q, c);
        double c100 = point_of(lut, (size_t[]){q[0], p[1], p[2]}, c);
        double c010 = point_of(lut, (size_t[]){p[0], q[1], p[2]}, c);
        double c001 = point_of(lut, (size_t[]){p[0], p[1], q[2]}, c);
        double c110 = point_of(lut, (size_t[]){q[0], q[1], p[2]}, c);
        double c101 = point_of(lut, (size_t[]){q[0], p[1], q[2]}, c);
        double c011 = point_of(lut, (size_t[]){p[0], q[1], q[2]}, c);
        double x = f[0], y = f[1], z = f[2];
        if (x >= y && y >= z)
            out[c] = c000 + x * (c100 - c000) + y * (c110 - c100) + z * (c111 - c110);
        else if (x >= z && z >= y)
            out[c] = c000 + x * (c100 - c000) + z * (c101 - c100) + y * (c111 - c101);
        else if (z >= x && x >= y)
            out[c] = c000 + z * (c001 - c000) + x * (c101 - c001) + y * (c111 - c101);
        else if (y >= x && x >= z)
            out[c] = c000 + y * (c010 - c000) + x * (c110 - c010) + z * (c111 - c110);
        else if (y >= z && z >= x)
            out[c] = c000 + y * (c010 - c000) + z * (c011 - c010) + x * (c111 - c011);
        else
            out[c] = c000 + z * (c001 - c000) + y * (c011 - c001) + x * (c111 - c011);
    }
}

/* The farthest of COUNT random pixels in LOW..HIGH from what REFERENCE says. */
static double worst(const struct lut *lut, double low, double high,
                    void (*reference)(const struct lut *lut, const double in[3], double out[3]))
{
    static float plane[3][COUNT], before[3][COUNT];
    double far = 0;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < COUNT; i++)
            before[c][i] = plane[c][i] = (float)(low + (high - low) * random_share());
    lut_apply_row(lut, plane[0], plane[1], plane[2], COUNT);
    for (int i = 0; i < COUNT; i++) {
        double in[3] = {(double)before[0][i], (double)before[1][i], (double)before[2][i]}, out[3];
        reference(lut, in, out);
        for (int c = 0; c < 3; c++)
            far = fmax(far, fabs(out[c] - (double)plane[c][i]));
    }
    return far;
}

static void reference_affine(const struct lut *lut, const double in[3], double out[3])
{
    (void)lut;
    affine(in, out);
}

static void test_identity(void)
{
    static const unsigned sizes[] = {2, 17, 33, LUT_MOST};
    for (size_t k = 0; k < 4; k++) {
        struct lut lut;
        float plane[3][256];
        int wrong = 0;
        lut_new(&lut, sizes[k], sample_identity, NULL, 2, NULL);
        for (int i = 0; i < 256; i++) {
            plane[0][i] = (float)i / 255;
            plane[1][i] = (float)(255 - i) / 255;
            plane[2][i] = (float)(i * 37 % 256) / 255;
        }
        lut_apply_row(&lut, plane[0], plane[1], plane[2], 256);
        /* Through 16 bits, which is more than 8-bit pixels need. */
        for (int i = 0; i < 256; i++)
            wrong += lrintf(plane[0][i] * 65535) != i * 257 ||
                     lrintf(plane[1][i] * 65535) != (255 - i) * 257 ||
                     lrintf(plane[2][i] * 65535) != i * 37 % 256 * 257;
        tap_ok(wrong == 0, "identity of size %u: %d of 256 differ", sizes[k], wrong);
        lut_free(&lut);
    }
}

static void test_interpolation(void)
{
    struct lut lut;
    lut_new(&lut, 33, sample_affine, NULL, 2, NULL);
    double far = worst(&lut, 0, 1, reference_affine);
    tap_ok(far < 1e-6, "an affine function is exact: %.2g", far);
    lut_free(&lut);
    for (unsigned size = 2; size <= 9; size += 7) {
        lut_new(&lut, size, sample_random, NULL, 1, NULL);
        far = worst(&lut, -0.2, 1.2, reference_cube);
        tap_ok(far < 2e-6, "random points, size %u, tetrahedral: %.2g", size, far);
        for (int c = 0; c < 3; c++) {
            lut.low[c] = -0.5f - (float)c;
            lut.high[c] = 2.0f + (float)c;
        }
        far = worst(&lut, -3, 5, reference_cube);
        tap_ok(far < 2e-6, "the same with a domain: %.2g", far);
        lut_free(&lut);
    }
}

static void test_not_a_number(void)
{
    struct lut lut;
    float r[3] = {NAN, 0.5f, -INFINITY}, g[3] = {0.25f, NAN, INFINITY}, b[3] = {1, 0, NAN};
    lut_new(&lut, 9, sample_identity, NULL, 2, NULL);
    lut_apply_row(&lut, r, g, b, 3);
    tap_ok(r[0] == 0 && g[0] == 0.25f && b[0] == 1 && r[1] == 0.5f && g[1] == 0 && b[1] == 0 &&
               r[2] == 0 && g[2] == 1 && b[2] == 0,
           "a NaN is 0 and leaves the others alone");
    lut_free(&lut);
}

static void test_round_trip(void)
{
    struct lut lut, back;
    struct text text = {0};
    struct error error = {0};
    lut_new(&lut, 7, sample_random, NULL, 1, NULL);
    lut.low[1] = -0.125f;
    lut.high[2] = 1.5f;
    lut_write(&lut, "round trip", &text);
    bool read = lut_read(&back, text.data, text.length, &error);
    double far = 0;
    for (size_t i = 0; read && i < 3 * 7 * 7 * 7; i++)
        far = fmax(far, fabs((double)lut.points[i] - (double)back.points[i]));
    tap_ok(read && back.size == 7 && !back.curves && far <= 0.51e-6 &&
               memcmp(lut.low, back.low, sizeof lut.low) == 0 &&
               memcmp(lut.high, back.high, sizeof lut.high) == 0,
           "written and read: off by %.2g; %s", far, error.message);
    if (read)
        lut_free(&back);
    text_free(&text);
    lut_free(&lut);
}

/* Cut behind every line, and in the middle of every line. */
static void test_truncation(void)
{
    struct lut lut, back;
    struct text text = {0};
    int wrong = 0, cuts = 0;
    lut_new(&lut, 4, sample_random, NULL, 1, NULL);
    lut_write(&lut, "cut", &text);
    for (size_t at = 0; at + 1 < text.length; at++) {
        struct error error = {0};
        bool behind = text.data[at] == '\n';
        bool within = at + 12 < text.length && text.data[at + 10] == '\n';
        if (!behind && !within)
            continue;
        cuts++;
        if (lut_read(&back, text.data, at + 1, &error)) {
            lut_free(&back);
            wrong++;
        } else {
            wrong += error.kind != ERROR_TRUNCATED;
        }
    }
    tap_ok(wrong == 0 && cuts > 120, "cut at %d places: truncated every time but %d", cuts, wrong);
    struct error error = {0};
    lut_read(&back, text.data, text.length - 27, &error);
    tap_ok(strcmp(error.message, "found 63 of 64 points") == 0, "says how many: %s", error.message);
    text_free(&text);
    lut_free(&lut);
}

static void test_curves(void)
{
    static const char file[] = "# a curve\r\nTITLE \"c\"\r\n\r\nLUT_1D_SIZE 3\r\n"
                               "DOMAIN_MIN 0 0 0\r\nDOMAIN_MAX 1 2 1\r\nSOME_FLAG\r\n"
                               "0 1 0.5\r\n 0.5 0.5 0.6\r\n"
                               "1 0 1.\r\n# end\r\n";
    struct lut lut;
    struct error error = {0};
    float r[2] = {0.25f, 2}, g[2] = {0.5f, 1.5f}, b[2] = {0.75f, 0};
    bool read = lut_read(&lut, file, sizeof file - 1, &error);
    if (read) {
        lut_apply_row(&lut, r, g, b, 2);
        tap_ok(lut.curves && lut.size == 3, "a table of curves, lines with CR LF");
        tap_ok(r[0] == 0.25f && fabsf(g[0] - 0.75f) < 1e-6f && fabsf(b[0] - 0.8f) < 1e-6f &&
                   r[1] == 1 && fabsf(g[1] - 0.25f) < 1e-6f && b[1] == 0.5f,
               "linear in each curve");
        lut_free(&lut);
    } else {
        tap_ok(false, "a table of curves: %s", error.message);
    }
}

/* Red runs fastest, both spellings of a domain, words that nobody knows. */
static void test_order(void)
{
    static const char file[] = "\xef\xbb\xbf"
                               "LUT_3D_SIZE 2\nLUT_3D_INPUT_RANGE 0.0 2.0\nFUTURE_WORD 7\n"
                               "0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1";
    struct lut lut;
    struct error error = {0};
    float r = 1, g = 0.5f, b = 0;
    bool read = lut_read(&lut, file, sizeof file - 1, &error);
    if (read) {
        lut_apply_row(&lut, &r, &g, &b, 1);
        lut_free(&lut);
    }
    tap_ok(read && r == 0.5f && g == 0.25f && b == 0,
           "red runs fastest, no line end at the end: %s", error.message);
}

/* A curve with a step between two points, known at random colours of half of the cube. */
static double stepped(double value)
{
    return value < 0.37 ? value * 0.5 : value * 0.5 + 0.3;
}

static void sample_stepped(void *context, float *r, float *g, float *b, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        r[i] = (float)stepped((double)r[i]);
        g[i] = (float)stepped((double)g[i]);
        b[i] = (float)stepped((double)b[i]);
    }
}

/* Root mean square. */
static double off(const struct lut *lut, float (*from)[COUNT], float (*to)[COUNT])
{
    static float plane[3][COUNT];
    double sum = 0;
    memcpy(plane, from, sizeof plane);
    lut_apply_row(lut, plane[0], plane[1], plane[2], COUNT);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < COUNT; i++)
            sum += pow((double)plane[c][i] - (double)to[c][i], 2);
    return sqrt(sum / (3.0 * COUNT));
}

static void test_refining(void)
{
    static float from[3][COUNT], to[3][COUNT];
    const float *const in[3] = {from[0], from[1], from[2]};
    const float *const out[3] = {to[0], to[1], to[2]};
    struct lut lut;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < COUNT; i++)
            from[c][i] = (float)(random_share() * (c == 0 ? 0.5 : 1));
    memcpy(to, from, sizeof to);
    sample_stepped(NULL, to[0], to[1], to[2], COUNT);
    lut_new(&lut, 5, sample_stepped, NULL, 2, NULL);
    double before = off(&lut, from, to);
    size_t last = 3 * (5 * 5 * 5 - 1);
    float untouched = lut.points[last];
    lut_refine(&lut, in, out, COUNT, NULL);
    double after = off(&lut, from, to);
    tap_ok(after < 0.93 * before, "refined: off by %.4f, before by %.4f", after, before);
    tap_ok(lut.points[last] == untouched, "points that no colour is near stay");
    float least = 1, most = 0;
    for (size_t i = 0; i < 3 * 5 * 5 * 5; i++) {
        least = fminf(least, lut.points[i]);
        most = fmaxf(most, lut.points[i]);
    }
    tap_ok(least >= 0 && most <= 1, "and none leaves 0..1: %g to %g", (double)least, (double)most);
    lut_free(&lut);
    lut_new(&lut, 9, sample_identity, NULL, 2, NULL);
    lut_refine(&lut, in, in, COUNT, NULL);
    tap_ok(off(&lut, from, from) < 1e-6, "what fits already stays");
    lut_free(&lut);
}

static const struct {
    const char *name, *file;
    enum error_kind kind;
    const char *says;
} bad[] = {
    {"nothing", "", ERROR_TRUNCATED, "ends before"},
    {"only comments", "# hello\n\n", ERROR_TRUNCATED, "ends before"},
    {"size 1", "LUT_3D_SIZE 1\n", ERROR_CORRUPT, "line 1: 'LUT_3D_SIZE 1': a size from 2 to 129"},
    {"size 130", "\nLUT_3D_SIZE 130\n", ERROR_CORRUPT, "line 2"},
    {"size 1e9", "LUT_3D_SIZE 1e9\n", ERROR_CORRUPT, "a size from 2 to 129"},
    {"size 2.5", "LUT_3D_SIZE 2.5\n", ERROR_CORRUPT, "a size from"},
    {"size -3", "LUT_3D_SIZE -3\n", ERROR_CORRUPT, "a size from"},
    {"no size", "LUT_3D_SIZE\n", ERROR_CORRUPT, "a size from"},
    {"a size and something", "LUT_3D_SIZE 2 2\n", ERROR_CORRUPT, "a size from"},
    {"curves of 65537", "LUT_1D_SIZE 65537\n", ERROR_CORRUPT, "a size from 2 to 65536"},
    {"two sizes", "LUT_3D_SIZE 2\nLUT_1D_SIZE 2\n", ERROR_CORRUPT, "'LUT_1D_SIZE 2' is the second"},
    {"points before the size", "0 0 0\nLUT_3D_SIZE 2\n", ERROR_CORRUPT, "line 1: '0 0 0' stands"},
    {"two numbers", "LUT_1D_SIZE 2\n0 0 0\n0 1\n", ERROR_CORRUPT,
     "line 3: '0 1' is not three numbers"},
    {"four numbers", "LUT_1D_SIZE 2\n0 0 0 0\n1 1 1\n", ERROR_CORRUPT, "line 2"},
    {"a letter", "LUT_1D_SIZE 2\n0 0 0\n1 x 1\n", ERROR_CORRUPT, "line 3"},
    {"a comma", "LUT_1D_SIZE 2\n0,0 0 0\n1 1 1\n", ERROR_CORRUPT, "line 2"},
    {"nan", "LUT_1D_SIZE 2\nnan 0 0\n1 1 1\n", ERROR_CORRUPT, "line 2: 'nan 0 0' is not"},
    {"inf", "LUT_1D_SIZE 2\n0 0 0\n1 inf 1\n", ERROR_CORRUPT, "line 3"},
    {"1e999", "LUT_1D_SIZE 2\n0 0 0\n1 1e999 1\n", ERROR_CORRUPT, "line 3"},
    {"0x1", "LUT_1D_SIZE 2\n0 0 0\n1 0x1 1\n", ERROR_CORRUPT, "line 3"},
    {"a point too many", "LUT_1D_SIZE 2\n0 0 0\n1 1 1\n# fine\n1 1 1\n", ERROR_CORRUPT,
     "line 5: more than 2 points"},
    {"a word behind the points", "LUT_1D_SIZE 2\n0 0 0\nDOMAIN_MIN 0 0 0\n1 1 1\n", ERROR_CORRUPT,
     "line 3"},
    {"a domain upside down", "LUT_1D_SIZE 2\nDOMAIN_MIN 1 0 0\nDOMAIN_MAX 0 1 1\n0 0 0\n1 1 1\n",
     ERROR_CORRUPT, "DOMAIN_MIN 1 is not below DOMAIN_MAX 0"},
    {"an empty domain", "LUT_1D_SIZE 2\nDOMAIN_MIN 0 1 0\n0 0 0\n1 1 1\n", ERROR_CORRUPT,
     "DOMAIN_MIN 1 is not below"},
    {"half a domain", "LUT_1D_SIZE 2\nDOMAIN_MAX 1 1\n0 0 0\n1 1 1\n", ERROR_CORRUPT, "line 2"},
    {"video levels", "LUT_IN_VIDEO_RANGE\nLUT_1D_SIZE 2\n0 0 0\n1 1 1\n", ERROR_UNSUPPORTED,
     "video levels"},
    {"a picture", "GIF89a;\n", ERROR_CORRUPT, "line 1"},
};

static void test_bad(void)
{
    struct lut lut;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error error = {0};
        bool read = lut_read(&lut, bad[i].file, strlen(bad[i].file), &error);
        tap_ok(!read && error.kind == bad[i].kind && strstr(error.message, bad[i].says) != NULL,
               "%s: %s", bad[i].name, read ? "read" : error.message);
        if (read)
            lut_free(&lut);
    }
    static const char zeros[] = "LUT_1D_SIZE 2\n0 0 0\0\n1 1 1\n";
    struct error error = {0};
    tap_ok(!lut_read(&lut, zeros, sizeof zeros - 1, &error) && strstr(error.message, "not text"),
           "a byte of 0: %s", error.message);
    char *longest = malloc(100000);
    struct error too_long = {0};
    if (longest == NULL)
        return;
    memset(longest, '7', 100000);
    tap_ok(!lut_read(&lut, longest, 100000, &too_long), "a line without end: %s", too_long.message);
    free(longest);
}

int main(void)
{
    test_identity();
    test_interpolation();
    test_not_a_number();
    test_round_trip();
    test_truncation();
    test_curves();
    test_order();
    test_refining();
    test_bad();
    return tap_done();
}
