#include "keyed/emit.h"

#include <stdlib.h>

#include "base/error.h"
#include "keyed/combine.h"
#include "keyed/merge.h"
#include "keyed/partition.h"
#include "keyed/seal.h"

#define STAGE ROWS_PAGE             /* a full one may become a page of rows */

/* What was sealed because memory was short, in order. */
typedef struct parts {
    sealed_run **runs;
    uint32_t count, room;
} parts;

struct emitter {
    emit_front front;
    bool copies;                    /* pairs are taken as they are */
    int status;                     /* what sticks */
    const shape *of;
    scratch *place;
    buffer stage;                   /* data and capacity alone: at is its end */
    size_t kept;                    /* of the stage: what was emitted by items that succeeded */
    uint64_t kept_count;            /* pairs */
    combiner task, item;
    parts task_parts, item_parts;
    bool item_left;                 /* pairs of the item in work have left the stage */
    buffer packed, space;
    seal_output output;
};

static void set_limit(emitter *to)
{
    size_t least = RECORD_HEAD_MOST + EMIT_SHORT + 8 + RECORD_SLACK;
    to->front.limit = to->stage.data + to->stage.capacity - least;
}

static int make_stage(emitter *to, size_t size)
{
    buffer stage = {0};
    if (buffer_reserve(&stage, size))
        return RF_ENOMEM;
    buffer_free(&to->stage);
    to->stage = stage;
    to->front.at = stage.data;
    set_limit(to);
    return RF_OK;
}

int emit_new(const shape *of, scratch *place, emitter **made)
{
    *made = NULL;
    if (of->fold && of->order.by_value)
        return error_set(RF_EUSAGE, "usage", "values are folded, or ordered for the reducer: not both");
    emitter *new = calloc(1, sizeof *new);
    if (!new)
        return error_no_memory(sizeof *new);
    *new = (emitter){.of = of, .place = place, .copies = !of->partitioner && !of->fold,
                     .front = {.plain = !of->partitioner, .counts = of->fold == FOLD_COUNT}};
    int status = combine_init(&new->task, of);
    status = status ? status : combine_init(&new->item, of);
    status = status ? status : make_stage(new, STAGE);
    if (status)
        emit_free(new);
    else
        *made = new;
    return status;
}

static void clear_parts(parts *all)
{
    for (uint32_t i = 0; i < all->count; i++)
        run_free(all->runs[i]);
    all->count = 0;
}

void emit_free(emitter *old)
{
    if (!old)
        return;
    combine_free(&old->task);
    combine_free(&old->item);
    clear_parts(&old->task_parts);
    clear_parts(&old->item_parts);
    free(old->task_parts.runs);
    free(old->item_parts.runs);
    buffer_free(&old->stage);
    buffer_free(&old->packed);
    buffer_free(&old->space);
    buffer_free(&old->output.bytes);
    buffer_free(&old->output.packed);
    free(old);
}

/* ---- out of the stage -------------------------------------------------------------------------------------------- */

static int reserve_parts(parts *all, uint32_t more)
{
    if (all->room - all->count >= more)
        return RF_OK;
    uint32_t room = 2 * (all->count + more);
    sealed_run **runs = realloc(all->runs, room * sizeof *runs);
    if (!runs)
        return error_no_memory(room * sizeof *runs);
    all->runs = runs;
    all->room = room;
    return RF_OK;
}

static int seal_combiner(emitter *to, combiner *from, const char *path, sealed_run **made)
{
    *made = NULL;
    int status = combine_to_rows(from);
    status = status ? status : seal_rows(to->of, &from->rows, &to->space, path, to, &to->output, made);
    if (!status)
        combine_clear(from);
    return status;
}

static int seal_part(emitter *to, combiner *from, parts *into)
{
    char *path = NULL;
    int status = reserve_parts(into, 1);
    status = status ? status : scratch_path(to->place, &path);
    status = status ? status : seal_combiner(to, from, path, &into->runs[into->count]);
    into->count += !status;
    free(path);
    return status;
}

static int stay_in_budget(emitter *to)
{
    size_t task = combine_bytes(&to->task), item = combine_bytes(&to->item);
    if (task + item <= to->of->memory || !to->place)
        return RF_OK;
    return task >= item ? seal_part(to, &to->task, &to->task_parts) : seal_part(to, &to->item, &to->item_parts);
}

/* The first size bytes of the stage go to a combiner; the rest moves to the front of the stage, or of the page that is the stage now. */
static int take(emitter *to, combiner *into, size_t size)
{
    if (!size)
        return RF_OK;
    uint8_t *start = to->stage.data, *page = start;
    bool is_page = to->stage.capacity == ROWS_PAGE;
    int status = is_page ? combine_take_page(into, &page, start + size) : combine_take(into, start, start + size);
    size_t rest = (size_t)(to->front.at - start) - size;
    memmove(page, start + size, rest);
    to->stage.data = page;
    to->front.at = page + rest;
    set_limit(to);
    return status ? status : stay_in_budget(to);
}

static int take_kept(emitter *to)
{
    int status = take(to, &to->task, to->kept);
    to->kept = 0;
    return status;
}

static int take_item(emitter *to)
{
    int status = take(to, &to->item, (size_t)(to->front.at - to->stage.data));
    to->item_left = true;
    return status;
}

/* Without a limit no pair takes the short way: the next one is told what sticks. */
static int stick(emitter *to, int status)
{
    if (status)
        to->front.limit = NULL;
    return to->status = status;
}

static int make_room(emitter *to, size_t size)
{
    int status = to->kept ? take_kept(to) : RF_OK;
    size_t used = (size_t)(to->front.at - to->stage.data);
    if (!status && (used > STAGE / 2 || used + size > to->stage.capacity))
        status = take_item(to);
    if (!status && size > to->stage.capacity)
        status = make_stage(to, size);
    return stick(to, status);
}

/* ---- into it ----------------------------------------------------------------------------------------------------- */

static __attribute__((noinline)) int emit_any(emitter *to, rf_value key, rf_value value)
{
    record_part encoded[2];
    record made;
    uint32_t partition;
    if (to->status)
        return to->status;
    int status = fold_lift(to->of->fold, &value);
    status = status ? status : record_encode(key, value, encoded, &to->packed, &made);
    if (status)
        return status;
    if (to->of->partitioner && partition_ask(to->of, record_key(&made), &partition))
        return RF_EFUNCTION;
    size_t size = RECORD_HEAD_MOST + encoded[0].size + encoded[1].size + RECORD_SLACK;
    if (size > to->stage.capacity - (size_t)(to->front.at - to->stage.data) && make_room(to, size))
        return to->status;
    to->front.at += record_write(&made, to->front.at);
    to->front.count++;
    return RF_OK;
}

static inline bool is_bytes(rf_value value)
{
    return (rf_type_of(value) == RF_TEXT || rf_type_of(value) == RF_BYTES) && value.data && rf_size(value) < STAGE;
}

/* Texts and bytes under texts and bytes need no encoding. */
static int emit_bytes(emitter *to, rf_value key, rf_value value)
{
    size_t room = to->stage.capacity - (size_t)(to->front.at - to->stage.data);
    if (!is_bytes(key) || !is_bytes(value) || !to->copies || to->status ||
        RECORD_HEAD_MOST + rf_size(key) + rf_size(value) + RECORD_SLACK > room)
        return emit_any(to, key, value);
    record made = {.key = key.data, .key_size = (uint32_t)rf_size(key), .key_type = (uint8_t)rf_type_of(key),
                   .value = value.data, .value_size = (uint32_t)rf_size(value), .value_type = (uint8_t)rf_type_of(value)};
    to->front.at += record_write(&made, to->front.at);
    to->front.count++;
    return RF_OK;
}

int emit_pair(emitter *to, rf_value key, rf_value value)
{
    return emit_short(to, key, value) ? RF_OK : emit_bytes(to, key, value);
}

/* ---- items ------------------------------------------------------------------------------------------------------- */

static void clear_item(emitter *to)
{
    to->front.count = 0;
    if (!to->item_left)
        return;
    combine_clear(&to->item);
    clear_parts(&to->item_parts);
    to->item_left = false;
}

/* The task's own part comes first: the item's follow it. */
static int absorb_parts(emitter *to)
{
    int status = combine_empty(&to->task) ? RF_OK : seal_part(to, &to->task, &to->task_parts);
    status = status ? status : reserve_parts(&to->task_parts, to->item_parts.count);
    for (uint32_t i = 0; i < to->item_parts.count && !status; i++)
        to->task_parts.runs[to->task_parts.count++] = to->item_parts.runs[i];
    if (!status)
        to->item_parts.count = 0;
    return status;
}

static int keep_left(emitter *to)
{
    int status = take_item(to);
    if (!status && to->item_parts.count)
        status = absorb_parts(to);
    status = status ? status : combine_absorb(&to->task, &to->item);
    return status ? status : stay_in_budget(to);
}

int emit_keep(emitter *to)
{
    if (!to->status && to->item_left)
        stick(to, keep_left(to));
    to->kept = (size_t)(to->front.at - to->stage.data);
    to->kept_count += to->front.count;
    clear_item(to);
    return to->status;
}

int emit_drop(emitter *to)
{
    to->front.at = to->stage.data + to->kept;
    clear_item(to);
    return to->status;
}

/* ---- the task ---------------------------------------------------------------------------------------------------- */

/* Of two tables that are empty: the next item that fills one finds the larger, so that one table grows and not two. */
static void swap_tables(emitter *to)
{
    combiner larger = to->task;
    to->task = to->item;
    to->item = larger;
}

void emit_reset(emitter *to)
{
    to->kept = to->kept_count = 0;
    to->status = RF_OK;
    emit_drop(to);
    combine_clear(&to->task);
    clear_parts(&to->task_parts);
    if (to->task.mask > to->item.mask)
        swap_tables(to);
    if (to->stage.capacity > STAGE)
        (void)make_stage(to, STAGE);        /* without memory for a small one the large one stays */
    set_limit(to);
}

/* Through as many merges as it takes. */
static int merge_parts(emitter *to, sealed_run **made)
{
    char *path = NULL;
    parts *all = &to->task_parts;
    unsigned *inputs = calloc(all->count, sizeof *inputs);
    int status = inputs ? RF_OK : error_no_memory(all->count * sizeof *inputs);
    status = status ? status : merge_down(to->of, all->runs, inputs, &all->count, merge_most(to->of->memory), to->place);
    status = status ? status : scratch_path(to->place, &path);
    status = status ? status : merge_runs(to->of, all->runs, all->count, path, made);
    free(path);
    free(inputs);
    return status;
}

int emit_seal(emitter *to, sealed_run **made)
{
    *made = NULL;
    emit_drop(to);
    int status = to->status ? to->status : take_kept(to);
    if (!status && to->task_parts.count && !combine_empty(&to->task))
        status = seal_part(to, &to->task, &to->task_parts);
    if (!status)
        status = to->task_parts.count ? merge_parts(to, made) : seal_combiner(to, &to->task, NULL, made);
    emit_reset(to);
    return status;
}

int emit_combined(emitter *to, rf_value key, rf_value value)
{
    return seal_combined(&to->output, key, value);
}

uint64_t emit_count(const emitter *of)
{
    return of->kept_count;
}
