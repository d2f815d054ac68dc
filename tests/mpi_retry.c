/* What failed is run again, and nothing else, on 1, 2, 3 and 5 ranks. */
#include "verify.h"

/* Each execution of try_often adds a line "item attempt rank" to this file. */
typedef struct record {
    char path[256];
} record;
static record executions;

/* Takes (item, attempts that it needs, kind of its failures). */
static int try_often(rf_call *call, rf_value item)
{
    unsigned number, needs;
    const char *kind;
    if (RF_ARGS(call, item, number, needs, kind))
        return RF_EARGS;
    const record *its = RF_CALL_STATE(call, record);
    FILE *to = its ? fopen(its->path, "a") : NULL;
    if (!to)
        return rf_fail(call, "test", "no file to write to");
    fprintf(to, "%u %u %d\n", number, rf_call_attempt(call), rf_call_rank(call));
    fclose(to);
    if (rf_call_attempt(call) < needs)
        return rf_fail(call, kind, "attempt %u of %u", rf_call_attempt(call), needs);
    return RF_RETURN(call, rf_call_attempt(call));
}
RF_REGISTER(try_often);
static int try_often_by_default(rf_call *call, rf_value item)
{
    return try_often(call, item);
}
RF_REGISTER(try_often_by_default, .options = {.retry = {.attempts = 5, .backoff = RF_NONE, .on = "net"}});

static rf_source *hundred(unsigned needs, const char *kind)
{
    rf_value values[100][3], items[100];
    for (unsigned i = 0; i < 100; i++) {
        values[i][0] = RF_V(i);
        values[i][1] = RF_V(i % 7 == 3 ? needs : 1);
        values[i][2] = RF_V(kind);
        items[i] = rf_tuple_of(values[i], 3);
    }
    return rf_values(items, 100);
}

static void forget_executions(void)
{
    const char *folder = getenv("TMPDIR");
    snprintf(executions.path, sizeof executions.path, "%s/rankfold-retry-%d", folder && *folder ? folder : P_tmpdir, (int)getpid());
    unlink(executions.path);
}

/* How often each of the hundred was executed. */
static bool count_executions(unsigned counts[100], bool *same_rank)
{
    unsigned number, attempt;
    int rank, before[100];
    memset(counts, 0, 100 * sizeof *counts);
    *same_rank = false;
    FILE *from = fopen(executions.path, "r");
    if (!from)
        return false;
    while (fscanf(from, "%u %u %d", &number, &attempt, &rank) == 3 && number < 100) {
        if (attempt > 1 && before[number] == rank)
            *same_rank = true;
        before[number] = rank;
        counts[number]++;
    }
    fclose(from);
    unlink(executions.path);
    return true;
}

static void check_executions(unsigned needed)
{
    unsigned counts[100];
    bool same_rank;
    CHECK(count_executions(counts, &same_rank));
    for (unsigned i = 0; i < 100; i++)
        CHECK_INT(counts[i], i % 7 == 3 ? needed : 1);
}

CASE(E11_only_what_failed_is_run_again)
{
    RF_AUTO(rf_results, results);
    forget_executions();
    CHECK_STATUS(rf_map(pool, try_often, hundred(3, "net"),
                        RF_OPTIONS(.retry = {.attempts = 3, .backoff = 0.001}, .chunk_size = 20, .state = RF_STATE(executions)), &results),
                 RF_OK);
    ALSO(check_executions(3));
    for (uint64_t i = 0; i < 100; i++) {
        CHECK_INT(rf_results_at(results, i).index, i);
        CHECK_INT(rf_i64(rf_results_value(results, i)), i % 7 == 3 ? 3 : 1);
        CHECK_INT(rf_results_at(results, i).attempts, i % 7 == 3 ? 3 : 1);
    }
}

CASE(E11_another_rank_runs_the_retry_where_there_is_one)
{
    unsigned counts[100];
    bool same_rank;
    forget_executions();
    CHECK_STATUS(rf_map(pool, try_often, hundred(2, "net"),
                        RF_OPTIONS(.retry = {.attempts = 2, .backoff = RF_NONE}, .state = RF_STATE(executions)), NULL), RF_OK);
    CHECK(count_executions(counts, &same_rank));
    CHECK_INT(same_rank, rf_workers(pool) == 1);
}

CASE(E11_after_its_last_attempt_an_item_has_failed)
{
    RF_AUTO(rf_results, results);
    forget_executions();
    CHECK_STATUS(rf_map_unordered(pool, try_often, hundred(10, "net"),
                                  RF_OPTIONS(.retry = {.attempts = 4, .backoff = RF_NONE}, .state = RF_STATE(executions)), &results),
                 RF_EITEMS);
    ALSO(check_executions(4));
    CHECK_INT(rf_results_len(results), 100);
    for (uint64_t i = 0; i < 100; i++) {
        rf_result one = rf_results_at(results, i);
        CHECK_INT(one.ok, one.index % 7 != 3);
        CHECK_INT(one.attempts, one.ok ? 1 : 4);
        CHECK(one.ok || (one.error->attempt == 4 && strstr(one.error->message, "attempt 4 of 10")));
    }
}

static void check_attempts(rf_pool *pool, rf_map_function *function, const char *kind, rf_retry retry, unsigned wanted)
{
    forget_executions();
    CHECK_STATUS(rf_map(pool, function, hundred(1000, kind), RF_OPTIONS(.retry = retry, .state = RF_STATE(executions)), NULL), RF_EITEMS);
    ALSO(check_executions(wanted));
}

CASE(E11_without_retry_and_with_one_attempt_there_is_one_call)
{
    ALSO(check_attempts(pool, try_often, "net", (rf_retry){0}, 1));
    ALSO(check_attempts(pool, try_often, "net", (rf_retry){.attempts = 1}, 1));
    ALSO(check_attempts(pool, try_often_by_default, "net", (rf_retry){.attempts = 1}, 1));
}

CASE(E11_any_field_asks_for_three_attempts)
{
    ALSO(check_attempts(pool, try_often, "net", (rf_retry){.backoff = RF_NONE}, 3));
    ALSO(check_attempts(pool, try_often, "net", (rf_retry){.max_delay = 0.001}, 3));
    ALSO(check_attempts(pool, try_often, "net", (rf_retry){.on = "net", .max_delay = 0.001}, 3));
}

CASE(E11_only_kinds_that_are_named_are_tried_again)
{
    ALSO(check_attempts(pool, try_often, "net.dns", (rf_retry){.backoff = RF_NONE, .on = "net"}, 3));
    ALSO(check_attempts(pool, try_often, "network", (rf_retry){.backoff = RF_NONE, .on = "net"}, 1));
    ALSO(check_attempts(pool, try_often, "net", (rf_retry){.backoff = RF_NONE, .on = "net.dns"}, 1));
    ALSO(check_attempts(pool, try_often, "disk", (rf_retry){.backoff = RF_NONE, .on = "net,disk"}, 3));
    ALSO(check_attempts(pool, try_often, "other", (rf_retry){.backoff = RF_NONE, .on = "net,disk"}, 1));
    ALSO(check_attempts(pool, try_often, "other", (rf_retry){.backoff = RF_NONE, .on = ""}, 3));
}

CASE(E6_the_retry_of_a_registration_is_overridden_field_by_field)
{
    ALSO(check_attempts(pool, try_often_by_default, "net", (rf_retry){0}, 5));
    ALSO(check_attempts(pool, try_often_by_default, "disk", (rf_retry){0}, 1));
    ALSO(check_attempts(pool, try_often_by_default, "net", (rf_retry){.attempts = 2}, 2));
    ALSO(check_attempts(pool, try_often_by_default, "disk", (rf_retry){.on = "disk"}, 5));
    ALSO(check_attempts(pool, try_often_by_default, "disk", (rf_retry){.on = ""}, 5));
}

CASE(a_failure_that_is_tried_again_does_not_halt_the_job)
{
    forget_executions();
    CHECK_STATUS(rf_map(pool, try_often, hundred(2, "net"),
                        RF_OPTIONS(.retry = {.attempts = 2, .backoff = RF_NONE}, .halt = RF_HALT_NOW, .state = RF_STATE(executions)), NULL),
                 RF_OK);
    ALSO(check_executions(2));
}

CASE(items_that_are_read_from_an_iterator_are_tried_again_in_their_place)
{
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    forget_executions();
    CHECK_STATUS(rf_imap(pool, try_often, hundred(3, "net"),
                         RF_OPTIONS(.retry = {.attempts = 3, .backoff = 0.001}, .max_active = 5, .state = RF_STATE(executions)), &stream),
                 RF_OK);
    for (uint64_t i = 0; i < 100; i++) {
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK_INT(one->index, i);
        CHECK_INT(rf_i64(one->value), i % 7 == 3 ? 3 : 1);
    }
    ALSO(check_executions(3));
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
