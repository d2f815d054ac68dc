/* result: a delivery that is kept as a block. */
#include "failing_malloc.h"
#include "result/block.h"
#include "suite.h"

static failure *new_failure(const char *message)
{
    failure *made = failure_new(&(rf_error){.status = RF_EFUNCTION, .kind = "net.dns", .message = message, .index = 999,
                                            .function = "fetch", .host = "elsewhere", .rank = 77, .attempt = 55});
    ck_assert_ptr_nonnull(made);
    return made;
}

static strings *new_strings(const char *const *texts, size_t count)
{
    strings *table = strings_new();
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(strings_add(table, texts[i]), RF_OK);
    return table;
}

static delivery numbers(column *values, uint64_t unit, uint64_t items)
{
    for (uint64_t i = 0; i < items; i++)
        ck_assert_int_eq(column_add(values, rf_of_i64((int64_t)(unit + i) * 10)), RF_OK);
    return (delivery){.unit = unit,
                      .items = items,
                      .values = column_look(values),
                      .path_index = BLOCK_NO_PATH,
                      .rank = 1,
                      .attempt = 1,
                      .seconds = (double)items};
}

START_TEST(a_borrowed_delivery_is_copied_so_that_its_maker_may_reuse_it)
{
    column values = {0};
    uint64_t positions[] = {5, 7, 1000};
    ck_assert_int_eq(column_add(&values, rf_of_string("first")), RF_OK);
    ck_assert_int_eq(column_add(&values, rf_of_f64(2.5)), RF_OK);
    ck_assert_int_eq(column_add(&values, rf_bytes("\0\1", 2)), RF_OK);
    delivery from = {.unit = 3,
                     .items = 3,
                     .values = column_look(&values),
                     .positions = positions,
                     .path_index = 1,
                     .rank = 2,
                     .attempt = 4,
                     .seconds = 6};
    block *kept = block_keep(&from);
    memset(values.payload.data, 'x', values.payload.size);
    memset(values.words.data, 0xff, values.words.size);
    memset(values.tags.data, 0xff, values.tags.size);
    positions[2] = 0;
    column_free(&values);
    strings *hosts = new_strings((const char *[]){"a", "b", "c"}, 3),
            *paths = new_strings((const char *[]){"p", "q"}, 2);

    ck_assert_uint_eq(block_items(kept), 3);
    rf_result r = block_result(kept, 0, hosts, paths);
    ck_assert_str_eq(rf_str(r.value), "first");
    ck_assert_uint_eq((uintptr_t)r.value.data % 16, 0);
    ck_assert_double_eq(rf_f64(block_value(kept, 1)), 2.5);
    r = block_result(kept, 2, hosts, paths);
    ck_assert_uint_eq(rf_size(r.value), 2);
    ck_assert_mem_eq(r.value.data, "\0\1\0", 3);
    ck_assert(r.ok);
    ck_assert_ptr_null(r.error);
    ck_assert_uint_eq(r.index, 1000);
    ck_assert_uint_eq(r.offset, 1000);
    ck_assert_str_eq(r.path, "q");
    ck_assert_str_eq(r.host, "c");
    ck_assert_int_eq(r.rank, 2);
    ck_assert_uint_eq(r.attempts, 4);
    ck_assert_double_eq(r.seconds, 2);
    block_free(kept);
    strings_free(hosts);
    strings_free(paths);
}
END_TEST

START_TEST(of_a_part_of_a_column_only_that_part_is_copied)
{
    column values = {0};
    char *big = calloc(1, 1 << 20);
    ck_assert_int_eq(column_add(&values, rf_text(big, 1 << 20)), RF_OK);
    ck_assert_int_eq(column_add(&values, rf_of_string("one")), RF_OK);
    ck_assert_int_eq(column_add(&values, rf_of_string("two")), RF_OK);
    free(big);
    column_view part = column_look(&values);
    part.words++;
    part.tags++;
    part.count = 2;
    delivery from = {.unit = 1, .items = 2, .values = part, .path_index = BLOCK_NO_PATH};
    memset(values.payload.data + 1, 'x', 1000);
    block *kept = block_keep(&from);
    column_free(&values);
    ck_assert_str_eq(rf_str(block_value(kept, 0)), "one");
    ck_assert_str_eq(rf_str(block_value(kept, 1)), "two");
    block_free(kept);
}
END_TEST

START_TEST(memory_that_comes_with_a_delivery_is_taken_over_without_a_copy)
{
    column values = {0};
    ck_assert_int_eq(column_add(&values, rf_of_string("text")), RF_OK);
    buffer sealed;
    ck_assert_int_eq(column_seal(&values, &sealed), RF_OK);
    delivery from = {.items = 1, .memory = sealed, .path_index = BLOCK_NO_PATH};
    ck_assert_int_eq(column_open(&from.values, sealed.data, sealed.size), RF_OK);
    block *kept = block_keep(&from);
    ck_assert_ptr_null(from.memory.data);
    ck_assert_ptr_eq(block_value(kept, 0).data, sealed.data);
    block *again = block_share(kept);
    block_free(kept);
    ck_assert_str_eq(rf_str(block_value(again, 0)), "text");
    block_free(again);
    column_free(&values);
}
END_TEST

START_TEST(a_failure_is_told_as_that_of_its_item_and_lives_as_long_as_the_block)
{
    column values = {0};
    delivery from = numbers(&values, 40, 5);
    item_failure failures[] = {{1, new_failure("first")}, {4, new_failure("second")}};
    from.failures = failures;
    from.failure_count = 2;
    from.rank = 1;
    from.attempt = 3;
    block *kept = block_keep(&from);
    failure_free(failures[0].why);
    failure_free(failures[1].why);
    strings *hosts = new_strings((const char *[]){"a", "b"}, 2);
    rf_result one = block_result(kept, 1, hosts, NULL), two = block_result(kept, 4, hosts, NULL);
    ck_assert(!one.ok && !two.ok);
    ck_assert_int_eq(rf_type_of(one.value), RF_NIL);
    ck_assert_uint_eq(one.error->index, 41);
    ck_assert_uint_eq(two.error->index, 44);
    ck_assert_str_eq(one.error->message, "first");
    ck_assert_str_eq(one.error->kind, "net.dns");
    ck_assert_str_eq(one.error->function, "fetch");
    ck_assert_str_eq(one.error->host, "b");
    ck_assert_int_eq(one.error->rank, 1);
    ck_assert_uint_eq(one.error->attempt, 3);
    ck_assert(block_result(kept, 2, hosts, NULL).ok);
    ck_assert(block_failed(kept, 1) && !block_failed(kept, 2) && block_failed(kept, 4));
    ck_assert_uint_eq(block_failures(kept, 0, 5), 2);
    ck_assert_uint_eq(block_failures(kept, 2, 2), 0);
    uint64_t item = 2;
    ck_assert(block_find(kept, true, &item) && item == 4);
    item = 5;
    ck_assert(!block_find(kept, true, &item));
    item = 1;
    ck_assert(block_find(kept, false, &item) && item == 2);
    item = 4;
    ck_assert(!block_find(kept, false, &item));
    block_free(kept);
    strings_free(hosts);
    column_free(&values);
}
END_TEST

START_TEST(one_failure_of_many_items_has_the_index_of_the_item_that_was_read_last)
{
    failure *why = new_failure("halted");
    delivery from = {
        .unit = 1000, .items = UINT64_C(1) << 40, .all_failed = why, .path_index = BLOCK_NO_PATH, .rank = -1};
    block *kept = block_keep(&from);
    failure_free(why);
    rf_result r = block_result(kept, 7, NULL, NULL);
    ck_assert(!r.ok);
    ck_assert_uint_eq(r.error->index, 1007);
    ck_assert_ptr_null(r.error->host);
    ck_assert_int_eq(r.error->rank, -1);
    ck_assert_uint_eq(r.error->attempt, 0);
    r = block_result(kept, (UINT64_C(1) << 40) - 1, NULL, NULL);
    ck_assert_uint_eq(r.error->index, 1000 + (UINT64_C(1) << 40) - 1);
    ck_assert_uint_eq(block_failures(kept, 5, 10), 10);
    uint64_t item = 3;
    ck_assert(block_find(kept, true, &item) && item == 3);
    ck_assert(!block_find(kept, false, &item));
    block_free(kept);
}
END_TEST

static block *at(uint64_t unit, uint64_t items, const uint64_t *positions, uint64_t path)
{
    failure *why = new_failure("");
    delivery from = {.unit = unit, .items = items, .positions = positions, .all_failed = why, .path_index = path};
    block *kept = block_keep(&from);
    failure_free(why);
    return kept;
}

START_TEST(blocks_are_ordered_by_position_in_a_file_and_by_unit_otherwise)
{
    block *blocks[] = {at(0, 3, (uint64_t[]){0, 10, 500}, 0), at(2, 1, (uint64_t[]){100}, 0),
                       at(3, 1, (uint64_t[]){50}, 1), at(4, 9, NULL, 1)};
    ck_assert_int_lt(block_compare(blocks[0], 1, blocks[1], 0), 0);
    ck_assert_int_gt(block_compare(blocks[0], 2, blocks[1], 0), 0);
    ck_assert_int_lt(block_compare(blocks[0], 2, blocks[2], 0), 0);
    ck_assert_int_gt(block_compare(blocks[3], 8, blocks[2], 0), 0);
    ck_assert_int_lt(block_compare(blocks[3], 3, blocks[3], 8), 0);
    ck_assert_int_eq(block_compare(blocks[3], 3, blocks[3], 3), 0);
    for (size_t i = 0; i < 4; i++)
        block_free(blocks[i]);
}
END_TEST

START_TEST(small_deliveries_of_any_ranks_are_gathered_in_one_block)
{
    block *gathered = block_gather(BLOCK_NO_PATH, NULL);
    for (uint64_t i = 0; i < 300; i++) {
        column values = {0};
        delivery from = numbers(&values, i * 7, 1 + i % 3);
        from.rank = (int)(i % 2);
        from.attempt = (unsigned)i;
        ck_assert(block_is_small(&from));
        ck_assert(block_takes(gathered, BLOCK_NO_PATH) && !block_takes(gathered, 0));
        ck_assert_int_eq(block_append(gathered, &from), RF_OK);
        column_free(&values);
    }
    ck_assert_uint_eq(block_items(gathered), 600);
    for (int round = 0; round < 2; round++)
        for (uint64_t n = 0; n < 600; n++) {
            uint64_t item = round ? 599 - n : n, i = item / 6 * 3 + (item % 6 > 0) + (item % 6 > 2);
            uint64_t within = item % 6 == 0 ? 0 : item % 6 < 3 ? item % 6 - 1 : item % 6 - 3;
            rf_result r = block_result(gathered, item, NULL, NULL);
            ck_assert(r.ok);
            ck_assert_uint_eq(r.index, i * 7 + within);
            ck_assert_int_eq(rf_i64(r.value), (int64_t)r.index * 10);
            ck_assert_int_eq(r.rank, (int)(i % 2));
            ck_assert_uint_eq(r.attempts, i);
            ck_assert_double_eq(r.seconds, 1);
        }
    block_empty(gathered);
    ck_assert_uint_eq(block_items(gathered), 0);
    block_free(gathered);
}
END_TEST

START_TEST(what_is_large_or_failed_or_has_positions_or_holes_is_not_small)
{
    column values = {0};
    delivery from = numbers(&values, 0, 129);
    ck_assert(!block_is_small(&from));
    from.items = 128;
    ck_assert(block_is_small(&from));
    delivery other = from;
    other.again_count = 1;
    ck_assert(!block_is_small(&other));
    other = from;
    other.failure_count = 1;
    ck_assert(!block_is_small(&other));
    other = from;
    other.positions = (uint64_t[128]){0};
    ck_assert(!block_is_small(&other));
    column_free(&values);
    ck_assert_int_eq(column_add(&values, rf_text((char[2000]){0}, 2000)), RF_OK);
    from = (delivery){.items = 1, .values = column_look(&values)};
    ck_assert(!block_is_small(&from));
    column_free(&values);
}
END_TEST

START_TEST(without_memory_keeping_and_gathering_fail_and_leave_nothing)
{
    column values = {0};
    failure *why = new_failure("x");
    delivery made = numbers(&values, 0, 3);
    made.failures = &(item_failure){1, why};
    made.failure_count = 1;
    FAILING_EACH_IN_TURN(n) {
        delivery from = made;
        from.memory = (buffer){.data = aligned_alloc(16, 64), .size = 64, .capacity = 64};      /* which does not fail */
        block *kept = block_keep(&from);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(kept == NULL, failed);
        ck_assert_ptr_null(from.memory.data);
        block_free(kept);
    }
    column_free(&values);
    FAILING_EACH_IN_TURN(n) {
        delivery from = {0};
        int status = RF_OK;
        uint64_t done = 0;
        block *gathered = block_gather(BLOCK_NO_PATH, NULL);
        for (; gathered && done < 200 && !status; done += !status) {
            from = (delivery){.unit = done * 2, .items = 1, .path_index = BLOCK_NO_PATH};
            uint64_t word = done;
            from.values = (column_view){.words = &word, .tag = done == 100 ? RF_F64 : RF_I64, .count = 1};
            status = block_append(gathered, &from);
        }
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(!gathered || status, failed);
        ck_assert(!gathered || block_items(gathered) == done);
        for (uint64_t i = 0; i < done; i++)
            ck_assert_uint_eq(block_result(gathered, i, NULL, NULL).index, i * 2);
        block_free(gathered);
    }
    failure_free(why);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("block");
    TCase *keeping = tcase_create("keeping"), *gathering = tcase_create("gathering");
    tcase_add_test(keeping, a_borrowed_delivery_is_copied_so_that_its_maker_may_reuse_it);
    tcase_add_test(keeping, of_a_part_of_a_column_only_that_part_is_copied);
    tcase_add_test(keeping, memory_that_comes_with_a_delivery_is_taken_over_without_a_copy);
    tcase_add_test(keeping, a_failure_is_told_as_that_of_its_item_and_lives_as_long_as_the_block);
    tcase_add_test(keeping, one_failure_of_many_items_has_the_index_of_the_item_that_was_read_last);
    tcase_add_test(keeping, blocks_are_ordered_by_position_in_a_file_and_by_unit_otherwise);
    tcase_add_test(gathering, small_deliveries_of_any_ranks_are_gathered_in_one_block);
    tcase_add_test(gathering, what_is_large_or_failed_or_has_positions_or_holes_is_not_small);
    tcase_add_test(gathering, without_memory_keeping_and_gathering_fail_and_leave_nothing);
    suite_add_tcase(suite, keeping);
    suite_add_tcase(suite, gathering);
    return suite;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
