/* What a function asks of its call: its arguments, its item, its state, memory, random numbers. */
#include "run/call.h"

#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "run/share_table.h"
#include "value/arguments.h"
#include "value/pack.h"

/* ---- arguments ------------------------------------------------------------------------------------------------- */

static __attribute__((cold, noinline)) int fail_arguments(rf_call *call, int status, const char *why)
{
    const char *kind = status == RF_ENOMEM ? "memory" : "arguments";
    return call ? call_fail(call, status, kind, "%s", why) : error_set(status, kind, "%s", why);
}

/* After a failure that sticks: nil fits an rf_value as nil and nothing else, so that all slots are zero. */
static __attribute__((cold, noinline)) int zero_slots(const rf_call *call, const rf_slot *slots, size_t count)
{
    char why[8];
    (void)arguments_read(rf_nil(), slots, count, NULL, why, sizeof why);
    return call->status;
}

int rf_read_slots(rf_call *call, rf_value item, const rf_slot *slots, size_t count)
{
    char why[768];
    if (call && call->status)
        return zero_slots(call, slots, count);
    int status = arguments_read(item, slots, count, call ? &call->memory : NULL, why, sizeof why);
    return status ? fail_arguments(call, status, why) : RF_OK;
}

static int fail_bytes(rf_call *call, rf_value item, size_t size, const char *type)
{
    char why[512];
    rf_type came = rf_type_of(item);
    if (came == RF_BYTES)
        snprintf(why, sizeof why, "%zu bytes came, the function reads a %s of %zu bytes", rf_size(item), type, size);
    else
        snprintf(why, sizeof why, "%s came, the function reads the %zu bytes of a %s", value_type_name(came), size,
                 type);
    return fail_arguments(call, RF_EARGS, why);
}

/* Parts of containers lie anywhere: they are copied to where a type may begin. */
const void *rf_as_bytes(rf_call *call, rf_value item, size_t size, const char *type)
{
    if (rf_type_of(item) != RF_BYTES || rf_size(item) != size) {
        fail_bytes(call, item, size, type);
        return NULL;
    }
    if ((uintptr_t)item.data % 16 == 0 || !call)
        return item.data;
    void *copy = rf_call_alloc(call, size);
    return copy && size ? memcpy(copy, item.data, size) : copy;
}

/* ---- the item -------------------------------------------------------------------------------------------------- */

uint64_t rf_call_index(const rf_call *call)
{
    return call->item.position;
}

unsigned rf_call_attempt(const rf_call *call)
{
    return call->item.attempt;
}

int rf_call_rank(const rf_call *call)
{
    return call->rank;
}

const char *rf_call_path(const rf_call *call)
{
    return call->item.path;
}

uint64_t rf_call_offset(const rf_call *call)
{
    return call->item.path ? call->item.position : 0;
}

double rf_call_random(rf_call *call)
{
    if (!call->random_begun)
        call->random_state = random_seed(call->seed ^ call->turn << 32, call->job, call->item.path_index, call->item.position);
    call->random_begun = true;
    return random_unit(&call->random_state);
}

/* ---- the run --------------------------------------------------------------------------------------------------- */

bool rf_call_cancelled(rf_call *call)
{
    return call->cancelled && call->cancelled(call->context);
}

void rf_call_progress(rf_call *call)
{
    if (call->progress)
        call->progress(call->context);
}

static const void *copy_of_state(rf_call *call, size_t size)
{
    void *copy = rf_call_alloc(call, size);
    return copy && size ? memcpy(copy, call->state.data, size) : copy;
}

const void *rf_call_state(rf_call *call, size_t size)
{
    rf_type type = rf_type_of(call->state);
    if (type == RF_BYTES && rf_size(call->state) == size)
        return size < CALL_STATE_COPIED ? copy_of_state(call, size) : call->state.data;
    if (type == RF_NIL)
        call_fail(call, RF_EARGS, "arguments",
                  "the function reads a state of %zu bytes, the job has none: say .state = "
                  "RF_STATE(object) in its options",
                  size);
    else if (type == RF_BYTES)
        call_fail(call, RF_EARGS, "arguments", "the function reads a state of %zu bytes, the job's has %zu", size,
                  rf_size(call->state));
    else
        call_fail(call, RF_EARGS, "arguments", "the function reads a state of %zu bytes, the job's is %s: say .state = "
                  "RF_STATE(object) in its options", size, value_type_name(type));
    return NULL;
}

static void name_shares(const share_table *table, char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < table->count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s\"%.80s\"", i ? ", " : "", table->all[i]->name);
}

rf_value rf_call_shared(rf_call *call, const char *name)
{
    char there[512];
    const shared *found = share_find(call->shares, name);
    if (found)
        return rf_bytes(found->data, found->size);
    if (!call->shares) {
        call_fail(call, RF_EARGS, "arguments", "no shared data \"%s\", nor any other: rf_share gives it on rank 0, before the job", name);
        return rf_nil();
    }
    name_shares(call->shares, there, sizeof there);
    call_fail(call, RF_EARGS, "arguments", "no shared data \"%s\": rf_share has given %s before the job", name, there);
    return rf_nil();
}

void *rf_call_worker(rf_call *call)
{
    return call->worker_state;
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

void *rf_call_alloc(rf_call *call, size_t size)
{
    void *piece = arena_add(&call->memory, size);
    if (!piece)
        call_fail_last(call, RF_ENOMEM);
    return piece;
}

static rf_value keep_bytes(rf_call *call, const void *data, size_t size, uint64_t tag)
{
    uint8_t *copy = rf_call_alloc(call, size + 1);
    if (!copy)
        return rf_nil();
    if (size)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return (rf_value){.data = copy, .tag = tag};
}

/* Encoded behind what was emitted, copied from there. */
static rf_value keep_borrowed(rf_call *call, rf_value value)
{
    size_t before = call->emits.size;
    int status = pack_value(&call->emits, value);
    if (status) {
        call_fail_last(call, status);
        return rf_nil();
    }
    size_t size = call->emits.size - before;
    call->emits.size = before;
    return keep_bytes(call, call->emits.data + before, size, (uint64_t)size << 8 | (uint64_t)rf_type_of(value));
}

rf_value rf_call_keep(rf_call *call, rf_value value)
{
    if (rf_type_of(value) < RF_TEXT)
        return value;
    if (value_is_container(value) && (value.tag & VALUE_FLAGS) == VALUE_BORROWED)
        return keep_borrowed(call, value);
    return keep_bytes(call, value.data, rf_size(value), value.tag);
}
