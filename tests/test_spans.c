/* result: sequences of results, compared with a plain array. */
#include <sys/resource.h>

#include "failing_malloc.h"
#include "reference.h"
#include "result/spans.h"

static strings *new_table(const char *name, int count)
{
    strings *table = strings_new();
    for (int i = 0; i < count; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s%d", name, i);
        ck_assert_int_eq(strings_add(table, text), RF_OK);
    }
    return table;
}

/* One random delivery; what comes of it goes to the end of all. */
static void add_random(spans *to, reference *all, uint64_t *random, uint64_t *unit)
{
    static draft made;
    memset(&made, 0, sizeof made);
    bool positions = random_below(random, 4) == 0, plain = random_below(random, 3) > 0;
    uint64_t items = random_below(random, 2) ? 1 + random_below(random, 3) : 1 + random_below(random, 300);
    unsigned kinds = (unsigned)random_below(random, 5);
    *unit += random_below(random, 2) ? 0 : random_below(random, 5);
    made.made = (delivery){.unit = *unit,
                           .rank = (int)random_below(random, 4) - 1,
                           .attempt = 1 + (unsigned)random_below(random, 2),
                           .path_index = positions ? random_below(random, 3) : BLOCK_NO_PATH,
                           .seconds = 1e-6};
    for (uint64_t i = 0; i < items; i++) {
        int mode = plain || random_below(random, 4) ? 0 : 1 + (int)random_below(random, 2);
        draft_item(&made, random, kinds, *unit + (positions ? i * 10 : i), positions, mode, &all->items[all->count]);
        all->count += mode != 2;
    }
    *unit += items;
    draft_finish(&made, random_below(random, 2));
    ck_assert_int_eq(spans_add(to, &made.made), RF_OK);
    ck_assert_ptr_null(made.made.memory.data);
    draft_free(&made);
}

static void add_all_failed(spans *to, reference *all, uint64_t *random, uint64_t *unit)
{
    failure *why = failure_new(&(rf_error){.status = RF_EHALTED, .kind = "halted", .message = "halted"});
    delivery from = {.unit = *unit,
                     .items = 1 + random_below(random, 50),
                     .all_failed = why,
                     .rank = -1,
                     .path_index = BLOCK_NO_PATH};
    for (uint64_t i = 0; i < from.items; i++)
        all->items[all->count++] =
            (expected){.index = (*unit)++, .value = "halted", .rank = -1, .path_index = BLOCK_NO_PATH};
    ck_assert_int_eq(spans_add(to, &from), RF_OK);
    failure_free(why);
}

static void check_finding(const spans *all, const reference *want, uint64_t taken, uint64_t from, bool failed)
{
    uint64_t i = from, right = from;
    bool found = spans_find(all, failed, &i);
    while (taken + right < want->count && want->items[taken + right].ok == failed)
        right++;
    bool right_found = taken + right < want->count;
    ck_assert_msg(found == right_found && (!found || i == right), "from %" PRIu64 " on, the next is %" PRIu64, from,
                  right);
}

static void check_one(const spans *all, const reference *want, uint64_t taken, uint64_t i, const strings *hosts,
                      const strings *paths)
{
    rf_result got = spans_at(all, i);
    check_result(&want->items[taken + i], &got, hosts, paths);
    rf_value value = spans_value(all, i);
    if (value.tag != got.value.tag || value.u64 != got.value.u64)
        ck_abort_msg("spans_value and spans_at differ");
}

static void run_random_case(uint64_t seed)
{
    static reference want;
    uint64_t random = seed, unit = 0, taken = 0, failed = 0;
    strings *hosts = new_table("host", 3), *paths = new_table("path", 3);
    spans *all = spans_new(hosts, paths);
    bool drops = random_below(&random, 2);
    want.count = 0;
    for (int step = 0; step < 40; step++) {
        if (random_below(&random, 8))
            add_random(all, &want, &random, &unit);
        else
            add_all_failed(all, &want, &random, &unit);
        ck_assert_uint_eq(spans_count(all), want.count - taken);
        for (int i = 0; i < 20 && taken < want.count; i++) {
            uint64_t at = random_below(&random, want.count - taken);
            check_one(all, &want, taken, at, hosts, paths);
            check_finding(all, &want, taken, at, i % 2);
        }
        uint64_t drop = drops && random_below(&random, 2) ? random_below(&random, want.count - taken + 1) : 0;
        spans_drop_front(all, drop);
        taken += drop;
    }
    for (uint64_t i = 0; i < want.count; i++)
        failed += !want.items[i].ok;
    ck_assert_uint_eq(spans_failed(all), failed);
    for (uint64_t i = 0; taken + i < want.count; i++)
        check_one(all, &want, taken, i, hosts, paths);
    spans_drop_front(all, want.count - taken);
    ck_assert_uint_eq(spans_count(all), 0);
    spans_free(all);
    strings_free(hosts);
    strings_free(paths);
}

START_TEST(spans_read_like_a_plain_array_whatever_is_added_and_taken)
{
    for (uint64_t i = 0; i < 100; i++)
        run_random_case(suite_seed + i);
}
END_TEST

static int add_number(spans *to, uint64_t unit, int rank)
{
    uint64_t word = unit * 3;
    delivery from = {.unit = unit,
                     .items = 1,
                     .values = {.words = &word, .tag = RF_I64, .count = 1},
                     .rank = rank,
                     .attempt = 1,
                     .path_index = BLOCK_NO_PATH,
                     .seconds = 1e-6};
    return spans_add(to, &from);
}

/* Counts allocations without letting one fail. No ck_assert inside: it allocates. */
static uint64_t allocations_of_stream(uint64_t items, uint64_t lag)
{
    spans *all = spans_new(NULL, NULL);
    uint64_t wrong = 0;
    failing_malloc_at(UINT64_MAX);
    for (uint64_t i = 0; i < items; i++) {
        wrong += add_number(all, i, (int)(i % 2)) != RF_OK;
        if (i < lag)
            continue;
        wrong += spans_at(all, 0).index != i - lag;
        spans_drop_front(all, 1);
        wrong += spans_count(all) != lag;
    }
    uint64_t count = failing_malloc_count();
    failing_malloc_stop();
    ck_assert_uint_eq(wrong, 0);
    spans_free(all);
    return count;
}

START_TEST(a_stream_of_small_deliveries_reaches_malloc_next_to_never)
{
    ck_assert_uint_le(allocations_of_stream(200000, 0), 10);
    ck_assert_uint_le(allocations_of_stream(200000, 100), 200000 / 50);
}
END_TEST

#define LARGE 1048576

#if defined __SANITIZE_ADDRESS__
#define KEEPS_FREED true        /* the sanitizer does, for a while */
#elif defined __has_feature
#define KEEPS_FREED __has_feature(address_sanitizer)
#else
#define KEEPS_FREED false
#endif

START_TEST(a_stream_gives_its_memory_back_while_it_runs)
{
    spans *all = spans_new(NULL, NULL);
    for (uint64_t i = 0; i < 500; i++) {
        uint64_t offset = 0;
        delivery from = {.unit = i, .items = 1, .path_index = BLOCK_NO_PATH};
        char *bytes = buffer_add(&from.memory, LARGE + 1);
        ck_assert_ptr_nonnull(bytes);
        memset(bytes, (int)(i % 100), LARGE);
        bytes[LARGE] = '\0';
        from.values = (column_view){
            .payload = from.memory.data, .words = &offset, .tag = (uint64_t)LARGE << 8 | RF_BYTES, .count = 1};
        delivery borrowed = from;
        borrowed.memory = (buffer){0};
        ck_assert_int_eq(spans_add(all, &borrowed), RF_OK);
        buffer_free(&from.memory);
        ck_assert_int_eq(*(const char *)spans_value(all, spans_count(all) - 1).data, (int)(i % 100));
        spans_drop_front(all, i ? 1 : 0);
    }
    struct rusage used;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &used), 0);
    ck_assert(KEEPS_FREED || used.ru_maxrss < 200 * 1024);
    spans_free(all);
}
END_TEST

START_TEST(time_is_told_item_by_item_where_it_is_long_and_as_a_mean_where_it_is_short)
{
    spans *all = spans_new(NULL, NULL);
    double seconds[] = {1e-6, 3e-6, 0.5, 0.25};
    for (uint64_t i = 0; i < 4; i++) {
        uint64_t word = i;
        delivery from = {.unit = i,
                         .items = 1,
                         .values = {.words = &word, .tag = RF_I64, .count = 1},
                         .path_index = BLOCK_NO_PATH,
                         .seconds = seconds[i]};
        ck_assert_int_eq(spans_add(all, &from), RF_OK);
    }
    ck_assert_double_eq_tol(spans_at(all, 0).seconds, 2e-6, 1e-12);
    ck_assert_double_eq_tol(spans_at(all, 1).seconds, 2e-6, 1e-12);
    ck_assert_double_eq(spans_at(all, 2).seconds, 0.5);
    ck_assert_double_eq(spans_at(all, 3).seconds, 0.25);
    spans_free(all);
}
END_TEST

START_TEST(without_memory_adding_fails_and_what_was_there_stays)
{
    FAILING_EACH_IN_TURN(n) {
        uint64_t done = 0, words[200] = {0};
        int status = RF_OK;
        spans *all = spans_new(NULL, NULL);
        for (; all && done < 400 && !status; done += !status)
            status = add_number(all, done, (int)done % 2);
        delivery large = {.unit = 400,
                          .items = 200,
                          .values = {.words = words, .tag = RF_I64, .count = 200},
                          .again = (uint64_t[]){0, 7, 9},
                          .again_count = 3,
                          .path_index = BLOCK_NO_PATH};
        bool added = all && !status && !(status = spans_add(all, &large));
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(!all || status, failed);
        if (all)
            ck_assert_uint_eq(spans_count(all), done + (added ? 197 : 0));
        uint64_t wrong = 0;
        for (uint64_t i = 0; i < done; i++)
            wrong += rf_i64(spans_at(all, i).value) != (int64_t)i * 3;
        ck_assert_uint_eq(wrong, 0);
        spans_free(all);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("spans");
    TCase *tests = tcase_create("spans");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, spans_read_like_a_plain_array_whatever_is_added_and_taken);
    tcase_add_test(tests, a_stream_of_small_deliveries_reaches_malloc_next_to_never);
    tcase_add_test(tests, a_stream_gives_its_memory_back_while_it_runs);
    tcase_add_test(tests, time_is_told_item_by_item_where_it_is_long_and_as_a_mean_where_it_is_short);
    tcase_add_test(tests, without_memory_adding_fails_and_what_was_there_stays);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
