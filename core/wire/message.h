/* Messages: every encoding that goes over the wire, in one file, and the checks of what comes. A frame is

       struct message_head     48 bytes
       fixed part              of the kind, a struct below, a multiple of 16
       body                    any bytes; or elsewhere, offered under body_id (post.h)

   so that in a 16-aligned frame the body is 16-aligned. Native byte order: ranks of one job are of one kind; the version
   and the magic tell when they are not. Called by the post (frames), the worker (writes parts) and the coordinator
   (reads them). Nothing here owns memory but the buffers that the caller gives. */
#ifndef RANKFOLD_WIRE_MESSAGE_H
#define RANKFOLD_WIRE_MESSAGE_H

#include "value/column.h"

#define MESSAGE_MAGIC 0x646c6672u       /* "rfld" */
#define MESSAGE_VERSION 1

enum message_kind {
    MESSAGE_HELLO = 1,                  /* worker -> 0: here I am; body: my functions' names, as registry.h has them */
    MESSAGE_JOB,                        /* 0 -> worker, before a job's first RUN; body: bound state, or stages */
    MESSAGE_RUN,                        /* 0 -> worker: run these units; body: the piece (input/piece.h) */
    MESSAGE_PART,                       /* worker -> 0: these units are done; body: results */
    MESSAGE_STOP,                       /* 0 -> worker: what of this task has not started need not; a last PART still comes */
    MESSAGE_FORGET,                     /* 0 -> worker: the job is over */
    MESSAGE_BYE,                        /* 0 -> worker: the pool is over; task: one of BYE_ */
    MESSAGE_GONE,                       /* worker -> 0: I ask nobody for anything any more, nothing follows; task: one of GONE_ */
    MESSAGE_ASK,                        /* 0 -> worker: tell your figures */
    MESSAGE_FIGURES,                    /* worker -> 0: what I have done so far; body: struct message_long[longest] */
    MESSAGE_KEYED,                      /* 0 -> worker: there is a job by key (job: its number), before its first JOB; body: texts and state */
    MESSAGE_RUNS,                       /* 0 -> worker, before its reduce JOB: which runs were committed, and the splitters */
    MESSAGE_RELEASE,                    /* 0 -> worker: of this job by key nothing is needed any more, or no map task's runs */
    MESSAGE_PULL,                       /* worker -> worker: send what these runs have of this; body: uint64_t[], ids of runs */
    MESSAGE_PULLED,                     /* the answer; body: struct message_stretch and bytes, by turns; or why there is none */
    MESSAGE_SHARE,                      /* 0 -> worker: there is a version of shared data; at: its size; peer: whom to ask; body: name */
    MESSAGE_SHARE_ASK,                  /* worker -> whom it was told: send what follows at, or pass a descriptor */
    MESSAGE_SHARE_PIECE,                /* the answer; body: bytes from at on */
    MESSAGE_SHARE_PASSED,               /* the other answer: a descriptor lies behind the door */
    MESSAGE_SHARE_HAVE,                 /* worker -> 0: I have all of it */
    MESSAGE_SHARE_DROP,                 /* 0 -> worker: nobody needs it any more */
    MESSAGE_SHARE_LOST,                 /* 0 -> worker: peer is gone; what it was asked for, ask 0 */
    MESSAGE_KINDS
};

/* The pool is closed; it never began, because functions differ; all workers have said GONE, or one is lost: nobody waits for anything any more. */
enum message_bye { BYE_CLOSED, BYE_DIFFERENT, BYE_ALL_GONE };

/* It reads on until BYE_ALL_GONE; or nothing: what is sent to it now would be read by the next pool of the same ranks. */
enum message_gone { GONE_WAITS, GONE_AT_ONCE };

struct message_head {
    uint64_t size;                      /* of the frame: head, fixed part and the body where it is inline */
    uint32_t magic;
    uint16_t version, kind;
    uint64_t job, task;
    uint64_t body_size, body_id;        /* body_id 0: the body is in the frame */
};

struct message_hello {
    uint64_t fingerprint;
    int64_t process;
    uint64_t functions;
    uint32_t cores, reserved;           /* cores: of the host; 0: unknown */
    char host[64];
};

struct message_job {
    uint32_t function;                  /* its number in the registry's snapshot */
    uint32_t state_type;                /* rf_type of the bound state, which is the body */
    uint64_t seed;
    uint64_t ordinal;                   /* of the job on its pool: seeds and messages */
    uint32_t by_workers;                /* items are known by path and offset */
    uint32_t shares;                    /* shared data as of this version, see run/share.h */
    uint32_t grows;                     /* its functions may add items to it */
    uint32_t wants_tuples;              /* an item that is neither a tuple nor a dictionary fails */
    uint32_t chained;                   /* function and state_type say nothing: the body is stages */
    uint32_t slots;                     /* chunks that a worker runs at once, in children; 0: inline, and so are the rest */
    double task_timeout;                /* seconds; 0: none */
    uint64_t task_memory, lifespan;     /* 0: none */
    uint64_t keyed;                     /* the job by key that it is a part of; 0: none */
    uint32_t phase, input;              /* PHASE_...; which of that job's inputs it maps */
    uint32_t tolerates;                 /* from this attempt on an item that fails costs itself alone; 0: it always fails its task */
    uint32_t reserved;
};
enum { PHASE_MAP = 1, PHASE_REDUCE };

/* The body of a job that is chained: its stages in the order in which an item goes through them, each this and its bound state, with a
   NUL, and zeros up to a multiple of 16. Numbers are their eight bytes, containers MessagePack. There may be none: items come out as
   they are. */
struct message_stage {
    uint32_t function;                  /* its number in the registry's snapshot */
    uint16_t kind, state_type;
    uint64_t state_size;
};
enum message_stage_kind {
    STAGE_MAP = 1,
    STAGE_FLAT_MAP,
    STAGE_KEY,                          /* a map function; the item goes on as (what it returned, the item) */
    STAGE_FILTER,
    STAGE_TRUTH,                        /* a filter without a function: drops what is falsy */
    /* the last ones, where the job folds: its results are partial folds */
    STAGE_IDENTITY,                     /* no function: what each fold starts from, as its state */
    STAGE_STEP,
    STAGE_MERGE,
    STAGE_KINDS
};
#define MESSAGE_STAGES_MOST 1000        /* flat maps nest as deep */

struct message_run {
    uint64_t first, count;              /* units */
    uint64_t position;                  /* UINT64_MAX: all items; else the one at this offset, and count is 1 */
    uint32_t kind, layout;              /* input_piece, which the reader checks */
    uint64_t a, b;
    uint32_t attempt;                   /* from 1, here and in parts */
    uint32_t more;                      /* another RUN of this task follows */
    double predicted;                   /* seconds */
    uint64_t unit;                      /* what the plan calls what this is a piece of; by key: the map task; else first */
    uint64_t reserved;
};

struct message_stop { uint64_t drop, reserved; };        /* drop 1: nobody wants the item that runs either */

struct message_share {
    uint64_t version, at;
    int32_t peer;
    uint32_t flags;                     /* SHARE_... */
    uint64_t door, token[2];            /* run/share_host.h */
};
enum { SHARE_BY_DOOR = 1,               /* as a descriptor of memory, from a rank of the same host */
       SHARE_MORE = 2,                  /* ASK: all before at has come; nothing else is new */
       SHARE_FLAGS = 3 };

/* A part's body:

       column          column_size bytes, sealed; nil where an item failed. May be left out where there are no items
       positions       uint64_t[items], with PART_POSITIONS alone, which jobs that are by_workers always set, and chained ones where not
                       each item gave exactly one value; without it item i is unit + i, and items are as many as units
       failures        each a struct message_failure, its kind and its text with their NULs, and zeros up to a multiple
                       of 8; item ascends
       added           column of added_size bytes, sealed, at a multiple of 16: what these items have added to their job, the index
                       (RF_U64, its top bit set) and the value by turns. Left out where there is none

   A part's items are of one file. Those that were added to the job have positions too: their indices. In a chained job items are what came
   out at its end, failed items among them: any number for each that went in. Where it folds they are partial folds, whose position is the
   first unit in them. */
struct message_part {
    uint64_t unit, units;               /* where it begins, and how many are done with it */
    uint64_t items, failures;
    uint64_t ran, reserved;             /* items that were run for it, failed ones too */
    uint64_t column_size;
    uint64_t added, added_size;         /* items that were added, and the size of their column */
    uint64_t path_index;
    double seconds;
    uint32_t attempt;
    uint32_t flags;                     /* PART_... */
};
enum { PART_LAST = 1,                   /* nothing more of this task comes; units before it that no part covered were not run */
       PART_INIT_FAILED = 2,            /* .init said no: no unit was run, no items, and one failure, of item 0, tells why */
       PART_POSITIONS = 4,
       PART_PARTLY = 8,                 /* some items of the unit after those that are done are in it as well */
       PART_FLAGS = 15 };

struct message_failure {
    uint64_t item;                      /* in the part, ascending */
    uint64_t unit, position;            /* unit: one of the part's, or the one after them, of which not all is done */
    int32_t status;                     /* negative */
    uint32_t kind_size, message_size;   /* with their NULs */
    uint16_t rest;                      /* it stands for all that follows in its unit: it cannot be tried again by itself */
    uint16_t stage;                     /* of a chained job: which one failed */
    uint64_t source;                    /* of a map task by key: 1 + the item's unit in the source; 0: it is not known, or no item failed */
};

struct message_ask { uint64_t number, reserved; };          /* from 1 */

struct message_figures {
    uint64_t answers;                   /* the ASK's number; 0: not asked */
    uint64_t chunks, items, failed, bytes_in, bytes_out;
    double working, waiting, starting, init;
    uint64_t longest, reserved;
};

/* An item that took long, or several that were timed together. */
struct message_long {
    double seconds;
    uint64_t index, items;
    uint32_t function;                  /* its number in the registry's snapshot */
    int32_t rank;                       /* set by rank 0 */
    char path[64], item[64];            /* with their NULs; "": none, unknown */
};

/* ---- by key */

#define KEYED_NO_FUNCTION UINT32_MAX

/* The body: folder and kinds, each with its NUL, then zeros up to a multiple of 16, then the state of reducer and combiner. */
struct message_keyed {
    uint32_t partitions, sample;
    uint32_t partitioner, compare, combiner;    /* numbers in the registry's snapshot */
    uint32_t fold;                      /* enum fold (keyed/fold.h), which the worker checks */
    uint32_t flags;                     /* KEYED_... */
    uint32_t format;                    /* rf_format */
    uint32_t ranks_here;                /* of the pool's workers, on the receiver's host */
    uint32_t state_type;
    uint64_t memory;                    /* 0: automatic */
    uint64_t folder_size, kinds_size;   /* with their NULs. folder: where parts of the output go, "": nowhere; kinds: of failures that are tried
                                           again, by commas, "": all */
};
enum { KEYED_RANGES = 1, KEYED_BY_VALUE = 2, KEYED_COMPRESS = 4, KEYED_GZIP = 8, KEYED_ORDERED = 16, KEYED_FLAGS = 31 };

/* The body: struct message_run_place[runs], in (input, position) order, then records, the splitters. */
struct message_runs { uint64_t runs; uint32_t splitters, reserved; };
struct message_run_place { uint64_t id; int32_t rank; uint32_t input; };

struct message_release { uint64_t all, reserved; };     /* all 0: the map tasks' runs alone */

/* What of each of the runs: a partition; the keys of a range; or some records of a dataset's part. The runs are those of one job by key
   (head.job); head.task is the asker's, and comes back. The body: uint64_t[runs], their ids, and with PULL_RANGE the records (without values)
   from which on and below which keys are wanted. */
struct message_pull {
    uint32_t what, partition;           /* PULL_... */
    uint64_t first, count;              /* records, with PULL_RECORDS */
    uint64_t offset;                    /* of the first run's stretch: bytes that have come already */
    uint64_t limit;                     /* bytes, at most */
    uint32_t runs, low_size, high_size; /* sizes 0: no bound */
    uint32_t reserved[3];
};
enum { PULL_PARTITION = 1, PULL_RANGE, PULL_RECORDS };
#define PULL_RUNS_MOST 4096

struct message_pulled { int32_t status; uint32_t stretches; uint64_t reserved; };   /* status: negative: the body is a text that says why */

/* Bytes of one run, as many as there was room for, padded to a multiple of 16. Those that follow are of later ids of the PULL. */
struct message_stretch {
    uint64_t run;                       /* which of the PULL's ids, from 0 */
    uint64_t offset, total;             /* of all that was asked of the run: where it begins there, and how large it is */
    uint64_t at, size;                  /* these bytes, from offset on */
    uint64_t skip;                      /* records before the first wanted one, with PULL_RECORDS */
};

/* What a task by key gives as its value (RF_BYTES): this, its sample (sketch.h) and zeros up to a multiple of 8, its counters,
   each a struct message_counter, its name with NUL and zeros up to a multiple of 8, and the items that it went without, as failures of a part. */
struct message_commit {
    uint64_t run, emitted, records, bytes, spilled, exchanged, groups;
    uint64_t written, checksum;         /* of its part of the output */
    uint64_t sample_size, counters, failures;
};
struct message_counter { int64_t by; uint64_t name_size; };

/* A commit as it is read: points into the value. RF_EUSAGE, not told: malformed. */
typedef struct commit_view {
    struct message_commit sums;
    const uint8_t *sample, *counters, *failures, *end;
} commit_view;
int commit_open(rf_value value, commit_view *to);
bool commit_next_counter(commit_view *from, const char **name, int64_t *by);
bool commit_next_failure(commit_view *from, struct message_failure *entry, const char **kind, const char **text);
int commit_write(const struct message_commit *sums, const void *sample, const buffer *counters, const buffer *failures, buffer *to);  /* appends */
int commit_add_counter(buffer *counters, const char *name, int64_t by);

/* A message as it is handled. To send one: head.kind, head.job and head.task are said, the rest of the head is made here. */
typedef struct message {
    int peer;
    struct message_head head;
    union {
        struct message_hello hello;
        struct message_job job;
        struct message_run run;
        struct message_part part;
        struct message_share share;
        struct message_ask ask;
        struct message_figures figures;
        struct message_stop stop;
        struct message_keyed keyed;
        struct message_runs runs;
        struct message_release release;
        struct message_pull pull;
        struct message_pulled pulled;
    };
    const void *body;                   /* 16-aligned; NULL when there is none */
    size_t body_size;
} message;

size_t message_frame_size(int kind, size_t inline_body);    /* of head, fixed part and body */

/* Writes head and fixed part of *what at frame and returns where the body goes: what->body_size bytes there, or none when
   it is offered under body_id. */
void *message_write(void *frame, const message *what, uint64_t body_id);

/* Checks a frame: sizes, magic, version, kind, and each kind's own fields as far as they can be checked alone. Copies head
   and fixed part to *what; body points into the frame, or is NULL when there is none or it is elsewhere (head.body_id not
   0). RF_EUSAGE: told what is wrong with it; *what then is zeros but for peer. message_refuse tells so of what only its
   reader can check. */
int message_read(message *what, int peer, const void *frame, size_t size);
int message_refuse(const message *what, size_t size, const char *fault);    /* RF_EUSAGE */

/* A part's body, written. Failures are appended to a buffer as they happen. message_measure_part then counts: it sets
   items, failures, column_size, added, added_size and body_size of part, whose flags tell whether there are positions. A small body is
   written in place (no allocation), a large one sealed: the payload of values is moved, not copied, and values is empty
   afterwards; RF_ENOMEM leaves it as it was. */
typedef struct part_content {
    column *values;
    const uint64_t *positions;          /* as many as values; with PART_POSITIONS alone */
    const buffer *failures;
    const column *added;                /* stays as it is. NULL or empty: none */
} part_content;
/* Sets the sizes. */
int message_add_failure(buffer *failures, const struct message_failure *entry, const char *kind, const char *text);
void message_measure_part(message *part, const part_content *content);
void message_put_part(const message *part, const part_content *content, void *space);   /* body_size bytes */
int message_seal_part(const message *part, const part_content *content, buffer *body);  /* body: the caller's to free */

/* A part's body, read: all of it is checked first, then failures are walked with message_next_failure. part is as
   message_read gave it, with its body. RF_EUSAGE as above. What is opened points into part->body. */
typedef struct message_results {
    column_view values;
    const uint64_t *positions;          /* or NULL */
    const uint8_t *failures, *end;      /* those not walked yet */
    column_view added;                  /* index and value by turns */
} message_results;
int message_open_part(const message *part, message_results *results);
bool message_next_failure(message_results *results, struct message_failure *entry, const char **kind, const char **text);

/* Stages, written one after another, and read: RF_OK and the next one, whose state points into the body (16-aligned); RF_END;
   RF_EUSAGE, not told: malformed. RF_ENOMEM, or what pack_value says of a state that cannot travel. */
int message_add_stage(buffer *body, uint32_t function, enum message_stage_kind kind, rf_value state);
int message_next_stage(const void **at, size_t *left, struct message_stage *stage, rf_value *state);

/* One line for traces. Leaves the last error alone. */
void message_describe(const void *frame, size_t size, char *text, size_t text_size);

#endif
