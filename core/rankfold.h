/* Rankfold: map registered C functions over MPI ranks. This header is the manual, in the order in which a newcomer asks:
   a program, the conventions, then simple to advanced.

       static int square(rf_call *call, rf_value item)
       {
           int64_t x;
           if (RF_ARGS(call, item, x))
               return RF_EARGS;
           return RF_RETURN(call, x * x);
       }
       RF_REGISTER(square);                    // one line registers it, on every rank

       static int driver(rf_pool *pool, int argc, char **argv)
       {
           RF_AUTO(rf_results, results);
           int status = rf_map(pool, square, rf_range(0, 100), NULL, &results);
           for (uint64_t i = 0; i < rf_results_len(results); i++)
               printf("%" PRId64 "\n", rf_i64(rf_results_value(results, i)));
           return status;
       }

       int main(int argc, char **argv) { return rf_main(argc, argv, driver); }

       mpicc square.c $(pkg-config --cflags --libs rankfold) && mpirun -n 9 ./a.out

   Words: an item is one element of the input; a chunk is the run of consecutive items that a worker gets at once; a job is
   one call of a verb (rf_map, rf_imap, ...); an attempt is one execution of an item. Rank 0 schedules, the other ranks work;
   where there is one rank alone, it does both.

   Conventions, stated once
   - Status: every call that can fail returns 0 (RF_OK), a negative RF_E... or one of the two positives that are no
     errors: RF_END, RF_AGAIN. rf_last_error() tells the details of the last call that failed. The library never prints,
     but to a FILE that it is given, and never exits; rf_main prints one line at the end and chooses the exit status.
   - Handles: an output parameter is always written: the handle, or NULL when none was made. rf_*_free(NULL) is legal.
     A call that fails because items failed (RF_EITEMS, RF_EHALTED, RF_ETIMEOUT) still gives its results.
   - Sources and sequences are never NULL: what went wrong while one was made waits in it, and the verb that takes it returns
     it. A verb consumes its source, also when it fails.
   - Inside a function a failure sticks to the call: after RF_ARGS, rf_fail, rf_return ... has failed, the item has
     failed, whatever the function does next.
   - Options: zero is "not said". Then the function's registered default holds, then the pool's, then RANKFOLD_* in the
     environment, then the library's. "Off" has a value of its own (RF_NONE) wherever off is not the default. Every
     switch is named so that its default is off.
   - Pointers are never NULL unless the call says so. What a call takes it copies, unless it says "borrowed".
   - Times are seconds in double; sizes are bytes in size_t; counts are uint64_t.
   - Threads: a pool belongs to the thread that opened it. Nothing runs behind the caller's back: rank 0 schedules
     inside the calls made on the pool.
   - Callbacks: a generator and on_progress run in the middle of a call and may not use the pool (RF_EBUSY). Callbacks of
     futures come between two steps of the outermost call on the pool, and may: see rf_future. */
#ifndef RANKFOLD_H
#define RANKFOLD_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
#include <cmath>
extern "C" {
#else
#include <math.h>
#endif
#pragma GCC visibility push(default)

#define RF_VERSION "0.1.0"
const char *rf_version(void);               /* of the library that runs, "major.minor.patch" */

typedef struct rf_pool rf_pool;
typedef struct rf_call rf_call;
typedef struct rf_source rf_source;
typedef struct rf_results rf_results;
typedef struct rf_iterator rf_iterator;
typedef struct rf_future rf_future;
typedef struct rf_seq rf_seq;
typedef struct rf_group rf_group;           /* the values of one key, as a reducer sees them */
typedef struct rf_dataset rf_dataset;       /* what a job by key has made */

/* ---- status and error ---------------------------------------------------------------------------------------- */

#define RF_STATUSES(X)                                                                                                 \
    X(RF_OK, 0, "done") X(RF_END, 1, "nothing more") X(RF_AGAIN, 2, "not yet")                                         \
    X(RF_EITEMS, -1, "some items failed; the results tell which") X(RF_ENOMEM, -2, "out of memory")                    \
    X(RF_EUSAGE, -3, "wrong use of the library") X(RF_EARGS, -4, "an item is not what its function takes")             \
    X(RF_EFUNCTION, -5, "the function failed") X(RF_EUNREGISTERED, -6, "function not registered")                      \
    X(RF_EREGISTRY, -7, "ranks disagree about their functions") X(RF_EINIT, -8, "a worker could not be initialised")   \
    X(RF_ETIMEOUT, -9, "out of time") X(RF_ECRASH, -10, "the function crashed") X(RF_ELOST, -11, "the rank was lost")  \
    X(RF_ECLOSED, -12, "the pool is closed") X(RF_ECANCELLED, -13, "cancelled") X(RF_EEMPTY, -14, "empty input")       \
    X(RF_ERANGE, -15, "outside the results") X(RF_EOPTION, -16, "bad option") X(RF_EINPUT, -17, "bad input")           \
    X(RF_EOUTPUT, -18, "output could not be written") X(RF_EEXISTS, -19, "output exists")                              \
    X(RF_EBUSY, -20, "not from inside this callback") X(RF_EHALTED, -21, "halted: too many items failed")              \
    X(RF_EMPI, -22, "MPI failed")
enum {
#define RF_STATUS_(name, number, text) name = (number),
    RF_STATUSES(RF_STATUS_)
#undef RF_STATUS_
};

typedef struct rf_error {
    int status;
    const char *kind;       /* what retry.on matches: "arguments", "function", "memory", "input", "init", "timeout", "crash",
                               "executor", "cancelled", "halted", or what rf_fail was given; never NULL */
    const char *message;    /* one line for a person; never NULL */
    uint64_t index;         /* the item: its position in the source, see rf_result */
    const char *function;   /* NULL where no function was at fault; likewise host */
    const char *host;
    int rank;               /* -1 where no rank was at fault */
    unsigned attempt;       /* 0 where nothing was attempted */
    const char *replay;     /* names the item for RANKFOLD_REPLAY, see "replay" below; NULL where no item was attempted,
                               and for one that a function added (rf_call_add) */
} rf_error;

const char *rf_status_name(int status);     /* "RF_EITEMS"; "unknown status" for a number that is none */
const char *rf_status_text(int status);
const rf_error *rf_last_error(void);        /* of this thread; never NULL; valid until its next call that fails */

/* Warnings (a worker could not be used, fewer ranks than asked for, more workers on a host than it has cores) go to one sink: by default nowhere; rf_main sets one
   that writes to standard error where the program has set none. sink NULL: nowhere. */
typedef void rf_log_function(const char *message, void *user);
void rf_log_to(rf_log_function *sink, void *user);

/* ---- values ---------------------------------------------------------------------------------------------------- */

typedef enum rf_type { RF_NIL, RF_BOOL, RF_I64, RF_U64, RF_F64, RF_TEXT, RF_BYTES, RF_TUPLE_TYPE, RF_DICT_TYPE } rf_type;

/* A value is a view of 16 bytes that travels in two registers: numbers are in it, everything else is pointed to and
   belongs to whoever made it. tag is size << 8 | type (4 bits; the other 4 are the library's): read it with rf_type_of and
   rf_size. Items, results and what RF_ARGS reads start at a multiple of 16, and a NUL that size does not count follows
   their text and bytes; parts taken off a container or a text (rf_take, rf_take_line) point into it and have neither.
   Tuples and dictionaries are MessagePack (msgpack.org) once they have travelled: data and size are its bytes. Those that
   rf_tuple_of, rf_dict_of, rf_zip and rf_single make are not. */
typedef struct rf_value {
    union {
        const void *data;
        int64_t i64;
        uint64_t u64;
        double f64;
        bool truth;
    };
    uint64_t tag;
} rf_value;

static inline rf_type rf_type_of(rf_value v) { return (rf_type)(v.tag & 15); }
static inline size_t rf_size(rf_value v) { return (size_t)(v.tag >> 8); }
static inline rf_value rf_view(rf_type type, const void *data, size_t size)
{
    rf_value v;
    v.data = data;
    v.tag = (uint64_t)size << 8 | (uint64_t)type;
    return v;
}
static inline rf_value rf_nil(void) { return rf_view(RF_NIL, NULL, 0); }
static inline rf_value rf_of_bool(bool x) { rf_value v; v.u64 = x; v.tag = RF_BOOL; return v; }
static inline rf_value rf_of_i64(int64_t x) { rf_value v; v.i64 = x; v.tag = RF_I64; return v; }
static inline rf_value rf_of_u64(uint64_t x) { rf_value v; v.u64 = x; v.tag = RF_U64; return v; }
static inline rf_value rf_of_f64(double x) { rf_value v; v.f64 = x; v.tag = RF_F64; return v; }
static inline rf_value rf_of_value(rf_value x) { return x; }
static inline rf_value rf_text(const char *text, size_t size) { return rf_view(RF_TEXT, text, size); } /* may hold NULs */
static inline rf_value rf_bytes(const void *data, size_t size) { return rf_view(RF_BYTES, data, size); }
rf_value rf_of_string(const char *text);                            /* NULL is nil */
rf_value rf_tuple_of(const rf_value *elements, size_t count);       /* borrows elements; encoded where it is used */
rf_value rf_dict_of(const rf_value *keys_and_values, size_t count); /* count: keys and values together, even */

int64_t rf_i64(rf_value value);             /* for a value whose type is known: anything else, or out of range, is 0 */
uint64_t rf_u64(rf_value value);
double rf_f64(rf_value value);
const char *rf_str(rf_value value);         /* "" for anything but text; never NULL; NUL-terminated as said above */
bool rf_truth(rf_value value);              /* false for nil, false, 0, 0.0 and empty ones */
int rf_take(rf_value *container, rf_value *element);    /* takes the first element off a tuple (key and value by turns off
                                                           a dictionary): RF_OK, RF_END; RF_EARGS when it is no container
                                                           or not well formed */
int rf_take_line(rf_value *text, rf_value *line);       /* the same for the lines of a text, without their newline */
uint64_t rf_elements(rf_value container);               /* of a tuple; keys and values of a dictionary; else 0 */
int rf_lookup(rf_value dict, rf_value key, rf_value *value);    /* RF_OK; RF_END and nil when missing */
int rf_print(FILE *to, rf_value value);                 /* as JSON in one line, without newline, bytes as escapes */

/* ---- functions ------------------------------------------------------------------------------------------------- */

/* What can be registered. A map function gets one item and returns one value (rf_return), or emits any number of them
   (rf_emit): then its value is the tuple of what it emitted. It returns RF_OK, or a negative status: the item failed.
   Returning nothing is not a failure: the value is nil. */
typedef int rf_map_function(rf_call *call, rf_value item);
typedef bool rf_filter_function(rf_call *call, rf_value item);      /* true: the item stays. It returns no value, and may fail (rf_fail, RF_ARGS) */
typedef int rf_fold_function(rf_call *call, rf_value accumulator, rf_value item);
typedef int rf_reduce_function(rf_call *call, rf_value key, rf_group *values);
typedef int rf_compare_function(rf_value a, rf_value b);
typedef uint32_t rf_partition_function(rf_value key, uint32_t partitions);

int rf_return(rf_call *call, rf_value value);           /* copies; a second one in the same call is RF_EUSAGE */
void *rf_return_space(rf_call *call, size_t size);      /* returns bytes to fill in place: a large result without a copy;
                                                           aligned to 16, not zeroed; NULL: the item has failed */
int rf_emit(rf_call *call, rf_value value);             /* copies */
int rf_emit_pair(rf_call *call, rf_value key, rf_value value);  /* copies; by key: a pair, see rf_mapreduce; elsewhere the same as
                                                           rf_emit of the tuple (key, value) */
int rf_fail(rf_call *call, const char *kind, const char *format, ...)   /* gives RF_EFUNCTION; kind NULL is "function" */
    __attribute__((format(printf, 3, 4), cold));

uint64_t rf_call_index(const rf_call *call);            /* the item's position, see rf_result */
unsigned rf_call_attempt(const rf_call *call);          /* from 1 */
int rf_call_rank(const rf_call *call);                  /* of the worker, in the pool's communicator */
bool rf_call_cancelled(rf_call *call);                  /* in long functions: is the result still wanted? Also moves messages */
void rf_call_progress(rf_call *call);                   /* in long functions: lets messages move; never blocks */
int rf_call_add(rf_call *call, rf_value item);          /* adds an item (copied) to the job that this call is part of, see below */
const char *rf_call_path(const rf_call *call);          /* the file the item came from, or NULL; until the function returns */
uint64_t rf_call_offset(const rf_call *call);           /* and where in it, in bytes; in a .gz 2048 times where its member begins in
                                                           the file, plus where in that member's content it is: of a file of one
                                                           member (what gzip writes) the offset in its content */
const void *rf_call_state(rf_call *call, size_t size);  /* .state of the job; NULL (and a failed item) if the size differs */
void *rf_call_worker(rf_call *call);                    /* what .init left; NULL without */
rf_value rf_call_shared(rf_call *call, const char *name);   /* bytes that rf_share has given before the job was submitted, for reading
                                                           only (writing crashes); aligned to 16, a NUL follows; until the function
                                                           returns. nil (and a failed item) where there is no such name */
void *rf_call_alloc(rf_call *call, size_t size);        /* until the function returns, nobody frees it; aligned to 16;
                                                           NULL: the item has failed with RF_ENOMEM */
rf_value rf_call_keep(rf_call *call, rf_value value);   /* a copy with that lifetime; nil after a failure */
double rf_call_random(rf_call *call);                   /* [0, 1), 53 bits; seeded by the pool's seed, the job and the item's
                                                           position, so that neither ranks nor attempts change it */
int rf_call_count(rf_call *call, const char *counter, int64_t by);     /* by key: adds to a counter of the job, see rf_dataset_counter;
                                                           elsewhere the item fails with RF_EUSAGE. Names: 1 to 255 bytes */

/* Jobs that grow: walking a tree whose size nobody knows. In rf_map_unordered and rf_imap_unordered a function may add items to
   its own job, whatever the source; anywhere else rf_call_add fails the item with RF_EUSAGE. They are added when this attempt
   succeeds: a failed one adds nothing, one that is tried again adds once. The job goes on until none is left; they count in
   the results, and retry, window, rate, halt and time-out hold for them; iterable_len and n_splits are the source's alone. They
   are run before what is left of the source. rf_run takes and drops them.
   An added item's index has the top bit set, so that it is no ordinal; the other 63 are mixed from its parent's path and index and
   how many that call had added before. So any number of ranks gives the same item the same index and the same rf_call_random.
   Rank 0 holds what is added until it was run, in memory, however much that is: max_active and max_bytes do not bound it. */

#define RF_STATE(object) rf_bytes(&(object), sizeof(object))
#define RF_CALL_STATE(call, type) ((const type *)rf_call_state((call), sizeof(type)))
#define RF_AS(call, item, type) ((const type *)rf_as_bytes((call), (item), sizeof(type), #type))
const void *rf_as_bytes(rf_call *call, rf_value item, size_t size, const char *type);   /* NULL: the item has failed */

/* Arguments. RF_ARGS(call, item, x, y) reads a tuple by position, a dictionary by the variables' names, anything else
   into a single variable. The variables' types say what is read; all are zero after a failure, which names the item,
   the variable, what came and what the function reads. Numbers must fit: 300 into an unsigned char fails, 2.0 into an
   int is read, 2.5 is not; a bool also takes 0 and 1 (true is an int until C23). A const char * is NUL-terminated until the function returns and refuses text that holds a
   NUL; an rf_value takes whatever came. A dictionary must have these keys and no others. */
typedef struct rf_slot { const char *name; void *at; int type; } rf_slot;
enum { RF_SLOT_BOOL, RF_SLOT_SCHAR, RF_SLOT_UCHAR, RF_SLOT_SHORT, RF_SLOT_USHORT, RF_SLOT_INT, RF_SLOT_UINT, RF_SLOT_LONG,
       RF_SLOT_ULONG, RF_SLOT_LLONG, RF_SLOT_ULLONG, RF_SLOT_FLOAT, RF_SLOT_DOUBLE, RF_SLOT_STRING, RF_SLOT_VALUE };
int rf_read_slots(rf_call *call, rf_value item, const rf_slot *slots, size_t count);    /* call NULL: outside a function;
                                                           then a const char * points into item and needs its NUL there */

/* ---- options --------------------------------------------------------------------------------------------------- */

#define RF_NONE (-1.0)                      /* no limit, no delay: off, said aloud; for counts RF_UNLIMITED */
#define RF_UNLIMITED UINT64_MAX
#define RF_ENDLESS UINT64_MAX
#define RF_FOREVER ((double)INFINITY)
#define RF_SECOND 0
#define RF_MINUTE 1
#define RF_HOUR 2

typedef enum rf_switch { RF_UNSET, RF_ON, RF_OFF } rf_switch;   /* a call can switch off what a registration switched on */

/* Retry. Any field set asks for it; RF_RETRY asks with nothing else said. Only what failed is run again, on another
   worker where there is one. Delay before attempt k + 1 is min(backoff * 2^(k-1), max_delay), less a random part (from
   the pool's seed) unless steady. */
typedef struct rf_retry {
    unsigned attempts;                      /* in all; 3 when asked for; 1 is off; at most 1,000,000 */
    double backoff;                         /* 1.0; RF_NONE: at once */
    double max_delay;                       /* 60.0 */
    const char *on;                         /* kinds, by commas: "net,timeout"; "net" also matches "net.dns"; NULL or "": all */
    rf_switch steady;                       /* no jitter */
} rf_retry;
#define RF_RETRY {.attempts = 3}

/* How many attempts of a job may begin in a second, a minute or an hour, on all workers together: {.count = 10} is ten a second,
   {100, RF_MINUTE}, {0.5, RF_HOUR}. Each attempt counts when rank 0 sends it: retries too, and what is run again because its
   rank was lost. In any t seconds at most rate * t + max(1, rate / 100) begin to be sent; so at 100 a second or less they
   come one by one, evenly. A worker that is busy may begin them later. Another level's rate is overridden as a whole. */
typedef struct rf_rate {
    double count;                           /* may be fractional; RF_NONE: no limit */
    int per;                                /* RF_SECOND, RF_MINUTE, RF_HOUR */
} rf_rate;
double rf_rate_per_second(rf_rate rate);    /* INFINITY for RF_NONE; NAN when per is none of the three */

/* What failed items do to the rest of the job. A threshold alone asks for RF_HALT_SOON; a halt alone has the threshold 1.
   Items that are not run after it are failures of kind "halted", and the verb returns RF_EHALTED. */
typedef enum rf_halt {
    RF_HALT_UNSET,
    RF_HALT_NEVER,                          /* the default: run everything, tell what failed (RF_EITEMS) */
    RF_HALT_SOON,                           /* start nothing new; what runs is finished and kept */
    RF_HALT_NOW                             /* also drop what runs (inline functions cannot be interrupted: their results are dropped) */
} rf_halt;

/* Where functions run. Inline: in the rank itself, which costs nothing and cannot be interrupted. Fork: in a child of the
   rank that lives on from item to item, some 2 us a chunk. There a function that crashes, calls exit or abort, hangs
   (task_timeout), or takes too much memory (task_memory) costs one attempt of the item it was at (RF_ECRASH, kind "crash";
   RF_ETIMEOUT, "timeout"; RF_ENOMEM, "memory"), and nothing else: what its chunk had finished is kept, the rest goes on in a new
   child. What functions write to standard output and error appears; their standard input is empty. An attempt that nobody
   wants any more (the job timed out, was halted at once or cancelled) is ended, 0.1 s after rf_call_cancelled could tell it so.
   Children are copies of the program as it was when rf_main_setup's setup had run (or rf_prepare was called, or else when
   the rank first needed one): they know the globals and the functions of then. slots above 1, task_timeout, task_memory and
   lifespan select fork by themselves; with RF_INLINE asked for they are RF_EOPTION. There are no threads: slots is for work
   that waits. */
typedef enum rf_executor { RF_EXECUTOR_DEFAULT, RF_INLINE, RF_FORK } rf_executor;

typedef struct rf_options {
    size_t struct_size;                     /* set by RF_OPTIONS: lets the struct grow without breaking programs */
    const char *name;                       /* in messages; the function's name */
    rf_value state;                         /* bound state: copied now, sent once to each worker; functions read it with
                                               RF_CALL_STATE, and what they do to it nobody sees */
    uint64_t chunk_size, n_splits;          /* items in a chunk, or chunks in all; automatic. Both: RF_EOPTION */
    uint64_t split_size;                    /* bytes in a block of what workers read (rf_splits, rf_lines, rf_records); 1 MiB */
    uint64_t iterable_len;                  /* length of a source that cannot say; RF_ENDLESS. A source that ends earlier
                                               ends the job; a longer one is cut */
    uint64_t max_active;                    /* items (blocks, where workers read) read and not yet delivered: bounds rank 0's
                                               memory. Default: twice the credit of all workers and 4 MiB for each, at least 1,024 */
    uint64_t max_bytes;                     /* the same in bytes of results held; 64 MiB; the next to deliver is always let in */
    double timeout;                         /* of the whole job; RF_NONE. What is unfinished then is a failure RF_ETIMEOUT */
    rf_retry retry;
    rf_rate rate_limit;                     /* RF_NONE. With one, rank 0 reads the files of rf_lines and rf_records (and of rf_splits
                                               with a .gz among them) as it reads "-": items have ordinals and no path, and what is
                                               wrong with a file ends the job after what was read */
    rf_halt halt;
    uint64_t halt_count;                    /* failed items that halt the job; RF_UNLIMITED */
    double halt_share;                      /* the same as a share of the items done, (0, 1], looked at from 10 items on; RF_NONE */
    unsigned workers;                       /* use only so many; more than there are is capped with a warning */
    rf_executor executor;                   /* RF_INLINE, unless another option asks for RF_FORK */
    unsigned slots;                         /* items run at once in each rank, each in a child of its own; 1, at most 256 */
    double task_timeout;                    /* seconds for one attempt of one item, not counting .init; RF_NONE. Never ended
                                               early, and an eighth (or 10 ms) late at most, unless its rank is in an
                                               inline function meanwhile */
    uint64_t task_memory;                   /* bytes of address space that functions may take in a child, beyond what it has when
                                               it begins (a thread's stack counts 8 MiB); RF_UNLIMITED */
    uint64_t lifespan;                      /* items after which a child is replaced by a new one: for functions that leak;
                                               RF_UNLIMITED */
    uint64_t seed;                          /* of rf_call_random and of jitter; 1 */
    void (*on_progress)(uint64_t done, uint64_t total, bool final, void *user);     /* on rank 0, at most ten times a second,
                                               and exactly once with final, however a job that was started ends (rf_imap
                                               starts with the first rf_next). done never falls; items that failed for
                                               good count. total is the length, or what was found so far; it counts what
                                               done does: items, or blocks where workers read. An ordinary function, not
                                               registered. It may not use the pool (RF_EBUSY) */
    void (*callback)(rf_future *future, void *user);        /* of rf_..._async alone: its job was RF_OK; see rf_future */
    void (*error_callback)(rf_future *future, void *user);  /* it was not: rf_future_get tells why */
    void *user;                             /* for these three; where a call says one of them, its user goes to all */
    rf_switch progress;                     /* in programs of rf_main: a line on standard error (rf_progress_line, under the
                                               job's name) where on_progress is not said. Others say on_progress */
} rf_options;

/* A ready-made on_progress: RF_OPTIONS(.on_progress = rf_progress_line, .user = &line) with  rf_progress line = {.name = "pages"};
   It shows the share done, the rate and an estimate of what remains (while the total grows: neither). On a terminal it is one line
   that is drawn again and again and ended by a newline; anywhere else plain lines: one as the job begins, one an interval, one as it ends. */
typedef struct rf_progress {
    FILE *to;                               /* NULL: standard error */
    const char *name;                       /* in front of the line, borrowed; NULL: nothing */
    double interval;                        /* seconds between plain lines; 0: 10 */
    double began, told, grew;               /* the library's from here on: zeros at first, and after each job */
    uint64_t total;
} rf_progress;
void rf_progress_line(uint64_t done, uint64_t total, bool final, void *user);      /* user: an rf_progress, one for each job at a time */

int rf_print_options(FILE *to);             /* every option that has one: its environment variable, default, bounds, meaning */

/* ---- registration ---------------------------------------------------------------------------------------------- */

typedef void rf_any_function(void);
typedef struct rf_registration {
    size_t struct_size;
    const char *name, *file;
    int line, kind;
    rf_any_function *function;
    int (*init)(rf_call *call, void **worker);  /* once in each worker process (each child, under fork: again after one crashed
                                               or was replaced), before its first use (rf_fail says why not: that worker
                                               then gets no more of this function); functions that name the same init share
                                               one state */
    void (*exit)(void *worker);             /* when the pool closes; also when a child is replaced, not when it crashed */
    struct rf_registration *next;
    rf_options options;                     /* defaults of this function; last, so that it can grow; its own struct_size is 0 */
} rf_registration;
void rf_register(rf_registration *registration);    /* what RF_REGISTER calls; borrowed until rf_unregister */
void rf_unregister(rf_registration *registration);
enum { RF_KIND_MAP, RF_KIND_FILTER, RF_KIND_FOLD, RF_KIND_REDUCE, RF_KIND_COMPARE, RF_KIND_PARTITION };
rf_map_function *rf_find(const char *name);         /* a registered map function by name; NULL when there is none, or when two
                                               files register the name: then "file.c:name" finds it */

/* External programs. An item is a text, which /bin/sh -c runs, or a tuple of texts, a program (looked for in PATH) and its arguments; the
   value is what it printed, as a text of any bytes. Standard input is /dev/null, standard error is the rank's. Failures:
   "exit" it ended with another status than 0 (a shell: also that of what it ran, 127 where there is none), "signal" it was ended by
   one, "exec" it could not be started, "arguments". Where other systems have an executor for commands this is a function: so it goes with
   retry, time-outs, .on, halts, and with any executor. It lets messages move while it waits. The program leads a process group
   of its own, which is killed with all that is left in it when the program has ended, when the job is cancelled or out of time, and
   when the rank dies. Registered in every program as rankfold:rf_command. */
rf_map_function rf_command;

/* ---- start and stop -------------------------------------------------------------------------------------------- */

/* rf_main initialises MPI, opens a pool over all ranks, calls driver on rank 0 and terminates what that has left open. driver returns a status
   (negative) or the program's own exit status 0..125. The exit status is that, or 65 some items failed, 64 wrong use or
   options, 66 input, 73 output, 75 out of time or a rank lost, 70 the rest; a failure is told in one line on standard error.
   Call it from main and return what it returns. RANKFOLD_PROGRESS=1 shows how far each job is (.progress), RANKFOLD_REPORT=FILE what
   the workers have done (rf_report). */
typedef int rf_driver(rf_pool *pool, int argc, char **argv);
typedef int rf_setup(int argc, char **argv);
int rf_main(int argc, char **argv, rf_driver *driver);
/* setup runs first, on every rank, before MPI_Init: options and globals that functions read. What the driver sets is on rank
   0 alone. RF_OK goes on; RF_END ends the program with status 0 (after --help, say), anything else with that exit status
   or status. What setup prints is shown once, from rank 0, though it runs everywhere. */
int rf_main_setup(int argc, char **argv, rf_setup *setup, rf_driver *driver);

/* Replay. Each failed item says how to run it again by itself: rf_main prints, below its line of error,

       a.out: to run this item alone: RANKFOLD_REPLAY='job=2,unit=17,attempt=1,seed=1' ./a.out input

   and others get that from rf_print_replay. The line is started as it stands, or below a debugger (gdb --args env RANKFOLD_REPLAY=...
   ./a.out input; in gdb: run), without mpirun and with the same input. Then rank 0 is alone, and the program runs as ever, the jobs before this
   one included, in the one process, whatever executor was asked for here. In place of the job that the item is of, its source is read up to the
   item, and the function is called for it alone, inline: same index, path, offset, attempt, random numbers, bound state, shared data and .init.
   With a debugger attached SIGTRAP is raised just before the call: "up" shows where, "step" (or a breakpoint) goes into the function.
   After it the verb returns RF_EITEMS (it failed again) or RF_ECANCELLED (it succeeded), without results; rf_last_error tells what the item
   gave; and the pool runs nothing any more (RF_ECLOSED). rf_main ends with a line that says it, and status 0 or 65.
   On more than one rank, or where the text names no item, rf_open is RF_EOPTION. */
int rf_print_replay(FILE *to, const rf_error *error);   /* the line, for sh, without newline, as this process was started: from /proc/self/cmdline.
                                               RF_END and nothing: there is no item to run, or error is NULL */
/* For programs that own MPI and use the fork executor: call it before MPI_Init, on every rank, when what functions read is set
   up. It makes the small process that children will be copies of; without it that is made of the rank, when it is needed
   first, without its open sockets, and costs what copying a rank costs (1 ms for 64 MiB, 15 ms for 1 GiB, for each child).
   rf_main does it. A second call does nothing. RF_ENOMEM. */
int rf_prepare(void);
#ifdef MPI_VERSION
/* For programs that own MPI: collective over comm (duplicated, never used itself). On rank 0 gives the pool; the other ranks
   work inside until it is closed, then get RF_OK and a NULL pool. defaults may be NULL. Ranks whose registered functions
   differ are RF_EREGISTRY on every rank, told on rank 0. Inside a function it is RF_EUSAGE. MPI_Finalize with a pool
   still open terminates it. */
int rf_open(MPI_Comm comm, const rf_options *defaults, rf_pool **pool);
#endif
int rf_close(rf_pool *pool);                /* finishes what futures were promised (also what their callbacks add to it, so one
                                               without end is to be cancelled first), drops what live iterators have not
                                               delivered, releases the workers and waits until they have left. The handle
                                               stays valid for RF_ECLOSED until MPI_Finalize. A second close is RF_OK. From a
                                               future's callback it is RF_EBUSY */
int rf_terminate(rf_pool *pool);            /* drops everything: futures that have not settled are RF_ECLOSED, and their
                                               error_callback is called. Functions that run are asked to stop
                                               (rf_call_cancelled) and not waited for. A driver of rf_main that returns with
                                               the pool open terminates it; then nobody is called back, and functions that run
                                               are waited for */
int rf_poll(rf_pool *pool, double seconds); /* lets jobs go on for that long (0: what can be done at once): RF_AGAIN while any is unfinished, else RF_OK */
uint64_t rf_workers(const rf_pool *pool);   /* how many ranks work for it */

/* Shared data: what every item needs and no item should carry (a table, a model, a dictionary). It is kept once on each host,
   in memory that its ranks map for reading; hosts pass it on to each other. Functions find it by its name: rf_call_shared.

       status = rf_share(pool, "weights", weights, sizeof weights);         // then any number of jobs

   Copies data (NULL only where size is 0), so that the caller's may change or go; size may be above 2 GiB. A name has 1 to 255
   bytes. Giving a name again makes a new version for the jobs that are submitted from then on; those that were submitted before keep theirs,
   and what no job can see any more is freed; everything is when the pool closes, and nothing is left behind when a rank is killed.
   Returns when rank 0 has its copy; the hosts get theirs while jobs are submitted, and none runs where its data has not come.
   RF_EUSAGE (name or data), RF_ENOMEM (the versions before stay), RF_ECLOSED.

   What cannot travel: no value holds a pointer, an open file or a connection, in items, results, state or shared data alike, since
   they mean nothing in another process. Bytes that hold one travel, and are wrong there. Instead: send the path and open it in .init, once
   a worker (rf_call_worker finds what it has opened); share or send what the pointer points to, with offsets or indices in place of
   pointers inside it. */
int rf_share(rf_pool *pool, const char *name, const void *data, size_t size);

/* ---- insights -------------------------------------------------------------------------------------------------- */

/* What the workers of a pool have done since it was opened, for all its jobs. Counted where the work is done, at no cost that can
   be measured. */
typedef struct rf_worker_figures {
    int rank;
    const char *host;
    uint64_t items, failed;                 /* attempts in all, and those of them that failed */
    uint64_t chunks;                        /* that it has finished; what is run again counts again */
    uint64_t bytes_in, bytes_out;           /* items and bound states that came and what it read of files itself; results as they travel */
    double working;                         /* seconds in functions (with reading their items and keeping their results) */
    double waiting;                         /* seconds with nothing to do, after its first task */
    double starting;                        /* seconds from rf_open to its first task; all of them, where it had none */
    double init;                            /* seconds in .init */
    double age;                             /* how many seconds old these figures are: 0 unless busy or lost */
    bool busy;                              /* long in a function: these are from before it, a second older at most */
    bool lost;                              /* the rank is gone: the last that it told */
} rf_worker_figures;

/* An item that took a millisecond or more. Items far below that are timed together: then seconds is of that many, of which index is the first. */
typedef struct rf_long_item {
    double seconds;                         /* of one attempt */
    const char *function;
    uint64_t index, items;                  /* position as in rf_result; how many were timed together, else 1 */
    int rank;
    const char *host;
    const char *path;                       /* the end of where it came from, or NULL */
    const char *item;                       /* as rf_print has it, its beginning; "" where it is not known */
} rf_long_item;

#define RF_LONGEST 5
typedef struct rf_figures {
    double seconds;                         /* since rf_open */
    uint64_t workers;
    const rf_worker_figures *worker;        /* so many, by rank */
    uint64_t longest_count;                 /* at most RF_LONGEST */
    const rf_long_item *longest;            /* of the whole pool, the longest first */
} rf_figures;

/* Asks all workers. Those that run functions have a fifth of a second to answer (they do between two items, but where functions are
   short between two chunks), then they are told as busy: it does not wait for functions. Jobs go on meanwhile. *figures
   is the pool's, until the next call or until it is closed; NULL after a failure: RF_ECLOSED, RF_EBUSY, RF_ENOMEM. */
int rf_insights(rf_pool *pool, const rf_figures **figures);
/* The same as a table for people. In programs of rf_main RANKFOLD_REPORT=FILE ("-": standard error) writes it as the driver ends,
   however it ended. Also RF_EOUTPUT. */
int rf_report(rf_pool *pool, FILE *to);

/* ---- sources --------------------------------------------------------------------------------------------------- */

/* Paths: a directory stands for the regular files below it, in byte order of their paths. Of one that a job by
   key has written these are the parts that its MANIFEST tells; files that it does not tell, or that have another size now, are RF_EINPUT. "-" is
   standard input, which rank 0 reads; a name that ends in .gz is read through zlib, all members. Files are cut into blocks of split_size
   bytes that the workers read themselves: each worker needs to see the file under the same path. A .gz is cut between its members, for rf_lines and
   rf_splits, where it has two split sizes or more: what has many members (BGZF, parts that were joined by cat) is read by many workers, what
   has one by one. A path that is missing is RF_EINPUT of the verb. What goes wrong later (unreadable, truncated, changed while it was read)
   is a failed item that names file and offset, and costs nothing else. */
#ifdef __cplusplus
typedef const char *const *rf_strings_in;
#else
typedef union { char *const *variable; const char *const *constant; } rf_strings_in __attribute__((transparent_union));
#endif
typedef int rf_generator_function(rf_call *call, void *state);     /* rf_return an item, or return RF_END, or RF_AGAIN: nothing
                                                                      yet; runs on rank 0, may not use the pool */

rf_source *rf_range(int64_t start, int64_t stop);                   /* start, start + 1, ... below stop; sent as three integers */
rf_source *rf_range_by(int64_t start, int64_t stop, int64_t step);  /* step may be negative, not 0 */
rf_source *rf_array(const void *base, uint64_t count, size_t element_size, rf_type type);  /* borrowed until the job ends;
                                                                      see RF_ARRAY */
rf_source *rf_values(const rf_value *values, uint64_t count);      /* copied; see RF_VALUES */
rf_source *rf_strings(rf_strings_in strings, uint64_t count);      /* copied */
rf_source *rf_pairs(const rf_value *keys, const rf_value *values, uint64_t count);  /* copied; an item is the tuple (key, value) */
rf_source *rf_entries(rf_value dict);                               /* copied: the same of a dictionary, see RF_DICT */
rf_source *rf_characters(const char *text);                         /* copied; an item is a text of one character: a UTF-8 sequence, or a byte
                                                                      that belongs to none */
rf_source *rf_lines(rf_strings_in paths, uint64_t count);          /* an item is a line, without its newline */
rf_source *rf_splits(rf_strings_in paths, uint64_t count);         /* an item is a block of whole lines, at least one */
rf_source *rf_files(rf_strings_in paths, uint64_t count);          /* an item is the content of a file */
rf_source *rf_records(rf_strings_in paths, uint64_t count, size_t record_size);    /* an item is record_size bytes; a short last
                                                                      one is a failed item */
rf_source *rf_prefixed(rf_strings_in paths, uint64_t count);       /* an item is the tuple (key, value) of two bytes, of what was written in RF_PREFIXED;
                                                                      a file is read whole by one worker. One that is
                                                                      cut short or damaged fails there, with the rest of it */
rf_source *rf_generator(rf_generator_function *next, void *state, void (*release)(void *state));   /* release may be NULL */

/* Sources of sources. They consume what they are given, also when they fail. An item of rf_zip is the tuple of its members' next items, as
   many as the shortest member has; nothing is encoded for it, and ranges in it send no item. Members are what rank 0 knows or reads: any of
   the sources above but files (unless "-" alone), any mix, at most 64, zips too. Members that rank 0 reads (rf_generator, "-") are read in
   their order: one that stands before a shorter one may have been read further. rf_single wraps each item of any source as a tuple of one,
   for functions that read a tuple or dictionary whole: RF_ARGS(call, item, d). Both keep what is known of the length. Their tuples are made where
   the function runs: read them with RF_ARGS or rf_take; rf_call_keep gives one as MessagePack. */
rf_source *rf_zip(rf_source *const *sources, size_t count);        /* see RF_ZIP */
rf_source *rf_single(rf_source *source);
rf_source *rf_materialise(rf_source *source);                      /* reads all of it now, on the calling rank, and is then rf_values of its
                                                                      items: of known length, and fit for rf_zip whatever it was. Waits
                                                                      where a generator says RF_AGAIN. Files are read in blocks of 1 MiB;
                                                                      their items know no path any more; what cannot be read is RF_EINPUT */
void rf_source_free(rf_source *source);                            /* one that nobody took; NULL is legal */

/* ---- verbs ----------------------------------------------------------------------------------------------------- */

typedef struct rf_result {
    uint64_t index;                         /* position in the source: ordinal; for what workers read, the offset in path; of an item
                                               that a function added, see rf_call_add */
    bool ok;
    rf_value value;                         /* nil when not ok */
    const rf_error *error;                  /* NULL when ok; as long as the results, but for items that failed together without
                                               having run (halted, out of time): theirs until the next call on these results */
    const char *path;                       /* where the item came from, or NULL; like host valid as long as what it came from */
    uint64_t offset;
    unsigned attempts;
    int rank;
    double seconds;                         /* of the last attempt; for items far below a millisecond their chunk's mean */
    const char *host;
} rf_result;

/* Each applies function to every item of source. options may be NULL. Where results go, NULL is allowed: values are
   dropped, failures still counted. RF_OK: all items succeeded; RF_EITEMS: some did not. */
int rf_apply(rf_pool *, rf_map_function *, rf_value item, const rf_options *, rf_results **);           /* one item */
int rf_map(rf_pool *, rf_map_function *, rf_source *, const rf_options *, rf_results **);               /* in item order */
int rf_map_unordered(rf_pool *, rf_map_function *, rf_source *, const rf_options *, rf_results **);     /* in order of completion */
int rf_starmap(rf_pool *, rf_map_function *, rf_source *, const rf_options *, rf_results **);           /* rf_map for items that are tuples
                                                                      or dictionaries: any other item fails (RF_EARGS), and
                                                                      its function does not see it */
int rf_imap(rf_pool *, rf_map_function *, rf_source *, const rf_options *, rf_iterator **);             /* lazy: nothing is read or
                                                                      sent before the first rf_next; then max_active ahead */
int rf_imap_unordered(rf_pool *, rf_map_function *, rf_source *, const rf_options *, rf_iterator **);
int rf_run(rf_map_function *, rf_value item, const rf_options *, rf_results **);    /* without a pool, in this process: for unit
                                                                      tests of functions; no registration needed */

int rf_next(rf_iterator *, const rf_result **result);       /* RF_OK (also for a failed item: look at ok), RF_END, RF_EHALTED,
                                                               RF_ETIMEOUT, RF_ECLOSED (its message counts the finished results
                                                               that were not taken) ...; result valid until the next call */
int rf_next_within(rf_iterator *, double seconds, const rf_result **result);    /* also RF_AGAIN; 0 polls */
int rf_iterator_free(rf_iterator *);                        /* cancels what is left. RF_OK, RF_EITEMS where delivered items had
                                                               failed, or the status that ended the job; NULL is RF_OK */

/* Futures: a job goes on while rank 0 does something else: at once on the other ranks, further inside the calls made on the
   pool (one rank alone works only in those that wait or poll). It settles when its job is over, then it holds its results
   and needs the pool no more; a source and what it borrows are in use until then.

   The future may be NULL where nobody wants to hold it: it is freed by itself, behind its callback where it has one. A
   failure that nobody holds nor is called back for is a warning (rf_log_to).

   Callbacks run on rank 0, in the order in which jobs ended, inside calls that wait or poll (rf_map, rf_next, rf_poll,
   rf_future_..., rf_close), never inside rf_..._async. Each future is settled when it is called back. A callback may use the
   pool: start jobs, wait for others (that goes on with everything, and calls nobody back meanwhile), free this future or
   any other, rf_terminate. It may not rf_close, nor use an iterator that a call further out waits for (RF_EBUSY). */
int rf_apply_async(rf_pool *, rf_map_function *, rf_value item, const rf_options *, rf_future **);
int rf_map_async(rf_pool *, rf_map_function *, rf_source *, const rf_options *, rf_future **);          /* in item order */
int rf_starmap_async(rf_pool *, rf_map_function *, rf_source *, const rf_options *, rf_future **);
bool rf_future_ready(rf_future *);                          /* has it settled? Lets the pool go on for a moment. NULL: no */
bool rf_future_successful(rf_future *);                     /* the same, and its job was RF_OK */
int rf_future_wait(rf_future *, double seconds);            /* RF_OK: it has settled, however; RF_AGAIN: not within seconds (0 polls) */
int rf_future_get(rf_future *, double seconds, const rf_results **results);    /* what rf_map would have returned, or RF_AGAIN: not
                                                               yet, and nothing is lost; RF_ECANCELLED and RF_ECLOSED have
                                                               no results. Each call gives the same results, which are
                                                               the future's, until it is freed; results may be NULL */
int rf_future_cancel(rf_future *);                          /* what has not begun never runs, functions that run are asked to stop
                                                               (rf_call_cancelled) and what they return is dropped: rf_future_get
                                                               is RF_ECANCELLED. One that has settled stays as it is: RF_OK */
void rf_future_free(rf_future *);                           /* with its results. One that has not settled is cancelled, and
                                                               nobody is called back. NULL is legal; also after rf_close */

uint64_t rf_results_len(const rf_results *);                /* NULL is the empty set: 0, ok */
rf_result rf_results_at(const rf_results *, uint64_t i);    /* past the end a failure RF_ERANGE. By value: results are kept as
                                                               columns, a million of them cost no million structs */
rf_value rf_results_value(const rf_results *, uint64_t i);  /* nil when item i failed */
bool rf_results_ok(const rf_results *);                     /* no item failed; also for none */
int rf_results_check(const rf_results *);                   /* RF_OK, or RF_EITEMS with all failures counted and the first told in rf_last_error */
/* All results as one value, which lives as long as they do. RF_EITEMS when some failed, RF_EARGS when one is no (key, value) pair, or
   no text; then it is nil. A key that comes again has its last value, in its first place. separator NULL: nothing between. */
int rf_results_dict(rf_results *, rf_value *dict);
int rf_results_join(rf_results *, const char *separator, rf_value *text);
bool rf_results_next_failure(const rf_results *, uint64_t *i);  /* the first failure at *i or after it, into *i */
bool rf_results_next_success(const rf_results *, uint64_t *i);
void rf_results_free(rf_results *);

/* ---- sequences ------------------------------------------------------------------------------------------------- */

/* Collections that are worked out when they are asked for. A step makes a new sequence and leaves the old one as it was: it may be the
   beginning of several, and each may be evaluated any number of times. Nothing runs before a verb.

       rf_seq *evens = rf_seq_filter(rf_seq_map(rf_seq_of(pool, rf_range(0, 1000)), square), is_even);
       rf_seq_collect(evens, NULL, &results);

   The stages are fused: an item goes through all of them on one worker, with no collection between them. Each function's
   rf_call_index is that of the item at the beginning, and so is rf_result.index of what came out.

   Sequences belong to their pool: nothing is freed by the caller, and all of them, with their sources, go when it is closed. What a source
   borrows (rf_array) must stay until then, or until the last evaluation. A generator, and standard input, can be read only once: evaluating
   a second time what comes from one is RF_EUSAGE; rf_seq_foreach and rf_seq_collect keep what it gave. */
rf_seq *rf_seq_of(rf_pool *, rf_source *);                  /* takes the source */
rf_seq *rf_seq_map(rf_seq *, rf_map_function *);
rf_seq *rf_seq_flat_map(rf_seq *, rf_map_function *);       /* maps, then flattens one level: what a function emits are outputs, 0 or more; of a tuple
                                                               that it returns the elements are; another value is one; where it returns nothing
                                                               there is none */
rf_seq *rf_seq_filter(rf_seq *, rf_filter_function *);      /* called once for each element; NULL drops what is falsy, see rf_truth */
rf_seq *rf_seq_take(rf_seq *, uint64_t count);              /* the first count outputs. Ends an endless sequence: as soon as they are there the rest is
                                                               cancelled. A failed item counts as one. Where more stages follow, the taken ones are
                                                               gathered on rank 0 first (a barrier), unless it stands right behind a source that
                                                               workers do not read: then no more than count items are read */
/* Barriers, which need all there is: their outputs are (key, tuple of its items) and (key, how many), keys in the order in which they first
   came. key computes an item's key, of any type; NULL: the item itself. Rank 0 holds each distinct key, and group_by the items as well. */
rf_seq *rf_seq_group_by(rf_seq *, rf_map_function *key);
rf_seq *rf_seq_count_by(rf_seq *, rf_map_function *key);    /* key may be NULL */
/* What is said holds for every evaluation of what is made from it, under what the verb says and over the functions' defaults; .state is
   bound to the function of the stage before it alone. Copied. A function without a state of its own has the verb's. NULL: nothing is said. */
rf_seq *rf_seq_with(rf_seq *, const rf_options *);
int rf_seq_status(const rf_seq *);                          /* RF_OK, or what waits in it */

/* Evaluates. options as for rf_map; with barriers they hold for each part between them, a time-out too. Outputs are in the order of their
   items. An item that fails, in any stage, is one failed result; one that fails before a barrier ends the evaluation with
   RF_EITEMS, and the results are those that failed. */
int rf_seq_collect(rf_seq *, const rf_options *, rf_results **);        /* results may be NULL */
int rf_seq_iterate(rf_seq *, const rf_options *, rf_iterator **);       /* lazy, as rf_imap; what is before a barrier runs at once */
int rf_seq_foreach(rf_seq *, rf_map_function *, const rf_options *);    /* now: its data, kept on rank 0, are what function returned for each element;
                                                                           so are those of sequences made from it before. Unchanged where anything failed */
/* Folds all outputs into one value, the only result. Accumulators are of any type; a step returns the next one (rf_return).
   Without merge rank 0 folds in order, one output after another: initial or identity or the first output is what it starts from.
   With merge, which must be associative, workers fold: each item's outputs from identity (or from the first of them), in order, and then
   neighbours in a tree that depends on the items' numbers alone, so that floating-point results have the same digits on any number of
   ranks and with any chunks. Where workers read the input a block (split_size) stands for an item. initial is merged in once, in front.
   The functions' state is the verb's. RF_EEMPTY: no output, and no initial. A fold over failed items has no right value: RF_EITEMS, and
   the results are those that failed; where a step on rank 0, or a merge, fails, the verb fails with its status. */
typedef struct rf_fold {
    rf_fold_function *step;                 /* (accumulator, output) */
    rf_fold_function *merge;                /* (accumulator, accumulator); NULL: in order */
    const rf_value *identity;               /* may be NULL */
    const rf_value *initial;                /* an accumulator; NULL: none */
} rf_fold;
int rf_seq_reduce(rf_seq *, rf_fold fold, const rf_options *, rf_results **);

/* ---- by key ---------------------------------------------------------------------------------------------------- */

/* Map/reduce by key: mappers emit (key, value) pairs, equal keys meet in one call of the reducer, what that emits is the output.

       static int words(rf_call *call, rf_value text) { ... RF_EMIT(call, rf_text(word, length), 1); ... }
       RF_REGISTER(words);

       RF_AUTO(rf_dataset, counts);
       rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_splits(paths, n), .mapper = words}}, .reducer = rf_sum,
                                 .order = RF_BY_KEY_GLOBAL, .output = "counts"), RF_OPTIONS(.retry = RF_RETRY), &counts);

   Data goes from worker to worker, never through rank 0, and beyond .memory to scratch files (RANKFOLD_SCRATCH, TMPDIR or /tmp). The output has
   the same bytes on any number of ranks, for any budget and chunks, with and without combiner, and after any retry.

   Keys are text, bytes, numbers, bool, nil, tuples or dictionaries; a key and a value are below 2 GiB each. Keys are equal when type and bytes
   are (integers of any C type are one type, -0.0 is 0.0, all NaN are one). Their order is that of bytes, of integers, of doubles; keys of
   several types have some order, always the same.

   Tasks: a map task is a block of the input: as many items as chunk_size says, or blocks of files of split_size bytes in all (automatic: 32 MiB or more
   where there is so much). It is also what is tried again: where an item fails, its whole task is, on another worker where there is one, and nothing of
   the failed attempt is kept. A reduce task is a partition.

   With RF_FORK (see rf_executor) a whole task runs in a child: mapper and combiner, sorting, writing runs to scratch files; merging, reducer and output. A
   mapper, combiner, reducer, partitioner or comparison that ends its child costs one attempt of its task, told with the item or key that it was at
   (RF_BY_KEY_GLOBAL compares keys in the ranks, too). task_timeout is of one item of a mapper, or one key of a reducer, or of a combiner that runs
   outside of a mapper. task_memory is of functions, and what the library needs beside them is a quarter of that and 48 MiB more; with it, and for each of several
   slots, tasks sort that much less at once. lifespan counts items and keys; a child is replaced between tasks. A tolerant job goes on without an item that ends
   children: its task is run again without it. */
typedef enum rf_order {
    RF_UNORDERED,                           /* of the keys in a partition: none is promised, but it is the same in each run */
    RF_BY_KEY,                              /* ascending within each partition */
    RF_BY_KEY_GLOBAL                        /* ascending over all partitions, each of which holds a range of keys */
} rf_order;

typedef enum rf_value_order {
    RF_BY_INPUT,                            /* a key's values come in the order of the inputs, of their items, and of emission */
    RF_BY_VALUE                             /* ascending (secondary sort): by type, numbers by what they are, all else by bytes; equal
                                               ones as above. Not together with a built-in combiner or reducer but rf_collect */
} rf_value_order;

typedef enum rf_format {
    RF_LINES,                               /* key<TAB>value<NEWLINE>: texts and bytes as they are, all else as rf_print has it; a nil key or
                                               value leaves out the tab too */
    RF_PREFIXED,                            /* | key size 4 | value size 4 | key | value |, little-endian; texts and bytes as they are, all else
                                               as MessagePack. rf_prefixed reads it */
    RF_RAW                                  /* key and value, as in RF_PREFIXED but without sizes: for records of fixed size */
} rf_format;

typedef struct rf_input {
    rf_source *source;                      /* consumed, also after a failure */
    rf_map_function *mapper;                /* emits pairs (RF_EMIT); NULL: the items are tuples (key, value), such as a dataset's */
    rf_value state;                         /* bound to mapper, as .state of the options is elsewhere; copied */
} rf_input;

#define RF_INPUTS_MOST 8
typedef struct rf_job {
    size_t struct_size;                     /* set by RF_JOB */
    rf_input inputs[RF_INPUTS_MOST];        /* those with a source, from the first on, without a gap; values reach the reducer in their order */
    rf_reduce_function *reducer;            /* NULL: pairs are the output as they were emitted */
    rf_reduce_function *combiner;           /* NULL: what the reducer brings. It sees a key and some of its values, neighbours in their order, and emits
                                               values of that key in their place, or returns one; it may be called any number of times, also never (with RF_BY_VALUE never), and has
                                               to be exact: nobody may be able to tell. A built-in one goes with any reducer, which then sees the one
                                               value that all of a key's were folded into */
    rf_value state;                         /* bound to reducer and combiner; copied */
    rf_partition_function *partitioner;     /* which partition a key belongs to; NULL: by hash. Not with RF_BY_KEY_GLOBAL */
    rf_compare_function *compare;           /* the order of keys; NULL: as said above. Keys that it calls equal stay different groups. One that
                                               is no order gives some order */
    uint32_t partitions;                    /* at most 65,536; 0: automatic, from the size of the input alone, and the output is one file */
    rf_order order;
    rf_value_order values;
    size_t memory;                          /* bytes that each worker takes for pairs; 0: half of what its host (or control group) has, divided by the
                                               ranks there. At least 8 MiB are taken */
    const char *output;                     /* a file, which is replaced whole; with partitions a directory of part-00000 ... and a MANIFEST, which
                                               appears whole. Every worker sees the folder it lies in. Ends in .gz: through zlib. NULL: the
                                               pairs stay with the workers, as a dataset */
    rf_format format;
    bool force;                             /* an output directory that exists is exchanged for the new one; without it is RF_EEXISTS */
    bool tolerant;                          /* an item whose attempts are used up costs nothing but itself: output is written without it, and the
                                               verb returns RF_EITEMS. Without it the job ends with the first, and no output is touched. A key, which
                                               a reducer or combiner fails at, ends it always */
    bool compress;                          /* what is sorted and sent, through zlib: for slow disks and networks */
} rf_job;

/* Registered in every program (rankfold:rf_sum ...); as reducers they bring themselves as combiner. Values are numbers for rf_sum, any for the others.
   rf_sum is exact: of integers a number or RF_ERANGE beyond 64 bits; with doubles among them the nearest double to the true sum.
   rf_min and rf_max go by the order of RF_BY_VALUE, rf_first is the first value in the order of RF_BY_INPUT, rf_count counts values, rf_collect
   gives all of them as one tuple, in memory at once, and combines nothing. */
rf_reduce_function rf_sum, rf_min, rf_max, rf_count, rf_first, rf_collect;
/* A mapper for lines of key<TAB>value, as RF_LINES writes them: emits two texts; without a tab the value is nil. */
rf_map_function rf_key_value;

/* For reducers and combiners. The next value of the key, in order, however many there are: RF_OK, RF_END, or an error, which the reducer returns. Valid until
   the next call, aligned, and a NUL follows. What is not taken is passed over. */
int rf_group_next(rf_group *values, rf_value *value);
unsigned rf_group_input(const rf_group *values);            /* which of the job's inputs that value came from */

/* Runs the job to its end. A reducer emits pairs of any key, or returns one value, which is paired with its key. options: as for rf_map; retry,
   rate_limit and halt are of map and reduce tasks, timeout is of the whole, workers and executor of both; progress counts tasks.
   RF_OK, or RF_EITEMS where it is tolerant: *made is a dataset (made may be NULL). All else: it is NULL, and what was at output is as it was. RF_EOPTION,
   RF_EUSAGE (the job makes no sense), RF_EEXISTS, RF_EOUTPUT (a path, what was needed, what is free), RF_EINPUT, RF_ELOST (with a rank its pairs are gone) ... */
int rf_mapreduce(rf_pool *, const rf_job *, const rf_options *, rf_dataset **made);

/* A dataset: the report of a job, and where it had no output the pairs, which stay with the workers until it is freed or the pool closes. */
rf_source *rf_dataset_source(rf_dataset *);                 /* its pairs, tuples (key, value), in order, for any verb: workers read what they hold or pull it from
                                                               each other. The dataset may be freed before. RF_EUSAGE waits in it where the job had an output */
int rf_dataset_collect(rf_dataset *, rf_results **);        /* all pairs on rank 0, as tuples */
uint64_t rf_dataset_len(const rf_dataset *);                /* pairs; NULL: 0 */
int64_t rf_dataset_counter(const rf_dataset *, const char *name);   /* what the job's functions have added with rf_call_count, each task that counts once; 0: nothing */

typedef struct rf_keyed_figures {
    uint64_t map_tasks, reduce_tasks;
    uint64_t emitted;                       /* pairs, by mappers */
    uint64_t combined;                      /* pairs that were left of them in sealed runs */
    uint64_t intermediate;                  /* bytes of these runs */
    uint64_t exchanged;                     /* bytes of them that went from one rank to another, with all that was sent for them */
    uint64_t spilled;                       /* bytes written to scratch */
    uint64_t groups, output;                /* keys that were reduced, pairs of output */
    uint64_t failed;                        /* items that a tolerant job went without */
    double map_seconds, reduce_seconds;     /* of rank 0's clock */
} rf_keyed_figures;
rf_keyed_figures rf_dataset_figures(const rf_dataset *);
int rf_dataset_report(const rf_dataset *, FILE *to);        /* these, the counters, and the first failures, as a table for people. RF_EOUTPUT */
void rf_dataset_free(rf_dataset *);                         /* NULL is legal; also after rf_close */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

/* ---- macros ---------------------------------------------------------------------------------------------------- */

#define RF_EACH1_(m, a) m(a)
#define RF_EACH2_(m, a, ...) m(a), RF_EACH1_(m, __VA_ARGS__)
#define RF_EACH3_(m, a, ...) m(a), RF_EACH2_(m, __VA_ARGS__)
#define RF_EACH4_(m, a, ...) m(a), RF_EACH3_(m, __VA_ARGS__)
#define RF_EACH5_(m, a, ...) m(a), RF_EACH4_(m, __VA_ARGS__)
#define RF_EACH6_(m, a, ...) m(a), RF_EACH5_(m, __VA_ARGS__)
#define RF_EACH7_(m, a, ...) m(a), RF_EACH6_(m, __VA_ARGS__)
#define RF_EACH8_(m, a, ...) m(a), RF_EACH7_(m, __VA_ARGS__)
#define RF_EACH9_(m, a, ...) m(a), RF_EACH8_(m, __VA_ARGS__)
#define RF_EACH10_(m, a, ...) m(a), RF_EACH9_(m, __VA_ARGS__)
#define RF_EACH11_(m, a, ...) m(a), RF_EACH10_(m, __VA_ARGS__)
#define RF_EACH12_(m, a, ...) m(a), RF_EACH11_(m, __VA_ARGS__)
#define RF_PICK_(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, n, ...) n
#define RF_COUNT_(...) RF_PICK_(__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define RF_JOIN2_(a, b) a##b
#define RF_JOIN_(a, b) RF_JOIN2_(a, b)
#define RF_EACH_(m, ...) RF_JOIN_(RF_JOIN_(RF_EACH, RF_COUNT_(__VA_ARGS__)), _)(m, __VA_ARGS__)

#ifndef __cplusplus

#define RF_V(x)                                                                                                          \
    _Generic((x), bool: rf_of_bool, char: rf_of_i64, signed char: rf_of_i64, unsigned char: rf_of_u64, short: rf_of_i64,                \
             unsigned short: rf_of_u64, int: rf_of_i64, unsigned: rf_of_u64, long: rf_of_i64, unsigned long: rf_of_u64, \
             long long: rf_of_i64, unsigned long long: rf_of_u64, float: rf_of_f64, double: rf_of_f64,                 \
             char *: rf_of_string, const char *: rf_of_string, rf_value: rf_of_value)(x)
#define RF_SLOT_TYPE_(x)                                                                                               \
    _Generic(&(x), bool *: RF_SLOT_BOOL, signed char *: RF_SLOT_SCHAR, unsigned char *: RF_SLOT_UCHAR,                 \
             short *: RF_SLOT_SHORT, unsigned short *: RF_SLOT_USHORT, int *: RF_SLOT_INT, unsigned *: RF_SLOT_UINT,   \
             long *: RF_SLOT_LONG, unsigned long *: RF_SLOT_ULONG, long long *: RF_SLOT_LLONG,                         \
             unsigned long long *: RF_SLOT_ULLONG, float *: RF_SLOT_FLOAT, double *: RF_SLOT_DOUBLE,                   \
             const char **: RF_SLOT_STRING, rf_value *: RF_SLOT_VALUE)
#define RF_SLOT_(x) {#x, &(x), RF_SLOT_TYPE_(x)}
#define RF_ARGS(call, item, ...)                                                                                       \
    rf_read_slots((call), (item), (const rf_slot[]){RF_EACH_(RF_SLOT_, __VA_ARGS__)}, RF_COUNT_(__VA_ARGS__))
#define RF_TUPLE(...) rf_tuple_of((const rf_value[]){RF_EACH_(RF_V, __VA_ARGS__)}, RF_COUNT_(__VA_ARGS__))
#define RF_DICT(...) rf_dict_of((const rf_value[]){RF_EACH_(RF_V, __VA_ARGS__)}, RF_COUNT_(__VA_ARGS__))
#define RF_VALUES(...) rf_values((const rf_value[]){RF_EACH_(RF_V, __VA_ARGS__)}, RF_COUNT_(__VA_ARGS__))
#define RF_ELEMENT_TYPE_(x)                                                                                            \
    _Generic((x), bool: RF_BOOL, signed char: RF_I64, short: RF_I64, int: RF_I64, long: RF_I64, long long: RF_I64,     \
             unsigned short: RF_U64, unsigned: RF_U64, unsigned long: RF_U64, unsigned long long: RF_U64,              \
             float: RF_F64, double: RF_F64, default: RF_BYTES)
#define RF_ARRAY(base, count) rf_array((base), (count), sizeof *(base), RF_ELEMENT_TYPE_(*(base)))
#define RF_ZIP(...) rf_zip((rf_source *const[]){__VA_ARGS__}, sizeof((rf_source *const[]){__VA_ARGS__}) / sizeof(rf_source *))
#define RF_OPTIONS(...) (&(const rf_options){.struct_size = sizeof(rf_options), __VA_ARGS__})
#define RF_JOB(...) (&(const rf_job){.struct_size = sizeof(rf_job), __VA_ARGS__})
#define RF_KIND_OF_(f)                                                                                                 \
    _Generic((f), rf_map_function *: RF_KIND_MAP, rf_filter_function *: RF_KIND_FILTER,                                \
             rf_fold_function *: RF_KIND_FOLD, rf_reduce_function *: RF_KIND_REDUCE,                                   \
             rf_compare_function *: RF_KIND_COMPARE, rf_partition_function *: RF_KIND_PARTITION, default: -1)
#define RF_CHECK_KIND_(f)                                                                                              \
    _Static_assert(RF_KIND_OF_(f) >= 0, "RF_REGISTER(" #f "): not one of rankfold's function types, see rf_map_function")

#else /* C++20: the same names. g++ -Wextra warns of the fields that RF_OPTIONS and RF_REGISTER leave out: -Wno-missing-field-initializers.
         What RF_TUPLE, RF_DICT and RF_OPTIONS make lasts until the ';', not until the block's end: use it where it is made. */

static inline rf_value rf_box(bool x) { return rf_of_bool(x); }
static inline rf_value rf_box(char x) { return rf_of_i64(x); }
static inline rf_value rf_box(signed char x) { return rf_of_i64(x); }
static inline rf_value rf_box(unsigned char x) { return rf_of_u64(x); }
static inline rf_value rf_box(short x) { return rf_of_i64(x); }
static inline rf_value rf_box(unsigned short x) { return rf_of_u64(x); }
static inline rf_value rf_box(int x) { return rf_of_i64(x); }
static inline rf_value rf_box(unsigned x) { return rf_of_u64(x); }
static inline rf_value rf_box(long x) { return rf_of_i64(x); }
static inline rf_value rf_box(unsigned long x) { return rf_of_u64(x); }
static inline rf_value rf_box(long long x) { return rf_of_i64(x); }
static inline rf_value rf_box(unsigned long long x) { return rf_of_u64(x); }
static inline rf_value rf_box(float x) { return rf_of_f64(x); }
static inline rf_value rf_box(double x) { return rf_of_f64(x); }
static inline rf_value rf_box(const char *x) { return rf_of_string(x); }
static inline rf_value rf_box(rf_value x) { return x; }
static inline rf_slot rf_slot_of(const char *n, bool &x) { return {n, &x, RF_SLOT_BOOL}; }
static inline rf_slot rf_slot_of(const char *n, signed char &x) { return {n, &x, RF_SLOT_SCHAR}; }
static inline rf_slot rf_slot_of(const char *n, unsigned char &x) { return {n, &x, RF_SLOT_UCHAR}; }
static inline rf_slot rf_slot_of(const char *n, short &x) { return {n, &x, RF_SLOT_SHORT}; }
static inline rf_slot rf_slot_of(const char *n, unsigned short &x) { return {n, &x, RF_SLOT_USHORT}; }
static inline rf_slot rf_slot_of(const char *n, int &x) { return {n, &x, RF_SLOT_INT}; }
static inline rf_slot rf_slot_of(const char *n, unsigned &x) { return {n, &x, RF_SLOT_UINT}; }
static inline rf_slot rf_slot_of(const char *n, long &x) { return {n, &x, RF_SLOT_LONG}; }
static inline rf_slot rf_slot_of(const char *n, unsigned long &x) { return {n, &x, RF_SLOT_ULONG}; }
static inline rf_slot rf_slot_of(const char *n, long long &x) { return {n, &x, RF_SLOT_LLONG}; }
static inline rf_slot rf_slot_of(const char *n, unsigned long long &x) { return {n, &x, RF_SLOT_ULLONG}; }
static inline rf_slot rf_slot_of(const char *n, float &x) { return {n, &x, RF_SLOT_FLOAT}; }
static inline rf_slot rf_slot_of(const char *n, double &x) { return {n, &x, RF_SLOT_DOUBLE}; }
static inline rf_slot rf_slot_of(const char *n, const char *&x) { return {n, &x, RF_SLOT_STRING}; }
static inline rf_slot rf_slot_of(const char *n, rf_value &x) { return {n, &x, RF_SLOT_VALUE}; }
template <class T> struct rf_element { static constexpr rf_type type = RF_BYTES; };     /* as RF_ELEMENT_TYPE_ */
template <> struct rf_element<bool> { static constexpr rf_type type = RF_BOOL; };
template <> struct rf_element<signed char> { static constexpr rf_type type = RF_I64; };
template <> struct rf_element<short> { static constexpr rf_type type = RF_I64; };
template <> struct rf_element<int> { static constexpr rf_type type = RF_I64; };
template <> struct rf_element<long> { static constexpr rf_type type = RF_I64; };
template <> struct rf_element<long long> { static constexpr rf_type type = RF_I64; };
template <> struct rf_element<unsigned short> { static constexpr rf_type type = RF_U64; };
template <> struct rf_element<unsigned> { static constexpr rf_type type = RF_U64; };
template <> struct rf_element<unsigned long> { static constexpr rf_type type = RF_U64; };
template <> struct rf_element<unsigned long long> { static constexpr rf_type type = RF_U64; };
template <> struct rf_element<float> { static constexpr rf_type type = RF_F64; };
template <> struct rf_element<double> { static constexpr rf_type type = RF_F64; };
template <class T> static inline rf_source *rf_array_of(const T *base, uint64_t count)
{
    return rf_array(base, count, sizeof(T), rf_element<T>::type);
}
#define RF_ARRAY(base, count) rf_array_of((base), (count))
template <class T> static inline const T *rf_address(const T &object) { return &object; } /* of a temporary: until the ';' */
template <size_t N> struct rf_list_of { rf_value v[N]; };
#define RF_V(x) rf_box(x)
#define RF_SLOT_(x) rf_slot_of(#x, x)
#define RF_ARGS(call, item, ...)                                                                                       \
    [&](rf_call *rf_c_, rf_value rf_v_) {                                                                              \
        const rf_slot rf_s_[] = {RF_EACH_(RF_SLOT_, __VA_ARGS__)};                                                     \
        return rf_read_slots(rf_c_, rf_v_, rf_s_, sizeof rf_s_ / sizeof *rf_s_);                                       \
    }((call), (item))
#define RF_TUPLE(...) rf_tuple_of(rf_address(rf_list_of<RF_COUNT_(__VA_ARGS__)>{{RF_EACH_(RF_V, __VA_ARGS__)}})->v, RF_COUNT_(__VA_ARGS__))
#define RF_DICT(...) rf_dict_of(rf_address(rf_list_of<RF_COUNT_(__VA_ARGS__)>{{RF_EACH_(RF_V, __VA_ARGS__)}})->v, RF_COUNT_(__VA_ARGS__))
#define RF_VALUES(...) rf_values(rf_address(rf_list_of<RF_COUNT_(__VA_ARGS__)>{{RF_EACH_(RF_V, __VA_ARGS__)}})->v, RF_COUNT_(__VA_ARGS__))
template <size_t N> struct rf_sources_of { rf_source *v[N]; };
#define RF_ZIP(...) rf_zip(rf_address(rf_sources_of<RF_COUNT_(__VA_ARGS__)>{{__VA_ARGS__}})->v, RF_COUNT_(__VA_ARGS__))
#define RF_OPTIONS(...) (rf_address(rf_options{.struct_size = sizeof(rf_options), __VA_ARGS__}))
#define RF_JOB(...) (rf_address(rf_job{.struct_size = sizeof(rf_job), __VA_ARGS__}))
constexpr int rf_kind_of(rf_map_function *) { return RF_KIND_MAP; }
constexpr int rf_kind_of(rf_filter_function *) { return RF_KIND_FILTER; }
constexpr int rf_kind_of(rf_fold_function *) { return RF_KIND_FOLD; }
constexpr int rf_kind_of(rf_reduce_function *) { return RF_KIND_REDUCE; }
constexpr int rf_kind_of(rf_compare_function *) { return RF_KIND_COMPARE; }
constexpr int rf_kind_of(rf_partition_function *) { return RF_KIND_PARTITION; }
#define RF_KIND_OF_(f) rf_kind_of(f)
#define RF_CHECK_KIND_(f) static_assert(rf_kind_of(f) >= 0)
#endif

#define RF_PACK1_(x) RF_V(x)
#define RF_PACKN_(...) RF_TUPLE(__VA_ARGS__)
#define RF_RETURN(call, ...) rf_return((call), RF_BOX_(__VA_ARGS__))
#define RF_BOX_(...) RF_JOIN_(RF_JOIN_(RF_PACK, RF_PICK_(__VA_ARGS__, N, N, N, N, N, N, N, N, N, N, N, 1, 0)), _)(__VA_ARGS__)
#define RF_EMIT(call, key, value) rf_emit_pair((call), RF_V(key), RF_V(value))
#define RF_READ(value, ...) RF_ARGS(NULL, value, __VA_ARGS__)

/* RF_REGISTER(f); or RF_REGISTER(f, .init = ..., .exit = ..., .options = {...}); at file scope, after f. Works for static
   functions, in any number of files, in shared objects (unregistered by dlclose). */
#define RF_REGISTER(...) RF_REGISTER_(__VA_ARGS__, )
#define RF_REGISTER_(f, ...)                                                                                           \
    RF_CHECK_KIND_(f);                                                                                                 \
    __attribute__((constructor)) static void rf_register_##f(void);                                                    \
    __attribute__((destructor)) static void rf_unregister_##f(void);                                                   \
    static rf_registration rf_registration_##f = {.struct_size = sizeof(rf_registration), .name = #f, .file = __FILE__, \
        .line = __LINE__, .kind = RF_KIND_OF_(f), .function = (rf_any_function *)(f), __VA_ARGS__};                    \
    static void rf_register_##f(void) { rf_register(&rf_registration_##f); }                                           \
    static void rf_unregister_##f(void) { rf_unregister(&rf_registration_##f); }                                       \
    struct rf_call /* the caller's semicolon */

/* RF_AUTO(rf_results, results); declares a NULL handle that is freed when it leaves its scope. It declares and sets in
   one, so that an early return can never free what was not yet made. */
#define RF_AUTO(type, name) __attribute__((cleanup(type##_auto_))) type *name = NULL
static inline void rf_results_auto_(rf_results **p) { rf_results_free(*p); }
static inline void rf_iterator_auto_(rf_iterator **p) { (void)rf_iterator_free(*p); }
static inline void rf_future_auto_(rf_future **p) { rf_future_free(*p); }
static inline void rf_dataset_auto_(rf_dataset **p) { rf_dataset_free(*p); }

#endif
