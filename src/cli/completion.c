/* SPDX-License-Identifier: MIT */
/* Completions for bash, zsh and fish from a tool's tables. */
#include <stdio.h>
#include <string.h>

#include "cli/tool.h"

/* The options whose value is not completed by the shell itself. */
static bool takes_free_text(const struct option_entry *entry)
{
    return entry->type != OPTION_FLAG && entry->type != OPTION_CHOICE &&
           entry->type != OPTION_FILE && entry->type != OPTION_DIR;
}

static void add_words(const char *const *words, const char *between, struct text *out)
{
    for (size_t i = 0; words[i] != NULL; i++)
        text_printf(out, "%s%s", i == 0 ? "" : between, words[i]);
}

/* "--output|-o" */
static void add_pattern(const struct option_entry *entry, struct text *out)
{
    text_printf(out, "--%s", entry->name);
    if (entry->letter != 0)
        text_printf(out, "|-%c", entry->letter);
}

static void bash_cases(const struct option_set *set, struct text *out)
{
    bool any = false;
    OPTION_FOR_EACH(set, table, entry) {
        if (entry->type == OPTION_CHOICE) {
            text_add(out, "    ");
            add_pattern(entry, out);
            text_add(out, ") COMPREPLY=($(compgen -W '");
            add_words(entry->choices, " ", out);
            text_add(out, "' -- \"$word\")); return ;;\n");
        } else if (entry->type == OPTION_DIR || entry->type == OPTION_FILE) {
            text_add(out, "    ");
            add_pattern(entry, out);
            text_printf(out,
                        ") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -%c -- \"$word\")"
                        "; return ;;\n",
                        entry->type == OPTION_DIR ? 'd' : 'f');
        }
    }
    OPTION_FOR_EACH(set, table, entry) {
        if (!takes_free_text(entry))
            continue;
        text_add(out, any ? "|" : "    ");
        add_pattern(entry, out);
        any = true;
    }
    if (any)
        text_add(out, ") return ;;\n");
}

static void completion_bash(const struct cli_tool *tool, const struct option_set *set,
                            struct text *out)
{
    text_printf(out, "# bash completion for %s; printed by %s --completion bash\n", tool->name,
                tool->name);
    text_printf(out, "_%s() {\n    local word=${COMP_WORDS[COMP_CWORD]}", tool->name);
    text_add(out, " before=${COMP_WORDS[COMP_CWORD-1]}\n    COMPREPLY=()\n    case $before in\n");
    bash_cases(set, out);
    text_add(out, "    esac\n    if [[ $word == -* ]]; then\n        COMPREPLY=($(compgen -W '");
    OPTION_FOR_EACH(set, table, entry)
        if (entry->name != NULL)
            text_printf(out, "--%s ", entry->name);
    text_add(out, "-h' -- \"$word\"))\n");
    if (tool->subcommands != NULL) {
        text_add(out, "    elif ((COMP_CWORD == 1)); then\n        COMPREPLY=($(compgen -W '");
        add_words(tool->subcommands(), " ", out);
        text_add(out, "' -- \"$word\"))\n");
    }
    text_add(out, "    else\n        compopt -o filenames\n"
                  "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n    fi\n}\n");
    text_printf(out, "complete -F _%s %s\n", tool->name, tool->name);
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
        add_words(entry->choices, " ", out);
        text_add(out, ")");
    }
}

static void completion_zsh(const struct cli_tool *tool, const struct option_set *set,
                           struct text *out)
{
    text_printf(out, "#compdef %s\n# printed by %s --completion zsh\n_arguments -s -S \\\n",
                tool->name, tool->name);
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
    if (tool->subcommands != NULL) {
        text_add(out, "    '1:command:(");
        add_words(tool->subcommands(), " ", out);
        text_add(out, ")' \\\n");
    }
    text_add(out, "    '*:file:_files'\n");
}

static void completion_fish(const struct cli_tool *tool, const struct option_set *set,
                            struct text *out)
{
    text_printf(out, "# fish completion for %s; printed by %s --completion fish\n", tool->name,
                tool->name);
    OPTION_FOR_EACH(set, table, entry) {
        text_printf(out, "complete -c %s", tool->name);
        if (entry->name != NULL)
            text_printf(out, " -l %s", entry->name);
        if (entry->letter != 0)
            text_printf(out, " -s %c", entry->letter);
        if (entry->type == OPTION_CHOICE) {
            text_add(out, " -x -a '");
            add_words(entry->choices, " ", out);
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
    if (tool->subcommands != NULL) {
        text_printf(out, "complete -c %s -n __fish_use_subcommand -f -a '", tool->name);
        add_words(tool->subcommands(), " ", out);
        text_add(out, "'\n");
    }
}

bool cli_print_completion(const struct cli_tool *tool, const char *shell, struct text *out)
{
    struct option_set set;
    cli_option_set(tool, &set);
    if (strcmp(shell, "bash") == 0)
        completion_bash(tool, &set, out);
    else if (strcmp(shell, "zsh") == 0)
        completion_zsh(tool, &set, out);
    else if (strcmp(shell, "fish") == 0)
        completion_fish(tool, &set, out);
    else
        return false;
    return true;
}
