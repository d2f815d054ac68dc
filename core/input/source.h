/* Sources: the input as rank 0 knows it. A verb takes one, prepares it, and then the coordinator describes pieces of it as
   the scheduler cuts them.

   Two natures. Indexed sources (range, array, values, strings, files) can describe any piece at any time, again for a
   retry: they keep nothing for what runs. Sequential ones (generator, standard input, and lists of paths with "-" among
   them) are read ahead as the window allows: source_read pulls units in and keeps them until source_forget.

   Paths: directories are walked (byte order of paths), files are looked at (stat) in source_prepare; the table of paths is
   shared with the results, which name the file of each item. Memory is O(paths), never O(bytes), for indexed sources;
   O(what was read and not forgotten) for sequential ones.

   With a rate_limit, files whose blocks hold many items are read by rank 0, as standard input is: workers would take a whole block at once.

   Any source grows by what items add to their job: units from SOURCE_ADDED on, which are known by their index instead of their number,
   and are kept until source_forget (growth.h). */
#ifndef RANKFOLD_INPUT_SOURCE_H
#define RANKFOLD_INPUT_SOURCE_H

#include "base/strings.h"
#include "input/piece.h"
#include "value/column.h"

#define SOURCE_PIECE_BYTES 65536    /* what a piece aims at, at most; a unit above it travels alone */

#define SOURCE_ADDED (UINT64_C(1) << 63)    /* the first unit of what items have added */

/* How a generator is run: rf_call is above this layer. call runs next once, as call_generate (run/call.h) does: RF_OK and one
   value more in *to, or RF_END, RF_AGAIN, or a status, and none. */
typedef struct source_caller {
    int (*call)(void *caller, rf_generator_function *next, void *state, column *to);
    void *caller;
} source_caller;

/* Once, before all else: gives the error that waited, walks directories, cuts blocks. RF_EOPTION: an iterable_len above a known
   length, or for blocks that workers read, whose items nobody has counted. caller: copied; NULL where no generator will come. */
int source_prepare(rf_source *source, const rf_options *settled, const source_caller *caller);
bool source_sequential(const rf_source *source);
uint64_t source_length(const rf_source *source);        /* units; UINT64_MAX: unknown. Of a sequential source: iterable_len, which it may not
                                                           reach; what it was when it has ended. A range may really have UINT64_MAX */
bool source_read_by_workers(const rf_source *source);   /* units are blocks, items are known by path and offset; some of them, where the
                                                           list has "-" too: its items are known by their ordinals */
size_t source_unit_bytes(const rf_source *source);      /* that travel with a unit (mean, of what is known): 0 for ranges and files */

/* For jobs by key. source_in_blocks, before source_prepare: files are cut into blocks of a size that follows from the size of the input alone, at most so
   large. source_stretch: how many units from first on, at least one and at most most, have at most so many bytes together. */
void source_in_blocks(rf_source *source, uint64_t most);
uint64_t source_split(const rf_source *source);         /* how large the blocks that workers read are; 0: there are none */
uint64_t source_bytes(const rf_source *source);         /* all of the input, as far as it is known; 0: it is not */
uint64_t source_stretch(const rf_source *source, uint64_t first, uint64_t most, uint64_t bytes);

/* Sequential: reads up to want units (> 0) without blocking. *got: how many came. RF_OK: at least one; RF_AGAIN: nothing now, *descriptor
   (or -1) tells what to wait for, or *delay in how many seconds to ask again (else INFINITY); RF_END: no more, ever; else an error: no more, and
   the job is told; also then *got units may have come. */
int source_read(rf_source *source, uint64_t want, uint64_t *got, int *descriptor, double *delay);

/* Describes units [first, first + count), or as many of them as one piece can hold: *described >= 1. With position not UINT64_MAX: the one
   item at that offset of unit first (worker-read, for a retry). A sequential source must have read them and not forgotten. */
int source_describe(rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described);
void source_forget(rf_source *source, uint64_t first, uint64_t count);  /* sequential, or added: in any order, each unit once */

int source_add(rf_source *source, const column_view *pairs);    /* index and value by turns, copied: the next units from SOURCE_ADDED on */
void source_indices(const rf_source *source, uint64_t first, uint64_t count, uint64_t *to);     /* of added units; UINT64_MAX where there was no memory for one */

/* What rf_materialise gives: all items of a source as one of values. Waits where a source has nothing yet, as nothing else here does. Consumes
   source; never NULL: an error waits in it. */
rf_source *source_materialise(rf_source *source, const rf_options *settled, const source_caller *caller);

/* A source of its own for one more job over the same input: how a sequence is evaluated again. Values are shared, paths are walked anew; a
   generator, and standard input, can be read only once: the first reading takes them, in later ones RF_EUSAGE waits. The
   source may be freed before its readings. Never NULL. */
rf_source *source_reading(rf_source *source);
rf_source *source_share(rf_source *source);             /* one more that calls rf_source_free */
bool source_can_take(const rf_source *source);          /* false: nobody can tell before where its items end (files) */
void source_take(rf_source *reading, uint64_t most);    /* reads no item beyond most */

/* A dataset's pairs: parts in their order, copied (first is made here). release is called, once, when no reading needs the parts any more. Never NULL.
   source_failed: one in which the last error waits. */
rf_source *source_pairs(const struct input_pairs *parts, uint32_t count, void (*release)(void *held), void *held);
rf_source *source_failed(int status);
int source_gone_rank(const rf_source *source, const uint8_t *gone);    /* one that has pairs of it and is gone, by gone[rank]; -1: none */

/* A source of values that grows until it is first read. RF_ENOMEM. */
rf_source *source_gather(void);
int source_gather_add(rf_source *to, rf_value value);   /* copies */

strings *source_paths(const rf_source *source);         /* NULL where items come from no file; the source's, to share */
bool source_path_of(const rf_source *source, uint64_t unit, uint64_t *path_index);  /* false: unit is not of a file */

#endif
