/* What a worker holds of jobs by key, and gives to others that ask.

       map task      emitter -> sealed run, in kept         its id goes to rank 0 with the part; others pull stretches of it
       reduce task   gather (gather.h) -> merge -> reducer -> a part of the output, or a run in made: a dataset's part

   Rank 0 announces a job by key (KEYED) before its first JOB, tells which runs count before the reduce tasks (RUNS), and says when nothing needs the
   map tasks' runs any more, or anything (RELEASE). A run that rank 0 never committed (its attempt failed elsewhere, or came second) is asked
   for by nobody and goes with the others.

   PULLs are answered as soon as they come, also while a function runs here (post_serve): nobody waits for a long function but through MPI
   itself. An answer is copied out of its run, which may be on scratch, and belongs to the post.

   A child of the rank has a shuffle of its own of each job (fork_keyed.h), which serves nobody: what it makes the rank takes over, and gives.

   Memory: of a job's budget a quarter is staged by the map task in work, half is kept as runs, and an eighth is what each of two reduce tasks
   gathers; beyond that everything is on scratch.

   Owned by the worker. A shuffle is found by its number, and lives until RELEASE. */
#ifndef RANKFOLD_RUN_SHUFFLE_H
#define RANKFOLD_RUN_SHUFFLE_H

#include <sys/queue.h>

#include "base/numbered.h"
#include "keyed/emit.h"
#include "keyed/output.h"
#include "keyed/spill.h"
#include "run/call.h"
#include "run/logbook.h"
#include "run/registry.h"
#include "wire/post.h"

typedef struct shuffles shuffles;
struct gather;

typedef struct shuffle {
    numbered by_id;
    LIST_ENTRY(shuffle) all;
    shuffles *among;
    unsigned users;                     /* jobs here that are parts of it, and gathers */
    bool released;                      /* it goes with the last of them */
    struct message_keyed said;          /* as it was announced */
    shape shape;                        /* of map tasks' runs */
    shape flat;                         /* of a dataset's parts: one partition, as it was emitted */
    emitter *emits;                     /* made by the first map task */
    uint64_t emits_task;                /* whose pairs are in it */
    bool emits_failed;                  /* that task has failed already: what still comes of it is passed over */
    buffer passed;                      /* items that it goes without, as message_add_failure has them */
    uint64_t passed_count;
    spill *kept, *made;
    uint64_t next_run;                  /* ids are this rank's, of both, never 0 */
    char *folder, *kinds;
    output_format format;
    rf_call combining;                  /* the user's combiner runs in it */
    call_sink combined;
    const rf_registration *combiner;
    buffer state;
    counters counts;
    struct message_run_place *places;   /* what was committed */
    uint64_t runs;
    buffer splitter_bytes;
    record *splitters;
    uint32_t splitter_count;
    bool by_ranges;
    size_t gather_memory;
    uint64_t spilled;                   /* of what was written to scratch: told to rank 0 */
    logbook *log;                       /* in a child of the rank: where the task in work says what it is at. Else NULL */
} shuffle;

int shuffles_new(post *via, const registry *functions, shuffles **made);
int shuffles_new_alone(const registry *functions, const char *place, shuffles **made);  /* in a child of the rank: gives nothing to others. place: of its scratch */
void shuffles_free(shuffles *all);                              /* NULL is legal. Removes the scratch folder */
int shuffles_take(shuffles *all, const message *what);          /* KEYED, RUNS, RELEASE */
shuffle *shuffles_find(const shuffles *all, uint64_t id);       /* NULL */
void shuffle_hold(shuffle *of);
void shuffle_let_go(shuffle *of);                               /* NULL is legal */
post *shuffles_post(const shuffles *all);
const registry *shuffles_functions(const shuffles *all);
int shuffles_scratch(shuffles *all, char **path);               /* of a new file, malloc'ed */
scratch *shuffles_place(const shuffles *all);
struct gather **shuffles_gathers(shuffles *all);                /* a list, gather.c's */
uint64_t shuffles_number(shuffles *all);                        /* never the same */

/* What this rank asks of others, one answer each (PULL, PULLED): how many answers are still to come. Stopped: nothing is asked any more, RF_ECLOSED. */
int shuffles_ask(shuffles *all, int peer, const message *what);
void shuffles_answered(shuffles *all);
uint64_t shuffles_asked(const shuffles *all);
void shuffles_stop(shuffles *all);

int shuffle_emitter(shuffle *of);                               /* makes it where there is none */
int shuffle_keep(shuffle *of, sealed_run *made, uint64_t *id);  /* takes it: a map task's */
uint64_t shuffle_spilled(shuffle *of);                          /* bytes that went to scratch to make room, since it was asked last */
int shuffle_make(shuffle *of, sealed_run *made, uint64_t *id);  /* a dataset's part */
/* Keys of partition p by ranges: from *low on and below *high; NULL: no bound. */
void shuffle_range(const shuffle *of, uint32_t p, const record **low, const record **high);

void shuffle_answer(void *context, const message *what);        /* a PULL; context: the shuffles */

/* Where in a part of a dataset the blocks with these records lie, and how many records of them come before the first. RF_EINPUT: it has not so many. */
int shuffle_records(const sealed_run *of, uint64_t first, uint64_t count, run_stretch *to, uint64_t *skip);

#endif
