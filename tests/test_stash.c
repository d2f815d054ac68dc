/* result: chunks that wait for their turn, delivered in item order whatever came when. */
#include "failing_malloc.h"
#include "reference.h"
#include "result/stash.h"

#define PARTS_MOST 400

/* What one chunk is made of, in the order in which it comes. */
typedef struct script {
    draft parts[PARTS_MOST];
    size_t count;
} script;

static uint64_t index_of(uint64_t unit, uint64_t item, bool positions)
{
    return positions ? (unit + item) * 7 : unit + item;
}

/* Items from, from + 1, ... below to as one part, and after it what of them came again. Blocks of a file hold three
   items each, so that several items have one unit. */
static void add_parts(script *of, reference *all, uint64_t *random, uint64_t from, uint64_t to, bool positions,
                      unsigned attempt)
{
    draft *part = &of->parts[of->count++];
    bool failing = random_below(random, 2);
    uint64_t again[512], again_count = 0;
    ck_assert_uint_lt(of->count, PARTS_MOST);
    memset(part, 0, sizeof *part);
    part->made = (delivery){.unit = positions ? from / 3 : from,
                            .rank = (int)random_below(random, 3),
                            .attempt = attempt,
                            .path_index = positions ? 0 : BLOCK_NO_PATH};
    for (uint64_t i = from; i < to; i++) {
        uint64_t draw = failing ? random_below(random, 8) : 0;
        int mode = draw == 6 ? 1 : draw == 7 && attempt < 4 ? 2 : 0;
        expected ignored;
        draft_item(part, random, 3, index_of(i, 0, positions), positions, mode, mode == 2 ? &ignored : &all->items[i]);
        if (mode == 2)
            again[again_count++] = i;
    }
    draft_finish(part, random_below(random, 2));
    for (uint64_t i = 0; i < again_count; i++) {
        uint64_t first = again[i];      /* neighbours come again together, or by themselves */
        while (i + 1 < again_count && again[i + 1] == again[i] + 1 && random_below(random, 2))
            i++;
        add_parts(of, all, random, first, again[i] + 1, positions, attempt + 1);
    }
}

/* A chunk's parts in any order but that an item comes again after it failed: here, simply any order. */
static void shuffle(const script *of, size_t *order, uint64_t *random)
{
    for (size_t i = 0; i < of->count; i++)
        order[i] = i;
    for (size_t i = of->count; i > 1; i--) {
        size_t other = random_below(random, i), kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

static void run_random_case(uint64_t seed)
{
    static reference want;
    static script parts;
    size_t order[PARTS_MOST];
    uint64_t random = seed, items = 1 + random_below(&random, 300);
    bool positions = random_below(&random, 2);
    uint32_t chunk = (uint32_t)random_below(&random, 5);
    parts.count = 0;
    for (uint64_t at = 0; at < items;) {
        uint64_t more = 1 + random_below(&random, random_below(&random, 2) ? 3 : items);
        uint64_t end = at + more < items ? at + more : items;
        add_parts(&parts, &want, &random, at, end, positions, 1);
        at = end;
    }
    stash *all = stash_new();
    spans *to = spans_new(NULL, NULL);
    shuffle(&parts, order, &random);
    for (size_t i = 0; i < parts.count; i++)
        ck_assert_int_eq(stash_add(all, chunk, &parts.parts[order[i]].made), RF_OK);
    ck_assert_uint_eq(stash_items(all, chunk), items);
    ck_assert_int_eq(stash_deliver(all, chunk, to), RF_OK);
    ck_assert_uint_eq(stash_items(all, chunk), 0);
    ck_assert_uint_eq(spans_count(to), items);
    for (uint64_t i = 0; i < items; i++) {
        rf_result got = spans_at(to, i);
        want.items[i].path_index = positions ? 0 : BLOCK_NO_PATH;
        check_result(&want.items[i], &got, NULL, NULL);
    }
    for (size_t i = 0; i < parts.count; i++)
        draft_free(&parts.parts[i]);
    stash_free(all);
    spans_free(to);
}

START_TEST(items_are_delivered_in_order_whatever_came_when_and_again)
{
    for (uint64_t i = 0; i < 500; i++)
        run_random_case(suite_seed + i);
}
END_TEST

static int add_numbers(stash *all, uint32_t chunk, uint64_t unit, uint64_t items)
{
    static uint64_t words[1000];
    for (uint64_t i = 0; i < items; i++)
        words[i] = unit + i;
    delivery from = {.unit = unit,
                     .items = items,
                     .values = {.words = words, .tag = RF_U64, .count = items},
                     .path_index = BLOCK_NO_PATH};
    return stash_add(all, chunk, &from);
}

START_TEST(chunks_do_not_mix_and_their_numbers_are_used_again)
{
    stash *all = stash_new();
    spans *to = spans_new(NULL, NULL);
    for (uint64_t round = 0; round < 3; round++) {
        ck_assert_int_eq(add_numbers(all, 7, 1000 * round + 500, 500), RF_OK);
        ck_assert_int_eq(add_numbers(all, 2, 1000 * round, 500), RF_OK);
        ck_assert_int_eq(add_numbers(all, 3, 77, 9), RF_OK);
        ck_assert_int_eq(stash_deliver(all, 2, to), RF_OK);
        ck_assert_int_eq(stash_deliver(all, 7, to), RF_OK);
        ck_assert_int_eq(stash_deliver(all, 3, NULL), RF_OK);
        ck_assert_uint_eq(stash_items(all, 3), 0);
    }
    ck_assert_uint_eq(spans_count(to), 3000);
    for (uint64_t i = 0; i < 3000; i++)
        ck_assert_uint_eq(rf_u64(spans_value(to, i)), i);
    stash_free(all);
    spans_free(to);
}
END_TEST

START_TEST(an_unknown_chunk_is_empty)
{
    stash *all = stash_new();
    spans *to = spans_new(NULL, NULL);
    ck_assert_uint_eq(stash_items(all, 4000000000), 0);
    ck_assert_int_eq(stash_deliver(all, 4000000000, to), RF_OK);
    ck_assert_uint_eq(spans_count(to), 0);
    stash_free(all);
    spans_free(to);
    stash_free(NULL);
}
END_TEST

START_TEST(what_is_large_is_handed_on_without_a_copy)
{
    stash *all = stash_new();
    spans *to = spans_new(NULL, NULL);
    column values = {0};
    for (uint64_t i = 0; i < 1000; i++)
        ck_assert_int_eq(column_add(&values, rf_of_string("text")), RF_OK);
    delivery from = {.items = 1000, .path_index = BLOCK_NO_PATH};
    ck_assert_int_eq(column_seal(&values, &from.memory), RF_OK);
    ck_assert_int_eq(column_open(&from.values, from.memory.data, from.memory.size), RF_OK);
    const void *payload = from.values.payload;
    ck_assert_int_eq(stash_add(all, 0, &from), RF_OK);
    ck_assert_int_eq(stash_deliver(all, 0, to), RF_OK);
    ck_assert_ptr_eq(spans_value(to, 0).data, payload);
    column_free(&values);
    stash_free(all);
    spans_free(to);
}
END_TEST

START_TEST(without_memory_adding_or_delivering_fails_and_forgets)
{
    FAILING_EACH_IN_TURN(n) {
        stash *all = stash_new();
        spans *to = spans_new(NULL, NULL);
        int status = all && to ? RF_OK : RF_ENOMEM;
        for (uint64_t i = 0; i < 20 && !status; i++)
            status = add_numbers(all, (uint32_t)(i % 3), (i * 7) % 20 * 400, i % 2 ? 1 : 300);
        for (uint32_t i = 0; i < 3 && !status; i++)
            status = stash_deliver(all, i, to);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        stash_free(all);
        spans_free(to);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("stash");
    TCase *tests = tcase_create("stash");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, items_are_delivered_in_order_whatever_came_when_and_again);
    tcase_add_test(tests, chunks_do_not_mix_and_their_numbers_are_used_again);
    tcase_add_test(tests, an_unknown_chunk_is_empty);
    tcase_add_test(tests, what_is_large_is_handed_on_without_a_copy);
    tcase_add_test(tests, without_memory_adding_or_delivering_fails_and_forgets);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
