#include "keyed/exact.h"

#include <string.h>

#define BIAS 1088                   /* the weight of bit 0 of limb 0 is 2^-BIAS */
#define LEAST_BIT (BIAS - 1074)     /* of the least double */
#define ADDS_MOST ((uint32_t)1 << 30)
#define HEADROOM 1                  /* limbs above a number, so that 2^60 of its kind do not overflow the last one */

enum { REAL = 1, NEGATIVE = 2, PLUS_INFINITY = 4, MINUS_INFINITY = 8, NOT_A_NUMBER = 16, FLAGS = 31 };

struct exact {
    uint32_t adds;                  /* since carries were moved: a limb holds as many summands without overflow */
    uint8_t low, limbs;             /* the window */
    uint8_t flags;
    int64_t limb[];
};

static exact *window_new(arena *memory, unsigned low, unsigned limbs)
{
    exact *sum = arena_add(memory, sizeof *sum + limbs * sizeof *sum->limb);
    if (!sum)
        return NULL;
    memset(sum, 0, sizeof *sum + limbs * sizeof *sum->limb);
    sum->low = (uint8_t)low;
    sum->limbs = (uint8_t)limbs;
    return sum;
}

exact *exact_new(arena *memory)
{
    return window_new(memory, 0, 0);
}

/* Makes room for limbs from low to below end. */
static int widen(exact **sum, arena *memory, unsigned low, unsigned end)
{
    exact *old = *sum;
    unsigned old_end = old->low + old->limbs;
    if (old->limbs && low >= old->low && end + HEADROOM <= old_end)
        return RF_OK;
    end += HEADROOM;
    if (old->limbs) {
        low = low < old->low ? low : old->low;
        end = end > old_end ? end : old_end;
    }
    end = end < EXACT_LIMBS ? end : EXACT_LIMBS;
    if (old->limbs && low == old->low && end == old_end)
        return RF_OK;
    exact *wide = window_new(memory, low, end - low);
    if (!wide)
        return RF_ENOMEM;
    wide->adds = old->adds;
    wide->flags = old->flags;
    memcpy(wide->limb + (old->limbs ? old->low - low : 0), old->limb, old->limbs * sizeof *old->limb);
    *sum = wide;
    return RF_OK;
}

/* Afterwards every limb but the last is from 0 to 2^32 - 1; the last one has the sign. */
static void carry(int64_t *limb, unsigned limbs)
{
    for (unsigned i = 0; i + 1 < limbs; i++) {
        limb[i + 1] += limb[i] >> 32;
        limb[i] &= UINT32_MAX;
    }
}

static void count_add(exact *sum)
{
    if (++sum->adds < ADDS_MOST)
        return;
    carry(sum->limb, sum->limbs);
    sum->adds = 1;                  /* what is left in a limb is one summand more */
}

/* Adds number * 2^(bit - BIAS). */
static int add_bits(exact **sum, arena *memory, uint64_t number, unsigned bit, bool negative)
{
    unsigned first = bit / 32;
    if (widen(sum, memory, first, first + 3))
        return RF_ENOMEM;
    unsigned __int128 wide = (unsigned __int128)number << bit % 32;
    int64_t *limb = (*sum)->limb + (first - (*sum)->low);
    for (int i = 0; i < 3; i++, wide >>= 32)
        limb[i] += negative ? -(int64_t)(uint32_t)wide : (int64_t)(uint32_t)wide;
    count_add(*sum);
    return RF_OK;
}

static int add_real(exact **sum, arena *memory, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, 8);
    bool negative = bits >> 63;
    unsigned exponent = bits >> 52 & 2047;
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    uint8_t flags = REAL;
    int status = RF_OK;
    if (exponent == 2047)
        flags |= fraction ? NOT_A_NUMBER : negative ? MINUS_INFINITY : PLUS_INFINITY;
    else if (exponent)
        status = add_bits(sum, memory, fraction | (uint64_t)1 << 52, LEAST_BIT + exponent - 1, negative);
    else if (fraction)
        status = add_bits(sum, memory, fraction, LEAST_BIT, negative);
    if (!status)
        (*sum)->flags |= flags;
    return status;
}

int exact_add(exact **sum, arena *memory, rf_value number)
{
    if (number.tag == RF_F64)
        return add_real(sum, memory, number.f64);
    bool negative = number.tag == RF_I64 && number.i64 < 0;
    return add_bits(sum, memory, negative ? -number.u64 : number.u64, BIAS, negative);
}

int exact_add_packed(exact **sum, arena *memory, const uint8_t *packed, size_t size)
{
    if (size < 4 || packed[0] & ~FLAGS || packed[1] + packed[2] > EXACT_LIMBS || packed[3] || size != 4 + 4u * packed[2])
        return RF_EINPUT;
    unsigned low = packed[1], limbs = packed[2];
    if (limbs && widen(sum, memory, low, low + limbs))
        return RF_ENOMEM;
    for (unsigned i = 0; i < limbs; i++) {
        uint32_t part;
        memcpy(&part, packed + 4 + 4 * i, 4);
        (*sum)->limb[low + i - (*sum)->low] += packed[0] & NEGATIVE ? -(int64_t)part : (int64_t)part;
    }
    count_add(*sum);
    (*sum)->flags |= packed[0] & (FLAGS & ~NEGATIVE);
    return RF_OK;
}

/* Every limb as what it weighs, below 2^32. */
static bool magnitude(const exact *sum, int64_t limb[EXACT_LIMBS])
{
    memset(limb, 0, EXACT_LIMBS * sizeof *limb);
    memcpy(limb + sum->low, sum->limb, sum->limbs * sizeof *limb);
    carry(limb, EXACT_LIMBS);
    bool negative = limb[EXACT_LIMBS - 1] < 0;
    for (unsigned i = 0; negative && i < EXACT_LIMBS; i++)
        limb[i] = -limb[i];
    if (negative)
        carry(limb, EXACT_LIMBS);
    return negative;
}

size_t exact_pack(const exact *sum, uint8_t *to)
{
    int64_t limb[EXACT_LIMBS];
    bool negative = magnitude(sum, limb);
    unsigned low = 0, end = EXACT_LIMBS;
    while (end && !limb[end - 1])
        end--;
    while (low < end && !limb[low])
        low++;
    low = end ? low : 0;
    to[0] = (uint8_t)(sum->flags | (negative ? NEGATIVE : 0));
    to[1] = (uint8_t)low;
    to[2] = (uint8_t)(end - low);
    to[3] = 0;
    for (unsigned i = low; i < end; i++) {
        uint32_t part = (uint32_t)limb[i];
        memcpy(to + 4 + 4 * (i - low), &part, 4);
    }
    return 4 + 4 * (end - low);
}

static int integer(const int64_t *limb, bool negative, rf_value *to)
{
    for (unsigned i = BIAS / 32 + 2; i < EXACT_LIMBS; i++) {
        if (limb[i])
            return RF_ERANGE;
    }
    uint64_t number = (uint64_t)limb[BIAS / 32] | (uint64_t)limb[BIAS / 32 + 1] << 32;
    if (negative && number > (uint64_t)1 << 63)
        return RF_ERANGE;
    *to = negative ? rf_of_i64((int64_t)-number) : number > INT64_MAX ? rf_of_u64(number) : rf_of_i64((int64_t)number);
    return RF_OK;
}

/* The 53 bits from the highest one down, or fewer where the least double ends; then the nearest of the two doubles around. All
   of these bits, and the one below, are in the three highest limbs. */
static double nearest(const int64_t *limb, bool negative)
{
    int high = EXACT_LIMBS - 1;
    while (high > 0 && !limb[high])
        high--;
    if (!limb[high])
        return 0;
    int base = 32 * (high - 2), top = 32 * high + 64 - __builtin_clzll((uint64_t)limb[high]);
    int last = top > LEAST_BIT + 53 ? top - 53 : LEAST_BIT;
    unsigned __int128 wide = (unsigned __int128)limb[high] << 64;
    wide |= high > 0 ? (uint64_t)limb[high - 1] << 32 : 0;
    wide |= high > 1 ? (uint64_t)limb[high - 2] : 0;
    unsigned below = (unsigned)(last - base);
    uint64_t bits = (uint64_t)(wide >> below);
    bool half = wide >> (below - 1) & 1, rest = (wide & (((unsigned __int128)1 << (below - 1)) - 1)) != 0;
    for (int i = 0; i < high - 2 && !rest; i++)
        rest = limb[i] != 0;
    bits += half && (rest || bits & 1);
    double number = ldexp((double)bits, last - BIAS);
    return negative ? -number : number;
}

int exact_result(const exact *sum, rf_value *to)
{
    int64_t limb[EXACT_LIMBS];
    bool negative = magnitude(sum, limb), plus = sum->flags & PLUS_INFINITY, minus = sum->flags & MINUS_INFINITY;
    if (!(sum->flags & REAL))
        return integer(limb, negative, to);
    if (sum->flags & NOT_A_NUMBER || (plus && minus))
        *to = rf_of_f64((double)NAN);
    else if (plus || minus)
        *to = rf_of_f64(plus ? (double)INFINITY : -(double)INFINITY);
    else
        *to = rf_of_f64(nearest(limb, negative));
    return RF_OK;
}
