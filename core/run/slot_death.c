/* What a slot makes of the end of its child: whose fault it was, and what of its work is kept. */
#define _GNU_SOURCE                     /* sigdescr_np */
#include <math.h>
#include <string.h>
#include <sys/wait.h>

#include "run/call.h"
#include "run/fork_names.h"
#include "run/slot_state.h"
#include "wire/message.h"

#define LOST_MOST 3                     /* children in a row that died in no function and told nothing */

static void say_how(int how, char *text, size_t size)
{
    const char *name = WIFSIGNALED(how) ? sigdescr_np(WTERMSIG(how)) : NULL;
    if (WIFSIGNALED(how))
        snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(how), name ? name : "unknown");
    else
        snprintf(text, size, "exited with status %d", WEXITSTATUS(how));
}

int slot_why(const slot *of, bool inside, const char **kind, char *text, size_t size)
{
    char how[96];
    say_how(of->how, how, sizeof how);
    if (of->fate == OUT_OF_TIME) {
        snprintf(text, size, "not done after %g s, which is its task_timeout", of->job->task_timeout);
        return *kind = "timeout", RF_ETIMEOUT;
    }
    if (of->fate == DAMAGED) {
        snprintf(text, size, "the function wrote outside of its memory: what it returned cannot be read");
        return *kind = "crash", RF_ECRASH;
    }
    if (atomic_load(&of->with.head->tight)) {
        snprintf(text, size, "%s when the %" PRIu64 " bytes of its task_memory were used up", how, of->job->task_memory);
        return *kind = "memory", RF_ENOMEM;
    }
    snprintf(text, size, "%s %s", how, inside ? "inside the function" : "while its pairs were partitioned, sorted or merged");
    return *kind = "crash", RF_ECRASH;
}

/* As if the function had said so itself: where it was, and why. */
static void blame(slot *of, const logbook *log, rf_call *call)
{
    const executor_job *job = of->job;
    char how[200];
    const char *kind;
    int status = slot_why(of, true, &kind, how, sizeof how);
    call->function = job->chained ? NULL : job->function->name;
    call->item = (call_item){.position = log->position, .path = log->path[0] ? log->path : NULL};
    call_fail(call, status, kind, "%s", how);
}

/* Nothing tells which stage of a chain it was at. */
static bool add_guilty(slot *of, const logbook *log)
{
    rf_call call;
    const executor_job *job = of->job;
    uint64_t position = job->folds ? log->unit : log->position;
    struct message_failure entry = {.item = of->values.count, .unit = log->unit, .position = log->position,
                                    .stage = job->chained ? (uint16_t)job->stage_count : 0};
    call_init(&call);
    blame(of, log, &call);
    entry.status = call.status;
    return message_add_failure(&of->failures, &entry, call.kind, call.message) == RF_OK && column_add(&of->values, rf_nil()) == RF_OK &&
           (!slot_has_positions(of) || buffer_put(&of->positions, &position, sizeof position) == RF_OK);
}

/* What came of it makes no sense, or is lost: it is run again item by item, and if that is of no use either nothing is believed any more. */
static bool run_again_carefully(slot *of, executor_part *part)
{
    if (slot_given(of, 0)->careful)
        return slot_give_up(of, RF_ECRASH, "crash", "the function wrote over the memory that its child shares with the rank", part);
    slot_given(of, 0)->careful = true;
    return false;
}

/* What was done of a part before the item that ended it, and that item. The block that a worker reads is not over, as far as anybody can tell. */
static bool take_what_is_left(slot *of, uint64_t which, executor_part *part)
{
    logbook log = ring_part_at(&of->with, which)->log;
    log.path[LOGBOOK_PATH - 1] = '\0';
    const executor_job *job = of->job;
    const struct given *one = slot_given(of, 0);
    uint64_t ran = of->fate == DAMAGED ? 0 : log.items;         /* a careful one has a single item */
    if (job->folds && log.unit != one->first + one->units)
        return run_again_carefully(of, part);       /* what was folded before it died with the child */
    const logbook_entry nothing = {.failures = 0}, *done = ran && !job->folds ? &log.entries[ran % 2] : &nothing;
    uint64_t begins = one->first + one->units, end = one->first + one->count;
    bool partly = job->by_workers && !job->folds && one->chunk.position == UINT64_MAX;
    uint64_t units = partly ? log.unit - begins : job->by_workers && !job->folds ? end - begins : log.unit + 1 - begins;
    slot_lay_out(of, which, done);
    if (log.unit < begins || log.unit >= end || !slot_is_sound(of, units - (units && !slot_has_positions(of))) || !add_guilty(of, &log))
        return run_again_carefully(of, part);
    slot_given(of, 0)->careful = false;
    *part = (executor_part){.unit = begins, .units = units, .path_index = job->folds ? UINT64_MAX : log.path_index, .ran = ran + 1,
                            .failure_count = done->failures + 1, .seconds = slot_duration(clock_now() - log.began),
                            .last = !partly && begins + units == end, .partly = partly,
                            .positioned = done->positioned || job->folds || job->by_workers || (!job->chained && slot_has_positions(of))};
    slot_hand_out(of, part);
    return true;
}

void slot_forget_child(slot *of)
{
    for (size_t i = 0; i < of->count; i++)
        slot_given(of, i)->asked = false;
    ring_reset(&of->with);
    of->died = false;
    of->knows = UINT64_MAX;
    of->mark = 0;
    of->kill_at = INFINITY;
    of->fate = LIVES_ON;
}

static bool init_died(slot *of, executor_part *part)
{
    char how[96], text[512];
    say_how(of->how, how, sizeof how);
    snprintf(text, sizeof text, ".init of %s%s: %s", fork_names_first(of->job), of->job->chained ? ", or of another stage" : "", how);
    return slot_give_up(of, RF_EINIT, "init", text, part);
}

static bool child_is_lost(slot *of, executor_part *part)
{
    char how[96], text[512];
    say_how(of->how, how, sizeof how);
    if (of->how < 0)
        snprintf(text, sizeof text, "no child could be made: %s", strerror(-of->how));
    else
        snprintf(text, sizeof text, "its child died %u times outside of the function, the last was %s", LOST_MOST, how);
    return slot_give_up(of, RF_ECRASH, "executor", text, part);
}

/* Whether its end was the fault of the item that it was at. One that was killed for an item, or a chunk, may have gone on to the next
   meanwhile. */
static bool is_guilty(const slot *of, const logbook *log, uint64_t told)
{
    bool inside = of->job->keyed ? atomic_load(&log->place) != LOGBOOK_NOWHERE : logbook_in_item(log);
    if (!inside)
        return false;
    bool the_same = of->told_at_mark == told && of->mark == atomic_load(&log->at);
    return of->fate == LIVES_ON || (of->fate == OUT_OF_TIME && the_same);
}

static bool tell_guilty(slot *of, uint64_t which, executor_part *part)
{
    return of->job->keyed ? slot_blame_task(of, &ring_part_at(&of->with, which)->log, part) : take_what_is_left(of, which, part);
}

/* False: it was nobody's fault that is known yet, and what is left goes on in a new child. */
static bool tell_end(slot *of, uint64_t told, executor_part *part)
{
    const logbook *log = &ring_part_at(&of->with, told)->log;
    if (of->fate == UNWANTED && slot_given(of, 0)->drop)
        return slot_drop_the_rest(of, part);
    if (of->fate == DAMAGED && slot_given(of, 0)->careful)
        return tell_guilty(of, atomic_load(&of->with.head->taken), part);
    if (of->fate == DAMAGED)
        return run_again_carefully(of, part);
    if (is_guilty(of, log, told))
        return tell_guilty(of, told, part);
    if (of->fate != LIVES_ON)
        return false;
    if (atomic_load(&log->in_init))
        return init_died(of, part);
    return ++of->lost >= LOST_MOST && child_is_lost(of, part);
}

bool slot_bury(slot *of, executor_part *part)
{
    const ring_head *head = of->with.head;
    bool running = of->count && slot_given(of, 0)->asked && (!atomic_load(&head->left) || of->fate == DAMAGED);
    const scratch *place = of->count && of->job->keyed ? shuffles_place(of->job->keyed->among) : NULL;
    bool given = running && tell_end(of, atomic_load(&head->told), part);
    slot_forget_child(of);
    if (place)
        scratch_sweep(place);
    return given;
}
