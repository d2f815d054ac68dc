/* What plan_world.c (what happens) and plan_judge.c (what must hold) know of a trial. */
#ifndef RANKFOLD_TESTS_PLAN_TRIAL_H
#define RANKFOLD_TESTS_PLAN_TRIAL_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "plan/plan.h"
#include "plan_world.h"

#define WORKERS 12
#define JOBS 4
#define BLOCK_ITEMS 5
#define UNITS_MOST 2000
#define ADDED_MOST 500
#define ADDED_BYTES 100

enum item_state { NEVER_SEEN, TO_COME_AGAIN, OVER };

typedef struct item {
    uint8_t state;
    uint8_t attempt;                    /* the next */
    uint32_t failed_by;                 /* when TO_COME_AGAIN */
    double not_before;
} item;

typedef struct unit {
    item items[BLOCK_ITEMS];
    uint32_t chunk;
    uint8_t attempt;                    /* the next of the unit as a whole */
    uint8_t forgotten;
    bool partly;
} unit;

typedef struct chunk {
    uint64_t first, count, to_come;     /* items not OVER */
    uint64_t untaken;                   /* parts and FAILs */
    uint64_t kept;                      /* of those, until DELIVER */
    size_t kept_bytes;
    uint64_t turn;                      /* chunks before it */
    bool used, active, delivered;
} chunk;

typedef struct world_job {
    plan_job as;
    uint64_t id;
    bool started, ended, abandoned, stopped, source_failed, blocks, reading;
    bool halted, out_of_time;
    int status;                         /* it may end with; RF_OK: no reason but its items */
    double added_at, base_cost, failing;
    double level, level_at;             /* of rate_limit: what was sent beyond the rate, and when that was so */
    uint64_t source_units, handed;      /* of a sequential source */
    uint64_t known, cut;
    double growing;                     /* how often an item adds units */
    uint64_t most_units;                /* of the source: in units those that items have added stand behind them */
    uint64_t added, added_cut;
    uint64_t turns, delivered;          /* chunks */
    uint64_t failed, done, active;
    size_t held;
    bool benched[WORKERS], cannot[WORKERS];
    unit *units;
    chunk *chunks;
    uint32_t chunks_most;
} world_job;

typedef struct task {
    plan_action run;
    uint64_t covered;
    uint64_t partly_items;              /* of the unit after covered */
    bool stopped;
} task;

typedef struct world_worker {
    bool joined;
    uint64_t life;                      /* events of an earlier life are void */
    uint64_t ordinal;
    task tasks[PLAN_TASKS_MOST + 1];
    uint32_t count;
    bool busy;
    double load;
} world_worker;

enum event_kind { ADD_JOB, JOIN, LOSE, PART, ANSWER_READ, TAKE, CANCEL, ABANDON, NONSENSE, STALE };

typedef struct event {
    double at;
    uint64_t order;
    enum event_kind kind;
    uint32_t job, worker, chunk;
    uint64_t life, task;
    size_t bytes;
} event;

typedef struct world {
    uint64_t seed, random, order, ordinals;
    plan *of;
    double now;
    world_job jobs[JOBS];
    uint32_t job_count;
    world_worker workers[WORKERS];
    event *events;
    uint32_t event_count, event_most;
    plan_tally *tally;
} world;

#define PROMISE(in, holds, ...)                                                                                        \
    do {                                                                                                               \
        if (!(holds))                                                                                                  \
            broken((in), #holds, __LINE__, __VA_ARGS__);                                                               \
    } while (0)

static inline uint64_t below(world *in, uint64_t bound) { return random_below(&in->random, bound); }
static inline bool chance(world *in, double share) { return random_unit(&in->random) < share; }
static inline double between_powers(world *in, double least, double most) { return pow(10, least + (most - least) * random_unit(&in->random)); }

static inline bool is_added(uint64_t u) { return u >= PLAN_ADDED; }
static inline unit *unit_at(const world_job *j, uint64_t u) { return &j->units[is_added(u) ? j->most_units + (u - PLAN_ADDED) : u]; }
static inline bool in_block(const world_job *j, uint64_t u) { return j->blocks && !is_added(u); }
static inline uint64_t cut_of(const world_job *j, uint64_t u) { return is_added(u) ? PLAN_ADDED + j->added_cut : j->cut; }
static inline uint64_t known_of(const world_job *j, uint64_t u) { return is_added(u) ? PLAN_ADDED + j->added : j->known; }

/* plan_world.c */
void event_add(world *in, double at, event what);
void begin_next(world *in, uint32_t who, double after);     /* the worker turns to the first of its tasks */

bool may_be_begun(const world *in, const world_worker *w, uint32_t which);   /* of its tasks: inline ones run one after another, and of a
                                                               fork job as many at once as it has slots */

/* plan_judge.c */
double rate_of(const world_job *j);                         /* units a second; 0: no limit */
uint32_t slots_of(const world_job *j);
void broken(const world *in, const char *promise, int line, const char *format, ...) __attribute__((format(printf, 4, 5), noreturn));
void judge_actions(world *in);                              /* takes and judges all that the plan wants done now */
chunk *chunk_at(world *in, world_job *j, uint32_t which);
void chunk_look(world_job *j, chunk *c);
void item_is_over(world *in, world_job *j, uint64_t u, uint64_t i);
void hand_over(world *in, world_job *j, uint32_t which, size_t bytes);
bool threshold_met(const world_job *j);
double least_delay(const world_job *j, unsigned attempt);
world_job *job_of(world *in, uint64_t id);
uint32_t items_in(const world_job *j, uint64_t which);

#endif
