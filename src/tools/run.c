/* SPDX-License-Identifier: MIT */
/* imgtool run: a recipe on one picture. */
#include "tools/run.h"

#include <string.h>

#include "cli/report.h"
#include "proc/recipe.h"
#include "tools/pipe.h"

struct run_fields {
    struct cli_common common;
    const char *output_dir, *recipe_dir;
    bool list, show;
};

#define FIELD(name) offsetof(struct run_fields, name)

static const struct option_entry entries[] = {
    {"output-dir", 0, .brief = true, OPTION_DIR, .metavar = "DIR", .offset = FIELD(output_dir),
     .help = "where the outputs go; they keep the names that the recipe gives them; made if missing"},
    {"recipe-dir", 0, .brief = true, OPTION_DIR, .metavar = "DIR", .offset = FIELD(recipe_dir),
     .environment = "IMGTOOL_RECIPE_DIR",
     .help = "where recipes are looked for; the default is the installation's"},
    {"list", 0, .brief = true, OPTION_FLAG, .offset = FIELD(list), .help = "list the recipes"},
    {"show", 0, .brief = true, OPTION_FLAG, .offset = FIELD(show),
     .help = "print the recipe instead of running it"},
};

static bool list_recipes(struct cli_run *run, const struct run_fields *fields, struct error *error)
{
    char **names = recipe_names(fields->recipe_dir, error);
    json_t *list = json_array();
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        char shown[300];
        text_printf(&run->answer, "%s\n", text_mask(names[i], shown, sizeof shown));
        json_array_append_new(list, cli_json_string(names[i]));
    }
    run->result = json_pack("{s:o}", "recipes", list);
    recipe_names_free(names);
    return names != NULL;
}

static bool show_recipe(struct cli_run *run, const struct run_fields *fields, const char *name,
                        struct error *error)
{
    if (!recipe_text(name, fields->recipe_dir, &run->answer, error))
        return false;
    run->result = json_pack("{s:o, s:o}", "recipe", cli_json_string(name), "text",
                            cli_json_string(run->answer.data == NULL ? "" : run->answer.data));
    return true;
}

/* The operands are the recipe and, unless -i names it, the input. */
static bool name_input(struct cli_run *run, struct plan *plan, struct error *error)
{
    bool option = option_given(&run->set, &run->parsed, "input");
    int count = run->parsed.operand_count;
    if (count == 0) {
        error_set(error, ERROR_USAGE, "no recipe");
        return error_hint(error, "'imgtool run --list' shows them");
    }
    if (count > 2 || (count == 2 && option)) {
        error_set(error, ERROR_USAGE, "unexpected operand '%s', one input is expected",
                  run->parsed.operands[option ? 1 : 2]);
        return error_hint(error, "'imgtool batch --recipe RECIPE --files' takes many inputs");
    }
    plan->input = option ? run->options->input : count == 2 ? run->parsed.operands[1] : "-";
    return true;
}

static bool run_recipe(struct cli_run *run, const struct run_fields *fields, struct error *error)
{
    struct recipe recipe;
    struct plan plan = pipe_plan(run);
    if (!name_input(run, &plan, error))
        return false;
    if (plan.output != NULL && fields->output_dir != NULL)
        return error_set(error, ERROR_USAGE, "--output and --output-dir together");
    if (!recipe_load(&recipe, run->parsed.operands[0], fields->recipe_dir, error))
        return false;
    bool done = recipe_apply(&recipe, fields->output_dir, &plan, error) &&
                pipe_check(run, &plan, error) && pipe_execute(run, &plan, error);
    recipe_free(&recipe);
    return done;
}

static bool run_run(struct cli_run *run, void *options, struct error *error)
{
    const struct run_fields *fields = options;
    if (fields->list)
        return list_recipes(run, fields, error);
    if (fields->show && run->parsed.operand_count != 1)
        return error_set(error, ERROR_USAGE, "--show takes the name of one recipe");
    if (fields->show)
        return show_recipe(run, fields, run->parsed.operands[0], error);
    return run_recipe(run, fields, error);
}

static const struct result_field list_fields[] = {
    {"recipes", RESULT_TEXT, .help = "their names", .list = true},
    {0},
};

static const struct result_field show_fields[] = {
    {"recipe", RESULT_TEXT, .help = "its name"},
    {"text", .type = RESULT_TEXT},
    {0},
};

const struct cli_tool run_tool = {
    .name = "imgtool run",
    .operands = "RECIPE [INPUT]",
    .description =
        "Runs the stages of a recipe as one pipeline. A recipe is a text file NAME.recipe: one "
        "stage a line, a command and its arguments, # begins a comment; words are quoted as in a "
        "shell, but nothing is ever expanded. A line 'run NAME' stands for the stages of another "
        "recipe. A RECIPE with a / is the path of a file, and lies below --root where that is "
        "given; --recipe-dir and the recipes of the installation do not.\n\n"
        "Outputs go where the last stage says, below --output-dir; a recipe whose last stage "
        "names no output writes -o FILE, or a file of the input's name in --output-dir, with the "
        "extension of the format where the last stage has -f.",
    .results = {{"where a recipe is run", pipe_fields, .beside = true},
                {"of --list", list_fields, .beside = false},
                {"of --show", show_fields, .beside = false}},
    .options = {"Recipes", entries, CLI_COUNT(entries)},
    .groups = CLI_INPUT | CLI_OUTPUT | CLI_REPLACE | CLI_CONFINED,
    .examples = {{"imgtool run product car.png --output-dir out/", "three sizes for a listing"},
                 {"imgtool run --list", "the recipes there are"},
                 {"imgtool run ./own.recipe car.png -o car.webp", "a recipe of one's own"}},
    .options_size = sizeof(struct run_fields),
    .max_operands = -1,
    .run = run_run,
};
