/* Pi by throwing darts at a square. It teaches random numbers that belong to the item: every number of ranks, every
   chunk size and every attempt throw the same darts, so that the digits are the same. */
#define _GNU_SOURCE
#include <errno.h>
#include <rankfold.h>
#include <stdlib.h>
#include <sysexits.h>

#include "command_line.h"

#define DARTS 10000                     /* of one item */
#define ITEMS_MOST (INT64_C(1) << 40)   /* what 64 bits and some patience are good for */

static int64_t items = 1000;

static int throw_darts(rf_call *call, rf_value item)
{
    (void)item;
    int64_t inside = 0;
    for (int i = 0; i < DARTS; i++) {
        double x = rf_call_random(call), y = rf_call_random(call);
        inside += x * x + y * y < 1;
    }
    return RF_RETURN(call, inside);
}
RF_REGISTER(throw_darts);

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    rf_iterator *counts;
    int status = rf_imap_unordered(pool, throw_darts, rf_range(0, items), NULL, &counts);
    const rf_result *result;
    int64_t inside = 0;                 /* whole numbers: their sum is the same in any order */
    while (status == RF_OK && (status = rf_next(counts, &result)) == RF_OK)
        inside += rf_i64(result->value);
    int ended = rf_iterator_free(counts);
    if (status != RF_END || ended)
        return ended ? ended : status;
    printf("%.12f\n", 4.0 * (double)inside / ((double)items * DARTS));
    return RF_OK;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    char *end;
    switch (key) {
    case 'n':
        errno = 0;
        items = strtoll(value, &end, 10);
        if (errno || end == value || *end || items < 1 || items > ITEMS_MOST) {
            fprintf(stderr, "pi: --items %s: it must be a number from 1 to %" PRId64 "\n", value, ITEMS_MOST);
            return EINVAL;
        }
        return 0;
    case ARGP_KEY_ARG:
        fprintf(stderr, "pi: what is %s? There are only options (try --help)\n", value);
        return EINVAL;
    default:
        return command_line_key(key, state, NULL);
    }
}

/* Runs on every rank: what functions read could be set here as well. */
static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"items", 'n', "ITEMS", 0, "how many times 10,000 darts (1,000)", 0},
        COMMAND_LINE_HELP,
        {0},
    };
    static const struct argp command = {
        .options = options, .parser = parse, .doc = "Estimates pi, with the same digits on any number of ranks.",
    };
    return command_line_parse(&command, argc, argv, EX_USAGE);
}

int main(int argc, char **argv) { return rf_main_setup(argc, argv, setup, driver); }
