#include "plan/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static bool grow(plan *of, void **array, uint32_t *most, size_t size)
{
    uint32_t more = *most ? *most * 2 : 64;
    void *larger = more > *most ? realloc(*array, more * size) : NULL;
    if (!larger) {
        of->memory_status = error_no_memory(more * size);
        return false;
    }
    memset((char *)larger + *most * size, 0, (more - *most) * size);
    *array = larger;
    *most = more;
    return true;
}

bool grow_to(plan *of, void **array, uint32_t *most, size_t size, uint32_t index)
{
    while (index >= *most)
        if (!grow(of, array, most, size))
            return false;
    return true;
}

/* One set of list operations for every kind of record: base and offset find the link in record i. */
#define LINK_AT(base, size, offset, i) ((link *)(void *)((char *)(base) + (size_t)(i) * (size) + (offset)))

static void list_push(list *to, void *base, size_t size, size_t offset, uint32_t i, bool front)
{
    link *at = LINK_AT(base, size, offset, i);
    at->next = front ? to->head : NONE;
    at->previous = front ? NONE : to->tail;
    if (at->next != NONE)
        LINK_AT(base, size, offset, at->next)->previous = i;
    else
        to->tail = i;
    if (at->previous != NONE)
        LINK_AT(base, size, offset, at->previous)->next = i;
    else
        to->head = i;
}

static void list_remove(list *from, void *base, size_t size, size_t offset, uint32_t i)
{
    link *at = LINK_AT(base, size, offset, i);
    if (at->next != NONE)
        LINK_AT(base, size, offset, at->next)->previous = at->previous;
    else
        from->tail = at->previous;
    if (at->previous != NONE)
        LINK_AT(base, size, offset, at->previous)->next = at->next;
    else
        from->head = at->next;
}

#define PUSH(to, array, member, i, front) list_push(to, array, sizeof *(array), offsetof(__typeof__(*(array)), member), i, front)
#define REMOVE(from, array, member, i) list_remove(from, array, sizeof *(array), offsetof(__typeof__(*(array)), member), i)

/* Free slots are chained through the link they use when they are taken. */
uint32_t piece_new(plan *of, uint32_t of_job, uint32_t of_chunk)
{
    uint32_t i = of->piece_free;
    if (i != NONE)
        of->piece_free = of->pieces[i].place.next;
    else if (of->piece_count < of->piece_most || grow(of, (void **)&of->pieces, &of->piece_most, sizeof *of->pieces))
        i = of->piece_count++;
    else
        return NONE;
    uint32_t generation = of->pieces[i].generation;
    of->pieces[i] = (piece){.job = of_job, .chunk = of_chunk, .worker = NONE, .avoid = NONE, .position = PLAN_ALL, .attempt = 1,
                            .generation = generation};
    PUSH(&of->jobs[of_job].pieces, of->pieces, of_job, i, false);
    of->chunks[of_chunk].pieces++;
    return i;
}

void piece_detach(plan *of, uint32_t which)
{
    piece *p = &of->pieces[which];
    REMOVE(&of->jobs[p->job].pieces, of->pieces, of_job, which);
    of->chunks[p->chunk].pieces--;
}

void piece_release(plan *of, uint32_t which)
{
    piece *p = &of->pieces[which];
    p->state = PIECE_FREE;
    p->generation++;
    p->place.next = of->piece_free;
    of->piece_free = which;
}

uint64_t task_of(const plan *of, uint32_t which)
{
    return (uint64_t)of->pieces[which].generation << 32 | (which + 1);
}

uint32_t piece_by_task(const plan *of, uint64_t task)
{
    uint32_t i = (uint32_t)task - 1;
    bool lives = i < of->piece_count && of->pieces[i].state != PIECE_FREE && of->pieces[i].generation == task >> 32;
    return lives ? i : NONE;
}

uint32_t chunk_new(plan *of, uint32_t of_job)
{
    uint32_t i = of->chunk_free;
    if (i != NONE)
        of->chunk_free = of->chunks[i].of_job.next;
    else if (of->chunk_count < of->chunk_most || grow(of, (void **)&of->chunks, &of->chunk_most, sizeof *of->chunks))
        i = of->chunk_count++;
    else
        return NONE;
    of->chunks[i] = (chunk){.job = of_job, .used = true};
    PUSH(&of->jobs[of_job].chunks, of->chunks, of_job, i, false);
    return i;
}

void chunk_release(plan *of, uint32_t which)
{
    chunk *c = &of->chunks[which];
    REMOVE(&of->jobs[c->job].chunks, of->chunks, of_job, which);
    c->used = false;
    c->of_job.next = of->chunk_free;
    of->chunk_free = which;
}

/* A job's id holds its slot, so that it is found at once, and a serial number, so that it never comes again. */
#define JOB_SLOT_BITS 24

uint32_t job_new(plan *of)
{
    uint32_t i = of->job_free;
    if (i != NONE)
        of->job_free = of->jobs[i].in_ring.next;
    else if (of->job_count < of->job_most || grow(of, (void **)&of->jobs, &of->job_most, sizeof *of->jobs))
        i = of->job_count++;
    else
        return NONE;
    of->jobs[i] = (job){.phase = JOB_RUNS, .id = ++of->serial << JOB_SLOT_BITS | i, .serial = of->serial,
                        .chunks = {NONE, NONE}, .pieces = {NONE, NONE}, .ready = {NONE, NONE},
                        .next_delivery = NONE};
    return i;
}

void job_release(plan *of, uint32_t which)
{
    job *j = &of->jobs[which];
    ring_remove(of, which);
    free(j->benched);
    free((char *)(uintptr_t)j->as.settled.retry.on);
    *j = (job){.phase = JOB_FREE, .in_ring.next = of->job_free};
    of->job_free = which;
}

job *job_by_id(plan *of, uint64_t id, uint32_t *slot)
{
    uint32_t i = (uint32_t)(id & ((1u << JOB_SLOT_BITS) - 1));
    if (slot)
        *slot = i;
    return i < of->job_count && of->jobs[i].phase != JOB_FREE && of->jobs[i].id == id ? &of->jobs[i] : NULL;
}

void ready_push(plan *of, uint32_t which, bool front)
{
    of->pieces[which].state = PIECE_READY;
    PUSH(&of->jobs[of->pieces[which].job].ready, of->pieces, place, which, front);
    ring_add(of, of->pieces[which].job);
}

void ready_remove(plan *of, uint32_t which)
{
    REMOVE(&of->jobs[of->pieces[which].job].ready, of->pieces, place, which);
}

void tasks_push(plan *of, uint32_t of_worker, uint32_t which)
{
    of->pieces[which].state = PIECE_RUNNING;
    of->pieces[which].worker = of_worker;
    PUSH(&of->workers[of_worker].tasks, of->pieces, place, which, false);
}

void tasks_remove(plan *of, uint32_t which)
{
    REMOVE(&of->workers[of->pieces[which].worker].tasks, of->pieces, place, which);
}

static void heap_set(plan *of, uint32_t at, uint32_t which)
{
    of->heap[at] = which;
    of->pieces[which].heap_at = at;
}

static bool earlier(const plan *of, uint32_t a, uint32_t b)
{
    return of->pieces[a].due < of->pieces[b].due;
}

static void heap_up(plan *of, uint32_t at, uint32_t which)
{
    for (; at && earlier(of, which, of->heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap_set(of, at, of->heap[(at - 1) / 2]);
    heap_set(of, at, which);
}

static void heap_down(plan *of, uint32_t at, uint32_t which)
{
    for (uint32_t child; (child = 2 * at + 1) < of->heap_count; at = child) {
        if (child + 1 < of->heap_count && earlier(of, of->heap[child + 1], of->heap[child]))
            child++;
        if (!earlier(of, of->heap[child], which))
            break;
        heap_set(of, at, of->heap[child]);
    }
    heap_set(of, at, which);
}

bool heap_push(plan *of, uint32_t which)
{
    if (of->heap_count == of->heap_most && !grow(of, (void **)&of->heap, &of->heap_most, sizeof *of->heap))
        return false;
    of->pieces[which].state = PIECE_WAITING;
    heap_up(of, of->heap_count++, which);
    return true;
}

void heap_remove(plan *of, uint32_t which)
{
    uint32_t at = of->pieces[which].heap_at, last = of->heap[--of->heap_count];
    if (last == which)
        return;
    if (at && earlier(of, last, of->heap[(at - 1) / 2]))
        heap_up(of, at, last);
    else
        heap_down(of, at, last);
}

void ring_add(plan *of, uint32_t of_job)
{
    of->stuck = false;
    if (of->jobs[of_job].listed)
        return;
    of->jobs[of_job].listed = true;
    PUSH(&of->ring, of->jobs, in_ring, of_job, false);
}

void ring_remove(plan *of, uint32_t of_job)
{
    if (!of->jobs[of_job].listed)
        return;
    of->jobs[of_job].listed = false;
    REMOVE(&of->ring, of->jobs, in_ring, of_job);
}

void hungry_add(plan *of, uint32_t who, bool front)
{
    if (of->workers[who].hungry)
        return;
    of->stuck = false;
    of->workers[who].hungry = true;
    PUSH(&of->hungry, of->workers, in_hungry, who, front);
}

void hungry_remove(plan *of, uint32_t who)
{
    if (!of->workers[who].hungry)
        return;
    of->workers[who].hungry = false;
    REMOVE(&of->hungry, of->workers, in_hungry, who);
}

static bool actions_grow(plan *of)
{
    uint32_t old = of->action_most;
    if (!grow(of, (void **)&of->actions, &of->action_most, sizeof *of->actions))
        return false;
    for (uint32_t i = 0; i < of->action_first; i++)     /* what had wrapped round follows the old end */
        of->actions[old + i] = of->actions[i];
    return true;
}

void act(plan *of, const plan_action *action)
{
    if (of->action_count == of->action_most && !actions_grow(of))
        return;
    of->actions[(of->action_first + of->action_count++) % of->action_most] = *action;
}

void actions_silence(plan *of, uint64_t of_job)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < of->action_count; i++) {
        const plan_action *at = &of->actions[(of->action_first + i) % of->action_most];
        if (at->job != of_job || (at->kind != PLAN_READ && at->kind != PLAN_DELIVER && at->kind != PLAN_FAIL))
            of->actions[(of->action_first + kept++) % of->action_most] = *at;
    }
    of->action_count = kept;
}
