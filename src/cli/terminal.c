/* SPDX-License-Identifier: MIT */
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool terminal_shows_color(const struct cli_run *run)
{
    const struct cli_common *options = run->options;
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if (options->json || (options->output != NULL && strcmp(options->output, "-") != 0))
        return false;
    /* no-color.org: set and not empty. */
    if ((no_color != NULL && *no_color != '\0') || term == NULL || strcmp(term, "dumb") == 0)
        return false;
    return isatty(STDOUT_FILENO) == 1;
}

void terminal_add_swatch(struct text *text, uint32_t rgb)
{
    text_printf(text, "\033[48;2;%u;%u;%um  \033[0m ", (unsigned)(rgb >> 16 & 255),
                (unsigned)(rgb >> 8 & 255), (unsigned)(rgb & 255));
}
