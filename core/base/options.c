#include "base/options.h"

#include <float.h>
#include <string.h>

#include "base/error.h"

#define AT(field) #field, offsetof(rf_options, field)
#define ANY_COUNT 1, 0x1p64
#define MORE_THAN_NOTHING DBL_MIN, INFINITY

const option option_table[] = {
    {AT(name), OPTION_TEXT, NULL, NULL, 0, 0, false, "what messages call the job; the function's name"},
    {AT(chunk_size), OPTION_COUNT, "RANKFOLD_CHUNK_SIZE", NULL, 1, 0x1p40, false, "items in a chunk; automatic, from measured cost"},
    {AT(n_splits), OPTION_COUNT, "RANKFOLD_N_SPLITS", NULL, 1, 0x1p40, false, "chunks in all, instead of chunk_size; automatic"},
    {AT(split_size), OPTION_SIZE, "RANKFOLD_SPLIT_SIZE", "1M", 1, 0x1p50, false, "bytes in a block of a file that workers read"},
    {AT(iterable_len), OPTION_COUNT, NULL, NULL, ANY_COUNT, true, "length of a source that cannot say; found at its end"},
    {AT(max_active), OPTION_COUNT, "RANKFOLD_MAX_ACTIVE", NULL, ANY_COUNT, true,
     "items read and not yet delivered; automatic, from what the workers hold"},
    {AT(max_bytes), OPTION_SIZE, "RANKFOLD_MAX_BYTES", "64M", ANY_COUNT, true, "bytes of results held and not yet delivered"},
    {AT(timeout), OPTION_SECONDS, "RANKFOLD_TIMEOUT", "none", MORE_THAN_NOTHING, true, "seconds for a whole job"},
    {AT(retry.attempts), OPTION_UNSIGNED, "RANKFOLD_RETRY_ATTEMPTS", NULL, 1, 1000000, false,
     "attempts of an item in all; 1, or 3 where anything of retry is set"},
    {AT(retry.backoff), OPTION_SECONDS, "RANKFOLD_RETRY_BACKOFF", "1", 0, INFINITY, true,
     "seconds before the second attempt, doubled for each one after it"},
    {AT(retry.max_delay), OPTION_SECONDS, "RANKFOLD_RETRY_MAX_DELAY", "60", MORE_THAN_NOTHING, true,
     "seconds that the delay before an attempt grows to"},
    {AT(retry.on), OPTION_TEXT, "RANKFOLD_RETRY_ON", NULL, 0, 0, false, "kinds of failures that are retried, by commas; all"},
    {AT(retry.steady), OPTION_SWITCH, "RANKFOLD_RETRY_STEADY", "off", 0, 0, false, "no random part in the delay"},
    {AT(rate_limit), OPTION_RATE, "RANKFOLD_RATE_LIMIT", "none", MORE_THAN_NOTHING, true,
     "attempts that a job may begin, in a second where no other time is said"},
    {AT(halt), OPTION_HALT, "RANKFOLD_HALT", NULL, 0, 0, false,
     "what failed items do to the rest of a job; never, or soon where a threshold is set"},
    {AT(halt_count), OPTION_COUNT, "RANKFOLD_HALT_COUNT", NULL, ANY_COUNT, true,
     "failed items that halt a job; 1 where halt is set alone"},
    {AT(halt_share), OPTION_SHARE, "RANKFOLD_HALT_SHARE", "none", DBL_MIN, 1, true,
     "the same as a share of the items done, from 10 items on"},
    {AT(workers), OPTION_UNSIGNED, "RANKFOLD_WORKERS", NULL, 1, 0x1p31, false, "ranks that work for a job; all"},
    {AT(executor), OPTION_EXECUTOR, "RANKFOLD_EXECUTOR", NULL, 0, 0, false,
     "where functions run; inline, or fork where slots, task_timeout, task_memory or lifespan ask for it"},
    {AT(slots), OPTION_UNSIGNED, "RANKFOLD_SLOTS", "1", 1, 256, false, "items run at once in each rank, each in a child of its own"},
    {AT(task_timeout), OPTION_SECONDS, "RANKFOLD_TASK_TIMEOUT", "none", MORE_THAN_NOTHING, true, "seconds for one attempt of one item"},
    {AT(task_memory), OPTION_SIZE, "RANKFOLD_TASK_MEMORY", "unlimited", ANY_COUNT, true, "bytes that functions may take in a child"},
    {AT(lifespan), OPTION_COUNT, "RANKFOLD_LIFESPAN", "unlimited", ANY_COUNT, true, "items after which a child is replaced"},
    {AT(seed), OPTION_COUNT, "RANKFOLD_SEED", "1", ANY_COUNT, false, "of the random numbers of functions and delays"},
    {AT(progress), OPTION_SWITCH, "RANKFOLD_PROGRESS", "off", 0, 0, false,
     "a line on standard error that shows how far a job is; in programs of rf_main"},
};
const size_t option_count = sizeof option_table / sizeof *option_table;

static size_t option_size(enum option_type type)
{
    switch (type) {
    case OPTION_COUNT:
    case OPTION_SIZE:
        return sizeof(uint64_t);
    case OPTION_SECONDS:
    case OPTION_SHARE:
        return sizeof(double);
    case OPTION_TEXT:
        return sizeof(const char *);
    case OPTION_RATE:
        return sizeof(rf_rate);
    case OPTION_UNSIGNED:
    case OPTION_SWITCH:
    case OPTION_HALT:
    case OPTION_EXECUTOR:
        break;
    }
    return sizeof(unsigned);
}

_Static_assert(sizeof(rf_switch) == sizeof(unsigned) && sizeof(rf_halt) == sizeof(unsigned) && sizeof(rf_executor) == sizeof(unsigned),
               "option_size counts on it");

static bool is_said(const option *row, const void *field)
{
    static const uint8_t nothing[8];
    if (row->type == OPTION_SECONDS || row->type == OPTION_SHARE || row->type == OPTION_RATE)   /* a rate begins with its count */
        return *(const double *)field != 0.0;       /* also true for NaN, which the bounds then refuse */
    return memcmp(field, nothing, option_size(row->type)) != 0;
}

static bool is_within(const option *row, double number)
{
    return number >= row->least && number <= row->most;
}

static int refuse_number(const option *row, const char *number)
{
    char bounds[160];
    option_bounds(row, false, bounds, sizeof bounds);
    return error_set(RF_EOPTION, "option", "%s is %s: it must be %s", row->field, number, bounds);
}

static int check_count(const option *row, uint64_t number)
{
    if ((row->off_allowed && number == RF_UNLIMITED) || is_within(row, (double)number))
        return RF_OK;
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, number);
    return refuse_number(row, text);
}

static int check_real(const option *row, double number)
{
    if ((row->off_allowed && number == RF_NONE) || is_within(row, number))
        return RF_OK;
    char text[32];
    snprintf(text, sizeof text, "%g", number);
    return refuse_number(row, text);
}

static int check_name(const option *row, unsigned number, unsigned most)
{
    if (number <= most)
        return RF_OK;
    char text[32];
    snprintf(text, sizeof text, "%u", number);
    return refuse_number(row, text);
}

static int check_rate(const option *row, const rf_rate *said)
{
    bool off = row->off_allowed && said->count == RF_NONE;
    if ((off || (is_within(row, said->count) && !isinf(said->count))) && said->per >= RF_SECOND && said->per <= RF_HOUR)
        return RF_OK;
    char text[64];
    snprintf(text, sizeof text, "%g per %d", said->count, said->per);
    return refuse_number(row, text);
}

static int check_field(const option *row, const void *field)
{
    switch (row->type) {
    case OPTION_COUNT:
    case OPTION_SIZE:
        return check_count(row, *(const uint64_t *)field);
    case OPTION_UNSIGNED:
        return check_count(row, *(const unsigned *)field);
    case OPTION_SECONDS:
    case OPTION_SHARE:
        return check_real(row, *(const double *)field);
    case OPTION_SWITCH:
        return check_name(row, *(const unsigned *)field, RF_OFF);
    case OPTION_HALT:
        return check_name(row, *(const unsigned *)field, RF_HALT_NOW);
    case OPTION_RATE:
        return check_rate(row, field);
    case OPTION_EXECUTOR:
        return check_name(row, *(const unsigned *)field, RF_FORK);
    case OPTION_TEXT:
        break;
    }
    return RF_OK;
}

/* Copies what a caller's program knows of rf_options; an older one knows fewer fields, and has not said the others. */
static int level_copy(rf_options *level, const rf_options *given, bool sized)
{
    size_t size = sized ? given->struct_size : sizeof *level;
    if (size <= offsetof(rf_options, name) || size > sizeof *level || size % _Alignof(rf_options))
        return error_set(RF_EOPTION, "option",
                         "options of struct_size %zu: this library knows up to %zu; make them with RF_OPTIONS, or install "
                         "the library that the program was built for", size, sizeof *level);
    *level = (rf_options){0};
    memcpy(level, given, size);
    return RF_OK;
}

static int level_check(const rf_options *level)
{
    for (const option *row = option_table; row < option_table + option_count; row++) {
        const void *field = (const char *)level + row->offset;
        int status = is_said(row, field) ? check_field(row, field) : RF_OK;
        if (status)
            return status;
    }
    if (level->chunk_size && level->n_splits)
        return error_set(RF_EOPTION, "option", "chunk_size (%" PRIu64 ") and n_splits (%" PRIu64
                         ") contradict each other: say one of them", level->chunk_size, level->n_splits);
    return RF_OK;
}

/* user is their argument: one from a level below that of a function would be some other function's. */
static void merge_callbacks(rf_options *settled, const rf_options *level)
{
    bool said = settled->user || settled->on_progress || settled->callback || settled->error_callback;
    settled->user = said ? settled->user : level->user;
    settled->on_progress = settled->on_progress ? settled->on_progress : level->on_progress;
    settled->callback = settled->callback ? settled->callback : level->callback;
    settled->error_callback = settled->error_callback ? settled->error_callback : level->error_callback;
}

/* Takes from a lower level what no level above has said. chunk_size and n_splits are two ways to say one thing: who says one
   of them has said both. */
static void level_merge(rf_options *settled, const rf_options *level)
{
    bool chunks_said = settled->chunk_size || settled->n_splits;
    for (const option *row = option_table; row < option_table + option_count; row++) {
        void *field = (char *)settled + row->offset;
        bool of_chunks = row->offset == offsetof(rf_options, chunk_size) || row->offset == offsetof(rf_options, n_splits);
        if (!is_said(row, field) && !(of_chunks && chunks_said))
            memcpy(field, (const char *)level + row->offset, option_size(row->type));
    }
    if (rf_type_of(settled->state) == RF_NIL)
        settled->state = level->state;
    merge_callbacks(settled, level);
}

static bool retry_asked(const rf_retry *retry)
{
    return retry->attempts || retry->backoff != 0.0 || retry->max_delay != 0.0 || retry->on || retry->steady;
}

static void settle_halt(rf_options *settled)
{
    bool by_count = settled->halt_count && settled->halt_count != RF_UNLIMITED;
    bool by_share = settled->halt_share > 0.0;
    if (!settled->halt)
        settled->halt = by_count || by_share ? RF_HALT_SOON : RF_HALT_NEVER;
    if (!settled->halt_count)
        settled->halt_count = settled->halt == RF_HALT_NEVER || by_share ? RF_UNLIMITED : 1;
}

/* The first option said that only a child of the rank can do; NULL: none. */
static const char *needs_fork(const rf_options *settled)
{
    if (settled->slots > 1)
        return "slots";
    if (settled->task_timeout > 0.0 && settled->task_timeout < INFINITY)
        return "task_timeout";
    if (settled->task_memory && settled->task_memory != RF_UNLIMITED)
        return "task_memory";
    return settled->lifespan && settled->lifespan != RF_UNLIMITED ? "lifespan" : NULL;
}

static int settle_executor(rf_options *settled)
{
    const char *needs = needs_fork(settled);
    if (needs && settled->executor == RF_INLINE)
        return error_set(RF_EOPTION, "option", "executor is RF_INLINE and %s is set: a function inside the rank can be neither limited nor run "
                         "beside another, and there are no threads; leave executor out, or say RF_FORK", needs);
    if (!settled->executor)
        settled->executor = needs ? RF_FORK : RF_INLINE;
    return RF_OK;
}

static void settle_fallbacks(rf_options *settled)
{
    settle_halt(settled);
    if (!settled->retry.attempts)
        settled->retry.attempts = retry_asked(&settled->retry) ? 3 : 1;
    for (const option *row = option_table; row < option_table + option_count; row++) {
        void *field = (char *)settled + row->offset;
        if (row->fallback && !is_said(row, field))
            option_parse(row, row->fallback, field);
    }
}

int options_under(rf_options *said, const rf_options *level, bool sized)
{
    rf_options copy;
    int status = level_copy(&copy, level, sized);
    if (!status)
        status = level_check(&copy);
    if (!status)
        level_merge(said, &copy);
    return status;
}

int options_settle(const rf_options *call, const rf_options *function, const rf_options *pool, const rf_options *environment,
                   rf_options *settled)
{
    const struct { const rf_options *given; bool sized; } levels[] = {
        {call, true}, {function, false}, {pool, true}, {environment, false}};
    rf_options merged = {.struct_size = sizeof merged};
    *settled = merged;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        int status = levels[i].given ? options_under(&merged, levels[i].given, levels[i].sized) : RF_OK;
        if (status)
            return status;
    }
    int status = settle_executor(&merged);
    if (status)
        return status;
    settle_fallbacks(&merged);
    *settled = merged;
    return RF_OK;
}
