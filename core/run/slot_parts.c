/* What a slot gives: parts as its child has told them, and those that no child has told. */
#include <math.h>

#include "base/error.h"
#include "run/slot_state.h"
#include "wire/message.h"

static void chunk_over(slot *of)
{
    struct given *over = slot_given(of, 0);
    if (over->asked)
        ring_request_trim(&of->with, over->request);
    slot_drop_result(over);
    buffer_free(&over->passed);
    of->first = (of->first + 1) % RING_REQUESTS;
    of->count--;
    of->kill_at = INFINITY;
    of->lost = 0;
}

bool slot_has_positions(const slot *of)
{
    return !of->job->keyed && (of->job->chained || of->job->by_workers || of->chunks[of->first].chunk.piece.kind == INPUT_ADDED);
}

static column column_over(buffer payload, buffer words, buffer tags, uint64_t count, uint64_t tag, bool mixed)
{
    words.size = count * sizeof(uint64_t);
    tags.size = mixed ? words.size : 0;
    return (column){.payload = payload, .words = words, .tags = tags, .count = count, .tag = tag, .mixed = mixed};
}

void slot_lay_out(slot *of, uint64_t told, const logbook_entry *done)
{
    executor_desk desk;
    ring_part_windows(&of->with, told, &desk);
    desk.payload.size = done->payload_bytes;
    desk.added_payload.size = done->added_bytes;
    of->values = column_over(desk.payload, desk.words, desk.tags, done->values, done->tag, done->mixed);
    of->added = column_over(desk.added_payload, desk.added_words, desk.added_tags, done->added, done->added_tag, done->added_mixed);
    of->positions = desk.positions;
    of->positions.size = done->positions * sizeof(uint64_t);
    of->failures = desk.failures;
    of->failures.size = done->failure_bytes;
}

double slot_duration(double seconds)
{
    return seconds >= 0 && seconds < INFINITY ? seconds : 0;
}

static bool fits(const buffer *bytes)
{
    return bytes->size <= bytes->capacity;
}

static bool column_fits(const column *values)
{
    return values->count < UINT32_MAX && fits(&values->payload) && fits(&values->words) && fits(&values->tags) && column_sound(values);
}

bool slot_is_sound(const slot *of, uint64_t units)
{
    const struct given *one = &of->chunks[of->first];
    uint64_t values = of->values.count, positions = slot_has_positions(of) ? values : 0;
    bool adds = of->job->keyed ? of->added.count <= 1 : of->added.count % 2 == 0;
    return units <= one->count - one->units && (slot_has_positions(of) || units == values) && column_fits(&of->values) &&
           column_fits(&of->added) && adds && of->positions.size == positions * sizeof(uint64_t) &&
           fits(&of->positions) && fits(&of->failures);
}

void slot_hand_out(slot *of, executor_part *part)
{
    struct given *one = slot_given(of, 0);
    part->task = one->chunk.task;
    part->values = &of->values;
    part->positions = &of->positions;
    part->added = &of->added;
    part->failures = &of->failures;
    one->items += part->ran;
    one->units += part->units;
    if (part->ran)
        of->lost = 0;
    if (part->last)
        chunk_over(of);
}

/* A part that no child has told, of what there is in own_failures. */
static void hand_out_nothing(slot *of, bool failed, executor_part *part)
{
    const struct given *one = slot_given(of, 0);
    *part = (executor_part){.unit = one->first + one->units, .path_index = UINT64_MAX, .failure_count = failed, .init_failed = failed,
                            .last = true};
    of->values = of->added = (column){.count = 0};
    of->positions = (buffer){.size = 0};
    of->failures = buffer_over(of->own_failures.data, of->own_failures.capacity);
    of->failures.size = of->own_failures.size;
    slot_hand_out(of, part);
}

/* There is room for the failure. */
bool slot_give_up(slot *of, int status, const char *kind, const char *text, executor_part *part)
{
    const struct given *one = slot_given(of, 0);
    uint64_t unit = one->first + one->units;
    struct message_failure entry = {.unit = unit, .position = unit, .status = status};
    of->own_failures.size = 0;
    message_add_failure(&of->own_failures, &entry, kind, text);
    hand_out_nothing(of, true, part);
    return true;
}

bool slot_give_up_last_error(slot *of, executor_part *part)
{
    rf_error why = *rf_last_error();
    return slot_give_up(of, why.status, why.kind, why.message, part);
}

bool slot_drop_the_rest(slot *of, executor_part *part)
{
    of->own_failures.size = 0;
    hand_out_nothing(of, false, part);
    return true;
}

void slot_release_part(slot *of)
{
    if (!of->gave)
        return;
    uint64_t taken = atomic_load_explicit(&of->with.head->taken, memory_order_relaxed);
    ring_part_trim(&of->with, taken, &of->gave_bytes);
    of->gave = false;
    atomic_store(&of->with.head->taken, taken + 1);
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(&of->with.head->told) - taken >= RING_PARTS)        /* it may be waiting for the place */
        ring_wake(&of->with);
}

bool slot_is_told(const slot *of)
{
    const ring_head *head = of->with.head;
    return atomic_load_explicit(&head->told, memory_order_acquire) != atomic_load_explicit(&head->taken, memory_order_relaxed);
}

bool slot_take_part(slot *of, executor_part *part)
{
    uint64_t taken = atomic_load_explicit(&of->with.head->taken, memory_order_relaxed);
    const ring_told told = ring_part_at(&of->with, taken)->told;
    if (of->count)
        slot_lay_out(of, taken, &told.done);
    int status = of->count && slot_is_sound(of, told.units) ? RF_OK : RF_EUSAGE;
    if (!status && of->job->keyed && told.units && !told.done.failures)
        status = slot_adopt(of);
    if (status == RF_EUSAGE || status == RF_EINPUT) {
        slot_kill(of, DAMAGED);
        return false;
    }
    const struct given *one = slot_given(of, 0);
    of->longest = told.longest;
    of->longest.path[sizeof of->longest.path - 1] = of->longest.item[sizeof of->longest.item - 1] = '\0';
    of->gave = true;
    of->gave_bytes = told.done;
    if (status)
        return slot_fail_task_last_error(of, part);
    *part = (executor_part){.unit = one->first + one->units, .units = told.units, .path_index = told.done.path_index,
                            .failure_count = told.done.failures, .ran = told.ran,
                            .positioned = told.done.positioned, .seconds = slot_duration(told.seconds),
                            .init_seconds = slot_duration(told.init_seconds), .bytes_read = told.bytes_read,
                            .longest = told.longest.seconds > 0 && isfinite(told.longest.seconds) ? &of->longest : NULL,
                            .last = told.last, .init_failed = told.init_failed, .partly = told.partly};
    slot_hand_out(of, part);
    return true;
}
