/* SPDX-License-Identifier: MIT */
/* The key of a plan: what counts, what does not, and where outputs go. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/work_key.h"
#include "proc/work_place.h"
#include "tap.h"

static void make_file(const char *name, const char *content)
{
    FILE *file = fopen(name, "w");
    fputs(content, file);
    fclose(file);
}

/* The plan of LINE: words, with ":" between stages. */
static void make_plan(struct plan *plan, const char *input, const char *output, const char *line)
{
    static char buffers[4][512], *words[4][64];
    static int turn;
    char *buffer = buffers[turn], **list = words[turn];
    int count = 0;
    turn = (turn + 1) % 4;
    snprintf(buffer, sizeof buffers[0], "%s", line);
    for (char *word = strtok(buffer, " "); word != NULL; word = strtok(NULL, " "))
        list[count++] = word;
    *plan = (struct plan){.input = input, .output = output, .no_stdin = true};
    plan_parse_stages(plan, list, count, NULL);
}

static bool key_of(const char *input, const char *output, const char *line, char key[HASH_HEX])
{
    struct plan plan;
    struct error error = {0};
    make_plan(&plan, input, output, line);
    bool done = work_key(&plan, key, &error);
    if (!done)
        printf("# %s: %s\n", error.file, error.message);
    return done;
}

struct work {
    const char *input, *output, *line;
};

static void compare(struct work one, struct work two, bool same, const char *what)
{
    char key[HASH_HEX] = "1", other[HASH_HEX] = "2";
    bool done = key_of(one.input, one.output, one.line, key) &&
                key_of(two.input, two.output, two.line, other);
    tap_ok(done && (strcmp(key, other) == 0) == same, "%s", what);
}

static void test_same(void)
{
    const char *stages = "crop --padding 5% : resize --width 800";
    compare((struct work){"a.png", "x.webp", stages}, (struct work){"copy.jpg", "d/y.webp", stages},
            true, "other names of the same input and of the output");
    compare((struct work){"a.png", "x.webp", stages},
            (struct work){"a.png", "x.webp", "imgcrop --padding 5% : imgresize --width 800"}, true,
            "a command and its binary");
    compare((struct work){NULL, NULL, "deltae a.png b.png"},
            (struct work){NULL, NULL, "deltae copy.jpg b.png"}, true, "inputs among the words");
    compare((struct work){"a.png", NULL, "crop --mask=b.png -o x.png"},
            (struct work){"a.png", NULL, "crop --mask=d/b.png -o d/y.png"}, true,
            "a file behind '=', and an output among the words");
    compare((struct work){"a.png", NULL, "resize --output-template out/{stem}.png"},
            (struct work){"d/a.png", NULL, "resize --output-template other/dir/{stem}.png"}, true,
            "a template in another directory");
    compare((struct work){"a.png", NULL, "resize --output-template=out/{name}.png"},
            (struct work){"copy.jpg", NULL, "resize --output-template=out/{name}.png"}, true,
            "a template that does not show the name");
    compare((struct work){"a.png", "new.png", stages}, (struct work){"a.png", "b.png", stages},
            true, "an output that exists already");
}

static void test_different(void)
{
    const char *stages = "crop --padding 5%";
    const struct work work = {"a.png", "x.webp", stages};
    compare(work, (struct work){"b.png", "x.webp", stages}, false, "other bytes");
    compare(work, (struct work){"a.png", "x.png", stages}, false, "another format by extension");
    compare(work, (struct work){"a.png", "x.webp", "shadow --padding 5%"}, false,
            "another command");
    compare(work, (struct work){"a.png", "x.webp", "crop --padding 6%"}, false, "another value");
    compare(work, (struct work){"a.png", "x.webp", "crop --padding 5% --extend"}, false,
            "another option");
    compare(work, (struct work){"a.png", "x.webp", "crop : --padding 5%"}, false,
            "the same words in other stages");
    compare(work, (struct work){NULL, "x.webp", stages}, false, "without an input");
    compare((struct work){NULL, NULL, "deltae a.png b.png"},
            (struct work){NULL, NULL, "deltae b.png a.png"}, false, "inputs in another order");
    compare((struct work){NULL, NULL, "deltae a.png b.png"},
            (struct work){NULL, NULL, "deltae a.png --mask b.png"}, false, "another role");
    compare((struct work){NULL, NULL, "crop ab c"}, (struct work){NULL, NULL, "crop a bc"}, false,
            "words cut elsewhere");
    compare((struct work){"a.png", NULL, "resize --output-template {stem}.png"},
            (struct work){"copy.jpg", NULL, "resize --output-template {stem}.png"}, false,
            "a template that shows the name");
    compare((struct work){"a.png", NULL, "resize --output-template out/{stem}.png"},
            (struct work){"a.png", NULL, "resize --output-template out/{stem}-x.png"}, false,
            "another template");
    compare((struct work){NULL, NULL, "deltae white b.png"},
            (struct work){NULL, NULL, "deltae black b.png"}, false,
            "words that files are called by chance, too");
}

static void fails_with(const char *input, const char *line, enum error_kind kind, const char *what)
{
    struct plan plan;
    struct error error = {0};
    char key[HASH_HEX];
    make_plan(&plan, input, "x.png", line);
    tap_ok(!work_key(&plan, key, &error) && error.kind == kind, "%s: %s", what, error.message);
}

static void test_refused(void)
{
    struct plan plan;
    char key[HASH_HEX];
    fails_with("missing.png", "crop", ERROR_NO_INPUT, "a missing input");
    fails_with("fifo", "crop", ERROR_UNSUPPORTED, "a FIFO");
    fails_with("/dev/null", "crop", ERROR_UNSUPPORTED, "a device");
    fails_with("d", "crop", ERROR_UNSUPPORTED, "a directory");
    fails_with("a.png", "crop --mask fifo", ERROR_UNSUPPORTED, "a FIFO among the words");
    make_plan(&plan, "-", "x.png", "crop");
    plan.no_stdin = false;
    tap_ok(!work_key(&plan, key, NULL), "stdin");
    make_plan(&plan, NULL, "x.png", "crop");
    plan.no_stdin = false;
    tap_ok(!work_key(&plan, key, NULL), "stdin, unsaid");
}

static void place_is(const char *output, const char *line, enum work_place_kind kind,
                     const char *path)
{
    struct plan plan;
    struct work_place place;
    make_plan(&plan, "d/a.png", output, line);
    bool done = work_place(&place, &plan, NULL);
    tap_ok(done && place.kind == kind && strcmp(place.path, path) == 0,
           "outputs of '%s' go to '%s'", line, path);
    work_place_free(&place);
}

static void name_is(const char *input, const char *line, const char *reported, const char *name)
{
    struct plan plan;
    struct work_place place;
    struct text found = {0};
    make_plan(&plan, input, NULL, line);
    bool done = work_place(&place, &plan, NULL) && work_real_name(&place, reported, &found);
    tap_ok(done && found.data != NULL && strcmp(found.data, name) == 0, "'%s' is found again",
           reported);
    text_free(&found);
    work_place_free(&place);
}

static void test_place(void)
{
    place_is("x.png", "crop", WORK_FILE, "x.png");
    place_is(NULL, "crop : resize -o x.png", WORK_FILE, "x.png");
    place_is(NULL, "crop : resize -ox.png", WORK_FILE, "x.png");
    place_is(NULL, "crop : resize --output=x.png", WORK_FILE, "x.png");
    place_is(NULL, "crop", WORK_UNNAMED, "");
    place_is(NULL, "crop -o -", WORK_UNNAMED, "");
    place_is(NULL, "resize --output-template {stem}.png", WORK_DIRECTORY, "");
    place_is(NULL, "resize --output-template /o/{stem}/x.png", WORK_DIRECTORY, "/o/");
    place_is(NULL, "resize --output-template={{o}}/p/{{x{stem}.png", WORK_DIRECTORY, "{o}/p/");
    name_is("a\xff.png", "resize -o b\xfe.png", "b\xef\xbf\xbd.png", "b\xfe.png");
    name_is("i/a\xff.png", "resize --output-template o\xfe/{stem}-{w}.png",
            "o\xef\xbf\xbd/a\xef\xbf\xbd-80.png", "o\xfe/a\xff-80.png");
    name_is("a.png", "crop --save-lut t\xff.cube -o b.png", "t\xef\xbf\xbd.cube", "t\xff.cube");
}

int main(void)
{
    char directory[] = "/tmp/test-key-XXXXXX";
    if (mkdtemp(directory) == NULL || chdir(directory) != 0 || mkdir("d", 0777) != 0 ||
        mkfifo("fifo", 0600) != 0)
        return 2;
    make_file("a.png", "the same");
    make_file("copy.jpg", "the same");
    make_file("d/a.png", "the same");
    make_file("b.png", "others");
    make_file("d/b.png", "others");
    make_file("white", "chance");
    make_file("black", "chance");
    test_same();
    test_different();
    test_refused();
    test_place();
    static const char *const made[] = {"a.png",   "copy.jpg", "d/a.png", "b.png",
                                       "d/b.png", "white",    "black",   "fifo"};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        unlink(made[i]);
    rmdir("d");
    rmdir(directory);
    return tap_done();
}
