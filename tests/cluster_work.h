/* Jobs for simulated clusters: drawn from a seed, run by the public verbs, and compared with what is worked out here alone: each item once,
   its value or its failure, the attempts that took, the order, the status. What a function does to an item follows from the item's position
   and what is bound to the job. What is wrong is told to the caller's broken, see cluster.h. */
#ifndef RANKFOLD_TESTS_CLUSTER_WORK_H
#define RANKFOLD_TESTS_CLUSTER_WORK_H

#include "rankfold.h"

enum work_verb { WORK_MAP, WORK_MAP_UNORDERED, WORK_IMAP, WORK_IMAP_UNORDERED, WORK_MAP_ASYNC, WORK_APPLY, WORK_VERBS };
enum work_input { WORK_RANGE, WORK_ARRAY, WORK_VALUES, WORK_STRINGS, WORK_ZIP, WORK_GENERATOR, WORK_LINES, WORK_SPLITS, WORK_RECORDS, WORK_INPUTS };

typedef struct behaviour {                  /* of 1000 items each, but for seed */
    uint64_t seed;
    uint32_t failing, for_ever, large, asking;
    uint32_t growing;                       /* add items; of ordered verbs none */
    uint64_t shared;                        /* the shared data that is to be seen: its seed; 0: none */
} behaviour;

typedef struct added_item added_item;       /* see cluster_additions.h */
typedef struct expected_item { uint64_t file, offset, size; } expected_item;

typedef struct work {
    enum work_verb verb;
    enum work_input input;
    behaviour does;
    rf_options options;
    bool prepared;                          /* its function has an .init */
    bool dropped;                           /* results NULL; nobody holds the future */
    uint64_t stop_after;                    /* iterators: results that are taken; futures: looks at it; UINT64_MAX: all */
    bool left_open;                         /* then the iterator or future stays as it is until the pool closes */
    uint64_t count, element, large_items;   /* indexed sources and generators */
    int64_t start, step;
    uint64_t again, fails_at;               /* generators: one call in so many says AGAIN (0: none), and the end */
    uint64_t files[4], file_count, record_size;
    uint64_t shares;                        /* shared data given before it: its seed; 0: none */
    /* what it runs on */
    int ranks;
    bool deaths, ordered, init_fails_everywhere;
    bool short_of_memory;                   /* an allocation fails at some time: set after work_begin */
    /* as it runs */
    expected_item *items;                   /* of files, as they follow each other */
    uint64_t item_count, file_first[16];
    void *array;                            /* that its source has borrowed */
    uint8_t *seen;
    uint64_t produced, random;
    added_item *added;
    uint64_t added_count, added_most, added_taken;
    uint64_t taken, next, failed, excused, finals, done;
    unsigned called_back;
    uint64_t digest;                        /* of all results; the same on any number of ranks where the job is */
    int end;                                /* what its source ends with */
} work;

void work_files_make(void);                 /* fixtures, unchecked */
void work_files_remove(void);

void work_draw(work *one, uint64_t *random, uint64_t most);     /* most: so many items; 0: drawn */
void work_begin(work *one, int ranks, bool deaths);     /* before its verb is called */
rf_source *work_source(work *one);
rf_options work_options(work *one);
rf_map_function *work_function(const work *one);
bool work_is_exact(const work *one);        /* nothing but its items decides what comes out: twins are equal */
void work_describe(const work *one, char *text, size_t size);

const char *work_check(work *one, const rf_result *result);         /* the next one; NULL, or what is wrong */
const char *work_check_all(work *one, const rf_results *results);
const char *work_check_progress(const work *one, bool started);     /* it ends once, or not at all where it was never begun */
const char *work_check_end(work *one, int status);      /* of a verb or rf_iterator_free, when all results were taken */
void work_give_back(work *one);             /* what its source had borrowed goes: its job has ended */
void work_end(work *one);

void work_fail_init(uint64_t seed, uint32_t of_1000);   /* of ranks, whose .init will fail */

#endif
