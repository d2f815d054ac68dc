/* base: memory that grows (buffer, arena, strings), random numbers, the clock. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/strings.h"
#include "failing_malloc.h"
#include "suite.h"

START_TEST(a_buffer_holds_what_was_put_into_it)
{
    buffer bytes = {0};
    uint64_t random = suite_seed;
    uint8_t expected[20000];
    size_t size = 0;
    while (size < 10000) {
        uint8_t piece[200];
        size_t more = random_below(&random, sizeof piece);
        memset(piece, (int)(size & 255), more);
        memcpy(expected + size, piece, more);
        size += more;
        ck_assert_int_eq(buffer_put(&bytes, piece, more), RF_OK);
        ck_assert_uint_eq((uintptr_t)bytes.data % 16, 0);
        ck_assert_uint_le(bytes.size, bytes.capacity);
    }
    ck_assert_uint_eq(bytes.size, size);
    ck_assert_mem_eq(bytes.data, expected, size);
    buffer_free(&bytes);
    ck_assert_ptr_null(bytes.data);
    ck_assert_uint_eq(bytes.size, 0);
}
END_TEST

START_TEST(aligning_appends_zeros_up_to_the_multiple)
{
    static const uint8_t padded[16] = {7};
    buffer bytes = {0};
    ck_assert_int_eq(buffer_align(&bytes, 16), RF_OK);
    ck_assert_uint_eq(bytes.size, 0);
    memset(buffer_add(&bytes, 64), 0xee, 64);
    bytes.size = 0;
    buffer_put(&bytes, "\7", 1);
    ck_assert_int_eq(buffer_align(&bytes, 16), RF_OK);
    ck_assert_uint_eq(bytes.size, 16);
    ck_assert_mem_eq(bytes.data, padded, 16);
    ck_assert_int_eq(buffer_align(&bytes, 16), RF_OK);
    ck_assert_uint_eq(bytes.size, 16);
    buffer_free(&bytes);
}
END_TEST

START_TEST(nothing_can_be_added_to_an_empty_buffer)
{
    buffer bytes = {0};
    ck_assert_int_eq(buffer_put(&bytes, NULL, 0), RF_OK);
    ck_assert_ptr_nonnull(buffer_add(&bytes, 0));
    ck_assert_uint_eq(bytes.size, 0);
    buffer_free(&bytes);
}
END_TEST

START_TEST(sizes_that_overflow_are_out_of_memory)
{
    buffer bytes = {0};
    arena memory = {0};
    buffer_put(&bytes, "abc", 3);
    ck_assert_int_eq(buffer_reserve(&bytes, SIZE_MAX), RF_ENOMEM);
    ck_assert_int_eq(buffer_reserve(&bytes, SIZE_MAX - 2), RF_ENOMEM);
    ck_assert_int_eq(buffer_reserve(&bytes, PTRDIFF_MAX), RF_ENOMEM);
    ck_assert_ptr_null(buffer_add(&bytes, SIZE_MAX / 2));
    ck_assert_int_eq(rf_last_error()->status, RF_ENOMEM);
    ck_assert_uint_eq(bytes.size, 3);
    ck_assert_mem_eq(bytes.data, "abc", 3);
    ck_assert_ptr_null(arena_add(&memory, SIZE_MAX));
    ck_assert_ptr_null(arena_add(&memory, PTRDIFF_MAX));
    buffer_free(&bytes);
    arena_free(&memory);
}
END_TEST

START_TEST(a_buffer_that_finds_no_memory_stays_as_it_was)
{
    FAILING_EACH_IN_TURN(n) {
        buffer bytes = {0};
        int status = RF_OK;
        size_t before = 0;
        for (size_t i = 0; i < 2000 && !status; i++) {
            before = bytes.size;
            status = buffer_put(&bytes, "abcdefg", 7);
            status = status ? status : buffer_align(&bytes, 4);
        }
        ck_assert_int_eq(status, failing_malloc_stop() ? RF_ENOMEM : RF_OK);
        ck_assert(!status || bytes.size - before <= 7);
        for (size_t i = 0; i < before; i += 8)
            ck_assert_mem_eq(bytes.data + i, "abcdefg", 8);
        buffer_free(&bytes);
    }
}
END_TEST

START_TEST(pieces_of_an_arena_are_aligned_apart_and_stay_put)
{
    enum { PIECES = 3000 };
    arena memory = {0};
    static uint8_t *pieces[PIECES];
    static size_t sizes[PIECES];
    uint64_t random = suite_seed;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < PIECES; i++) {
            sizes[i] = random_below(&random, i % 100 == 0 ? 100000 : 200);
            pieces[i] = arena_add(&memory, sizes[i]);
            ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
            memset(pieces[i], (int)(i % 251), sizes[i]);
        }
        for (size_t i = 0; i < PIECES; i++)
            for (size_t k = 0; k < sizes[i]; k++)
                if (pieces[i][k] != i % 251)
                    ck_abort_msg("piece %zu was overwritten at %zu", i, k);
        arena_reset(&memory);
    }
    arena_free(&memory);
    arena_free(&memory);
}
END_TEST

START_TEST(small_items_reach_malloc_once)
{
    arena memory = {0};
    failing_malloc_at(0);
    for (int item = 0; item < 1000; item++) {
        for (int i = 0; i < 10; i++)
            arena_add(&memory, 100);
        arena_reset(&memory);
    }
    ck_assert_uint_eq(failing_malloc_count(), 1);
    arena_free(&memory);
}
END_TEST

START_TEST(an_arena_of_one_large_piece_can_be_reset)
{
    static const size_t sizes[] = {20000, 32768, 65536, 8192, 8193};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        arena memory = {0};
        memset(arena_add(&memory, sizes[i]), 1, sizes[i]);
        arena_reset(&memory);
        memset(arena_add(&memory, 100), 2, 100);
        memset(arena_add(&memory, sizes[i]), 3, sizes[i]);
        arena_free(&memory);
    }
}
END_TEST

START_TEST(an_arena_that_finds_no_memory_gives_null)
{
    FAILING_EACH_IN_TURN(n) {
        arena memory = {0};
        bool missing = false;
        for (size_t i = 0; i < 100; i++)
            missing |= !arena_add(&memory, i * 100);
        ck_assert_int_eq(missing, failing_malloc_stop());
        arena_free(&memory);
    }
}
END_TEST

START_TEST(strings_never_move_while_their_table_grows)
{
    strings *table = strings_new(), *shared = strings_share(table);
    char text[32];
    strings_add(table, "");
    const char *first = strings_at(table, 0);
    for (int i = 1; i < 5000; i++) {
        snprintf(text, sizeof text, "path/%d", i);
        ck_assert_int_eq(strings_add(table, text), RF_OK);
    }
    strings_free(table);
    ck_assert_ptr_eq(strings_at(shared, 0), first);
    ck_assert_str_eq(strings_at(shared, 4999), "path/4999");
    ck_assert_ptr_null(strings_at(shared, 5000));
    ck_assert_uint_eq(strings_count(shared), 5000);
    strings_free(shared);
}
END_TEST

START_TEST(no_table_of_strings_is_an_empty_one)
{
    ck_assert_ptr_null(strings_share(NULL));
    ck_assert_ptr_null(strings_at(NULL, 0));
    ck_assert_uint_eq(strings_count(NULL), 0);
    strings_free(NULL);
}
END_TEST

START_TEST(strings_that_find_no_memory_are_not_added)
{
    FAILING_EACH_IN_TURN(n) {
        strings *table = strings_new();
        int status = table ? RF_OK : RF_ENOMEM;
        uint64_t added = 0;
        for (; added < 100 && !status; added += !status)
            status = strings_add(table, "a text of some length that fills blocks");
        ck_assert_int_eq(status, failing_malloc_stop() ? RF_ENOMEM : RF_OK);
        ck_assert_uint_eq(strings_count(table), added);
        strings_free(table);
    }
}
END_TEST

START_TEST(random_numbers_are_those_of_splitmix64)
{
    uint64_t state = 1234567;       /* the values that its reference implementation gives */
    ck_assert(random_next(&state) == 6457827717110365317u);
    ck_assert(random_next(&state) == 3203168211198807973u);
    ck_assert(random_next(&state) == 9817491932198370423u);
}
END_TEST

START_TEST(random_numbers_stay_in_their_bounds_and_fill_them)
{
    uint64_t state = suite_seed, seen[10] = {0};
    for (int i = 0; i < 100000; i++) {
        double unit = random_unit(&state);
        ck_assert(unit >= 0 && unit < 1);
        seen[random_below(&state, 10)]++;
        ck_assert_uint_eq(random_below(&state, 1), 0);
    }
    for (int i = 0; i < 10; i++)
        ck_assert(seen[i] > 9000 && seen[i] < 11000);
}
END_TEST

START_TEST(each_part_of_a_seed_and_its_place_counts)
{
    uint64_t seed = random_seed(1, 2, 3, 4);
    ck_assert(seed == random_seed(1, 2, 3, 4));
    ck_assert(seed != random_seed(2, 1, 3, 4));
    ck_assert(seed != random_seed(1, 2, 4, 3));
    ck_assert(seed != random_seed(1, 2, 3, 5));
    ck_assert(random_seed(0, 0, 0, 0) != random_seed(0, 0, 0, 1));
}
END_TEST

START_TEST(a_fixed_buffer_is_full_when_its_memory_is)
{
    uint64_t memory[8] = {0};
    buffer bytes = buffer_over(memory, sizeof memory);
    ck_assert_int_eq(buffer_put(&bytes, "0123456789", 10), RF_OK);
    ck_assert_ptr_eq(bytes.data, (uint8_t *)memory);
    ck_assert(buffer_has(&bytes, 54) && !buffer_has(&bytes, 55));
    ck_assert_int_eq(buffer_reserve(&bytes, 55), RF_ENOMEM);
    ck_assert_ptr_nonnull(buffer_add(&bytes, 54));
    ck_assert_ptr_null(buffer_add(&bytes, 1));
    ck_assert_uint_eq(bytes.size, 64);
    buffer_free(&bytes);
    ck_assert_mem_eq(memory, "0123456789", 10);
    ck_assert(!bytes.data && !bytes.fixed);
}
END_TEST

START_TEST(the_clock_does_not_run_backwards)
{
    double before = clock_now();
    for (int i = 0; i < 1000; i++) {
        double now = clock_now();
        ck_assert(now >= before);
        before = now;
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("buffer");
    TCase *t = tcase_create("buffer");
    tcase_add_test(t, a_buffer_holds_what_was_put_into_it);
    tcase_add_test(t, aligning_appends_zeros_up_to_the_multiple);
    tcase_add_test(t, nothing_can_be_added_to_an_empty_buffer);
    tcase_add_test(t, a_fixed_buffer_is_full_when_its_memory_is);
    tcase_add_test(t, sizes_that_overflow_are_out_of_memory);
    tcase_add_test(t, a_buffer_that_finds_no_memory_stays_as_it_was);
    tcase_add_test(t, pieces_of_an_arena_are_aligned_apart_and_stay_put);
    tcase_add_test(t, small_items_reach_malloc_once);
    tcase_add_test(t, an_arena_of_one_large_piece_can_be_reset);
    tcase_add_test(t, an_arena_that_finds_no_memory_gives_null);
    tcase_add_test(t, strings_never_move_while_their_table_grows);
    tcase_add_test(t, no_table_of_strings_is_an_empty_one);
    tcase_add_test(t, strings_that_find_no_memory_are_not_added);
    tcase_add_test(t, random_numbers_are_those_of_splitmix64);
    tcase_add_test(t, random_numbers_stay_in_their_bounds_and_fill_them);
    tcase_add_test(t, each_part_of_a_seed_and_its_place_counts);
    tcase_add_test(t, the_clock_does_not_run_backwards);
    suite_add_tcase(s, t);
    return s;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
