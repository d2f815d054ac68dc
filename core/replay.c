/* Replay as a program sees it: the line that runs one item alone, and what becomes of the job that the item is of. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "pool.h"

#define VALUE_SHOWN 400                 /* bytes of what the item gave */

/* ---- the line ---- */

/* In words of sh: plain as it is, all else between '. */
static void print_word(FILE *to, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (*word && word[strspn(word, plain)] == '\0') {
        fputs(word, to);
        return;
    }
    fputc('\'', to);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", to);
        else
            fputc(*word, to);
    fputc('\'', to);
}

/* As it was started. One that was found along PATH, or by the launcher, is named by its file. */
static void print_command(FILE *to, const char *words, size_t size)
{
    char program[4096];
    ssize_t length = strchr(words, '/') ? -1 : readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    print_word(to, length > 0 ? program : words);
    for (size_t at = strlen(words) + 1; at < size; at += strlen(words + at) + 1) {
        fputc(' ', to);
        print_word(to, words + at);
    }
}

int rf_print_replay(FILE *to, const rf_error *error)
{
    char *words = NULL;
    size_t room = 0;
    if (!error || !error->replay)
        return RF_END;
    FILE *command = fopen("/proc/self/cmdline", "r");
    ssize_t size = command ? getdelim(&words, &room, EOF, command) : -1;
    if (command)
        fclose(command);
    fprintf(to, "RANKFOLD_REPLAY='%s' ", error->replay);
    if (size > 0)
        print_command(to, words, (size_t)size);
    else
        fputs("PROGRAM", to);
    free(words);
    return ferror(to) ? error_set(RF_EOUTPUT, "output", "the line could not be written") : RF_OK;
}

/* ---- the pool that replays ---- */

int pool_read_replay(rf_pool *pool)
{
    const char *text = getenv("RANKFOLD_REPLAY");
    if (!text || !*text)
        return RF_OK;
    if (transport_size(pool->self->via) > 1)
        return error_set(RF_EOPTION, "option", "RANKFOLD_REPLAY runs one item in one process: start the program without mpirun");
    int status = replay_read(text, &pool->replays);
    pool->replaying = status == RF_OK;
    return status;
}

bool pool_replays(const rf_pool *pool, uint64_t ordinal)
{
    return pool->replaying && pool->replays.pool == pool->number && pool->replays.job == ordinal;
}

static int seek(rf_pool *pool, job *of)
{
    int descriptor, status;
    double when;
    while ((status = replay_seek(pool->self->schedules, of, &pool->replays, &descriptor, &when)) == RF_AGAIN)
        pool_wait(pool, when, descriptor);
    return status;
}

static void say_what(const rf_pool *pool, const char *function, char *text, size_t size)
{
    const replay *which = &pool->replays;
    if (which->at == UINT64_MAX)
        snprintf(text, size, "item %" PRIu64 " of %.200s", which->unit, function);
    else
        snprintf(text, size, "the item at byte %" PRIu64 " of %.200s", which->at, function);
}

/* The last error then tells what the item gave, whatever that was: the verb has no results, and the driver is to end. */
static int tell(rf_pool *pool, const char *function, int status, const column *value)
{
    char what[256], *shown = NULL;
    size_t size = 0;
    say_what(pool, function, what, sizeof what);
    if (status == RF_EITEMS)
        return error_set(status, "replay", "replayed %s: failed again: %s", what, rf_last_error()->message);
    if (status)
        return status;
    FILE *to = open_memstream(&shown, &size);
    for (uint64_t i = 0; to && i < value->count; i++) {     /* of a chain none, or several */
        fputs(i ? " " : "", to);
        rf_print(to, column_peek(value, i));
    }
    if (to)
        fclose(to);
    error_set(RF_ECANCELLED, "replay", "replayed %s: succeeded: %.*s%s", what, VALUE_SHOWN, shown ? shown : "?", size > VALUE_SHOWN ? "..." : "");
    free(shown);
    return RF_ECANCELLED;
}

static int run_in_place_of(rf_pool *pool, const job_order *order, column *value)
{
    job *of;
    job_order its = *order;
    its.settled.seed = pool->replays.seed;
    its.counts = its.by_key;            /* a mapper: what it emits is its value */
    its.by_key = NULL;
    its.phase = 0;
    its.settled.split_size = pool->replays.split ? pool->replays.split : its.settled.split_size;
    int status = coordinator_make(pool->self->schedules, &its, &of);
    if (status)
        return status;
    if ((status = seek(pool, of)) == RF_OK)
        status = replay_run(pool->self->schedules, of, &pool->replays, value);
    coordinator_close(pool->self->schedules, of);
    return status;
}

int pool_replay(rf_pool *pool, const job_order *order)
{
    column value = {0};
    const char *function = order->function ? order->function->name : order->settled.name;
    int status = tell(pool, function, run_in_place_of(pool, order, &value), &value);
    column_free(&value);
    pool->replayed = failure_new(rf_last_error());
    return status;
}
