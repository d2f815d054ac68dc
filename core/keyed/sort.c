#include "keyed/sort.h"

#define FEW 24                      /* insertion is faster below */

static __attribute__((noinline)) bool record_is_before(const record_order *order, const entry *a, const entry *b)
{
    record one = record_at(a->at), other = record_at(b->at);
    return record_compare(order, &one, &other) < 0;
}

static inline bool is_before(const record_order *order, const entry *a, const entry *b)
{
    if (!order->compare && a->prefix != b->prefix)
        return a->prefix < b->prefix;
    return record_is_before(order, a, b);
}

static void insertion(entry *entries, size_t count, const record_order *order)
{
    for (size_t i = 1; i < count; i++) {
        entry moving = entries[i];
        size_t at = i;
        for (; at > 0 && is_before(order, &moving, &entries[at - 1]); at--)
            entries[at] = entries[at - 1];
        entries[at] = moving;
    }
}

/* Sorts from, with the other as space; the result lies in it where into_other, else in from. */
static void merge_sort(entry *from, entry *other, size_t count, const record_order *order, bool into_other)
{
    if (count <= FEW) {
        insertion(from, count, order);
        if (into_other)
            memcpy(other, from, count * sizeof *from);
        return;
    }
    size_t half = count / 2, left = 0, right = half;
    merge_sort(from, other, half, order, !into_other);
    merge_sort(from + half, other + half, count - half, order, !into_other);
    entry *source = into_other ? from : other, *to = into_other ? other : from;
    for (size_t i = 0; i < count; i++) {
        bool take_right = left == half || (right < count && is_before(order, &source[right], &source[left]));
        to[i] = source[take_right ? right++ : left++];
    }
}

/* ---- by digits of the prefix -------------------------------------------------------------------------------------- */

/* A byte of the prefix, or two where so many entries are spread that this saves a pass, and two bytes have few values enough: those of
   letters do. Only values from the least to the most that occur are counted: few buckets cost little. */
#define WIDE_COUNT ((size_t)1 << 15)
#define WIDE_RANGE ((size_t)1 << 13)

#define ENDS_MOST (4 * WIDE_RANGE + 8 * 256)   /* eight bytes: no more than four steps are wide */

typedef struct digits {
    unsigned shift;
    uint64_t least;                     /* of prefix >> shift, which no two entries share above the digit */
    size_t range;                       /* 1: all prefixes are one */
} digits;

static digits choose_digits(const entry *entries, size_t count)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t i = 0; i < count; i++) {
        least = entries[i].prefix < least ? entries[i].prefix : least;
        most = entries[i].prefix > most ? entries[i].prefix : most;
    }
    if (least == most)
        return (digits){.range = 1};
    unsigned shift = (unsigned)(63 - __builtin_clzll(least ^ most)) & ~7u;
    if (count >= WIDE_COUNT && shift && (most >> (shift - 8)) - (least >> (shift - 8)) < WIDE_RANGE)
        shift -= 8;
    return (digits){shift, least >> shift, (size_t)((most >> shift) - (least >> shift)) + 1};
}

/* From into other, in the order of the digit, stable; ends[d]: where the entries with digit d end. */
static void spread(const entry *from, entry *other, size_t count, digits by, size_t *ends)
{
    size_t sum = 0;
    memset(ends, 0, by.range * sizeof *ends);
    for (size_t i = 0; i < count; i++)
        ends[(from[i].prefix >> by.shift) - by.least]++;
    for (size_t d = 0; d < by.range; d++) {
        size_t here = ends[d];
        ends[d] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++)
        other[ends[(from[i].prefix >> by.shift) - by.least]++] = from[i];
}

/* As merge_sort. A step takes as much of ends as its range, and the steps below it begin behind that. */
static void radix_sort(entry *from, entry *other, size_t count, const record_order *order, bool into_other, size_t *ends)
{
    digits by = count > FEW ? choose_digits(from, count) : (digits){.range = 1};
    if (by.range == 1) {
        merge_sort(from, other, count, order, into_other);
        return;
    }
    spread(from, other, count, by, ends);
    for (size_t d = 0, first = 0; d < by.range; first = ends[d++])
        if (ends[d] > first)
            radix_sort(other + first, from + first, ends[d] - first, order, !into_other, ends + by.range);
}

void sort_entries(entry *entries, entry *space, size_t count, const record_order *order)
{
    size_t ends[ENDS_MOST];
    if (order->compare)
        merge_sort(entries, space, count, order, false);
    else
        radix_sort(entries, space, count, order, false, ends);
}
