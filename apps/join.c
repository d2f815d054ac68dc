/* join LEFT RIGHT: the lines of two files that have the same key, side by side. It teaches jobs of several inputs: each has its mapper, and
   a key's values reach the reducer in the order of the inputs. RIGHT is the first, though it is named last: its values of a key are kept,
   while those of LEFT stream past, so the pairs come out as those of join(1) do and only RIGHT's values of one key need memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <rankfold.h>
#include <string.h>
#include <sysexits.h>

#include "kept_values.h"
#include "keyed_options.h"

enum { FROM_RIGHT, FROM_LEFT };         /* the job's inputs */

static keyed_options said;
static bool with_left, with_right;      /* keys of LEFT alone, and of RIGHT alone */

static int no_tab(rf_call *call, uint64_t offset)
{
    const char *path = rf_call_path(call);
    return rf_fail(call, "format", "%s: the line at byte %" PRIu64 " has no tab: it must be a key, a tab and a value",
                   path ? path : "standard input", rf_call_offset(call) + offset);
}

static int lines_by_key(rf_call *call, rf_value text)
{
    const char *begin = text.data;
    rf_value line;
    while (rf_take_line(&text, &line) == RF_OK) {
        const char *at = line.data, *tab = memchr(at, '\t', rf_size(line));
        if (!tab)
            return no_tab(call, (uint64_t)(at - begin));
        size_t key = (size_t)(tab - at);
        if (rf_emit_pair(call, rf_text(at, key), rf_text(tab + 1, rf_size(line) - key - 1)))
            return RF_EFUNCTION;
    }
    return RF_OK;
}
RF_REGISTER(lines_by_key);

/* Key, tab and left value: what an output pair calls its key. One place for all of a group, however many there are; the memory is the
   call's. */
typedef struct beginning {
    char *text;
    size_t room;
} beginning;

static int begin_line(rf_call *call, beginning *line, rf_value key, rf_value left, rf_value *begun)
{
    size_t size = rf_size(key) + 1 + rf_size(left);
    if (size > line->room) {
        line->room = 2 * size;
        if (!(line->text = rf_call_alloc(call, line->room)))
            return RF_ENOMEM;
    }
    char *to = mempcpy(line->text, key.data, rf_size(key));
    *to++ = '\t';
    memcpy(to, left.data, rf_size(left));
    *begun = rf_text(line->text, size);
    return RF_OK;
}

static int emit_with(rf_call *call, rf_value begun, const kept_values *rights)
{
    for (size_t i = 0; i < rights->count; i++)
        if (rf_emit_pair(call, begun, rights->at[i]))
            return RF_EFUNCTION;
    return RF_OK;
}

static const rf_value empty = {.data = "", .tag = RF_TEXT};

static int match(rf_call *call, rf_value key, rf_group *group)
{
    kept_values rights = {0};       /* RIGHT's values of the key */
    const kept_values none = {.at = (rf_value[]){empty}, .count = 1};
    beginning line = {0};
    rf_value value, begun;
    uint64_t lefts = 0;
    int status;
    while ((status = rf_group_next(group, &value)) == RF_OK) {
        if (rf_group_input(group) == FROM_RIGHT)
            status = keep_value(call, &rights, value);
        else if (lefts++, rights.count || with_left)
            status = begin_line(call, &line, key, value, &begun) ? RF_ENOMEM : emit_with(call, begun, rights.count ? &rights : &none);
        if (status)
            return status;
    }
    if (status != RF_END)
        return status;
    if (lefts || !with_right)
        return RF_OK;
    return begin_line(call, &line, key, empty, &begun) ? RF_ENOMEM : emit_with(call, begun, &rights);
}
RF_REGISTER(match);

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    RF_AUTO(rf_dataset, joined);
    int status = keyed_begin(&said);
    if (status)
        return status;
    status = rf_mapreduce(pool,
                          RF_JOB(.inputs = {[FROM_RIGHT] = {.source = rf_splits(said.paths.at + 1, 1), .mapper = lines_by_key},
                                            [FROM_LEFT] = {.source = rf_splits(said.paths.at, 1), .mapper = lines_by_key}},
                                 .reducer = match, .order = RF_BY_KEY_GLOBAL, KEYED_JOB(said)),
                          RF_OPTIONS(KEYED_RUN(said)), &joined);
    return keyed_end(&said, pool, joined, status);
}

enum { LEFT = 0x300, OUTER };

static error_t check(void)
{
    if (said.paths.count != 2)
        return command_line_wrong("two files are needed: join LEFT RIGHT (try --help)");
    if (strcmp(said.paths.at[0], "-") == 0 && strcmp(said.paths.at[1], "-") == 0)
        return command_line_wrong("LEFT and RIGHT are both \"-\": standard input can be one of them");
    return 0;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    error_t wrong = 0;
    switch (key) {
    case OUTER:
        with_right = true;
        /* fall through */
    case LEFT:
        with_left = true;
        return 0;
    case ARGP_KEY_END:
        wrong = check();
        return wrong ? wrong : keyed_options_key(key, value, state, &said);
    default:
        return keyed_options_key(key, value, state, &said);
    }
}

static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"left", LEFT, NULL, 0, "also lines of LEFT whose key is not in RIGHT; the right value is then empty", 0},
        {"outer", OUTER, NULL, 0, "as --left, and also lines of RIGHT whose key is not in LEFT; the left value is then empty", 0},
        KEYED_OPTIONS,
        {0},
    };
    static const struct argp command = {
        .options = options, .parser = parse, .args_doc = "LEFT RIGHT",
        .doc = "Joins two files of lines of a key, a tab and a value, which may hold more tabs. They need not be sorted, and keys may "
               "come again. For each line of LEFT and each of RIGHT that have the same key it prints the key, the left value and the "
               "right value, with tabs between them: in the order of the keys' bytes, then that of LEFT, then that of RIGHT.\v"
               "A directory stands for the regular files below it, - for standard input; a name that ends in .gz is decompressed. The "
               "values that RIGHT has for one key are held in memory, those of LEFT are not. The status is 0; 65 when something could "
               "not be read or a line has no tab, then nothing is written; 64 for wrong use, 66 when a file does not exist, 73 when "
               "the output cannot be written.",
    };
    return command_line_parse(&command, argc, argv, EX_USAGE);
}

int main(int argc, char **argv) { return rf_main_setup(argc, argv, setup, driver); }
