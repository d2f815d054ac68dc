/* index PATH...: in which files each word occurs, as the index of a book has it. It teaches secondary sort: a word's values come to the
   reducer in their order, so that equal ones stand side by side and names need no sorting of their own; and rf_call_path. */
#define _GNU_SOURCE
#include <errno.h>
#include <rankfold.h>
#include <string.h>
#include <sysexits.h>

#include "keyed_options.h"
#include "words.h"

static keyed_options said;

static int words_of_file(rf_call *call, rf_value text)
{
    const char *path = rf_call_path(call);
    return words_emit_once(call, text, rf_of_string(path ? path : "-"));
}
RF_REGISTER(words_of_file);

/* Names as they are gathered, commas between them. The memory is the call's. */
typedef struct list {
    char *text;
    size_t size, room;
    size_t last;                        /* where the last name begins */
} list;

static bool ends_with(const list *of, rf_value name)
{
    return of->size && of->size - of->last == rf_size(name) && memcmp(of->text + of->last, name.data, rf_size(name)) == 0;
}

static int add_name(rf_call *call, list *to, rf_value name)
{
    size_t needed = to->size + 1 + rf_size(name);
    if (needed > to->room) {
        size_t room = 2 * needed + 64;
        char *wider = rf_call_alloc(call, room);
        if (!wider)
            return RF_ENOMEM;
        if (to->size)
            memcpy(wider, to->text, to->size);
        to->text = wider;
        to->room = room;
    }
    if (to->size)
        to->text[to->size++] = ',';
    to->last = to->size;
    to->size = (size_t)((char *)mempcpy(to->text + to->size, name.data, rf_size(name)) - to->text);
    return RF_OK;
}

/* A file's name comes once for each of its blocks, or more often. */
static int list_files(rf_call *call, rf_value word, rf_group *files)
{
    (void)word;
    rf_value file;
    list all = {0};
    int status;
    while ((status = rf_group_next(files, &file)) == RF_OK)
        if (!ends_with(&all, file) && add_name(call, &all, file))
            return RF_ENOMEM;
    return status == RF_END ? rf_return(call, rf_text(all.text, all.size)) : status;
}
RF_REGISTER(list_files);

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    RF_AUTO(rf_dataset, index);
    int status = keyed_begin(&said);
    if (status)
        return status;
    status = rf_mapreduce(pool,
                          RF_JOB(.inputs = {{.source = rf_splits(said.paths.at, said.paths.count), .mapper = words_of_file}},
                                 .reducer = list_files, .order = RF_BY_KEY_GLOBAL, .values = RF_BY_VALUE, KEYED_JOB(said)),
                          RF_OPTIONS(KEYED_RUN(said)), &index);
    return keyed_end(&said, pool, index, status);
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    if (key == ARGP_KEY_END && !said.paths.count)
        return command_line_wrong("no PATH is given: index PATH... (try --help)");
    return keyed_options_key(key, value, state, &said);
}

static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {KEYED_OPTIONS, {0}};
    static const struct argp command = {
        .options = options, .parser = parse, .args_doc = "PATH...",
        .doc = "Prints a line for each word, a run of ASCII letters without regard to capitals: the word, a tab and the files that it "
               "occurs in, with commas between them, each once, both in the order of bytes.\vA directory stands for the regular files "
               "below it, - for standard input; a name that ends in .gz is decompressed. The status is 0; 65 when something could not "
               "be read, then nothing is written; 64 for wrong use, 66 when a PATH does not exist, 73 when the output cannot be "
               "written.",
    };
    return command_line_parse(&command, argc, argv, EX_USAGE);
}

int main(int argc, char **argv) { return rf_main_setup(argc, argv, setup, driver); }
