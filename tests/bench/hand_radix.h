/* What the hand-written sorter and the hand-written counter have in common: some processes of one machine that read a file, spread records
   over buckets, take a range of buckets each from all, sort it, and write their part of one output. The first failure ends everything. */
#ifndef BENCH_HAND_RADIX_H
#define BENCH_HAND_RADIX_H

#include <pthread.h>
#include <sys/types.h>

#include "work.h"

enum { RADIX_PROCESSES_MOST = 8, RADIX_BUCKETS = 1024, RADIX_CHUNK = 256, RADIX_WRITE = 256 * 1024 };

typedef unsigned __int128 record;       /* ascending. Its upper 10 bits name the bucket */

/* What a process shows the others: they read it behind a barrier, the chunks out of its memory. Huge pages are why these are
   not in shared memory, which does not have them everywhere. */
typedef struct holdings {
    pid_t pid;
    uint64_t bytes, records[RADIX_BUCKETS];
    uint32_t last[RADIX_BUCKETS];       /* the bucket's last chunk: the only one that is not full */
    uint32_t *before;                   /* of each chunk: the one of its bucket before it, 0: none */
    record (*chunks)[RADIX_CHUNK];
} holdings;

typedef struct shared {
    pthread_barrier_t barrier;
    holdings of[RADIX_PROCESSES_MOST];
} shared;

typedef struct process {
    int number, processes, in, out;
    const char *input;                  /* two pages of zeros lie behind it */
    size_t size;
    uint32_t chunks;
    holdings *mine;
    shared *all;
} process;

void need(bool holds, const char *what);
void *radix_memory(size_t size);

/* Runs work in so many processes; each puts at most records_most. Returns the exit status. */
int radix_run(const char *processes, const char *input, const char *output, void work(process *), size_t bytes_a_record);
void radix_wait(process *);             /* until all have come here */

static inline void radix_put(process *p, record r)
{
    unsigned bucket = (unsigned)(r >> 118);
    holdings *to = p->mine;
    uint64_t at = to->records[bucket]++ % RADIX_CHUNK;
    if (at == 0) {
        to->before[++p->chunks] = to->last[bucket];
        to->last[bucket] = p->chunks;
    }
    to->chunks[to->last[bucket]][at] = r;
}

/* When all have put theirs: those of this process's range, sorted, and how many lie in the ranges before it. */
record *radix_take(process *p, uint64_t *count, uint64_t *before);

typedef struct writer { char *buffer; size_t used; uint64_t at; int to; } writer;
void writer_open(writer *, const process *, uint64_t at);
void writer_flush(writer *);
static inline char *writer_room(writer *w, size_t most)     /* w->used is then moved on by the caller */
{
    if (w->used + most > RADIX_WRITE)
        writer_flush(w);
    return w->buffer + w->used;
}

#endif
