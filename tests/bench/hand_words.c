/* What the word count by key is measured against: processes of one machine, written by hand for this one thing.

       hand_words count|radix PROCESSES INPUT OUTPUT     word<TAB>count lines, sorted, of the runs of ASCII letters in INPUT

   Each process reads its share of the file, packs each word and how often it came into 16 bytes that compare as the words do, and
   hand_radix spreads and sorts these. count: each first counts the words of its share in a hash table, for words that repeat. radix:
   every word goes to its bucket at once, for words that do not. No word may have more than 16 letters. */
#define _GNU_SOURCE
#include "hand_radix.h"
#include "letters.h"

enum { AHEAD = 16, LINE_MOST = 48, COUNT_BITS = 48 };       /* a record: | 16 letters of 5 bits | count 48 | */

typedef struct slot { uint64_t letters[2], count; } slot;   /* letters as they are in memory, zeros behind */
typedef struct table {
    slot *slots;
    uint64_t used;
    unsigned bits, waits;
    slot waiting[AHEAD];                /* their slots are on their way into the cache */
} table;

static inline bool same_word(record a, record b) { return (a ^ b) >> COUNT_BITS == 0; }
static inline uint64_t count_of(record r) { return (uint64_t)r & (UINT64_MAX >> (64 - COUNT_BITS)); }

/* ---- counting ----------------------------------------------------------------------------------------------------- */

static inline uint64_t place_of(const slot *word, unsigned bits)
{
    uint64_t hash = (word->letters[0] ^ word->letters[1] * 0x9e3779b97f4a7c15) * 0xd6e8feb86659fd93;
    return (hash ^ hash >> 32) * 0xff51afd7ed558ccd >> (64 - bits);
}

static inline slot *table_slot(const table *in, const slot *wanted)
{
    uint64_t at = place_of(wanted, in->bits), mask = (UINT64_C(1) << in->bits) - 1;
    while (in->slots[at].count && (in->slots[at].letters[0] != wanted->letters[0] || in->slots[at].letters[1] != wanted->letters[1]))
        at = (at + 1) & mask;
    return &in->slots[at];
}

static void table_grow(table *t)
{
    table wider = {.bits = t->bits + 1};
    wider.slots = radix_memory(sizeof(slot) << wider.bits);
    for (uint64_t i = 0; i < UINT64_C(1) << t->bits; i++)
        if (t->slots[i].count)
            *table_slot(&wider, &t->slots[i]) = t->slots[i];
    munmap(t->slots, sizeof(slot) << t->bits);
    t->slots = wider.slots;
    t->bits = wider.bits;
}

static void settle(table *t)
{
    for (unsigned i = 0; i < t->waits; i++) {
        slot *at = table_slot(t, &t->waiting[i]);
        if (at->count++)
            continue;
        *at = t->waiting[i];
        if (++t->used * 2 > UINT64_C(1) << t->bits)
            table_grow(t);
    }
    t->waits = 0;
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static inline record packed(const slot *word)
{
    record first = letters_pack(word->letters[0]), second = word->letters[1] ? letters_pack(word->letters[1]) : 0;
    return (first << 40 | second) << COUNT_BITS | word->count;
}

static inline slot word_of(const char *letters, size_t length)
{
    need(length <= 16, "a word of more than 16 letters");
    return (slot){{letters_load(letters, length < 8 ? length : 8), length > 8 ? letters_load(letters + 8, length - 8) : 0}, 1};
}

static inline void count_word(table *t, slot word)
{
    __builtin_prefetch(&t->slots[place_of(&word, t->bits)], 1);
    t->waiting[t->waits++] = word;
    if (t->waits == AHEAD)
        settle(t);
}

/* Words begin and end where a bit differs from the one before it. text[size] is no letter, and 64 bytes behind it may be read. */
static void take_words(process *p, table *counts, const char *text, size_t size)
{
    uint64_t inside = 0;
    size_t start = 0;
    for (size_t base = 0; base <= size; base += 64) {
        uint64_t letters = letters_of_64(text + base);
        for (uint64_t edges = letters ^ (letters << 1 | inside); edges; edges &= edges - 1) {
            size_t at = base + (size_t)__builtin_ctzll(edges);
            if (at > size)
                return;
            if (inside && counts) {
                count_word(counts, word_of(text + start, at - start));
            } else if (inside) {
                slot word = word_of(text + start, at - start);
                radix_put(p, packed(&word));
            }
            start = at;
            inside = !inside;
        }
    }
}

/* Where a share begins: behind the word, if any, that lies across its first byte. */
static size_t cut(const process *p, int number)
{
    size_t at = p->size / (size_t)p->processes * (size_t)number;
    if (number == p->processes)
        return p->size;
    while (at > 0 && at < p->size && letters_is(p->input[at - 1]) && letters_is(p->input[at]))
        at++;
    return at;
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static uint64_t add_up(record *sorted, uint64_t count)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < count; i++)
        if (kept && same_word(sorted[kept - 1], sorted[i]))
            sorted[kept - 1] += count_of(sorted[i]);
        else
            sorted[kept++] = sorted[i];
    return kept;
}

static inline unsigned length_of(record r)
{
    uint64_t last_letters = (uint64_t)(r >> COUNT_BITS);
    return last_letters ? 16 - (unsigned)__builtin_ctzll(last_letters) / 5 : 4 - ((unsigned)__builtin_ctzll((uint64_t)(r >> 108)) / 5);
}

static inline unsigned digits_of(uint64_t number)
{
    unsigned digits = 1;
    for (; number >= 10; number /= 10)
        digits++;
    return digits;
}

static inline char *write_line(char *to, record r)
{
    uint64_t number = count_of(r);
    unsigned digits = digits_of(number);
    letters_unpack(to, (uint64_t)(r >> 88));
    letters_unpack(to + 8, (uint64_t)(r >> COUNT_BITS));
    to += length_of(r);
    *to = '\t';
    for (unsigned i = digits; i > 0; i--, number /= 10)
        to[i] = (char)('0' + number % 10);
    to[digits + 1] = '\n';
    return to + digits + 2;
}

/* Where this process's part begins is known when all have added up. */
static void write_part(process *p, const record *sorted, uint64_t count)
{
    writer w;
    uint64_t at = 0;
    for (uint64_t i = 0; i < count; i++)
        p->mine->bytes += length_of(sorted[i]) + 2 + digits_of(count_of(sorted[i]));
    radix_wait(p);
    for (int i = 0; i < p->number; i++)
        at += p->all->of[i].bytes;
    writer_open(&w, p, at);
    for (uint64_t i = 0; i < count; i++)
        w.used = (size_t)(write_line(writer_room(&w, LINE_MOST), sorted[i]) - w.buffer);
    writer_flush(&w);
}

static void put_counts(process *p, table *counts)
{
    settle(counts);
    for (uint64_t i = 0; i < UINT64_C(1) << counts->bits; i++)
        if (counts->slots[i].count)
            radix_put(p, packed(&counts->slots[i]));
}

static void words(process *p, table *counts)
{
    uint64_t count, before;
    size_t begin = cut(p, p->number);
    take_words(p, counts, p->input + begin, cut(p, p->number + 1) - begin);
    if (counts)
        put_counts(p, counts);
    record *sorted = radix_take(p, &count, &before);
    write_part(p, sorted, add_up(sorted, count));
}

static void by_radix(process *p) { words(p, NULL); }
static void by_count(process *p)
{
    table counts = {.slots = radix_memory(sizeof(slot) << 16), .bits = 16};
    words(p, &counts);
}

/* A word and what divides it from the next are two bytes at least. */
int main(int argc, char **argv)
{
    if (argc == 5 && (strcmp(argv[1], "count") == 0 || strcmp(argv[1], "radix") == 0))
        return radix_run(argv[2], argv[3], argv[4], argv[1][0] == 'c' ? by_count : by_radix, 2);
    fputs("usage: hand_words count|radix PROCESSES INPUT OUTPUT, see hand_words.c\n", stderr);
    return 64;
}
