/* A table of words and how often each was seen, for wordcount: open addressing, with short words inside the slots. A
   word is a run of ASCII letters without regard to capitals; the table keeps it lowered. It belongs to whoever
   declares it, zeroed at first. Calls return 0 or ENOMEM. */
#ifndef WORD_TABLE_H
#define WORD_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define WORD_SHORT 16                   /* letters that have room in a slot */
#define WORD_BATCH 32                   /* slots that are asked for at once */

typedef struct word {
    union {
        char text[WORD_SHORT];          /* lowered, zeros behind */
        uint64_t half[2];
        struct {
            char *bytes;                /* of a longer word; owned by the table */
            uint64_t hash;
        } longer;
    };
    uint64_t length;
    uint64_t count;                     /* 0: an empty slot */
} word;

/* What is added waits, while its slot is on the way from memory: large tables are as fast as memory takes requests,
   not as slow as it answers one. */
typedef struct table {
    word *slots;
    size_t size;                        /* a power of two, or 0 */
    size_t used;
    word waiting[WORD_BATCH];
    size_t waits;
} table;

void table_free(table *of);
int table_count_text(table *to, const char *text, size_t size);     /* counts the words of text */

/* Adds count times a word. room: how many bytes may be read from letters on, at least length. The letters are
   borrowed until table_settle, which must come last. */
int table_add(table *to, const char *letters, size_t length, size_t room, uint64_t count);
int table_settle(table *to);

void table_sort(table *sorted);         /* by bytes, into slots[0 .. size): after this nothing can be added */

static inline const char *word_bytes(const word *of)
{
    return of->length <= WORD_SHORT ? of->text : of->longer.bytes;
}

#endif
