/* One call of rf_mapreduce: what its files share. mapreduce.c is the verb, from beginning to end; mapreduce_asked.c what its caller asks for; mapreduce_parts.c the jobs
   of the pool that it consists of; mapreduce_commits.c what comes of their tasks. Nobody else includes this. */
#ifndef RANKFOLD_MAPREDUCE_H
#define RANKFOLD_MAPREDUCE_H

#include "dataset.h"
#include "keyed/output.h"
#include "keyed/sketch.h"

typedef struct committed {
    uint64_t unit;
    struct message_run_place place;
} committed;

typedef struct task_progress { uint64_t done, total; struct by_key_run *of; } task_progress;

/* One call of rf_mapreduce. */
typedef struct by_key_run {
    rf_pool *pool;
    rf_job said;
    rf_options settled;                         /* for the job as a whole */
    const rf_options *options;
    const rf_registration *reducer;
    uint32_t reducer_number;
    struct message_keyed says;
    by_key *of;
    output *out;
    rf_dataset *made;
    job *parts[RF_INPUTS_MOST];                 /* map jobs; then the reduce job is the first */
    uint32_t part_count, inputs;                /* inputs: of the job */
    bool reduces;
    buffer commits;                             /* committed[] */
    sketch sample;
    failure *wrong;                             /* why it ends early */
    double deadline;
    task_progress progress[RF_INPUTS_MOST + 1];
    rf_progress line;
    void (*on_progress)(uint64_t done, uint64_t total, bool final, void *user);
    void *progress_user;
} by_key_run;

int by_key_check(by_key_run *run, const rf_job *given);         /* copies it, and finds its functions. RF_EUSAGE, RF_EOPTION, RF_EUNREGISTERED ... */
uint32_t by_key_partitions(const by_key_run *run);              /* automatic, once its map jobs are made */

void by_key_settle_progress(by_key_run *run);
void by_key_tell_progress(by_key_run *run, bool final);
int by_key_make_maps(by_key_run *run);                          /* consumes sources, as far as it gets */
int by_key_make_reduce(by_key_run *run);
int by_key_run_parts(by_key_run *run);                          /* those that are made, to their end, and closes them */
void by_key_close_parts(by_key_run *run);

int by_key_take(by_key_run *run, uint32_t part, const rf_result *of);   /* what came of a task; a status ends it all */
int by_key_commit_all(by_key_run *run);                         /* all is mapped: which runs count, and where ranges of keys end */

#endif
