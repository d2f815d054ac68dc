/* wordcount PATH...: how often each word occurs. It teaches a whole program: workers read blocks of files and count
   each in a table of their own, rank 0 adds up the tables as they come and needs memory for the distinct words alone;
   failures are told and the rest is still counted. The table (word_table.h) and the file that appears whole
   (output_file.h) know nothing of rankfold. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <rankfold.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "command_line.h"
#include "output_file.h"
#include "word_table.h"

#define SPLIT_SIZE ((uint64_t)8 << 20)  /* larger blocks repeat more of their words: less is left to add up on rank 0 */
#define SPLIT_MOST ((uint64_t)1 << 50)

/* ---- from the workers to rank 0 -------------------------------------------------------------------------------- */

/* What a block's counts travel as: for each word its count and its length (seven bits a byte, the lowest first, the
   high bit set in all but the last), then its bytes. */
static size_t number_size(uint64_t number)
{
    size_t size = 1;
    while (number >>= 7)
        size++;
    return size;
}

static char *put_number(char *at, uint64_t number)
{
    for (; number > 127; number >>= 7)
        *at++ = (char)(number | 128);
    *at++ = (char)number;
    return at;
}

static const char *take_number(const char *at, uint64_t *number)
{
    *number = 0;
    for (int shift = 0;; shift += 7) {
        *number |= (uint64_t)(*at & 127) << shift;
        if (!(*at++ & 128))
            return at;
    }
}

static size_t packed_size(const table *counts)
{
    size_t size = 0;
    for (const word *at = counts->slots; at < counts->slots + counts->size; at++)
        if (at->count)
            size += number_size(at->count) + number_size(at->length) + at->length;
    return size;
}

static int return_counts(rf_call *call, const table *counts)
{
    char *to = rf_return_space(call, packed_size(counts));
    if (!to)
        return RF_ENOMEM;
    for (const word *at = counts->slots; at < counts->slots + counts->size; at++)
        if (at->count) {
            to = put_number(put_number(to, at->count), at->length);
            to = mempcpy(to, word_bytes(at), at->length);
        }
    return RF_OK;
}

static int count_words(rf_call *call, rf_value text)
{
    table counts = {0};
    int status = table_count_text(&counts, text.data, rf_size(text));
    if (status)
        status = rf_fail(call, "memory", "out of memory after %zu words", counts.used);
    else
        status = return_counts(call, &counts);
    table_free(&counts);
    return status;
}
RF_REGISTER(count_words);

static int add_counts(table *to, rf_value packed)
{
    const char *at = packed.data, *end = at + rf_size(packed);
    while (at < end) {
        uint64_t count, length;
        at = take_number(take_number(at, &count), &length);
        if (table_add(to, at, length, (size_t)(end - at), count))
            return RF_ENOMEM;
        at += length;
    }
    return table_settle(to) ? RF_ENOMEM : RF_OK;
}

/* ---- rank 0 ----------------------------------------------------------------------------------------------------- */

static const char *output;              /* of --output; NULL: standard output */

static int cannot_write(void)
{
    fprintf(stderr, "wordcount: %s: %s\n", output, strerror(errno));
    return EX_CANTCREAT;
}

static void write_counts(const void *sorted, FILE *to)
{
    const table *counts = sorted;
    for (const word *at = counts->slots; at < counts->slots + counts->size; at++) {
        fwrite_unlocked(word_bytes(at), 1, at->length, to);
        fprintf(to, "\t%" PRIu64 "\n", at->count);
    }
}

static operands paths;
static uint64_t split_size = SPLIT_SIZE;
static bool shows_progress;

/* What could not be read is told once a file, as far as its blocks come one after another. */
static void tell_lost(const rf_result *block, const char **last)
{
    if (!block->path || block->path != *last)
        fprintf(stderr, "wordcount: %s\n", block->error->message);
    *last = block->path;
}

static int count_all(rf_pool *pool, table *counts, uint64_t *lost)
{
    const rf_result *block;
    const char *last = NULL;
    RF_AUTO(rf_iterator, blocks);
    int status = rf_imap_unordered(pool, count_words, rf_splits(paths.at, paths.count),
                                   RF_OPTIONS(.name = "wordcount", .split_size = split_size,
                                              .progress = shows_progress ? RF_ON : RF_UNSET),
                                   &blocks);
    while (status == RF_OK && (status = rf_next(blocks, &block)) == RF_OK) {
        if (block->ok) {
            status = add_counts(counts, block->value);
        } else {
            ++*lost;
            tell_lost(block, &last);
        }
    }
    return status == RF_END ? RF_OK : status;
}

static int give(table *counts, uint64_t lost)
{
    if (lost && output) {
        fprintf(stderr, "wordcount: %s is left as it was, because not all of the input was read\n", output);
        return EX_DATAERR;
    }
    table_sort(counts);
    int status = RF_OK;
    if (output)
        status = output_write(output, write_counts, counts) ? RF_OK : cannot_write();
    else
        write_counts(counts, stdout);
    if (lost)
        fprintf(stderr, "wordcount: the counts are partial: not all of the input was read\n");
    return lost ? EX_DATAERR : status;
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    table counts = {0};
    uint64_t lost = 0;
    int status = output && !output_possible(output) ? cannot_write() : RF_OK;
    if (status == RF_OK)
        status = count_all(pool, &counts, &lost);
    if (status == RF_OK)
        status = give(&counts, lost);
    table_free(&counts);
    return status;
}

/* ---- the command line ------------------------------------------------------------------------------------------ */

static int wrong_use(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("wordcount: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    return EINVAL;
}

static int parse_size(const char *text, uint64_t *size)
{
    static const char units[] = "KMG";
    char *end;
    errno = 0;
    *size = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    int shift = unit ? 10 * (int)(unit - units + 1) : 0;
    bool number = isdigit((unsigned char)*text) && !end[unit != NULL];
    if (number && !errno && *size >= 1 && *size <= SPLIT_MOST >> shift) {
        *size <<= shift;
        return 0;
    }
    return wrong_use("--chunk-size %s: it must be a number of bytes from 1 to %" PRIu64 ", or one with K, M or G behind it",
                     text, SPLIT_MOST);
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    switch (key) {
    case 'c':
        return parse_size(value, &split_size);
    case 'o':
        output = value;
        return 0;
    case 'p':
        shows_progress = true;
        return 0;
    case 'r':
        return setenv("RANKFOLD_REPORT", value, 1) ? errno : 0;
    case 'V':
        printf("wordcount (rankfold) %s\n", rf_version());
        return ECANCELED;
    case ARGP_KEY_END:
        return paths.count ? 0 : wrong_use("no PATH is given: wordcount PATH... (try --help)");
    default:
        return command_line_key(key, state, &paths);
    }
}

static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"output", 'o', "FILE", 0,
         "write there instead of to standard output. The file appears whole, or is left as it was when something goes wrong", 0},
        {"chunk-size", 'c', "BYTES[K|M|G]", 0, "how much of a file is one piece of work (8M)", 0},
        {"progress", 'p', NULL, 0, "show on standard error how far it is: how many of the pieces", 0},
        {"report", 'r', "FILE", 0, "write there at the end what each rank has done; - for standard error", 0},
        COMMAND_LINE_HELP,
        {"version", 'V', NULL, 0, "print the version and end", 0},
        {0},
    };
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
