/* What a slot makes of tasks by key. Such a task is one unit: what comes of it is a commit, and a run that its child has left in a file, or told beside it, which the rank
   takes over; or one failure. A child that ends in it, wherever it is, costs this attempt. */
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "run/keyed_task.h"
#include "run/slot_state.h"
#include "value/pack.h"

/* ---- the run ----------------------------------------------------------------------------------------------------- */

void slot_drop_result(struct given *one)
{
    if (one->result)
        unlink(one->result);
    free(one->result);
    one->result = NULL;
}

/* What writes the output leaves no run. A child that died may have left a part of one: the next gets another file. */
int slot_allot_result(slot *of, struct given *one)
{
    const shuffle *keyed = of->job->keyed;
    slot_drop_result(one);
    bool makes_run = keyed && (of->job->phase == PHASE_MAP || !*keyed->folder);
    return makes_run ? shuffles_scratch(keyed->among, &one->result) : RF_OK;
}

static int keep(slot *of, sealed_run *run, struct message_commit *sums)
{
    shuffle *keyed = of->job->keyed;
    return of->job->phase == PHASE_MAP ? shuffle_keep(keyed, run, &sums->run) : shuffle_make(keyed, run, &sums->run);
}

static int open_given(slot *of, sealed_run **run)
{
    rf_value given = column_peek(&of->added, 0);
    buffer bytes = {0};
    *run = NULL;
    of->added = (column){.count = 0};
    if (rf_type_of(given) != RF_BYTES)
        return RF_EUSAGE;
    int status = buffer_put(&bytes, given.data, rf_size(given));
    return status ? status : run_open_bytes(&bytes, run);
}

static int open_result(struct given *one, sealed_run **run)
{
    int status = run_open_file(one->result, true, run);
    if (status)
        return status;
    free(one->result);                  /* it is the run's file now */
    one->result = NULL;
    return RF_OK;
}

static int adopt(slot *of, struct message_commit *sums)
{
    struct given *one = slot_given(of, 0);
    sealed_run *run;
    if (!one->result)
        return RF_OK;
    int status = of->added.count ? open_given(of, &run) : open_result(one, &run);
    if (status)
        return status;
    if (run->records == sums->records)
        return keep(of, run, sums);
    run_free(run);
    return RF_EUSAGE;
}

int slot_adopt(slot *of)
{
    rf_value commit = column_peek(&of->values, 0);
    commit_view told;
    int status = commit_open(commit, &told);
    status = status ? status : adopt(of, &told.sums);
    told.sums.spilled += status ? 0 : shuffle_spilled(of->job->keyed);
    if (!status)
        memcpy((void *)(uintptr_t)commit.data, &told.sums, sizeof told.sums);
    return status;
}

/* ---- failures ---------------------------------------------------------------------------------------------------- */

/* There is room for the failure, and for a value. */
bool slot_fail_task(slot *of, const struct message_failure *why, const char *kind, const char *text, executor_part *part)
{
    of->own_failures.size = 0;
    message_add_failure(&of->own_failures, why, kind, text);
    of->failures = buffer_over(of->own_failures.data, of->own_failures.capacity);
    of->failures.size = of->own_failures.size;
    of->values = (column){.words = buffer_over(of->own_words, sizeof of->own_words), .tags = buffer_over(of->own_tags, sizeof of->own_tags)};
    column_add(&of->values, rf_nil());
    of->added = (column){.count = 0};
    of->positions = (buffer){.size = 0};
    *part = (executor_part){.unit = slot_given(of, 0)->first, .units = 1, .path_index = UINT64_MAX, .failure_count = 1, .last = true};
    slot_hand_out(of, part);
    return true;
}

bool slot_fail_task_last_error(slot *of, executor_part *part)
{
    uint64_t unit = slot_given(of, 0)->first;
    rf_error why = *rf_last_error();
    return slot_fail_task(of, &(struct message_failure){.unit = unit, .position = unit, .status = why.status}, why.kind, why.message, part);
}

/* ---- deaths ------------------------------------------------------------------------------------------------------ */

/* What a function has written over is not believed. */
static void tell_key(const logbook *log, char *text, size_t size)
{
    rf_type type = rf_type_of(log->key);
    size_t whole = type >= RF_TEXT ? rf_size(log->key) : 0, front = whole < LOGBOOK_KEY ? whole : LOGBOOK_KEY;
    bool is_text = type == RF_TEXT || type == RF_BYTES;
    if (type < RF_TEXT)
        record_tell((rf_value){.u64 = log->key.u64, .tag = (uint64_t)type}, text, size);
    else if (is_text || (type <= RF_DICT_TYPE && front == whole && unpack_skip(log->key_bytes, front, 1) == front))
        record_tell(rf_view(type, log->key_bytes, front), text, size);
    else
        snprintf(text, size, "of %zu bytes", whole);
}

static const char *function_in(const executor_job *job, enum logbook_place place)
{
    const rf_registration *combiner = job->keyed->combiner;
    return place == LOGBOOK_COMBINER && combiner ? combiner->name : job->function->name;
}

/* As the function itself, or who called it, would have said. */
static void say_where(const slot *of, const logbook *log, enum logbook_place place, const char *how, char *text, size_t size)
{
    const char *function = function_in(of->job, place);
    rf_call call;
    char key[128];
    if (place == LOGBOOK_MAPPER) {
        call_init(&call);
        call.function = function;
        call.item = (call_item){.position = log->position, .path = log->path[0] ? log->path : NULL};
        call_fail(&call, RF_ECRASH, "crash", "%s", how);
        snprintf(text, size, "%s", call.message);
    } else if (place == LOGBOOK_REDUCER || place == LOGBOOK_COMBINER) {
        tell_key(log, key, sizeof key);
        snprintf(text, size, "%s: key %s: %s", function, key, how);
    } else {
        snprintf(text, size, "%s: %s", function, how);
    }
}

static bool pass_over(slot *of, const struct message_failure *why, const char *kind, const char *text)
{
    struct given *one = slot_given(of, 0);
    if (!why->source || !map_task_passes_over(&one->chunk, kind) || message_add_failure(&one->passed, why, kind, text))
        return false;
    one->passed_count++;
    return true;
}

bool slot_blame_task(slot *of, const logbook *died, executor_part *part)
{
    logbook log = *died;
    log.path[LOGBOOK_PATH - 1] = '\0';
    enum logbook_place place = of->fate == DAMAGED ? LOGBOOK_NOWHERE : (enum logbook_place)atomic_load(&log.place);
    bool inside = place == LOGBOOK_MAPPER || place == LOGBOOK_REDUCER || place == LOGBOOK_COMBINER;
    uint64_t unit = slot_given(of, 0)->first;
    struct message_failure entry = {.unit = unit, .position = place == LOGBOOK_MAPPER ? log.position : unit,
                                    .source = place == LOGBOOK_MAPPER ? log.unit + 1 : 0};
    char how[200], text[1024];
    const char *kind;
    entry.status = slot_why(of, inside, &kind, how, sizeof how);
    say_where(of, &log, place, how, text, sizeof text);
    if (pass_over(of, &entry, kind, text))
        return false;
    slot_fail_task(of, &entry, kind, text, part);
    part->ran = atomic_load(&log.items) + inside;
    part->seconds = slot_duration(clock_now() - log.began);
    return true;
}
