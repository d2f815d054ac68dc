/* Options: one table says for each field of rf_options its environment variable, default, bounds and help; all that reads,
   checks, merges or prints options walks it. An option is resolved field by field: the call's, the function's registered
   default, the pool's, the environment's, the library's. Zero (and NULL, RF_UNSET) is "not said". */
#ifndef RANKFOLD_BASE_OPTIONS_H
#define RANKFOLD_BASE_OPTIONS_H

#include "rankfold.h"

enum option_type { OPTION_COUNT, OPTION_UNSIGNED, OPTION_SECONDS, OPTION_SHARE, OPTION_SIZE, OPTION_TEXT, OPTION_SWITCH, OPTION_HALT,
                   OPTION_RATE, OPTION_EXECUTOR };

typedef struct option {
    const char *field;              /* as a user writes it: "chunk_size", "retry.attempts" */
    size_t offset;                  /* in rf_options */
    enum option_type type;
    const char *environment;        /* "RANKFOLD_CHUNK_SIZE" */
    const char *fallback;           /* the library's default as text; NULL: automatic or off, as help says */
    double least, most;             /* bounds of numbers; the type's off value (RF_NONE, RF_UNLIMITED) is allowed beside them
                                       where off_allowed */
    bool off_allowed;
    const char *help;
} option;

extern const option option_table[];
extern const size_t option_count;

/* Reads text as a user writes it ("64M", "none", "soon") into *field, which is of the row's type and written on success alone.
   false: it is none, or out of bounds. A text points to what was given. */
bool option_parse(const option *row, const char *text, void *field);

/* What may be said, for messages: "a whole number from 1 to 1000000"; in the words of the environment, or of C. */
void option_bounds(const option *row, bool environment, char *to, size_t size);

/* Reads RANKFOLD_* into *environment. Nonsense is RF_EOPTION naming variable, value and bounds. Texts point into the environment. */
int options_from_environment(rf_options *environment);

/* Takes from level what *said has not said. Both are whole: of this library's size, or level's struct_size where sized. RF_EOPTION as below. */
int options_under(rf_options *said, const rf_options *level, bool sized);

/* Merges the four levels (each may be NULL) and the library's defaults into *settled: no field is "not said" there except
   where automatic (chunk_size, n_splits, max_active, iterable_len, workers: 0) or NULL (name, on). A retry asked for by any level
   gets the defaults of rf_retry; without one attempts is 1. Bounds are checked; what was out of them is RF_EOPTION naming
   the field, the value and the bounds. A struct_size that is 0 or unknown (smaller structs of older programs are padded with "not said") is RF_EOPTION
   for call and pool; a registration's is ignored. Texts and state still point to what the caller gave. executor is settled as well: what
   needs fork selects it, and is RF_EOPTION, naming both, where RF_INLINE was asked for; slots is at least 1. */
int options_settle(const rf_options *call, const rf_options *function, const rf_options *pool, const rf_options *environment,
                   rf_options *settled);

#endif
