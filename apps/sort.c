/* sort PATH...: lines, or records of a fixed size, in the order of their bytes. It teaches a job without a reducer, whose pairs are the
   output as they were emitted; a total order over all partitions; and output that is nothing but keys, or keys and values without anything
   between them. Equal keys stay in the order of the input: the sort is stable. */
#define _GNU_SOURCE
#include <errno.h>
#include <rankfold.h>
#include <sysexits.h>

#include "keyed_options.h"

#define RECORD_MOST ((uint64_t)1 << 30)

static keyed_options said;
static uint64_t record_size, key_size;  /* of --records; 0: lines */

/* A line is a key without a value. */
static int sort_lines(rf_call *call, rf_value text)
{
    rf_value line;
    while (rf_take_line(&text, &line) == RF_OK)
        if (rf_emit_pair(call, line, rf_nil()))
            return RF_EFUNCTION;
    return RF_OK;
}
RF_REGISTER(sort_lines);

static int sort_record(rf_call *call, rf_value record)
{
    const char *bytes = record.data;
    return rf_emit_pair(call, rf_bytes(bytes, key_size), rf_bytes(bytes + key_size, record_size - key_size));
}
RF_REGISTER(sort_record);

static rf_input input(void)
{
    if (record_size)
        return (rf_input){.source = rf_records(said.paths.at, said.paths.count, record_size), .mapper = sort_record};
    return (rf_input){.source = rf_splits(said.paths.at, said.paths.count), .mapper = sort_lines};
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    RF_AUTO(rf_dataset, sorted);
    said.format = record_size ? RF_RAW : RF_LINES;
    int status = keyed_begin(&said);
    if (status)
        return status;
    status = rf_mapreduce(pool, RF_JOB(.inputs = {input()}, .order = RF_BY_KEY_GLOBAL, KEYED_JOB(said)), RF_OPTIONS(KEYED_RUN(said)),
                          &sorted);
    return keyed_end(&said, pool, sorted, status);
}

enum { RECORDS = 0x300 };

static error_t parse(int key, char *value, struct argp_state *state)
{
    if (key == RECORDS)
        return command_line_record("--records", value, RECORD_MOST, &record_size, &key_size);
    if (key == ARGP_KEY_END && !said.paths.count)
        return command_line_wrong("no PATH is given: sort PATH... (try --help)");
    return keyed_options_key(key, value, state, &said);
}

static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"records", RECORDS, "SIZE[:KEY]", 0, "not lines, but records of SIZE bytes, by the first KEY of them (100:10)", 0},
        KEYED_OPTIONS,
        {0},
    };
    static const struct argp command = {
        .options = options, .parser = parse, .args_doc = "PATH...",
        .doc = "Sorts the lines of all PATHs by their bytes, as LC_ALL=C sort does.\vA directory stands for the regular files below "
               "it, - for standard input; a name that ends in .gz is decompressed. A last line without a newline gets one. "
               "Records whose keys are equal stay in the order of the input. The status is 0; 65 when something could not be read, "
               "then nothing is written; 64 for wrong use, 66 when a PATH does not exist, 73 when the output cannot be written.",
    };
    return command_line_parse(&command, argc, argv, EX_USAGE);
}

int main(int argc, char **argv) { return rf_main_setup(argc, argv, setup, driver); }
