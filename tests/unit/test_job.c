/* SPDX-License-Identifier: MIT */
/* Jobs of a batch: lines, their fields, what they write, and answers in order. */
#include "proc/job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/intake.h"
#include "proc/order.h"
#include "proc/outlet.h"
#include "tap.h"

static const struct job_defaults defaults = {.timeout_ms = 30000, .grace_ms = 2000, .mkdir = true};

#define WORK "\"argv\":[\"info\",\"a\"]"

static const struct {
    const char *line;
    const char *id; /* NULL: none can be read */
    const char *message; /* a part of it; NULL: good */
} lines[] = {
    {"{\"id\":\"a\"," WORK "}", "\"a\"", NULL},
    {" {\"id\" : \"\" , " WORK " } ", "\"\"", NULL},
    {"{\"id\":12345678901," WORK "}", "12345678901", NULL},
    {"{" WORK ",\"id\":-1}", "-1", NULL},
    {"{\"id\":\"\xc3\xbc\\n\"," WORK "}", "\"\xc3\xbc\\n\"", NULL},
    {"{\"id\":1.5," WORK "}", NULL, "neither a string nor an integer"},
    {"{\"id\":null," WORK "}", NULL, "neither a string nor an integer"},
    {"{" WORK "}", NULL, "no \"id\""},
    {"[]", NULL, "not a JSON object"},
    {"", NULL, "not JSON"},
    {"{\"id\":\"a\"," WORK, "\"a\"", "not JSON"},
    {"{\"id\":\"a\"," WORK "} x", "\"a\"", "not JSON"},
    {"{\"id\":\"a", NULL, "not JSON"},
    {"{\"id\":7,", "7", "not JSON"},
    {"{\"id\":{\"id\":7},", NULL, "not JSON"},
    {"{\"di\":7,", NULL, "not JSON"},
    {"{\"id\":1,\"id\":2," WORK "}", "1", "not JSON"},
    {"{\"id\":1," WORK ",\"timeot\":\"1s\"}", "1", "unknown field 'timeot'"},
    {"{\"id\":1,\"ping\":true}", "1", NULL},
    {"{\"id\":1,\"ping\":1}", "1", "\"ping\" is not true or false"},
    {"{\"id\":1,\"ping\":true,\"input\":\"a\"}", "1", "a ping is nothing else"},
    {"{\"id\":1,\"ping\":false}", "1", "exactly one of"},
    {"{\"id\":1,\"argv\":[]}", "1", "stage 1 is not an array of words"},
    {"{\"id\":1,\"argv\":\"info\"}", "1", "\"argv\" is not an array"},
    {"{\"id\":1,\"argv\":[\"infos\"]}", "1", "no command is called 'infos'"},
    {"{\"id\":1,\"argv\":[\"imginfo\"]}", "1", NULL},
    {"{\"id\":1,\"argv\":[\"batch\"]}", "1", "no command is called 'batch'"},
    {"{\"id\":1,\"argv\":[\"info\",null]}", "1", "word 2 of stage 1 is not a string"},
    {"{\"id\":1,\"stages\":[\"crop\"]}", "1", "stage 1 is not an array of words"},
    {"{\"id\":1,\"stages\":[[\"crop\"],[]],\"output\":\"x\"}", "1", "stage 2 is not an array"},
    {"{\"id\":1,\"stages\":[[\"crop\"]],\"input\":\"a\"}", "1", "nowhere to go"},
    {"{\"id\":1,\"stages\":[[\"crop\"]],\"output\":\"-\"}", "1", "nowhere to go"},
    {"{\"id\":1,\"stages\":[[\"crop\"]],\"output\":1}", "1", "\"output\" is not a string"},
    {"{\"id\":1,\"stages\":[[\"crop\"],[\"resize\",\"-i\",\"x\"]],\"output\":\"y\"}", "1",
     "stage 2"},
    {"{\"id\":1,\"stages\":[[\"crop\"]],\"output\":\"x\",\"output_dir\":\"d\"}", "1", "output_dir"},
    {"{\"id\":1," WORK ",\"mkdir\":\"yes\"}", "1", "\"mkdir\" is not true or false"},
    {"{\"id\":1," WORK ",\"timeout\":\"10\"}", "1", NULL},
    {"{\"id\":1," WORK ",\"timeout\":\"10 s\"}", "1", "\"timeout\": '10 s'"},
    {"{\"id\":1," WORK ",\"timeout\":0}", "1", "\"timeout\": '0.000'"},
    {"{\"id\":1," WORK ",\"timeout\":-5}", "1", "\"timeout\""},
    {"{\"id\":1," WORK ",\"timeout\":[]}", "1", "neither a string nor a number"},
};

static void test_lines(void)
{
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct job job;
        struct error error = {0};
        bool good = job_parse(&job, lines[i].line, strlen(lines[i].line), &defaults, &error);
        char *id = job.id == NULL ? NULL : json_dumps(job.id, JSON_ENCODE_ANY | JSON_COMPACT);
        tap_ok(good == (lines[i].message == NULL) &&
                   (good || strstr(error.message, lines[i].message) != NULL),
               "%s: %s", lines[i].line, good ? "good" : error.message);
        tap_ok((id == NULL) == (lines[i].id == NULL) &&
                   (id == NULL || strcmp(id, lines[i].id) == 0),
               "its id is %s", id == NULL ? "not there" : id);
        free(id);
        job_free(&job);
    }
}

static void test_plan(void)
{
    static const char line[] =
        "{\"id\":\"x\",\"input\":\"in.jpg\",\"output\":\"out/b.webp\",\"timeout\":1.5,"
        "\"mkdir\":false,"
        "\"no_clobber\":true,\"request_id\":\"r\",\"stages\":[[\"crop\",\"--padding\",\"5%\"],"
        "[\"resize\",\"--width\",\"800\"]]}";
    struct job job;
    struct error error = {0};
    const struct plan *plan = &job.plan;
    tap_ok(job_parse(&job, line, sizeof line - 1, &defaults, &error), "a whole job %s",
           error.message);
    tap_ok(plan->stage_count == 2 && strcmp(plan->stages[1].command, "resize") == 0 &&
               plan->stages[0].argument_count == 2 && plan->stages[1].argument_count == 2 &&
               strcmp(plan->stages[0].arguments[1], "5%") == 0 &&
               strcmp(plan->stages[1].arguments[1], "800") == 0,
           "its stages");
    tap_ok(strcmp(plan->input, "in.jpg") == 0 && strcmp(plan->output, "out/b.webp") == 0 &&
               strcmp(plan->request_id, "r") == 0 && plan->timeout_ms == 1500 &&
               plan->grace_ms == 2000 && !plan->mkdir && plan->no_clobber && plan->no_stdin &&
               plan->no_stdout && strcmp(job.name, "x") == 0,
           "its other fields, and the batch's where it has none");
    job_free(&job);
}

/* What two jobs write, from the rest of their lines. */
static const struct {
    const char *one, *two;
    bool same;
} targets[] = {
    {"\"output\":\"x.png\",\"stages\":[[\"crop\"]]",
     "\"output\":\"./x.png\",\"stages\":[[\"shadow\"]]", true},
    {"\"output\":\"x.png\",\"stages\":[[\"crop\"]]",
     "\"output\":\"y.png\",\"stages\":[[\"crop\"]]", false},
    {"\"output\":\"x.png\",\"stages\":[[\"crop\"]]",
     "\"argv\":[\"crop\",\"-o\",\"x.png\",\"a\"]", true},
    {"\"argv\":[\"crop\",\"a\",\"-ox.png\"]", "\"argv\":[\"crop\",\"--output=x.png\",\"b\"]", true},
    {"\"output\":\"/tmp/../tmp/x\",\"stages\":[[\"crop\"]]",
     "\"argv\":[\"crop\",\"--output\",\"/tmp/x\"]", true},
    {"\"output\":\"/no/x\",\"stages\":[[\"crop\"]]",
     "\"output\":\"/no/x\",\"stages\":[[\"crop\"]]", true},
    {"\"input\":\"a/n.png\",\"stages\":[[\"crop\",\"--output-template\",\"{stem}.png\"]]",
     "\"input\":\"b/n.jpg\",\"stages\":[[\"crop\",\"--output-template={stem}.png\"]]", true},
    {"\"input\":\"a/n.png\",\"stages\":[[\"crop\",\"--output-template\",\"{stem}.png\"]]",
     "\"input\":\"a/m.png\",\"stages\":[[\"crop\",\"--output-template\",\"{stem}.png\"]]", false},
    {"\"argv\":[\"crop\",\"a\",\"--output-template\",\"{stem}.png\"]",
     "\"argv\":[\"crop\",\"b\",\"--output-template\",\"{stem}.png\"]", false},
    {"\"argv\":[\"info\",\"a\"]", "\"argv\":[\"info\",\"a\"]", false},
};

static void test_targets(void)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct job jobs[2];
        bool good = true;
        for (int k = 0; k < 2; k++) {
            char line[400];
            struct error error = {0};
            int length = snprintf(line, sizeof line, "{\"id\":%d,%s}", k,
                                  k == 0 ? targets[i].one : targets[i].two);
            good = job_parse(&jobs[k], line, (size_t)length, &defaults, &error) && good;
        }
        bool same = jobs[0].target != NULL && jobs[1].target != NULL &&
                    strcmp(jobs[0].target, jobs[1].target) == 0;
        tap_ok(good && same == targets[i].same, "%s and %s write %s", targets[i].one,
               targets[i].two, targets[i].same ? "one file" : "different files");
        job_free(&jobs[0]);
        job_free(&jobs[1]);
    }
}

/* Feeds TEXT in portions of STEP bytes and joins the lines that come out with |. */
static void read_lines(const char *text, size_t size, size_t step, char *out, size_t out_size)
{
    int ends[2];
    struct intake intake;
    const char *line;
    size_t length, sent = 0;
    enum intake_found found;
    out[0] = '\0';
    if (pipe(ends) != 0)
        return;
    intake_begin(&intake, ends[0]);
    while ((found = intake_next(&intake, &line, &length)) != INTAKE_END) {
        size_t used = strlen(out);
        if (found != INTAKE_NOTHING) {
            snprintf(out + used, out_size - used, "%s%.*s|",
                     found == INTAKE_TOO_LONG ? "long " : "",
                     (int)(length > 5 ? 5 : length), line);
            continue;
        }
        size_t portion = size - sent < step ? size - sent : step;
        if (portion > 0 && write(ends[1], text + sent, portion) < 0)
            break;
        sent += portion;
        if (portion == 0)
            close(ends[1]);
        intake_read(&intake);
    }
    close(ends[0]);
    intake_free(&intake);
}

static void test_intake(void)
{
    static const char short_lines[] = "a\n\nbc\n \t\r\nd";
    size_t most = INTAKE_MOST_BYTES, size = 2 * most + 20;
    char out[200], *text = malloc(size);
    for (size_t step = 1; step < 14; step++) {
        read_lines(short_lines, sizeof short_lines - 1, step, out, sizeof out);
        tap_ok(strcmp(out, "a|bc|d|") == 0, "lines in portions of %zu bytes: %s", step, out);
    }
    if (text == NULL)
        return;
    memset(text, 'x', size);
    text[most] = '\n';
    text[most + 1 + most + 1] = '\n';
    memcpy(text + most + 1 + most + 2, "end\n", 5);
    read_lines(text, most + 1 + most + 2 + 4, 60000, out, sizeof out);
    tap_ok(strcmp(out, "xxxxx|long xxxxx|end|") == 0, "the longest line, and one more byte: %s",
           out);
    free(text);
}

static void test_order(void)
{
    struct order order = {0};
    bool good = true;
    unsigned next = 0;
    /* 0 comes last: everything waits for it. */
    for (unsigned i = 1; i <= 299; i++) {
        unsigned number = i % 299;
        char *line = malloc(20);
        if (line == NULL)
            return;
        snprintf(line, 20, "%u", number);
        good = order_put(&order, number, line) && good;
        good = good && (i == 299 || order_take(&order) == NULL);
    }
    for (char *line; (line = order_take(&order)) != NULL; free(line))
        good = good && strtoul(line, NULL, 10) == next++;
    tap_ok(good && next == 299 && order.held_bytes == 0, "299 lines leave in order: %u", next);
    order_free(&order);
}

static void test_outlet(void)
{
    struct outlet outlet;
    int ends[2];
    char line[3000], back[70000];
    size_t got = 0;
    if (pipe(ends) != 0)
        return;
    outlet_begin(&outlet, ends[1], 0);
    memset(line, 'y', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 100; i++)
        outlet_add(&outlet, line, sizeof line);
    outlet_flush(&outlet);
    tap_ok(outlet_waiting(&outlet) > 200000 && outlet.failure == 0,
           "a full pipe is not waited for");
    while (outlet_waiting(&outlet) > 0) {
        ssize_t part = read(ends[0], back, sizeof back);
        got += part > 0 ? (size_t)part : 0;
        outlet_flush(&outlet);
    }
    tap_ok(got + (size_t)read(ends[0], back, sizeof back) == 100 * sizeof line, "nothing is lost");
    outlet_free(&outlet);
    outlet_begin(&outlet, ends[1], 5000);
    for (int i = 0; i < 3; i++)
        outlet_add(&outlet, line, sizeof line);
    tap_ok(outlet.dropped == 2 && outlet_waiting(&outlet) == sizeof line,
           "over the limit lines go");
    outlet_free(&outlet);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    test_lines();
    test_plan();
    test_targets();
    test_intake();
    test_order();
    test_outlet();
    return tap_done();
}
