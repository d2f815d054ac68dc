/* The inline executor. A part ends when its results fill a frame, when its time is up, or when the next item comes from another file;
   where workers read, at the end of a block if that is near, so that a block is mostly reported whole.

   The clock is looked at every few items: after so many as took CHECK_SECONDS when last measured. So items far below a millisecond are timed
   together, and what takes long among them is told as one of so many.

   What an item may need besides its value (a failure's texts, a position) is reserved before it runs, so that nothing is lost for want
   of memory: where even that is not to be had, this worker gives the rest of the chunk back and is benched.

   In a child of the rank the same executor writes its parts where the rank reads them, and keeps a logbook. */
#include "run/executor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "input/reader.h"
#include "run/chain.h"
#include "run/keyed_task.h"
#include "value/print.h"

#define PART_BYTES 61440                /* of values, positions and failures: with what is around them, below what fits a frame */
#define PART_SECONDS 0.010
#define CHECK_SECONDS 0.000050
#define CHECK_ITEMS_MOST 1024
#define FAILURE_BYTES 2048              /* at most, with kind, message and padding */
#define OVERFULL 16                     /* times PART_BYTES or PART_SECONDS: a block is reported unfinished */

/* State that .init made; functions that name the same init share it. */
struct worker_state { int (*init)(rf_call *call, void **worker); void (*exit)(void *worker); void *state; };

struct executor_inline {
    executor base;
    executor_host host;
    executor_chunk chunk;
    reader *from;
    rf_call call;
    chain chain;
    column values, added;
    buffer positions, failures, states;
    reader_item item;                   /* read, not run yet, where pending */
    int item_status;
    char item_kind[64], item_text[1024];    /* why it could not be read */
    logbook *log;                       /* NULL: nobody reads it */
    const _Atomic uint32_t *asked_to_stop;
    uint64_t items_left;                /* with a log: of this part, at most */
    bool over;                          /* none are left: it ends as soon as it can */
    uint64_t skip;                      /* items to pass over, told of by another executor */
    bool busy, pending, stop, broken;
    uint64_t part_unit;                 /* the first unit that no part has covered */
    uint64_t last_unit;                 /* of the last item that was run */
    uint64_t ran, failure_count, path_index, unchecked, check_every;
    double part_began, checked, init_seconds;
    uint64_t bytes_read;
    uint64_t unchecked_from;            /* position of the first item since the clock was looked at */
    struct message_long longest;        /* of the part; seconds 0: none */
};

static double host_now(const struct executor_inline *in)
{
    return in->host.now(in->host.context);
}

static void host_progress(void *context)
{
    struct executor_inline *in = context;
    in->host.progress(in->host.context);
}

static bool host_cancelled(void *context)
{
    struct executor_inline *in = context;
    return in->stop || in->host.cancelled(in->host.context, in->chunk.task);
}

static bool room(const executor *runs, const executor_job *of)
{
    (void)of;
    return !((const struct executor_inline *)runs)->busy;
}

static int start(executor *runs, const executor_chunk *chunk)
{
    struct executor_inline *in = (struct executor_inline *)runs;
    in->chunk = *chunk;
    in->busy = true;
    in->pending = in->stop = in->broken = false;
    in->part_unit = (chunk->job->keyed ? chunk->unit : chunk->first) + chunk->told_units;
    in->skip = chunk->told_items;
    in->over = false;
    in->call.function = chunk->job->chained ? NULL : chunk->job->function->name;
    in->call.state = chunk->job->state;
    in->call.results = &in->values;
    in->call.turn = 0;
    in->chain.lost = false;
    in->call.seed = chunk->job->seed;
    in->call.job = chunk->job->ordinal;
    in->call.shares = chunk->job->shares;
    in->call.added = chunk->job->grows ? &in->added : NULL;
    in->call.wants_tuples = chunk->job->wants_tuples;
    in->check_every = 1;
    in->part_began = in->checked = chunk->follows ? in->checked : host_now(in);
    if (chunk->job->phase == PHASE_REDUCE)
        return RF_OK;
    int status = chunk->job->chained ? chain_open(&in->chain, chunk->job, chunk->first) : RF_OK;
    return status ? status : reader_open(in->from, &chunk->piece, chunk->first, chunk->count, chunk->position);
}

/* ---- .init ---- */

static void add_failure(struct executor_inline *in, uint64_t item, int status, const char *kind, const char *text)
{
    struct message_failure entry = {.item = item, .unit = in->item.unit, .position = in->item.position, .status = status,
                                    .rest = in->item.rest && !in->chunk.job->folds,
                                    .stage = in->chunk.job->chained ? chain_failed_stage(&in->chain) : 0};
    in->failure_count++;
    message_add_failure(&in->failures, &entry, kind, text);      /* reserved */
}

static __attribute__((noinline)) bool reserve_more(struct executor_inline *in, size_t tags)
{
    in->broken = buffer_reserve(&in->failures, FAILURE_BYTES) || buffer_reserve(&in->positions, sizeof(uint64_t)) ||
                 buffer_reserve(&in->values.words, sizeof(uint64_t)) || buffer_reserve(&in->values.tags, tags);
    return !in->broken;
}

static bool reserve_item(struct executor_inline *in)
{
    size_t tags = (in->values.count + 1) * sizeof(uint64_t) - in->values.tags.size;     /* the first value of another type needs them all */
    bool there = buffer_has(&in->failures, FAILURE_BYTES) && buffer_has(&in->positions, sizeof(uint64_t)) &&
                 buffer_has(&in->values.words, sizeof(uint64_t)) && buffer_has(&in->values.tags, tags);
    return there || reserve_more(in, tags);
}

static int worker_state_of(struct executor_inline *in, const rf_registration *function, void **state)
{
    *state = NULL;
    if (!function || !function->init)
        return RF_OK;
    struct worker_state *states = (struct worker_state *)(void *)in->states.data;
    for (size_t i = 0; i < in->states.size / sizeof *states; i++)
        if (states[i].init == function->init) {
            *state = states[i].state;
            return RF_OK;
        }
    struct worker_state *added = buffer_add(&in->states, sizeof *added);
    if (!added)
        return RF_ENOMEM;
    if (in->log)
        atomic_store(&in->log->in_init, true);
    double began = host_now(in);
    int status = call_init_worker(&in->call, function, state);
    if (in->log)
        atomic_store(&in->log->in_init, false);
    in->part_began = in->checked = host_now(in);
    in->init_seconds = in->checked - began;
    if (status)
        in->states.size -= sizeof *added;
    else
        *added = (struct worker_state){function->init, function->exit, *state};
    return status;
}

static int worker_states(struct executor_inline *in)
{
    const executor_job *job = in->chunk.job;
    if (job->keyed && job->keyed->combiner) {
        int combines = worker_state_of(in, job->keyed->combiner, &job->keyed->combining.worker_state);
        if (combines)
            return combines;
    }
    if (!job->chained)
        return worker_state_of(in, job->function, &in->call.worker_state);
    int status = RF_OK;
    for (uint32_t i = 0; i < job->stage_count && status == RF_OK; i++) {
        void *state;
        status = worker_state_of(in, job->stages[i].function, &state);
        chain_worker(&in->chain, i, state);
    }
    return status;
}

/* ---- items ---- */

static void run_chained(struct executor_inline *in)
{
    if (chain_passes_over(&in->chain, in->item.unit))
        return;
    int status = in->item_status ? in->item_status : chain_run(&in->chain, in->item.value, in->item.unit);
    if (!status || !chain_failed(&in->chain, in->item.unit, in->item.position))
        return;
    bool read = in->item_status == RF_OK;
    add_failure(in, in->values.count - 1, status, read ? in->call.kind : in->item_kind, read ? in->call.message : in->item_text);
}

static void run_plain(struct executor_inline *in)
{
    uint64_t item = in->values.count;
    if (in->item_status == RF_OK) {
        rf_map_function *function = (rf_map_function *)in->chunk.job->function->function;
        if (call_run(&in->call, function, in->item.value, &in->call.item))
            add_failure(in, item, in->call.status, in->call.kind, in->call.message);
    } else {
        add_failure(in, item, in->item_status, in->item_kind, in->item_text);
        column_add(&in->values, rf_nil());
    }
    if (in->chunk.job->by_workers || in->chunk.piece.kind == INPUT_ADDED)
        buffer_put(&in->positions, &in->item.position, sizeof in->item.position);
}

static void run_item(struct executor_inline *in)
{
    in->call.item.position = in->item.position;
    in->call.item.path = in->item.path;
    in->call.item.path_index = in->item.path_index;
    in->call.item.attempt = in->chunk.attempt;
    if (!in->unchecked)
        in->unchecked_from = in->item.position;
    if (in->chunk.job->by_workers)
        in->bytes_read += rf_size(in->item.value);
    if (in->chunk.job->chained)
        run_chained(in);
    else
        run_plain(in);
    in->ran++;
    in->last_unit = in->item.unit;
    in->path_index = in->item.path_index;
}

/* A path's end tells more than its beginning. */
static void keep_path(char *to, size_t size, const char *path)
{
    size_t length = path ? strlen(path) : 0;
    bool fits = length < size;
    snprintf(to, size, "%s%s", fits ? "" : "...", !path ? "" : fits ? path : path + length - (size - sizeof "..."));
}

/* item: the one that was run last, or NULL where it may be gone. */
static void keep_longest(struct executor_inline *in, double seconds, const rf_value *item)
{
    in->longest.seconds = seconds;
    in->longest.index = in->unchecked_from;
    in->longest.items = in->unchecked;
    keep_path(in->longest.path, sizeof in->longest.path, in->call.item.path);
    in->longest.item[0] = '\0';
    if (item && in->unchecked == 1)
        print_brief(*item, in->longest.item);
}

/* What the items since the last look took. */
static void look(struct executor_inline *in, double now, const rf_value *item)
{
    double took = now - in->checked;
    if (took >= LONGEST_LEAST && took > in->longest.seconds)
        keep_longest(in, took, item);
    in->unchecked = 0;
    in->checked = now;
}

static void look_now_and_then(struct executor_inline *in)
{
    if (++in->unchecked < in->check_every)
        return;
    double now = host_now(in), each = (now - in->checked) / (double)in->unchecked;
    double every = each > 0 ? CHECK_SECONDS / each : CHECK_ITEMS_MOST;
    in->check_every = every < 1 ? 1 : every > CHECK_ITEMS_MOST ? CHECK_ITEMS_MOST : (uint64_t)every;
    look(in, now, &in->item.value);
}

/* The time is that of the last look at the clock. */
static bool part_is_full(struct executor_inline *in, unsigned times)
{
    if (!in->ran)
        return false;
    if (in->checked - in->part_began >= PART_SECONDS * times)
        return true;
    size_t bytes = in->values.payload.size + in->values.words.size + in->values.tags.size + in->positions.size + in->failures.size;
    if (in->added.count)
        bytes += column_bytes(&in->added);
    return bytes >= (size_t)PART_BYTES * times;
}

static bool next_item(struct executor_inline *in)
{
    if (!in->pending) {
        in->item_status = reader_next(in->from, &in->item);
        if (in->item_status < 0) {
            snprintf(in->item_kind, sizeof in->item_kind, "%s", rf_last_error()->kind);
            snprintf(in->item_text, sizeof in->item_text, "%s", rf_last_error()->message);
        }
    }
    in->pending = in->item_status != RF_END;
    return in->pending;
}

/* Where workers read: the part ends before the item that was read. A block that is folded is one leaf, which no part divides. */
static bool ends_before_item(struct executor_inline *in)
{
    bool begins_block = in->item.unit != in->last_unit, other_file = in->item.path_index != in->path_index;
    if (!in->ran)
        return false;
    if (in->chunk.job->folds)
        return begins_block && (in->over || part_is_full(in, 1));
    return other_file || part_is_full(in, begins_block ? 1 : OVERFULL);
}

static bool is_positioned(const struct executor_inline *in)
{
    const executor_job *job = in->chunk.job;
    return job->chained ? chain_is_positioned(&in->chain, in->ran) : job->by_workers || in->chunk.piece.kind == INPUT_ADDED;
}

/* What another executor has told of. */
static void pass_over(struct executor_inline *in)
{
    if (in->chunk.job->folds) {         /* whole units were told, whatever was in them */
        while (next_item(in) && in->item.unit < in->part_unit)
            in->pending = false;
        in->skip = 0;
    }
    for (; in->skip && next_item(in); in->skip--)
        in->pending = false;
}

/* An item is done. True, but for the middle of a block that is folded: the part is to end with it. */
static bool log_item(struct executor_inline *in)
{
    logbook_done(in->log, &(logbook_entry){.unit = in->last_unit, .path_index = in->path_index, .failures = in->failure_count,
                                           .failure_bytes = in->failures.size, .payload_bytes = in->values.payload.size,
                                           .tag = in->values.tag, .mixed = in->values.mixed, .added = in->added.count,
                                           .added_bytes = in->added.payload.size, .added_tag = in->added.tag,
                                           .added_mixed = in->added.mixed, .values = in->values.count,
                                           .positions = in->positions.size / sizeof(uint64_t),
                                           .positioned = is_positioned(in)},
                 in->ran);
    in->stop = in->stop || atomic_load_explicit(in->asked_to_stop, memory_order_relaxed);
    in->over = in->over || --in->items_left == 0;
    return in->over;
}

/* Runs items until a part is complete. True: something of the chunk is left. */
static bool run_part(struct executor_inline *in)
{
    bool by_workers = in->chunk.job->by_workers;
    uint64_t end = in->chunk.first + in->chunk.count;
    bool divides = !by_workers || !in->chunk.job->folds;
    if (in->skip || in->chunk.told_units)
        pass_over(in);
    while (!in->stop && !in->chain.lost && next_item(in)) {
        if (by_workers && ends_before_item(in))
            return true;
        if (!reserve_item(in))
            return true;
        in->pending = false;
        if (in->log)
            logbook_at(in->log, in->ran, in->item.unit, in->item.position, in->item.path_index, in->item.path);
        run_item(in);
        look_now_and_then(in);
        if (in->log && log_item(in) && divides && (by_workers || in->last_unit + 1 < end))
            return true;
        if (!by_workers && in->last_unit + 1 < end && part_is_full(in, 1))
            return true;
    }
    return false;
}

/* The first unit that this part does not cover. A block of which an item is still to come, or may be, is not covered. */
static uint64_t covered_upto(const struct executor_inline *in, bool more)
{
    if (!more && !in->stop)
        return in->chunk.first + in->chunk.count;
    if (!in->ran)
        return in->part_unit;
    if (!in->chunk.job->by_workers)
        return in->last_unit + 1;
    return in->pending && in->item.unit != in->last_unit ? in->item.unit : in->last_unit;
}

/* What was folded is of many files, and of whole units. */
static void finish(struct executor_inline *in, bool more, uint64_t upto, executor_part *part)
{
    const executor_job *job = in->chunk.job;
    double now = in->ran && !in->unchecked ? in->checked : host_now(in);
    look(in, now, NULL);
    *part = (executor_part){.task = in->chunk.task, .unit = in->part_unit, .units = upto - in->part_unit,
                            .path_index = job->folds ? UINT64_MAX : in->path_index, .failure_count = in->failure_count,
                            .ran = in->ran, .seconds = now - in->part_began, .last = !more,
                            .init_seconds = in->init_seconds, .bytes_read = in->bytes_read,
                            .longest = in->longest.seconds > 0 && job->number != UINT32_MAX ? &in->longest : NULL,
                            .partly = in->ran && in->last_unit >= upto && !job->folds,
                            .positioned = is_positioned(in),
                            .values = &in->values, .positions = &in->positions, .added = &in->added, .failures = &in->failures};
    in->part_unit = upto;
    in->part_began = now;
    in->busy = more;
}

static void empty_part(struct executor_inline *in)
{
    column_cut(&in->values, 0);
    column_cut(&in->added, 0);
    in->positions.size = in->failures.size = 0;
    in->ran = in->failure_count = 0;
    in->unchecked = in->bytes_read = 0;
    in->longest.seconds = 0;
    in->last_unit = UINT64_MAX;
    in->path_index = UINT64_MAX;
}

/* This worker cannot go on with the chunk: one failure says why, no unit is covered. */
static void give_up(struct executor_inline *in, int status, const char *kind, const char *text, executor_part *part)
{
    empty_part(in);
    in->item = (reader_item){.unit = in->part_unit, .position = in->part_unit};
    add_failure(in, 0, status, kind, text);
    in->busy = false;
    *part = (executor_part){.task = in->chunk.task, .unit = in->part_unit, .path_index = UINT64_MAX, .failure_count = 1, .last = true, .init_failed = true,
                            .init_seconds = in->init_seconds, .values = &in->values, .positions = &in->positions, .added = &in->added,
                            .failures = &in->failures};
}

static void run_and_finish(struct executor_inline *in, executor_part *part)
{
    if (in->chunk.job->chained)
        chain_begin_part(&in->chain, in->part_unit);
    bool more = run_part(in);
    uint64_t upto = covered_upto(in, more);
    if (in->chunk.job->chained && !chain_end_part(&in->chain, upto))
        give_up(in, RF_ENOMEM, "memory", "the worker is out of memory", part);
    else
        finish(in, more, upto, part);
}

/* A task by key is one part, of the one unit that it is. */
static void run_keyed(struct executor_inline *in, executor_part *part)
{
    keyed_task task = {.call = &in->call, .chunk = &in->chunk, .from = in->from, .failures = &in->failures, .values = &in->values,
                       .added = &in->added};
    in->chunk.job->keyed->log = in->log;
    logbook_place(in->log, LOGBOOK_LIBRARY);
    enum keyed_outcome outcome = in->stop                                  ? KEYED_NOTHING
                                 : in->chunk.job->phase == PHASE_REDUCE ? reduce_task_run(&task)
                                                                        : map_task_run(&task);
    logbook_place(in->log, LOGBOOK_NOWHERE);
    double now = host_now(in);
    bool covers = outcome != KEYED_NOTHING;
    in->busy = false;
    *part = (executor_part){.task = in->chunk.task, .unit = in->part_unit, .units = covers, .path_index = UINT64_MAX,
                            .failure_count = outcome == KEYED_FAILED, .ran = task.ran, .seconds = now - in->part_began, .last = true,
                            .init_seconds = in->init_seconds, .bytes_read = task.bytes_read, .values = &in->values,
                            .positions = &in->positions, .added = &in->added, .failures = &in->failures};
    in->checked = now;
}

static bool next(executor *runs, double now, executor_part *part)
{
    struct executor_inline *in = (struct executor_inline *)runs;
    (void)now;
    if (!in->busy)
        return false;
    empty_part(in);
    in->init_seconds = 0;
    if (in->broken)
        give_up(in, RF_ENOMEM, "memory", "the worker is out of memory", part);
    else if (worker_states(in))
        give_up(in, RF_EINIT, in->call.kind, in->call.message, part);
    else if (in->chunk.job->keyed)
        run_keyed(in, part);
    else
        run_and_finish(in, part);
    return true;
}

static double wake(const executor *runs)
{
    const struct executor_inline *in = (const struct executor_inline *)runs;
    return in->busy ? 0 : INFINITY;
}

static void cancel(executor *runs, uint64_t task, bool drop)
{
    (void)drop;
    struct executor_inline *in = (struct executor_inline *)runs;
    if (in->busy && in->chunk.task == task)
        in->stop = true;
}

static void release(executor *runs)
{
    struct executor_inline *in = (struct executor_inline *)runs;
    struct worker_state *states = (struct worker_state *)(void *)in->states.data;
    for (size_t i = in->states.size / sizeof *states; i-- > 0;)
        if (states[i].exit)
            states[i].exit(states[i].state);
    buffer_free(&in->states);
    buffer_free(&in->positions);
    buffer_free(&in->failures);
    column_free(&in->values);
    column_free(&in->added);
    chain_free(&in->chain);
    call_free(&in->call);
    reader_free(in->from);
    free(in);
}

void executor_inline_place(executor *runs, const executor_desk *desk)
{
    struct executor_inline *in = (struct executor_inline *)runs;
    column_free(&in->values);
    column_free(&in->added);
    buffer_free(&in->positions);
    buffer_free(&in->failures);
    in->added = (column){.payload = desk->added_payload, .words = desk->added_words, .tags = desk->added_tags};
    in->values = (column){.payload = desk->payload, .words = desk->words, .tags = desk->tags};
    in->positions = desk->positions;
    in->failures = desk->failures;
    in->log = desk->log;
    in->asked_to_stop = desk->stop;
    in->stop = in->stop || atomic_load_explicit(desk->stop, memory_order_relaxed);
    in->items_left = desk->items_most;
    in->over = false;
    logbook_begin(in->log, in->part_unit);
}

int executor_inline_new(const executor_host *host, executor **made)
{
    static const struct executor_kind kind = {room, start, next, wake, cancel, release};
    struct executor_inline *in = calloc(1, sizeof *in);
    *made = NULL;
    if (!in)
        return error_no_memory(sizeof *in);
    in->base.kind = &kind;
    in->host = *host;
    call_init(&in->call);
    chain_init(&in->chain, &in->call, &in->values, &in->positions);
    in->call.results = &in->values;
    in->call.rank = host->rank;
    in->call.progress = host_progress;
    in->call.cancelled = host_cancelled;
    in->call.context = in;
    in->from = reader_new();
    if (!in->from || !reserve_item(in)) {
        release(&in->base);
        return RF_ENOMEM;
    }
    *made = &in->base;
    return RF_OK;
}
