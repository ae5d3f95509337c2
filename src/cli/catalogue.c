/* SPDX-License-Identifier: MIT */
#include "cli/catalogue.h"

#include <string.h>

const struct catalogue_entry catalogue[] = {
    {"crop", "imgcrop", "crop to the content, with padding", true},
    {"shadow", "imgshadow", "put a soft shadow under a cutout", true},
    {"resize", "imgresize", "resize, to many sizes from one decode, and convert formats", true},
    {"info", "imginfo", "say what an image is, without decoding it", false},
    {"colorxfer", "colorxfer", "give an image the colours of another, or one target colour", true},
    {"deltae", "deltae", "measure colour differences of colours, lists and images", false},
    {"ralmatch", "ralmatch", "find the nearest RAL colours", false},
    {"palette", "imgpalette", "extract the dominant colours of an image", false},
    {"pipe", NULL, "run several commands as one pipeline", false},
    {"run", NULL, "run a recipe, a plan in a text file", false},
    {"batch", NULL, "run many jobs, each of them safely", false},
    {"cache", NULL, "look after the cache of batches", false},
    {"doctor", NULL, "check the installation", false},
    {"schema", NULL, "print the JSON Schema of what the commands print", false},
    {"list", NULL, "list the commands", false},
    {"help", NULL, "show the help of a command", false},
};

const size_t catalogue_count = sizeof catalogue / sizeof catalogue[0];

const struct catalogue_entry *catalogue_find(const char *name)
{
    for (size_t i = 0; i < catalogue_count; i++)
        if (strcmp(catalogue[i].command, name) == 0 ||
            (catalogue[i].binary != NULL && strcmp(catalogue[i].binary, name) == 0))
            return &catalogue[i];
    return NULL;
}

const char *const *catalogue_commands(void)
{
    static const char *commands[sizeof catalogue / sizeof catalogue[0] + 1];
    for (size_t i = 0; i < catalogue_count; i++)
        commands[i] = catalogue[i].command;
    return commands;
}
