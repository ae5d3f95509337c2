/* SPDX-License-Identifier: MIT */
/* Doctor: does each codec give a picture back? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/doctor_parts.h"

enum { WIDTH = 48, HEIGHT = 32, MOST_WORDS = 8 };

struct codec_check {
    const char *name;
    const char *words[MOST_WORDS]; /* of imgresize; end with NULL */
    const char *starts;            /* bytes that the format begins with */
    unsigned channels, maximum;
    unsigned most_off; /* a sample may differ so much; 0: not at all */
    double most_mean_off;
};

/* The bounds are some three times what the default quality of WebP costs the smooth picture. */
static const struct codec_check checks[] = {
    {"PNG", {"-f", "png"}, "\x89PNG", 4, 255, 0, 0},
    {"PNG of 16 bits", {"-f", "png"}, "\x89PNG", 4, 65535, 0, 0},
    {"lossless WebP", {"-f", "webp", "--lossless"}, "RIFF", 4, 255, 0, 0},
    {"lossy WebP", {"-f", "webp"}, "RIFF", 3, 255, 24, 4},
    {"JPEG", {"-f", "jpeg"}, "\xff\xd8\xff", 3, 255, 24, 4},
    {"PAM", {"-f", "pam"}, "P7\n", 4, 65535, 0, 0},
};

static unsigned sample(unsigned x, unsigned y, unsigned channel, unsigned maximum, bool smooth)
{
    if (smooth)
        return (40 + 2 * x + (channel == 1 ? 2 * y : 0) + 20 * channel) * maximum / 255;
    /* Never 0, which as alpha would clear the colour. */
    return 1 + (x * x * 7919 + y * y * 104729 + x * y * 31 + channel * 12345) % maximum;
}

void doctor_picture(struct text *pam, unsigned channels, unsigned maximum, bool smooth)
{
    text_printf(pam, "P7\nWIDTH %d\nHEIGHT %d\nDEPTH %u\nMAXVAL %u\nTUPLTYPE %s\nENDHDR\n", WIDTH,
                HEIGHT, channels, maximum, channels == 4 ? "RGB_ALPHA" : "RGB");
    for (unsigned y = 0; y < HEIGHT; y++)
        for (unsigned x = 0; x < WIDTH; x++)
            for (unsigned channel = 0; channel < channels; channel++) {
                bool clear = channels == 4 && x < WIDTH / 4;
                unsigned value = clear ? 0 : sample(x, y, channel, maximum, smooth);
                char bytes[2] = {(char)(value >> 8), (char)(value & 255)};
                text_add_bytes(pam, maximum > 255 ? bytes : bytes + 1, maximum > 255 ? 2 : 1);
            }
}

/* The samples of PAM, whose header must say the same as that of a picture made above; NULL and what
 * is wrong in WHAT where it does not. */
static const char *samples_of(const struct text *pam, const struct codec_check *check,
                              const char **what)
{
    char sizes[100], depth[100];
    size_t bytes = (size_t)WIDTH * HEIGHT * check->channels * (check->maximum > 255 ? 2 : 1);
    const char *end = pam->data == NULL ? NULL : memmem(pam->data, pam->length, "\nENDHDR\n", 8);
    *what = "no picture came back";
    if (end == NULL || strncmp(pam->data, "P7\n", 3) != 0)
        return NULL;
    snprintf(sizes, sizeof sizes, "WIDTH %d\nHEIGHT %d\n", WIDTH, HEIGHT);
    snprintf(depth, sizeof depth, "DEPTH %u\nMAXVAL %u\n", check->channels, check->maximum);
    *what = "a picture of another shape came back";
    if (memmem(pam->data, (size_t)(end - pam->data), sizes, strlen(sizes)) == NULL ||
        memmem(pam->data, (size_t)(end - pam->data), depth, strlen(depth)) == NULL ||
        pam->data + pam->length - (end + 8) != (ptrdiff_t)bytes)
        return NULL;
    return end + 8;
}

/* How far the samples A and B of 8 bits lie apart. */
static void measure(const char *a, const char *b, size_t count, unsigned *most, double *mean)
{
    double sum = 0;
    *most = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned off = (unsigned)abs((unsigned char)a[i] - (unsigned char)b[i]);
        *most = off > *most ? off : *most;
        sum += off;
    }
    *mean = sum / (double)count;
}

static void compare(const struct codec_check *check, const struct text *before,
                    const struct text *after, struct doctor_finding *finding)
{
    const char *what;
    const char *sent = samples_of(before, check, &what), *got = samples_of(after, check, &what);
    size_t bytes = sent == NULL ? 0 : before->length - (size_t)(sent - before->data);
    unsigned most;
    double mean;
    if (sent == NULL || got == NULL) {
        doctor_found(finding, DOCTOR_FAILED, "%s", what);
        return;
    }
    measure(sent, got, bytes, &most, &mean);
    if (most > check->most_off || mean > check->most_mean_off)
        doctor_found(finding, DOCTOR_FAILED,
                     "another picture came back, up to %u of 255 off, %.1f on average", most, mean);
    else if (check->most_off == 0)
        doctor_found(finding, DOCTOR_OK, "the same picture came back");
    else
        doctor_found(finding, DOCTOR_OK, "up to %u of 255 off, %.1f on average", most, mean);
}

/* There and back. */
static void round_trip(struct doctor *doctor, const struct codec_check *check,
                       const struct text *picture, struct doctor_finding *finding)
{
    static const char *const back[] = {"-q", "-f", "pam", NULL};
    struct doctor_answer written, read = {.status = -1};
    char end[600];
    if (!doctor_ask(doctor, "imgresize", check->words, picture, &written))
        doctor_found(finding, DOCTOR_FAILED, "writing it: %s",
                     doctor_answer_end(doctor, &written, end, sizeof end));
    else if (written.out.length < strlen(check->starts) ||
             memcmp(written.out.data, check->starts, strlen(check->starts)) != 0)
        doctor_found(finding, DOCTOR_FAILED, "something else was written");
    else if (!doctor_ask(doctor, "imgresize", back, &written.out, &read))
        doctor_found(finding, DOCTOR_FAILED, "reading it again: %s",
                     doctor_answer_end(doctor, &read, end, sizeof end));
    else
        compare(check, picture, &read.out, finding);
    doctor_answer_free(&written);
    doctor_answer_free(&read);
}

void doctor_check_codecs(struct doctor *doctor)
{
    for (size_t i = 0; i < CLI_COUNT(checks); i++) {
        const struct codec_check *check = &checks[i];
        struct doctor_finding finding;
        struct text picture = {0};
        doctor_name(&finding, "codec %s", check->name);
        if (!doctor_can_ask(doctor, "imgresize", &finding))
            continue;
        doctor_expect(&finding,
                      check->most_off == 0 ? "the same picture"
                                           : "at most %u of 255 off, %g on average",
                      check->most_off, check->most_mean_off);
        doctor_picture(&picture, check->channels, check->maximum, check->most_off > 0);
        round_trip(doctor, check, &picture, &finding);
        doctor_mend(&finding, "see the limits below; where those are as they should be, install "
                              "imgresize and the library of the format again");
        text_free(&picture);
        doctor_add(doctor, &finding);
    }
}
