/* What functions see besides their item, on 1, 2, 3 and 5 ranks: bound state, what init left, random numbers, memory. */
#include "verify.h"

typedef struct model {
    double slope;
    int offset;
    char name[20];
} model;

static int evaluate(rf_call *call, rf_value item)
{
    const model *bound = RF_CALL_STATE(call, model);
    int64_t x;
    if (!bound || RF_ARGS(call, item, x))
        return RF_EARGS;
    double y = bound->slope * (double)x + bound->offset;
    ((model *)(uintptr_t)bound)->slope = 0;     /* nobody may see this */
    return RF_RETURN(call, y);
}
RF_REGISTER(evaluate);

static int state_size(rf_call *call, rf_value item)
{
    size_t size;
    if (RF_ARGS(call, item, size))
        return RF_EARGS;
    const unsigned char *bytes = rf_call_state(call, size);
    return bytes ? RF_RETURN(call, bytes[0], bytes[size - 1]) : RF_EUSAGE;
}
RF_REGISTER(state_size);

static int no_state(rf_call *call, rf_value item)
{
    (void)item;
    const model *bound = RF_CALL_STATE(call, model);
    return RF_RETURN(call, bound == NULL ? 1 : 0);
}
RF_REGISTER(no_state);

static int starts;
static int start(rf_call *call, void **worker)
{
    int *kept = malloc(sizeof *kept);
    if (!kept)
        return RF_ENOMEM;
    *kept = 1000 + rf_call_rank(call);
    *worker = kept;
    starts++;
    return RF_OK;
}
static int tell_start(rf_call *call, rf_value item)
{
    (void)item;
    const int *kept = rf_call_worker(call);
    return RF_RETURN(call, kept ? *kept - rf_call_rank(call) : 0, starts);
}
RF_REGISTER(tell_start, .init = start, .exit = free);
static int share_start(rf_call *call, rf_value item)
{
    return tell_start(call, item);
}
RF_REGISTER(share_start, .init = start, .exit = free);

static int start_nowhere(rf_call *call, void **worker)
{
    *worker = NULL;
    return rf_fail(call, "licence", "no licence on rank %d", rf_call_rank(call));
}
static int never_started(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}
RF_REGISTER(never_started, .init = start_nowhere);

static int start_but_on_rank_1(rf_call *call, void **worker)
{
    return rf_call_rank(call) == 1 ? start_nowhere(call, worker) : RF_OK;
}
static int tell_rank(rf_call *call, rf_value item)
{
    (void)item;
    return RF_RETURN(call, rf_call_rank(call));
}
RF_REGISTER(tell_rank, .init = start_but_on_rank_1);

static int draw(rf_call *call, rf_value item)
{
    double first = rf_call_random(call), second = rf_call_random(call);
    (void)item;
    if (rf_call_attempt(call) < 2 && rf_call_index(call) % 2)
        return rf_fail(call, NULL, "once more");
    return RF_RETURN(call, first, second);
}
RF_REGISTER(draw, .options = {.retry = {.attempts = 2, .backoff = RF_NONE}});

static int many_pieces(rf_call *call, rf_value item)
{
    uint64_t sum = 0, count;
    uint64_t *kept[1000];
    if (RF_ARGS(call, item, count))
        return RF_EARGS;
    for (uint64_t i = 0; i < count; i++) {
        kept[i] = rf_call_alloc(call, (i % 100 + 1) * sizeof **kept);
        if (!kept[i] || (uintptr_t)kept[i] % 16)
            return rf_fail(call, NULL, "piece %" PRIu64 " at %p", i, (void *)kept[i]);
        kept[i][i % 100] = i;
    }
    for (uint64_t i = 0; i < count; i++)
        sum += kept[i][i % 100];
    rf_value text = rf_call_keep(call, RF_V("kept"));
    return strcmp(rf_str(text), "kept") ? rf_fail(call, NULL, "lost") : RF_RETURN(call, sum);
}
RF_REGISTER(many_pieces);

CASE(B8_bound_state_is_read_as_it_was_when_submitted)
{
    model line = {.slope = 2, .offset = 1, .name = "line"};
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, evaluate, rf_range(0, 500), RF_OPTIONS(.state = RF_STATE(line), .chunk_size = 10), &stream), RF_OK);
    line.slope = -7;
    for (int i = 0; i < 500; i++) {
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK(one->ok);
    }
    CHECK_STATUS(rf_apply(pool, evaluate, rf_of_i64(3), RF_OPTIONS(.state = RF_STATE(line)), NULL), RF_OK);
}

CASE(B8_two_jobs_at_once_keep_their_states_apart)
{
    RF_AUTO(rf_iterator, first);
    RF_AUTO(rf_iterator, second);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, state_size, RF_VALUES(32, 32), RF_OPTIONS(.state = rf_bytes("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAZ", 32)), &first), RF_OK);
    CHECK_STATUS(rf_imap(pool, state_size, RF_VALUES(2, 2), RF_OPTIONS(.state = rf_bytes("BY", 2)), &second), RF_OK);
    for (int i = 0; i < 2; i++) {
        int begin, end;
        CHECK_STATUS(rf_next(first, &one), RF_OK);
        CHECK(one->ok);
        CHECK_STATUS(RF_READ(one->value, begin, end), RF_OK);
        CHECK(begin == 'A' && end == 'Z');
        CHECK_STATUS(rf_next(second, &one), RF_OK);
        CHECK_STATUS(RF_READ(one->value, begin, end), RF_OK);
        CHECK(begin == 'B' && end == 'Y');
    }
}

CASE(a_large_state_arrives_once_and_whole)
{
    size_t size = 10 << 20;
    unsigned char *bytes = calloc(size, 1);
    bytes[0] = 1;
    bytes[size - 1] = 2;
    RF_AUTO(rf_results, results);
    rf_value items[100];
    for (int i = 0; i < 100; i++)
        items[i] = RF_V(size);
    CHECK_STATUS(rf_map(pool, state_size, rf_values(items, 100), RF_OPTIONS(.state = rf_bytes(bytes, size)), &results), RF_OK);
    free(bytes);
    for (uint64_t i = 0; i < 100; i++) {
        int begin, end;
        rf_value ends = rf_results_value(results, i);
        CHECK_STATUS(RF_READ(ends, begin, end), RF_OK);
        CHECK(begin == 1 && end == 2);
    }
}

CASE(a_state_of_another_size_or_none_fails_the_item)
{
    RF_AUTO(rf_results, results);
    int small = 1;
    CHECK_STATUS(rf_apply(pool, evaluate, rf_of_i64(1), RF_OPTIONS(.state = RF_STATE(small)), &results), RF_EITEMS);
    CHECK_HAS(rf_results_at(results, 0).error->message, "state");
    CHECK_STATUS(rf_apply(pool, no_state, rf_of_i64(1), NULL, NULL), RF_EITEMS);
}

CASE(D2_init_runs_once_in_each_worker_and_functions_share_it)
{
    RF_AUTO(rf_results, first);
    RF_AUTO(rf_results, second);
    CHECK_STATUS(rf_map(pool, tell_start, rf_range(0, 200), RF_OPTIONS(.chunk_size = 1), &first), RF_OK);
    CHECK_STATUS(rf_map(pool, share_start, rf_range(0, 200), RF_OPTIONS(.chunk_size = 1), &second), RF_OK);
    for (uint64_t i = 0; i < 400; i++) {
        int kept, inits;
        rf_value told = i < 200 ? rf_results_value(first, i) : rf_results_value(second, i - 200);
        CHECK_STATUS(RF_READ(told, kept, inits), RF_OK);
        CHECK_INT(kept, 1000);
        CHECK_INT(inits, 1);
    }
    CHECK_INT(starts, rf_results_at(first, 0).rank == 0);
}

CASE(D2_init_that_fails_everywhere_fails_the_verb_and_says_why)
{
    for (int i = 0; i < 2; i++) {
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_map(pool, never_started, rf_range(0, 100), NULL, &results), RF_EINIT);
        CHECK_HAS(rf_last_error()->message, "no licence on rank");
        CHECK_INT(rf_results_len(results), 100);
        CHECK_STATUS(rf_results_at(results, 5).error->status, RF_EINIT);
    }
    rf_iterator *stream;
    const rf_result *one;
    int status;
    CHECK_STATUS(rf_imap(pool, never_started, rf_range(0, 100), NULL, &stream), RF_OK);
    while ((status = rf_next(stream, &one)) == RF_OK)
        CHECK(!one->ok);
    CHECK_STATUS(status, RF_EINIT);
    CHECK_STATUS(rf_iterator_free(stream), RF_EINIT);
    CHECK_STATUS(rf_map(pool, tell_start, rf_range(0, 10), NULL, NULL), RF_OK);
}

static char warned[1024];
static void keep_warning(const char *message, void *user)
{
    (void)user;
    snprintf(warned, sizeof warned, "%s", message);
}

CASE(D2_init_that_fails_on_one_rank_benches_it)
{
    RF_AUTO(rf_results, results);
    rf_log_to(keep_warning, NULL);
    int status = rf_map(pool, tell_rank, rf_range(0, 1000), RF_OPTIONS(.chunk_size = 1), &results);
    rf_log_to(NULL, NULL);
    bool only_rank_1 = rf_workers(pool) == 1 && rf_results_at(results, 0).error && rf_results_at(results, 0).error->status == RF_EINIT;
    if (only_rank_1)
        return;
    CHECK_STATUS(status, RF_OK);
    for (uint64_t i = 0; i < 1000; i++)
        CHECK(rf_i64(rf_results_value(results, i)) != 1);
    if (rf_workers(pool) > 1)
        CHECK_HAS(warned, "no licence on rank 1");
}

CASE(random_numbers_are_those_of_the_item_whatever_the_chunks_and_attempts)
{
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    double first, second, sum = 0, last = -1;
    CHECK_STATUS(rf_imap(pool, draw, rf_range(0, 1000), RF_OPTIONS(.chunk_size = 7), &stream), RF_OK);
    for (int i = 0; i < 1000; i++) {
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK_STATUS(RF_READ(one->value, first, second), RF_OK);
        CHECK(first >= 0 && first < 1 && second >= 0 && second < 1 && first != second && first != last);
        sum += first;
        last = first;
    }
    CHECK(sum > 450 && sum < 550);
}

CASE(memory_of_a_call_lasts_until_the_function_returns)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, many_pieces, RF_VALUES(1000, 10, 1000, 0), RF_OPTIONS(.chunk_size = 4), &results), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(results, 2)), 499500);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
