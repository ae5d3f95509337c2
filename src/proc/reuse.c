/* SPDX-License-Identifier: MIT */
#include "proc/reuse.h"

#include <string.h>

#include "proc/work_key.h"

bool reuse_begin(struct reuse *reuse, const struct reuse_places *places, struct error *error)
{
    *reuse = (struct reuse){0};
    if (places->journal != NULL &&
        !journal_open(&reuse->journal, places->journal, places->resume, error))
        return false;
    if (places->cache == NULL ||
        cache_open(&reuse->cache, places->cache, places->cache_bytes, error))
        return true;
    reuse_end(reuse, NULL);
    return false;
}

/* What is not in the journal is a warning now, and the end of the batch says so. */
static void note(struct reuse *reuse, const struct pool_task *task, const json_t *answer,
                 struct error *warning)
{
    struct error error = {0};
    if (reuse->journal == NULL || journal_add(reuse->journal, task->key, task->job.name,
                                              &task->job.plan, answer, &error))
        return;
    reuse->lost = reuse->lost.kind == ERROR_NONE ? error : reuse->lost;
    *warning = error;
}

json_t *reuse_find(struct reuse *reuse, struct pool_task *task, struct error *warning)
{
    char key[HASH_HEX];
    json_t *known = NULL;
    /* A plan without a key is run, and says best itself what is wrong with its files. */
    if (!work_key(&task->job.plan, key, NULL))
        return NULL;
    task->key = strdup(key);
    if (task->key == NULL)
        return NULL;
    if (reuse->journal != NULL)
        known = journal_find(reuse->journal, key, &task->job.plan);
    if (known != NULL || reuse->cache == NULL)
        return known;
    known = cache_get(reuse->cache, key, &task->job.plan);
    if (known != NULL)
        note(reuse, task, known, warning);
    return known;
}

void reuse_keep(struct reuse *reuse, const struct pool_task *task, const json_t *answer,
                struct error *warning)
{
    if (reuse->cache != NULL && json_is_true(json_object_get(answer, "passed")))
        cache_put(reuse->cache, task->key, &task->job.plan, answer, warning);
    note(reuse, task, answer, warning);
}

void reuse_sync(struct reuse *reuse, struct error *warning)
{
    if (reuse->journal == NULL || journal_sync(reuse->journal, warning))
        return;
    reuse->lost = reuse->lost.kind == ERROR_NONE ? *warning : reuse->lost;
}

bool reuse_end(struct reuse *reuse, struct error *error)
{
    if (reuse->cache != NULL)
        cache_close(reuse->cache);
    bool done = journal_close(reuse->journal, error) && reuse->lost.kind == ERROR_NONE;
    if (!done && error != NULL && error->kind == ERROR_NONE)
        *error = reuse->lost;
    if (!done)
        error_hint(error, "the jobs that it does not have are done again by --resume");
    *reuse = (struct reuse){0};
    return done;
}
