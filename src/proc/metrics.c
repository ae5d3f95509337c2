/* SPDX-License-Identifier: MIT */
#include "proc/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/outfile.h"
#include "base/sink.h"

static const double bounds_s[METRICS_BUCKETS - 1] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                     1,     2.5,  5,     10,   30,  60};

void metrics_note_duration(struct metrics *metrics, double elapsed_ms)
{
    size_t i = 0;
    while (i < METRICS_BUCKETS - 1 && elapsed_ms / 1000 > bounds_s[i])
        i++;
    metrics->durations[i]++;
    metrics->duration_sum_s += elapsed_ms / 1000;
}

uint64_t metrics_failed(const struct metrics *metrics)
{
    uint64_t sum = 0;
    for (int i = 0; i < ERROR_KIND_COUNT; i++)
        sum += metrics->failed[i];
    return sum;
}

uint64_t metrics_answered(const struct metrics *metrics)
{
    return metrics->passed + metrics->refused + metrics_failed(metrics);
}

static void add_head(struct text *out, const char *name, const char *type, const char *help)
{
    text_printf(out, "# HELP imgtool_batch_%s %s\n# TYPE imgtool_batch_%s %s\n", name, help, name,
                type);
}

static void add_value(struct text *out, const char *name, const char *type, const char *help,
                      uint64_t value)
{
    add_head(out, name, type, help);
    text_printf(out, "imgtool_batch_%s %" PRIu64 "\n", name, value);
}

static void add_jobs(struct text *out, const char *result, const char *kind, uint64_t count)
{
    text_printf(out, "imgtool_batch_jobs_total{result=\"%s\",kind=\"%s\"} %" PRIu64 "\n", result,
                kind, count);
}

/* Two kinds may share a name, which is what is counted. */
static void add_failures(struct text *out, const struct metrics *metrics)
{
    bool told[ERROR_KIND_COUNT] = {false};
    for (int i = 1; i < ERROR_KIND_COUNT; i++) {
        const char *name = error_kind_name((enum error_kind)i);
        uint64_t count = 0;
        if (told[i])
            continue;
        for (int k = i; k < ERROR_KIND_COUNT; k++)
            if (strcmp(name, error_kind_name((enum error_kind)k)) == 0) {
                count += metrics->failed[k];
                told[k] = true;
            }
        add_jobs(out, i == ERROR_CANCELLED ? "cancelled" : "failed", name, count);
    }
}

static void add_durations(struct text *out, const struct metrics *metrics)
{
    uint64_t sum = 0;
    add_head(out, "job_duration_seconds", "histogram",
             "Time from the start of a job to its end, of jobs that were run.");
    for (int i = 0; i < METRICS_BUCKETS; i++) {
        char bound[20] = "+Inf";
        sum += metrics->durations[i];
        if (i < METRICS_BUCKETS - 1)
            snprintf(bound, sizeof bound, "%g", bounds_s[i]);
        text_printf(out, "imgtool_batch_job_duration_seconds_bucket{le=\"%s\"} %" PRIu64 "\n",
                    bound, sum);
    }
    text_printf(out, "imgtool_batch_job_duration_seconds_sum %.6f\n", metrics->duration_sum_s);
    text_printf(out, "imgtool_batch_job_duration_seconds_count %" PRIu64 "\n", sum);
}

/* Of this process itself; 0 where it cannot be told. */
static uint64_t resident_bytes(void)
{
    unsigned long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu %lu", &all, &resident) != 2)
        resident = 0;
    fclose(file);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void metrics_print(const struct metrics *metrics, struct text *out)
{
    add_head(out, "jobs_total", "counter", "Jobs answered, by result and kind of failure.");
    add_jobs(out, "ok", "", metrics->passed);
    add_jobs(out, "no", "", metrics->refused);
    add_failures(out, metrics);
    add_durations(out, metrics);
    add_value(out, "cache_hits_total", "counter", "Jobs answered from the journal or the cache.",
              metrics->cached);
    add_value(out, "retries_total", "counter", "Further attempts.", metrics->retries);
    add_value(out, "skipped_total", "counter", "Jobs left to other shards.", metrics->skipped);
    add_value(out, "queue", "gauge", "Jobs that wait.", metrics->waiting);
    add_value(out, "running", "gauge", "Jobs that run.", metrics->running);
    add_value(out, "memory_reserved_bytes", "gauge", "Memory that running jobs have reserved.",
              metrics->reserved_bytes);
    add_value(out, "stage_max_resident_bytes", "gauge", "Peak memory of the largest stage so far.",
              metrics->max_rss_bytes);
    add_value(out, "resident_bytes", "gauge", "Memory of imgtool itself.", resident_bytes());
}

bool metrics_store(const struct text *text, const char *path, struct error *error)
{
    struct outfile file;
    struct sink sink;
    if (text->failed)
        return error_set(error, ERROR_NO_MEMORY, "out of memory");
    if (!outfile_open(&file, path, 0, error))
        return false;
    sink_to_fd(&sink, file.fd);
    bool done = sink_write(&sink, text->data, text->length) && sink_flush(&sink);
    if (done) {
        done = outfile_commit(&file, error);
    } else {
        error_set(error, sink.error.kind, "%s", sink.error.message);
        outfile_discard(&file);
    }
    sink_free(&sink);
    return done;
}
