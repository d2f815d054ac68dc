/* Random values of every type, and what it means that two of them are the same. Used by the tests of value/. */
#ifndef RANKFOLD_TESTS_RANDOM_VALUE_H
#define RANKFOLD_TESTS_RANDOM_VALUE_H

#include <string.h>

#include "base/arena.h"
#include "base/random.h"

/* Near every width that an encoding could change at. */
static inline uint64_t random_integer(uint64_t *random)
{
    uint64_t power = (uint64_t)1 << random_below(random, 64);
    return power + random_below(random, 5) - 2;
}

static inline double random_f64(uint64_t *random)
{
    static const double known[] = {0.0, -0.0, 1.5, 1e300, -1e-300, 0x1p53, 0x1p63, -0x1p63, 0x1p64, INFINITY, -INFINITY};
    uint64_t which = random_below(random, 20);
    return which < sizeof known / sizeof *known ? known[which] : random_unit(random) * 1e6 - 5e5;
}

static inline rf_value random_text(uint64_t *random, arena *memory, rf_type type)
{
    static const size_t edges[] = {0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536};
    uint64_t which = random_below(random, 200);
    size_t size = which < sizeof edges / sizeof *edges ? edges[which] : random_below(random, 20);
    uint8_t *data = arena_add(memory, size);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)random_below(random, 256);
    return rf_view(type, data, size);
}

/* depth: of the containers that it may be. They are borrowed ones. */
static inline rf_value random_value(uint64_t *random, arena *memory, unsigned depth)
{
    static const size_t edges[] = {0, 14, 16, 30, 32, 40};
    rf_type type = (rf_type)random_below(random, depth ? 9 : 7);
    switch (type) {
    case RF_NIL:
        return rf_nil();
    case RF_BOOL:
        return rf_of_bool(random_below(random, 2));
    case RF_I64:
        return rf_of_i64((int64_t)random_integer(random));
    case RF_U64:
        return rf_of_u64(random_integer(random));
    case RF_F64:
        return rf_of_f64(random_f64(random));
    case RF_TEXT:
    case RF_BYTES:
        return random_text(random, memory, type);
    case RF_TUPLE_TYPE:
    case RF_DICT_TYPE:
        break;
    }
    uint64_t which = random_below(random, 30);
    size_t count = which < sizeof edges / sizeof *edges ? edges[which] : 2 * random_below(random, 4);
    rf_value *elements = arena_add(memory, count * sizeof *elements);
    for (size_t i = 0; i < count; i++)
        elements[i] = random_value(random, memory, depth - 1);
    return type == RF_DICT_TYPE ? rf_dict_of(elements, count) : rf_tuple_of(elements, count);
}

static inline rf_value unsigned_as_signed(rf_value value)
{
    return rf_type_of(value) == RF_U64 && value.u64 <= INT64_MAX ? rf_of_i64((int64_t)value.u64) : value;
}

/* travelled: one of them has been MessagePack, where integers that are not negative have no sign. */
static inline bool same_value(rf_value a, rf_value b, bool travelled)
{
    rf_value x, y;
    a = travelled ? unsigned_as_signed(a) : a;
    b = travelled ? unsigned_as_signed(b) : b;
    if (rf_type_of(a) != rf_type_of(b))
        return false;
    switch (rf_type_of(a)) {
    case RF_NIL:
        return true;
    case RF_BOOL:
        return a.truth == b.truth;
    case RF_I64:
    case RF_U64:
    case RF_F64:
        return a.u64 == b.u64;
    case RF_TEXT:
    case RF_BYTES:
        return rf_size(a) == rf_size(b) && (rf_size(a) == 0 || memcmp(a.data, b.data, rf_size(a)) == 0);
    case RF_TUPLE_TYPE:
    case RF_DICT_TYPE:
        break;
    }
    for (;;) {
        int left = rf_take(&a, &x), right = rf_take(&b, &y);
        if (left || right)
            return left == RF_END && right == RF_END;
        if (!same_value(x, y, travelled))
            return false;
    }
}

#endif
