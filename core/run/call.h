/* A call: what a user's function sees of the run, and where its result goes. One rf_call lives as long as its executor
   (or rf_run, or a source) and is used for item after item; per item it costs a few stores: numbers go straight into
   the column of results, memory from the arena is given back by a reset. Executors, rf_run and generators make and run
   calls; user functions use them through rf_return, rf_call_...

   Failures stick: the first one wins; whatever the function does after it, the item has failed.

   call.c runs functions, call_result.c is what they return and emit, call_context.c what they ask. */
#ifndef RANKFOLD_RUN_CALL_H
#define RANKFOLD_RUN_CALL_H

#include "base/arena.h"
#include "run/counters.h"
#include "run/share_table.h"
#include "value/column.h"

#define CALL_STATE_COPIED 1024          /* bytes: bound state up to it is copied for each rf_call_state, so that functions may do what they like to it */

typedef struct call_item {              /* set for each item by who runs it */
    uint64_t position;                  /* what rf_call_index says: ordinal, or offset in path */
    const char *path;                   /* or NULL */
    uint64_t path_index;                /* or UINT64_MAX: part of the random seed */
    unsigned attempt;
} call_item;

/* By key: where pairs go that are not a map task's. */
typedef struct call_sink {
    int (*pair)(void *context, rf_value key, rf_value value);
    void *context;
    rf_value key;                       /* of the group: what a value that is returned is paired with */
} call_sink;

struct rf_call {
    column *results;                    /* where the item's value goes, one an item; NULL: nowhere (.init, filters) */
    column *emits_to;                   /* NULL: what is emitted becomes one tuple; else each is a value of its own there (flat_map) */
    column *added;                      /* where what it adds to its job goes, index and value by turns, of successes alone; NULL: the
                                           job cannot grow */
    call_item item;
    int status;                         /* RF_OK until something has failed: then its status */
    bool returned, random_begun;
    uint64_t emitted, adds;             /* by this item */
    buffer emits;                       /* MessagePack of what was emitted; between calls empty */
    arena memory;
    struct emitter *pairs;              /* of a map task by key: where pairs go; NULL: it is none */
    call_sink *sink;                    /* of a reducer or combiner; NULL: it is none */
    counters *counts;                   /* of a task by key; NULL: nothing is counted */
    uint64_t random_state;
    uint64_t turn;                      /* of a chained job: how many functions its item has been through; part of the random seed */
    /* for all items of a job; what is not NULL is borrowed */
    const char *function;
    rf_value state;
    void *worker_state;
    int rank;
    uint64_t seed, job;
    const share_table *shares;
    bool wants_tuples;                          /* any other item fails before the function sees it */
    void (*progress)(void *context);            /* lets messages move; NULL: nothing to move */
    bool (*cancelled)(void *context);           /* NULL: never */
    void *context;
    char kind[64], message[1024];
};

void call_init(rf_call *call);          /* all zero, rank -1 */
void call_free(rf_call *call);

/* which, here and below, may be &call->item, which is then filled in already.

   Runs function on item: afterwards exactly one value more is in call->results (nil when failed), or none where there
   was no memory even for the nil (RF_ENOMEM; who reserved words and (count + 1) tags before is safe). RF_OK or the
   item's status, whose kind and message are then in call. A function that returns a status without having said why is
   told so. */
int call_run(rf_call *call, rf_map_function *function, rf_value item, const call_item *which);

/* The same for what a chain and a fold run. call_flatten appends what the function emitted, or the elements of the tuple that it returned, or
   the one value, to *to; nothing where it returned nothing or failed. made: for what is not flattened yet. */
int call_flatten(rf_call *call, rf_map_function *function, rf_value item, const call_item *which, column *made, column *to);
int call_filter(rf_call *call, rf_filter_function *function, rf_value item, const call_item *which, bool *keep);
/* By key. call_pairs runs a mapper, whose pairs go to call->pairs; call_reduce a reducer or combiner, whose pairs go to call->sink. */
int call_pairs(rf_call *call, rf_map_function *function, rf_value item, const call_item *which);
int call_reduce(rf_call *call, rf_reduce_function *function, rf_value key, rf_group *values, const call_item *which);
int call_fold(rf_call *call, rf_fold_function *function, rf_value accumulator, rf_value item, const call_item *which);

/* Runs .init. RF_OK, or RF_EINIT with kind ("init" or what rf_fail was given) and message in call and *worker NULL. */
int call_init_worker(rf_call *call, const rf_registration *registration, void **worker);

/* The same for a source, whose caller sets call->item.position. RF_OK and a value more; RF_END, RF_AGAIN or a status
   and none. */
int call_generate(rf_call *call, rf_generator_function *next, void *state);

/* The index of what an item adds, by how many that call has added before: the same wherever and however often it is run. The top bit keeps
   it apart from ordinals and offsets. */
uint64_t call_added_index(const call_item *parent, uint64_t ordinal);

void call_fill_error(const rf_call *call, rf_error *error);     /* what failed, without host; points into call */

/* Makes the call fail, unless it has failed already; gives the status that sticks. The message follows "item 17:
   function: ", or what else says where. call_fail_last takes kind and message of the last error. */
int call_fail(rf_call *call, int status, const char *kind, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));
int call_fail_last(rf_call *call, int status) __attribute__((cold));

#endif
