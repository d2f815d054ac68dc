#include "run/slot.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "run/fork_keyed.h"
#include "run/fork_names.h"
#include "run/fork_shares.h"
#include "run/slot_state.h"
#include "run/zygote.h"
#include "wire/message.h"

#define LOOK_MOST 0.010                 /* how often a child that says nothing is looked at */
#define GRACE 0.100                     /* for an attempt that nobody wants, to see that by itself */
#define OWN_FAILURE 4096                /* with the longest of texts */

slot *slot_new(int rank)
{
    slot *of = calloc(1, sizeof *of);
    if (!of) {
        error_no_memory(sizeof *of);
        return NULL;
    }
    of->rank = rank;
    of->knows = UINT64_MAX;
    of->kill_at = INFINITY;
    if (buffer_reserve(&of->own_failures, OWN_FAILURE) == RF_OK && ring_make(&of->with) == RF_OK)
        return of;
    buffer_free(&of->own_failures);
    free(of);
    return NULL;
}

void slot_free(slot *of)
{
    if (!of)
        return;
    for (size_t i = 0; i < of->count; i++) {
        slot_drop_result(slot_given(of, i));
        buffer_free(&slot_given(of, i)->passed);
    }
    buffer_free(&of->own_failures);
    ring_free(&of->with);
    free(of);
}

/* ---- chunks ---- */

struct given *slot_given(slot *of, size_t i)
{
    return &of->chunks[(of->first + i) % RING_REQUESTS];
}

size_t slot_chunks(const slot *of) { return of->count; }
bool slot_full(const slot *of) { return of->count == RING_REQUESTS; }
const executor_job *slot_job(const slot *of) { return of->count ? of->job : NULL; }
bool slot_knows(const slot *of, const executor_job *job) { return of->lives && of->ran == job->function; }

void slot_start(slot *of, const executor_chunk *chunk)
{
    bool is_one = chunk->job->keyed;
    *slot_given(of, of->count++) = (struct given){.chunk = *chunk, .first = is_one ? chunk->unit : chunk->first, .count = is_one ? 1 : chunk->count};
    of->job = chunk->job;
}

bool slot_cancel(slot *of, uint64_t task, bool drop)
{
    bool found = false;
    for (size_t i = 0; i < of->count; i++) {
        struct given *one = slot_given(of, i);
        if (one->chunk.task != task)
            continue;
        found = one->stop = true;
        one->drop = one->drop || drop;
        if (one->asked)
            atomic_store(&ring_request_at(&of->with, one->request)->stop, 1);
    }
    return found;
}

/* ---- asking ---- */

static uint64_t asked_so_far(const slot *of)
{
    return atomic_load_explicit(&of->with.head->asked, memory_order_relaxed);
}

static bool ring_has_place(const slot *of)
{
    return asked_so_far(of) - atomic_load_explicit(&of->with.head->answered, memory_order_acquire) < RING_REQUESTS;
}

static ring_request *next_request(slot *of, uint32_t kind, size_t frame_size)
{
    ring_request *request = ring_request_at(&of->with, asked_so_far(of));
    request->kind = kind;
    request->frame_size = frame_size;
    request->told_items = request->told_units = 0;
    request->keyed_at = request->result_at = request->passed_size = 0;
    atomic_store_explicit(&request->stop, 0, memory_order_relaxed);
    return request;
}

static void ask(slot *of)
{
    atomic_store_explicit(&of->with.head->asked, asked_so_far(of) + 1, memory_order_release);
    ring_wake(&of->with);
}

static int too_large(void)
{
    return error_set(RF_ENOMEM, "memory", "the item is larger than the memory that a child shares with its rank");
}

/* The frame as it came, the functions by their names, and what else the child has to know. */
static int ask_job(slot *of, const executor_job *job)
{
    const char *place = NULL;
    int status = job->keyed ? scratch_folder(shuffles_place(job->keyed->among), &place) : RF_OK;
    if (status)
        return status;
    size_t shares_at = (job->frame.size + fork_names_size(job) + 7) & ~(size_t)7;
    size_t keyed_at = (shares_at + fork_shares_size(job->shares) + 15) & ~(size_t)15;
    if (keyed_at + (place ? fork_keyed_size(job->keyed, place) : 0) > ring_window(&of->with))
        return too_large();
    uint8_t *at = ring_request_window(&of->with, asked_so_far(of));
    memcpy(at, job->frame.data, job->frame.size);
    fork_names_put(job, (char *)at + job->frame.size);
    fork_shares_put(job->shares, at + shares_at);
    if (place)
        fork_keyed_put(job->keyed, place, at + keyed_at);
    ring_request *request = next_request(of, RING_JOB, job->frame.size);
    request->shares_at = shares_at;
    request->keyed_at = place ? keyed_at : 0;
    ask(of);
    of->knows = job->ordinal;
    of->ran = job->function;
    return RF_OK;
}

/* Behind the frame, and the NUL of its body: where a task by key leaves its run, and what it goes without. Their size. */
static size_t lay_out_behind(const struct given *one, size_t frame_size, ring_request *request)
{
    size_t result_at = frame_size + 1, size = one->result ? strlen(one->result) + 1 : 0;
    size_t passed_at = (result_at + size + 7) & ~(size_t)7;
    if (!request)
        return passed_at + one->passed.size;
    request->result_at = one->result ? result_at : 0;
    request->passed_at = passed_at;
    request->passed_size = one->passed.size;
    request->passed_count = one->passed_count;
    return 0;
}

static void put_run(slot *of, struct given *one, size_t size)
{
    const executor_chunk *chunk = &one->chunk;
    message what = {.head = {.kind = MESSAGE_RUN, .task = chunk->task},
                    .run = {.first = chunk->first, .count = chunk->count, .position = chunk->position, .kind = chunk->piece.kind,
                            .layout = chunk->piece.layout, .a = chunk->piece.a, .b = chunk->piece.b, .attempt = chunk->attempt,
                            .predicted = chunk->predicted, .unit = chunk->unit},
                    .body_size = chunk->piece.body_size};
    one->request = asked_so_far(of);
    uint8_t *frame = ring_request_window(&of->with, one->request), *body = message_write(frame, &what, 0);
    if (what.body_size)
        memcpy(body, chunk->piece.body, what.body_size);
    body[what.body_size] = '\0';
    ring_request *request = next_request(of, RING_RUN, size);
    lay_out_behind(one, size, request);
    if (one->result)
        strcpy((char *)frame + request->result_at, one->result);
    if (one->passed.size)
        memcpy(frame + request->passed_at, one->passed.data, one->passed.size);
    request->told_items = one->items;
    request->told_units = one->units;
    request->items_most = one->careful ? 1 : UINT64_MAX;
    atomic_store_explicit(&request->stop, one->stop, memory_order_relaxed);
}

static int ask_run(slot *of, struct given *one)
{
    size_t size = message_frame_size(MESSAGE_RUN, one->chunk.piece.body_size);
    int status = slot_allot_result(of, one);
    if (status)
        return status;
    if (lay_out_behind(one, size, NULL) > ring_window(&of->with))
        return too_large();
    put_run(of, one, size);
    one->asked = true;
    ask(of);
    return RF_OK;
}

static int ask_one(slot *of, struct given *one)
{
    int status = of->knows == one->chunk.job->ordinal ? RF_OK : ask_job(of, one->chunk.job);
    if (status || !ring_has_place(of))
        return status;
    return ask_run(of, one);
}

/* What the first chunk cannot be asked for: told. Others wait until they are the first. */
static int ask_all(slot *of)
{
    int status = RF_OK;
    for (size_t i = 0; i < of->count && !status; i++) {
        struct given *one = slot_given(of, i);
        if (one->asked)
            continue;
        if (!ring_has_place(of))
            return RF_OK;
        status = ask_one(of, one);
        if (status && i)
            return RF_OK;
        if (!one->asked)
            break;
    }
    return status;
}

/* The task has failed, or where it is no item's fault the worker. */
static bool cannot_ask(slot *of, executor_part *part)
{
    return of->job->keyed ? slot_fail_task_last_error(of, part) : slot_give_up_last_error(of, part);
}

/* ---- looking after it ---- */

void slot_kill(slot *of, enum fate why)
{
    of->fate = why;
    if (of->lives)
        zygote_kill(of->child);
}

/* How long it has been at the same item. The first look at an item begins its time: it never has less. */
static void look_at_item(slot *of, double now)
{
    uint64_t told = atomic_load_explicit(&of->with.head->told, memory_order_acquire);
    const logbook *log = &ring_part_at(&of->with, told)->log;
    uint64_t mark = logbook_in_item(log) ? atomic_load_explicit(&log->at, memory_order_acquire) : 0;
    if (!mark || mark != of->mark || told != of->told_at_mark) {
        of->mark = mark;
        of->told_at_mark = told;
        of->since = now;
    } else if (now - of->since >= of->job->task_timeout) {
        slot_kill(of, OUT_OF_TIME);
    }
}

static void supervise(slot *of, double now)
{
    if (now - of->looked >= LOOK_MOST && !zygote_lives()) {     /* then its children are gone as well, and nobody says so */
        of->lives = false;
        slot_forget_child(of);
        return;
    }
    of->looked = now - of->looked >= LOOK_MOST ? now : of->looked;
    if (of->fate != LIVES_ON) {
        zygote_kill(of->child);         /* it may not have been heard */
        return;
    }
    const struct given *one = slot_given(of, 0);
    if (one->drop && isinf(of->kill_at))
        of->kill_at = now + GRACE;
    if (now >= of->kill_at)
        slot_kill(of, UNWANTED);
    else if (of->job->task_timeout < INFINITY)
        look_at_item(of, now);
}

static void look_for_end(slot *of)
{
    if (of->lives && zygote_ended(of->child, &of->how)) {
        of->lives = false;
        of->died = true;
    }
}

/* False: none can be made, told. */
static bool have_child(slot *of)
{
    if (of->lives)
        return true;
    int status = zygote_make(false);
    if (status == RF_OK)
        status = zygote_spawn(&of->with, of->rank, &of->child);
    of->lives = status == RF_OK;
    return status >= 0;
}

bool slot_next(slot *of, double now, executor_part *part)
{
    slot_release_part(of);
    look_for_end(of);
    if (of->count && !of->died && !have_child(of))
        return slot_give_up_last_error(of, part);
    if (of->lives && ask_all(of))
        return cannot_ask(of, part);
    if (of->fate != DAMAGED && slot_is_told(of) && slot_take_part(of, part))
        return true;
    if (of->died)
        return slot_bury(of, part);
    if (of->count && of->lives)
        supervise(of, now);
    return false;
}

double slot_wake(const slot *of, double now)
{
    if (of->died || (of->count && !of->lives) || (of->fate == LIVES_ON && slot_is_told(of)))
        return now;
    if (!of->count)
        return INFINITY;
    double often = of->job->task_timeout / 8;
    double next = now + (often < LOOK_MOST ? often : LOOK_MOST);
    return next < of->kill_at ? next : of->kill_at;
}

/* ---- the end ---- */

void slot_dismiss(slot *of)
{
    look_for_end(of);
    if (!of->lives)
        return;
    if (of->count || !ring_has_place(of)) {
        zygote_kill(of->child);
        return;
    }
    next_request(of, RING_LEAVE, 0);
    ask(of);
}

bool slot_empty(slot *of)
{
    look_for_end(of);
    return !of->lives;
}
