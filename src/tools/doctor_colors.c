/* SPDX-License-Identifier: MIT */
/* Doctor: is colour computed as published, and are the tables of colours whole? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proc/hash.h"
#include "tools/doctor_parts.h"

/* What a published difference of four digits may be off. */
#define MOST_OFF 1e-4

/* Sharma, Wu, Dalal 2005, "The CIEDE2000 color-difference formula: implementation notes,
 * supplementary test data, and mathematical observations", table 1. */
static const struct pair {
    double lab[2][3], difference;
} pairs[] = {
    {{{50.0000, 2.6772, -79.7751}, {50.0000, 0.0000, -82.7485}}, 2.0425},
    {{{50.0000, 3.1571, -77.2803}, {50.0000, 0.0000, -82.7485}}, 2.8615},
    {{{50.0000, 2.8361, -74.0200}, {50.0000, 0.0000, -82.7485}}, 3.4412},
    {{{50.0000, -1.3802, -84.2814}, {50.0000, 0.0000, -82.7485}}, 1.0000},
    {{{50.0000, -1.1848, -84.8006}, {50.0000, 0.0000, -82.7485}}, 1.0000},
    {{{50.0000, -0.9009, -85.5211}, {50.0000, 0.0000, -82.7485}}, 1.0000},
    {{{50.0000, 0.0000, 0.0000}, {50.0000, -1.0000, 2.0000}}, 2.3669},
    {{{50.0000, -1.0000, 2.0000}, {50.0000, 0.0000, 0.0000}}, 2.3669},
    {{{50.0000, 2.4900, -0.0010}, {50.0000, -2.4900, 0.0009}}, 7.1792},
    {{{50.0000, 2.4900, -0.0010}, {50.0000, -2.4900, 0.0010}}, 7.1792},
    {{{50.0000, 2.4900, -0.0010}, {50.0000, -2.4900, 0.0011}}, 7.2195},
    {{{50.0000, 2.4900, -0.0010}, {50.0000, -2.4900, 0.0012}}, 7.2195},
    {{{50.0000, -0.0010, 2.4900}, {50.0000, 0.0009, -2.4900}}, 4.8045},
    {{{50.0000, -0.0010, 2.4900}, {50.0000, 0.0010, -2.4900}}, 4.8045},
    {{{50.0000, -0.0010, 2.4900}, {50.0000, 0.0011, -2.4900}}, 4.7461},
    {{{50.0000, 2.5000, 0.0000}, {50.0000, 0.0000, -2.5000}}, 4.3065},
    {{{50.0000, 2.5000, 0.0000}, {73.0000, 25.0000, -18.0000}}, 27.1492},
    {{{50.0000, 2.5000, 0.0000}, {61.0000, -5.0000, 29.0000}}, 22.8977},
    {{{50.0000, 2.5000, 0.0000}, {56.0000, -27.0000, -3.0000}}, 31.9030},
    {{{50.0000, 2.5000, 0.0000}, {58.0000, 24.0000, 15.0000}}, 19.4535},
    {{{50.0000, 2.5000, 0.0000}, {50.0000, 3.1736, 0.5854}}, 1.0000},
    {{{50.0000, 2.5000, 0.0000}, {50.0000, 3.2972, 0.0000}}, 1.0000},
    {{{50.0000, 2.5000, 0.0000}, {50.0000, 1.8634, 0.5757}}, 1.0000},
    {{{50.0000, 2.5000, 0.0000}, {50.0000, 3.2592, 0.3350}}, 1.0000},
    {{{60.2574, -34.0099, 36.2677}, {60.4626, -34.1751, 39.4387}}, 1.2644},
    {{{63.0109, -31.0961, -5.8663}, {62.8187, -29.7946, -4.0864}}, 1.2630},
    {{{61.2901, 3.7196, -5.3901}, {61.4292, 2.2480, -4.9620}}, 1.8731},
    {{{35.0831, -44.1164, 3.7933}, {35.0232, -40.0716, 1.5901}}, 1.8645},
    {{{22.7233, 20.0904, -46.6940}, {23.0331, 14.9730, -42.5619}}, 2.0373},
    {{{36.4612, 47.8580, 18.3852}, {36.2715, 50.5065, 21.2231}}, 1.4146},
    {{{90.8027, -2.0831, 1.4410}, {91.1528, -1.6435, 0.0447}}, 1.4441},
    {{{90.9257, -0.5406, -0.9208}, {88.6381, -0.8985, -0.7239}}, 1.5381},
    {{{6.7747, -0.2908, -2.4247}, {5.8714, -0.0985, -2.2286}}, 0.6377},
    {{{2.0776, 0.0795, -1.1350}, {0.9033, -0.0636, -0.5514}}, 0.9082},
};

/* SHA-256 over the lines of list_line() for all colours: to be changed with data/ral-*.csv. */
#define RAL_SUM "e540cc00e8a6ab9f4db6d448c30a27100120926015f7ee104fdc4c336de33a39"

static const struct {
    const char *set;
    unsigned count;
} ral_sets[] = {{"classic", 216}, {"design", 1825}, {"effect", 490}};

static void add_pair(struct text *rows, const struct pair *pair, bool back)
{
    const double *one = pair->lab[back], *other = pair->lab[!back];
    text_printf(rows, "%.4f,%.4f,%.4f,%.4f,%.4f,%.4f\n", one[0], one[1], one[2], other[0], other[1],
                other[2]);
}

/* Counts the rows whose difference is right; the order is that of the pairs, twice. */
static unsigned count_right(const char *rows)
{
    unsigned right = 0;
    for (size_t i = 0; i < 2 * CLI_COUNT(pairs) && rows != NULL; i++) {
        const char *end = strchr(rows, '\n');
        const char *last = end == NULL ? NULL : memrchr(rows, ',', (size_t)(end - rows));
        const char *behind;
        double found;
        if (last != NULL && text_to_double(last + 1, &behind, &found) && behind == end &&
            fabs(found - pairs[i % CLI_COUNT(pairs)].difference) <= MOST_OFF + 1e-9)
            right++;
        rows = end == NULL ? NULL : end + 1;
    }
    return right;
}

static void check_ciede2000(struct doctor *doctor)
{
    static const char *const words[] = {"--pairs", "-", NULL};
    const unsigned all = 2 * CLI_COUNT(pairs);
    struct doctor_finding finding;
    struct doctor_answer answer;
    struct text rows = {0};
    char end[600];
    doctor_name(&finding, "CIEDE2000");
    if (!doctor_can_ask(doctor, "deltae", &finding))
        return;
    for (size_t i = 0; i < all; i++)
        add_pair(&rows, &pairs[i % CLI_COUNT(pairs)], i >= CLI_COUNT(pairs));
    doctor_expect(&finding, "%u of %u published pairs, both directions", all, all);
    doctor_mend(&finding,
                "install deltae %s again; with another build where this one computes "
                "wrongly on this machine",
                VERSION);
    if (doctor_ask(doctor, "deltae", words, &rows, &answer)) {
        unsigned right = count_right(answer.out.data);
        doctor_found(&finding, right == all ? DOCTOR_OK : DOCTOR_FAILED,
                     "%u of %u published pairs, both directions", right, all);
    } else {
        doctor_found(&finding, DOCTOR_FAILED, "%s",
                     doctor_answer_end(doctor, &answer, end, sizeof end));
    }
    doctor_answer_free(&answer);
    text_free(&rows);
    doctor_add(doctor, &finding);
}

/* A colour of the tables as one line, with Lab in thousandths as the tables have it. Effect colours
 * have none of their own. */
static void list_line(const json_t *color, struct text *line)
{
    static const char *const names[] = {"set", "code", "name_en", "name_de", "hex", "finish"};
    const json_t *lab = json_object_get(color, "lab");
    const char *set = json_string_value(json_object_get(color, "set"));
    bool has_lab = set != NULL && strcmp(set, "effect") != 0;
    for (size_t i = 0; i < CLI_COUNT(names); i++) {
        const char *value = json_string_value(json_object_get(color, names[i]));
        text_printf(line, "%s\t", value == NULL ? "" : value);
    }
    for (size_t i = 0; i < 3 && has_lab; i++)
        text_printf(line, "%s%ld", i == 0 ? "" : "\t",
                    lround(json_number_value(json_array_get(lab, i)) * 1000));
    text_add(line, "\n");
}

/* Counts the colours of each set, and sums all of them up. */
static void sum_up(const json_t *colors, unsigned counts[CLI_COUNT(ral_sets)], char sum[HASH_HEX])
{
    struct text lines = {0};
    struct hash_state state;
    struct hash hash;
    size_t i;
    json_t *color;
    json_array_foreach(colors, i, color)
    {
        const char *set = json_string_value(json_object_get(color, "set"));
        for (size_t k = 0; k < CLI_COUNT(ral_sets); k++)
            counts[k] += set != NULL && strcmp(set, ral_sets[k].set) == 0;
        list_line(color, &lines);
    }
    hash_begin(&state);
    hash_add(&state, lines.data == NULL ? "" : lines.data, lines.length);
    hash_end(&state, &hash);
    hash_hex(&hash, sum);
    text_free(&lines);
}

static void judge_ral(const char *said, struct doctor_finding *finding)
{
    unsigned counts[CLI_COUNT(ral_sets)] = {0};
    char sum[HASH_HEX];
    json_t *object = json_loads(said, 0, NULL);
    sum_up(json_object_get(json_object_get(object, "result"), "matches"), counts, sum);
    bool complete = true;
    for (size_t i = 0; i < CLI_COUNT(ral_sets); i++)
        complete = complete && counts[i] == ral_sets[i].count;
    if (complete && strcmp(sum, RAL_SUM) == 0)
        doctor_found(finding, DOCTOR_OK, "%u Classic, %u Design, %u Effect colours, sum %.16s",
                     counts[0], counts[1], counts[2], sum);
    else
        doctor_found(finding, DOCTOR_FAILED, "%s: %u Classic, %u Design, %u Effect colours, sum %s",
                     complete ? "a colour is not as published" : "colours are missing", counts[0],
                     counts[1], counts[2], sum);
    json_decref(object);
}

static void check_ral(struct doctor *doctor)
{
    static const char *const words[] = {"--list", "--set", "all", "--json", NULL};
    struct doctor_finding finding;
    struct doctor_answer answer;
    char end[600];
    doctor_name(&finding, "RAL tables");
    if (!doctor_can_ask(doctor, "ralmatch", &finding))
        return;
    doctor_expect(&finding, "216 Classic, 1825 Design, 490 Effect colours, sum %.16s…", RAL_SUM);
    doctor_mend(&finding, "install ralmatch %s again: the tables are part of it", VERSION);
    if (doctor_ask(doctor, "ralmatch", words, NULL, &answer))
        judge_ral(answer.out.data == NULL ? "" : answer.out.data, &finding);
    else
        doctor_found(&finding, DOCTOR_FAILED, "%s",
                     doctor_answer_end(doctor, &answer, end, sizeof end));
    doctor_answer_free(&answer);
    doctor_add(doctor, &finding);
}

void doctor_check_colors(struct doctor *doctor)
{
    check_ciede2000(doctor);
    check_ral(doctor);
}
