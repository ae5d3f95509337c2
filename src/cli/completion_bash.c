/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/catalogue.h"
#include "cli/completion_parts.h"

/* The options whose value is not completed by the shell itself. */
static bool takes_free_text(const struct option_entry *entry)
{
    return entry->type != OPTION_FLAG && entry->type != OPTION_CHOICE &&
           entry->type != OPTION_FILE && entry->type != OPTION_DIR;
}

static void bash_cases(const struct option_set *set, struct text *out)
{
    bool any = false;
    OPTION_FOR_EACH(set, table, entry) {
        if (entry->type == OPTION_CHOICE) {
            text_add(out, "    ");
            completion_add_pattern(entry, out);
            text_add(out, ") COMPREPLY=($(compgen -W '");
            completion_add_words(entry->choices, " ", out);
            text_add(out, "' -- \"$word\")); return ;;\n");
        } else if (entry->type == OPTION_DIR || entry->type == OPTION_FILE) {
            text_add(out, "    ");
            completion_add_pattern(entry, out);
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
        completion_add_pattern(entry, out);
        any = true;
    }
    if (any)
        text_add(out, ") return ;;\n");
}

/* Sets AT to where the last stage begins that is before the cursor, or behind the cursor where an
 * option of TOOL waits for its value; and leaves a stage that has begun to its command. */
static void bash_stages(const struct option_set *set, struct text *out)
{
    text_add(out, "    local at=1 i\n"
                  "    while ((at < COMP_CWORD)) && [[ ${COMP_WORDS[at]} == -* ]]; do\n"
                  "        [[ ${COMP_WORDS[at+1]} != = ]] || ((at += 1))\n"
                  "        case ${COMP_WORDS[at]} in\n"
                  "        =");
    OPTION_FOR_EACH(set, table, entry)
        if (entry->name != NULL && entry->type != OPTION_FLAG && !entry->many) {
            text_add(out, "|");
            completion_add_pattern(entry, out);
        }
    text_add(out, ") ((at += 1)) ;;\n");
    OPTION_FOR_EACH(set, table, entry)
        if (entry->many) {
            text_add(out, "        ");
            completion_add_pattern(entry, out);
            text_add(out, ") while ((at < COMP_CWORD)) && [[ ${COMP_WORDS[at+1]} != -* ]]; do "
                          "((at += 1)); done ;;\n");
        }
    text_add(out, "        esac\n"
                  "        ((at += 1))\n"
                  "    done\n"
                  "    for ((i = at; i < COMP_CWORD; i++)); do\n"
                  "        [[ ${COMP_WORDS[i]} != : ]] || ((at = i + 1))\n"
                  "    done\n"
                  "    if ((at < COMP_CWORD)); then _imgtool_part $at; return; fi\n");
}

/* Completes what stands behind a command as the command's own completion does, which the command
 * prints where the shell has not loaded it. */
static void bash_part(struct text *out)
{
    text_add(out, "# Completes the words behind that of number $1, a command.\n"
                  "_imgtool_part() {\n    local name\n    case ${COMP_WORDS[$1]} in\n");
    for (size_t i = 0; i < catalogue_count; i++) {
        const struct catalogue_entry *entry = &catalogue[i];
        if (entry->binary == NULL)
            text_printf(out, "    %s) name=_imgtool_%s ;;\n", entry->command, entry->command);
        else if (strcmp(entry->command, entry->binary) == 0)
            text_printf(out, "    %s) name=_%s ;;\n", entry->command, entry->binary);
        else
            text_printf(out, "    %s|%s) name=_%s ;;\n", entry->command, entry->binary,
                        entry->binary);
    }
    text_add(out, "    *) return ;;\n    esac\n"
                  "    declare -F $name > /dev/null ||\n"
                  "        source <(\"${COMP_WORDS[0]/#\\~/$HOME}\" \"${COMP_WORDS[$1]}\" "
                  "--completion bash 2> /dev/null)\n"
                  "    declare -F $name > /dev/null || return\n"
                  "    local COMP_WORDS=(\"${COMP_WORDS[0]}\" \"${COMP_WORDS[@]:$1+1}\") "
                  "COMP_CWORD=$((COMP_CWORD - $1))\n"
                  "    $name\n}\n");
}

/* What is completed where no option is: words in their place, else files. */
static void bash_operands(const struct cli_tool *tool, struct text *out)
{
    struct text words = {0};
    const char *place = tool->own != NULL ? "COMP_CWORD == 1" : "at == COMP_CWORD";
    bool everywhere = tool->own == NULL && !tool->stop_at_operand;
    if (tool->own != NULL)
        completion_add_words(tool->subcommands(), " ", &words);
    else
        completion_add_operands(tool, &words);
    if (words.length > 0) {
        if (everywhere)
            text_add(out, "    else\n");
        else
            text_printf(out, "    elif ((%s)); then\n", place);
        text_printf(out, "        COMPREPLY=($(compgen -W '%s' -- \"$word\"))\n", words.data);
    }
    if (words.length == 0 || !everywhere)
        text_add(out, "    else\n        compopt -o filenames\n"
                      "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n");
    text_add(out, "    fi\n}\n");
    text_free(&words);
}

static void bash_function(const struct cli_tool *tool, struct text *out)
{
    struct option_set set;
    cli_option_set(tool, &set);
    completion_add_function(tool, out);
    text_add(out, "() {\n    local word=${COMP_WORDS[COMP_CWORD]}"
                  " before=${COMP_WORDS[COMP_CWORD-1]}\n"
                  "    if [[ $word == = ]]; then word=\n" /* --name=WORD is three words */
                  "    elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
                  "    COMPREPLY=()\n");
    if (tool->own != NULL)
        text_add(out, "    if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} != -* ]]; then "
                      "_imgtool_part 1; return; fi\n");
    else if (tool->stop_at_operand)
        bash_stages(&set, out);
    text_add(out, "    case $before in\n");
    bash_cases(&set, out);
    text_add(out, "    esac\n    if [[ $word == -* ]]; then\n        COMPREPLY=($(compgen -W '");
    OPTION_FOR_EACH(&set, table, entry)
        if (entry->name != NULL)
            text_printf(out, "--%s ", entry->name);
    text_add(out, "-h' -- \"$word\"))\n");
    bash_operands(tool, out);
}

void completion_bash(const struct cli_tool *tool, struct text *out)
{
    text_printf(out, "# bash completion for %s; printed by %s --completion bash\n", tool->name,
                tool->name);
    for (size_t i = 0; tool->own != NULL && tool->own[i] != NULL; i++)
        bash_function(tool->own[i], out);
    if (tool->own != NULL)
        bash_part(out);
    bash_function(tool, out);
    text_printf(out, "complete -F _%s %s\n", tool->name, tool->name);
}
