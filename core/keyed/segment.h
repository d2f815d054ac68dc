/* Segments: what a reduce task reads, each a stretch of whole blocks of one partition of one sealed run. Where it lies:

       run     a run of this process, in memory or in its file: borrowed
       bytes   memory that came from another rank: borrowed from a larger body, or own's
       path    a file of the scratch folder, from byte at on: borrowed

   A task has as many as there are map tasks, in (input, position) order. segments_merge makes one sequence of them; where they are too many for
   one merge, neighbours of one input are first merged into larger ones, which lie in scratch files of their own. */
#ifndef RANKFOLD_KEYED_SEGMENT_H
#define RANKFOLD_KEYED_SEGMENT_H

#include "keyed/merge.h"

typedef struct segment {                /* zeros but for what is said: one of run, bytes, path */
    unsigned input;                     /* of the job */
    run_stretch stretch;                /* in the run that it is of */
    const sealed_run *run;
    const uint8_t *bytes;               /* stretch.bytes of them */
    buffer own;
    const char *path;
    uint64_t at;
    const char *name;                   /* of bytes, for messages ("run 17 of rank 3"), borrowed; NULL: "a run in memory" */
    sealed_run *made;                   /* what others were merged into: the segment's own, and its run */
} segment;

/* All as one merge, in their order. They are borrowed until merge_free, and *count of them are left, in front, also after a failure: those that
   were merged, or are empty, have been freed. low, high: keys from low on and below high alone (borrowed until merge_free; NULL: no bound). memory:
   what the windows of files may take in sum; with fewer than 16 of the least it is exceeded. */
int segments_merge(const shape *of, segment *all, uint32_t *count, const record *low, const record *high, scratch *place, size_t memory,
                   merge **made);

int segment_cursor(cursor *to, const segment *from, size_t window);   /* one alone. RF_EUSAGE: its run has no such bytes */
void segment_free(segment *old);        /* what it owns; it is zeros then, for which this is legal too */

#endif
