/* grep -n WORD FILE...: blocks of whole lines are read and searched by the workers, and printed in order as they
   come. It teaches ordered iteration over splits of files, functions that emit many values, and set-up: what it sets,
   functions read everywhere. */
#define _GNU_SOURCE
#include <errno.h>
#include <rankfold.h>
#include <string.h>
#include <sys/stat.h>

#include "command_line.h"

enum { FOUND, NOT_FOUND, TROUBLE };     /* the exit status, as of any grep */

static const char *word;
static operands paths;

/* A block cannot know its first line's number: it emits numbers from its own start and, last, how many lines it has. */
static int search(rf_call *call, rf_value text)
{
    rf_value line;
    uint64_t number = 0;
    while (rf_take_line(&text, &line) == RF_OK) {
        number++;
        if (memmem(line.data, rf_size(line), word, strlen(word)))
            RF_EMIT(call, number, line);
    }
    return RF_EMIT(call, number, rf_nil());
}
RF_REGISTER(search);

/* Where the next block begins. Paths live as long as the iterator. */
struct place {
    const char *path;
    uint64_t lines;                     /* of this file, before the block */
    bool broken;                        /* a block of it was not read: nobody knows the numbers of the lines behind */
};

/* Matches are (number, line); the last one has no line. */
static int print_block(rf_value matches, struct place *at, bool with_path, int *outcome)
{
    rf_value match, line;
    while (rf_take(&matches, &match) == RF_OK) {
        uint64_t number;
        if (RF_READ(match, number, line))
            return RF_EARGS;
        if (rf_type_of(line) == RF_NIL) {
            at->lines += number;
            continue;
        }
        if (*outcome == NOT_FOUND)
            *outcome = FOUND;
        if (with_path)
            printf("%s:", at->path);
        printf("%" PRIu64 ":", at->lines + number);
        fwrite(line.data, 1, rf_size(line), stdout);
        putchar('\n');
    }
    return RF_OK;
}

static int print_result(const rf_result *block, struct place *at, bool with_path, int *outcome)
{
    const char *path = block->path ? block->path : "(standard input)";
    bool follows = at->path && strcmp(path, at->path) == 0 && (block->offset || !block->path);
    if (!follows)
        *at = (struct place){.path = path};
    if (at->broken)
        return RF_OK;
    if (block->ok)
        return print_block(block->value, at, with_path, outcome);
    fprintf(stderr, "grep: %s\n", block->error->message);
    at->broken = true;
    *outcome = TROUBLE;
    return RF_OK;
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    struct stat first;
    bool with_path = paths.count > 1 || (stat(paths.at[0], &first) == 0 && S_ISDIR(first.st_mode));
    RF_AUTO(rf_iterator, blocks);
    int status = rf_imap(pool, search, rf_splits(paths.at, paths.count), NULL, &blocks);
    const rf_result *block;
    struct place at = {0};
    int outcome = NOT_FOUND;
    while (status == RF_OK && (status = rf_next(blocks, &block)) == RF_OK)
        status = print_result(block, &at, with_path, &outcome);
    if (status == RF_END)
        return outcome;
    fprintf(stderr, "grep: %s\n", rf_last_error()->message);
    return TROUBLE;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    switch (key) {
    case ARGP_KEY_ARG:
        if (word)
            return ARGP_ERR_UNKNOWN;    /* the rest, by ARGP_KEY_ARGS */
        word = value;
        return 0;
    case ARGP_KEY_END:
        if (paths.count)
            return 0;
        fprintf(stderr, "grep: a word and at least one file are needed (try --help)\n");
        return EINVAL;
    default:
        return command_line_key(key, state, &paths);
    }
}

static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {COMMAND_LINE_HELP, {0}};
    static const struct argp command = {
        .options = options, .parser = parse, .args_doc = "WORD PATH...",
        .doc = "Prints the lines that hold WORD, with their numbers; where there is more than one file, with its name. "
               "Every file is taken as text.\vA directory stands for the files below it, - for standard input; a name that "
               "ends in .gz is decompressed. The status is 0 when a line was found, 1 when none was, 2 when something "
               "could not be read.",
    };
    return command_line_parse(&command, argc, argv, TROUBLE);
}

int main(int argc, char **argv) { return rf_main_setup(argc, argv, setup, driver); }
