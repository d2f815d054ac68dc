/* Records found by their numbers, against an array that knows where each is. */
#include "base/numbered.h"

#include "base/random.h"
#include "failing_malloc.h"
#include "suite.h"

#define RECORDS 5000

static numbered records[RECORDS];
static bool inside[RECORDS];

/* Numbers as a plan gives them (a serial number and a slot), and some that differ in their highest bits alone. */
static uint64_t number_of(uint64_t i)
{
    return i % 2 ? i << 24 | i % 7 : i << 50;
}

static void check_all(const numbered_table *all)
{
    for (uint64_t i = 0; i < RECORDS; i++)
        ck_assert_ptr_eq(numbered_find(all, number_of(i)), inside[i] ? &records[i] : NULL);
    ck_assert_ptr_null(numbered_find(all, UINT64_MAX));
}

static void toggle(numbered_table *all, uint64_t i)
{
    if (inside[i]) {
        numbered_remove(all, &records[i]);
    } else {
        records[i].number = number_of(i);
        numbered_add(all, &records[i]);
    }
    inside[i] = !inside[i];
}

START_TEST(what_was_added_is_found_until_it_is_removed)
{
    uint64_t random = suite_seed;
    numbered_table all;
    ck_assert_int_eq(numbered_open(&all), RF_OK);
    check_all(&all);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < RECORDS; i++)
            toggle(&all, random_below(&random, RECORDS));
        check_all(&all);
    }
    ck_assert_uint_gt(all.capacity, 1024);
    numbered_free(&all);
}
END_TEST

START_TEST(without_memory_to_grow_it_goes_on)
{
    numbered_table all;
    memset(inside, 0, sizeof inside);
    failing_malloc_at(1);
    ck_assert_int_eq(numbered_open(&all), RF_ENOMEM);
    numbered_free(&all);
    ck_assert_int_eq(numbered_open(&all), RF_OK);
    size_t capacity = all.capacity;
    failing_malloc_at(1);
    for (uint64_t i = 0; i <= capacity; i++)
        toggle(&all, i);
    ck_assert_uint_eq(all.capacity, capacity);
    failing_malloc_stop();
    check_all(&all);
    numbered_free(&all);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("numbered");
    TCase *t = tcase_create("numbered");
    tcase_add_test(t, what_was_added_is_found_until_it_is_removed);
    tcase_add_test(t, without_memory_to_grow_it_goes_on);
    suite_add_tcase(all, t);
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
