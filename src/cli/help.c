/* SPDX-License-Identifier: MIT */
/* -h, --help and the manual page, all from a tool's tables. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/catalogue.h"
#include "cli/tool.h"

enum { HELP_COLUMN = 30, HELP_WIDTH = 80 };

/* Exit statuses as --help and the manual show them. */
static const struct {
    const char *status, *meaning;
} exit_statuses[] = {
    {"0", "done"},
    {"1", "done, and the answer is no"},
    {"64", "wrong command line"},
    {"65", "the data is bad or not supported"},
    {"66", "the input cannot be opened"},
    {"69", "a program, library or feature is missing"},
    {"70", "a bug"},
    {"71", "memory or another resource of the machine ran out"},
    {"73", "the output cannot be created"},
    {"74", "reading or writing failed"},
    {"75", "no slot became free in time; try again"},
    {"77", "refused by a limit, or a path outside --root"},
    {"124", "--timeout passed"},
    {"126, 127", "imgtool could not execute, or found no such tool"},
};

const char *cli_summary(const struct cli_tool *tool)
{
    /* "imgtool pipe" is the command pipe, "imgcrop" is found by its binary. */
    const char *blank = strchr(tool->name, ' ');
    const struct catalogue_entry *entry = catalogue_find(blank == NULL ? tool->name : blank + 1);
    return entry == NULL ? "run the image tools, one by one or as a pipeline" : entry->summary;
}

/* "-o, --output FILE" */
static void help_option_names(const struct option_entry *entry, char *out, size_t size)
{
    char letter[8] = "";
    if (entry->letter != 0)
        snprintf(letter, sizeof letter, "-%c", entry->letter);
    snprintf(out, size, "%s%s%s%s%s%s", letter, entry->letter != 0 && entry->name ? ", " : "",
             entry->name ? "--" : "", entry->name ? entry->name : "", entry->metavar ? " " : "",
             entry->metavar ? entry->metavar : "");
}

/* "sentence (one of a, b or c; default b)" */
static void help_option_text(const struct option_entry *entry, struct text *out)
{
    char range[200];
    option_describe_range(entry, range, sizeof range);
    bool shown = entry->preset != NULL && strcmp(entry->preset, "-") != 0;
    text_add(out, entry->help);
    if (range[0] == '\0' && !shown && entry->environment == NULL)
        return;
    const char *between = "";
    text_add(out, " (");
    if (range[0] != '\0') {
        text_add(out, range);
        between = "; ";
    }
    if (shown) {
        text_printf(out, "%sdefault %s", between, entry->preset);
        between = "; ";
    }
    if (entry->environment != NULL)
        text_printf(out, "%senvironment %s", between, entry->environment);
    text_add(out, ")");
}

/* Adds WORDS broken into lines of HELP_WIDTH, each after INDENT blanks; the first line has
 * COLUMN characters already. */
static void help_wrap(const char *words, size_t column, size_t indent, struct text *out)
{
    while (*words != '\0') {
        size_t length = strcspn(words, " \n");
        if (column > indent && column + 1 + length > HELP_WIDTH) {
            text_add(out, "\n");
            column = 0;
        }
        if (column < indent) {
            text_printf(out, "%*s", (int)(indent - column), "");
            column = indent;
        } else if (column > indent) {
            text_add(out, " ");
            column++;
        }
        text_add_bytes(out, words, length);
        column += length;
        words += length;
        words += strspn(words, " \n");
    }
    text_add(out, "\n");
}

static void help_option(const struct option_entry *entry, struct text *out)
{
    char names[100];
    struct text text = {0};
    help_option_names(entry, names, sizeof names);
    help_option_text(entry, &text);
    size_t indent = entry->letter == 0 ? 6 : 2, column = indent + strlen(names);
    text_printf(out, "%*s%s", (int)indent, "", names);
    if (column + 2 > HELP_COLUMN) {
        text_add(out, "\n");
        column = 0;
    }
    help_wrap(text.data == NULL ? "" : text.data, column, HELP_COLUMN, out);
    text_free(&text);
}

/* The tables of fields that have been shown, so that none is shown twice. */
struct help_seen {
    const struct result_field *tables[16];
    size_t count;
};

/* What stands behind the name of FIELD. True where its own fields are to follow. */
static bool help_field_text(const struct result_field *field, struct help_seen *seen,
                            struct text *out)
{
    result_describe(field, out);
    if (field->fields == NULL)
        return false;
    for (size_t i = 0; i < seen->count; i++)
        if (seen->tables[i] == field->fields) {
            text_add(out, ", as above");
            return false;
        }
    if (seen->count < CLI_COUNT(seen->tables))
        seen->tables[seen->count++] = field->fields;
    return true;
}

static void help_fields(const struct result_field *fields, size_t indent, struct help_seen *seen,
                        struct text *out)
{
    for (const struct result_field *field = fields; field->name != NULL; field++) {
        struct text text = {0};
        bool more = help_field_text(field, seen, &text);
        text_printf(out, "%*s%s", (int)indent, "", field->name);
        help_wrap(text.data == NULL ? "" : text.data, indent + strlen(field->name), HELP_COLUMN,
                  out);
        text_free(&text);
        if (more)
            help_fields(field->fields, indent + 2, seen, out);
    }
}

/* "Result in the JSON object, of images:" */
static void help_form_title(const struct result_form *form, struct text *out)
{
    text_add(out, form->beside ? "Further fields of the JSON object"
                               : "Result in the JSON object");
    if (form->when != NULL)
        text_printf(out, ", %s", form->when);
}

static void help_results(const struct cli_tool *tool, struct text *out)
{
    struct help_seen seen = {.count = 0};
    for (size_t i = 0; i < CLI_COUNT(tool->results) && tool->results[i].fields != NULL; i++) {
        text_add(out, "\n");
        help_form_title(&tool->results[i], out);
        text_add(out, ":\n");
        help_fields(tool->results[i].fields, 2, &seen, out);
    }
}

static void help_usage(const struct cli_tool *tool, struct text *out)
{
    text_printf(out, "Usage: %s [OPTION]... %s\n", tool->name, tool->operands);
}

static void help_examples(const struct cli_tool *tool, struct text *out)
{
    for (size_t i = 0; i < CLI_COUNT(tool->examples) && tool->examples[i].command != NULL; i++)
        text_printf(out, "  %s\n", tool->examples[i].command);
}

/* The first part of a sentence, cut between words where it is too long for a line. */
static size_t help_first_part(const char *sentence, size_t width)
{
    size_t length = strcspn(sentence, ";:");
    if (length <= width)
        return length;
    length = width;
    while (length > 0 && sentence[length] != ' ')
        length--;
    return length;
}

void cli_print_short_help(const struct cli_tool *tool, struct text *out)
{
    struct option_set set;
    cli_option_set(tool, &set);
    help_usage(tool, out);
    text_printf(out, "%c%s\n\n", toupper((unsigned char)cli_summary(tool)[0]),
                cli_summary(tool) + 1);
    OPTION_FOR_EACH(&set, table, entry) {
        char names[100];
        if (!entry->brief)
            continue;
        help_option_names(entry, names, sizeof names);
        int indent = entry->letter == 0 ? 6 : 2;
        size_t column = (size_t)indent + strlen(names) + 1;
        size_t room = HELP_WIDTH - (column > HELP_COLUMN ? column : HELP_COLUMN) - 1;
        text_printf(out, "%*s%-*s %.*s\n", indent, "", HELP_COLUMN - indent, names,
                    (int)help_first_part(entry->help, room), entry->help);
    }
    text_add(out, "\nExamples:\n");
    help_examples(tool, out);
}

void cli_print_help(const struct cli_tool *tool, struct text *out)
{
    struct option_set set;
    cli_option_set(tool, &set);
    help_usage(tool, out);
    text_printf(out, "%c%s.\n", toupper((unsigned char)cli_summary(tool)[0]),
                cli_summary(tool) + 1);
    for (const char *part = tool->description; *part != '\0';) {
        const char *end = strstr(part, "\n\n");
        size_t length = end == NULL ? strlen(part) : (size_t)(end - part);
        struct text paragraph = {0};
        text_add_bytes(&paragraph, part, length);
        text_add(out, "\n");
        help_wrap(paragraph.data == NULL ? "" : paragraph.data, 0, 0, out);
        text_free(&paragraph);
        part += length;
        part += strspn(part, "\n");
    }
    OPTION_FOR_EACH(&set, table, entry) {
        if (entry == table->entries)
            text_printf(out, "\n%s:\n", table->title);
        help_option(entry, out);
    }
    help_results(tool, out);
    text_add(out, "\nExit status:\n");
    for (size_t i = 0; i < CLI_COUNT(exit_statuses); i++)
        text_printf(out, "  %-10s%s\n", exit_statuses[i].status, exit_statuses[i].meaning);
    text_add(out, "\nExamples:\n");
    for (size_t i = 0; i < CLI_COUNT(tool->examples) && tool->examples[i].command != NULL; i++)
        text_printf(out, "  %s\n      %s\n", tool->examples[i].command, tool->examples[i].what);
}

/* Text for troff: backslashes and dashes escaped, no line that begins with a control character. */
static void manual_text(const char *string, struct text *out)
{
    bool at_start = true;
    for (const char *p = string; *p != '\0'; p++) {
        if (at_start && (*p == '.' || *p == '\''))
            text_add(out, "\\&");
        if (*p == '\\')
            text_add(out, "\\e");
        else if (*p == '-')
            text_add(out, "\\-");
        else if (*p == '\'')
            text_add(out, "\\(aq");
        else
            text_add_bytes(out, p, 1);
        at_start = *p == '\n';
    }
}

static void manual_options(const struct option_set *set, struct text *out)
{
    OPTION_FOR_EACH(set, table, entry) {
        struct text text = {0};
        if (entry == table->entries)
            text_printf(out, ".SS %s\n", table->title);
        text_add(out, ".TP\n");
        if (entry->letter != 0)
            text_printf(out, "\\fB\\-%c\\fR%s", entry->letter, entry->name ? ", " : "");
        if (entry->name != NULL) {
            text_add(out, "\\fB\\-\\-");
            manual_text(entry->name, out);
            text_add(out, "\\fR");
        }
        if (entry->metavar != NULL)
            text_printf(out, " \\fI%s\\fR", entry->metavar);
        text_add(out, "\n");
        help_option_text(entry, &text);
        manual_text(text.data == NULL ? "" : text.data, out);
        text_add(out, ".\n");
        text_free(&text);
    }
}

static void manual_fields(const struct result_field *fields, struct help_seen *seen,
                          struct text *out)
{
    for (const struct result_field *field = fields; field->name != NULL; field++) {
        struct text text = {0};
        bool more = help_field_text(field, seen, &text);
        text_add(out, ".TP\n.B ");
        manual_text(field->name, out);
        text_add(out, "\n");
        manual_text(text.data == NULL ? "" : text.data, out);
        text_add(out, "\n");
        text_free(&text);
        if (more) {
            text_add(out, ".RS\n");
            manual_fields(field->fields, seen, out);
            text_add(out, ".RE\n");
        }
    }
}

static void manual_results(const struct cli_tool *tool, struct text *out)
{
    struct help_seen seen = {.count = 0};
    for (size_t i = 0; i < CLI_COUNT(tool->results) && tool->results[i].fields != NULL; i++) {
        if (i == 0)
            text_add(out, ".SH RESULT\n");
        text_add(out, i == 0 ? "" : ".PP\n");
        help_form_title(&tool->results[i], out);
        text_add(out, ":\n");
        manual_fields(tool->results[i].fields, &seen, out);
    }
}

static void manual_description(const char *description, struct text *out)
{
    for (const char *p = description; *p != '\0';) {
        size_t length = strcspn(p, "\n");
        struct text line = {0};
        text_add_bytes(&line, p, length);
        if (length == 0)
            text_add(out, ".PP");
        manual_text(line.data == NULL ? "" : line.data, out);
        text_add(out, "\n");
        text_free(&line);
        p += length + (p[length] == '\n');
    }
}

/* imgtool names every page, the others imgtool. */
static void manual_see_also(const struct cli_tool *tool, struct text *out)
{
    text_add(out, ".SH SEE ALSO\n");
    for (size_t i = 0; tool->subcommands != NULL && i < catalogue_count; i++) {
        const struct catalogue_entry *entry = &catalogue[i];
        if (entry->binary != NULL)
            text_printf(out, ".BR %s (1),\n", entry->binary);
        else if (strcmp(entry->command, "list") != 0 && strcmp(entry->command, "help") != 0)
            text_printf(out, ".BR imgtool\\-%s (1),\n", entry->command);
    }
    text_add(out, tool->subcommands != NULL ? ".BR imgtool\\-node (7)\n" : ".BR imgtool (1)\n");
}

void cli_print_manual(const struct cli_tool *tool, struct text *out)
{
    struct option_set set;
    char title[32];
    cli_option_set(tool, &set);
    for (size_t i = 0; i < sizeof title; i++)
        if ((title[i] = (char)toupper((unsigned char)(tool->name[i] == ' ' ? '-' : tool->name[i]))) ==
            '\0')
            break;
    text_printf(out, ".TH %s 1 \"\" \"imgtool %s\" \"User Commands\"\n", title, VERSION);
    text_add(out, ".SH NAME\n");
    manual_text(tool->name, out);
    text_add(out, " \\- ");
    manual_text(cli_summary(tool), out);
    text_printf(out, "\n.SH SYNOPSIS\n.B %s\n[\\fIOPTION\\fR]... ", tool->name);
    manual_text(tool->operands, out);
    text_add(out, "\n.SH DESCRIPTION\n");
    manual_description(tool->description, out);
    text_add(out, ".SH OPTIONS\n");
    manual_options(&set, out);
    manual_results(tool, out);
    text_add(out, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < CLI_COUNT(exit_statuses); i++) {
        text_printf(out, ".TP\n.B %s\n", exit_statuses[i].status);
        manual_text(exit_statuses[i].meaning, out);
        text_add(out, "\n");
    }
    text_add(out, ".SH EXAMPLES\n");
    for (size_t i = 0; i < CLI_COUNT(tool->examples) && tool->examples[i].command != NULL; i++) {
        text_add(out, ".TP\n.B ");
        manual_text(tool->examples[i].command, out);
        text_add(out, "\n");
        manual_text(tool->examples[i].what, out);
        text_add(out, "\n");
    }
    manual_see_also(tool, out);
}
