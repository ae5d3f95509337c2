/* SPDX-License-Identifier: MIT */
/* Flows: bands are read in order, never too far ahead, and each worked on once. Nobody waits where
 * there is work. */
#include "base/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "tap.h"

enum { BANDS = 500, MOST_THREADS = 5 };

struct state {
    const struct threads_flow *flow;
    size_t fail_source, fail_band;
    atomic_size_t read[THREADS_SOURCES], works;
    size_t slot[THREADS_SOURCES][THREADS_SLOTS]; /* the band that lies there */
    atomic_int worked[BANDS], reading[THREADS_SOURCES], lanes[MOST_THREADS];
    atomic_int wrong;
};

/* Something that takes a while, more for some bands than for others; by threads of its own. */
static void part(void *context, size_t index)
{
    atomic_size_t *sum = context;
    for (size_t i = 0; i < 200 * (index % 7); i++)
        atomic_fetch_add(sum, i);
}

static void dawdle(size_t band)
{
    atomic_size_t sum = 0;
    threads_for(2, band % 5, part, &sum);
}

static bool read_band(void *context, size_t source, size_t band)
{
    struct state *state = context;
    size_t slots = state->flow->slots;
    state->wrong += atomic_fetch_add(&state->reading[source], 1) != 0;
    state->wrong += atomic_fetch_add(&state->read[source], 1) != band;
    state->wrong += band >= slots && state->worked[band - slots] != 1;
    dawdle(band + source);
    state->slot[source][band % slots] = band;
    atomic_fetch_sub(&state->reading[source], 1);
    return source != state->fail_source || band != state->fail_band;
}

static void work_band(void *context, size_t band, size_t lane)
{
    struct state *state = context;
    for (size_t i = 0; i < state->flow->sources; i++)
        state->wrong += state->slot[i][band % state->flow->slots] != band;
    state->wrong += atomic_fetch_add(&state->lanes[lane], 1) != 0;
    dawdle(3 * band);
    atomic_fetch_add(&state->works, 1);
    state->worked[band]++;
    atomic_fetch_sub(&state->lanes[lane], 1);
}

static void test_flow(size_t bands, size_t sources, size_t slots, unsigned threads,
                      size_t fail_source, size_t fail_band)
{
    static struct state state;
    struct threads_flow flow = {.bands = bands,
                                .sources = sources,
                                .slots = slots,
                                .read = read_band,
                                .work = work_band,
                                .context = &state};
    memset(&state, 0, sizeof state);
    state.flow = &flow;
    state.fail_source = fail_source;
    state.fail_band = fail_band;
    bool fails = fail_source < sources && fail_band < bands, good = threads_flow(&flow, threads);
    size_t wrong = (size_t)state.wrong;
    for (size_t i = 0; i < bands; i++)
        wrong += fails ? state.worked[i] > (i < fail_band) : state.worked[i] != 1;
    tap_ok(good == !fails && wrong == 0, "%zu bands of %zu sources in %zu slots, %u threads%s",
           bands, sources, slots, threads, fails ? ", one cannot be read" : "");
}

/* True when COUNT threads have come, or after all too long a time. */
static bool meet(atomic_int *come, int count)
{
    struct timespec pause = {.tv_nsec = 1000000};
    atomic_fetch_add(come, 1);
    for (int i = 0; i < 10000 && *come < count; i++)
        nanosleep(&pause, NULL);
    return *come >= count;
}

struct meeting {
    pthread_t caller;
    atomic_int outer, inner, met;
};

static void meet_inside(void *context, size_t index)
{
    struct meeting *meeting = context;
    (void)index;
    meeting->met += meet(&meeting->inner, 2);
}

/* One part each for two threads. The caller's own does nothing more. */
static void meet_outside(void *context, size_t index)
{
    struct meeting *meeting = context;
    (void)index;
    meeting->met += meet(&meeting->outer, 2);
    if (!pthread_equal(pthread_self(), meeting->caller))
        threads_for(2, 2, meet_inside, meeting);
}

static void test_waiting(void)
{
    struct meeting meeting = {.caller = pthread_self()};
    threads_for(2, 2, meet_outside, &meeting);
    tap_ok(meeting.met == 4, "who waits for a part helps with the parts of that");
}

int main(void)
{
    test_waiting();
    static const size_t slots[] = {1, 2, 6, THREADS_SLOTS};
    for (unsigned threads = 1; threads <= MOST_THREADS; threads++)
        for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
            test_flow(BANDS, 1, slots[i], threads, THREADS_SOURCES, 0);
            test_flow(BANDS, 2, slots[i], threads, THREADS_SOURCES, 0);
            test_flow(BANDS, 2, slots[i], threads, 1, BANDS / 2);
            test_flow(1, 2, slots[i], threads, THREADS_SOURCES, 0);
        }
    test_flow(0, 2, 4, 2, THREADS_SOURCES, 0);
    test_flow(3, 1, 4, 2, 0, 0);
    return tap_done();
}
