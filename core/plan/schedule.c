/* Who gets what next. Workers with room are served in turn, jobs in turn; for a worker and a job the first of: a piece that
   waits to be run (again), a new chunk if the window has room, a READ if the source is sequential. */
#include <math.h>

#include "plan/state.h"

#define AHEAD_MOST 0.020            /* seconds: a task above this is never queued behind another */
#define READY_LOOK 8                /* ready pieces that are looked at for one that this worker may take */
#define WINDOW_LEAST 1024
#define READ_LEAST 64

enum offer { OFFER_GIVEN, OFFER_NOTHING, OFFER_NOT_FOR_HIM };

/* A job without a token is in the ring no more, so that it holds up nobody, and comes back when there are some. */
static void tokens_come(plan *of, double now)
{
    for (uint32_t i = 0; i < of->job_count; i++)
        if (of->jobs[i].thirsty && rate_wake(&of->jobs[i].limit) <= now) {
            of->jobs[i].thirsty = false;
            ring_add(of, i);
        }
    tokens_look(of);
}

/* For now: one that waits goes on waiting until what it waits for is there, whatever makes the plan look at it before. */
static uint64_t tokens_for(const job *j, double now)
{
    return j->thirsty ? 0 : rate_tokens(&j->limit, now);
}

static enum offer wait_for_tokens(plan *of, job *j)
{
    j->thirsty = true;
    if (rate_wake(&j->limit) < of->next_token)
        of->next_token = rate_wake(&j->limit);
    return OFFER_NOTHING;
}

void expire(plan *of, double now)
{
    while (of->heap_count && of->pieces[of->heap[0]].due <= now) {
        uint32_t which = of->heap[0];
        heap_remove(of, which);
        ready_push(of, which, false);
    }
    if (now >= of->next_token)
        tokens_come(of, now);
    if (now < of->next_deadline)
        return;
    for (uint32_t i = 0; i < of->job_count; i++)
        if (of->jobs[i].phase != JOB_FREE && of->jobs[i].deadline <= now)
            job_stop(of, i, RF_ETIMEOUT, true);
    deadlines_look(of);
}

/* Twice what all workers' credit holds, but no more bytes than may travel to them and back: what is more only waits in memory. */
static uint64_t window_of_its_own(const job *j)
{
    uint64_t in_a_chunk = j->as.settled.chunk_size ? j->as.settled.chunk_size : 1;
    double credit = cost_known(&j->measured) ? PLAN_CREDIT / j->measured.seconds : 1;
    double tasks_most = (double)PLAN_TASKS_MOST * (double)(j->as.settled.chunk_size ? in_a_chunk : j->measured.largest);
    if (credit > tasks_most)
        credit = tasks_most;
    if (credit < (double)in_a_chunk)
        credit = (double)in_a_chunk;
    double window = 2 * credit * (double)j->takers * (double)j->slots, each = j->measured.bytes + (double)j->as.unit_bytes;
    double most = each > 0 ? (double)PLAN_BYTES_MOST * (double)j->takers * (double)j->slots / each : INFINITY;
    window = window < most ? window : most;
    return window < WINDOW_LEAST ? WINDOW_LEAST : window > 1e18 ? UINT64_MAX : (uint64_t)window;
}

/* Units that may be cut now. Where nothing is active nothing is held, so the head is let in whatever its size. */
static uint64_t window_room(const job *j)
{
    uint64_t most = j->as.settled.max_active ? j->as.settled.max_active : window_of_its_own(j);
    if (!j->as.keeps && j->bytes_held + j->bytes_flying >= j->as.settled.max_bytes)
        return 0;
    return most > j->active ? most - j->active : 0;
}

/* Split i ends before unit i * length / splits: sizes differ by one at most. The first end behind what is cut. */
static uint64_t split_units(const job *j, uint64_t length)
{
    unsigned __int128 splits = j->as.settled.n_splits;
    unsigned __int128 i = ((j->cut + 1) * splits + length - 1) / length;
    return (uint64_t)(i * length / splits) - j->cut;
}

static double input_bytes(const job *j, bool added)
{
    return added ? j->added_bytes : (double)j->as.unit_bytes;
}

/* At least one. Of what was added it is unknown how much is still to come: what is there is shared out. */
static uint64_t chunk_units(const job *j, bool added)
{
    const rf_options *settled = &j->as.settled;
    if (settled->chunk_size)
        return settled->chunk_size;
    uint64_t limit = job_limit(j);
    if (settled->n_splits && !added && limit != PLAN_UNKNOWN && j->cut < limit)
        return split_units(j, limit);
    cost_limits limits = {.remaining = added ? j->added - j->added_cut : limit == PLAN_UNKNOWN ? PLAN_UNKNOWN : limit - j->cut,
                          .workers = (uint64_t)j->takers * j->slots,
                          .unit_bytes = (size_t)input_bytes(j, added),
                          .piece_bytes = j->as.piece_bytes};
    return cost_chunk(&j->measured, &limits);
}

static size_t bytes_of(const job *j, bool added, uint64_t units)
{
    return (size_t)((j->measured.bytes + input_bytes(j, added)) * (double)units);
}

/* In a slot that is free a task may cost what it likes. What is to wait behind others must be known to be short, as they must. */
static bool fits(const worker *w, const job *j, bool added, uint64_t units)
{
    if (w->count < j->slots)
        return true;
    double predicted = cost_predict(&j->measured, units);
    return predicted > 0 && predicted <= AHEAD_MOST && w->load > 0 && w->load < PLAN_CREDIT * j->slots && w->count < PLAN_TASKS_MOST &&
           w->bytes + bytes_of(j, added, units) <= (size_t)PLAN_BYTES_MOST * j->slots;
}

static void give(plan *of, uint32_t who, uint32_t which, double now)
{
    piece *p = &of->pieces[which];
    job *j = &of->jobs[p->job];
    worker *w = &of->workers[who];
    p->predicted = cost_predict(&j->measured, p->count);
    p->flying = (size_t)(j->measured.bytes * (double)p->count);
    j->bytes_flying += p->flying;
    p->forks = j->as.settled.executor == RF_FORK;
    p->travels = bytes_of(j, p->first >= PLAN_ADDED, p->count);
    w->bytes += p->travels;
    load_is(of, w, w->load + p->predicted);
    w->count++;
    w->unknown += p->predicted <= 0;
    rate_draw(&j->limit, p->count, now);
    tasks_push(of, who, which);
    act(of, &(plan_action){.kind = PLAN_RUN, .job = j->id, .task = task_of(of, which), .worker = who, .chunk = p->chunk,
                           .first = p->first, .count = p->count, .position = p->position, .attempt = p->attempt,
                           .predicted = p->predicted});
}

/* What a lost worker had may be more than the tokens at hand: then some of it comes later. */
static enum offer offer_ready(plan *of, uint32_t which, uint32_t who, double now)
{
    job *j = &of->jobs[which];
    if (j->ready.head == NONE)
        return OFFER_NOTHING;
    uint64_t tokens = tokens_for(j, now);
    if (!tokens)
        return wait_for_tokens(of, j);
    bool alone = j->takers <= 1;
    uint32_t i = j->ready.head;
    for (int looked = 0; i != NONE && looked < READY_LOOK; looked++, i = of->pieces[i].place.next) {
        bool may = of->pieces[i].avoid != who || alone;
        if (!may || !fits(&of->workers[who], j, of->pieces[i].first >= PLAN_ADDED, of->pieces[i].count))
            continue;
        ready_remove(of, i);
        set_apart(of, i, tokens);
        if (of->pieces[i].count > tokens) {
            ready_push(of, i, true);
            return OFFER_NOTHING;
        }
        give(of, who, i, now);
        return OFFER_GIVEN;
    }
    return OFFER_NOT_FOR_HIM;
}

static uint32_t cut(plan *of, uint32_t which, bool added, uint64_t units)
{
    uint32_t new_chunk = chunk_new(of, which);
    uint32_t new_piece = new_chunk == NONE ? NONE : piece_new(of, which, new_chunk);
    if (new_piece == NONE) {
        if (new_chunk != NONE)
            chunk_release(of, new_chunk);
        return NONE;
    }
    job *j = &of->jobs[which];
    of->chunks[new_chunk].first = of->pieces[new_piece].first = added ? PLAN_ADDED + j->added_cut : j->cut;
    of->chunks[new_chunk].count = of->pieces[new_piece].count = units;
    *(added ? &j->added_cut : &j->cut) += units;
    j->active += units;
    if (j->next_delivery == NONE)
        j->next_delivery = new_chunk;
    return new_piece;
}

static void read_more(plan *of, job *j, uint64_t room)
{
    if (j->input_ended || j->reading || !room)
        return;
    uint64_t want = chunk_units(j, false), left = job_limit(j) - j->known;
    want = want < READ_LEAST ? READ_LEAST : want;
    want = want < room ? want : room;
    j->reading = true;
    act(of, &(plan_action){.kind = PLAN_READ, .job = j->id, .count = want < left ? want : left});
}

/* What was added goes before what is left of the source, so that little of it waits in memory. */
static enum offer offer_new(plan *of, uint32_t which, uint32_t who, double now)
{
    job *j = &of->jobs[which];
    if (j->phase != JOB_RUNS)
        return OFFER_NOTHING;
    bool added = j->added_cut < j->added;
    uint64_t left = added ? j->added - j->added_cut : j->known - j->cut;
    uint64_t room = window_room(j), units = chunk_units(j, added);
    if (!left && j->as.sequential)
        read_more(of, j, room);
    units = units < left ? units : left;
    units = units < room ? units : room;
    if (!units)
        return OFFER_NOTHING;
    uint64_t tokens = tokens_for(j, now);
    if (!tokens)
        return wait_for_tokens(of, j);
    units = units < tokens ? units : tokens;
    if (!fits(&of->workers[who], j, added, units))
        return OFFER_NOT_FOR_HIM;
    uint32_t i = cut(of, which, added, units);
    if (i == NONE)
        return OFFER_NOTHING;
    give(of, who, i, now);
    return OFFER_GIVEN;
}

/* Of a job with few tokens: one that waits for another worker would wait for ever if new units drew them all. */
static bool another_takes_it(const plan *of, uint32_t which, uint32_t not_him)
{
    const job *j = &of->jobs[which];
    const piece *waits = &of->pieces[j->ready.head];
    for (uint32_t who = of->hungry.head; who != NONE; who = of->workers[who].in_hungry.next)
        if (who != not_him && who != waits->avoid && job_takes(of, j, who) && fits(&of->workers[who], j, waits->first >= PLAN_ADDED, waits->count))
            return true;
    return false;
}

static enum offer offer(plan *of, uint32_t which, uint32_t who, double now)
{
    if (!job_takes(of, &of->jobs[which], who))
        return OFFER_NOT_FOR_HIM;
    enum offer ready = offer_ready(of, which, who, now);
    if (ready == OFFER_GIVEN)
        return ready;
    if (ready == OFFER_NOT_FOR_HIM && of->jobs[which].limit.per_second && another_takes_it(of, which, who))
        return ready;
    enum offer fresh = offer_new(of, which, who, now);
    return fresh == OFFER_NOTHING ? ready : fresh;
}

/* After a task was given, worker and job go to the end of their queues: everybody in turn. */
static void take_turns(plan *of, uint32_t who, uint32_t which)
{
    hungry_remove(of, who);
    if (has_room(of, &of->workers[who]))
        hungry_add(of, who, false);
    if (of->ring.head != of->ring.tail) {
        ring_remove(of, which);
        ring_add(of, which);
    }
}

bool schedule_one(plan *of, double now)
{
    if (of->stuck || of->ring.head == NONE)
        return false;
    for (uint32_t who = of->hungry.head; who != NONE; who = of->workers[who].in_hungry.next) {
        for (uint32_t which = of->ring.head, next; which != NONE; which = next) {
            next = of->jobs[which].in_ring.next;
            enum offer made = offer(of, which, who, now);
            if (made == OFFER_GIVEN) {
                take_turns(of, who, which);
                return true;
            }
            if (made == OFFER_NOTHING)
                ring_remove(of, which);
        }
        if (of->ring.head == NONE)
            return false;
    }
    of->stuck = true;
    return false;
}
