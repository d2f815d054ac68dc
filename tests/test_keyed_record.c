/* keyed/record: what is written is read, and keys sort by memcmp as their values do. */
#include "keyed/record.h"

#include "base/error.h"
#include "random_value.h"
#include "suite.h"

/* A pair as a record, in memory of the arena. */
static record record_of(rf_value key, rf_value value, arena *memory, buffer *packed)
{
    record_part of_key, of_value;
    packed->size = 0;
    ck_assert_int_eq(record_encode_key(key, &of_key, packed), RF_OK);
    ck_assert_int_eq(record_encode_value(value, &of_value, packed), RF_OK);
    uint8_t *key_bytes = arena_add(memory, of_key.size + RECORD_SLACK), *value_bytes = arena_add(memory, of_value.size + 1);
    memcpy(key_bytes, of_key.data ? of_key.data : packed->data + of_key.packed_at, of_key.size);
    memcpy(value_bytes, of_value.data ? of_value.data : packed->data + of_value.packed_at, of_value.size);
    return (record){key_bytes, value_bytes, (uint32_t)of_key.size, (uint32_t)of_value.size, (uint8_t)of_key.type,
                    (uint8_t)of_value.type};
}

static rf_value as_key(rf_value key)
{
    if (rf_type_of(key) == RF_F64)
        key.f64 = key.f64 == 0 ? 0.0 : key.f64;
    return key;
}

START_TEST(what_is_written_is_read)
{
    uint64_t random = suite_seed;
    arena memory = {0};
    buffer packed = {0}, bytes = {0};
    for (int i = 0; i < 20000; i++) {
        rf_value key = random_value(&random, &memory, 2), value = random_value(&random, &memory, 2);
        record made = record_of(key, value, &memory, &packed), read;
        bytes.size = 0;
        ck_assert_int_eq(record_put(&made, &bytes), RF_OK);
        const uint8_t *at = bytes.data, *end = bytes.data + bytes.size;
        ck_assert(record_take(&at, end, &read));
        ck_assert(at == end && record_sound(&read) && record_same_key(&made, &read));
        ck_assert_msg(same_value(as_key(key), record_key(&read), true), "key %d", i);
        ck_assert_msg(same_value(value, record_value(&read), rf_type_of(value) >= RF_TUPLE_TYPE), "value %d", i);
        for (size_t cut = 1; cut <= 3 && cut < bytes.size; cut++) {
            at = bytes.data;
            ck_assert(!record_take(&at, end - cut, &read));
        }
        arena_reset(&memory);
    }
    arena_free(&memory);
    buffer_free(&packed);
    buffer_free(&bytes);
}
END_TEST

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static int reference_order(rf_value a, rf_value b)
{
    rf_type type = rf_type_of(a);
    if (type == RF_F64)
        return a.f64 != a.f64 || b.f64 != b.f64 ? (a.f64 != a.f64) - (b.f64 != b.f64) : (a.f64 > b.f64) - (a.f64 < b.f64);
    if (type == RF_I64 || type == RF_U64) {
        __int128 one = type == RF_I64 ? a.i64 : (__int128)a.u64, other = rf_type_of(b) == RF_I64 ? b.i64 : (__int128)b.u64;
        return (one > other) - (one < other);
    }
    size_t least = rf_size(a) < rf_size(b) ? rf_size(a) : rf_size(b);
    int order = memcmp(a.data, b.data, least);
    return order ? order : (rf_size(a) > rf_size(b)) - (rf_size(a) < rf_size(b));
}

static rf_value draw_number(uint64_t *random, bool real)
{
    if (real)
        return rf_of_f64(random_below(random, 30) ? random_f64(random) : (double)NAN);
    int64_t number = (int64_t)random_integer(random);
    return random_below(random, 3) ? rf_of_i64(random_below(random, 2) ? number : ~number) : rf_of_u64(random_integer(random));
}

START_TEST(keys_sort_by_bytes_as_values_do)
{
    uint64_t random = suite_seed;
    arena memory = {0};
    buffer packed = {0};
    const record_order natural = {0};
    for (int i = 0; i < 60000; i++) {
        rf_value a, b;
        if (i % 3) {
            a = draw_number(&random, i % 3 == 1);
            b = random_below(&random, 8) ? draw_number(&random, i % 3 == 1) : a;
        } else {
            size_t size = random_below(&random, 20), other = random_below(&random, 20);
            uint8_t *x = arena_add(&memory, size), *y = arena_add(&memory, other);
            for (size_t j = 0; j < size; j++)
                x[j] = (uint8_t)(random_below(&random, 2) * 255);
            for (size_t j = 0; j < other; j++)
                y[j] = j < size && random_below(&random, 8) ? x[j] : (uint8_t)random_below(&random, 2);
            a = rf_text((char *)x, size), b = rf_text((char *)y, other);
        }
        record one = record_of(a, rf_nil(), &memory, &packed), other = record_of(b, rf_nil(), &memory, &packed);
        int wanted = sign(reference_order(a, b));
        ck_assert_int_eq(sign(record_compare(&natural, &one, &other)), wanted);
        ck_assert_int_eq(record_same_key(&one, &other), wanted == 0);
        uint64_t prefix = record_prefix(one.key, one.key_size), second = record_prefix(other.key, other.key_size);
        ck_assert(prefix == second || (prefix < second) == (wanted < 0));
        ck_assert(wanted || record_hash(&one) == record_hash(&other));
        if (one.key_size <= HASH_SHORT) {
            uint64_t words[2];
            record_words(one.key, one.key_size, words);
            ck_assert_uint_eq(hash_short_key(words, one.key_size, one.key_type), record_hash(&one));
        }
        arena_reset(&memory);
    }
    arena_free(&memory);
    buffer_free(&packed);
}
END_TEST

/* A reference that is exact: quad precision holds any 64-bit integer, and any double. */
static int number_reference(rf_value a, rf_value b)
{
    __float128 one = rf_type_of(a) == RF_F64 ? a.f64 : rf_type_of(a) == RF_I64 ? (__float128)a.i64 : (__float128)a.u64;
    __float128 other = rf_type_of(b) == RF_F64 ? b.f64 : rf_type_of(b) == RF_I64 ? (__float128)b.i64 : (__float128)b.u64;
    if (one != one || other != other)
        return (one != one) - (other != other);
    return (one > other) - (one < other);
}

START_TEST(values_of_all_numbers_compare_exactly)
{
    uint64_t random = suite_seed;
    for (int i = 0; i < 100000; i++) {
        rf_value a = draw_number(&random, random_below(&random, 2)), b = draw_number(&random, random_below(&random, 2));
        if (random_below(&random, 4) == 0)
            b = rf_of_f64(nextafter(rf_f64(a), random_below(&random, 2) ? 1e300 : -1e300));
        ck_assert_msg(sign(record_value_order(a, b)) == number_reference(a, b), "%d: %a %a", i, rf_f64(a), rf_f64(b));
    }
    ck_assert_int_lt(record_value_order(rf_nil(), rf_of_bool(false)), 0);
    ck_assert_int_lt(record_value_order(rf_of_f64((double)NAN), rf_of_string("")), 0);
    ck_assert_int_lt(record_value_order(rf_of_string("a"), rf_of_string("ab")), 0);
}
END_TEST

static int by_last_letter(rf_value a, rf_value b)
{
    const char *one = a.data, *other = b.data;
    return one[rf_size(a) - 1] - other[rf_size(b) - 1];
}

START_TEST(a_registered_order_decides_before_bytes_do)
{
    arena memory = {0};
    buffer packed = {0};
    const record_order order = {.compare = by_last_letter}, by_value = {.by_value = true};
    record az = record_of(rf_of_string("az"), rf_of_i64(2), &memory, &packed);
    record zb = record_of(rf_of_string("zb"), rf_of_i64(1), &memory, &packed);
    record bz = record_of(rf_of_string("bz"), rf_of_i64(1), &memory, &packed);
    record more = record_of(rf_of_string("az"), rf_of_i64(3), &memory, &packed);
    ck_assert_int_gt(record_compare(&order, &az, &zb), 0);
    ck_assert_int_lt(record_compare(&order, &az, &bz), 0);
    ck_assert_int_eq(record_compare(&order, &az, &more), 0);
    ck_assert_int_lt(record_compare(&by_value, &az, &more), 0);
    arena_free(&memory);
    buffer_free(&packed);
}
END_TEST

START_TEST(what_is_no_key_is_refused)
{
    record_part part;
    buffer packed = {0};
    rf_value odd[3] = {rf_nil()};
    ck_assert_int_eq(record_encode_key(rf_text(NULL, 3), &part, &packed), RF_EUSAGE);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "key is NULL with a size of 3"));
    ck_assert_int_eq(record_encode_value(rf_bytes(NULL, 1), &part, &packed), RF_EUSAGE);
    ck_assert_int_eq(record_encode_key(rf_text(NULL, 0), &part, &packed), RF_OK);
    ck_assert_int_eq(record_encode_key(rf_text("", (size_t)1 << 31), &part, &packed), RF_EARGS);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "2147483648"));
    ck_assert_int_eq(record_encode_key(rf_text("", ((size_t)1 << 31) - 1), &part, &packed), RF_OK);
    ck_assert_int_eq(record_encode_key(rf_view((rf_type)12, "", 0), &part, &packed), RF_EUSAGE);
    ck_assert_int_eq(record_encode_value(rf_dict_of(odd, 1), &part, &packed), RF_EUSAGE);
    buffer_free(&packed);
}
END_TEST

START_TEST(any_bytes_are_taken_or_refused)
{
    uint64_t random = suite_seed;
    for (int i = 0; i < 100000; i++) {
        uint8_t bytes[24], *copy = malloc(sizeof bytes);
        size_t size = random_below(&random, sizeof bytes + 1);
        for (size_t j = 0; j < size; j++)
            copy[j] = (uint8_t)(random_below(&random, 3) ? random_below(&random, 9) * 17 : random_below(&random, 256));
        const uint8_t *at = copy;
        record taken;
        while (at < copy + size && record_take(&at, copy + size, &taken)) {
            ck_assert(at <= copy + size);
            if (record_sound(&taken)) {
                rf_value key = record_key(&taken), value = record_value(&taken);
                ck_assert(rf_type_of(key) <= RF_DICT_TYPE && rf_type_of(value) <= RF_DICT_TYPE);
            }
        }
        free(copy);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("keyed_record");
    TCase *cases = tcase_create("record");
    tcase_add_test(cases, what_is_written_is_read);
    tcase_add_test(cases, keys_sort_by_bytes_as_values_do);
    tcase_add_test(cases, values_of_all_numbers_compare_exactly);
    tcase_add_test(cases, a_registered_order_decides_before_bytes_do);
    tcase_add_test(cases, what_is_no_key_is_refused);
    tcase_add_test(cases, any_bytes_are_taken_or_refused);
    suite_add_tcase(all, cases);
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
