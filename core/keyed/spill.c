#define _GNU_SOURCE
#include "keyed/spill.h"

#include <stdlib.h>

#include "base/error.h"

typedef struct kept {
    uint64_t id;
    sealed_run *run;
    unsigned users;
    bool cleared;                   /* goes when it is not in use any more */
} kept;

struct spill {
    size_t memory, bytes;           /* the budget; what runs in memory take */
    uint64_t written;
    scratch *place;
    kept *runs;                     /* ascending ids */
    size_t count, room;
};

spill *spill_new(size_t memory, scratch *place)
{
    spill *made = calloc(1, sizeof *made);
    if (!made) {
        error_no_memory(sizeof *made);
        return NULL;
    }
    *made = (spill){.memory = memory, .place = place};
    return made;
}

static void free_runs(spill *all)
{
    for (size_t i = 0; i < all->count; i++)
        run_free(all->runs[i].run);
    free(all->runs);
}

void spill_free(spill *all)
{
    if (!all)
        return;
    free_runs(all);
    free(all);
}

/* Where the id stands, or would. */
static size_t place_of(const spill *all, uint64_t id)
{
    size_t first = 0, end = all->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (all->runs[middle].id < id)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static kept *find(const spill *all, uint64_t id)
{
    size_t at = place_of(all, id);
    return at < all->count && all->runs[at].id == id ? &all->runs[at] : NULL;
}

/* ---- the budget -------------------------------------------------------------------------------------------------- */

static kept *largest_unused(const spill *all)
{
    kept *largest = NULL;
    for (size_t i = 0; i < all->count; i++) {
        kept *one = &all->runs[i];
        if (!one->users && one->run->memory.size && (!largest || one->run->memory.size > largest->run->memory.size))
            largest = one;
    }
    return largest;
}

static int spill_one(spill *all, kept *one)
{
    char *path;
    size_t size = one->run->memory.size;
    int status = scratch_path(all->place, &path);
    status = status ? status : run_spill(one->run, path);
    if (!status) {
        all->bytes -= size;
        all->written += size;
    }
    free(path);
    return status;
}

static int stay_in_budget(spill *all)
{
    int status = RF_OK;
    for (kept *next; !status && all->bytes > all->memory && (next = largest_unused(all));)
        status = spill_one(all, next);
    return status;
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

static int make_room(spill *all)
{
    if (all->count < all->room)
        return RF_OK;
    size_t room = all->room ? 2 * all->room : 16;
    kept *runs = realloc(all->runs, room * sizeof *runs);
    if (!runs)
        return error_no_memory(room * sizeof *runs);
    all->runs = runs;
    all->room = room;
    return RF_OK;
}

int spill_add(spill *all, uint64_t id, sealed_run *made)
{
    int status = find(all, id) ? error_set(RF_EUSAGE, "usage", "run %" PRIu64 " is kept already", id) : make_room(all);
    if (status) {
        run_free(made);
        return status;
    }
    kept *at = &all->runs[place_of(all, id)];
    memmove(at + 1, at, (size_t)(all->runs + all->count - at) * sizeof *at);
    *at = (kept){.id = id, .run = made};
    all->count++;
    all->bytes += made->memory.size;
    return stay_in_budget(all);
}

const sealed_run *spill_look(const spill *all, uint64_t id)
{
    const kept *one = find(all, id);
    return one ? one->run : NULL;
}

const sealed_run *spill_use(spill *all, uint64_t id)
{
    kept *one = find(all, id);
    if (!one)
        return NULL;
    one->users++;
    return one->run;
}

int spill_release(spill *all, uint64_t id)
{
    kept *one = find(all, id);
    if (!--one->users && one->cleared)
        spill_drop(all, id);
    return stay_in_budget(all);
}

int spill_out(spill *all, uint64_t id)
{
    kept *one = find(all, id);
    return one->run->path ? RF_OK : spill_one(all, one);
}

void spill_clear(spill *all)
{
    for (size_t i = all->count; i-- > 0;) {
        all->runs[i].cleared = true;
        if (!all->runs[i].users)
            spill_drop(all, all->runs[i].id);
    }
}

void spill_drop(spill *all, uint64_t id)
{
    kept *one = find(all, id);
    if (!one)
        return;
    all->bytes -= one->run->memory.size;
    run_free(one->run);
    all->count--;
    memmove(one, one + 1, (size_t)(all->runs + all->count - one) * sizeof *one);
}

uint64_t spill_written(const spill *all)
{
    return all->written;
}

size_t spill_bytes(const spill *all)
{
    return all->bytes;
}
