/* value/pack: MessagePack, compared with what msgpack-c's own reader and writer say. */
#include "value/pack.h"

#include <msgpack.h>

#include "base/arena.h"
#include "base/error.h"
#include "failing_malloc.h"
#include "random_value.h"
#include "suite.h"

/* What msgpack-c read, as values of ours (borrowed ones, in memory). */
static rf_value value_of(const msgpack_object *object, arena *memory);

static rf_value elements_of(const msgpack_object *objects, size_t count, arena *memory)
{
    rf_value *elements = arena_add(memory, count * sizeof *elements);
    for (size_t i = 0; i < count; i++)
        elements[i] = value_of(&objects[i], memory);
    return rf_tuple_of(elements, count);
}

static rf_value pairs_of(const msgpack_object_map *map, arena *memory)
{
    rf_value *pairs = arena_add(memory, 2 * map->size * sizeof *pairs);
    for (uint32_t i = 0; i < map->size; i++) {
        pairs[2 * i] = value_of(&map->ptr[i].key, memory);
        pairs[2 * i + 1] = value_of(&map->ptr[i].val, memory);
    }
    return rf_dict_of(pairs, 2 * (size_t)map->size);
}

static rf_value value_of(const msgpack_object *object, arena *memory)
{
    switch (object->type) {
    case MSGPACK_OBJECT_NIL:
        return rf_nil();
    case MSGPACK_OBJECT_BOOLEAN:
        return rf_of_bool(object->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return rf_of_u64(object->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return rf_of_i64(object->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return rf_of_f64(object->via.f64);
    case MSGPACK_OBJECT_STR:
        return rf_text(object->via.str.ptr, object->via.str.size);
    case MSGPACK_OBJECT_BIN:
        return rf_bytes(object->via.bin.ptr, object->via.bin.size);
    case MSGPACK_OBJECT_ARRAY:
        return elements_of(object->via.array.ptr, object->via.array.size, memory);
    case MSGPACK_OBJECT_MAP:
        return pairs_of(&object->via.map, memory);
    default:
        return rf_view((rf_type)15, NULL, 0);      /* an extension: no value of ours */
    }
}

START_TEST(msgpack_c_reads_what_is_written)
{
    uint64_t random = suite_seed;
    buffer bytes = {0};
    arena memory = {0};
    for (int i = 0; i < 5000; i++) {
        rf_value value = random_value(&random, &memory, 3);
        bytes.size = 0;
        ck_assert_int_eq(pack_value(&bytes, value), RF_OK);
        msgpack_unpacked unpacked;
        msgpack_unpacked_init(&unpacked);
        size_t used = 0;
        ck_assert_int_eq(msgpack_unpack_next(&unpacked, (char *)bytes.data, bytes.size, &used), MSGPACK_UNPACK_SUCCESS);
        ck_assert_uint_eq(used, bytes.size);
        ck_assert_msg(same_value(value, value_of(&unpacked.data, &memory), true), "value %d differs", i);
        msgpack_unpacked_destroy(&unpacked);
        arena_reset(&memory);
    }
    arena_free(&memory);
    buffer_free(&bytes);
}
END_TEST

/* In widths that need not be the smallest. */
static void pack_widely(msgpack_packer *to, uint64_t *random, unsigned depth)
{
    static const char text[300] = "text";
    size_t size = random_below(random, 3) ? random_below(random, 8) : random_below(random, sizeof text);
    uint64_t number = random_integer(random);
    switch (random_below(random, depth ? 17 : 15)) {
    case 0: msgpack_pack_nil(to); break;
    case 1: msgpack_pack_true(to); break;
    case 2: msgpack_pack_false(to); break;
    case 3: msgpack_pack_fix_uint8(to, (uint8_t)number); break;
    case 4: msgpack_pack_fix_uint16(to, (uint16_t)number); break;
    case 5: msgpack_pack_fix_uint32(to, (uint32_t)number); break;
    case 6: msgpack_pack_fix_uint64(to, number); break;
    case 7: msgpack_pack_fix_int8(to, (int8_t)number); break;
    case 8: msgpack_pack_fix_int16(to, (int16_t)number); break;
    case 9: msgpack_pack_fix_int32(to, (int32_t)number); break;
    case 10: msgpack_pack_fix_int64(to, (int64_t)number); break;
    case 11: msgpack_pack_float(to, (float)random_unit(random)); break;
    case 12: msgpack_pack_double(to, random_f64(random)); break;
    case 13: msgpack_pack_str_with_body(to, text, size); break;
    case 14: msgpack_pack_bin_with_body(to, text, size); break;
    case 15:
        size = size % 40;
        for (msgpack_pack_array(to, size); size; size--)
            pack_widely(to, random, depth - 1);
        break;
    default:
        size = size % 20;
        msgpack_pack_map(to, size);
        for (size *= 2; size; size--)
            pack_widely(to, random, depth - 1);
    }
}

START_TEST(what_msgpack_c_writes_is_read)
{
    uint64_t random = suite_seed;
    arena memory = {0};
    for (int i = 0; i < 5000; i++) {
        msgpack_sbuffer bytes;
        msgpack_packer packer;
        msgpack_sbuffer_init(&bytes);
        msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
        pack_widely(&packer, &random, 3);
        msgpack_unpacked unpacked;
        msgpack_unpacked_init(&unpacked);
        ck_assert_int_eq(msgpack_unpack_next(&unpacked, bytes.data, bytes.size, NULL), MSGPACK_UNPACK_SUCCESS);
        const void *at = bytes.data;
        size_t left = bytes.size;
        rf_value value;
        ck_assert_int_eq(unpack_value(&at, &left, &value), RF_OK);
        ck_assert_uint_eq(left, 0);
        ck_assert_msg(same_value(value_of(&unpacked.data, &memory), value, true), "value %d differs", i);
        ck_assert_int_eq(unpack_value(&at, &left, &value), RF_END);
        msgpack_unpacked_destroy(&unpacked);
        msgpack_sbuffer_destroy(&bytes);
        arena_reset(&memory);
    }
    arena_free(&memory);
}
END_TEST

static bool holds_extension(rf_value value)
{
    rf_value element;
    if (rf_type_of(value) == (rf_type)15)
        return true;
    while (value_is_container(value) && rf_take(&value, &element) == RF_OK)
        if (holds_extension(element))
            return true;
    return false;
}

/* Everything that can be asked about bytes of an exact size, so that the address sanitizer sees each byte too many. */
static void read_exactly(const void *data, size_t size)
{
    arena memory = {0};
    uint8_t *bytes = malloc(size);
    memcpy(bytes, data, size);
    const void *at = bytes;
    size_t left = size, used = 0;
    rf_value value, element, ours;
    int status = unpack_value(&at, &left, &ours);
    ck_assert(status == RF_OK ? left < size : left == size && rf_type_of(ours) == RF_NIL);
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    msgpack_unpack_return theirs = msgpack_unpack_next(&unpacked, (char *)bytes, size, &used);
    if (theirs == MSGPACK_UNPACK_SUCCESS) {
        value = value_of(&unpacked.data, &memory);
        ck_assert(status == RF_OK ? same_value(value, ours, true) && used == size - left : holds_extension(value));
    } else if (status == RF_OK) {
        ck_assert_int_eq(theirs, MSGPACK_UNPACK_NOMEM_ERROR);   /* its nesting is bounded */
    }
    msgpack_unpacked_destroy(&unpacked);
    for (int type = RF_TUPLE_TYPE; type <= RF_DICT_TYPE; type++) {
        value = rf_view((rf_type)type, bytes, size);
        rf_elements(value);
        rf_lookup(value, rf_of_i64(1), &element);
        while (rf_take(&value, &element) == RF_OK)
            rf_truth(element);
    }
    free(bytes);
    arena_free(&memory);
}

START_TEST(nothing_outside_of_random_bytes_is_read)
{
    uint64_t random = suite_seed;
    for (int i = 0; i < 50000; i++) {
        uint8_t bytes[40];
        size_t size = 1 + random_below(&random, sizeof bytes);
        for (size_t k = 0; k < size; k++) {
            bytes[k] = (uint8_t)random_next(&random);
            bytes[k] = bytes[k] == 0xdd || bytes[k] == 0xdf ? 0x92 : bytes[k];  /* msgpack-c allocates what these claim */
        }
        read_exactly(bytes, size);
    }
}
END_TEST

START_TEST(nothing_outside_of_damaged_encodings_is_read)
{
    uint64_t random = suite_seed;
    arena memory = {0};
    buffer bytes = {0};
    for (int i = 0; i < 500; i++) {
        bytes.size = 0;
        pack_value(&bytes, random_value(&random, &memory, 3));
        for (int k = 0; k < 10 && bytes.size > 1 && bytes.size < 1000; k++) {
            size_t flipped = random_below(&random, bytes.size);
            uint8_t was = bytes.data[flipped];
            read_exactly(bytes.data, 1 + random_below(&random, bytes.size));
            bytes.data[flipped] ^= (uint8_t)(1u << random_below(&random, 5));
            read_exactly(bytes.data, bytes.size);
            bytes.data[flipped] = was;
        }
        arena_reset(&memory);
    }
    buffer_free(&bytes);
    arena_free(&memory);
}
END_TEST

START_TEST(extensions_and_reserved_bytes_are_refused)
{
    static const uint8_t firsts[] = {0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8};
    for (size_t i = 0; i < sizeof firsts; i++) {
        uint8_t bytes[32] = {firsts[i]};
        const void *at = bytes;
        size_t left = sizeof bytes;
        rf_value value;
        ck_assert_int_eq(unpack_value(&at, &left, &value), RF_EARGS);
        ck_assert_ptr_eq(at, bytes);
    }
}
END_TEST

START_TEST(claims_of_billions_of_elements_are_refused_at_once)
{
    static const uint8_t claims[] = "\xdd\xff\xff\xff\xff\xdd\xff\xff\xff\xff\xdf\xff\xff\xff\xff\xdb\xff\xff\xff\xff";
    const void *at = claims;
    size_t left = sizeof claims - 1;
    rf_value value;
    ck_assert_int_eq(unpack_value(&at, &left, &value), RF_EARGS);
    ck_assert_uint_eq(rf_elements(rf_view(RF_TUPLE_TYPE, claims, sizeof claims - 1)), 0);
}
END_TEST

START_TEST(deep_nesting_is_read_without_a_stack)
{
    enum { DEPTH = 1000000 };
    uint8_t *bytes = malloc(DEPTH);
    memset(bytes, 0x91, DEPTH - 1);
    bytes[DEPTH - 1] = 0xc0;
    const void *at = bytes;
    size_t left = DEPTH;
    rf_value value;
    ck_assert_int_eq(unpack_value(&at, &left, &value), RF_OK);
    ck_assert_uint_eq(left, 0);
    free(bytes);
}
END_TEST

START_TEST(nesting_that_is_written_has_a_bound)
{
    rf_value levels[PACK_DEPTH + 1];
    levels[0] = rf_of_i64(1);
    for (int i = 1; i <= PACK_DEPTH; i++)
        levels[i] = rf_tuple_of(&levels[i - 1], 1);
    buffer bytes = {0};
    ck_assert_int_eq(pack_value(&bytes, levels[PACK_DEPTH]), RF_OK);
    size_t before = bytes.size;
    ck_assert_int_eq(pack_value(&bytes, rf_tuple_of(&levels[PACK_DEPTH], 1)), RF_EUSAGE);
    ck_assert_uint_eq(bytes.size, before);
    ck_assert_int_eq(rf_last_error()->status, RF_EUSAGE);
    buffer_free(&bytes);
}
END_TEST

START_TEST(what_the_format_cannot_say_is_refused_and_leaves_no_trace)
{
    rf_value three[] = {rf_of_i64(1), rf_of_i64(2), rf_of_i64(3)};
    rf_value huge = rf_text("", (size_t)UINT32_MAX + 1), no_value = rf_view((rf_type)12, NULL, 0);
    buffer bytes = {0};
    ck_assert_int_eq(pack_value(&bytes, rf_dict_of(three, 3)), RF_EUSAGE);
    ck_assert_int_eq(pack_value(&bytes, rf_tuple_of(&huge, 1)), RF_EARGS);
    ck_assert_int_eq(pack_value(&bytes, rf_tuple_of(&no_value, 1)), RF_EUSAGE);
    ck_assert_int_eq(pack_tuple_head(&bytes, (uint64_t)UINT32_MAX + 1), RF_EARGS);
    ck_assert_uint_eq(bytes.size, 0);
    buffer_free(&bytes);
}
END_TEST

START_TEST(a_value_that_finds_no_memory_is_not_written)
{
    uint64_t random = suite_seed;
    arena memory = {0};
    rf_value elements[20];
    for (size_t i = 0; i < 20; i++)
        elements[i] = random_value(&random, &memory, 2);
    FAILING_EACH_IN_TURN(n) {
        buffer bytes = {0};
        int status = pack_value(&bytes, rf_tuple_of(elements, 20));
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        ck_assert(!failed || bytes.size == 0);
        buffer_free(&bytes);
    }
    arena_free(&memory);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pack");
    TCase *t = tcase_create("pack");
    tcase_add_test(t, msgpack_c_reads_what_is_written);
    tcase_add_test(t, what_msgpack_c_writes_is_read);
    tcase_add_test(t, nothing_outside_of_random_bytes_is_read);
    tcase_add_test(t, nothing_outside_of_damaged_encodings_is_read);
    tcase_add_test(t, extensions_and_reserved_bytes_are_refused);
    tcase_add_test(t, claims_of_billions_of_elements_are_refused_at_once);
    tcase_add_test(t, deep_nesting_is_read_without_a_stack);
    tcase_add_test(t, nesting_that_is_written_has_a_bound);
    tcase_add_test(t, what_the_format_cannot_say_is_refused_and_leaves_no_trace);
    tcase_add_test(t, a_value_that_finds_no_memory_is_not_written);
    suite_add_tcase(s, t);
    return s;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
