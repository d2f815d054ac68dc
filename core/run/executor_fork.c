#include "run/executor_fork.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "run/slot.h"
#include "run/zygote.h"

struct executor_fork {
    executor base;
    executor_host host;
    slot **slots;
    size_t count;
    size_t next;                        /* slot that is looked at first: all in turn */
    size_t chunks;
    uint32_t seen;                      /* the bell */
};

static const struct executor_fork *look(const executor *runs)
{
    return (const struct executor_fork *)runs;
}

/* With one slot chunks are put behind each other in one child, so that it need not wait for the rank. With more each has a child to itself: one
   that waited behind another could be what that one waits for. */
static bool may_queue(const slot *in, const executor_job *of)
{
    return of->slots == 1 && slot_job(in) == of;
}

static size_t running(const struct executor_fork *in, const executor_job *of)
{
    size_t slots = 0;
    for (size_t i = 0; i < in->count; i++)
        slots += slot_job(in->slots[i]) == of;
    return slots;
}

static bool room(const executor *runs, const executor_job *of)
{
    const struct executor_fork *in = look(runs);
    for (size_t i = 0; i < in->count; i++)
        if (may_queue(in->slots[i], of))
            return !slot_full(in->slots[i]);
    return running(in, of) < of->slots;
}

/* One that the job has already, else an idle one, the rather one that has run this function: its .init is done. NULL: none. */
static slot *find_slot(const struct executor_fork *in, const executor_job *of)
{
    slot *idle = NULL;
    for (size_t i = 0; i < in->count; i++) {
        slot *one = in->slots[i];
        if (may_queue(one, of))
            return one;
        if (!slot_job(one) && (!idle || slot_knows(one, of)))
            idle = one;
    }
    return idle;
}

static slot *add_slot(struct executor_fork *in)
{
    slot **more = realloc(in->slots, (in->count + 1) * sizeof(slot *));
    if (!more) {
        error_no_memory((in->count + 1) * sizeof(slot *));
        return NULL;
    }
    in->slots = more;
    slot *added = slot_new(in->host.rank);
    if (added)
        in->slots[in->count++] = added;
    return added;
}

static int start(executor *runs, const executor_chunk *chunk)
{
    struct executor_fork *in = (struct executor_fork *)runs;
    slot *one = find_slot(in, chunk->job);
    if (!one && !(one = add_slot(in)))
        return RF_ENOMEM;
    slot_start(one, chunk);
    in->chunks++;
    return RF_OK;
}

/* What the bell says is read before the slots are: a part that comes meanwhile is not missed. */
static uint32_t hear_bell(const struct executor_fork *in)
{
    const _Atomic uint32_t *bell = in->count ? zygote_bell() : NULL;
    return bell ? atomic_load_explicit(bell, memory_order_acquire) : 0;
}

static bool next(executor *runs, double now, executor_part *part)
{
    struct executor_fork *in = (struct executor_fork *)runs;
    in->seen = hear_bell(in);
    for (size_t looked = 0; looked < in->count; looked++) {
        slot *one = in->slots[in->next];
        size_t before = slot_chunks(one);
        bool got = slot_next(one, now, part);
        in->chunks -= before - slot_chunks(one);
        if (got)
            return true;
        in->next = (in->next + 1) % in->count;
    }
    return false;
}

static double wake(const executor *runs)
{
    const struct executor_fork *in = look(runs);
    double now = in->host.now(in->host.context), first = INFINITY;
    for (size_t i = 0; i < in->count && first > now; i++) {
        double one = slot_wake(in->slots[i], now);
        first = one < first ? one : first;
    }
    return first;
}

static void cancel(executor *runs, uint64_t task, bool drop)
{
    struct executor_fork *in = (struct executor_fork *)runs;
    for (size_t i = 0; i < in->count; i++)
        if (slot_cancel(in->slots[i], task, drop))
            return;
}

static bool all_empty(const struct executor_fork *in)
{
    bool empty = true;
    for (size_t i = 0; i < in->count; i++)
        empty = slot_empty(in->slots[i]) && empty;
    return empty;
}

static void release(executor *runs)
{
    struct executor_fork *in = (struct executor_fork *)runs;
    for (size_t i = 0; i < in->count; i++)
        slot_dismiss(in->slots[i]);
    for (uint32_t seen = hear_bell(in); !all_empty(in) && zygote_lives(); seen = hear_bell(in))
        zygote_await(seen, 0.1);
    for (size_t i = 0; i < in->count; i++)
        slot_free(in->slots[i]);
    free(in->slots);
    free(in);
}

const _Atomic uint32_t *executor_fork_bell(const executor *runs, uint32_t *seen)
{
    const struct executor_fork *in = look(runs);
    *seen = in->seen;
    return in->chunks ? zygote_bell() : NULL;
}

int executor_fork_new(const executor_host *host, executor **made)
{
    static const struct executor_kind kind = {room, start, next, wake, cancel, release};
    struct executor_fork *in = calloc(1, sizeof *in);
    *made = NULL;
    if (!in)
        return error_no_memory(sizeof *in);
    in->base.kind = &kind;
    in->host = *host;
    *made = &in->base;
    return RF_OK;
}
