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

static unsigned digit(const entry *of, unsigned shift)
{
    return of->prefix >> shift & 255;
}

/* starts[d]: where digit d begins. False: all have one digit. */
static bool count_digits(const entry *entries, size_t count, unsigned shift, size_t starts[257])
{
    memset(starts, 0, 257 * sizeof *starts);
    for (size_t i = 0; i < count; i++)
        starts[digit(&entries[i], shift) + 1]++;
    if (starts[digit(entries, shift) + 1] == count)
        return false;
    for (unsigned d = 0; d < 256; d++)
        starts[d + 1] += starts[d];
    return true;
}

/* As merge_sort; all prefixes agree above the byte at shift. The recursion ends after 8 bytes. */
static void radix_sort(entry *from, entry *other, size_t count, unsigned shift, const record_order *order, bool into_other)
{
    size_t starts[257], next[256];
    if (count <= FEW) {
        merge_sort(from, other, count, order, into_other);
        return;
    }
    while (!count_digits(from, count, shift, starts)) {
        if (shift == 0) {
            merge_sort(from, other, count, order, into_other);
            return;
        }
        shift -= 8;
    }
    memcpy(next, starts, sizeof next);
    for (size_t i = 0; i < count; i++)
        other[next[digit(&from[i], shift)]++] = from[i];
    for (unsigned d = 0; d < 256; d++) {
        size_t first = starts[d], many = starts[d + 1] - first;
        if (many && shift)
            radix_sort(other + first, from + first, many, shift - 8, order, !into_other);
        else if (many)
            merge_sort(other + first, from + first, many, order, !into_other);
    }
}

void sort_entries(entry *entries, entry *space, size_t count, const record_order *order)
{
    if (order->compare)
        merge_sort(entries, space, count, order, false);
    else if (count)
        radix_sort(entries, space, count, 56, order, false);
}
