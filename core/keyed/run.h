/* A sealed run: the records of a map task (or of a merge), by partition, each sorted, immutable. It lies in memory or in a file of the
   scratch folder, byte for byte the same, and travels as it is:

       block ... block | block ... block | ...     | partition ... | mark ... | sample | tail |
       `-- partition 0   `-- partition 1           `-- index, checked by the tail

       block:   | stored 8 | raw 8 | records 4 | flags 4 | checksum 8 | stored bytes: records, or these through zlib |

   A block ends with the record that brings it to RUN_BLOCK bytes: one record may be a block, of any size. Its checksum
   (XXH3, 64 bits) covers its head and its bytes. Its mark in the index says where it is and with what it begins. Equal keys are in the
   order in which they were emitted, or by value.

   Who writes: emit.h seals a task's rows, merge.h merges runs into one. Who reads: cursor.h. The owner of a run frees it; a file
   that the run brought along is removed then. A run is of one input of the job, and knows nothing of tasks and attempts:
   who keeps runs knows which they are, and gives them to a merge in their order. */
#ifndef RANKFOLD_KEYED_RUN_H
#define RANKFOLD_KEYED_RUN_H

#include "base/buffer.h"
#include "keyed/sketch.h"
#include "keyed/shape.h"

#define RUN_BLOCK ((size_t)65536)
#define RUN_BLOCK_HEAD ((size_t)32)
#define RUN_DEFLATED 1u                             /* flag of a block */

typedef struct run_partition {
    uint64_t offset, bytes;                         /* of its blocks in the run */
    uint64_t first_block, blocks;
    uint64_t records, content;                      /* content: bytes of keys and values, as encoded */
} run_partition;

typedef struct run_mark {                           /* of a block */
    uint64_t offset;                                /* in the run */
    uint64_t prefix;                                /* record_prefix of its first key */
} run_mark;

typedef struct sealed_run {
    uint32_t partitions;
    uint32_t sample_limit;
    uint64_t bytes, records, content, blocks;
    run_partition *parts;
    run_mark *marks;                                /* of all blocks */
    uint8_t *sample;                                /* for sketch_merge */
    size_t sample_size;
    buffer memory;                                  /* all bytes; or empty: they are in the file */
    char *path;                                     /* or NULL */
    bool kept;                                      /* the file stays when the run is freed */
    uint8_t *index;                                 /* a copy of it, aligned: what parts, marks and sample point into */
} sealed_run;

void run_free(sealed_run *old);                     /* NULL is legal */
int run_spill(sealed_run *of, const char *path);    /* writes it to path and frees its memory. RF_EOUTPUT: it stays as it is */
int run_give(sealed_run *of, const char *path);     /* to path, a new file that stays: for another process to open. Frees it, also after RF_EOUTPUT */

/* A run that somebody else sealed: in a file (*made removes it when owned), or its bytes (taken, also after a failure). RF_EINPUT names the
   file and the offset. The index is checked whole; blocks are when they are read. */
int run_open_file(const char *path, bool owned, sealed_run **made);
int run_open_bytes(buffer *bytes, sealed_run **made);

/* Whole blocks that follow each other: what a reducer reads of a run, and what a peer is sent of it. */
typedef struct run_stretch { uint64_t offset, bytes; } run_stretch;

int run_stretch_of(const sealed_run *of, uint32_t partition, run_stretch *to);      /* all of a partition; RF_EUSAGE: there is no such */

/* The least stretch of partition 0 that holds every key from low on and below high (NULL: no bound). At both of its ends there may be others:
   see cursor_limit. bytes may be 0. Marks tell most; RF_EINPUT, RF_ENOMEM: of blocks that had to be looked into. */
int run_stretch_range(const sealed_run *of, const record_order *order, const record *low, const record *high, run_stretch *to);

/* size bytes of the run as they lie. RF_EUSAGE: it has no such bytes; RF_EINPUT: its file cannot be read. */
int run_copy(const sealed_run *of, uint64_t offset, size_t size, uint8_t *to);

/* ---- writing ------------------------------------------------------------------------------------------------------ */

typedef struct run_writer {
    const shape *of;
    buffer out;                                     /* what is not in the file yet; in memory all of it */
    buffer raw;                                     /* the records of a block that will be compressed */
    uint64_t written;                               /* bytes that are in the file */
    size_t head;                                    /* in out: where the block in work begins; SIZE_MAX: none */
    uint32_t block_records;
    uint64_t block_prefix, block_content;           /* of the first of them; of all */
    int file;                                       /* -1: in memory */
    char *path;
    buffer parts, marks;                            /* run_partition[], run_mark[] */
    sketch sample;
    buffer last_key;                                /* of the sketch's next key, of which last_weight records came */
    uint64_t last_weight, last_hash;
    record last;
} run_writer;

/* path: a new file, or NULL: memory, where expected bytes are reserved. A writer that
   began is ended or abandoned. RF_EOUTPUT names path, need and free space. */
int run_begin(run_writer *to, const shape *of, const char *path, size_t expected);
int run_add(run_writer *to, const record *it, const uint8_t *bytes, size_t size);   /* bytes: the record as it was written */
int run_end_partition(run_writer *to);              /* the next record is of the next one */
int run_end(run_writer *to, sealed_run **made);     /* after the last partition; also after a failure the writer is gone */
void run_abandon(run_writer *to);                   /* removes the file */

#endif
