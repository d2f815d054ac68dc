/* sortcheck FILE: what a sorted file must be, found out without anything of what sorted it: how many records, a checksum that does not
   depend on their order, and whether they are in order. Input and output of a sort are the same records where count and checksum agree.
   It teaches that a driver may be plain C: no function is registered, and rank 0 does it all. */
#define _GNU_SOURCE
#include <errno.h>
#include <rankfold.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "command_line.h"

#define BATCH ((size_t)1 << 20)         /* bytes that are read at once, at least a record */
#define RECORD_MOST ((uint64_t)1 << 30)

enum { OUT_OF_ORDER = 1 };

static uint64_t record_size = 100, key_size = 10;
static bool unordered;
static const char *path;

typedef struct findings {
    uint64_t count, checksum;
    uint64_t wrong;                     /* the first record whose key is less than the one before it; from 1; 0: none */
} findings;

/* Both halves of a product of 128 bits: each bit of either factor may show in any bit of it. */
static inline uint64_t folded(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_record(const char *record)
{
    uint64_t hash = record_size;
    for (size_t at = 0; at < record_size; at += 8) {
        uint64_t bytes = 0;
        size_t left = record_size - at;
        memcpy(&bytes, record + at, left < 8 ? left : 8);
        hash = folded(hash ^ UINT64_C(0xa0b428db13d6e5f7), bytes ^ UINT64_C(0xe96f2a8d70c35b1d)) + at;
    }
    return folded(hash ^ UINT64_C(0xd1b54a32d192ed03), UINT64_C(0x9e6c63d0876a9a47));
}

static void look_at(const char *record, const char *before, findings *found)
{
    found->count++;
    found->checksum += hash_record(record);
    if (before && !found->wrong && memcmp(before, record, key_size) > 0)
        found->wrong = found->count;
}

static int cannot_read(const char *why, int status)
{
    fprintf(stderr, "sortcheck: %s: %s\n", path, why);
    return status;
}

/* batch has room for one record more, which stands in front: the last one of the batch before. */
static int read_all(FILE *from, char *batch, size_t records, findings *found)
{
    char *first = batch + record_size;
    size_t got;
    while ((got = fread(first, 1, records * record_size, from)) >= record_size) {
        size_t whole = got / record_size;
        for (size_t i = 0; i < whole; i++)
            look_at(first + i * record_size, found->count ? first + i * record_size - record_size : NULL, found);
        if (got % record_size) {
            got %= record_size;
            break;
        }
        memcpy(batch, first + got - record_size, record_size);
    }
    if (ferror(from))
        return cannot_read(strerror(errno), EX_NOINPUT);
    return got ? cannot_read("the last record is short", EX_DATAERR) : 0;
}

static int check_file(findings *found)
{
    size_t records = record_size < BATCH ? BATCH / record_size : 1;
    char *batch = malloc((records + 1) * record_size);
    FILE *from = strcmp(path, "-") ? fopen(path, "re") : stdin;
    if (from)
        setvbuf(from, NULL, _IONBF, 0);
    int status = !from ? cannot_read(strerror(errno), EX_NOINPUT) : !batch ? cannot_read("out of memory", EX_OSERR)
                                                                           : read_all(from, batch, records, found);
    if (from && from != stdin)
        fclose(from);
    free(batch);
    return status;
}

static int tell(const findings *found)
{
    printf("count\t%" PRIu64 "\nchecksum\t%016" PRIx64 "\n", found->count, found->checksum);
    if (!unordered)
        printf("ordered\t%s\n", found->wrong ? "no" : "yes");
    if (unordered || !found->wrong)
        return 0;
    fprintf(stderr, "sortcheck: %s: record %" PRIu64 ", at byte %" PRIu64 ", is less than the one before it\n", path, found->wrong,
            (found->wrong - 1) * record_size);
    return OUT_OF_ORDER;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    switch (key) {
    case 'u':
        unordered = true;
        return 0;
    case 'r':
        return command_line_record("--records", value, RECORD_MOST, &record_size, &key_size);
    case ARGP_KEY_ARG:
        if (path)
            return command_line_wrong("%s: one FILE is checked at a time", value);
        path = value;
        return 0;
    case ARGP_KEY_END:
        return path ? 0 : command_line_wrong("no FILE is given: sortcheck FILE (try --help)");
    default:
        return command_line_key(key, state, NULL);
    }
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)pool, (void)argc, (void)argv;
    findings found = {0};
    int status = check_file(&found);
    return status ? status : tell(&found);
}

static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"records", 'r', "SIZE[:KEY]", 0, "records of SIZE bytes, in the order of the first KEY of them (100:10)", 0},
        {"unordered", 'u', NULL, 0, "count and checksum alone, for what is not sorted yet", 0},
        COMMAND_LINE_HELP,
        {0},
    };
    static const struct argp command = {
        .options = options, .parser = parse, .args_doc = "FILE",
        .doc = "Prints how many records FILE has, a checksum that does not depend on their order, and whether they are in order.\v"
               "FILE - is standard input. The status is 0; 1 when a record is less than the one before it, which is named; 65 when the "
               "last record is short, 66 when FILE cannot be read, 64 for wrong use.",
    };
    return command_line_parse(&command, argc, argv, EX_USAGE);
}

int main(int argc, char **argv) { return rf_main_setup(argc, argv, setup, driver); }
