/* value/column: columns compared with arrays of the values that went into them, in memory, sealed, cut and damaged. */
#include "value/column.h"

#include "base/arena.h"
#include "base/error.h"
#include "failing_malloc.h"
#include "random_value.h"
#include "suite.h"
#include "value/pack.h"

#define VALUES_MOST 200

static void expect_values(const column_view *view, const rf_value *expected, uint64_t count)
{
    ck_assert_uint_eq(view->count, count);
    for (uint64_t i = 0; i < count; i++) {
        rf_value value = column_at(view, i);
        ck_assert_msg(same_value(expected[i], value, value_is_container(value)), "value %" PRIu64 " differs", i);
        if (rf_type_of(value) < RF_TEXT)
            continue;
        ck_assert_uint_eq((uintptr_t)value.data % 16, 0);
        ck_assert_int_eq(((const char *)value.data)[rf_size(value)], '\0');
    }
}

/* Seals it both ways, into memory of exactly the size, and looks at it again. Empties it. */
static void expect_sealed(column *values, const rf_value *expected, uint64_t count)
{
    size_t size = column_bytes(values);
    uint8_t *space = malloc(size);
    buffer sealed;
    column_view view;
    column_seal_into(values, space);
    ck_assert_int_eq(column_open(&view, space, size), RF_OK);
    expect_values(&view, expected, count);
    ck_assert_int_eq(column_seal(values, &sealed), RF_OK);
    ck_assert_uint_eq(sealed.size, size);
    ck_assert_mem_eq(sealed.data, space, size);
    ck_assert_int_eq(column_open(&view, sealed.data, sealed.size), RF_OK);
    expect_values(&view, expected, count);
    view = column_look(values);
    expect_values(&view, NULL, 0);
    buffer_free(&sealed);
    free(space);
}

/* Of one type alone or of several. */
static uint64_t fill(column *values, rf_value *expected, uint64_t *random, arena *memory)
{
    uint64_t count = random_below(random, VALUES_MOST), type = random_below(random, 14);
    for (uint64_t i = 0; i < count; i++) {
        do
            expected[i] = random_value(random, memory, 2);
        while (type < 9 && rf_type_of(expected[i]) != (rf_type)type && random_below(random, 100));
        ck_assert_int_eq(column_add(values, expected[i]), RF_OK);
    }
    return count;
}

START_TEST(columns_hold_what_was_added_in_memory_and_sealed)
{
    uint64_t random = suite_seed;
    arena memory = {0};
    column values = {0};
    rf_value expected[VALUES_MOST];
    for (int i = 0; i < 300; i++) {
        uint64_t count = fill(&values, expected, &random, &memory);
        column_view view = column_look(&values);
        expect_values(&view, expected, count);
        expect_sealed(&values, expected, count);
        arena_reset(&memory);
    }
    column_free(&values);
    arena_free(&memory);
}
END_TEST

START_TEST(a_cut_column_holds_the_first_values_and_takes_more)
{
    uint64_t random = suite_seed;
    arena memory = {0};
    column values = {0};
    rf_value expected[2 * VALUES_MOST];
    for (int i = 0; i < 300; i++) {
        uint64_t count = fill(&values, expected, &random, &memory);
        column_cut(&values, count + 1);
        ck_assert_uint_eq(values.count, count);
        uint64_t kept = random_below(&random, count + 1);
        column_cut(&values, kept);
        kept += fill(&values, expected + kept, &random, &memory);
        expect_sealed(&values, expected, kept);
        arena_reset(&memory);
    }
    column_free(&values);
    arena_free(&memory);
}
END_TEST

START_TEST(space_in_a_column_is_aligned_and_becomes_the_value)
{
    column values = {0};
    for (size_t i = 0; i < 50; i++) {
        uint8_t *space = column_add_space(&values, i % 2 ? RF_TEXT : RF_BYTES, i);
        ck_assert_uint_eq((uintptr_t)space % 16, 0);
        memset(space, 'a', i);
    }
    column_view view = column_look(&values);
    for (size_t i = 0; i < 50; i++) {
        rf_value value = column_at(&view, i);
        ck_assert_int_eq(rf_type_of(value), i % 2 ? RF_TEXT : RF_BYTES);
        ck_assert_uint_eq(rf_size(value), i);
        ck_assert_uint_eq(strspn(value.data, "a"), i);
    }
    ck_assert_ptr_null(column_add_space(&values, RF_BYTES, SIZE_MAX));
    ck_assert_uint_eq(values.count, 50);
    column_free(&values);
}
END_TEST

START_TEST(numbers_of_one_type_take_eight_bytes_each)
{
    column values = {0};
    for (int i = 0; i < 1000; i++)
        column_add(&values, rf_of_f64(i));
    ck_assert_uint_eq(column_bytes(&values), 8 * 1000 + sizeof(struct column_tail));
    column_free(&values);
}
END_TEST

START_TEST(a_column_used_again_allocates_nothing_for_numbers)
{
    column values = {0};
    buffer sealed;
    for (int round = 0; round < 3; round++) {
        if (round > 0)
            failing_malloc_at(0);
        for (int i = 0; i < 1000; i++)
            column_add(&values, rf_of_i64(i));
        ck_assert(round == 0 || failing_malloc_count() == 0);
        column_seal(&values, &sealed);
        buffer_free(&sealed);
    }
    column_free(&values);
}
END_TEST

START_TEST(what_is_no_value_is_not_added)
{
    column values = {0};
    rf_value odd[] = {rf_of_i64(1)}, no_value = rf_view((rf_type)14, NULL, 0);
    column_add(&values, rf_of_string("x"));
    size_t before = column_bytes(&values);
    ck_assert_int_eq(column_add(&values, rf_dict_of(odd, 1)), RF_EUSAGE);
    ck_assert_int_eq(column_add(&values, no_value), RF_EUSAGE);
    ck_assert_uint_eq(column_bytes(&values), before);
    column_free(&values);
}
END_TEST

START_TEST(a_column_that_finds_no_memory_keeps_what_it_has)
{
    uint64_t random = suite_seed;
    arena memory = {0};
    rf_value expected[40];
    for (size_t i = 0; i < 40; i++)
        expected[i] = random_value(&random, &memory, 2);
    FAILING_EACH_IN_TURN(n) {
        column values = {0};
        buffer sealed = {0};
        int status = RF_OK;
        uint64_t count = 0;
        for (; count < 40 && !status; count += !status)
            status = column_add(&values, expected[count]);
        bool added = !status;
        status = status ? status : column_seal(&values, &sealed);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        ck_assert(!failed || !sealed.data);
        if (!failed)
            for (uint64_t i = count = 0; i < 20; i++, count++)
                column_add(&values, expected[i]);
        column_view view = column_look(&values);
        expect_values(&view, expected, count);
        ck_assert(added || count < 40);
        expect_sealed(&values, expected, count);
        buffer_free(&sealed);
        column_free(&values);
    }
    arena_free(&memory);
}
END_TEST

static void read_everything(const column_view *view)
{
    for (uint64_t i = 0; i < view->count; i++) {
        rf_value value = column_at(view, i), element;
        rf_truth(value);
        if (rf_type_of(value) == RF_TEXT)
            ck_assert_uint_le(strlen(rf_str(value)), rf_size(value));
        while (value_is_container(value) && rf_take(&value, &element) == RF_OK)
            rf_truth(element);
    }
}

/* In memory of exactly the size, so that the address sanitizer sees each byte too many. */
static bool opens(const void *data, size_t size)
{
    column_view view;
    uint8_t *bytes = malloc(size);
    if (size)
        memcpy(bytes, data, size);
    bool opened = column_open(&view, bytes, size) == RF_OK;
    ck_assert(opened || (view.count == 0 && rf_last_error()->status == RF_EARGS));
    read_everything(&view);
    free(bytes);
    return opened;
}

START_TEST(nothing_outside_of_damaged_columns_is_read)
{
    uint64_t random = suite_seed;
    arena memory = {0};
    column values = {0};
    rf_value expected[VALUES_MOST];
    uint64_t opened = 0;
    for (int i = 0; i < 200; i++) {
        uint64_t count = fill(&values, expected, &random, &memory);
        column_cut(&values, count % 10);
        buffer sealed;
        column_seal(&values, &sealed);
        for (int k = 0; k < 30 && sealed.size < 4000; k++) {
            opens(sealed.data, random_below(&random, sealed.size));
            size_t flipped = random_below(&random, 2) ? random_below(&random, sealed.size)
                                                      : sealed.size - 1 - random_below(&random, sizeof(struct column_tail));
            uint8_t was = sealed.data[flipped];
            sealed.data[flipped] ^= (uint8_t)(1u << random_below(&random, 8));
            opened += opens(sealed.data, sealed.size);
            sealed.data[flipped] = was;
        }
        buffer_free(&sealed);
        arena_reset(&memory);
    }
    ck_assert_uint_gt(opened, 0);       /* numbers and texts are anything: some damage must show only in them */
    column_free(&values);
    arena_free(&memory);
}
END_TEST

struct hand {                   /* a sealed column by hand: one text of 3 bytes */
    char payload[16];
    uint64_t word;
    struct column_tail tail;
};

static const struct hand well_made = {"abc", 0, {1, 3 << 8 | RF_TEXT, 0, 16}};

static bool opens_by_hand(struct hand made)
{
    return opens(&made, sizeof made);
}

START_TEST(each_field_of_a_sealed_column_is_checked)
{
    struct hand made = well_made;
    ck_assert(opens_by_hand(made));
#define REFUSED(change)                                                                                                \
    made = well_made;                                                                                                  \
    change;                                                                                                            \
    ck_assert_msg(!opens_by_hand(made), #change)
    REFUSED(made.payload[3] = 'd');
    REFUSED(made.word = 16);
    REFUSED(made.word = 8);
    REFUSED(made.word = UINT64_MAX - 15);
    REFUSED(made.tail.count = 2);
    REFUSED(made.tail.count = UINT64_MAX);
    REFUSED(made.tail.count = (uint64_t)1 << 61 | 1);
    REFUSED(made.tail.mixed = 1);
    REFUSED(made.tail.mixed = 2);
    REFUSED(made.tail.payload = 8);
    REFUSED(made.tail.payload = 32);
    REFUSED(made.tail.payload = UINT64_MAX - 15);
    REFUSED(made.tail.tag = 16 << 8 | RF_TEXT);
    REFUSED(made.tail.tag = UINT64_MAX << 8 | RF_TEXT);
    REFUSED(made.tail.tag = 3 << 8 | VALUE_BORROWED | RF_TUPLE_TYPE);
    REFUSED(made.tail.tag = 3 << 8 | 9);
    REFUSED(made.tail.tag = 1 << 8 | RF_I64);
    REFUSED(made.tail.tag = RF_BOOL; made.word = 2);
    REFUSED(made.tail.tag = RF_NIL; made.word = 2);
    uint8_t shifted[sizeof made + 16];
    uint8_t *aligned = shifted + (16 - (uintptr_t)shifted % 16);
    column_view view;
    memcpy(aligned - 8, &well_made, sizeof well_made);
    ck_assert_int_eq(column_open(&view, aligned - 8, sizeof well_made), RF_EARGS);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("column");
    TCase *t = tcase_create("column");
    tcase_add_test(t, columns_hold_what_was_added_in_memory_and_sealed);
    tcase_add_test(t, a_cut_column_holds_the_first_values_and_takes_more);
    tcase_add_test(t, space_in_a_column_is_aligned_and_becomes_the_value);
    tcase_add_test(t, numbers_of_one_type_take_eight_bytes_each);
    tcase_add_test(t, a_column_used_again_allocates_nothing_for_numbers);
    tcase_add_test(t, what_is_no_value_is_not_added);
    tcase_add_test(t, a_column_that_finds_no_memory_keeps_what_it_has);
    tcase_add_test(t, nothing_outside_of_damaged_columns_is_read);
    tcase_add_test(t, each_field_of_a_sealed_column_is_checked);
    suite_add_tcase(s, t);
    return s;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
