/* wordcount PATH...: how often each word occurs. It teaches map/reduce by key: a mapper that emits pairs, a built-in reducer that brings
   its own combiner, output that is in the order of the keys and appears whole, and a job that goes on without what could not be read. */
#define _GNU_SOURCE
#include <errno.h>
#include <rankfold.h>
#include <sysexits.h>

#include "keyed_options.h"
#include "words.h"

static keyed_options said;

static int count_words(rf_call *call, rf_value text) { return words_emit(call, text, rf_of_i64(1)); }
RF_REGISTER(count_words);

static int count_all(rf_pool *pool, rf_dataset **counts)
{
    return rf_mapreduce(pool,
                        RF_JOB(.inputs = {{.source = rf_splits(said.paths.at, said.paths.count), .mapper = count_words}},
                               .reducer = rf_sum, .order = RF_BY_KEY_GLOBAL, .tolerant = !said.output, KEYED_JOB(said)),
                        RF_OPTIONS(KEYED_RUN(said)), counts);
}

/* With an output the job has ended with the first block that could not be read, and tells it under its name, which is the program's; without
   one the rest was counted. */
static void tell_lost(const rf_dataset *counts)
{
    fprintf(stderr, "%s%s\n", said.output ? "" : "wordcount: ", rf_last_error()->message);
    uint64_t failed = rf_dataset_figures(counts).failed;
    if (failed > 1)
        fprintf(stderr, "wordcount: and %" PRIu64 " more blocks were not read (--report - names the first of them)\n", failed - 1);
    if (said.output)
        fprintf(stderr, "wordcount: %s is left as it was, because not all of the input was read\n", said.output);
    else
        fprintf(stderr, "wordcount: the counts are partial: not all of the input was read\n");
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    RF_AUTO(rf_dataset, counts);
    int status = keyed_begin(&said);
    if (status)
        return status;
    status = count_all(pool, &counts);
    bool lost = status == RF_EITEMS;
    if (lost)
        tell_lost(counts);
    status = keyed_end(&said, pool, counts, lost ? RF_OK : status);
    return lost && status == RF_OK ? EX_DATAERR : status;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    if (key == ARGP_KEY_END && !said.paths.count)
        return command_line_wrong("no PATH is given: wordcount PATH... (try --help)");
    return keyed_options_key(key, value, state, &said);
}

static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {KEYED_OPTIONS, {0}};
    static const struct argp command = {
        .options = options, .parser = parse, .args_doc = "PATH...",
        .doc = "Counts words: runs of ASCII letters, without regard to capitals. Prints a line for each, the word, a tab and "
               "its count, in the order of bytes.\vA directory stands for the regular files below it, - for standard input; "
               "a name that ends in .gz is decompressed. No word spans two files. The status is 0; 65 when something could "
               "not be read: it is named, and the counts of the rest are printed (with --output they are not written); 64 "
               "for wrong use, 66 when a PATH does not exist, 73 when the output cannot be written.",
    };
    return command_line_parse(&command, argc, argv, EX_USAGE);
}

int main(int argc, char **argv) { return rf_main_setup(argc, argv, setup, driver); }
