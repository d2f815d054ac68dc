#include "cluster_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cluster_additions.h"
#include "cluster_input.h"

enum outcome { NUMBER, TEXT, TUPLE, EMITS, NOTHING, RANDOM, OUTCOMES, LARGE };
typedef struct fate { unsigned failures; const char *kind; enum outcome outcome; bool asks; uint64_t drawn; } fate;
static const char *const kinds[] = {"net", "net.dns", "disk", "function"};

static uint64_t init_seed;
static uint32_t init_failing;

/* ---- what happens to an item ------------------------------------------------------------------------------------- */

static uint64_t digest_bytes(uint64_t digest, const void *data, size_t size)
{
    const uint8_t *at = data;
    for (; size >= 8; at += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        digest = (digest ^ word) * 0x9e3779b97f4a7c15u;
        digest ^= digest >> 29;
    }
    for (; size; size--)
        digest = (digest ^ *at++) * 0x100000001b3u;
    return digest ^ digest >> 32;
}

static uint64_t digest_value(rf_value value)
{
    uint64_t digest = 1, number;
    switch (rf_type_of(value)) {
    case RF_NIL: return 2;
    case RF_BOOL: return 3 + rf_truth(value);
    case RF_F64: number = value.u64; return digest_bytes(RF_F64, &number, 8);
    case RF_I64:
    case RF_U64: number = value.u64; return digest_bytes(RF_I64, &number, 8);
    case RF_TEXT:
    case RF_BYTES: return digest_bytes(rf_type_of(value), value.data, rf_size(value));
    default: break;
    }
    for (rf_value element; rf_take(&value, &element) == RF_OK;) {
        number = digest_value(element);
        digest = digest_bytes(digest, &number, 8);
    }
    return digest;
}

/* The file's number, which its name ends in, and the offset; or the ordinal. */
static uint64_t key_of(const char *path, uint64_t position)
{
    return position + (input_file_number(path) << 48);
}

static fate fate_of(const behaviour *does, uint64_t key)
{
    uint64_t random = random_seed(does->seed, key, 0, 0);
    fate its = {.drawn = random_next(&random)};
    if (random_below(&random, 1000) < does->failing)
        its.failures = random_below(&random, 1000) < does->for_ever ? UINT32_MAX : 1 + (unsigned)random_below(&random, 3);
    its.kind = kinds[random_below(&random, 4)];
    its.asks = random_below(&random, 1000) < does->asking;
    its.outcome = random_below(&random, 1000) < does->large ? LARGE : (enum outcome)random_below(&random, OUTCOMES);
    return its;
}

static rf_value large_of(const fate *its, uint64_t digest)
{
    size_t size = LARGE_LEAST + its->drawn % LARGE_SPAN;
    return rf_bytes(input_pattern(digest % (PATTERN - LARGE_LEAST - LARGE_SPAN)), size);
}

static int give(rf_call *call, const fate *its, uint64_t digest)
{
    char text[40];
    switch (its->outcome) {
    case NUMBER: return RF_RETURN(call, digest);
    case TEXT: snprintf(text, sizeof text, "%" PRIx64, digest); return RF_RETURN(call, text);
    case TUPLE: return RF_RETURN(call, digest, "and", 0.5);
    case RANDOM: return RF_RETURN(call, rf_call_random(call));
    case LARGE: return rf_return(call, large_of(its, digest));
    case EMITS:
        for (uint64_t i = 0; i < its->drawn % 5; i++)
            rf_emit(call, rf_of_u64(digest + i));
        return RF_OK;
    default: return RF_OK;
    }
}

static bool sees_shared(rf_call *call, uint64_t seed, uint64_t drawn)
{
    rf_value wanted = input_shared(seed), got = rf_call_shared(call, "shared");
    size_t size = rf_size(wanted), at = size ? drawn % size : 0;
    if (rf_size(got) != size || ((const uint8_t *)got.data)[size])
        return false;
    return !memcmp(got.data, wanted.data, size < 64 ? size : 64) &&
           !memcmp((const uint8_t *)got.data + at, (const uint8_t *)wanted.data + at, size - at < 64 ? size - at : 64);
}

static int act(rf_call *call, rf_value item)
{
    const behaviour *does = RF_CALL_STATE(call, behaviour);
    if (!does)
        return RF_EARGS;
    uint64_t key = key_of(rf_call_path(call), rf_call_index(call));
    fate its = fate_of(does, key);
    if (does->shared && !sees_shared(call, does->shared, its.drawn))
        return rf_fail(call, "shared", "wrong shared data");
    additions_make(call, does, key);
    if (its.asks && !rf_call_cancelled(call))
        rf_call_progress(call);
    if (rf_call_attempt(call) > its.failures)
        return give(call, &its, digest_value(item));
    if (its.drawn % 2)
        give(call, &its, 0);
    return rf_fail(call, its.kind, "position %" PRIu64, rf_call_index(call));
}
RF_REGISTER(act);

static bool init_fails(int rank)
{
    uint64_t random = random_seed(init_seed, (uint64_t)rank, 0, 0);
    return random_below(&random, 1000) < init_failing;
}

static int prepare(rf_call *call, void **worker)
{
    *worker = malloc(1);
    if (!*worker)
        return rf_fail(call, "memory", "none");
    if (!init_fails(rf_call_rank(call)))
        return RF_OK;
    free(*worker);
    return rf_fail(call, NULL, "not on rank %d", rf_call_rank(call));
}

static int act_prepared(rf_call *call, rf_value item)
{
    return rf_call_worker(call) ? act(call, item) : RF_EINIT;
}
RF_REGISTER(act_prepared, .init = prepare, .exit = free);

void work_fail_init(uint64_t seed, uint32_t of_1000)
{
    init_seed = seed;
    init_failing = of_1000;
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

#define ADDED UINT64_MAX            /* an item that is not of the source */

static bool find(const work *one, const rf_result *result, uint64_t *item)
{
    *item = ADDED;
    return additions_is_added(result) || input_find(one, result, item);
}

static bool is_short(const work *one, uint64_t item) { return item != ADDED && input_short_record(one, item); }

static bool kind_is_retried(const char *on, const char *kind)
{
    if (!on || !*on)
        return true;
    for (size_t size; *on; on += size + (on[size] == ',')) {
        size = strcspn(on, ",");
        if (!strncmp(on, kind, size) && (!kind[size] || kind[size] == '.'))
            return true;
    }
    return false;
}

static const char *check_value(const fate *its, uint64_t digest, rf_value got)
{
    char text[40];
    rf_value part;
    switch (its->outcome) {
    case NUMBER: return rf_type_of(got) == RF_U64 && rf_u64(got) == digest ? NULL : "a number is wrong";
    case TEXT: snprintf(text, sizeof text, "%" PRIx64, digest); return strcmp(rf_str(got), text) ? "a text is wrong" : NULL;
    case TUPLE: return rf_elements(got) == 3 && rf_take(&got, &part) == RF_OK && rf_u64(part) == digest ? NULL : "a tuple is wrong";
    case RANDOM: return rf_type_of(got) == RF_F64 && rf_f64(got) >= 0 && rf_f64(got) < 1 ? NULL : "a random number is wrong";
    case NOTHING: return rf_type_of(got) == RF_NIL ? NULL : "nothing is something";
    case LARGE: {
        rf_value wanted = large_of(its, digest);
        bool same = rf_type_of(got) == RF_BYTES && rf_size(got) == rf_size(wanted) && !memcmp(got.data, wanted.data, rf_size(got));
        return same && (uintptr_t)got.data % 16 == 0 ? NULL : "a large result is wrong";
    }
    default: break;
    }
    if (its->drawn % 5 == 0)
        return rf_type_of(got) == RF_NIL || rf_elements(got) == 0 ? NULL : "nothing emitted is something";
    for (uint64_t i = 0; i < its->drawn % 5; i++)
        if (rf_take(&got, &part) != RF_OK || rf_u64(part) != digest + i)
            return "what was emitted is wrong";
    return rf_take(&got, &part) == RF_END ? NULL : "more than was emitted";
}

/* Its own, or that of workers that could not go on. */
static bool tells_of_memory(int status) { return status == RF_ENOMEM || status == RF_ELOST || status == RF_EINIT; }

/* Failures that tell of the run, not of the item: which of them may be. */
static bool is_excused(const work *one, const rf_error *error)
{
    if (one->short_of_memory && (tells_of_memory(error->status) || !strcmp(error->kind, "cancelled")))
        return true;
    switch (error->status) {
    case RF_EHALTED: return one->options.halt > RF_HALT_NEVER && !strcmp(error->kind, "halted");
    case RF_ETIMEOUT: return one->options.timeout > 0 && !strcmp(error->kind, "timeout");
    case RF_ELOST: return one->deaths && !strcmp(error->kind, "lost");
    case RF_EINIT: return one->prepared && (one->init_fails_everywhere || one->deaths) && !strcmp(error->kind, "init");
    default: return false;
    }
}

static const char *check_failure(const work *one, uint64_t item, const fate *its, const rf_result *result)
{
    const rf_error *error = result->error;
    char text[48];
    if (rf_type_of(result->value) != RF_NIL || error->attempt != result->attempts || error->index != result->index)
        return "a failed item's result is wrong";
    if (is_short(one, item))
        return error->status == RF_EINPUT && !strcmp(error->kind, "input") ? NULL : "a short record's error is wrong";
    snprintf(text, sizeof text, "position %" PRIu64, result->index);
    if (error->status != RF_EFUNCTION || strcmp(error->kind, its->kind) || !strstr(error->message, text))
        return error->message;
    if (result->attempts > its->failures)
        return "an attempt that succeeds has failed";
    unsigned most = kind_is_retried(one->options.retry.on, its->kind) ? one->options.retry.attempts : 1;
    bool stopped = one->options.halt > RF_HALT_NEVER || one->options.timeout > 0 || one->end;
    bool enough = result->attempts == most || (result->attempts > most && one->deaths) || (result->attempts < most && stopped) ||
                  one->short_of_memory;
    return enough ? NULL : "a failed item had too many or too few attempts";
}

static const char *check_success(const work *one, uint64_t item, const fate *its, const rf_result *result)
{
    rf_value tuple[2];
    if (result->error || is_short(one, item))
        return "a success that is none";
    if (result->attempts <= its->failures || (result->attempts != its->failures + 1 && !one->deaths && !one->short_of_memory))
        return "a success after the wrong number of attempts";
    if (result->rank < (one->ranks > 1) || result->rank >= one->ranks || !result->host || result->seconds < 0)
        return "where it was run is wrong";
    rf_value its_item = item == ADDED ? additions_item(&one->does, result->index, tuple) : input_value(one, item, tuple);
    return check_value(its, digest_value(its_item), result->value);
}

/* One that was added comes when it comes. */
static const char *check_order(work *one, uint64_t item, const rf_result *result)
{
    if (item == ADDED)
        return additions_check(one, result);
    bool gaps = (input_of_files(one) && one->excused) || one->short_of_memory;
    if (one->seen[item]++)
        return "an item was delivered twice";
    if (one->ordered && (item < one->next || (item > one->next && !gaps)))
        return "out of order";
    one->next = item + 1;
    return NULL;
}

/* Where workers read, what was not run is told by blocks, whose items nobody has counted. */
static const char *check_excused(work *one, const rf_result *result)
{
    one->excused++;
    uint64_t item;
    bool found = find(one, result, &item);
    if (item != ADDED && input_of_files(one))
        return NULL;
    return found ? check_order(one, item, result) : "an item that is not in the input";
}

const char *work_check(work *one, const rf_result *result)
{
    uint64_t item;
    one->taken++;
    one->failed += !result->ok;
    if (result->ok != !result->error)
        return "ok and error contradict each other";
    if (result->error && is_excused(one, result->error))
        return check_excused(one, result);
    if (!find(one, result, &item))
        return result->error ? result->error->message : "an item that is not in the input";
    const char *wrong = check_order(one, item, result);
    if (wrong)
        return wrong;
    uint64_t key = key_of(result->path, result->index);
    fate its = fate_of(&one->does, key);
    if (result->ok)
        additions_expect(one, result, key);
    uint64_t told[] = {item == ADDED ? result->index : item, result->ok, result->attempts, digest_value(result->value)};
    one->digest += digest_bytes(1, told, sizeof told);
    return result->ok ? check_success(one, item, &its, result) : check_failure(one, item, &its, result);
}

const char *work_check_all(work *one, const rf_results *results)
{
    uint64_t failures = 0, count = rf_results_len(results);
    for (uint64_t i = 0; i < count; i++) {
        rf_result result = rf_results_at(results, i);
        const char *wrong = digest_value(rf_results_value(results, i)) == digest_value(result.value) ? work_check(one, &result)
                                                                                                      : "a value differs from itself";
        if (wrong)
            return wrong;
    }
    for (uint64_t i = 0; rf_results_next_failure(results, &i); i++)
        failures++;
    if (failures != one->failed || rf_results_ok(results) != !failures || rf_results_check(results) != (failures ? RF_EITEMS : RF_OK))
        return "the failures of a result set are not its failures";
    return rf_results_at(results, count).error->status == RF_ERANGE ? NULL : "there is something past the end";
}

static bool may_end_with(const work *one, int status)
{
    int plain = one->failed ? RF_EITEMS : RF_OK;
    if (one->short_of_memory && tells_of_memory(status))
        return true;
    switch (status) {
    case RF_EHALTED: return one->options.halt > RF_HALT_NEVER && (one->failed > one->excused || one->deaths || one->short_of_memory);
    case RF_ETIMEOUT: return one->options.timeout > 0;
    case RF_ELOST: return one->deaths;
    case RF_EINIT: return one->prepared && (one->init_fails_everywhere || one->deaths);
    default: return one->end ? status == one->end : status == plain || (one->dropped && status == RF_EITEMS);
    }
}

static const char *wrong_status(const work *one, int status)
{
    static char text[80];
    snprintf(text, sizeof text, "it ended with %s, %" PRIu64 " results are excused", rf_status_name(status), one->excused);
    return text;
}

const char *work_check_progress(const work *one, bool started)
{
    if (!one->options.on_progress || one->finals == 1 || (!started && !one->finals))
        return NULL;
    return one->finals > 1 ? "something came after the last progress, or done was above total or fell" : "the last progress was not told";
}

const char *work_check_end(work *one, int status)
{
    one->failed += one->dropped;        /* nobody has counted */
    if (!may_end_with(one, status) && !(one->dropped && status == RF_OK))
        return wrong_status(one, status);
    const char *wrong = work_check_progress(one, !(one->short_of_memory && status < 0 && status != RF_EITEMS));
    if (wrong || one->dropped || (one->short_of_memory && status < 0 && status != RF_EITEMS))
        return wrong;
    bool stopped = status == RF_EHALTED || status == RF_ETIMEOUT || status == RF_ELOST || status == RF_EINIT;
    uint64_t end = one->item_count;
    if (one->input == WORK_GENERATOR && stopped)
        end = one->taken - one->added_taken;    /* what was not read is not known */
    for (uint64_t i = 0; i < end; i++)
        if (!one->seen[i] && !(input_of_files(one) && one->excused))
            return "an item was lost";
    return additions_check_end(one);
}

/* ---- as the jobs of a run -------------------------------------------------------------------------------------------- */

static void progress(uint64_t done, uint64_t total, bool final, void *user)
{
    work *one = user;
    if (done > total || done < one->done || one->finals)
        one->finals += 100;
    one->finals += final;
    one->done = done;
}

void work_begin(work *one, int ranks, bool deaths)
{
    one->ranks = ranks;
    one->deaths = deaths;
    one->ordered = one->verb == WORK_MAP || one->verb == WORK_IMAP || one->verb == WORK_MAP_ASYNC || ranks <= 2;
    one->init_fails_everywhere = true;
    for (int rank = ranks > 1; rank < ranks; rank++)
        one->init_fails_everywhere &= init_fails(rank);
    if (one->options.workers)               /* the others do not help */
        for (int rank = ranks > 1; rank < (ranks > 1) + (int)one->options.workers; rank++)
            one->init_fails_everywhere |= init_fails(rank);
    uint64_t length = one->options.iterable_len ? one->options.iterable_len : UINT64_MAX;
    if (one->input == WORK_GENERATOR && one->fails_at <= one->count && one->fails_at < length) {
        one->item_count = one->fails_at;
        one->end = RF_EFUNCTION;
    } else if (!input_of_files(one)) {
        one->item_count = one->count < length ? one->count : length;
    }
    input_expect(one);
    one->seen = calloc(one->item_count + 1, 1);
}

rf_options work_options(work *one)
{
    rf_options said = one->options;
    said.state = RF_STATE(one->does);
    if (one->does.seed % 4 == 0) {
        said.on_progress = one->options.on_progress = progress;
        said.user = one;
    }
    return said;
}

rf_map_function *work_function(const work *one) { return one->prepared ? act_prepared : act; }

bool work_is_exact(const work *one)
{
    return !one->deaths && one->options.halt <= RF_HALT_NEVER && !(one->options.timeout > 0) && !one->dropped && !one->prepared && !one->end;
}

void work_describe(const work *one, char *text, size_t size)
{
    static const char *const verbs[] = {"map", "map_unordered", "imap", "imap_unordered", "map_async", "apply"};
    static const char *const inputs[] = {"range", "array", "values", "strings", "generator", "lines", "splits", "records"};
    const rf_options *o = &one->options;
    snprintf(text, size, "%s of %" PRIu64 " items (%s), failing %u, growing %u, rate %g, retry %u on %s after %g, chunk_size %" PRIu64 ", n_splits %" PRIu64
             ", split_size %" PRIu64 ", max_active %" PRIu64 ", max_bytes %" PRIu64 ", iterable_len %" PRIu64 ", workers %u, timeout %g, "
             "halt %d at %" PRIu64 " or %g%s%s, stops after %" PRIu64 "; taken %" PRIu64 ", failed %" PRIu64, verbs[one->verb],
             one->item_count, inputs[one->input], one->does.failing, one->does.growing, rf_rate_per_second(o->rate_limit), o->retry.attempts, o->retry.on ? o->retry.on : "all",
             o->retry.backoff, o->chunk_size, o->n_splits, o->split_size, o->max_active, o->max_bytes, o->iterable_len, o->workers,
             o->timeout, (int)o->halt, o->halt_count, o->halt_share, one->prepared ? ", with .init" : "", one->dropped ? ", dropped" : "",
             one->stop_after, one->taken, one->failed);
}

void work_give_back(work *one)
{
    free(one->array);
    one->array = NULL;
}

void work_end(work *one)
{
    free(one->items);
    free(one->seen);
    additions_end(one);
    one->items = NULL;
    one->seen = NULL;
    work_give_back(one);
}
