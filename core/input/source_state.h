/* What a source is made of. Only source*.c and standard_input.c look inside; everybody else goes through source.h. */
#ifndef RANKFOLD_INPUT_SOURCE_STATE_H
#define RANKFOLD_INPUT_SOURCE_STATE_H

#include "base/error.h"
#include "input/growth.h"
#include "input/pages.h"
#include "input/paths.h"
#include "input/reader.h"
#include "input/source.h"

enum source_kind { SOURCE_RANGE = 1, SOURCE_ARRAY, SOURCE_VALUES, SOURCE_FILES, SOURCE_GENERATOR, SOURCE_ZIP, SOURCE_PAIRS };

struct source_range { int64_t start, step; };
struct source_array { const uint8_t *base; size_t element_size; rf_type type; };

struct source_files {
    strings *given;                 /* the paths as the user gave them; shared by readings */
    bool has_input;                 /* "-" is among them */
    paths found;
    enum input_layout layout;
    uint64_t split_most;            /* split_size follows from the size of the input, and is at most this; 0: it is said */
    uint64_t split_size;            /* of records: a multiple of record_size */
    uint64_t record_size;
    buffer body;                    /* of the piece that was described last */
    reader *here;                   /* where rank 0 reads them itself, item by item; else NULL */
};

/* Of a dataset; shared by its readings. */
struct pairs_table {
    unsigned users;
    uint32_t count;
    struct input_pairs *parts;          /* first: of the dataset; one more at the end */
    void (*release)(void *held);
    void *held;
};

struct source_pairs {
    struct pairs_table *table;
    struct input_pairs body;            /* of the piece that was described last */
};

struct source_generator {
    rf_generator_function *next;
    void *state;
    void (*release)(void *state);
    source_caller caller;
};

struct zip_member {
    rf_source *source;
    uint64_t read;                  /* units that a sequential one has given */
    int over;                       /* RF_OK: more may come; RF_END; or how reading it failed, told by source->wrong */
};

struct source_zip {
    struct zip_member *members;
    size_t count;
    unsigned depth;                 /* of zips in zips: 1 without */
    uint64_t known;                 /* of a sequential one: units that all members have */
    buffer body;                    /* of the piece that was described last */
};

/* Standard input: bytes that have come and do not make an item yet. */
struct standard_input {
    buffer window;
    size_t at, scanned;             /* where the next item starts; bytes of it that are known not to end it */
    uint64_t first_unit, units;     /* its items are the units from first_unit on */
    uint64_t taken;                 /* bytes of its items */
    buffer pair;                    /* the last one, of INPUT_PREFIXED */
    bool ended;
};

struct rf_source {
    enum source_kind kind;
    uint64_t users;                 /* beside the one who made it: readings of its values */
    rf_source *of;                  /* a reading of values: whose they are; NULL: its own */
    failure *wrong;                 /* what waits for the verb; NULL: nothing */
    bool sequential, ended;
    bool read;                      /* it could be read once, and a reading has taken it */
    uint64_t length;                /* units; UINT64_MAX: unknown */
    uint64_t limit;                 /* of a sequential one: iterable_len, or what the members of a zip have at most */
    uint64_t most;                  /* items wanted of it, whatever its length */
    pages pages;                    /* values; what was read of a sequential source */
    growth *added;                  /* by items of its job; NULL: nothing yet */
    union {
        struct source_range range;
        struct source_array array;
        struct source_files files;
        struct source_generator generator;
        struct source_zip zip;
        struct source_pairs pairs;
    };
    struct standard_input standard_input;
    uint64_t next_file, next_block; /* of a sequential list: what comes next of its files */
};

/* For constructors: a source with nothing in it; the error that was just told put into it, where status is one; wrong use told. What there
   is no memory for is one static source, to which nobody writes: source_is_out_of_memory. */
rf_source *source_new(enum source_kind kind);
rf_source *source_with(rf_source *source, int status);
bool source_is_out_of_memory(const rf_source *source);
int source_wrong_use(const char *function, const char *why);

/* Indexed sources of what rank 0 knows. */
void range_describe(const rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described);
void array_describe(const rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described);
int values_fill(rf_source *source, const rf_value *values, uint64_t count);
int strings_fill(rf_source *source, const char *const *texts, uint64_t count);

/* Datasets. */
void pairs_describe(rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described);
struct source_pairs pairs_share(const struct source_pairs *pairs);
void pairs_free(struct source_pairs *pairs);

/* Files. files_describe: units of the whole list; files_describe_blocks: blocks of one file. */
int files_prepare(rf_source *source, const rf_options *settled);
uint64_t files_stretch(const struct source_files *files, uint64_t first, uint64_t most, uint64_t bytes);
uint64_t files_bytes(const struct source_files *files);
int files_describe(rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described);
int files_describe_blocks(rf_source *source, uint64_t file, uint64_t block, uint64_t blocks, input_piece *piece);

/* Sequential sources. standard_input_read gives at most want items to the pages: RF_OK, RF_AGAIN (nothing to read now), RF_END. */
int sequential_read(rf_source *source, uint64_t want, uint64_t *got, int *descriptor, double *delay);
int sequential_describe(rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described);
int standard_input_read(rf_source *source, uint64_t want, uint64_t *got);

/* Zips: indexed, or sequential where a member is. */
int zip_prepare(rf_source *source, const rf_options *settled, const source_caller *caller);
int zip_read(rf_source *source, uint64_t want, uint64_t *got, int *descriptor, double *delay);
int zip_describe(rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described);
void zip_forget(rf_source *source, uint64_t first, uint64_t count);
size_t zip_unit_bytes(const rf_source *source);
void zip_free(struct source_zip *zip);

#endif
