/* Sums without rounding: of integers and doubles, in any order and any grouping the same number, so that no cut of the input
   and no combiner shows in a result. A sum is a fixed-point number in limbs of 32 bits, held in 64, so that carries wait:

       limb i weighs 2^(32 i - 1088)      0: below the least double ... 34: 2^0 ... 66: the largest double ... 71: room

   Only a window of limbs is in memory: sums of numbers of like size take some 40 bytes, and the window grows when a number
   lies outside. Packed (what a combined record's value is, RF_BYTES): | flags | lowest limb | limbs | 0 | uint32_t ... |, the
   magnitude without zero limbs at its ends: one sum has one form.

   Memory is an arena's: a window that grew leaves its old place behind, at most as large again. */
#ifndef RANKFOLD_KEYED_EXACT_H
#define RANKFOLD_KEYED_EXACT_H

#include "base/arena.h"

#define EXACT_LIMBS 72
#define EXACT_PACKED_MOST (4 + 4 * EXACT_LIMBS)

typedef struct exact exact;

exact *exact_new(arena *memory);                                /* zero, an integer; NULL: out of memory, told */
int exact_add(exact **sum, arena *memory, rf_value number);     /* RF_ENOMEM; the sum is then as it was */
int exact_add_packed(exact **sum, arena *memory, const uint8_t *packed, size_t size);   /* RF_EINPUT: not a packed sum */
size_t exact_pack(const exact *sum, uint8_t *to);

/* The sum: an integer where only integers were added (RF_ERANGE, not told: it fits neither int64_t nor uint64_t), else the nearest
   double, ties to even; infinity where it is beyond the largest, or was added. */
int exact_result(const exact *sum, rf_value *to);

#endif
