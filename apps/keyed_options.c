#define _GNU_SOURCE
#include "keyed_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

/* ---- the command line ------------------------------------------------------------------------------------------ */

#define PARTITIONS_MOST 65536
#define BUFFER ((size_t)256 << 10)      /* bytes that are printed at once */

static error_t check(const keyed_options *said)
{
    if (said->partitions && !said->output)
        return command_line_wrong("--partitions makes a directory: say which with -o");
    if (said->force && !said->partitions)
        return command_line_wrong("--force goes with --partitions: a file is replaced without it");
    return 0;
}

static error_t parse_partitions(const char *value, keyed_options *said)
{
    uint64_t count;
    error_t wrong = command_line_number("--partitions", value, 1, PARTITIONS_MOST, &count);
    said->partitions = (uint32_t)count;
    return wrong;
}

error_t keyed_options_key(int key, char *value, struct argp_state *state, keyed_options *said)
{
    switch (key) {
    case 'o':
        said->output = value;
        return *value ? 0 : command_line_wrong("--output: the name of a file is needed, this one is empty");
    case 'c':
        return command_line_size("--chunk-size", value, &said->chunk_size);
    case 'p':
        said->progress = true;
        return 0;
    case 'r':
        said->report = value;
        return 0;
    case 'V':
        printf("%s (rankfold) %s\n", program_invocation_short_name, rf_version());
        return ECANCELED;
    case KEYED_MEMORY:
        return command_line_size("--memory", value, &said->memory);
    case KEYED_PARTITIONS:
        return parse_partitions(value, said);
    case KEYED_FORCE:
        said->force = true;
        return 0;
    case ARGP_KEY_END:
        return check(said);
    default:
        return command_line_key(key, state, &said->paths);
    }
}

/* ---- standard output -------------------------------------------------------------------------------------------- */

/* As RF_LINES has it. number: room for those that need it. */
static int shown(rf_call *call, rf_value value, char number[24], rf_value *text)
{
    char *printed = NULL;
    size_t size = 0;
    *text = value;
    if (rf_type_of(value) == RF_TEXT || rf_type_of(value) == RF_BYTES)
        return RF_OK;
    if (rf_type_of(value) == RF_NIL || rf_type_of(value) == RF_I64) {
        int digits = rf_type_of(value) == RF_NIL ? 0 : sprintf(number, "%" PRId64, value.i64);
        *text = rf_text(number, (size_t)digits);
        return RF_OK;
    }
    FILE *to = open_memstream(&printed, &size);
    int status = !to || rf_print(to, value) < 0 ? RF_ENOMEM : RF_OK;
    if (to && fclose(to))
        status = RF_ENOMEM;
    *text = status ? rf_nil() : rf_call_keep(call, rf_text(printed, size));
    free(printed);
    return status ? rf_fail(call, "memory", "no memory for a line") : RF_OK;
}

/* The pair as the job's output would hold it. Workers make it, so that rank 0 has nothing to do but to write. */
static int pair_in_line(rf_call *call, rf_value pair)
{
    rf_value key, value;
    char numbers[2][24];
    if (RF_ARGS(call, pair, key, value))
        return RF_EARGS;
    bool tab = rf_type_of(key) != RF_NIL && rf_type_of(value) != RF_NIL;
    if (shown(call, key, numbers[0], &key) || shown(call, value, numbers[1], &value))
        return RF_EFUNCTION;
    char *to = rf_return_space(call, rf_size(key) + tab + rf_size(value) + 1);
    if (!to)
        return RF_ENOMEM;
    to = mempcpy(to, key.data, rf_size(key));
    if (tab)
        *to++ = '\t';
    to = mempcpy(to, value.data, rf_size(value));
    *to = '\n';
    return RF_OK;
}
RF_REGISTER(pair_in_line);

static int pair_in_bytes(rf_call *call, rf_value pair)
{
    rf_value key, value;
    if (RF_ARGS(call, pair, key, value))
        return RF_EARGS;
    char *to = rf_return_space(call, rf_size(key) + rf_size(value));
    if (to)
        memcpy(mempcpy(to, key.data, rf_size(key)), value.data, rf_size(value));
    return to ? RF_OK : RF_ENOMEM;
}
RF_REGISTER(pair_in_bytes);

/* Whether it was all taken is known when the file is closed; of standard output rf_main tells it. */
int keyed_print(const keyed_options *said, rf_pool *pool, rf_dataset *made)
{
    const rf_result *pair;
    RF_AUTO(rf_iterator, pairs);
    int status = rf_imap(pool, said->format == RF_RAW ? pair_in_bytes : pair_in_line, rf_dataset_source(made),
                         RF_OPTIONS(.halt = RF_HALT_NOW, .progress = RF_OFF), &pairs);
    while (status == RF_OK && !ferror(said->to) && (status = rf_next(pairs, &pair)) == RF_OK)
        if (pair->ok)
            fwrite_unlocked(pair->value.data, 1, rf_size(pair->value), said->to);
    return status == RF_END ? RF_OK : status;
}

/* ---- around the jobs -------------------------------------------------------------------------------------------- */

static int cannot(const char *option, const char *name)
{
    fprintf(stderr, "%s: %s%s: %s\n", program_invocation_short_name, option, name, strerror(errno));
    return EX_CANTCREAT;
}

static bool is_device_or_pipe(const char *name)
{
    struct stat about;
    return stat(name, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode);
}

static int open_output(keyed_options *said)
{
    said->to = said->output ? NULL : stdout;
    if (said->output && !said->partitions && is_device_or_pipe(said->output) && !(said->to = fopen(said->output, "we")))
        return cannot("", said->output);
    if (said->to)
        setvbuf(said->to, NULL, _IOFBF, BUFFER);        /* a pipe's own would be 4 KiB, and half the time would go into it */
    return RF_OK;
}

/* Before the work, so that a name that cannot be written costs nothing. */
static int open_report(keyed_options *said)
{
    if (!said->report)
        return RF_OK;
    said->report_to = strcmp(said->report, "-") ? fopen(said->report, "we") : stderr;
    return said->report_to ? RF_OK : cannot("--report ", said->report);
}

int keyed_begin(keyed_options *said)
{
    int status = open_report(said);
    return status ? status : open_output(said);
}

static int close_output(keyed_options *said)
{
    FILE *to = said->to;
    said->to = NULL;
    if (!to || to == stdout)
        return RF_OK;
    bool failed = ferror(to);
    return fclose(to) || failed ? cannot("", said->output) : RF_OK;
}

static int write_report(keyed_options *said, rf_pool *pool, const rf_dataset *made)
{
    FILE *to = said->report_to;
    said->report_to = NULL;
    int status = rf_report(pool, to);
    if (status == RF_OK && made)
        status = rf_dataset_report(made, to);
    if (to != stderr && fclose(to) && status == RF_OK)
        status = cannot("--report ", said->report);
    return status;
}

int keyed_end(keyed_options *said, rf_pool *pool, rf_dataset *made, int status)
{
    int printed = made && said->to ? keyed_print(said, pool, made) : RF_OK;
    int closed = close_output(said);
    int written = said->report_to ? write_report(said, pool, made) : RF_OK;
    return printed ? printed : status ? status : closed ? closed : written;
}
