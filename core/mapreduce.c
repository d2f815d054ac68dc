/* rf_mapreduce: a job of map tasks for each input, all at once, then a job of reduce tasks, over the same plan, workers, retries and figures as any other. What comes of
   a task is a commit (wire/message.h): its run's id and figures. Of each unit of work one is delivered, whatever was tried, so that
   counters count once and a run is read once.

       map jobs, a task a block of input  ->  committed runs, in (input, position) order  ->  reduce job, a task a partition  ->  output finished

   The output (keyed/output.h) is begun before anything runs, so that what is in its way is told at once, and removed unless it is
   finished. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "dataset.h"
#include "keyed/output.h"
#include "keyed/sketch.h"
#include "run/built_in.h"

#define PARTITIONS_MOST 65536
#define PARTITION_BYTES ((uint64_t)32 << 20)    /* of input, for a reduce task */
#define PARTITIONS_LEAST 8                      /* automatic: a small input is for several workers, too */
#define PARTITIONS_MANY 4096
#define SAMPLE_OF_PARTITION 64                  /* keys of a run's sample */
#define SAMPLE_LEAST 1024
#define SAMPLE_MOST 8192
#define BLOCK_BYTES ((uint64_t)16 << 20)
#define BLOCK_MOST ((uint64_t)64 << 20)
#define BLOCK_OF_MEMORY 8                       /* a block is at most this share of a worker's budget */
#define BLOCK_READ ((uint64_t)1 << 20)          /* of what rank 0 reads: it holds several */
#define BLOCKS_OF_ITEMS 256                     /* tasks of an input of known length */
#define ITEMS_MOST ((uint64_t)1 << 20)
#define ITEMS_UNKNOWN ((uint64_t)1 << 16)
#define BLOCKS_AHEAD 4                          /* a worker, of what rank 0 reads */

typedef struct committed {
    uint64_t unit;
    struct message_run_place place;
} committed;

typedef struct task_progress { uint64_t done, total; struct by_key_run *of; } task_progress;

/* One call of rf_mapreduce. */
typedef struct by_key_run {
    rf_pool *pool;
    rf_job said;
    rf_options settled;                         /* for the job as a whole */
    const rf_options *options;
    const rf_registration *reducer;
    uint32_t reducer_number;
    struct message_keyed says;
    by_key *of;
    output *out;
    rf_dataset *made;
    job *parts[RF_INPUTS_MOST];                 /* map jobs; then the reduce job is the first */
    uint32_t part_count;
    bool reduces;
    buffer commits;                             /* committed[] */
    sketch sample;
    failure *wrong;                             /* why it ends early */
    double deadline;
    task_progress progress[RF_INPUTS_MOST + 1];
    rf_progress line;
    void (*on_progress)(uint64_t done, uint64_t total, bool final, void *user);
    void *progress_user;
} by_key_run;

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

static int unusable(const char *why)
{
    return error_set(RF_EUSAGE, "usage", "rf_mapreduce: %s", why);
}

static int copy_job(by_key_run *run, const rf_job *given)
{
    if (!given)
        return unusable("the job is NULL: RF_JOB makes one");
    if (!given->struct_size || given->struct_size > sizeof run->said)
        return error_set(RF_EOPTION, "option", "rf_mapreduce: struct_size is %zu: make the job with RF_JOB, of this library's header", given->struct_size);
    memcpy(&run->said, given, given->struct_size);
    return RF_OK;
}

static uint32_t inputs_of(const rf_job *said)
{
    uint32_t count = 0;
    while (count < RF_INPUTS_MOST && said->inputs[count].source)
        count++;
    return count;
}

static int check_order(const rf_job *said, enum fold fold)
{
    if (said->order > RF_BY_KEY_GLOBAL || said->values > RF_BY_VALUE || said->format > RF_RAW)
        return error_set(RF_EOPTION, "option", "order, values or format is none of their names");
    if (said->partitioner && said->order == RF_BY_KEY_GLOBAL)
        return error_set(RF_EOPTION, "option", "partitioner: with RF_BY_KEY_GLOBAL partitions are ranges of keys; say one of the two");
    if (said->partitions > PARTITIONS_MOST)
        return error_set(RF_EOPTION, "option", "partitions: %" PRIu32 ", but at most %d", said->partitions, PARTITIONS_MOST);
    if (fold && said->values == RF_BY_VALUE)
        return error_set(RF_EOPTION, "option", "values: RF_BY_VALUE orders what a reducer sees, but a built-in one folds it before; leave one of them out");
    return RF_OK;
}

/* What is folded where it is emitted. A reducer brings its own; a built-in combiner goes with any other reducer. */
static int find_fold(by_key_run *run)
{
    const rf_job *said = &run->said;
    enum fold brings = built_in_fold((rf_any_function *)said->reducer), asked = built_in_fold((rf_any_function *)said->combiner);
    if (said->combiner && brings && asked != brings)
        return unusable("rf_sum, rf_min, rf_max, rf_count and rf_first bring their own combiner: leave .combiner out");
    if (built_in_collects((rf_any_function *)said->combiner))
        return unusable("rf_collect is no combiner");
    run->says.fold = (uint32_t)(asked ? asked : brings);
    if (!said->reducer)
        run->said.reducer = asked ? said->combiner : built_in_reducer();
    return check_order(said, (enum fold)run->says.fold);
}

static int number_of(const by_key_run *run, rf_any_function *function, int kind, uint32_t *number)
{
    *number = KEYED_NO_FUNCTION;
    return function ? registry_number(run->pool->self->functions, function, kind, number) : RF_OK;
}

static int find_functions(by_key_run *run)
{
    const rf_job *said = &run->said;
    bool folds = run->says.fold != FOLD_NONE;
    int status = number_of(run, (rf_any_function *)said->reducer, RF_KIND_REDUCE, &run->reducer_number);
    status = status ? status : number_of(run, folds ? NULL : (rf_any_function *)said->combiner, RF_KIND_REDUCE, &run->says.combiner);
    status = status ? status : number_of(run, (rf_any_function *)said->partitioner, RF_KIND_PARTITION, &run->says.partitioner);
    status = status ? status : number_of(run, (rf_any_function *)said->compare, RF_KIND_COMPARE, &run->says.compare);
    run->reducer = status ? NULL : registry_at(run->pool->self->functions, run->reducer_number);
    return status;
}

static int check(by_key_run *run, const rf_job *given)
{
    int status = pool_usable(run->pool);
    status = status ? status : copy_job(run, given);
    if (!status && !inputs_of(&run->said))
        status = unusable("there is no input: say .inputs = {{.source = ..., .mapper = ...}}");
    status = status ? status : find_fold(run);
    return status ? status : find_functions(run);
}

/* ---- progress: tasks of all parts together ----------------------------------------------------------------------- */

static void tell_progress(by_key_run *run, bool final)
{
    uint64_t done = 0, total = 0;
    for (uint32_t i = 0; i <= run->part_count || i <= inputs_of(&run->said); i++) {
        done += run->progress[i].done;
        total += run->progress[i].total;
    }
    run->on_progress(done, total, final, run->progress_user);
}

static void part_goes_on(uint64_t done, uint64_t total, bool final, void *user)
{
    task_progress *part = user;
    (void)final;
    part->done = done;
    part->total = total;
    tell_progress(part->of, false);
}

static void settle_progress(by_key_run *run)
{
    run->on_progress = run->settled.on_progress;
    run->progress_user = run->settled.user;
    if (!run->on_progress && run->settled.progress == RF_ON && run->pool->shows_on) {
        run->line = (rf_progress){.to = run->pool->shows_on, .name = run->settled.name};
        run->on_progress = rf_progress_line;
        run->progress_user = &run->line;
    }
}

/* ---- parts: jobs of the pool -------------------------------------------------------------------------------------- */

static bool says_split(const by_key_run *run, const rf_registration *function)
{
    const rf_pool *pool = run->pool;
    return (run->options && run->options->split_size) || function->options.split_size || pool->defaults.split_size || pool->environment.split_size;
}

static void settle_blocks(const by_key_run *run, job_order *order)
{
    rf_options *its = &order->settled;
    uint64_t length = source_length(order->source), most = BLOCK_MOST;
    bool sequential = source_sequential(order->source), counted = !sequential && !source_read_by_workers(order->source) && length != UINT64_MAX;
    if (run->said.memory && run->said.memory / BLOCK_OF_MEMORY < most)
        most = run->said.memory / BLOCK_OF_MEMORY;
    bool split_said = says_split(run, order->function);
    if (!split_said)
        source_in_blocks(order->source, most > BLOCK_READ ? most : BLOCK_READ);
    uint64_t some = length / BLOCKS_OF_ITEMS;
    order->block_items = counted ? (some < 1 ? 1 : some < ITEMS_MOST ? some : ITEMS_MOST) : ITEMS_UNKNOWN;
    order->block_bytes = split_said ? its->split_size : BLOCK_BYTES < most ? BLOCK_BYTES : most;
    if (its->chunk_size)
        order->block_items = its->chunk_size, order->block_bytes = UINT64_MAX;
    if (its->n_splits && counted)
        order->block_items = length / its->n_splits + 1;
    its->chunk_size = 1;
    its->n_splits = 0;
}

static int settle_part(by_key_run *run, job_order *order, uint32_t part)
{
    const rf_pool *pool = run->pool;
    int status = options_settle(run->options, &order->function->options, &pool->defaults, &pool->environment, &order->settled);
    status = status ? status : pool_check_together(pool, order->source, &order->settled);
    if (status)
        return status;
    order->settled.timeout = isfinite(run->deadline) ? fmax(run->deadline - pool_now(pool), 1e-9) : RF_NONE;
    order->settled.on_progress = run->on_progress ? part_goes_on : NULL;
    order->settled.user = &run->progress[part];
    order->settled.progress = RF_OFF;
    run->progress[part].of = run;
    order->tolerates = run->said.tolerant ? order->settled.retry.attempts : 0;
    return RF_OK;
}

/* Rank 0 holds a few blocks for each worker, and no more. */
static void bound_reading(const by_key_run *run, job_order *order)
{
    if (!source_sequential(order->source) && order->settled.rate_limit.count <= 0)
        return;
    order->block_bytes = order->block_bytes < BLOCK_READ ? order->block_bytes : BLOCK_READ;
    if (!order->settled.max_active)
        order->settled.max_active = BLOCKS_AHEAD * rf_workers(run->pool);
}

static int make_map_job(by_key_run *run, uint32_t i)
{
    rf_input *input = &run->said.inputs[i];
    job_order order = {.source = input->source, .sink = JOB_STREAMS, .by_key = run->of, .phase = PHASE_MAP, .input = i};
    rf_map_function *mapper = input->mapper ? input->mapper : built_in_mapper();
    input->source = NULL;
    int status = registry_number(run->pool->self->functions, (rf_any_function *)mapper, RF_KIND_MAP, &order.number);
    if (!status) {
        order.function = registry_at(run->pool->self->functions, order.number);
        status = settle_part(run, &order, i);
    }
    if (status) {
        rf_source_free(order.source);
        return status;
    }
    if (rf_type_of(input->state) != RF_NIL)
        order.settled.state = input->state;
    if (pool_replays(run->pool, coordinator_jobs(run->pool->self->schedules)))
        return pool_replay(run->pool, &order);
    settle_blocks(run, &order);
    bound_reading(run, &order);
    status = coordinator_make(run->pool->self->schedules, &order, &run->parts[i]);
    run->part_count += !status;
    return status;
}

static int make_reduce_job(by_key_run *run, uint32_t partitions)
{
    job_order order = {.source = rf_range(0, partitions), .sink = JOB_STREAMS, .by_key = run->of, .phase = PHASE_REDUCE, .function = run->reducer,
                       .number = run->reducer_number};
    int status = settle_part(run, &order, inputs_of(&run->said));
    if (status) {
        rf_source_free(order.source);
        return status;
    }
    order.settled.state = run->said.state;
    order.settled.iterable_len = 0;
    order.settled.chunk_size = 1;
    order.settled.n_splits = 0;
    order.ahead = 1;                            /* a worker gathers for the next task while it runs others */
    order.tolerates = 0;
    status = coordinator_make(run->pool->self->schedules, &order, &run->parts[0]);
    run->part_count = !status;
    run->reduces = true;
    return status;
}

static void close_parts(by_key_run *run)
{
    for (uint32_t i = 0; i < run->part_count; i++)
        coordinator_close(run->pool->self->schedules, run->parts[i]);
    run->part_count = 0;
}

/* ---- what comes of tasks ------------------------------------------------------------------------------------------ */

static int add_counters(by_key_run *run, commit_view *from)
{
    const char *name;
    int64_t by;
    int status = RF_OK;
    while (!status && commit_next_counter(from, &name, &by))
        status = counters_add(&run->made->counts, name, by);
    counters_keep(&run->made->counts);
    return status;
}

static int add_passed_over(by_key_run *run, commit_view *from, const rf_result *of)
{
    struct message_failure entry;
    const char *kind, *text;
    int status = RF_OK;
    while (!status && commit_next_failure(from, &entry, &kind, &text))
        status = dataset_fail(run->made, &(rf_error){.status = entry.status, .kind = kind, .message = text, .index = entry.position, .rank = of->rank,
                                                     .host = of->host, .attempt = of->attempts});
    return status;
}

static int commit_run(by_key_run *run, uint32_t input, const rf_result *of, const commit_view *what)
{
    rf_keyed_figures *sums = &run->made->figures;
    committed its = {of->index, {.id = what->sums.run, .rank = of->rank, .input = input}};
    sums->map_tasks++;
    sums->emitted += what->sums.emitted;
    sums->combined += what->sums.records;
    sums->intermediate += what->sums.bytes;
    if (sketch_merge(&run->sample, what->sample, what->sums.sample_size))
        return error_set(RF_ENOMEM, "memory", "rank 0 has no memory for a sample of keys, or it is damaged");
    return what->sums.records ? buffer_put(&run->commits, &its, sizeof its) : RF_OK;
}

static int commit_part(by_key_run *run, const rf_result *of, const commit_view *what)
{
    rf_dataset *made = run->made;
    uint32_t partition = (uint32_t)of->index;
    made->figures.reduce_tasks++;
    made->figures.groups += what->sums.groups;
    made->figures.output += what->sums.records;
    made->figures.exchanged += what->sums.exchanged;
    made->parts[partition] = (struct input_pairs){.keyed = run->of->id, .run = what->sums.run, .count = what->sums.records, .rank = of->rank};
    output_part part = {what->sums.records, what->sums.written, what->sums.checksum};
    return run->out ? output_commit(run->out, partition, of->attempts, &part) : RF_OK;
}

static int take_commit(by_key_run *run, uint32_t part, const rf_result *of)
{
    commit_view what;
    if (commit_open(of->value, &what))
        return error_set(RF_EUSAGE, "message", "what a task by key gave cannot be read");
    run->made->figures.spilled += what.sums.spilled;
    int status = run->reduces ? commit_part(run, of, &what) : commit_run(run, part, of, &what);
    status = status ? status : add_counters(run, &what);
    return status ? status : add_passed_over(run, &what, of);
}

/* What is wrong with the disk or the memory is no item's fault, unless its memory, or its time in a child, is limited. */
static bool is_of_machine(const by_key_run *run, uint32_t part, const rf_result *of)
{
    const rf_options *settled = job_options(run->parts[part]);
    switch (of->error->status) {
    case RF_ENOMEM: return settled->executor != RF_FORK || settled->task_memory == RF_UNLIMITED;
    case RF_ETIMEOUT: return of->rank < 0;
    case RF_EOUTPUT:
    case RF_ELOST:
    case RF_ECANCELLED:
    case RF_ECLOSED:
    case RF_EHALTED:
    case RF_EINIT: return true;
    default: return false;
    }
}

/* A task that has failed for good ends it all. */
static int task_failed(by_key_run *run, uint32_t part, const rf_result *of)
{
    char text[1536], where[320] = "";
    rf_error all = *of->error;
    if (of->rank >= 0)
        snprintf(where, sizeof where, " (rank %d%s%s, attempt %u)", of->rank, of->host ? " on " : "", of->host ? of->host : "", of->attempts);
    snprintf(text, sizeof text, "%s: %s%s", run->settled.name, all.message, where);
    all.status = is_of_machine(run, part, of) ? all.status : RF_EITEMS;
    all.message = text;
    return error_of_item(&all);
}

static int take_result(by_key_run *run, uint32_t part, const rf_result *of)
{
    return of->ok ? take_commit(run, part, of) : task_failed(run, part, of);
}

static void end_early(by_key_run *run)
{
    if (run->wrong)
        return;
    run->wrong = failure_new(rf_last_error());
    for (uint32_t i = 0; i < run->part_count; i++)
        if (!job_over(run->parts[i]))
            coordinator_cancel(run->pool->self->schedules, run->parts[i]);
}

static void take_results(by_key_run *run, uint32_t part)
{
    spans *given = job_spans(run->parts[part]);
    for (; spans_count(given); job_taken(run->parts[part], 1)) {
        rf_result first = spans_at(given, 0);
        if (!run->wrong && take_result(run, part, &first))
            end_early(run);
    }
}

static bool all_over(by_key_run *run)
{
    bool over = true;
    for (uint32_t i = 0; i < run->part_count; i++) {
        take_results(run, i);
        over &= job_over(run->parts[i]) && !spans_count(job_spans(run->parts[i]));
    }
    return over;
}

/* Runs the parts there are to their end, and closes them. */
static int run_parts(by_key_run *run)
{
    rf_pool *pool = run->pool;
    int status = RF_OK;
    for (uint32_t i = 0; i < run->part_count && !status; i++)
        status = coordinator_start(pool->self->schedules, run->parts[i], pool_now(pool));
    if (status) {
        close_parts(run);
        return status;
    }
    pool_stir(pool);
    while (!all_over(run) && pool->self->status >= 0)
        pool_turn(pool, INFINITY);
    if (pool->self->status < 0)
        return pool->self->status;
    for (uint32_t i = 0; i < run->part_count && !status && !run->wrong; i++)
        status = job_tell(run->parts[i]);
    close_parts(run);
    return run->wrong ? error_of_item(failure_error(run->wrong)) : status;
}

/* ---- from beginning to end ---------------------------------------------------------------------------------------- */

static bool ends_in_gz(const char *path)
{
    size_t size = path ? strlen(path) : 0;
    return size > 3 && strcmp(path + size - 3, ".gz") == 0;
}

/* From the input alone, so that any number of ranks makes the same partitions. */
static uint32_t partitions_of(const by_key_run *run)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < run->part_count; i++)
        bytes += coordinator_input_bytes(run->parts[i]);
    uint64_t many = bytes / PARTITION_BYTES;
    return (uint32_t)(many < PARTITIONS_LEAST ? PARTITIONS_LEAST : many > PARTITIONS_MANY ? PARTITIONS_MANY : many);
}

static void say_shape(by_key_run *run)
{
    const rf_job *said = &run->said;
    struct message_keyed *says = &run->says;
    uint64_t sample = (uint64_t)says->partitions * SAMPLE_OF_PARTITION;
    says->sample = (uint32_t)(sample < SAMPLE_LEAST ? SAMPLE_LEAST : sample > SAMPLE_MOST ? SAMPLE_MOST : sample);
    says->format = said->format;
    says->memory = said->memory;
    says->flags = (said->order == RF_BY_KEY_GLOBAL ? KEYED_RANGES : 0u) | (said->values == RF_BY_VALUE ? KEYED_BY_VALUE : 0u) |
                  (said->compress ? KEYED_COMPRESS : 0u) | (ends_in_gz(said->output) ? KEYED_GZIP : 0u);
    run->sample.limit = said->order == RF_BY_KEY_GLOBAL ? says->sample : 0;
}

static int begin_output(by_key_run *run)
{
    const rf_job *said = &run->said;
    output_format format = {.kind = said->format, .gzip = ends_in_gz(said->output)};
    run->says.partitions = said->partitions ? said->partitions : partitions_of(run);
    say_shape(run);
    run->made->parts = calloc(run->says.partitions, sizeof *run->made->parts);
    run->made->part_count = run->says.partitions;
    int status = run->made->parts ? RF_OK : error_no_memory(run->says.partitions * sizeof *run->made->parts);
    if (!status && said->output)
        status = output_new(said->output, run->says.partitions, said->partitions > 0, said->force, format, &run->out);
    return status ? status : by_key_say(run->of, &run->says, run->out ? output_folder(run->out) : "", run->settled.retry.on ? run->settled.retry.on : "",
                                        said->state);
}

static int by_place(const void *a, const void *b)
{
    const committed *one = a, *other = b;
    if (one->place.input != other->place.input)
        return one->place.input < other->place.input ? -1 : 1;
    return one->unit < other->unit ? -1 : one->unit > other->unit;
}

/* Which runs count, and where ranges of keys end. */
static int commit_all(by_key_run *run)
{
    size_t count = run->commits.size / sizeof(committed);
    committed *all = (committed *)(void *)run->commits.data;
    record_order order = {.compare = run->said.compare};
    int status = RF_OK;
    if (count)
        qsort(all, count, sizeof *all, by_place);
    for (size_t i = 0; i < count && !status; i++)
        status = by_key_commit(run->of, &all[i].place);
    if (!status && run->sample.limit)
        status = sketch_splitters(&run->sample, &order, run->says.partitions - 1, &run->of->splitters, &run->of->splitter_count);
    return status;
}

static int map_all(by_key_run *run)
{
    uint32_t inputs = inputs_of(&run->said);
    double began = pool_now(run->pool);
    int status = RF_OK;
    for (uint32_t i = 0; i < inputs && !status; i++)
        status = make_map_job(run, i);
    status = status ? status : begin_output(run);
    run->progress[inputs].total = run->says.partitions;
    status = status ? status : run_parts(run);
    run->made->figures.map_seconds = pool_now(run->pool) - began;
    return status ? status : commit_all(run);
}

static int reduce_all(by_key_run *run)
{
    double began = pool_now(run->pool);
    int status = make_reduce_job(run, run->says.partitions);
    status = status ? status : run_parts(run);
    if (!status && run->out)
        status = output_finish(run->out);
    run->made->figures.reduce_seconds = pool_now(run->pool) - began;
    return status;
}

static int begin(by_key_run *run, const rf_job *given)
{
    const rf_pool *pool = run->pool;
    int status = check(run, given);
    status = status ? status : options_settle(run->options, &run->reducer->options, &pool->defaults, &pool->environment, &run->settled);
    if (status)
        return status;
    if (!run->settled.name)
        run->settled.name = "rf_mapreduce";
    run->deadline = run->settled.timeout > 0 ? pool_now(pool) + run->settled.timeout : INFINITY;
    settle_progress(run);
    status = dataset_new(run->pool, run->settled.name, run->said.output, &run->made);
    return status ? status : by_key_new(pool->self->schedules, &run->of);
}

/* Sources that no job has taken. */
static void free_sources(const rf_job *said)
{
    for (uint32_t i = 0; i < RF_INPUTS_MOST; i++)
        rf_source_free(said->inputs[i].source);
}

/* A dataset without an output keeps the runs of its parts. */
static void put_away(by_key_run *run, int status)
{
    close_parts(run);
    output_free(run->out);
    if (run->of && !status)
        by_key_release_runs(run->of);
    if (run->made && !status && !run->said.output)
        run->made->of = run->of;
    else
        by_key_let_go(run->of);
    buffer_free(&run->commits);
    sketch_free(&run->sample);
    failure_free(run->wrong);
}

/* It was done without these. */
static int tell_tolerated(const rf_dataset *made)
{
    if (!made->figures.failed)
        return RF_OK;
    char text[1536];
    rf_error first = *failure_error(made->failures[0]);
    snprintf(text, sizeof text, "%s: done without %" PRIu64 " item%s that failed; first: %s", made->name, made->figures.failed,
             made->figures.failed == 1 ? "" : "s", first.message);
    first.status = RF_EITEMS;
    first.message = text;
    return error_of_item(&first);
}

int rf_mapreduce(rf_pool *pool, const rf_job *given, const rf_options *options, rf_dataset **made)
{
    by_key_run run = {.pool = pool, .options = options};
    if (made)
        *made = NULL;
    int status = begin(&run, given);
    status = status ? status : map_all(&run);
    free_sources(&run.said);
    status = status ? status : reduce_all(&run);
    rf_error why = *rf_last_error();
    if (run.on_progress && run.of)
        tell_progress(&run, true);
    put_away(&run, status);
    if (status)
        error_of_item(&why);
    int told = status ? status : tell_tolerated(run.made);
    if (status || !made)
        rf_dataset_free(run.made);
    else
        *made = run.made;
    return told;
}
