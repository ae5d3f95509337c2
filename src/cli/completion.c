/* SPDX-License-Identifier: MIT */
/* Completions for bash, zsh and fish from a tool's tables. */
#include <stdio.h>
#include <string.h>

#include "cli/catalogue.h"
#include "cli/completion_parts.h"

void completion_add_words(const char *const *words, const char *between, struct text *out)
{
    for (size_t i = 0; words[i] != NULL; i++)
        text_printf(out, "%s%s", i == 0 ? "" : between, words[i]);
}

void completion_add_pattern(const struct option_entry *entry, struct text *out)
{
    text_printf(out, "--%s", entry->name);
    if (entry->letter != 0)
        text_printf(out, "|-%c", entry->letter);
}

void completion_add_function(const struct cli_tool *tool, struct text *out)
{
    text_add(out, "_");
    for (const char *p = tool->name; *p != '\0'; p++)
        text_add_bytes(out, *p == ' ' ? "_" : p, 1);
}

void completion_add_stages(struct text *out)
{
    for (size_t i = 0; i < catalogue_count; i++)
        if (catalogue[i].binary != NULL)
            text_printf(out, "%s%s", i == 0 ? "" : " ", catalogue[i].command);
}

void completion_add_operands(const struct cli_tool *tool, struct text *out)
{
    const char *operands = tool->operands;
    bool choice = strchr(operands, '|') != NULL && strpbrk(operands, "[ ") == NULL;
    if (tool->stop_at_operand)
        completion_add_stages(out);
    else if (strcmp(operands, "[COMMAND]") == 0)
        completion_add_words(catalogue_commands(), " ", out);
    for (const char *p = operands; choice && *p != '\0'; p++)
        text_add_bytes(out, *p == '|' ? " " : p, 1);
}

/* Adds STRING with the characters escaped that mean something between the quotes and brackets. */
static void add_zsh(const char *string, struct text *out)
{
    for (; *string != '\0'; string++) {
        if (*string == '\'')
            text_add(out, "'\\''");
        else if (strchr("[]:\\", *string) != NULL)
            text_printf(out, "\\%c", *string);
        else
            text_add_bytes(out, string, 1);
    }
}

static void zsh_value(const struct option_entry *entry, struct text *out)
{
    if (entry->type == OPTION_FLAG)
        return;
    text_printf(out, ":%s:", entry->metavar);
    if (entry->type == OPTION_FILE)
        text_add(out, "_files");
    else if (entry->type == OPTION_DIR)
        text_add(out, "_files -/");
    else if (entry->type == OPTION_CHOICE) {
        text_add(out, "(");
        completion_add_words(entry->choices, " ", out);
        text_add(out, ")");
    }
}

static void zsh_options(const struct option_set *set, struct text *out)
{
    OPTION_FOR_EACH(set, table, entry) {
        if (entry->name != NULL && entry->letter != 0)
            text_printf(out, "    '*'{-%c,--%s}'[", entry->letter, entry->name);
        else if (entry->name != NULL)
            text_printf(out, "    '*--%s[", entry->name);
        else
            text_printf(out, "    '-%c[", entry->letter);
        add_zsh(entry->help, out);
        text_add(out, "]");
        zsh_value(entry, out);
        text_add(out, "' \\\n");
    }
}

/* Operands behind the options; where they belong to a command, it is words[1] to what is called. */
static void zsh_operands(const struct cli_tool *tool, struct text *out)
{
    struct text words = {0};
    completion_add_operands(tool, &words);
    if (tool->own != NULL) {
        text_add(out, "    '1:command:(");
        completion_add_words(tool->subcommands(), " ", out);
        text_add(out, ")' \\\n    '*::argument:_imgtool_part'\n");
    } else if (tool->stop_at_operand) {
        text_add(out, "    '*:::command:_imgtool_stages'\n");
    } else if (words.length > 0) {
        text_printf(out, "    '1:word:(%s)'\n", words.data);
    } else {
        text_add(out, "    '*:file:_files'\n");
    }
    text_free(&words);
}

static void zsh_arguments(const struct cli_tool *tool, struct text *out)
{
    struct option_set set;
    bool stops = tool->own != NULL || tool->stop_at_operand;
    cli_option_set(tool, &set);
    text_printf(out, "_arguments -s -S%s \\\n", stops ? " -A '-*'" : "");
    zsh_options(&set, out);
    zsh_operands(tool, out);
}

static void zsh_functions(const struct cli_tool *tool, struct text *out)
{
    for (size_t i = 0; tool->own[i] != NULL; i++) {
        completion_add_function(tool->own[i], out);
        text_add(out, "() {\n");
        zsh_arguments(tool->own[i], out);
        text_add(out, "}\n");
    }
    text_add(out, "_imgtool_part() {\n    case $words[1] in\n");
    for (size_t i = 0; i < catalogue_count; i++)
        if (catalogue[i].binary != NULL)
            text_printf(out, "    %s) words[1]=%s ;;\n", catalogue[i].command, catalogue[i].binary);
    text_add(out, "    *) (( $+functions[_imgtool_$words[1]] )) && _imgtool_$words[1]; return ;;\n"
                  "    esac\n    _normal\n}\n"
                  "_imgtool_stages() {\n"
                  "    local at=${words[(I):]}\n"
                  "    (( at < CURRENT )) || at=${${words[1,CURRENT-1]}[(I):]}\n"
                  "    words=(\"${(@)words[at+1,-1]}\")\n"
                  "    (( CURRENT -= at ))\n"
                  "    if (( CURRENT == 1 )); then compadd ");
    completion_add_stages(out);
    text_add(out, "; else _imgtool_part; fi\n}\n");
}

static void completion_zsh(const struct cli_tool *tool, struct text *out)
{
    text_printf(out, "#compdef %s\n# printed by %s --completion zsh\n", tool->name, tool->name);
    if (tool->own != NULL)
        zsh_functions(tool, out);
    zsh_arguments(tool, out);
}

/* The options of TOOL, as "imgtool" where CONDITION says so. */
static void fish_options(const struct cli_tool *tool, const char *name, const char *condition,
                         struct text *out)
{
    struct option_set set;
    cli_option_set(tool, &set);
    OPTION_FOR_EACH(&set, table, entry) {
        text_printf(out, "complete -c %s%s", name, condition);
        if (entry->name != NULL)
            text_printf(out, " -l %s", entry->name);
        if (entry->letter != 0)
            text_printf(out, " -s %c", entry->letter);
        if (entry->type == OPTION_CHOICE) {
            text_add(out, " -x -a '");
            completion_add_words(entry->choices, " ", out);
            text_add(out, "'");
        } else if (entry->type == OPTION_FILE || entry->type == OPTION_DIR) {
            text_add(out, " -r -F");
        } else if (entry->type != OPTION_FLAG) {
            text_add(out, " -x");
        }
        text_add(out, " -d '");
        for (const char *p = entry->help; *p != '\0'; p++)
            text_printf(out, "%s%c", *p == '\'' || *p == '\\' ? "\\" : "", *p);
        text_add(out, "'\n");
    }
}

/* What imgtool itself does: __imgtool_words prints the command that the cursor is behind, and its
 * arguments; behind a colon there is none yet. */
static void fish_functions(struct text *out)
{
    text_add(out, "function __imgtool_first\n"
                  "    test (count (commandline -opc)) -eq 1\n"
                  "end\n"
                  "function __imgtool_words\n"
                  "    set -l words (commandline -opc)\n"
                  "    set -e words[1]\n"
                  "    set -l stage\n"
                  "    set -l colon no\n"
                  "    if contains -- \"$words[1]\" pipe batch\n"
                  "        for word in $words\n"
                  "            if test \"$word\" = :\n"
                  "                set stage\n"
                  "                set colon yes\n"
                  "            else if set -q stage[1]; or contains -- $word ");
    completion_add_stages(out);
    text_add(out, "\n"
                  "                set -a stage $word\n"
                  "            end\n"
                  "        end\n"
                  "    end\n"
                  "    if set -q stage[1]; or test $colon = yes\n"
                  "        set words $stage\n"
                  "    end\n"
                  "    set -q words[1]; and printf '%s\\n' $words\n"
                  "end\n"
                  "function __imgtool_at\n"
                  "    set -l words (__imgtool_words)\n"
                  "    contains -- \"$words[1]\" $argv\n"
                  "end\n"
                  "function __imgtool_complete\n"
                  "    set -l words (__imgtool_words)\n"
                  "    set -e words[1]\n"
                  "    set -l line $argv (string escape -- $words) (commandline -ct)\n"
                  "    complete -C \"$line\"\n"
                  "end\n");
}

static void fish_own(const struct cli_tool *own, struct text *out)
{
    struct text condition = {0}, words = {0};
    const char *command = own->name + strlen("imgtool ");
    text_printf(&condition, " -n '__imgtool_at %s'", command);
    fish_options(own, "imgtool", condition.failed ? "" : condition.data, out);
    completion_add_operands(own, &words);
    if (words.length > 0)
        text_printf(out, "complete -c imgtool%s -f -a '%s'\n", condition.data, words.data);
    text_free(&condition);
    text_free(&words);
}

static void completion_fish(const struct cli_tool *tool, struct text *out)
{
    text_printf(out, "# fish completion for %s; printed by %s --completion fish\n", tool->name,
                tool->name);
    if (tool->own == NULL) {
        fish_options(tool, tool->name, "", out);
        return;
    }
    fish_functions(out);
    fish_options(tool, tool->name, " -n __imgtool_first", out);
    text_printf(out, "complete -c %s -n __imgtool_first -f -a '", tool->name);
    completion_add_words(tool->subcommands(), " ", out);
    text_add(out, "'\n");
    for (size_t i = 0; tool->own[i] != NULL; i++)
        fish_own(tool->own[i], out);
    text_add(out, "complete -c imgtool -n 'not __imgtool_first; and __imgtool_at \"\"' -f -a '");
    completion_add_stages(out);
    text_add(out, "'\n");
    for (size_t i = 0; i < catalogue_count; i++)
        if (catalogue[i].binary != NULL)
            text_printf(out,
                        "complete -c imgtool -n '__imgtool_at %s' -a '(__imgtool_complete %s)'\n",
                        catalogue[i].command, catalogue[i].binary);
}

bool cli_print_completion(const struct cli_tool *tool, const char *shell, struct text *out)
{
    if (strcmp(shell, "bash") == 0)
        completion_bash(tool, out);
    else if (strcmp(shell, "zsh") == 0)
        completion_zsh(tool, out);
    else if (strcmp(shell, "fish") == 0)
        completion_fish(tool, out);
    else
        return false;
    return true;
}
