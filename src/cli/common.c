/* SPDX-License-Identifier: MIT */
/* The options that the tools share. */
#include "base/slots.h"
#include "cli/tool.h"
#include "cli/values.h"

#define FIELD(name) offsetof(struct cli_common, name)

static const char *const format_choices[] = {"auto", "png", "jpeg", "webp", "pam", NULL};
static const char *const metadata_choices[] = {"drop", "keep", NULL};

static const struct option_entry input_entries[] = {
    {"input", 'i', .brief = true, OPTION_FILE, "FILE", "-", .offset = FIELD(input),
     .help = "read FILE, whatever its name looks like; - is stdin"},
};

static const struct option_entry output_entries[] = {
    {"output", 'o', .brief = true, OPTION_FILE, "FILE", "-", .offset = FIELD(output),
     .help = "write FILE, which appears whole or not at all; - is stdout"},
    {"no-clobber", 0, .type = OPTION_FLAG, .offset = FIELD(no_clobber),
     .help = "refuse to replace an existing file"},
    {"mkdir", 0, .type = OPTION_FLAG, .offset = FIELD(mkdir),
     .help = "create missing directories of the output"},
};

static const struct option_entry replace_entries[] = {
    {"in-place", 0, .type = OPTION_FLAG, .offset = FIELD(in_place),
     .help = "allow the output to replace the input; without -o it does"},
    {"dry-run", 0, .type = OPTION_FLAG, .offset = FIELD(dry_run),
     .help = "say what would be written, and write nothing"},
};

static const struct option_entry format_entries[] = {
    {"format", 'f', .brief = true, OPTION_CHOICE, "FORMAT", "auto", .choices = format_choices,
     .offset = FIELD(format),
     .help = "output format; auto goes by the extension of the output, else by the input"},
    {"quality", 0, .brief = true, OPTION_INTEGER, "N", NULL, 1, 100, .offset = FIELD(quality),
     .help = "quality of JPEG (85) and lossy WebP (80)"},
    {"lossless", 0, .type = OPTION_FLAG, .offset = FIELD(lossless),
     .help = "lossless WebP"},
    {"effort", 0, .type = OPTION_INTEGER, "N", NULL, 0, 9, .offset = FIELD(effort),
     .help = "0 writes fastest, 9 smallest; each format has its own default"},
    {"exact", 0, .type = OPTION_FLAG, .offset = FIELD(exact),
     .help = "keep the colour of fully transparent pixels instead of writing 0"},
};

static const struct option_entry flatten_entries[] = {
    {"background", 0, .type = OPTION_CUSTOM, "COLOR", "white", .offset = FIELD(background),
     .parse = value_background,
     .help = "flatten transparency on COLOR; formats without alpha always do"},
};

static const struct option_entry decode_entries[] = {
    {"metadata", 0, .type = OPTION_CHOICE, "WHAT", "drop", .choices = metadata_choices,
     .offset = FIELD(metadata), .help = "EXIF and XMP; the ICC profile is always kept"},
    {"frame", 0, .type = OPTION_INTEGER, "N", NULL, 1, 1e6, .offset = FIELD(frame),
     .help = "take the N-th frame of an animated image, which is refused otherwise"},
    {"lenient", 0, .type = OPTION_FLAG, .offset = FIELD(lenient),
     .help = "take what can be decoded of damaged input, with a warning"},
    {"require-sandbox", 0, .type = OPTION_FLAG, .offset = FIELD(require_sandbox),
     .help = "fail where the process cannot give up every right that it does not need"},
};

static const struct option_entry limit_entries[] = {
    {"max-pixels", 0, .type = OPTION_INTEGER, "N", "50000000", 1, 4294836225.,
     .offset = FIELD(max_pixels), .environment = "IMGTOOL_MAX_PIXELS",
     .help = "refuse images of more pixels"},
    {"max-dimension", 0, .type = OPTION_INTEGER, "N", "16384", 1, 65535,
     .offset = FIELD(max_dimension), .environment = "IMGTOOL_MAX_DIMENSION",
     .help = "refuse images that are wider or higher"},
    {"max-input-bytes", 0, .type = OPTION_BYTES, "SIZE", "64M", 1, 1e15,
     .offset = FIELD(max_input_bytes), .environment = "IMGTOOL_MAX_INPUT_BYTES",
     .help = "refuse larger files; raw PAM that keeps the other limits may be larger"},
    {"threads", 0, .type = OPTION_INTEGER, "N", NULL, 1, 64, .offset = FIELD(threads),
     .environment = "IMGTOOL_THREADS",
     .help = "threads of one command; the default is the processors it may use; at most one for "
             "every 32 MiB of --memory"},
};

static const struct option_entry memory_entries[] = {
    {"memory", 0, .type = OPTION_BYTES, "SIZE", "1G", 33554432., 1e15,
     .offset = FIELD(memory_bytes), .environment = "IMGTOOL_MEMORY",
     .help = "address space that the process may take"},
};

static const struct option_entry timeout_entries[] = {
    {"timeout", 0, .type = OPTION_DURATION, "TIME", NULL, 1, 8.64e7, .offset = FIELD(timeout_ms),
     .environment = "IMGTOOL_TIMEOUT", .help = "give up after TIME, with exit status 124"},
};

static const struct option_entry root_entries[] = {
    {"root", 0, .type = OPTION_DIR, .metavar = "DIR", .offset = FIELD(root),
     .help = "confine every file named here, read or written, to DIR: names are relative to it"},
};

static const struct option_entry slot_entries[] = {
    {"slots", 0, .type = OPTION_INTEGER, "N", NULL, 1, SLOTS_MOST, .offset = FIELD(slots),
     .environment = "IMGTOOL_SLOTS",
     .help = "run at most N commands at once on this machine, whoever started them"},
    {"slots-dir", 0, .type = OPTION_DIR, "DIR", NULL, .offset = FIELD(slots_dir),
     .environment = "IMGTOOL_SLOTS_DIR",
     .help = "where those who share the slots meet; the default is imgtool/ in the user's runtime "
             "directory, else /tmp/imgtool-UID"},
    {"slot-wait", 0, .type = OPTION_DURATION, "TIME", "30s", 0, 8.64e7,
     .offset = FIELD(slot_wait_ms),
     .help = "wait so long for a slot, then give up with exit status 75; --timeout counts the "
             "waiting too"},
};

static const struct option_entry report_entries[] = {
    {"json", 0, .brief = true, OPTION_FLAG, .offset = FIELD(json),
     .help = "write one JSON object to stdout: on success and on failure"},
    {"report-fd", 0, .type = OPTION_INTEGER, "N", NULL, 0, 1e6, .offset = FIELD(report_fd),
     .help = "write that object to descriptor N"},
    {"request-id", 0, .type = OPTION_TEXT, "ID", NULL, .offset = FIELD(request_id),
     .environment = "IMGTOOL_REQUEST_ID", .help = "name this run in messages and in the object"},
    {"quiet", 'q', .type = OPTION_FLAG, .offset = FIELD(quiet), .help = "no warnings"},
    {"verbose", 'v', .type = OPTION_FLAG, .offset = FIELD(verbose), .help = "explain what is done"},
    {NULL, 'h', .type = OPTION_FLAG, .offset = FIELD(short_help), .help = "a short help"},
    {"help", 0, .brief = true, OPTION_FLAG, .offset = FIELD(help), .help = "the complete help; with --json the same for programs"},
    {"version", 'V', .type = OPTION_FLAG, .offset = FIELD(version),
     .help = "name and version; with --json also those of the libraries"},
    {"completion", 0, .type = OPTION_TEXT, "SHELL", NULL, .offset = FIELD(completion),
     .help = "print the completions for bash, zsh or fish"},
    {"manual", 0, .type = OPTION_FLAG, .offset = FIELD(manual),
     .help = "print the manual page, for man -l -"},
};

const struct option_table cli_common_tables[] = {
    {"Input", input_entries, CLI_COUNT(input_entries)},
    {"Output", output_entries, CLI_COUNT(output_entries)},
    {"Replacing files", replace_entries, CLI_COUNT(replace_entries)},
    {"Format", format_entries, CLI_COUNT(format_entries)},
    {"Flattening", flatten_entries, CLI_COUNT(flatten_entries)},
    {"Reading", decode_entries, CLI_COUNT(decode_entries)},
    {"Limits of images", limit_entries, CLI_COUNT(limit_entries)},
    {"Limit of memory", memory_entries, CLI_COUNT(memory_entries)},
    {"Limit of time", timeout_entries, CLI_COUNT(timeout_entries)},
    {"Limit of files", root_entries, CLI_COUNT(root_entries)},
    {"Sharing the machine", slot_entries, CLI_COUNT(slot_entries)},
    {"Reports", report_entries, CLI_COUNT(report_entries)},
};

const unsigned cli_common_table_count = CLI_COUNT(cli_common_tables);

void cli_option_set(const struct cli_tool *tool, struct option_set *set)
{
    *set = (struct option_set){0};
    if (tool->options.count > 0)
        set->tables[set->table_count++] = &tool->options;
    for (unsigned i = 0; i < cli_common_table_count; i++)
        if (((tool->groups | CLI_REPORT) >> i & 1) != 0)
            set->tables[set->table_count++] = &cli_common_tables[i];
}
