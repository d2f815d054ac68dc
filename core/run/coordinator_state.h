/* What the coordinator is made of: seen by coordinator.c (messages, lifecycle), coordinator_hosts.c (who is where), coordinator_act.c (the
   plan's actions) and coordinator_parts.c (results) alone. */
#ifndef RANKFOLD_RUN_COORDINATOR_STATE_H
#define RANKFOLD_RUN_COORDINATOR_STATE_H

#include "run/call.h"
#include "run/by_key.h"
#include "run/coordinator.h"
#include "run/job_state.h"
#include "run/share.h"

typedef struct worker_figures {
    struct message_figures sum;         /* as told last */
    double at;                          /* when that came */
    uint64_t answered;                  /* the ASK answered last */
} worker_figures;

enum { READS_ON = 1, READS_NOTHING };   /* of a worker that is gone */

struct coordinator {
    post *via;
    const registry *functions;
    plan *decides;
    strings *hosts;                     /* by rank; shared with every result */
    LIST_HEAD(, job) jobs;              /* all of them */
    numbered_table started;             /* by id */
    LIST_HEAD(, job) tended;            /* those that each step looks at, see coordinator_tend */
    TAILQ_HEAD(, job) over;             /* held ones whose holder has not been told */
    LIST_HEAD(, by_key) by_keys;
    uint64_t by_keys_made;
    uint64_t jobs_made, unfinished;     /* unfinished: started, and not ended */
    uint64_t number;                    /* of the process's pools */
    rf_call generating;                 /* generators run in it */
    uint32_t *greeted_by;               /* ranks, as they came */
    uint64_t expected, greeted, left;   /* workers */
    uint64_t silent;                    /* of those that left: had not greeted */
    uint64_t *fingerprints;             /* by rank */
    char (*host_of)[64];
    uint32_t *cores_of;                 /* its host's, by rank */
    buffer differences;                 /* how registries differ, for a person */
    uint8_t *gone;                      /* by rank; READS_ON: it waits to hear that all have gone */
    bool dismissed, joined, in_callback;
    int next_bye, next_end;             /* the rank that hears it next: BYE, and that all have gone */
    bool has_lost;                      /* a worker is lost: whoever waits for it must not */
    plan_failure *plan_failures;        /* scratch, for the part in hand */
    item_failure *item_failures;
    uint64_t *again;
    uint64_t scratch_most;
    worker_figures *figures;            /* by rank; NULL until there are any */
    long_items longest;                    /* of all workers */
    uint64_t asked;                     /* ASKs so far */
    double opened, now;
    int status;                         /* why nothing works any more */
    shares *shares;
    struct announcement *announced;     /* the versions of shared data that workers know, or will */
    uint64_t shares_made, superseded;   /* superseded: announcements that have a newer one */
    int *lost;                          /* ranks, since there is shared data: told to the others one by one */
    int lost_count, lost_told, lost_next;
};

void coordinator_warn_of_crowds(coordinator *runs);                 /* all have greeted */
job *coordinator_job(coordinator *runs, uint64_t id);               /* NULL: nobody's */
int coordinator_take_part(coordinator *runs, message *what);
int coordinator_take_figures(coordinator *runs, const message *what);
int coordinator_act(coordinator *runs, const plan_action *action);
message coordinator_job_message(const job *of);                     /* its JOB, as workers hear it; the body is the job's */
int coordinator_read(coordinator *runs, job *of);                   /* goes on with a READ */
void coordinator_tell_progress(coordinator *runs, job *of, bool final);     /* what of->done and of->total say; nothing after final */
void coordinator_tend(coordinator *runs, job *of);                  /* it reads, tells its progress, or waits to be over */
void coordinator_job_ended(coordinator *runs, job *of, int status);
void coordinator_job_broke(coordinator *runs, job *of);             /* the last error ends this job, and it alone */
int coordinator_fail_units(coordinator *runs, const plan_action *action);       /* the plan's FAIL */

/* coordinator_share.c */
int coordinator_take_share(coordinator *runs, message *what);
int coordinator_tell_shares(coordinator *runs);         /* what has not been told yet. RF_ENOMEM: some of it is left */
void coordinator_share_lost(coordinator *runs, int rank);
bool coordinator_shares_settled(const coordinator *runs);       /* every worker has every version */
double coordinator_step_shares(coordinator *runs, double now);
void coordinator_free_shares(coordinator *runs);

#endif
