/* The judge of plan_world.h: the account of every item, and what each action of the plan must hold to. */
#include <check.h>
#include <stdarg.h>

#include "plan_trial.h"

void broken(const world *in, const char *promise, int line, const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    ck_abort_msg("not true: %s (line %d): %s, at %.9f; repeat it with --seed %" PRIu64, promise, line, what, in->now, in->seed);
}

uint32_t items_in(const world_job *j, uint64_t which)
{
    return in_block(j, which) ? (uint32_t)(random_seed(j->id, which, 7, 0) % (BLOCK_ITEMS + 1)) : 1;
}

uint32_t slots_of(const world_job *j)
{
    return j->as.settled.slots ? j->as.settled.slots : 1;
}

/* ---- teams ---- */

static uint32_t joined_before(const world *in, uint32_t who)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < WORKERS; i++)
        count += in->workers[i].joined && in->workers[i].ordinal < in->workers[who].ordinal;
    return count;
}

static bool may_run(const world *in, const world_job *j, uint32_t who)
{
    unsigned most = j->as.settled.workers;
    return in->workers[who].joined && !j->benched[who] && (!most || joined_before(in, who) < most);
}

static uint32_t takers(const world *in, const world_job *j)
{
    uint32_t count = 0;
    for (uint32_t who = 0; who < WORKERS; who++)
        count += may_run(in, j, who);
    return count;
}

world_job *job_of(world *in, uint64_t id)
{
    for (uint32_t i = 0; i < in->job_count; i++)
        if (in->jobs[i].started && in->jobs[i].id == id)
            return &in->jobs[i];
    return NULL;
}

/* ---- the account of a job ---- */

chunk *chunk_at(world *in, world_job *j, uint32_t which)
{
    PROMISE(in, which < 1u << 20, "chunk %u", which);
    if (which >= j->chunks_most) {
        uint32_t most = j->chunks_most ? j->chunks_most : 64;
        while (most <= which)
            most *= 2;
        j->chunks = realloc(j->chunks, most * sizeof *j->chunks);
        ck_assert_ptr_nonnull(j->chunks);
        memset(j->chunks + j->chunks_most, 0, (most - j->chunks_most) * sizeof *j->chunks);
        j->chunks_most = most;
    }
    return &j->chunks[which];
}

static bool is_gone(const world_job *j, const chunk *c)
{
    bool taken = j->as.keeps || (!c->untaken && (c->delivered || !j->as.ordered));
    return !c->to_come && taken;
}

void chunk_look(world_job *j, chunk *c)
{
    if (!c->active || !is_gone(j, c))
        return;
    c->active = false;
    j->active -= c->count;
}

static void chunk_begins(world *in, world_job *j, const plan_action *run)
{
    chunk *c = chunk_at(in, j, run->chunk);
    bool free_again = !c->used || (is_gone(j, c) && (c->delivered || !j->as.ordered));
    PROMISE(in, free_again, "chunk %u is used for two at once", run->chunk);
    PROMISE(in, j->status == RF_OK || j->source_failed, "a new chunk of a job that was ended");
    PROMISE(in, run->first + run->count <= known_of(j, run->first), "units %" PRIu64 "+%" PRIu64 " of %" PRIu64, run->first, run->count,
            known_of(j, run->first));
    if (j->as.settled.max_active)
        PROMISE(in, j->active + run->count <= j->as.settled.max_active, "%" PRIu64 " active and %" PRIu64 " more", j->active, run->count);
    if (!j->as.keeps && j->active)
        PROMISE(in, j->held < j->as.settled.max_bytes, "%zu bytes held", j->held);
    if (j->as.settled.chunk_size)
        PROMISE(in, run->count <= j->as.settled.chunk_size, "a chunk of %" PRIu64, run->count);
    *c = (chunk){.first = run->first, .count = run->count, .turn = j->turns++, .used = true, .active = true};
    for (uint64_t u = run->first; u < run->first + run->count; u++) {
        c->to_come += items_in(j, u);
        unit_at(j, u)->chunk = run->chunk;
    }
    in->tally->heads += !j->active;
    j->active += run->count;
    *(is_added(run->first) ? &j->added_cut : &j->cut) += run->count;
}

void item_is_over(world *in, world_job *j, uint64_t u, uint64_t i)
{
    item *it = &unit_at(j, u)->items[i];
    PROMISE(in, it->state != OVER, "item %" PRIu64 " of unit %" PRIu64 " comes twice", i, u);
    it->state = OVER;
    in->tally->items++;
    if (u >= cut_of(j, u))
        return;
    chunk *c = chunk_at(in, j, unit_at(j, u)->chunk);
    c->to_come--;
    chunk_look(j, c);
}

/* ---- actions ---- */

double least_delay(const world_job *j, unsigned attempt)
{
    const rf_retry *retry = &j->as.settled.retry;
    double delay = retry->backoff * pow(2, attempt - 1.0), most = retry->max_delay > 0 ? retry->max_delay : INFINITY;
    delay = delay > most ? most : delay;
    return delay <= 0 ? 0 : retry->steady == RF_ON ? delay : delay / 2;
}

static void check_attempt(world *in, const world_job *j, const plan_action *run)
{
    const unit *u = unit_at(j, run->first);
    unsigned most = j->as.settled.retry.attempts > 3 ? j->as.settled.retry.attempts : 3;
    PROMISE(in, run->attempt <= most, "attempt %u", run->attempt);
    if (run->count > 1) {
        PROMISE(in, run->attempt == 1 && run->position == PLAN_ALL, "attempt %u of many units", run->attempt);
        return;
    }
    const item *it = run->position != PLAN_ALL ? &u->items[run->position] : in_block(j, run->first) ? NULL : &u->items[0];
    if (!it || it->state == NEVER_SEEN) {
        PROMISE(in, run->attempt == u->attempt, "attempt %u, not %u", run->attempt, u->attempt);
        return;
    }
    PROMISE(in, it->state == TO_COME_AGAIN && run->attempt == it->attempt, "attempt %u, not %u", run->attempt, it->attempt);
    PROMISE(in, in->now >= it->not_before, "run again %g s early", it->not_before - in->now);
    PROMISE(in, run->worker != it->failed_by || takers(in, j) == 1, "run again by worker %u that failed it", run->worker);
    in->tally->again_elsewhere += run->worker != it->failed_by;
}

static void check_units(world *in, world_job *j, const plan_action *run)
{
    PROMISE(in, run->count > 0, "a task of nothing");
    if (run->first >= cut_of(j, run->first)) {
        PROMISE(in, run->first == cut_of(j, run->first), "unit %" PRIu64 " is cut before %" PRIu64, run->first, cut_of(j, run->first));
        PROMISE(in, is_added(run->first) || j->added_cut == j->added, "of the source while something added waits");
        chunk_begins(in, j, run);
    }
    for (uint64_t u = run->first; u < run->first + run->count; u++) {
        PROMISE(in, !unit_at(j, u)->forgotten, "unit %" PRIu64 " is run when its input is forgotten", u);
        PROMISE(in, u < cut_of(j, u) && unit_at(j, u)->chunk == run->chunk, "unit %" PRIu64 " is not of chunk %u", u, run->chunk);
        for (uint32_t i = 0; run->position == PLAN_ALL && i < items_in(j, u); i++)
            PROMISE(in, unit_at(j, u)->items[i].state != OVER, "unit %" PRIu64 " is run again when it was over", u);
    }
    check_attempt(in, j, run);
}

static size_t input_bytes(world *in, const plan_action *run)
{
    return run->count * (is_added(run->first) ? ADDED_BYTES : job_of(in, run->job)->as.unit_bytes);
}

static void check_credit(world *in, const world_worker *w, const plan_action *run)
{
    uint32_t slots = slots_of(job_of(in, run->job)), unknown = 0, slots_most = 1;
    PROMISE(in, w->count < PLAN_TASKS_MOST, "%u tasks in flight", w->count);
    if (w->count < slots) {
        in->tally->beside += w->count > 0;
        return;
    }
    for (uint32_t i = 0; i < in->job_count; i++)
        slots_most = slots_of(&in->jobs[i]) > slots_most ? slots_of(&in->jobs[i]) : slots_most;
    double load = 0;
    size_t bytes = input_bytes(in, run);
    for (uint32_t i = 0; i < w->count; i++) {
        unknown += !(w->tasks[i].run.predicted > 0);
        load += w->tasks[i].run.predicted;
        bytes += input_bytes(in, &w->tasks[i].run);
    }
    PROMISE(in, unknown < slots_most, "queued behind tasks of unknown cost");
    PROMISE(in, run->predicted > 0 && run->predicted <= 0.020 + 1e-12, "a task of %g s is queued", run->predicted);
    PROMISE(in, bytes <= (size_t)PLAN_BYTES_MOST * slots || slots_most > 1, "%zu bytes of items in flight", bytes);
    PROMISE(in, load < PLAN_CREDIT * slots + 1e-9, "%g s in flight, and one more", load);
}

double rate_of(const world_job *j)
{
    static const double seconds[] = {[RF_SECOND] = 1, [RF_MINUTE] = 60, [RF_HOUR] = 3600};
    const rf_rate *said = &j->as.settled.rate_limit;
    return said->count > 0 ? said->count / seconds[said->per] : 0;
}

/* What was sent in every interval that ends now, less what its time allows: level is the most of them all. */
static void check_rate(world *in, world_job *j, uint64_t units)
{
    double rate = rate_of(j), burst = rate / 100 > 1 ? rate / 100 : 1;
    if (!rate)
        return;
    j->level -= rate * (in->now - j->level_at);
    j->level = (j->level > 0 ? j->level : 0) + (double)units;
    j->level_at = in->now;
    PROMISE(in, j->level <= burst * (1 + 1e-9) + 1e-6, "%g units more than the rate allows", j->level - burst);
    in->tally->limited += units;
}

static void take_run(world *in, const plan_action *run)
{
    world_job *j = job_of(in, run->job);
    world_worker *w = &in->workers[run->worker];
    PROMISE(in, j && !j->ended, "RUN of a job that is over");
    PROMISE(in, may_run(in, j, run->worker), "RUN by worker %u", run->worker);
    PROMISE(in, !j->stopped, "RUN of a job that was stopped");
    check_credit(in, w, run);
    check_units(in, j, run);
    check_rate(in, j, run->count);
    w->tasks[w->count++] = (task){.run = *run};
    if (!w->busy || slots_of(j) > 1)
        begin_next(in, run->worker, j->base_cost);
}

static void take_stop(world *in, const plan_action *stop)
{
    world_job *j = job_of(in, stop->job);
    PROMISE(in, j && !j->ended, "STOP of a job that is over");
    j->stopped = true;
    in->tally->stops++;
    world_worker *w = &in->workers[stop->worker];
    for (uint32_t i = 0; i < w->count; i++)
        if (w->tasks[i].run.task == stop->task) {
            w->tasks[i].stopped = chance(in, 0.8);      /* else it comes too late */
            return;
        }
    PROMISE(in, false, "STOP of a task that worker %u has not", stop->worker);
}

static void take_later(world *in, world_job *j, uint32_t which, size_t bytes)
{
    double delay = chance(in, 0.5) ? 0 : between_powers(in, -6, 0.5);
    event_add(in, in->now + delay, (event){.kind = TAKE, .job = (uint32_t)(j - in->jobs), .chunk = which, .bytes = bytes});
}

/* A part or FAIL is with the consumer. */
void hand_over(world *in, world_job *j, uint32_t which, size_t bytes)
{
    if (j->as.keeps)
        return;
    chunk *c = chunk_at(in, j, which);
    c->untaken++;
    j->held += bytes;
    if (!j->as.ordered) {
        take_later(in, j, which, bytes);
        return;
    }
    PROMISE(in, !c->delivered, "something of chunk %u comes after DELIVER", which);
    c->kept++;
    c->kept_bytes += bytes;
}

static void take_deliver(world *in, const plan_action *deliver)
{
    world_job *j = job_of(in, deliver->job);
    PROMISE(in, j && !j->ended && !j->abandoned && j->as.ordered, "DELIVER of another job");
    chunk *c = chunk_at(in, j, deliver->chunk);
    PROMISE(in, c->used && !c->delivered && !c->to_come, "chunk %u, %" PRIu64 " to come", deliver->chunk, c->to_come);
    PROMISE(in, c->turn == j->delivered, "chunk %" PRIu64 " in the place of %" PRIu64, c->turn, j->delivered);
    c->delivered = true;
    j->delivered++;
    in->tally->delivered++;
    for (; c->kept; c->kept--, c->kept_bytes = 0)
        take_later(in, j, deliver->chunk, c->kept_bytes);
    chunk_look(j, c);
}

static void fail_unit(world *in, world_job *j, uint64_t u)
{
    for (uint32_t i = 0; i < items_in(j, u); i++) {
        bool reported = in_block(j, u) && unit_at(j, u)->partly && unit_at(j, u)->items[i].state != NEVER_SEEN;
        if (!reported)
            item_is_over(in, j, u, i);
    }
}

bool threshold_met(const world_job *j)
{
    const rf_options *settled = &j->as.settled;
    bool by_count = settled->halt_count && j->failed >= settled->halt_count;
    bool by_share = settled->halt_share > 0 && j->done >= 10 && (double)j->failed >= settled->halt_share * (double)j->done;
    return settled->halt > RF_HALT_NEVER && (by_count || by_share);
}

static void take_fail(world *in, const plan_action *fail)
{
    world_job *j = job_of(in, fail->job);
    PROMISE(in, j && !j->ended && !j->abandoned, "FAIL of a job that is over");
    bool never_cut = fail->chunk == PLAN_NO_CHUNK;
    PROMISE(in, fail->count && fail->status < 0 && fail->first + fail->count <= known_of(j, fail->first), "FAIL of nothing");
    PROMISE(in, fail->status == RF_ELOST || fail->status == j->status || (fail->status == RF_EHALTED && j->halted) ||
            (fail->status == RF_ETIMEOUT && j->out_of_time) || fail->status == RF_EINIT, "status %d", fail->status);
    PROMISE(in, never_cut == (fail->first >= cut_of(j, fail->first)), "FAIL of what is cut, or not");
    PROMISE(in, !never_cut || fail->first == cut_of(j, fail->first), "FAIL beginning at %" PRIu64, fail->first);
    PROMISE(in, fail->attempt <= 3 || fail->attempt <= j->as.settled.retry.attempts, "attempt %u", fail->attempt);
    if (!never_cut)
        hand_over(in, j, fail->chunk, 0);
    for (uint64_t u = fail->first; u < fail->first + fail->count; u++) {
        PROMISE(in, never_cut || unit_at(j, u)->chunk == fail->chunk, "FAIL of unit %" PRIu64 " that chunk %u has not", u, fail->chunk);
        if (fail->position == PLAN_ALL)
            fail_unit(in, j, u);
        else
            item_is_over(in, j, u, fail->position);
    }
    j->failed += fail->count;
    j->done += fail->count;
    j->halted = j->halted || threshold_met(j);
    in->tally->failed += fail->count;
}

static void take_forget(world *in, const plan_action *forget)
{
    world_job *j = job_of(in, forget->job);
    PROMISE(in, j && !j->ended && (j->as.sequential || is_added(forget->first)), "FORGET of a job that is over or not sequential");
    for (uint64_t u = forget->first; u < forget->first + forget->count; u++) {
        PROMISE(in, u < known_of(j, u) && !unit_at(j, u)->forgotten++, "FORGET of unit %" PRIu64, u);
        in->tally->forgotten++;
    }
}

static void take_read(world *in, const plan_action *read)
{
    world_job *j = job_of(in, read->job);
    PROMISE(in, j && !j->ended && !j->abandoned && j->as.sequential && !j->reading, "READ of another job, or twice");
    PROMISE(in, read->count > 0, "READ of nothing");
    uint64_t declared = j->as.settled.iterable_len;
    PROMISE(in, !declared || j->known + read->count <= declared, "READ beyond what was declared");
    if (j->as.settled.max_active)
        PROMISE(in, j->active + read->count <= j->as.settled.max_active, "READ of %" PRIu64 " beyond the window", read->count);
    j->reading = true;
    double delay = chance(in, 0.7) ? 0 : between_powers(in, -6, 0);
    event_add(in, in->now + delay, (event){.kind = ANSWER_READ, .job = (uint32_t)(j - in->jobs), .bytes = read->count});
}

static void check_unit(world *in, const world_job *j, uint64_t u)
{
    bool forgotten = j->as.sequential || is_added(u);
    PROMISE(in, unit_at(j, u)->forgotten == forgotten, "unit %" PRIu64 " forgotten %u times", u, unit_at(j, u)->forgotten);
    for (uint32_t i = 0; !j->abandoned && i < items_in(j, u); i++)
        PROMISE(in, unit_at(j, u)->items[i].state == OVER, "item %u of unit %" PRIu64 " never came", i, u);
}

static void check_end(world *in, world_job *j, int status)
{
    bool failed = j->failed > 0;
    bool ends_early = status != RF_OK && status != RF_EITEMS;
    PROMISE(in, ends_early || failed == (status == RF_EITEMS), "status %d with %" PRIu64 " failed", status, j->failed);
    PROMISE(in, status != RF_EHALTED || j->halted, "halted for nothing");
    PROMISE(in, status != RF_ETIMEOUT || j->out_of_time, "out of time too early");
    PROMISE(in, !ends_early || status == RF_EHALTED || status == RF_ETIMEOUT || status == RF_EINIT || status == RF_ELOST ||
            status == j->status, "ends with %d", status);
    PROMISE(in, ends_early || j->status == RF_OK, "ends with %d, not %d", status, j->status);
    PROMISE(in, status != RF_ELOST && status != RF_EINIT ? true : !takers(in, j), "nobody left, but %u are", takers(in, j));
    for (uint64_t u = 0; u < j->known; u++)
        check_unit(in, j, u);
    for (uint64_t u = 0; u < j->added; u++)
        check_unit(in, j, PLAN_ADDED + u);
    PROMISE(in, !j->as.ordered || j->abandoned || j->delivered == j->turns, "%" PRIu64 " chunks of %" PRIu64 " delivered", j->delivered,
            j->turns);
    bool all_read = j->cut == j->known && j->added_cut == j->added && (!j->as.sequential || j->handed == j->source_units || j->known == j->as.settled.iterable_len);
    PROMISE(in, ends_early || all_read, "ends well, but something was not run");
}

static void take_ended(world *in, const plan_action *ended)
{
    world_job *j = job_of(in, ended->job);
    PROMISE(in, j && !j->ended, "ENDED twice");
    check_end(in, j, ended->status);
    j->ended = true;
    in->tally->halted += ended->status == RF_EHALTED;
    in->tally->timed_out += ended->status == RF_ETIMEOUT;
    uint64_t total;
    PROMISE(in, plan_done(in->of, j->id, &total) == 0 && total == 0, "a job that is over is known");
    PROMISE(in, ended->count == j->known + j->added || j->abandoned || j->as.sequential, "ended with a length of %" PRIu64, ended->count);
}

void judge_actions(world *in)
{
    static void (*const take[])(world *, const plan_action *) = {
        [PLAN_READ] = take_read, [PLAN_RUN] = take_run, [PLAN_STOP] = take_stop, [PLAN_DELIVER] = take_deliver,
        [PLAN_FAIL] = take_fail, [PLAN_FORGET] = take_forget, [PLAN_ENDED] = take_ended};
    for (plan_action action; plan_take(in->of, in->now, &action);)
        take[action.kind](in, &action);
}
