/* Which of two records, or of two values, comes first. */
#include "keyed/record.h"

static int compare_bytes(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

int record_compare_bytes(const record *a, const record *b)
{
    int order = compare_bytes(a->key, a->key_size, b->key, b->key_size);
    return order ? order : a->key_type - b->key_type;
}

int record_compare_keys(const record_order *order, const record *a, const record *b)
{
    int compared = order->compare ? order->compare(record_key(a), record_key(b)) : 0;
    return compared ? compared : record_compare_bytes(a, b);
}

int record_compare(const record_order *order, const record *a, const record *b)
{
    int compared = record_compare_keys(order, a, b);
    return compared || !order->by_value ? compared : record_value_order(record_value(a), record_value(b));
}

/* Where a type stands: all numbers are one. */
static int rank_of(rf_value value)
{
    static const int ranks[] = {[RF_NIL] = 0,  [RF_BOOL] = 1,  [RF_I64] = 2,        [RF_U64] = 2,      [RF_F64] = 2,
                                [RF_TEXT] = 3, [RF_BYTES] = 4, [RF_TUPLE_TYPE] = 5, [RF_DICT_TYPE] = 6};
    return ranks[rf_type_of(value)];
}

static int order_of(bool less, bool greater)
{
    return greater - less;
}

/* The whole part of the double decides, then whether there is a rest. */
static int integer_and_real(rf_value integer, double real)
{
    bool negative = integer.tag == RF_I64 && integer.i64 < 0;
    if (real != real || real >= 0x1p64)
        return -1;
    if (real < -0x1p63)
        return 1;
    if (negative != (real < 0))
        return negative ? -1 : 1;
    if (negative && integer.i64 != (int64_t)real)
        return integer.i64 < (int64_t)real ? -1 : 1;
    if (!negative && integer.u64 != (uint64_t)real)
        return integer.u64 < (uint64_t)real ? -1 : 1;
    double whole = negative ? (double)(int64_t)real : (double)(uint64_t)real;
    return order_of(whole < real, whole > real);
}

static int number_order(rf_value a, rf_value b)
{
    if (a.tag == RF_F64 && b.tag == RF_F64) {
        bool none = a.f64 != a.f64, other = b.f64 != b.f64;
        return none || other ? none - other : order_of(a.f64 < b.f64, a.f64 > b.f64);
    }
    if (a.tag == RF_F64)
        return -integer_and_real(b, a.f64);
    if (b.tag == RF_F64)
        return integer_and_real(a, b.f64);
    bool negative = a.tag == RF_I64 && a.i64 < 0, other = b.tag == RF_I64 && b.i64 < 0;
    if (negative != other)
        return negative ? -1 : 1;
    return order_of(a.u64 < b.u64, a.u64 > b.u64);
}

int record_value_order(rf_value a, rf_value b)
{
    int rank = rank_of(a), other = rank_of(b);
    if (rank != other)
        return rank - other;
    if (rank == 2)
        return number_order(a, b);
    if (rank < 2)
        return rank ? a.truth - b.truth : 0;
    return compare_bytes(a.data, rf_size(a), b.data, rf_size(b));
}
