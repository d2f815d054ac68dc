/* A job by key as rank 0 knows it: what workers are told of it, who has been told, and which of the runs that they sealed count. The verb (mapreduce.c) makes it
   and commits runs; jobs that are parts of it, and datasets, hold it; the coordinator announces it to each worker that gets a task of such a job
   (introduce), and lets workers release what nobody holds any more.

   Rank 0 has 16 bytes for each run, and the splitters: no pair ever comes here. */
#ifndef RANKFOLD_RUN_BY_KEY_H
#define RANKFOLD_RUN_BY_KEY_H

#include <sys/queue.h>

#include "keyed/record.h"
#include "wire/message.h"

struct coordinator;

typedef struct by_key {
    uint64_t id;                        /* counted from 1 by the pool */
    struct message_keyed says;          /* ranks_here is each receiver's own */
    buffer body;                        /* of KEYED */
    buffer places;                      /* struct message_run_place[], in (input, position) order once it is told */
    buffer splitters;                   /* records */
    uint32_t splitter_count;
    uint8_t *knows, *knows_runs;        /* a bit a rank */
    int ranks;
    unsigned users;
    int lost;                           /* a rank that had runs of it and is gone; -1: none */
    struct coordinator *runs;           /* NULL: the pool is closed */
    LIST_ENTRY(by_key) all;
} by_key;

int by_key_new(struct coordinator *runs, by_key **made);        /* the caller is its first user */
/* Before the first job of it is started. says: all but the sizes of texts. RF_ENOMEM, or what pack_value says of a state that cannot travel. */
int by_key_say(by_key *of, const struct message_keyed *says, const char *folder, const char *kinds, rf_value state);
void by_key_hold(by_key *of);
void by_key_let_go(by_key *of);         /* NULL is legal. The last one: workers release all of it */
int by_key_commit(by_key *of, const struct message_run_place *place);
void by_key_release_runs(by_key *of);   /* those of map tasks: nobody reads them any more */
int by_key_introduce(by_key *of, int worker, bool reduces);     /* before a JOB of it */
void by_key_lost(struct coordinator *runs, int rank);           /* jobs that have runs there, or read a dataset that has, can only fail */
struct job;
int by_key_reads_lost(const struct coordinator *runs, const struct job *part);      /* RF_ELOST: told */
void by_key_pool_closes(struct coordinator *runs);

#endif
