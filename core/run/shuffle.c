#include "run/shuffle.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "keyed/run_format.h"

#define MEMORY_LEAST ((size_t)8 << 20)
#define STAGED 4                        /* shares of a job's budget: see shuffle.h */
#define KEPT 2
#define GATHERED 8

struct shuffles {
    post *via;
    const registry *functions;
    scratch *place;
    numbered_table by_id;
    LIST_HEAD(, shuffle) jobs;
    struct gather *gathers;
    uint64_t numbers, asked;
    bool stopped;
};

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static int make(post *via, const registry *functions, const char *place, shuffles **made)
{
    shuffles *all = *made = calloc(1, sizeof *all);
    if (!all)
        return error_no_memory(sizeof *all);
    all->via = via;
    all->functions = functions;
    int status = numbered_open(&all->by_id);
    if (status == RF_OK && !(all->place = scratch_new(place)))
        status = RF_ENOMEM;
    if (status) {
        shuffles_free(all);
        *made = NULL;
    }
    return status;
}

int shuffles_new(post *via, const registry *functions, shuffles **made)
{
    int status = make(via, functions, NULL, made);
    if (status == RF_OK)
        post_serve(via, MESSAGE_PULL, shuffle_answer, *made);
    return status;
}

int shuffles_new_alone(const registry *functions, const char *place, shuffles **made)
{
    return make(NULL, functions, place, made);
}

static void free_shuffle(shuffle *old)
{
    emit_free(old->emits);
    spill_free(old->kept);
    spill_free(old->made);
    free(old->folder);
    free(old->kinds);
    call_free(&old->combining);
    buffer_free(&old->state);
    counters_free(&old->counts);
    buffer_free(&old->passed);
    free(old->places);
    buffer_free(&old->splitter_bytes);
    free(old->splitters);
    free(old);
}

static void drop(shuffles *all, shuffle *old)
{
    numbered_remove(&all->by_id, &old->by_id);
    LIST_REMOVE(old, all);
    old->released = true;
    if (!old->users)
        free_shuffle(old);
}

void shuffle_hold(shuffle *of)
{
    of->users++;
}

void shuffle_let_go(shuffle *of)
{
    if (of && !--of->users && of->released)
        free_shuffle(of);
}

void shuffles_free(shuffles *all)
{
    if (!all)
        return;
    for (shuffle *of; (of = LIST_FIRST(&all->jobs));)
        drop(all, of);
    if (all->via)
        post_serve(all->via, MESSAGE_PULL, NULL, NULL);
    numbered_free(&all->by_id);
    scratch_free(all->place);
    free(all);
}

shuffle *shuffles_find(const shuffles *all, uint64_t id)
{
    numbered *found = numbered_find(&all->by_id, id);
    return found ? (shuffle *)(void *)((char *)found - offsetof(shuffle, by_id)) : NULL;
}

post *shuffles_post(const shuffles *all) { return all->via; }
scratch *shuffles_place(const shuffles *all) { return all->place; }
const registry *shuffles_functions(const shuffles *all) { return all->functions; }
int shuffles_scratch(shuffles *all, char **path) { return scratch_path(all->place, path); }
struct gather **shuffles_gathers(shuffles *all) { return &all->gathers; }
uint64_t shuffles_number(shuffles *all) { return ++all->numbers; }

int shuffles_ask(shuffles *all, int peer, const message *what)
{
    if (all->stopped)
        return error_set(RF_ECLOSED, "closed", "the pool is closed");
    int status = post_send(all->via, peer, what, NULL, 0);
    all->asked += status >= 0;
    return status < 0 ? status : RF_OK;
}

void shuffles_answered(shuffles *all) { all->asked -= all->asked > 0; }
uint64_t shuffles_asked(const shuffles *all) { return all->asked; }
void shuffles_stop(shuffles *all) { all->stopped = true; }

/* ---- announced --------------------------------------------------------------------------------------------------- */

static const rf_registration *function_at(const shuffles *all, uint32_t number, int kind, int *status)
{
    const rf_registration *found = number == KEYED_NO_FUNCTION ? NULL : registry_at(all->functions, number);
    if (number != KEYED_NO_FUNCTION && (!found || found->kind != kind))
        *status = RF_EUSAGE;
    return found;
}

static int combine(void *context, struct emitter *into, rf_value key, rf_group *values)
{
    shuffle *of = context;
    of->combined.context = into;
    enum logbook_place before = logbook_enters(of->log, LOGBOOK_COMBINER, key);
    int status = call_reduce(&of->combining, (rf_reduce_function *)of->combiner->function, key, values,
                             &(call_item){.path_index = UINT64_MAX, .attempt = 1});
    logbook_leaves(of->log, before);
    if (status)
        error_set(status, of->combining.kind, "the combiner: %s", of->combining.message);
    return status;
}

static int combined(void *context, rf_value key, rf_value value)
{
    return emit_combined(context, key, value);
}

static void set_combiner(shuffle *of, const rf_registration *combiner, const struct message_keyed *keyed)
{
    call_init(&of->combining);
    of->combiner = combiner;
    if (!combiner)
        return;
    rf_type type = (rf_type)keyed->state_type;
    of->combined = (call_sink){.pair = combined};
    of->combining.sink = &of->combined;
    of->combining.function = combiner->name;
    of->combining.state = rf_view(type, of->state.data, of->state.size - 1);
    if (type < RF_TEXT)
        of->combining.state = (rf_value){.u64 = 0, .tag = (uint64_t)type};
    if (type < RF_TEXT && of->state.size > sizeof of->combining.state.u64)
        memcpy(&of->combining.state.u64, of->state.data, sizeof of->combining.state.u64);
    of->shape.combine = combine;
    of->shape.combine_context = of;
}

static int set_functions(shuffles *all, shuffle *of, const struct message_keyed *keyed)
{
    int status = RF_OK;
    const rf_registration *partitioner = function_at(all, keyed->partitioner, RF_KIND_PARTITION, &status);
    const rf_registration *compare = function_at(all, keyed->compare, RF_KIND_COMPARE, &status);
    const rf_registration *combiner = function_at(all, keyed->combiner, RF_KIND_REDUCE, &status);
    if (status || keyed->fold > FOLD_FIRST)
        return RF_EUSAGE;
    of->shape.partitioner = partitioner ? (rf_partition_function *)partitioner->function : NULL;
    of->shape.order.compare = compare ? (rf_compare_function *)compare->function : NULL;
    set_combiner(of, combiner, keyed);
    return RF_OK;
}

static void set_shape(shuffle *of, const struct message_keyed *keyed)
{
    of->by_ranges = keyed->flags & KEYED_RANGES;
    of->shape.partitions = of->by_ranges ? 1 : keyed->partitions;
    of->shape.order.by_value = keyed->flags & KEYED_BY_VALUE;
    of->shape.fold = (enum fold)keyed->fold;
    of->shape.sample = of->by_ranges ? keyed->sample : 0;
    of->shape.compress = keyed->flags & KEYED_COMPRESS;
    of->flat = (shape){.partitions = 1, .compress = of->shape.compress};
    of->format = (output_format){.kind = (rf_format)keyed->format, .gzip = keyed->flags & KEYED_GZIP};
}

static int set_memory(shuffle *of, const struct message_keyed *keyed)
{
    size_t memory = keyed->memory ? keyed->memory : spill_default_memory(keyed->ranks_here, "");
    memory = memory > MEMORY_LEAST ? memory : MEMORY_LEAST;
    of->shape.memory = of->flat.memory = memory / STAGED;
    of->gather_memory = memory / GATHERED;
    of->kept = spill_new(memory / KEPT, of->among->place);
    of->made = spill_new(memory / KEPT, of->among->place);
    return of->kept && of->made ? RF_OK : RF_ENOMEM;
}

static int set_texts(shuffle *of, const message *what)
{
    const struct message_keyed *keyed = &what->keyed;
    const char *texts = what->body;
    size_t state = (keyed->folder_size + keyed->kinds_size + 15) & ~(size_t)15;
    if (texts[keyed->folder_size - 1] || texts[keyed->folder_size + keyed->kinds_size - 1] || state > what->body_size)
        return RF_EUSAGE;
    of->folder = strdup(texts);
    of->kinds = strdup(texts + keyed->folder_size);
    if (!of->folder || !of->kinds || buffer_put(&of->state, texts + state, what->body_size - state) || buffer_put(&of->state, "", 1))
        return RF_ENOMEM;
    return RF_OK;
}

static int take_keyed(shuffles *all, const message *what)
{
    shuffle *of = calloc(1, sizeof *of);
    if (!of)
        return error_no_memory(sizeof *of);
    of->among = all;
    of->said = what->keyed;
    set_shape(of, &what->keyed);
    int status = set_texts(of, what);
    status = status ? status : set_functions(all, of, &what->keyed);
    status = status ? status : set_memory(of, &what->keyed);
    if (status) {
        free_shuffle(of);
        return status == RF_EUSAGE ? message_refuse(what, what->head.size, "functions or texts that make no sense") : status;
    }
    of->by_id.number = what->head.job;
    numbered_add(&all->by_id, &of->by_id);
    LIST_INSERT_HEAD(&all->jobs, of, all);
    return RF_OK;
}

/* ---- committed --------------------------------------------------------------------------------------------------- */

static int read_splitters(shuffle *of, const message *what, size_t at)
{
    if (buffer_put(&of->splitter_bytes, (const uint8_t *)what->body + at, what->body_size - at))
        return RF_ENOMEM;
    of->splitters = calloc((size_t)what->runs.splitters + 1, sizeof *of->splitters);
    if (!of->splitters)
        return error_no_memory(what->runs.splitters * sizeof *of->splitters);
    const uint8_t *from = of->splitter_bytes.data, *end = from + of->splitter_bytes.size;
    for (; of->splitter_count < what->runs.splitters; of->splitter_count++)
        if (!record_take(&from, end, &of->splitters[of->splitter_count]) || !record_sound(&of->splitters[of->splitter_count]))
            return message_refuse(what, what->head.size, "splitters that are no records");
    return RF_OK;
}

/* All is mapped: what it took to stage pairs is for reducers now, which would otherwise touch fresh memory. */
static void drop_emitter(shuffle *of)
{
    emit_free(of->emits);
    of->emits = NULL;
}

static int take_runs(shuffle *of, const message *what)
{
    drop_emitter(of);
    size_t size = what->runs.runs * sizeof *of->places;
    if (of->places)
        return message_refuse(what, what->head.size, "runs of a job whose runs are known");
    of->places = malloc(size + 1);
    if (!of->places)
        return error_no_memory(size);
    if (size)
        memcpy(of->places, what->body, size);
    of->runs = what->runs.runs;
    return read_splitters(of, what, size);
}

void shuffle_range(const shuffle *of, uint32_t p, const record **low, const record **high)
{
    *low = of->by_ranges && p && p <= of->splitter_count ? &of->splitters[p - 1] : NULL;
    *high = of->by_ranges && p < of->splitter_count ? &of->splitters[p] : NULL;
}

static void release(shuffles *all, shuffle *of, bool everything)
{
    if (everything) {
        drop(all, of);
        return;
    }
    drop_emitter(of);
    spill_clear(of->kept);
}

int shuffles_take(shuffles *all, const message *what)
{
    shuffle *of = shuffles_find(all, what->head.job);
    if (what->head.kind == MESSAGE_KEYED)
        return of ? message_refuse(what, what->head.size, "a job by key that was announced already") : take_keyed(all, what);
    if (!of)
        return message_refuse(what, what->head.size, "a job by key that was not announced");
    if (what->head.kind == MESSAGE_RUNS)
        return take_runs(of, what);
    release(all, of, what->release.all);
    return RF_OK;
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

int shuffle_emitter(shuffle *of)
{
    return of->emits ? RF_OK : emit_new(&of->shape, of->among->place, &of->emits);
}

/* A disk that is full fails the task: the run is dropped, so that it is not kept beyond the budget. */
static int keep(shuffle *of, spill *in, sealed_run *made, uint64_t *id)
{
    *id = ++of->next_run;
    int status = spill_add(in, *id, made);
    if (status == RF_EOUTPUT)
        spill_drop(in, *id);
    return status;
}

uint64_t shuffle_spilled(shuffle *of)
{
    uint64_t before = of->spilled;
    of->spilled = spill_written(of->kept) + spill_written(of->made);
    return of->spilled - before;
}

int shuffle_keep(shuffle *of, sealed_run *made, uint64_t *id) { return keep(of, of->kept, made, id); }
int shuffle_make(shuffle *of, sealed_run *made, uint64_t *id) { return keep(of, of->made, made, id); }

int shuffle_records(const sealed_run *of, uint64_t first, uint64_t count, run_stretch *to, uint64_t *skip)
{
    uint64_t before = 0, block = 0;
    run_block head;
    *to = (run_stretch){0};
    *skip = first;
    for (; block < of->blocks && before < first + count; block++) {
        int status = run_copy(of, of->marks[block].offset, sizeof head, (uint8_t *)&head);
        if (status)
            return status;
        if (before <= first) {
            to->offset = of->marks[block].offset;
            *skip = first - before;
        }
        before += head.records;
        to->bytes = of->marks[block].offset + sizeof head + head.stored - to->offset;
    }
    return before < first + count ? error_set(RF_EINPUT, "input", "a dataset's part has %" PRIu64 " pairs, not %" PRIu64, before, first + count)
                                  : RF_OK;
}
