#define _GNU_SOURCE
#include "word_table.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- the table -------------------------------------------------------------------------------------------------- */

void table_free(table *of)
{
    for (size_t i = 0; i < of->size; i++)
        if (of->slots[i].count && of->slots[i].length > WORD_SHORT)
            free(of->slots[i].longer.bytes);
    free(of->slots);
    *of = (table){0};
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t hash = (a ^ (b + 0x9e3779b97f4a7c15) * 0xd6e8feb86659fd93) * 0xff51afd7ed558ccd;
    return hash ^ hash >> 32;
}

static inline uint64_t word_hash(const word *of)
{
    return of->length <= WORD_SHORT ? mix(of->half[0], of->half[1]) : of->longer.hash;
}

#define LOWER UINT64_C(0x2020202020202020)  /* the bit that tells small letters from capitals, in eight letters at once */

/* length <= 8 letters, lowered, zeros behind, in the order of memory. room: how many bytes may be read from there. */
static inline uint64_t load(const char *letters, size_t length, size_t room)
{
    uint64_t loaded = 0;
    if (length == 0)
        return 0;
    memcpy(&loaded, letters, room >= 8 ? 8 : length);
    return (loaded | LOWER) & htole64(UINT64_MAX >> (64 - 8 * length));
}

/* count times the word of length letters; a longer one borrows them, and they may still be capitals. */
static inline word word_of(const char *letters, size_t length, size_t room, uint64_t count)
{
    word made = {.length = length, .count = count};
    if (length <= WORD_SHORT) {
        made.half[0] = load(letters, length < 8 ? length : 8, room);
        made.half[1] = length > 8 ? load(letters + 8, length - 8, room - 8) : 0;
        return made;
    }
    uint64_t hash = length;
    for (size_t at = 0; at < length; at += 8)
        hash = mix(hash, load(letters + at, length - at < 8 ? length - at : 8, room - at));
    made.longer.bytes = (char *)(uintptr_t)letters;
    made.longer.hash = hash;
    return made;
}

static bool same_word(const word *a, const word *b)
{
    if (a->half[0] == b->half[0] && a->half[1] == b->half[1] && a->length == b->length)
        return true;                    /* that the pointers are equal says it of longer words as well */
    return a->length > WORD_SHORT && a->length == b->length && a->longer.hash == b->longer.hash &&
           strncasecmp(a->longer.bytes, b->longer.bytes, a->length) == 0;
}

/* Where the word is, or the empty slot where it belongs. */
static word *table_place(const table *in, const word *wanted)
{
    size_t at = word_hash(wanted) & (in->size - 1);
    while (in->slots[at].count && !same_word(&in->slots[at], wanted))
        at = (at + 1) & (in->size - 1);
    return &in->slots[at];
}

static int table_grow(table *grown)
{
    table wider = {.size = grown->size ? grown->size * 2 : 4096};
    wider.slots = aligned_alloc(64, wider.size * sizeof *wider.slots);  /* no slot lies across two lines of the cache */
    if (!wider.slots)
        return ENOMEM;
    memset(wider.slots, 0, wider.size * sizeof *wider.slots);
    for (size_t i = 0; i < grown->size; i++)
        if (grown->slots[i].count)
            *table_place(&wider, &grown->slots[i]) = grown->slots[i];
    free(grown->slots);
    grown->slots = wider.slots;
    grown->size = wider.size;
    return 0;
}

static char *lowered(const char *letters, size_t length)
{
    char *copy = malloc(length);
    for (size_t i = 0; copy && i < length; i++)
        copy[i] = (char)(letters[i] | ' ');
    return copy;
}

static int add_now(table *to, word *added)
{
    if (to->used * 2 >= to->size && table_grow(to))
        return ENOMEM;
    word *slot = table_place(to, added);
    if (slot->count) {
        slot->count += added->count;
        return 0;
    }
    if (added->length > WORD_SHORT && !(added->longer.bytes = lowered(added->longer.bytes, added->length)))
        return ENOMEM;
    *slot = *added;
    to->used++;
    return 0;
}

int table_settle(table *to)
{
    int status = 0;
    for (size_t i = 0; i < to->waits && status == 0; i++)
        status = add_now(to, &to->waiting[i]);
    to->waits = 0;
    return status;
}

static inline int add_word(table *to, word added)
{
    if (to->size)
        __builtin_prefetch(&to->slots[word_hash(&added) & (to->size - 1)], 1);
    to->waiting[to->waits++] = added;
    return to->waits == WORD_BATCH ? table_settle(to) : 0;
}

int table_add(table *to, const char *letters, size_t length, size_t room, uint64_t count)
{
    return add_word(to, word_of(letters, length, room, count));
}

static int by_bytes(const void *left, const void *right)
{
    const word *a = left, *b = right;
    int order = memcmp(word_bytes(a), word_bytes(b), a->length < b->length ? a->length : b->length);
    return order ? order : a->length < b->length ? -1 : a->length > b->length;
}

void table_sort(table *sorted)
{
    size_t filled = 0;
    for (size_t i = 0; i < sorted->size; i++)
        if (sorted->slots[i].count)
            sorted->slots[filled++] = sorted->slots[i];
    sorted->size = filled;
    if (filled)
        qsort(sorted->slots, filled, sizeof *sorted->slots, by_bytes);
}

/* ---- the words of a text ---------------------------------------------------------------------------------------- */

#define ONES UINT64_C(0x0101010101010101)

/* Bit i: byte i of the eight is an ASCII letter. The additions cannot carry from byte to byte; the multiplication
   moves bit 8 i to bit 56 + i. */
static uint64_t letters_of_8(const char *text)
{
    uint64_t bytes;
    memcpy(&bytes, text, 8);
    bytes = le64toh(bytes) | LOWER;
    uint64_t seven_bits = bytes & 127 * ONES;
    uint64_t from_a = seven_bits + (128 - 'a') * ONES, above_z = seven_bits + (127 - 'z') * ONES;
    uint64_t letters = from_a & ~above_z & ~bytes & 128 * ONES;
    return (letters >> 7) * 0x0102040810204080 >> 56;
}

static uint64_t letters_of_64(const char *text, size_t size)
{
    char last[64] = {0};
    uint64_t letters = 0;
    if (size < 64)
        text = memcpy(last, text, size);
    for (size_t i = 0; i < 8; i++)
        letters |= letters_of_8(text + 8 * i) << 8 * i;
    return letters;
}

/* Words begin and end where a bit differs from the one before it. No branch depends on how long a word is. */
int table_count_text(table *to, const char *text, size_t size)
{
    uint64_t inside = 0;
    size_t start = 0;
    int status = 0;
    for (size_t base = 0; base < size && status == 0; base += 64) {
        uint64_t letters = letters_of_64(text + base, size - base);
        uint64_t edges = letters ^ (letters << 1 | inside);
        for (; edges; edges &= edges - 1) {
            size_t at = base + (size_t)__builtin_ctzll(edges);
            if (inside && (status = add_word(to, word_of(text + start, at - start, size - start, 1))))
                break;
            start = at;
            inside = !inside;
        }
    }
    if (inside && status == 0)
        status = add_word(to, word_of(text + start, size - start, size - start, 1));
    int settled = table_settle(to);
    return status ? status : settled;
}
