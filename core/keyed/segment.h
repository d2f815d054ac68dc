/* (Interface as core/run/gather.c uses it, laid down here by the one who writes that: implement it as it is, in segment.c; improve wording.)

   Segments: what a reduce task reads, each a stretch of whole blocks of one partition of one sealed run, in order. Where it lies:
       - in a run of this process (borrowed: the run stays until segment_free),
       - in memory, as it came from another rank: bytes borrowed from a larger body, or owned,
       - in a file of the scratch folder, from byte `at` on. */
#ifndef RANKFOLD_KEYED_SEGMENT_H
#define RANKFOLD_KEYED_SEGMENT_H

#include "keyed/merge.h"
#include "keyed/scratch.h"

typedef struct segment {
    unsigned input;
    const sealed_run *run;          /* of this process, borrowed; or NULL */
    run_stretch stretch;            /* of the run, here and where it was made: offset and bytes */
    const uint8_t *bytes;           /* stretch.bytes of them, borrowed or own's; or NULL */
    buffer own;
    const char *path;               /* of a file, borrowed; or NULL */
    uint64_t at;
    const char *name;               /* for messages ("run 17 of rank 3"), borrowed; NULL: path or "a run in memory" */
} segment;

/* One merge of them all, in their order, which is that of (input, position). They are borrowed until merge_free, but for those that were merged
   down before because they were too many: these are freed (segment_free) and replaced by fewer, *count of them. low, high: filter of keys
   (borrowed), or NULL. memory: bytes that all windows of files may take. */
int segments_merge(const shape *of, segment *all, uint32_t *count, const record *low, const record *high, scratch *place, size_t memory, merge **made);
int segment_open(cursor *to, const segment *from, size_t window);   /* for those that read one alone (a dataset's part) */
void segment_free(segment *old);    /* own, nothing that is borrowed */

#endif
