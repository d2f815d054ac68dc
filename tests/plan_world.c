/* What happens in a trial: see plan_world.h. */
#include "plan_world.h"

#include <check.h>

#include "plan_trial.h"

#define EVENTS_MOST 4000000         /* then it will never end */

/* ---- events ---- */

static bool event_before(const event *a, const event *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

void event_add(world *in, double at, event what)
{
    if (in->event_count == in->event_most) {
        in->event_most = in->event_most ? in->event_most * 2 : 256;
        in->events = realloc(in->events, in->event_most * sizeof *in->events);
        ck_assert_ptr_nonnull(in->events);
    }
    what.at = at;
    what.order = in->order++;
    uint32_t i = in->event_count++;
    for (; i && event_before(&what, &in->events[(i - 1) / 2]); i = (i - 1) / 2)
        in->events[i] = in->events[(i - 1) / 2];
    in->events[i] = what;
}

static event event_take(world *in)
{
    event first = in->events[0], last = in->events[--in->event_count];
    uint32_t i = 0;
    for (uint32_t child; (child = 2 * i + 1) < in->event_count; i = child) {
        if (child + 1 < in->event_count && event_before(&in->events[child + 1], &in->events[child]))
            child++;
        if (!event_before(&in->events[child], &last))
            break;
        in->events[i] = in->events[child];
    }
    if (in->event_count)
        in->events[i] = last;
    return first;
}

/* ---- workers ---- */

bool may_be_begun(const world *in, const world_worker *w, uint32_t which)
{
    const world_job *its = job_of((world *)(uintptr_t)in, w->tasks[which].run.job);
    bool forks = its->as.settled.executor == RF_FORK;
    uint32_t before = 0;
    for (uint32_t i = 0; i < which; i++) {
        const world_job *j = job_of((world *)(uintptr_t)in, w->tasks[i].run.job);
        before += forks ? j == its : j->as.settled.executor != RF_FORK;
    }
    return before < (forks ? slots_of(its) : 1);
}

void begin_next(world *in, uint32_t who, double after)
{
    world_worker *w = &in->workers[who];
    w->busy = w->count > 0;
    if (w->busy)
        event_add(in, in->now + after, (event){.kind = PART, .worker = who, .life = w->life});
}

static void item_failed(world *in, world_job *j, const task *t, const plan_failure *failure)
{
    uint64_t i = in_block(j, failure->unit) ? failure->position : 0;
    item *it = &unit_at(j, failure->unit)->items[i];
    const rf_retry *retry = &j->as.settled.retry;
    bool may = t->run.attempt < retry->attempts && (!retry->on || strcmp(failure->kind, "net.dns") == 0);
    PROMISE(in, !failure->again || may, "run again after attempt %u of kind %s", t->run.attempt, failure->kind);
    PROMISE(in, failure->again || !may || j->stopped || j->status, "not run again after attempt %u", t->run.attempt);
    PROMISE(in, it->state != OVER, "item %" PRIu64 " of unit %" PRIu64 " comes twice", i, failure->unit);
    if (!failure->again) {
        j->failed++;
        in->tally->failed++;
        item_is_over(in, j, failure->unit, i);
        return;
    }
    j->done--;
    in->tally->retried++;
    *it = (item){.state = TO_COME_AGAIN, .attempt = (uint8_t)(t->run.attempt + 1), .failed_by = t->run.worker,
                 .not_before = in->now + least_delay(j, t->run.attempt) * (1 - 1e-12)};
}

typedef struct told {                   /* one part, and which items are in it */
    plan_part part;
    plan_failure failures[64];
    struct { uint64_t unit, item; } items[64];
    uint64_t item_count;
} told;

static void tell_item(world *in, world_job *j, told *what, uint64_t u, uint64_t i)
{
    what->items[what->item_count].unit = u;
    what->items[what->item_count++].item = i;
    what->part.bytes += j->as.settled.max_bytes < 10000 ? below(in, 2000) : 8;
    if (!chance(in, j->failing)) {
        what->part.added += chance(in, j->growing) ? below(in, 4) : 0;
        return;
    }
    what->failures[what->part.failure_count++] = (plan_failure){
        .unit = u, .position = in_block(j, u) ? i : PLAN_ALL, .kind = chance(in, 0.7) ? "net.dns" : "function"};
}

/* Some units of what is left, sometimes some items of the next. */
static void draw_part(world *in, world_job *j, task *t, told *what)
{
    uint64_t left = t->run.count - t->covered, most = 64 / BLOCK_ITEMS - 1;
    uint64_t units = chance(in, 0.5) ? left : below(in, left + 1);
    units = t->stopped && units ? below(in, units) : units;
    units = units < most ? units : most;
    for (uint64_t k = 0; k < units; k++) {
        uint64_t u = t->run.first + t->covered + k, from = k ? 0 : t->partly_items;
        if (t->run.position != PLAN_ALL)
            tell_item(in, j, what, u, t->run.position);
        else
            for (uint64_t i = from; i < items_in(j, u); i++)
                tell_item(in, j, what, u, i);
    }
    uint64_t upto = t->covered + units;
    t->partly_items = units ? 0 : t->partly_items;
    if (upto < t->run.count && t->run.position == PLAN_ALL && in_block(j, t->run.first) && chance(in, 0.3)) {
        uint64_t u = t->run.first + upto, more = t->partly_items + below(in, items_in(j, u) + 1);
        for (; t->partly_items < more && t->partly_items < items_in(j, u); t->partly_items++)
            tell_item(in, j, what, u, t->partly_items);
        unit_at(j, u)->partly = unit_at(j, u)->partly || t->partly_items;
        what->part.partly = t->partly_items > 0;
        in->tally->partly += what->part.partly;
    }
    what->part.units = units;
    what->part.items = what->part.ran = what->item_count;
    what->part.added = what->part.added < ADDED_MOST - j->added ? what->part.added : ADDED_MOST - j->added;
    what->part.added_bytes = what->part.added * ADDED_BYTES;
    what->part.last = t->stopped || (upto == t->run.count && chance(in, 0.9));
    what->part.seconds = j->base_cost * (double)(units + 1) * 2 * random_unit(&in->random);
}

static void account_part(world *in, world_job *j, const task *t, const told *what)
{
    PROMISE(in, !j->ended && !j->abandoned, "a part is wanted of a job that is over");
    j->added += what->part.added;
    in->tally->added += what->part.added;
    PROMISE(in, what->part.chunk == t->run.chunk, "part of chunk %u, not %u", what->part.chunk, t->run.chunk);
    if (what->part.items)
        hand_over(in, j, what->part.chunk, what->part.bytes);
    uint64_t f = 0;
    j->done += what->item_count;
    for (uint64_t k = 0; k < what->item_count; k++) {
        uint64_t u = what->items[k].unit, i = what->items[k].item;
        const plan_failure *next = f < what->part.failure_count ? &what->failures[f] : NULL;
        if (next && next->unit == u && (!in_block(j, u) || next->position == i)) {
            item_failed(in, j, t, next);
            f++;
        } else {
            item_is_over(in, j, u, i);
        }
    }
    chunk_look(j, chunk_at(in, j, what->part.chunk));       /* also of blocks that hold no item */
    j->halted = j->halted || threshold_met(j);
}

static void task_is_over(world_worker *w, const task *t)
{
    uint32_t which = (uint32_t)(t - w->tasks);
    memmove(&w->tasks[which], &w->tasks[which + 1], (--w->count - which) * sizeof w->tasks[0]);
}

/* One of those that may be run. */
static task *some_task(world *in, world_worker *w)
{
    uint32_t which;
    do
        which = (uint32_t)below(in, w->count);
    while (!may_be_begun(in, w, which));
    return &w->tasks[which];
}

/* A worker gave back a unit that it had told of in part, which only one that breaks down does. */
static void unit_was_lost(world *in, world_job *j, const task *t)
{
    (void)in;
    if (t->covered < t->run.count && !j->ended)
        unit_at(j, t->run.first + t->covered)->attempt = (uint8_t)(t->run.attempt + 1);
    if (t->covered < t->run.count && !in_block(j, t->run.first) && unit_at(j, t->run.first + t->covered)->items[0].state == TO_COME_AGAIN) {
        item *it = &unit_at(j, t->run.first + t->covered)->items[0];
        *it = (item){.state = TO_COME_AGAIN, .attempt = (uint8_t)(t->run.attempt + 1), .failed_by = UINT32_MAX};
    } else if (t->covered < t->run.count && t->run.position != PLAN_ALL) {
        item *it = &unit_at(j, t->run.first)->items[t->run.position];
        *it = (item){.state = TO_COME_AGAIN, .attempt = (uint8_t)(t->run.attempt + 1), .failed_by = UINT32_MAX};
    }
}

static void refuse_init(world *in, uint32_t who, world_job *j, task *t)
{
    told what = {.part = {.task = t->run.task, .worker = who, .last = true, .init_failed = true, .failures = what.failures}};
    bool wanted = !j->ended && !j->abandoned;
    j->benched[who] = true;
    bool was_partly = t->partly_items > 0;
    task before = *t;
    task_is_over(&in->workers[who], t);
    ck_assert_int_eq(plan_part_done(in->of, &what.part, in->now), RF_OK);
    if (wanted && what.part.job && was_partly)
        unit_was_lost(in, j, &before);
    in->tally->benched++;
}

static void work(world *in, uint32_t who)
{
    world_worker *w = &in->workers[who];
    if (!w->count)
        return;
    task *t = some_task(in, w);
    world_job *j = job_of(in, t->run.job);
    if (j->cannot[who] && chance(in, 0.5)) {
        refuse_init(in, who, j, t);
    } else {
        told what = {.part = {.task = t->run.task, .worker = who, .failures = what.failures}};
        draw_part(in, j, t, &what);
        task before = *t;
        ck_assert_int_eq(plan_part_done(in->of, &what.part, in->now), RF_OK);
        if (what.part.job) {
            PROMISE(in, what.part.job == j->id, "part of another job");
            account_part(in, j, &before, &what);
        }
        t->covered += what.part.units;
        if (what.part.last)
            task_is_over(w, t);
    }
    begin_next(in, who, w->count ? job_of(in, w->tasks[0].run.job)->base_cost * 2 * random_unit(&in->random) : 0);
}

static void part_is_due(world *in, const event *what)
{
    if (in->workers[what->worker].life == what->life)
        work(in, what->worker);
}

static void join(world *in, const event *what)
{
    world_worker *w = &in->workers[what->worker];
    if (w->joined)
        return;
    ck_assert_int_eq(plan_join(in->of, what->worker), RF_OK);
    w->joined = true;
    w->ordinal = in->ordinals++;
}

static void lose(world *in, const event *what)
{
    world_worker *w = &in->workers[what->worker];
    if (!w->joined) {
        PROMISE(in, plan_lost(in->of, what->worker) == RF_EUSAGE, "one that is not there is lost");
        return;
    }
    w->joined = w->busy = false;
    w->life++;
    in->tally->lost_tasks += w->count;
    for (uint32_t i = 0; i < w->count; i++) {
        task *t = &w->tasks[i];
        world_job *j = job_of(in, t->run.job);
        if (may_be_begun(in, w, i) && !j->stopped)
            unit_was_lost(in, j, t);
        event_add(in, in->now + (double)below(in, 2), (event){.kind = STALE, .worker = what->worker, .task = t->run.task});
    }
    w->count = 0;
    ck_assert_int_eq(plan_lost(in->of, what->worker), RF_OK);
}

/* ---- what is not the plan's, or comes too late ---- */

static void stale(world *in, const event *what)
{
    plan_failure failure = {.kind = "function"};
    plan_part part = {.task = what->task, .worker = what->worker, .units = 1, .items = 1, .ran = 1, .last = true, .failures = &failure,
                      .failure_count = 1};
    plan_part_done(in->of, &part, in->now);
    PROMISE(in, part.job == 0, "a part of a task that a lost worker had is taken");
    in->tally->stale++;
}

static void nonsense(world *in, const event *what)
{
    world_worker *w = &in->workers[what->worker];
    plan_failure failure = {.unit = UINT64_MAX, .position = PLAN_ALL, .kind = "function"};
    plan_part part = {.task = in->random, .worker = what->worker, .units = 1, .items = 1, .ran = 1, .failures = &failure};
    if (w->count) {
        const task *last = &w->tasks[w->count - 1];
        part.task = last->run.task;
        switch (below(in, 4)) {
        case 0: part.worker = (what->worker + 1) % WORKERS; break;
        case 1: part.units = last->run.count - last->covered + 1; break;
        case 2: part.failure_count = 1; break;
        case 3: part.failure_count = 1, failure.unit = last->run.first + last->run.count; break;
        }
    }
    plan_part_done(in->of, &part, in->now);
    PROMISE(in, part.job == 0, "a part that nobody can have sent is taken");
    plan_taken(in->of, in->random, 0, 0);
    ck_assert_int_eq(plan_items(in->of, in->random | 1, 3, false), RF_OK);
    plan_cancel(in->of, in->random | 1, RF_ECANCELLED);
    in->tally->refused++;
}

/* ---- sources and consumers ---- */

static void answer_read(world *in, const event *what)
{
    world_job *j = &in->jobs[what->job];
    if (chance(in, 0.02) && !j->ended) {
        j->source_failed = true;
        j->status = j->status ? j->status : RF_EINPUT;
        j->source_units = j->handed;
        plan_read_failed(in->of, j->id, RF_EINPUT);
        return;
    }
    uint64_t left = j->source_units - j->handed, more = below(in, what->bytes + 1);
    more = chance(in, 0.5) ? what->bytes : more;
    more = more < left ? more : left;
    bool end = more == left && (!more || chance(in, 0.5));
    uint64_t declared = j->as.settled.iterable_len ? j->as.settled.iterable_len : UINT64_MAX;
    j->handed += more;
    if (!j->ended) {
        j->known = more < declared - j->known ? j->known + more : declared;
        in->tally->read += more;
    }
    j->reading = !more && !end;
    if (j->reading)
        event_add(in, in->now + between_powers(in, -6, 0), *what);
    ck_assert_int_eq(plan_items(in->of, j->id, more, end), RF_OK);
}

static void take(world *in, const event *what)
{
    world_job *j = &in->jobs[what->job];
    chunk *c = chunk_at(in, j, what->chunk);
    c->untaken--;
    j->held -= what->bytes;
    in->tally->taken++;
    chunk_look(j, c);
    plan_taken(in->of, j->id, what->chunk, what->bytes);
}

static void cancel(world *in, const event *what)
{
    world_job *j = &in->jobs[what->job];
    if (j->started && !j->ended) {
        in->tally->cancelled++;
        j->status = j->status && !j->source_failed ? j->status : RF_ECANCELLED;
    }
    plan_cancel(in->of, j->id, RF_ECANCELLED);
}

static void abandon(world *in, const event *what)
{
    world_job *j = &in->jobs[what->job];
    if (j->started && !j->ended) {
        in->tally->abandoned++;
        j->abandoned = true;
        j->status = RF_ECANCELLED;
    }
    plan_abandon(in->of, j->id);
}

/* ---- drawing it all ---- */

/* Zero often, small mostly, large sometimes. */
static uint64_t some_length(world *in)
{
    if (chance(in, 0.05))
        return 0;
    uint64_t length = (uint64_t)between_powers(in, 0, chance(in, 0.2) ? 3.302 : 2.2);
    return length > UNITS_MOST ? UNITS_MOST : length;
}

static void draw_policies(world *in, rf_options *settled)
{
    settled->retry.attempts = chance(in, 0.5) ? 1 : 1 + (unsigned)below(in, 5);
    settled->retry.backoff = chance(in, 0.5) ? RF_NONE : between_powers(in, -6, 1);
    settled->retry.max_delay = chance(in, 0.1) ? RF_NONE : between_powers(in, -4, 1);
    settled->retry.on = chance(in, 0.3) ? "timeout, net" : NULL;
    settled->retry.steady = chance(in, 0.5) ? RF_ON : RF_OFF;
    settled->halt = RF_HALT_NEVER;
    settled->halt_count = RF_UNLIMITED;
    settled->halt_share = RF_NONE;
    if (chance(in, 0.3)) {
        settled->halt = chance(in, 0.5) ? RF_HALT_SOON : RF_HALT_NOW;
        if (chance(in, 0.5))
            settled->halt_share = 0.01 + 0.99 * random_unit(&in->random);
        else
            settled->halt_count = 1 + below(in, 5);
    }
    settled->rate_limit.count = chance(in, 0.25) ? between_powers(in, -1, 5) : RF_NONE;
    settled->rate_limit.per = (int)below(in, 3);
    settled->timeout = chance(in, 0.15) ? between_powers(in, -4, 2) : RF_NONE;
}

static void draw_options(world *in, rf_options *settled)
{
    *settled = (rf_options){.struct_size = sizeof *settled, .seed = in->seed, .max_bytes = 64 << 20};
    if (chance(in, 0.5))
        settled->chunk_size = 1 + below(in, chance(in, 0.5) ? 5 : 100);
    else if (chance(in, 0.2))
        settled->n_splits = 1 + below(in, 40);
    if (chance(in, 0.4))
        settled->max_active = 1 + below(in, chance(in, 0.5) ? 10 : 300);
    if (chance(in, 0.3))
        settled->max_bytes = 1 + below(in, 9999);
    if (chance(in, 0.3))
        settled->workers = 1 + (unsigned)below(in, WORKERS);
    settled->executor = chance(in, 0.3) ? RF_FORK : RF_INLINE;
    if (settled->executor == RF_FORK && chance(in, 0.7))
        settled->slots = 1 + (unsigned)below(in, 6);
    draw_policies(in, settled);
}

static void draw_job(world *in, world_job *j)
{
    uint64_t units = some_length(in);
    j->as = (plan_job){.ordered = chance(in, 0.5), .keeps = chance(in, 0.4), .sequential = chance(in, 0.35), .length = units,
                       .unit_bytes = (size_t)(chance(in, 0.5) ? 8 : between_powers(in, 0, 6.5)), .piece_bytes = 65536};
    draw_options(in, &j->as.settled);
    j->blocks = chance(in, 0.3);
    j->source_units = units;
    if (j->as.sequential) {
        j->as.length = PLAN_UNKNOWN;
        j->as.settled.iterable_len = chance(in, 0.3) ? 1 + below(in, 2 * units + 1) : 0;
        j->as.settled.iterable_len = chance(in, 0.1) ? RF_ENDLESS : j->as.settled.iterable_len;
    }
    j->known = j->as.sequential ? 0 : units;
    j->base_cost = between_powers(in, -6, -1);
    j->failing = chance(in, 0.5) ? 0 : between_powers(in, -3, -0.2);
    double no_init = chance(in, 0.15) ? random_unit(&in->random) : 0;
    for (uint32_t who = 0; who < WORKERS; who++)
        j->cannot[who] = chance(in, no_init);
    j->growing = chance(in, 0.3) ? random_unit(&in->random) : 0;
    j->most_units = units;
    j->units = calloc(units + ADDED_MOST, sizeof *j->units);
    ck_assert_ptr_nonnull(j->units);
    for (uint64_t u = 0; u < units + ADDED_MOST; u++)
        unit_at(j, u)->attempt = 1;
}

static void add_job(world *in, const event *what)
{
    world_job *j = &in->jobs[what->job];
    uint32_t there = 0;
    for (uint32_t who = 0; who < WORKERS; who++)
        there += in->workers[who].joined;
    j->added_at = in->now;
    ck_assert_int_eq(plan_add(in->of, &j->as, in->now, &j->id), RF_OK);
    PROMISE(in, j->id && !job_of(in, j->id), "an id is used twice");
    j->started = true;
    if (!there)
        j->status = RF_ELOST;
    if (chance(in, 0.08))
        event_add(in, in->now + between_powers(in, -5, 1), (event){.kind = CANCEL, .job = what->job});
    if (chance(in, 0.08))
        event_add(in, in->now + between_powers(in, -5, 1), (event){.kind = ABANDON, .job = what->job});
}

static void draw_world(world *in)
{
    in->job_count = chance(in, 0.6) ? 1 : 1 + (uint32_t)below(in, JOBS);
    uint32_t workers = chance(in, 0.2) ? 1 : 1 + (uint32_t)below(in, WORKERS);
    double losing = chance(in, 0.3) ? 0.5 * random_unit(&in->random) : 0;
    for (uint32_t who = 0; who < workers; who++) {
        double late = !who || chance(in, 0.7) ? 0 : between_powers(in, -5, 0);
        event_add(in, late, (event){.kind = JOIN, .worker = who});
        for (; chance(in, losing); event_add(in, late, (event){.kind = JOIN, .worker = who})) {
            event_add(in, late += between_powers(in, -5, 1), (event){.kind = LOSE, .worker = who});
            if (chance(in, 0.5))
                break;
            late += between_powers(in, -5, 0);
        }
    }
    for (uint32_t i = 0; i < in->job_count; i++) {
        draw_job(in, &in->jobs[i]);
        event_add(in, i && chance(in, 0.5) ? between_powers(in, -5, 0) : 0, (event){.kind = ADD_JOB, .job = i});
    }
    for (; chance(in, 0.3); event_add(in, between_powers(in, -5, 0), (event){.kind = NONSENSE, .worker = (uint32_t)below(in, WORKERS)}))
        ;
}

/* ---- the course of it ---- */

static void happen(world *in, const event *what)
{
    static void (*const how[])(world *, const event *) = {
        [ADD_JOB] = add_job, [JOIN] = join, [LOSE] = lose, [PART] = part_is_due, [ANSWER_READ] = answer_read, [TAKE] = take,
        [CANCEL] = cancel, [ABANDON] = abandon, [NONSENSE] = nonsense, [STALE] = stale};
    how[what->kind](in, what);
}

static void deadlines_pass(world *in)
{
    for (uint32_t i = 0; i < in->job_count; i++) {
        world_job *j = &in->jobs[i];
        j->out_of_time = j->started && j->as.settled.timeout > 0 && in->now >= j->added_at + j->as.settled.timeout;
    }
}

/* Everything that can happen happens; the plan's own time comes when it asks for it. */
static void run(world *in)
{
    for (uint64_t steps = 0;; steps++) {
        double wake = plan_wake(in->of);
        PROMISE(in, steps < EVENTS_MOST, "it does not end");
        if (!in->event_count && isinf(wake))
            return;
        if (in->event_count && in->events[0].at <= wake) {
            event what = event_take(in);
            in->now = what.at > in->now ? what.at : in->now;
            deadlines_pass(in);
            happen(in, &what);
        } else {
            PROMISE(in, wake >= in->now, "it wants to be woken in the past");
            in->now = wake;
            deadlines_pass(in);
        }
        judge_actions(in);
        in->tally->events++;
    }
}

void plan_world_run(uint64_t seed, plan_tally *tally)
{
    static world in;
    in = (world){.seed = seed, .random = seed, .tally = tally, .of = plan_new()};
    ck_assert_ptr_nonnull(in.of);
    draw_world(&in);
    run(&in);
    for (uint32_t i = 0; i < in.job_count; i++) {
        PROMISE(&in, in.jobs[i].ended, "job %u waits for nothing", i);
        free(in.jobs[i].units);
        free(in.jobs[i].chunks);
    }
    ck_assert_int_eq(plan_memory_status(in.of), RF_OK);
    plan_free(in.of);
    free(in.events);
}
