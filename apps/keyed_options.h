/* What the command lines of the programs by key have in common: -o, --memory, --partitions, --force, --chunk-size, --report,
   --progress, --help and --version, and that without -o the output goes to standard output. A program adds these options to its
   own, and passes on what it is told:

       static keyed_options said;

       error_t parse(...)   { switch (key) { ... default: return keyed_options_key(key, value, state, &said); } }

       int driver(...)
       {
           RF_AUTO(rf_dataset, counts);
           int status = keyed_begin(&said);
           if (status == RF_OK)
               status = rf_mapreduce(pool, RF_JOB(.inputs = ..., .reducer = ..., KEYED_JOB(said)), RF_OPTIONS(KEYED_RUN(said)), &counts);
           return keyed_end(&said, pool, counts, status);
       }

   A program of several jobs says KEYED_JOB in the last one, and .memory = said.memory in those before it. */
#ifndef RANKFOLD_APPS_KEYED_OPTIONS_H
#define RANKFOLD_APPS_KEYED_OPTIONS_H

#include <rankfold.h>

#include "command_line.h"

typedef struct keyed_options {
    operands paths;                     /* behind the options; how many there must be the program says */
    const char *output;                 /* NULL: standard output */
    uint64_t memory, chunk_size;        /* 0: automatic */
    uint32_t partitions;                /* 0: one file */
    bool force, progress;
    const char *report;                 /* a file, "-" or NULL */
    rf_format format;                   /* of the output, set by the program; RF_LINES */
    FILE *to;                           /* after keyed_begin: where the pairs are printed; NULL: the job has an output */
    FILE *report_to;
} keyed_options;

enum { KEYED_MEMORY = 0x200, KEYED_PARTITIONS, KEYED_FORCE };       /* keys without a letter; a program's own begin at 0x300 */
#define KEYED_OPTIONS                                                                                                                  \
    {"output", 'o', "OUT", 0,                                                                                                          \
     "write there instead of to standard output. It appears whole, or is left as it was when something goes wrong", 0},                \
    {"partitions", KEYED_PARTITIONS, "N", 0, "make OUT a directory of N files, part-00000 and so on, and a MANIFEST", 0},              \
    {"force", KEYED_FORCE, NULL, 0, "with --partitions: exchange an OUT that exists for the new one", 0},                              \
    {"memory", KEYED_MEMORY, "BYTES[K|M|G]", 0,                                                                                        \
     "how much each worker takes for what it sorts (half of its share of the host's memory); beyond that goes to scratch files", 0},   \
    {"chunk-size", 'c', "BYTES[K|M|G]", 0, "how much of the input is one piece of work (automatic)", 0},                               \
    {"progress", 'p', NULL, 0, "show on standard error how far it is: how many of the pieces", 0},                                     \
    {"report", 'r', "FILE", 0, "write there at the end what each rank and the job have done; - for standard error", 0},                \
    COMMAND_LINE_HELP, {"version", 'V', NULL, 0, "print the version and end", 0}

/* The default case of a parser: these options, and what command_line_key does. A program with an ARGP_KEY_END of its own calls it
   there as well. */
error_t keyed_options_key(int key, char *value, struct argp_state *state, keyed_options *said);

/* What of it goes into RF_JOB and into RF_OPTIONS. */
#define KEYED_JOB(said)                                                                                                                \
    .memory = (said).memory, .partitions = (said).partitions, .force = (said).force, .format = (said).format,                          \
    .output = (said).to ? NULL : (said).output
#define KEYED_RUN(said)                                                                                                                \
    .name = program_invocation_short_name, .split_size = (said).chunk_size, .progress = (said).progress ? RF_ON : RF_UNSET

/* In the driver, before the jobs: opens the report, and decides whether the job has an output: not where there is no -o, nor where that
   is a device or a pipe, to which the pairs are printed. RF_OK, or an exit status after it has told why. */
int keyed_begin(keyed_options *said);
/* After the last job, whose status and dataset it is given (NULL: it failed): prints the dataset where the job has no output, writes the
   report, and gives what the driver returns. */
int keyed_end(keyed_options *said, rf_pool *pool, rf_dataset *made, int status);
/* Prints a dataset that has no output to said->to, as its output would have been. */
int keyed_print(const keyed_options *said, rf_pool *pool, rf_dataset *made);

#endif
