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

json_t *reuse_find(struct reuse *reuse, struct pool_task *task)
{
    char key[HASH_HEX];
    json_t *known = NULL;
    if (reuse->journal == NULL && reuse->cache == NULL)
        return NULL;
    /* A plan without a key is run, and says best itself what is wrong with its files. */
    if (!work_key(&task->job.plan, key, NULL))
        return NULL;
    task->key = strdup(key);
    if (reuse->journal != NULL)
        known = journal_find(reuse->journal, key, &task->job.plan);
    if (known != NULL || reuse->cache == NULL)
        return known;
    known = cache_get(reuse->cache, key, &task->job.plan);
    if (known != NULL && reuse->journal != NULL)
        journal_add(reuse->journal, key, task->job.name, &task->job.plan, known, NULL);
    return known;
}

bool reuse_keep(struct reuse *reuse, const struct pool_task *task, const json_t *answer,
                struct error *error)
{
    const struct plan *plan = &task->job.plan;
    bool done = true;
    if (task->key == NULL)
        return true;
    if (reuse->cache != NULL && task->outcome.verdict == OUTCOME_DONE)
        done = cache_put(reuse->cache, task->key, plan, answer, error);
    if (reuse->journal != NULL)
        done = journal_add(reuse->journal, task->key, task->job.name, plan, answer, error) && done;
    return done;
}

bool reuse_end(struct reuse *reuse, struct error *error)
{
    if (reuse->cache != NULL)
        cache_close(reuse->cache);
    bool done = journal_close(reuse->journal, error);
    *reuse = (struct reuse){0};
    return done;
}
