/* What a function gives: a value, or any number of them; and items for its own job. */
#include "run/call.h"

#include "base/error.h"
#include "base/random.h"
#include "keyed/emit.h"
#include "value/pack.h"

static __attribute__((cold, noinline)) int refuse(rf_call *call, const char *who)
{
    if (!call)
        return error_set(RF_EUSAGE, "usage",
                         "%s without a call: only a function that the library runs can return a value", who);
    if (call->pairs || call->sink)
        return call_fail(call, RF_EUSAGE, "usage", "%s: by key functions emit pairs (RF_EMIT); a reducer may return one value instead", who);
    if (!call->results)
        return call_fail(call, RF_EUSAGE, "usage", "%s in .init or a filter, which have no value", who);
    if (call->returned)
        return call_fail(call, RF_EUSAGE, "usage",
                         "%s after a value was returned: an item has one value, or what was emitted", who);
    return call_fail(call, RF_EUSAGE, "usage", "%s after rf_emit: an item has one value, or what was emitted", who);
}

static inline bool may_return(const rf_call *call)
{
    return call && !call->pairs && call->results && !call->returned && !call->emitted;
}

/* One value of a reducer or combiner, for the key that it was given. */
static int return_by_key(rf_call *call, rf_value value)
{
    if (call->status)
        return call->status;
    if (call->returned || call->emitted)
        return call_fail(call, RF_EUSAGE, "usage", "rf_return in a reducer that has given pairs already: return one value, or emit pairs");
    call->returned = true;
    int status = call->sink->pair(call->sink->context, call->sink->key, value);
    return status ? call_fail_last(call, status) : RF_OK;
}

int rf_return(rf_call *call, rf_value value)
{
    if (call && call->sink)
        return return_by_key(call, value);
    if (!may_return(call))
        return refuse(call, "rf_return");
    if (call->status)
        return call->status;
    int status = column_add(call->results, value);
    if (status)
        return call_fail_last(call, status);
    call->returned = true;
    return RF_OK;
}

void *rf_return_space(rf_call *call, size_t size)
{
    if (!may_return(call)) {
        refuse(call, "rf_return_space");
        return NULL;
    }
    if (call->status)
        return NULL;
    void *space = column_add_space(call->results, RF_BYTES, size);
    if (!space)
        call_fail_last(call, RF_ENOMEM);
    call->returned = space != NULL;
    return space;
}

static bool may_emit(const rf_call *call)
{
    return call && !call->pairs && call->results && !call->returned;
}

#define EMITS_A_LOOK 64      /* moving messages costs some ten emits even when there are none */

static int emitted(rf_call *call, int status)
{
    if (status)
        return call_fail_last(call, status);
    if (++call->emitted % EMITS_A_LOOK == 0)
        rf_call_progress(call);
    return RF_OK;
}

int rf_emit(rf_call *call, rf_value value)
{
    if (!may_emit(call))
        return refuse(call, "rf_emit");
    if (call->status)
        return call->status;
    return emitted(call, call->emits_to ? column_add(call->emits_to, value) : pack_value(&call->emits, value));
}

#define PAIRS_A_LOOK 4096    /* a pair costs some nanoseconds */

static int paired(rf_call *call, int status)
{
    if (status)
        return call_fail_last(call, status);
    if (++call->emitted % PAIRS_A_LOOK == 0)
        rf_call_progress(call);
    return RF_OK;
}

static __attribute__((noinline)) int pair_to_sink(rf_call *call, rf_value key, rf_value value)
{
    if (call->returned)
        return call_fail(call, RF_EUSAGE, "usage", "rf_emit_pair after rf_return: return one value, or emit pairs");
    return paired(call, call->sink->pair(call->sink->context, key, value));
}

static __attribute__((noinline)) int emit_any_pair(rf_call *call, rf_value key, rf_value value)
{
    if (call && call->pairs)
        return call->status ? call->status : paired(call, emit_pair(call->pairs, key, value));
    if (call && call->sink)
        return call->status ? call->status : pair_to_sink(call, key, value);
    if (!may_emit(call))
        return refuse(call, "rf_emit_pair");
    if (call->status)
        return call->status;
    if (call->emits_to)
        return emitted(call, column_add(call->emits_to, rf_tuple_of((const rf_value[]){key, value}, 2)));
    int status = pack_tuple_head(&call->emits, 2);
    status = status ? status : pack_value(&call->emits, key);
    status = status ? status : pack_value(&call->emits, value);
    return emitted(call, status);
}

static __attribute__((noinline)) int look(rf_call *call)
{
    rf_call_progress(call);
    return RF_OK;
}

/* Nothing is kept across a call here, so that nothing is saved on the stack: half of what a pair costs. */
int rf_emit_pair(rf_call *call, rf_value key, rf_value value)
{
    if (!call || !call->pairs || call->status || !emit_short(call->pairs, key, value))
        return emit_any_pair(call, key, value);
    return ++call->emitted % PAIRS_A_LOOK ? RF_OK : look(call);
}

/* ---- counters ---------------------------------------------------------------------------------------------------- */

int rf_call_count(rf_call *call, const char *name, int64_t by)
{
    if (!call || !call->counts) {
        const char *why = "rf_call_count: only the functions of rf_mapreduce count";
        return call ? call_fail(call, RF_EUSAGE, "usage", "%s", why) : error_set(RF_EUSAGE, "usage", "%s", why);
    }
    if (call->status)
        return call->status;
    int status = counters_add(call->counts, name, by);
    return status ? call_fail_last(call, status) : RF_OK;
}

/* ---- items for the job -------------------------------------------------------------------------------------------- */

static __attribute__((cold, noinline)) int refuse_add(rf_call *call)
{
    const char *why = "rf_call_add: only the job of rf_map_unordered or rf_imap_unordered can grow; use one of them";
    return call ? call_fail(call, RF_EUSAGE, "usage", "%s", why) : error_set(RF_EUSAGE, "usage", "%s", why);
}

uint64_t call_added_index(const call_item *parent, uint64_t ordinal)
{
    const uint64_t kind = 0x6164646564;     /* another stream than that of rf_call_random */
    return random_seed(kind, parent->path_index, parent->position, ordinal) | UINT64_C(1) << 63;
}

/* Both or nothing. */
static int add_pair(column *to, uint64_t index, rf_value item)
{
    uint64_t before = to->count;
    int status = column_add(to, rf_of_u64(index));
    status = status ? status : column_add(to, item);
    if (status)
        column_cut(to, before);
    return status;
}

int rf_call_add(rf_call *call, rf_value item)
{
    if (!call || !call->added)
        return refuse_add(call);
    if (call->status)
        return call->status;
    int status = add_pair(call->added, call_added_index(&call->item, call->adds), item);
    if (status)
        return call_fail_last(call, status);
    if (++call->adds % EMITS_A_LOOK == 0)
        rf_call_progress(call);
    return RF_OK;
}
