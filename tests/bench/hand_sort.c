/* What the sort of records is measured against: processes of one machine, written by hand for this one thing.

       hand_sort PROCESSES INPUT OUTPUT     records of 100 bytes, sorted by their first 10, equal ones as they were

   A record goes through hand_radix as its key and its number; in the end each is copied from where it lies in the input. */
#define _GNU_SOURCE
#include "hand_radix.h"

enum { RECORD = 100, AHEAD = 32, NUMBER_BITS = 48 };

static record key_and_number(const char *at, uint64_t number)
{
    uint64_t first;
    uint16_t last;
    memcpy(&first, at, 8);
    memcpy(&last, at + 8, 2);
    return (record)__builtin_bswap64(first) << 64 | (record)__builtin_bswap16(last) << NUMBER_BITS | number;
}

static const char *record_at(const process *p, record r)
{
    return p->input + (uint64_t)(r & (UINT64_MAX >> (64 - NUMBER_BITS))) * RECORD;
}

static void sort(process *p)
{
    uint64_t all = p->size / RECORD, parts = (uint64_t)p->processes, part = (uint64_t)p->number, count, before;
    writer w;
    for (uint64_t i = all * part / parts; i < all * (part + 1) / parts; i++)
        radix_put(p, key_and_number(p->input + i * RECORD, i));
    const record *sorted = radix_take(p, &count, &before);
    writer_open(&w, p, before * RECORD);
    for (uint64_t i = 0; i < count; i++, w.used += RECORD) {
        if (i + AHEAD < count) {
            __builtin_prefetch(record_at(p, sorted[i + AHEAD]));
            __builtin_prefetch(record_at(p, sorted[i + AHEAD]) + RECORD - 1);
        }
        memcpy(writer_room(&w, RECORD), record_at(p, sorted[i]), RECORD);
    }
    writer_flush(&w);
}

int main(int argc, char **argv)
{
    if (argc == 4)
        return radix_run(argv[1], argv[2], argv[3], sort, RECORD);
    fputs("usage: hand_sort PROCESSES INPUT OUTPUT, see hand_sort.c\n", stderr);
    return 64;
}
