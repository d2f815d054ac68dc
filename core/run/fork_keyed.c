#include "run/fork_keyed.h"

#include <string.h>

#include "base/error.h"
#include "run/fork_names.h"

#define MEMORY_LEAST ((size_t)1 << 20)  /* of what a task stages */
#define OF_TASK_MEMORY 8                /* what a task stages and what it needs besides is a quarter of it, or more where functions take less */
#define SLABS ((size_t)48 << 20)        /* what base/large.h may keep */

/* Then place and the names of partitioner, comparison and combiner, then at a multiple of 16 the KEYED and, there again, the RUNS. */
struct told_keyed { uint64_t place_size, names_size, keyed_size, runs_size; };

static size_t to_16(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

static const rf_registration *function_at(const shuffle *of, uint32_t number)
{
    return number == KEYED_NO_FUNCTION ? NULL : registry_at(shuffles_functions(of->among), number);
}

static size_t keyed_body(const shuffle *of)
{
    return to_16(of->said.folder_size + of->said.kinds_size) + of->state.size - 1;
}

static struct told_keyed sizes_of(const shuffle *of, const char *place)
{
    return (struct told_keyed){.place_size = strlen(place) + 1,
                               .names_size = fork_name_size(function_at(of, of->said.partitioner)) +
                                             fork_name_size(function_at(of, of->said.compare)) + fork_name_size(function_at(of, of->said.combiner)),
                               .keyed_size = message_frame_size(MESSAGE_KEYED, keyed_body(of)),
                               .runs_size = message_frame_size(MESSAGE_RUNS, of->splitter_bytes.size)};
}

size_t fork_keyed_size(const shuffle *of, const char *place)
{
    struct told_keyed told = sizes_of(of, place);
    return to_16(sizeof told + told.place_size + told.names_size) + to_16(told.keyed_size) + told.runs_size;
}

static void put_keyed(const shuffle *of, uint8_t *frame)
{
    message what = {.head = {.kind = MESSAGE_KEYED, .job = of->by_id.number}, .keyed = of->said, .body_size = keyed_body(of)};
    uint8_t *body = message_write(frame, &what, 0);
    size_t texts = of->said.folder_size + of->said.kinds_size;
    memcpy(body, of->folder, of->said.folder_size);
    memcpy(body + of->said.folder_size, of->kinds, of->said.kinds_size);
    memset(body + texts, 0, to_16(texts) - texts);
    memcpy(body + to_16(texts), of->state.data, of->state.size - 1);
}

static void put_runs(const shuffle *of, uint8_t *frame)
{
    message what = {.head = {.kind = MESSAGE_RUNS, .job = of->by_id.number}, .runs = {.splitters = of->splitter_count}, .body_size = of->splitter_bytes.size};
    uint8_t *body = message_write(frame, &what, 0);
    if (what.body_size)
        memcpy(body, of->splitter_bytes.data, what.body_size);
}

void fork_keyed_put(const shuffle *of, const char *place, void *space)
{
    struct told_keyed told = sizes_of(of, place);
    uint8_t *at = space;
    memcpy(at, &told, sizeof told);
    memcpy(at + sizeof told, place, told.place_size);
    char *names = (char *)at + sizeof told + told.place_size;
    names = fork_name_put(function_at(of, of->said.partitioner), names);
    names = fork_name_put(function_at(of, of->said.compare), names);
    fork_name_put(function_at(of, of->said.combiner), names);
    at += to_16(sizeof told + told.place_size + told.names_size);
    put_keyed(of, at);
    put_runs(of, at + to_16(told.keyed_size));
}

/* ---- the child ---- */

static int take_name(const registry *functions, const char **names, uint32_t *number)
{
    const char *name = *names;
    *names += strlen(name) + 1;
    *number = KEYED_NO_FUNCTION;
    return *name ? fork_name_number(functions, name, number) : RF_OK;
}

static int apply_names(const registry *functions, const char *names, struct message_keyed *to)
{
    int status = take_name(functions, &names, &to->partitioner);
    status = status ? status : take_name(functions, &names, &to->compare);
    return status ? status : take_name(functions, &names, &to->combiner);
}

static int take_frames(const registry *functions, shuffles *into, const struct told_keyed *told, const char *names, uint8_t *at, shuffle **made)
{
    message keyed, runs;
    int status = message_read(&keyed, 0, at, told->keyed_size);
    status = status ? status : message_read(&runs, 0, at + to_16(told->keyed_size), told->runs_size);
    status = status ? status : apply_names(functions, names, &keyed.keyed);
    status = status ? status : shuffles_take(into, &keyed);
    status = status ? status : shuffles_take(into, &runs);
    *made = status ? NULL : shuffles_find(into, keyed.head.job);
    return status;
}

static size_t share_of(size_t memory, const struct message_job *job)
{
    size_t share = memory / (job->slots ? job->slots : 1);
    if (job->task_memory && share > job->task_memory / OF_TASK_MEMORY)
        share = (size_t)job->task_memory / OF_TASK_MEMORY;
    return share > MEMORY_LEAST ? share : MEMORY_LEAST;
}

int fork_keyed_open(const registry *functions, void *told, const struct message_job *job, shuffles **made, size_t *own)
{
    struct told_keyed all;
    uint8_t *at = told;
    shuffle *of;
    memcpy(&all, at, sizeof all);
    const char *place = (const char *)at + sizeof all;
    int status = shuffles_new_alone(functions, place, made);
    if (status)
        return status;
    status = take_frames(functions, *made, &all, place + all.place_size, at + to_16(sizeof all + all.place_size + all.names_size), &of);
    if (status) {
        shuffles_free(*made);
        *made = NULL;
        return status;
    }
    of->shape.memory = of->flat.memory = share_of(of->shape.memory, job);
    of->gather_memory = share_of(of->gather_memory, job);
    *own = SLABS + 2 * of->shape.memory;
    return RF_OK;
}
