/* sortgen COUNT OUT: records to be sorted. It teaches functions whose result is what they do: workers write one file side by side, and a
   block that is written twice is the same, because it depends on its number and the seed alone.

       | key 10 | 2 blanks | record's number, hexadecimal 32 | 2 blanks | letters 53 | newline |     100 bytes

   All bytes are printable, so that a record is a line, and records with equal keys are in order where their numbers are: sort(1) on whole
   lines gives what a stable sort by the key does. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <rankfold.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "command_line.h"

#define RECORD ((size_t)100)
#define KEY 10
#define NUMBER 12                       /* where the number begins, how long it is, and where the letters begin */
#define DIGITS 32
#define LETTERS (NUMBER + DIGITS + 2)
#define BLOCK ((uint64_t)10000)         /* records */
#define COUNT_MOST ((uint64_t)1 << 50)

static uint64_t count, seed = 1;        /* read by the workers: set before there are any */
static const char *output;
static bool skewed;

/* ---- a record --------------------------------------------------------------------------------------------------- */

static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 29) * UINT64_C(0xc2b2ae3d27d4eb4f);
    return x ^ x >> 32;
}

/* What the key is made from. Skewed: a rank r that is drawn about as often as 1 / r, so that a few keys are a large part of all. */
static uint64_t drawn(uint64_t number)
{
    uint64_t random = mixed(mixed(seed) + number);
    if (!skewed)
        return random;
    uint64_t bits = (random >> 32) * 24 >> 32;
    return UINT64_C(1) << bits | (random & ((UINT64_C(1) << bits) - 1));
}

/* Printable characters: 95 of them, a blank the smallest. Each takes 12 bits of a random number, with a bias of a few hundredths. */
static void put_key(char *key, uint64_t from)
{
    uint64_t random[2] = {mixed(from + seed), mixed(from ^ ~seed)};
    for (int i = 0; i < KEY; i++)
        key[i] = (char)(' ' + (random[i / 5] >> 12 * (i % 5) & 4095) * 95 / 4096);
}

static void put_number(char *to, uint64_t number)
{
    memset(to, '0', DIGITS);
    for (char *at = to + DIGITS; number; number >>= 4)
        *--at = "0123456789ABCDEF"[number & 15];
}

static void put_letters(char *to, char *end, uint64_t random)
{
    for (; to < end; to += 4, random = random >> 4 | random << 60)
        memset(to, 'A' + (int)(random & 15), end - to < 4 ? (size_t)(end - to) : 4);
}

static void put_record(char *to, uint64_t number)
{
    uint64_t from = drawn(number);
    memset(to, ' ', LETTERS);
    put_key(to, from);
    put_number(to + NUMBER, number);
    put_letters(to + LETTERS, to + RECORD - 1, from);
    to[RECORD - 1] = '\n';
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static int write_at(rf_call *call, int file, const char *bytes, size_t size, uint64_t offset)
{
    while (size) {
        ssize_t wrote = pwrite(file, bytes, size, (off_t)offset);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return rf_fail(call, "output", "%s: %s", output, strerror(errno));
        bytes += wrote;
        size -= (size_t)wrote;
        offset += (uint64_t)wrote;
    }
    return RF_OK;
}

static int write_block(rf_call *call, rf_value item)
{
    uint64_t first = rf_u64(item) * BLOCK, records = count - first < BLOCK ? count - first : BLOCK;
    char *bytes = rf_call_alloc(call, records * RECORD);
    if (!bytes)
        return RF_ENOMEM;
    for (uint64_t i = 0; i < records; i++)
        put_record(bytes + i * RECORD, first + i);
    int file = open(output, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return rf_fail(call, "output", "%s: %s", output, strerror(errno));
    int status = write_at(call, file, bytes, records * RECORD, first * RECORD);
    if (close(file) && status == RF_OK)
        status = rf_fail(call, "output", "%s: %s", output, strerror(errno));
    return status;
}
RF_REGISTER(write_block);

static int cannot_write(const char *why)
{
    fprintf(stderr, "sortgen: %s\n", why);
    return EX_CANTCREAT;
}

static int make_file(void)
{
    char why[1000];
    int file = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int failed = file < 0 || ftruncate(file, (off_t)(count * RECORD)) ? errno : 0;
    if (file >= 0 && close(file) && !failed)
        failed = errno;
    snprintf(why, sizeof why, "%s: %s", output, strerror(failed));
    return failed ? cannot_write(why) : RF_OK;
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    RF_AUTO(rf_results, blocks);
    int status = make_file();
    if (status)
        return status;
    status = rf_map_unordered(pool, write_block, rf_range(0, (int64_t)((count + BLOCK - 1) / BLOCK)), RF_OPTIONS(.halt = RF_HALT_SOON),
                              &blocks);
    return status == RF_EITEMS || status == RF_EHALTED ? cannot_write(rf_last_error()->message) : status;
}

/* ---- the command line ------------------------------------------------------------------------------------------- */

static error_t parse_operand(char *value, struct argp_state *state)
{
    switch (state->arg_num) {
    case 0:
        return command_line_number("COUNT", value, 0, COUNT_MOST, &count);
    case 1:
        output = value;
        return 0;
    default:
        return command_line_wrong("%s: COUNT and OUT are all that can be given (try --help)", value);
    }
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    switch (key) {
    case 's':
        return command_line_number("--seed", value, 0, UINT64_MAX, &seed);
    case 'k':
        skewed = true;
        return 0;
    case ARGP_KEY_ARG:
        return parse_operand(value, state);
    case ARGP_KEY_END:
        return output ? 0 : command_line_wrong("COUNT and OUT are needed: sortgen COUNT OUT (try --help)");
    default:
        return command_line_key(key, state, NULL);
    }
}

static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"seed", 's', "SEED", 0, "other records; the same SEED gives the same ones (1)", 0},
        {"skew", 'k', NULL, 0, "a few keys are a large part of all: the r-th comes about as often as 1/r", 0},
        COMMAND_LINE_HELP,
        {0},
    };
    static const struct argp command = {
        .options = options, .parser = parse, .args_doc = "COUNT OUT",
        .doc = "Writes COUNT records of 100 bytes to OUT, for sort --records 100:10: a key of 10 printable characters, the record's "
               "number, and letters up to a newline.\vThe status is 0; 64 for wrong use, 73 when OUT cannot be written.",
    };
    return command_line_parse(&command, argc, argv, EX_USAGE);
}

int main(int argc, char **argv) { return rf_main_setup(argc, argv, setup, driver); }
