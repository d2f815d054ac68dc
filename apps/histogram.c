/* histogram -c COLUMN FILE...: what a column of numbers is like: how many, their sum, mean, and exact quantiles. It teaches selection
   without sorting: the values become a dataset, each once with its count, which stays with the workers; then jobs over it count how
   many values there are that begin with the same bits, 16 more each time, and rank 0 follows the wanted positions down, seeing counts
   alone. It also teaches keys of several types in one job, counters, and state bound to a mapper. */
#define _GNU_SOURCE
#include <errno.h>
#include <rankfold.h>
#include <string.h>
#include <sysexits.h>

#include "decimal.h"
#include "keyed_options.h"

static keyed_options said;
static uint64_t column;                 /* from 1 */

/* ---- values ------------------------------------------------------------------------------------------------------- */

/* false: the line has no such column. */
static bool find_column(rf_value line, rf_value *field)
{
    const char *at = line.data, *end = at + rf_size(line);
    for (uint64_t number = 1;; number++) {
        const char *tab = memchr(at, '\t', (size_t)(end - at));
        *field = rf_text(at, (size_t)((tab ? tab : end) - at));
        if (number == column || !tab)
            return number == column;
        at = tab + 1;
    }
}

static int no_number(rf_call *call, uint64_t offset, rf_value field, bool found)
{
    const char *path = rf_call_path(call);
    int size = rf_size(field) < 40 ? (int)rf_size(field) : 40;
    path = path ? path : "standard input";
    offset += rf_call_offset(call);
    if (!found)
        return rf_fail(call, "format", "%s: the line at byte %" PRIu64 " has no column %" PRIu64, path, offset, column);
    return rf_fail(call, "format", "%s: column %" PRIu64 " of the line at byte %" PRIu64 " is no number: \"%.*s\"", path, column, offset,
                   size, (const char *)field.data);
}

/* Two kinds of pairs go to one sum: a value and 1, and the text "sum" and the value. */
static int values_of_block(rf_call *call, rf_value text)
{
    const char *begin = text.data;
    rf_value line, field;
    double value;
    int64_t count = 0;
    for (; rf_take_line(&text, &line) == RF_OK; count++) {
        bool found = find_column(line, &field);
        if (!found || !decimal_read(field.data, rf_size(field), &value))
            return no_number(call, (uint64_t)((const char *)line.data - begin), field, found);
        if (RF_EMIT(call, value, 1) || RF_EMIT(call, "sum", value))
            return RF_EFUNCTION;
    }
    return rf_call_count(call, "values", count);
}
RF_REGISTER(values_of_block);

/* ---- selection ---------------------------------------------------------------------------------------------------- */

/* The values that stand at some positions of all values in order. Those of the quantiles are two each, p25 to p75. */
enum { LEAST, QUANTILES, MOST = QUANTILES + 6, WANTED };

#define STEP_BITS 16

/* Integers of 64 bits in the order of the doubles: the bits of negative ones are turned over, the sign is of all. */
static uint64_t image_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static double value_of(uint64_t image)
{
    double value;
    image = image >> 63 ? image & ~((uint64_t)1 << 63) : ~image;
    memcpy(&value, &image, sizeof value);
    return value;
}

/* A wanted value: the image begins with prefix, and below values stand before the first that begins so. */
typedef struct wanted {
    uint64_t position, prefix, below;
    bool found;
} wanted;

typedef struct step {
    unsigned shift;                     /* bits of the images that are not known yet */
    wanted at[WANTED];
} step;

static uint64_t beginning(uint64_t image, unsigned shift) { return shift < 64 ? image >> shift : 0; }

static int count_beginnings(rf_call *call, rf_value pair)
{
    rf_value key, count;
    const step *now = RF_CALL_STATE(call, step);
    if (!now || RF_ARGS(call, pair, key, count))
        return RF_EARGS;
    if (rf_type_of(key) == RF_TEXT)     /* the sum */
        return rf_emit_pair(call, key, count);
    uint64_t image = image_of(rf_f64(key));
    for (int i = 0; i < WANTED; i++)
        if (now->at[i].prefix == beginning(image, now->shift))
            return RF_EMIT(call, beginning(image, now->shift - STEP_BITS), count);
    return RF_OK;
}
RF_REGISTER(count_beginnings);

static void look_at(wanted *it, uint64_t begins, uint64_t count)
{
    if (it->found || begins >> STEP_BITS != it->prefix)
        return;
    it->found = it->position < it->below + count;
    if (it->found)
        it->prefix = begins;
    else
        it->below += count;
}

/* rows: beginnings that are STEP_BITS longer, ascending, and their counts; and the sum. */
static int go_down(const rf_results *rows, step *now, double *sum)
{
    for (int i = 0; i < WANTED; i++)
        now->at[i].found = false;
    for (uint64_t row = 0; row < rf_results_len(rows); row++) {
        rf_value key, count;
        if (RF_READ(rf_results_value(rows, row), key, count))
            return RF_EARGS;
        if (rf_type_of(key) == RF_TEXT)
            *sum = rf_f64(count);
        else
            for (int i = 0; i < WANTED; i++)
                look_at(&now->at[i], rf_u64(key), rf_u64(count));
    }
    now->shift -= STEP_BITS;
    return RF_OK;
}

static int step_down(rf_pool *pool, rf_dataset *values, step *now, double *sum)
{
    RF_AUTO(rf_dataset, counts);
    RF_AUTO(rf_results, rows);
    rf_input input = {.source = rf_dataset_source(values), .mapper = count_beginnings, .state = RF_STATE(*now)};
    int status = rf_mapreduce(pool, RF_JOB(.inputs = {input}, .reducer = rf_sum, .order = RF_BY_KEY_GLOBAL, .memory = said.memory),
                              RF_OPTIONS(KEYED_RUN(said)), &counts);
    status = status ? status : rf_dataset_collect(counts, &rows);
    return status ? status : go_down(rows, now, sum);
}

/* ---- what is printed ---------------------------------------------------------------------------------------------- */

typedef struct description {
    uint64_t count;                     /* of 0 values there is nothing more to say than the sum */
    double sum, least, quantiles[3], most;
} description;

/* The quantile of q quarters lies q (count - 1) / 4 positions behind the first value: between two of them, or on one. */
static step first_step(uint64_t count)
{
    step now = {.shift = 64, .at[MOST].position = count - 1};
    for (uint64_t q = 1; q <= 3; q++) {
        uint64_t position = (count - 1) / 4 * q + (count - 1) % 4 * q / 4;
        now.at[QUANTILES + 2 * (q - 1)].position = position;
        now.at[QUANTILES + 2 * (q - 1) + 1].position = position + 1 < count ? position + 1 : position;
    }
    return now;
}

static void read_off(const step *last, description *all)
{
    all->least = value_of(last->at[LEAST].prefix);
    all->most = value_of(last->at[MOST].prefix);
    for (unsigned q = 1; q <= 3; q++) {
        const wanted *neighbours = &last->at[QUANTILES + 2 * (q - 1)];
        long double below = value_of(neighbours[0].prefix), above = value_of(neighbours[1].prefix);
        long double share = (long double)((all->count - 1) % 4 * q % 4) / 4;
        all->quantiles[q - 1] = (double)(below + share * (above - below));
    }
}

static int describe(rf_pool *pool, description *all)
{
    RF_AUTO(rf_dataset, values);
    int status = rf_mapreduce(pool,
                              RF_JOB(.inputs = {{.source = rf_splits(said.paths.at, said.paths.count), .mapper = values_of_block}},
                                     .reducer = rf_sum, .memory = said.memory),
                              RF_OPTIONS(KEYED_RUN(said)), &values);
    all->count = (uint64_t)rf_dataset_counter(values, "values");
    step now = first_step(all->count);
    while (status == RF_OK && all->count && now.shift)
        status = step_down(pool, values, &now, &all->sum);
    if (status == RF_OK && all->count)
        read_off(&now, all);
    return status;
}

/* The key is the line's number, which is for the order alone. */
static int name_and_number(rf_call *call, rf_value number, rf_group *lines)
{
    (void)number;
    rf_value line, value;
    const char *name;
    char text[DECIMAL_MOST];
    int status = rf_group_next(lines, &line);
    if (status || RF_ARGS(call, line, name, value))
        return status ? status : RF_EARGS;
    size_t size = rf_type_of(value) == RF_F64 ? decimal_write(rf_f64(value), text) : (size_t)sprintf(text, "%" PRIu64, rf_u64(value));
    return RF_EMIT(call, name, rf_text(text, size));
}
RF_REGISTER(name_and_number);

static int write_lines(rf_pool *pool, const description *all, rf_dataset **lines)
{
    const rf_value rows[] = {
        RF_TUPLE("count", all->count), RF_TUPLE("sum", all->sum), RF_TUPLE("min", all->least), RF_TUPLE("p25", all->quantiles[0]),
        RF_TUPLE("median", all->quantiles[1]), RF_TUPLE("p75", all->quantiles[2]), RF_TUPLE("max", all->most),
        RF_TUPLE("mean", all->sum / (double)all->count),
    };
    const rf_value numbers[] = {RF_V(1), RF_V(2), RF_V(3), RF_V(4), RF_V(5), RF_V(6), RF_V(7), RF_V(8)};
    return rf_mapreduce(pool,
                        RF_JOB(.inputs = {{.source = rf_pairs(numbers, rows, all->count ? 8 : 2)}}, .reducer = name_and_number,
                               .order = RF_BY_KEY_GLOBAL, KEYED_JOB(said)),
                        RF_OPTIONS(KEYED_RUN(said)), lines);
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    RF_AUTO(rf_dataset, lines);
    description all = {0};
    int status = keyed_begin(&said);
    if (status)
        return status;
    status = describe(pool, &all);
    if (status == RF_OK)
        status = write_lines(pool, &all, &lines);
    return keyed_end(&said, pool, lines, status);
}

/* ---- the command line --------------------------------------------------------------------------------------------- */

static error_t parse(int key, char *value, struct argp_state *state)
{
    if (key == 'c')
        return command_line_number("--column", value, 1, UINT32_MAX, &column);
    if (key == ARGP_KEY_END && !column)
        return command_line_wrong("-c is needed: which column, from 1 (try --help)");
    if (key == ARGP_KEY_END && !said.paths.count)
        return command_line_wrong("no FILE is given: histogram -c COLUMN FILE... (try --help)");
    return keyed_options_key(key, value, state, &said);
}

static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"column", 'c', "COLUMN", 0, "which column, from 1", 0},
        KEYED_CHUNK_SIZE_OPTION(KEYED_CHUNK_SIZE), KEYED_OTHER_OPTIONS,
        {0},
    };
    static const struct argp command = {
        .options = options, .parser = parse, .args_doc = "-c COLUMN FILE...",
        .doc = "Describes a column of numbers; columns have tabs between them. Prints eight lines of a name, a tab and a number: count, "
               "sum, min, p25, median, p75, max and mean; of no values count and sum alone. The sum is the double nearest to the true one. "
               "The quantiles are exact: that of a share p is the value p (count - 1) places behind the least, in a straight line between "
               "its two neighbours where that is no whole number (as R's type 7, datamash, numpy).\v"
               "A directory stands for the regular files below it, - for standard input; a name that ends in .gz is decompressed. The "
               "status is 0; 65 when something could not be read or is no number, then nothing is written; 64 for wrong use, 66 when a "
               "FILE does not exist, 73 when the output cannot be written.",
    };
    return command_line_parse(&command, argc, argv, EX_USAGE);
}

int main(int argc, char **argv) { return rf_main_setup(argc, argv, setup, driver); }
