/* Contract rows E: any options together give what each promises. Draws combinations of options, sources and verbs over a function whose
   behaviour depends on the item and the attempt alone, and compares everything with a model in plain C: values, order, attempts,
   failures with kind and message, ranks, callbacks, statuses.

       COMBINATIONS=10000 SEED=7 mpirun -n 3 tests/contract/combinations

   runs so many, from that seed on; without COMBINATIONS 200, or 60 where TEST_QUICK is set. Combination i has the seed SEED + i: what fails
   says it, so that SEED=that COMBINATIONS=1 is that one alone.

   To add an option is one entry in knobs: how it is drawn, and, where it changes what comes, what it changes in the model. To add a way of
   making a job is one in verbs, a kind of input one in inputs. */
#define _XOPEN_SOURCE 700
#define CASE_SECONDS 3000       /* one case runs them all; mpirun_test's limit ends a program that hangs */
#include "../verify.h"
#include <time.h>

#define ITEMS_MOST 600
#define LINE "%07" PRId64 "\n"  /* of a file: 8 bytes each */

/* ---- what items do ---- */

typedef struct behaviour {
    uint64_t seed;
    uint32_t some_fail, all_fail;       /* of 1000 items: fail in their first attempts; in every one */
} behaviour;

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) + b + UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* In how many attempts the item fails before it succeeds. */
static unsigned failing_attempts(const behaviour *is, int64_t n)
{
    uint64_t draw = mix(is->seed, (uint64_t)n), share = draw % 1000;
    if (share < is->all_fail)
        return UINT32_MAX;
    return share < is->all_fail + is->some_fail ? 1 + (unsigned)(draw >> 32) % 4 : 0;
}

static const char *kind_of(const behaviour *is, int64_t n, unsigned attempt)
{
    static const char *const kinds[] = {"net.dns", "net", "disk", "function"};
    return kinds[mix(is->seed + attempt, (uint64_t)n) >> 8 & 3];
}

/* What the item gives, as rf_print has it. */
static const char *value_text(const behaviour *is, int64_t n, char *text, size_t size)
{
    uint64_t draw = mix(is->seed ^ 1, (uint64_t)n);
    switch (draw % 5) {
    case 0:
        snprintf(text, size, "%" PRId64, 7 * n + 1);
        break;
    case 1:
        snprintf(text, size, "\"%0*" PRId64 "\"", 1 + (int)(draw >> 8) % 300, n);
        break;
    case 2:
        snprintf(text, size, "null");
        break;
    case 3:
        snprintf(text, size, "[%" PRId64 ", \"x\"]", n);
        break;
    default:
        snprintf(text, size, "[%" PRId64 ", [\"k\", %" PRId64 "]]", n, -n);
    }
    return text;
}

static int give_value(rf_call *call, const behaviour *is, int64_t n)
{
    uint64_t draw = mix(is->seed ^ 1, (uint64_t)n);
    char text[400];
    switch (draw % 5) {
    case 0:
        return RF_RETURN(call, 7 * n + 1);
    case 1:
        snprintf(text, sizeof text, "%0*" PRId64, 1 + (int)(draw >> 8) % 300, n);
        return RF_RETURN(call, text);
    case 2:
        return RF_OK;
    case 3:
        return RF_RETURN(call, n, "x");
    default:
        return rf_emit(call, rf_of_i64(n)) ? RF_ENOMEM : RF_EMIT(call, "k", -n);
    }
}

/* Items are numbers however they came: plain, as text, or first in a tuple. */
static int64_t number_of(rf_value item)
{
    while (rf_type_of(item) == RF_TUPLE_TYPE) {
        rf_value first;
        if (rf_take(&item, &first))
            return INT64_MIN;
        item = first;
    }
    return rf_type_of(item) == RF_TEXT ? strtoll(item.data, NULL, 10) : rf_i64(item);
}

static int behave(rf_call *call, rf_value item)
{
    const behaviour *is = RF_CALL_STATE(call, behaviour);
    if (!is)
        return RF_EARGS;
    int64_t n = number_of(item);
    unsigned attempt = rf_call_attempt(call);
    if (attempt <= failing_attempts(is, n))
        return rf_fail(call, kind_of(is, n, attempt), "%" PRId64 " failed %u", n, attempt);
    return give_value(call, is, n);
}
RF_REGISTER(behave);

static int behave_by_default(rf_call *call, rf_value item)
{
    return behave(call, item);
}
RF_REGISTER(behave_by_default, .options = {.name = "by default", .chunk_size = 5, .retry = {.attempts = 4, .backoff = RF_NONE, .on = "net"}});

/* ---- a combination ---- */

typedef struct outcome {
    uint64_t index;
    int64_t n;
    bool ok;
    unsigned attempts;
    int rank;
    char value[512], kind[64], message[128];
} outcome;

typedef struct combination {
    uint64_t seed, random;
    rf_pool *pool;
    char text[1024];                /* what was drawn, for messages */
    behaviour does;
    rf_options options;             /* the call's */
    bool by_default;                /* the function with defaults */
    const struct verb *verb;
    const struct input *input;
    int64_t start, step;
    uint64_t count;                 /* items that the input has; UINT64_MAX: no end */
    uint64_t fails_at;              /* it fails there; UINT64_MAX: it does not */
    uint64_t take;                  /* results that are taken of an iterator */
    uint64_t interleave_at;         /* after so many results another job is run in between */
    uint64_t produced, taken, most_ahead;   /* by a generator: asked for; delivered meanwhile; the largest difference */
    int64_t *array;
    char path[256];
    struct { uint64_t calls, finals, done, total; bool wrong; } progress;
    unsigned settled;               /* callbacks of a future */
    char said[1024];                /* the last error's message, when the verb or the iterator had ended */
    outcome *got;
    uint64_t got_count;
    int status;                     /* of the verb, or what ended the iterator (RF_OK for RF_END) */
    int freed;                      /* what freeing the iterator gave */
} combination;

static uint64_t below(combination *of, uint64_t most)
{
    of->random = mix(of->random, 1);
    return most ? of->random % most : 0;
}

static bool one_in(combination *of, uint64_t n) { return below(of, n) == 0; }

__attribute__((format(printf, 2, 3))) static void say(combination *of, const char *format, ...)
{
    size_t used = strlen(of->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(of->text + used, sizeof of->text - used, format, arguments);
    va_end(arguments);
}

/* ---- inputs ---- */

static int64_t item_number(const combination *of, uint64_t i) { return of->start + (int64_t)i * of->step; }

static int generate(rf_call *call, void *state)
{
    combination *of = state;
    uint64_t ahead = of->produced - of->taken;
    if (of->produced == of->fails_at)
        return rf_fail(call, "tape", "torn");
    if (of->produced == of->count)
        return RF_END;
    if (one_in(of, 20))
        return RF_AGAIN;
    of->most_ahead = ahead + 1 > of->most_ahead ? ahead + 1 : of->most_ahead;
    return RF_RETURN(call, item_number(of, of->produced++));
}

static rf_source *of_range(combination *of)
{
    return rf_range_by(of->start, item_number(of, of->count), of->step);
}

static rf_source *of_array(combination *of)
{
    of->array = malloc((of->count + 1) * sizeof *of->array);
    for (uint64_t i = 0; i < of->count; i++)
        of->array[i] = item_number(of, i);
    return RF_ARRAY(of->array, of->count);
}

static rf_source *of_values(combination *of)
{
    rf_value values[ITEMS_MOST], tuples[ITEMS_MOST][2];
    for (uint64_t i = 0; i < of->count; i++) {
        tuples[i][0] = rf_of_i64(item_number(of, i));
        tuples[i][1] = RF_V("more");
        values[i] = i % 3 ? tuples[i][0] : rf_tuple_of(tuples[i], 2);
    }
    return rf_values(values, of->count);
}

static rf_source *of_strings(combination *of)
{
    static char text[ITEMS_MOST][24];
    const char *strings[ITEMS_MOST];
    for (uint64_t i = 0; i < of->count; i++) {
        snprintf(text[i], sizeof text[i], "%" PRId64, item_number(of, i));
        strings[i] = text[i];
    }
    return rf_strings(strings, of->count);
}

static rf_source *of_generator(combination *of)
{
    return rf_generator(generate, of, NULL);
}

static rf_source *of_zip(combination *of)
{
    return RF_ZIP(of_range(of), rf_range(0, INT64_MAX));
}

static rf_source *of_generated_zip(combination *of)
{
    return RF_ZIP(of_generator(of), rf_single(rf_range(0, INT64_MAX)));
}

static rf_source *of_single(combination *of)
{
    return rf_single(of_values(of));
}

static rf_source *of_materialised(combination *of)
{
    rf_source *source = rf_materialise(of_generator(of));
    of->produced = of->most_ahead = 0;
    return source;
}

static rf_source *of_lines(combination *of)
{
    FILE *to = fopen(of->path, "w");
    for (uint64_t i = 0; to && i < of->count; i++)
        fprintf(to, LINE, item_number(of, i));
    if (to)
        fclose(to);
    const char *const path = of->path;
    return rf_lines(&path, 1);
}

/* generated: rank 0 asks for the items one by one, and does not know how many there are. zipped: but no more than 2^63. */
static const struct input {
    const char *name;
    rf_source *(*make)(combination *of);
    bool generated, zipped, files;
} inputs[] = {
    {.name = "range", .make = of_range},
    {.name = "array", .make = of_array},
    {.name = "values", .make = of_values},
    {.name = "strings", .make = of_strings},
    {.name = "generator", .make = of_generator, .generated = true},
    {.name = "zip", .make = of_zip},
    {.name = "generated zip", .make = of_generated_zip, .generated = true, .zipped = true},
    {.name = "single", .make = of_single},
    {.name = "materialised", .make = of_materialised},
    {.name = "lines", .make = of_lines, .files = true},
};

/* ---- verbs ---- */

static void keep(combination *of, const rf_result *one)
{
    if (of->got_count == ITEMS_MOST)
        return;
    outcome *to = &of->got[of->got_count++];
    *to = (outcome){.index = one->index, .ok = one->ok, .attempts = one->attempts, .rank = one->rank};
    if (!one->ok) {
        snprintf(to->kind, sizeof to->kind, "%s", one->error->kind);
        snprintf(to->message, sizeof to->message, "%s", one->error->message);
        return;
    }
    FILE *text = fmemopen(to->value, sizeof to->value, "w");
    rf_print(text, one->value);
    fclose(text);
}

static rf_map_function *function_of(const combination *of) { return of->by_default ? behave_by_default : behave; }

static void keep_all(combination *of, rf_results *results)
{
    for (uint64_t i = 0; i < rf_results_len(results); i++) {
        rf_result one = rf_results_at(results, i);
        keep(of, &one);
    }
    rf_results_free(results);
}

static void remember_error(combination *of)
{
    snprintf(of->said, sizeof of->said, "%s", of->status < 0 ? rf_last_error()->message : "");
}

static void run_map(combination *of)
{
    rf_results *results;
    of->status = rf_map(of->pool, function_of(of), of->input->make(of), &of->options, &results);
    remember_error(of);
    keep_all(of, results);
}

static void run_map_unordered(combination *of)
{
    rf_results *results;
    of->status = rf_map_unordered(of->pool, function_of(of), of->input->make(of), &of->options, &results);
    remember_error(of);
    keep_all(of, results);
}

static void run_dropping(combination *of)
{
    of->status = rf_map(of->pool, function_of(of), of->input->make(of), &of->options, NULL);
    remember_error(of);
}

static void note_settled(rf_future *future, void *user)
{
    combination *of = user;
    of->settled += rf_future_ready(future);
}

/* Polls a little first: a get that is not waited for leaves the future as it was. */
static void run_map_async(combination *of)
{
    rf_future *future;
    const rf_results *results = NULL;
    rf_options options = of->options;
    options.callback = options.error_callback = note_settled;
    options.user = of;
    of->status = rf_map_async(of->pool, function_of(of), of->input->make(of), &options, &future);
    if (of->status == RF_OK) {
        of->status = rf_future_get(future, 0, &results);
        if (of->status == RF_AGAIN)
            of->status = rf_future_get(future, RF_FOREVER, &results);
        rf_poll(of->pool, 0);           /* calls back, where getting has not */
        CHECK_INT(of->settled, 1);
    }
    remember_error(of);
    for (uint64_t i = 0; i < rf_results_len(results); i++) {
        rf_result one = rf_results_at(results, i);
        keep(of, &one);
    }
    rf_future_free(future);
}

static int square(rf_call *call, rf_value item)
{
    return RF_RETURN(call, rf_i64(item) * rf_i64(item));
}
RF_REGISTER(square);

/* Another job on the same pool. */
static bool squares_are_right(rf_pool *pool)
{
    RF_AUTO(rf_results, squares);
    if (rf_map(pool, square, rf_range(0, 50), NULL, &squares))
        return false;
    for (int64_t i = 0; i < 50; i++)
        if (rf_i64(rf_results_value(squares, (uint64_t)i)) != i * i)
            return false;
    return true;
}

static void iterate(combination *of, int made, rf_iterator *stream)
{
    const rf_result *one;
    of->status = made;
    while (!of->status && of->got_count < of->take) {
        if (of->got_count == of->interleave_at && !squares_are_right(of->pool))
            say(of, " (the job in between went wrong)"), of->progress.wrong = true;
        of->status = rf_next(stream, &one);
        if (of->status == RF_OK) {
            keep(of, one);
            of->taken = of->got_count;
        }
    }
    remember_error(of);
    of->freed = rf_iterator_free(stream);
}

static void run_imap(combination *of)
{
    rf_iterator *stream;
    int made = rf_imap(of->pool, function_of(of), of->input->make(of), &of->options, &stream);
    iterate(of, made, stream);
}

static void run_imap_unordered(combination *of)
{
    rf_iterator *stream;
    int made = rf_imap_unordered(of->pool, function_of(of), of->input->make(of), &of->options, &stream);
    iterate(of, made, stream);
}

static const struct verb {
    const char *name;
    void (*run)(combination *of);
    bool ordered, streams, drops;
} verbs[] = {
    {.name = "map", .run = run_map, .ordered = true},
    {.name = "map_unordered", .run = run_map_unordered},
    {.name = "map_async", .run = run_map_async, .ordered = true},
    {.name = "map without results", .run = run_dropping, .ordered = true, .drops = true},
    {.name = "imap", .run = run_imap, .ordered = true, .streams = true},
    {.name = "imap_unordered", .run = run_imap_unordered, .streams = true},
};

/* ---- options ---- */

static void note_progress(uint64_t done, uint64_t total, bool final, void *user)
{
    combination *of = user;
    of->progress.wrong |= done < of->progress.done || done > total || of->progress.finals;
    of->progress.calls++;
    of->progress.finals += final;
    of->progress.done = done;
    of->progress.total = total;
}

static void draw_chunk_size(combination *of) { of->options.chunk_size = one_in(of, 10) ? UINT64_C(1) << 30 : 1 + below(of, 20); }
static void draw_n_splits(combination *of) { of->options.n_splits = 1 + below(of, 40); }
static void draw_split_size(combination *of) { of->options.split_size = 1 + below(of, 100); }
static void draw_max_active(combination *of) { of->options.max_active = one_in(of, 6) ? RF_UNLIMITED : 1 + below(of, 40); }
static void draw_max_bytes(combination *of) { of->options.max_bytes = one_in(of, 6) ? RF_UNLIMITED : 1 + below(of, 5000); }
static void draw_timeout(combination *of) { of->options.timeout = one_in(of, 2) ? RF_NONE : 1000; }
static void draw_attempts(combination *of) { of->options.retry.attempts = 1 + (unsigned)below(of, 5); }
static void draw_max_delay(combination *of) { of->options.retry.max_delay = 1e-6 * (double)(1 + below(of, 200)); }
static void draw_steady(combination *of) { of->options.retry.steady = one_in(of, 2) ? RF_ON : RF_OFF; }
static void draw_halt(combination *of) { of->options.halt = (rf_halt)(1 + below(of, 3)); }
static void draw_halt_count(combination *of) { of->options.halt_count = one_in(of, 4) ? RF_UNLIMITED : 1 + below(of, 100); }
static void draw_halt_share(combination *of) { of->options.halt_share = one_in(of, 4) ? RF_NONE : 0.01 * (double)(1 + below(of, 100)); }
static void draw_rate_limit(combination *of) { of->options.rate_limit = (rf_rate){.count = 1e6 * (double)(1 + below(of, 9))}; }
static void draw_executor(combination *of) { of->options.executor = one_in(of, 3) ? RF_INLINE : RF_FORK; }
static void draw_slots(combination *of) { of->options.slots = 1 + (unsigned)below(of, 4); }
static void draw_task_timeout(combination *of) { of->options.task_timeout = one_in(of, 2) ? RF_NONE : 1000; }
static void draw_lifespan(combination *of) { of->options.lifespan = one_in(of, 2) ? RF_UNLIMITED : 1 + below(of, 50); }
static void draw_seed(combination *of) { of->options.seed = 1 + below(of, 1000000); }
static void draw_name(combination *of) { of->options.name = "the job"; }

static void draw_workers(combination *of)
{
    of->options.workers = 1 + (unsigned)below(of, rf_workers(of->pool));
}

static void draw_on(combination *of)
{
    static const char *const lists[] = {"", "net", "net,disk", "disk", "function", "other"};
    of->options.retry.on = lists[below(of, 6)];
}

static void draw_iterable_len(combination *of)
{
    of->options.iterable_len = one_in(of, 8) ? RF_ENDLESS : 1 + below(of, of->count == UINT64_MAX ? ITEMS_MOST : of->count + of->count / 8 + 1);
}

static void draw_progress(combination *of)
{
    of->options.on_progress = note_progress;
    of->options.user = of;
}

static void draw_by_default(combination *of) { of->by_default = true; }
static void draw_take(combination *of) { of->take = below(of, 100); }
static void draw_interleaving(combination *of) { of->interleave_at = below(of, 60); }
static void draw_failing_input(combination *of) { of->fails_at = below(of, of->count == UINT64_MAX ? ITEMS_MOST : of->count + 2); }

/* Each is drawn once in so many combinations. Delays are short, so that nothing is waited for. */
static const struct knob {
    const char *name;
    unsigned once_in;
    void (*draw)(combination *of);
} knobs[] = {
    {"chunk_size", 3, draw_chunk_size},
    {"n_splits", 8, draw_n_splits},
    {"split_size", 3, draw_split_size},
    {"max_active", 3, draw_max_active},
    {"max_bytes", 3, draw_max_bytes},
    {"timeout", 4, draw_timeout},
    {"retry.attempts", 2, draw_attempts},
    {"retry.max_delay", 3, draw_max_delay},
    {"retry.on", 4, draw_on},
    {"retry.steady", 6, draw_steady},
    {"halt", 6, draw_halt},
    {"halt_count", 6, draw_halt_count},
    {"halt_share", 10, draw_halt_share},
    {"workers", 3, draw_workers},
    {"iterable_len", 4, draw_iterable_len},
    {"rate_limit", 6, draw_rate_limit},
    {"executor", 8, draw_executor},
    {"slots", 12, draw_slots},
    {"task_timeout", 12, draw_task_timeout},
    {"lifespan", 12, draw_lifespan},
    {"seed", 3, draw_seed},
    {"name", 4, draw_name},
    {"on_progress", 2, draw_progress},
    {"defaults of the function", 3, draw_by_default},
    {"stopping early", 5, draw_take},
    {"another job in between", 4, draw_interleaving},
    {"a failing input", 12, draw_failing_input},
};

static void draw(combination *of)
{
    of->does = (behaviour){.seed = below(of, UINT64_MAX), .some_fail = (uint32_t)below(of, one_in(of, 2) ? 1 : 400),
                           .all_fail = (uint32_t)below(of, one_in(of, 2) ? 1 : 200)};
    of->options = (rf_options){.struct_size = sizeof of->options, .state = RF_STATE(of->does)};
    of->verb = &verbs[below(of, sizeof verbs / sizeof *verbs)];
    of->input = &inputs[below(of, sizeof inputs / sizeof *inputs)];
    of->count = below(of, one_in(of, 4) ? 5 : one_in(of, 3) ? ITEMS_MOST : 100);
    of->start = (int64_t)below(of, 1000);
    of->step = 1 + (int64_t)below(of, 3);
    of->fails_at = of->interleave_at = UINT64_MAX;
    of->take = UINT64_MAX;
    say(of, "%s of %s, %" PRIu64 " items;", of->verb->name, of->input->name, of->count);
    for (size_t i = 0; i < sizeof knobs / sizeof *knobs; i++)
        if (one_in(of, knobs[i].once_in)) {
            knobs[i].draw(of);
            say(of, " %s", knobs[i].name);
        }
    const rf_retry *retry = &of->options.retry;
    if (!retry->max_delay && (retry->attempts || retry->on || retry->steady || of->by_default))
        of->options.retry.backoff = RF_NONE;
}

/* A rate limit has rank 0 read the files, item by item. */
static bool by_workers(const combination *of) { return of->input->files && of->options.rate_limit.count <= 0; }

/* Some of what was drawn has no meaning together: a generator without an end needs one who stops. */
static void make_sense(combination *of)
{
    if (of->input->generated && of->verb->streams && of->take < ITEMS_MOST && one_in(of, 2)) {
        of->count = UINT64_MAX;
        if (of->options.max_active == RF_UNLIMITED || !of->options.max_active)
            of->options.max_active = 10;        /* the model ends with ITEMS_MOST */
    }
    if (!of->input->generated)
        of->fails_at = UINT64_MAX;
    if (of->input->files) {             /* what was not run of them is unknown: it would be a failure for each block */
        of->options.halt = RF_HALT_UNSET;
        of->options.halt_count = 0;
        of->options.halt_share = 0;
    }
}

/* ---- the model ---- */

typedef struct model {
    int refused;                    /* what the verb gives without running anything; RF_OK: it runs */
    bool chunked, split;            /* settled: chunk_size, n_splits */
    unsigned attempts;
    const char *on;
    rf_halt halt;
    uint64_t halt_count;
    double halt_share;
    const char *name;
    uint64_t length;                /* items that are run; UINT64_MAX: no end */
    bool input_fails;
    outcome *items;                 /* of the first ITEMS_MOST */
    uint64_t failures;
} model;

static bool matches(const char *on, const char *kind)
{
    if (!on || !*on)
        return true;
    for (const char *at = on; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t size = strcspn(at, ",");
        if (strncmp(at, kind, size) == 0 && (kind[size] == '\0' || kind[size] == '.'))
            return true;
    }
    return false;
}

/* What the call says, else what the function's registration says, else the library. */
static void settle(model *to, const combination *of)
{
    const rf_options *call = &of->options;
    const rf_retry *retry = &call->retry;
    bool asked = retry->backoff != 0 || retry->max_delay != 0 || retry->on || retry->steady;
    to->attempts = retry->attempts ? retry->attempts : of->by_default ? 4 : asked ? 3 : 1;
    to->on = retry->on ? retry->on : of->by_default ? "net" : NULL;
    to->chunked = call->chunk_size || (of->by_default && !call->n_splits);
    to->split = call->n_splits;
    to->name = call->name ? call->name : of->by_default ? "by default" : "behave";
    bool count = call->halt_count && call->halt_count != RF_UNLIMITED, share = call->halt_share > 0;
    to->halt = call->halt ? call->halt : count || share ? RF_HALT_SOON : RF_HALT_NEVER;
    to->halt_share = share ? call->halt_share : 2;
    to->halt_count = call->halt_count ? call->halt_count : to->halt == RF_HALT_NEVER || share ? RF_UNLIMITED : 1;
    if (to->halt == RF_HALT_NEVER) {
        to->halt_count = RF_UNLIMITED;
        to->halt_share = 2;
    }
}

static int refusal(const combination *of)
{
    const rf_options *call = &of->options;
    if (call->chunk_size && call->n_splits)
        return RF_EOPTION;
    bool forks = call->slots > 1 || call->task_timeout > 0 || (call->lifespan && call->lifespan != RF_UNLIMITED);
    if (call->executor == RF_INLINE && forks)
        return RF_EOPTION;
    if (call->n_splits && of->input->generated && !call->iterable_len)
        return RF_EOPTION;
    if (!call->iterable_len)
        return RF_OK;
    if (by_workers(of) && of->count)
        return RF_EOPTION;
    uint64_t known = of->input->zipped ? INT64_MAX : of->input->generated || (of->input->files && (of->count || !by_workers(of))) ? UINT64_MAX : of->count;
    return known != UINT64_MAX && call->iterable_len > known ? RF_EOPTION : RF_OK;
}

static void expect_item(model *to, const combination *of, uint64_t i)
{
    int64_t n = item_number(of, i);
    outcome *one = &to->items[i];
    unsigned failing = failing_attempts(&of->does, n), attempt = 1;
    while (attempt <= failing && attempt < to->attempts && matches(to->on, kind_of(&of->does, n, attempt)))
        attempt++;
    *one = (outcome){.index = by_workers(of) ? 8 * i : i, .n = n, .ok = attempt > failing, .attempts = attempt};
    if (one->ok) {
        value_text(&of->does, n, one->value, sizeof one->value);
        return;
    }
    snprintf(one->kind, sizeof one->kind, "%s", kind_of(&of->does, n, attempt));
    snprintf(one->message, sizeof one->message, "%" PRId64 " failed %u", n, attempt);
}

static void expect(model *to, const combination *of)
{
    settle(to, of);
    to->refused = refusal(of);
    uint64_t limit = of->options.iterable_len ? of->options.iterable_len : UINT64_MAX;
    to->length = of->count < limit ? of->count : limit;
    if (of->fails_at < limit && of->fails_at <= of->count) {
        to->length = of->fails_at;
        to->input_fails = true;
    }
    for (uint64_t i = 0; i < to->length && i < ITEMS_MOST; i++) {
        expect_item(to, of, i);
        to->failures += !to->items[i].ok;
    }
}

/* ---- the comparison ---- */

static bool was_halted(const outcome *one) { return !one->ok && strcmp(one->kind, "halted") == 0; }

static const char *difference(const outcome *got, const outcome *wanted)
{
    if (got->ok != wanted->ok)
        return wanted->ok ? got->message : "it succeeded";
    if (got->attempts != wanted->attempts)
        return "attempts";
    if (strcmp(got->value, wanted->value) != 0)
        return "value";
    return strcmp(got->kind, wanted->kind) != 0 ? "kind" : strcmp(got->message, wanted->message) != 0 ? "message" : NULL;
}

/* A job that may halt: it says so, or everything was run before it could. */
static bool may_halt(const model *wants)
{
    return wants->failures && (wants->failures >= wants->halt_count || wants->halt_share <= 1);
}

/* A halt leaves an item that waits for its next attempt with the failure that it had. Where the input fails too the job says that
   instead, and who stops early does not hear of it. */
static bool gave_up_early(const combination *of, const model *wants, const outcome *got, const outcome *wanted)
{
    bool unsaid = wants->input_fails || (of->verb->streams && of->status == RF_OK);
    bool halted = of->status == RF_EHALTED || (unsaid && may_halt(wants));
    char message[128];
    snprintf(message, sizeof message, "%" PRId64 " failed %u", wanted->n, got->attempts);
    return halted && !got->ok && got->attempts && got->attempts < wanted->attempts &&
           strcmp(got->kind, kind_of(&of->does, wanted->n, got->attempts)) == 0 && strcmp(got->message, message) == 0;
}

static uint64_t item_of(const combination *of, const outcome *got) { return by_workers(of) ? got->index / 8 : got->index; }

/* What came, each against what was expected of it; those that a halt left out are counted. */
static void check_outcomes(const combination *of, const model *wants, uint64_t *halted, uint64_t *failed)
{
    static bool seen[ITEMS_MOST];
    bool one_worker = of->options.workers == 1 || rf_workers(of->pool) == 1;
    memset(seen, 0, sizeof seen);
    for (uint64_t i = 0; i < of->got_count; i++) {
        const outcome *got = &of->got[i];
        uint64_t item = item_of(of, got);
        CHECK_(item < wants->length && item < ITEMS_MOST && !seen[item], "result %" PRIu64 " is of item %" PRIu64 ", which is none or came before", i,
               item);
        CHECK_(!(of->verb->ordered || one_worker) || item == i, "result %" PRIu64 " is of item %" PRIu64, i, item);
        seen[item] = true;
        *halted += was_halted(got);
        *failed += !got->ok && !was_halted(got);
        if (was_halted(got) || gave_up_early(of, wants, got, &wants->items[item]))
            continue;
        const char *what = difference(got, &wants->items[item]);
        CHECK_(!what, "item %" PRIu64 ": %s differs: %s %u %s%s, expected %s %u %s%s", item, what, got->ok ? "ok" : got->kind, got->attempts,
               got->value, got->message, wants->items[item].ok ? "ok" : wants->items[item].kind, wants->items[item].attempts,
               wants->items[item].value, wants->items[item].message);
    }
}

static void check_workers(const combination *of)
{
    bool worked[64] = {false};
    unsigned workers = 0;
    for (uint64_t i = 0; i < of->got_count; i++) {
        int rank = of->got[i].rank;
        if (was_halted(&of->got[i]))
            continue;
        CHECK_(rank >= 0 && rank < 64, "rank %d ran an item", rank);
        workers += !worked[rank];
        worked[rank] = true;
    }
    CHECK_(!of->options.workers || workers <= of->options.workers, "%u ranks worked, %u were allowed", workers, of->options.workers);
}

static void check_progress(const combination *of, uint64_t all, bool to_its_end)
{
    CHECK(!of->progress.wrong);
    if (!of->options.on_progress || !to_its_end)
        return;
    CHECK_INT(of->progress.finals, 1);
    if (!of->input->files)              /* there blocks are counted */
        CHECK_INT(of->progress.done, all);
    CHECK_INT(of->progress.done, of->progress.total);
}

static void check_end(const combination *of, const model *wants, uint64_t halted, uint64_t failed)
{
    int ended = wants->input_fails ? RF_EFUNCTION : wants->failures && !of->verb->streams ? RF_EITEMS : of->verb->streams ? RF_END : RF_OK;
    bool stopped = of->verb->streams && of->status == RF_OK;
    if (stopped) {
        CHECK_INT(of->got_count, of->take);
        if (!may_halt(wants))
            CHECK_STATUS(of->freed, failed ? RF_EITEMS : RF_OK);
        return;
    }
    if (of->status == RF_EHALTED) {
        CHECK_(may_halt(wants), "the job halted: %s", of->said);
        CHECK(of->verb->drops || failed || of->input->generated);
        CHECK(of->verb->drops || of->input->generated || of->got_count == wants->length);
        return;
    }
    CHECK_(wants->failures < wants->halt_count || wants->input_fails, "%" PRIu64 " failures did not halt the job", wants->failures);
    CHECK_(of->status == ended, "%s (%s), not %s", rf_status_name(of->status), of->said, rf_status_name(ended));
    if (!wants->input_fails || !may_halt(wants))
        CHECK_INT(halted, 0);
    if (!of->verb->drops)
        CHECK_INT(of->got_count, wants->length);
    if (of->status == RF_EITEMS) {
        char text[80];
        snprintf(text, sizeof text, "%s: %" PRIu64 " item%s failed; first: ", wants->name, wants->failures, wants->failures == 1 ? "" : "s");
        CHECK_HAS(of->said, text);
    }
    if (of->verb->streams)
        CHECK_STATUS(of->freed, wants->input_fails ? RF_EFUNCTION : failed ? RF_EITEMS : RF_OK);
    ALSO(check_progress(of, wants->length, true));
}

static void check(const combination *of, const model *wants)
{
    uint64_t halted = 0, failed = 0, window = of->options.max_active;
    if (wants->refused) {
        CHECK_STATUS(of->status, wants->refused);
        CHECK_INT(of->got_count, 0);
        CHECK_INT(of->produced, 0);
        return;
    }
    ALSO(check_outcomes(of, wants, &halted, &failed));
    ALSO(check_workers(of));
    ALSO(check_progress(of, 0, false));
    ALSO(check_end(of, wants, halted, failed));
    if (of->verb->streams && window && window != RF_UNLIMITED)
        CHECK_(of->most_ahead <= window, "%" PRIu64 " items were read and not delivered, max_active is %" PRIu64, of->most_ahead, window);
}

/* ---- running them ---- */

static struct { uint64_t refused, halted, failed_input, stopped, failures; } tally;

static void count_it(const combination *of, const model *wants)
{
    tally.refused += wants->refused != RF_OK;
    tally.halted += of->status == RF_EHALTED;
    tally.failed_input += of->status == RF_EFUNCTION;
    tally.stopped += of->verb->streams && of->status == RF_OK;
    tally.failures += !wants->refused && wants->failures;
}

static void run_one(rf_pool *pool, uint64_t seed, const char *path)
{
    static outcome got[ITEMS_MOST], items[ITEMS_MOST];
    combination of = {.seed = seed, .random = seed, .pool = pool, .got = got};
    model wants = {.items = items};
    snprintf(of.path, sizeof of.path, "%s", path);
    draw(&of);
    make_sense(&of);
    expect(&wants, &of);
    of.verb->run(&of);
    check(&of, &wants);
    count_it(&of, &wants);
    if (!verifying.failed && !squares_are_right(pool))
        CHECK_(false, "the pool is of no use afterwards");
    if (verifying.failed)
        printf("SEED=%" PRIu64 " COMBINATIONS=1: %s\n", seed, of.text);
    free(of.array);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

CASE(E1_any_options_together_give_what_each_promises)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = from_environment("SEED", (uint64_t)now.tv_sec), count = from_environment("COMBINATIONS", getenv("TEST_QUICK") ? 60 : 200);
    const char *folder = getenv("TMPDIR");
    char path[200];
    snprintf(path, sizeof path, "%s/rankfold-combinations-XXXXXX", folder && *folder ? folder : P_tmpdir);
    int made = mkstemp(path);
    CHECK(made >= 0);
    close(made);
    printf("seed %" PRIu64 ", %" PRIu64 " combinations\n", seed, count);
    fflush(stdout);
    for (uint64_t i = 0; i < count && !verifying.failed; i++)
        run_one(pool, seed + i, path);
    remove(path);
    printf("refused %" PRIu64 ", halted %" PRIu64 ", input failed %" PRIu64 ", stopped early %" PRIu64 ", with failures %" PRIu64 "\n",
           tally.refused, tally.halted, tally.failed_input, tally.stopped, tally.failures);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
