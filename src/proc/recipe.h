/* SPDX-License-Identifier: MIT */
/* Recipes: plans in text files.
 *
 * One stage a line: a command and its arguments. A `#` at the beginning of a word begins a comment.
 * Words are quoted as in a shell ('…', "…", \ before a character), but nothing is ever expanded. A
 * line `run NAME` stands for the stages of that recipe. */
#ifndef PROC_RECIPE_H
#define PROC_RECIPE_H

#include "base/text.h"
#include "proc/plan.h"

enum { RECIPE_MAX_BYTES = 65536 };

struct recipe {
    struct plan_stage stages[PLAN_MAX_STAGES];
    size_t stage_count;
    char **words; /* all words of all stages, owned; the stages point into it */
    size_t word_count;
};

/* Loads the recipe NAME: NAME.recipe in DIR, or in the data directory where DIR is NULL; a NAME with
 * a `/` is the path of a file. ERROR_NO_INPUT, with a suggestion, where there is none,
 * ERROR_CORRUPT with file and line where it makes no sense or recipes run each other. */
bool recipe_load(struct recipe *recipe, const char *name, const char *dir, struct error *error);
void recipe_free(struct recipe *recipe);

/* The bytes of the file itself. */
bool recipe_text(const char *name, const char *dir, struct text *text, struct error *error);

/* The names of the recipes in DIR, sorted, as an array that ends with NULL; freed by
 * recipe_names_free(). */
char **recipe_names(const char *dir, struct error *error);
void recipe_names_free(char **names);

/* The stages of RECIPE into PLAN, which points into it and whose input is known. With OUTPUT_DIR the
 * outputs lie there: a relative --output-template of the last stage is put below it, and where there
 * is none the output is OUTPUT_DIR/STEM.EXT of the input, with recipe_extension() instead of EXT
 * where there is one. May add a word to RECIPE. */
bool recipe_apply(struct recipe *recipe, const char *output_dir, struct plan *plan,
                  struct error *error);

/* The extension that fits the --format of the last stage; NULL where it has none. */
const char *recipe_extension(const struct recipe *recipe);

#endif
