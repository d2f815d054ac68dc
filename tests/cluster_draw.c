/* Jobs, drawn. */
#include <stdlib.h>

#include "base/random.h"
#include "cluster_input.h"

static const char *const ons[] = {NULL, "", "net", "net.dns,disk", "disk,function"};

static bool one_in(uint64_t *random, uint64_t times) { return random_below(random, times) == 0; }
static uint64_t up_to(uint64_t *random, unsigned bits) { return random_below(random, UINT64_C(2) << random_below(random, bits)); }
static double small_time(uint64_t *random, unsigned digits)
{
    double time = 1;
    for (uint64_t i = 0, times = 1 + random_below(random, digits); i < times; i++)
        time /= 10;
    return time * (0.1 + random_unit(random));
}

static void draw_behaviour(work *one, uint64_t *random)
{
    behaviour *does = &one->does;
    bool may_grow = one->verb == WORK_MAP_UNORDERED || one->verb == WORK_IMAP_UNORDERED;
    does->seed = random_next(random);
    does->failing = one_in(random, 2) ? 0 : one_in(random, 20) ? 1000 : one_in(random, 2) ? 20 : 300;
    does->for_ever = (uint32_t)random_below(random, 3) * 300;
    does->large = one_in(random, 10) ? 20 : 0;
    does->asking = one_in(random, 5) ? 300 : 0;
    does->growing = may_grow && one_in(random, 2) ? 20 + 100 * (uint32_t)random_below(random, 4) : 0;
}

static void draw_options(work *one, uint64_t *random)
{
    rf_options *options = &one->options;
    options->struct_size = sizeof *options;
    options->retry = (rf_retry){.attempts = 1 + (unsigned)random_below(random, 4), .on = ons[random_below(random, 5)],
                                .backoff = one_in(random, 2) ? RF_NONE : small_time(random, 5),
                                .max_delay = one_in(random, 2) ? 0 : small_time(random, 3),
                                .steady = one_in(random, 2) ? RF_ON : RF_UNSET};
    options->chunk_size = one_in(random, 2) ? 0 : 1 + up_to(random, 6);
    if (!options->chunk_size && one_in(random, 4) && one->input != WORK_GENERATOR)
        options->n_splits = 1 + up_to(random, 8);
    options->max_active = one_in(random, 2) ? 0 : 1 + up_to(random, 11);
    options->max_bytes = one_in(random, 2) ? 0 : 1 + up_to(random, 22);
    options->split_size = 16 + up_to(random, 12);
    options->workers = one_in(random, 5) ? 1 + (unsigned)up_to(random, 5) : 0;
    options->seed = one_in(random, 2) ? 0 : 1 + random_below(random, 1000);
    if (one_in(random, 8) && one->input != WORK_LINES && one->input != WORK_RECORDS) {      /* a fraction of a virtual second: who polls does so often */
        int per = (int)random_below(random, 2);
        options->rate_limit = (rf_rate){(4 * (double)one->count + (double)up_to(random, 20)) * (per == RF_MINUTE ? 60 : 1), per};
    }
    if (one_in(random, 12))
        options->timeout = small_time(random, 4);
    if (one_in(random, 10)) {
        options->halt = one_in(random, 2) ? RF_HALT_SOON : RF_HALT_NOW;
        options->halt_count = one_in(random, 2) ? 0 : 1 + up_to(random, 5);
        options->halt_share = one_in(random, 3) ? 0.01 + random_unit(random) / 2 : 0;
    }
    if (one_in(random, 3)) {
        options->executor = RF_FORK;
        options->slots = 1 + (unsigned)random_below(random, 4);
    }
}

static void draw_input(work *one, uint64_t *random, uint64_t most)
{
    one->input = (enum work_input)random_below(random, WORK_INPUTS);
    one->count = one_in(random, 8) ? random_below(random, 4) : up_to(random, 11);
    if (most)
        one->count = most;
    one->start = (int64_t)random_below(random, 2000) - 1000;
    one->step = one_in(random, 2) ? 1 : 1 + (int64_t)random_below(random, 50);
    one->step = one_in(random, 2) ? one->step : -one->step;
    one->large_items = one_in(random, 10) ? 10 : 0;
    one->element = one_in(random, 2) ? 0 : one_in(random, 4) ? 70000 : 1 + random_below(random, 100);
    one->again = one_in(random, 3) ? 1 + up_to(random, 8) + 1 : 0;
    one->fails_at = one_in(random, 8) ? random_below(random, one->count + 1) : UINT64_MAX;
    one->record_size = 1 + random_below(random, 100);
    one->random = random_next(random);
    if (most)
        one->input = most > 2048 ? WORK_RANGE : (enum work_input)(one->input % WORK_LINES);
    if (one->verb == WORK_APPLY) {
        one->input = WORK_VALUES;
        one->count = 1;
    }
    if (one->input == WORK_ARRAY && one->element && one->count > PATTERN / one->element)
        one->count = PATTERN / one->element;
}

static void draw_files(work *one, uint64_t *random)
{
    uint64_t wanted = 1 + random_below(random, 4);
    for (uint64_t f = random_below(random, 4); f < FILES_MADE && one->file_count < wanted; f += 1 + random_below(random, 4))
        if (!input_is_compressed(f) || one->input != WORK_SPLITS)
            one->files[one->file_count++] = f;
}

static void draw_length(work *one, uint64_t *random)
{
    if (one->input != WORK_GENERATOR || one_in(random, 2))
        return;
    one->options.iterable_len = one_in(random, 3) ? RF_ENDLESS : 1 + random_below(random, one->count + 10);
    if (one->options.iterable_len != RF_ENDLESS && one_in(random, 2) && !one->options.chunk_size)
        one->options.n_splits = 1 + up_to(random, 8);
}

void work_draw(work *one, uint64_t *random, uint64_t most)
{
    *one = (work){.verb = (enum work_verb)random_below(random, most ? WORK_APPLY : WORK_VERBS)};
    draw_behaviour(one, random);
    draw_input(one, random, most);
    draw_options(one, random);
    if (one->input >= WORK_LINES)
        draw_files(one, random);
    draw_length(one, random);
    one->prepared = one_in(random, 4);
    one->shares = one_in(random, 4) && !most ? 1 + random_below(random, UINT32_MAX) : 0;
    one->stop_after = one_in(random, 5) && !most ? up_to(random, 8) : UINT64_MAX;
    one->left_open = one_in(random, 2);
    one->dropped = one_in(random, 10) && one->verb != WORK_IMAP && one->verb != WORK_IMAP_UNORDERED;
}
