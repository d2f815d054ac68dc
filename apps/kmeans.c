/* kmeans -k K FILE: the centres of K clusters of points. It teaches iteration with exact sums: rf_sum adds doubles without any error, so
   the digits are the same on any number of ranks, and also whatever the order of the points; and the loop ends when nothing changes, not
   when little does. It also teaches rf_share for what every item needs, and (first_centres.h) a draw that no rank decides: the least of
   numbers that depend on the points alone.

   The points become a dataset first: each point once, as a key, with how often it occurs. */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <rankfold.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "centres.h"
#include "decimal.h"
#include "first_centres.h"
#include "keyed_options.h"

#define CENTRES_MOST 1000000
#define NUMBERS_MOST 65536              /* of a point */

static keyed_options said;
static uint64_t wanted, seed = 1, iterations_most = 1000;

/* ---- points ------------------------------------------------------------------------------------------------------- */

static int bad_line(rf_call *call, uint64_t offset, const char *why)
{
    const char *path = rf_call_path(call);
    return rf_fail(call, "format", "%s: the line at byte %" PRIu64 " %s", path ? path : "standard input", rf_call_offset(call) + offset,
                   why);
}

static bool is_space(char byte) { return byte == ' ' || byte == '\t' || byte == '\r'; }

/* The numbers of a line. Gives how many; 0: there is something else, or too much. */
static size_t read_point(rf_value line, double *point)
{
    const char *at = line.data, *end = at + rf_size(line);
    size_t count = 0;
    for (;;) {
        while (at < end && is_space(*at))
            at++;
        if (at == end)
            return count;
        const char *begin = at;
        while (at < end && !is_space(*at))
            at++;
        if (count == NUMBERS_MOST || !decimal_read(begin, (size_t)(at - begin), &point[count++]))
            return 0;
    }
}

static int points_of_block(rf_call *call, rf_value text)
{
    const char *begin = text.data;
    rf_value line;
    size_t numbers = 0;
    double *point = rf_call_alloc(call, NUMBERS_MOST * sizeof *point);
    while (point && rf_take_line(&text, &line) == RF_OK) {
        uint64_t offset = (uint64_t)((const char *)line.data - begin);
        size_t count = read_point(line, point);
        if (!count)
            return bad_line(call, offset, "is no point: it must be numbers with tabs or spaces between them");
        if (numbers && count != numbers)
            return bad_line(call, offset, "has another number of numbers than the one before it");
        numbers = count;
        if (rf_emit_pair(call, rf_bytes(point, count * sizeof *point), RF_V(1)))
            return RF_EFUNCTION;
    }
    return point ? RF_OK : RF_ENOMEM;
}
RF_REGISTER(points_of_block);

/* ---- Lloyd's iterations ------------------------------------------------------------------------------------------- */

/* weight times value, as two doubles whose sum is exactly that. */
static int emit_product(rf_call *call, uint64_t key, double weight, double value)
{
    double product = weight * value, rest = fma(weight, value, -product);
    int status = RF_EMIT(call, key, product);
    return status || rest == 0 ? status : RF_EMIT(call, key, rest);
}

/* A cluster has a key for each sum and, last, one for how many points there are. */
static int assign(rf_call *call, rf_value pair)
{
    const centres *all;
    point it;
    double square;
    if (take_point(call, pair, &all, &it))
        return RF_EARGS;
    uint64_t key = nearest(all, &it, &square) * (all->numbers + 1);
    for (uint64_t i = 0; i < it.numbers; i++)
        if (emit_product(call, key + i, it.weight, it.at[i]))
            return RF_EFUNCTION;
    return RF_EMIT(call, key + it.numbers, (int64_t)it.weight);
}
RF_REGISTER(assign);

/* A centre without points stays where it is. */
static bool move_centre(double *centre, const double *sums, uint64_t numbers)
{
    bool moves = false;
    for (uint64_t i = 0; i < numbers && sums[numbers] > 0; i++) {
        double mean = sums[i] / sums[numbers];
        moves |= mean != centre[i];
        centre[i] = mean;
    }
    return moves;
}

static int move_centres(const rf_results *rows, centres *all, bool *moves)
{
    uint64_t size = all->numbers + 1, key;
    double *sums = calloc(all->count * size, sizeof *sums), value;
    int status = sums ? RF_OK : RF_ENOMEM;
    for (uint64_t i = 0; i < rf_results_len(rows) && status == RF_OK; i++)
        if ((status = RF_READ(rf_results_value(rows, i), key, value)) == RF_OK)
            sums[key] = value;
    *moves = false;
    for (uint64_t i = 0; i < all->count && status == RF_OK; i++)
        *moves |= move_centre(centre(all, i), sums + i * size, all->numbers);
    free(sums);
    return status;
}

static int iterate(rf_pool *pool, rf_dataset *points, centres *all, bool *moves)
{
    RF_AUTO(rf_dataset, sums);
    RF_AUTO(rf_results, rows);
    int status = share_centres(pool, all);
    if (status == RF_OK)
        status = rf_mapreduce(pool,
                              RF_JOB(.inputs = {{.source = rf_dataset_source(points), .mapper = assign}}, .reducer = rf_sum,
                                     .memory = said.memory),
                              RF_OPTIONS(KEYED_RUN(said)), &sums);
    status = status ? status : rf_dataset_collect(sums, &rows);
    return status ? status : move_centres(rows, all, moves);
}

static int iterate_all(rf_pool *pool, rf_dataset *points, centres *all)
{
    bool moves = true;
    int status = RF_OK;
    for (uint64_t i = 0; i < iterations_most && moves && status == RF_OK; i++)
        status = iterate(pool, points, all, &moves);
    if (moves && status == RF_OK)
        fprintf(stderr, "kmeans: after %" PRIu64 " iterations the centres still move\n", iterations_most);
    return status;
}

/* ---- what is printed ---------------------------------------------------------------------------------------------- */

/* The key is the centre's number, which is for the order alone. */
static int centre_in_line(rf_call *call, rf_value number, rf_group *values)
{
    (void)number;
    rf_value value;
    int status = rf_group_next(values, &value);
    uint64_t numbers = rf_size(value) / sizeof(double);
    const double *at = value.data;
    char *line = status ? NULL : rf_call_alloc(call, numbers * DECIMAL_MOST), *to = line;
    if (!line)
        return status ? status : RF_ENOMEM;
    for (uint64_t i = 0; i < numbers; i++) {
        to += decimal_write(at[i], to);
        *to++ = '\t';
    }
    return RF_EMIT(call, rf_nil(), rf_text(line, (size_t)(to - line) - 1));
}
RF_REGISTER(centre_in_line);

static int write_centres(rf_pool *pool, centres *all, rf_dataset **lines)
{
    rf_value *numbers = calloc(2 * all->count, sizeof *numbers), *values = numbers + all->count;
    if (!numbers)
        return RF_ENOMEM;
    for (uint64_t i = 0; i < all->count; i++) {
        numbers[i] = RF_V(i);
        values[i] = rf_bytes(centre(all, i), all->numbers * sizeof(double));
    }
    int status = rf_mapreduce(pool,
                              RF_JOB(.inputs = {{.source = rf_pairs(numbers, values, all->count)}}, .reducer = centre_in_line,
                                     .order = RF_BY_KEY_GLOBAL, KEYED_JOB(said)),
                              RF_OPTIONS(KEYED_RUN(said)), lines);
    free(numbers);
    return status;
}

static int too_few(const centres *all)
{
    fprintf(stderr, "kmeans: %s: has %" PRIu64 " different points, too few for -k %" PRIu64 "\n", said.paths.at[0], all->count, wanted);
    return EX_DATAERR;
}

static int find_centres(rf_pool *pool, centres **all)
{
    RF_AUTO(rf_dataset, points);
    int status = rf_mapreduce(pool,
                              RF_JOB(.inputs = {{.source = rf_splits(said.paths.at, 1), .mapper = points_of_block}}, .reducer = rf_sum,
                                     .memory = said.memory),
                              RF_OPTIONS(KEYED_RUN(said)), &points);
    status = status ? status : draw_centres(pool, &said, points, wanted, seed, all);
    if (status == RF_END)
        return too_few(*all);
    return status ? status : iterate_all(pool, points, *all);
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    RF_AUTO(rf_dataset, lines);
    centres *all = NULL;
    int status = keyed_begin(&said);
    if (status)
        return status;
    status = find_centres(pool, &all);
    if (status == RF_OK)
        status = write_centres(pool, all, &lines);
    free(all);
    return keyed_end(&said, pool, lines, status);
}

/* ---- the command line --------------------------------------------------------------------------------------------- */

enum { SEED = 0x300, ITERATIONS };

static error_t parse(int key, char *value, struct argp_state *state)
{
    switch (key) {
    case 'k':
        return command_line_number("-k", value, 1, CENTRES_MOST, &wanted);
    case SEED:
        return command_line_number("--seed", value, 0, UINT64_MAX, &seed);
    case ITERATIONS:
        return command_line_number("--iterations", value, 0, UINT64_MAX, &iterations_most);
    case ARGP_KEY_END:
        if (!wanted)
            return command_line_wrong("-k is needed: how many clusters (try --help)");
        if (said.paths.count != 1)
            return command_line_wrong("one file is needed: kmeans -k K FILE (try --help)");
        return keyed_options_key(key, value, state, &said);
    default:
        return keyed_options_key(key, value, state, &said);
    }
}

static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"clusters", 'k', "K", 0, "how many clusters", 0},
        {"seed", SEED, "S", 0, "another number draws other points to begin with (1)", 0},
        {"iterations", ITERATIONS, "N", 0, "move the centres at most so often; it is told when that was too few (1000)", 0},
        KEYED_OPTIONS,
        {0},
    };
    static const struct argp command = {
        .options = options, .parser = parse, .args_doc = "-k K FILE",
        .doc = "Finds clusters. FILE has a point a line: numbers with tabs or spaces between them, the same number of numbers in each. "
               "Prints a line for each cluster, its centre, with tabs between the numbers. The first centres are points drawn by k-means++, "
               "and the lines are in the order of the draw; then each centre moves to the mean of the points that it is nearest to, until "
               "none does any more (Lloyd). The result depends on the points and the seed alone.\v"
               "A directory stands for the regular files below it, - for standard input; a name that ends in .gz is decompressed. The "
               "status is 0; 65 when something could not be read, a line is no point or there are fewer different points than clusters, "
               "then nothing is written; 64 for wrong use, 66 when a file does not exist, 73 when the output cannot be written.",
    };
    return command_line_parse(&command, argc, argv, EX_USAGE);
}

int main(int argc, char **argv) { return rf_main_setup(argc, argv, setup, driver); }
