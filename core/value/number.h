/* Numbers of one type read as another: exactly, or not at all. What rf_i64 and its like, and the integers of RF_ARGS share. */
#ifndef RANKFOLD_VALUE_NUMBER_H
#define RANKFOLD_VALUE_NUMBER_H

#include "rankfold.h"

/* The tag of a number is its type alone. */
static inline bool number_is(rf_value value)
{
    return value.tag - RF_I64 <= RF_F64 - RF_I64;
}

static inline bool number_to_i64(rf_value value, int64_t *to)
{
    if (value.tag == RF_I64 || (value.tag == RF_U64 && value.u64 <= INT64_MAX)) {
        *to = value.i64;
        return true;
    }
    if (value.tag != RF_F64 || !(value.f64 >= -0x1p63 && value.f64 < 0x1p63) || (double)(int64_t)value.f64 != value.f64)
        return false;
    *to = (int64_t)value.f64;
    return true;
}

static inline bool number_to_u64(rf_value value, uint64_t *to)
{
    if (value.tag == RF_U64 || (value.tag == RF_I64 && value.i64 >= 0)) {
        *to = value.u64;
        return true;
    }
    if (value.tag != RF_F64 || !(value.f64 >= 0 && value.f64 < 0x1p64) || (double)(uint64_t)value.f64 != value.f64)
        return false;
    *to = (uint64_t)value.f64;
    return true;
}

static inline bool number_to_f64(rf_value value, double *to)
{
    if (!number_is(value))
        return false;
    *to = value.tag == RF_F64 ? value.f64 : value.tag == RF_I64 ? (double)value.i64 : (double)value.u64;
    return true;
}

#endif
