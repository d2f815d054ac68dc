#include "keyed/fold.h"

#include "base/error.h"
#include "value/arguments.h"
#include "value/number.h"

/* A text, bytes or a container that a state holds. */
struct kept { uint32_t size, room; uint8_t bytes[]; };

int fold_lift(enum fold fold, rf_value *value)
{
    if (fold == FOLD_COUNT)
        *value = rf_of_i64(1);
    else if (fold == FOLD_SUM && !number_is(*value))
        return error_set(RF_EARGS, "arguments", "%s was emitted, only numbers can be summed", value_type_name(rf_type_of(*value)));
    else if (fold == FOLD_SUM && value->tag == RF_U64 && value->u64 <= INT64_MAX)
        value->tag = RF_I64;        /* what a sum of integers gives: its type is not to tell how many there were */
    return RF_OK;
}

static void keep_number(fold_state *state, rf_value number)
{
    state->bits = rf_type_of(number) == RF_BOOL ? number.truth : number.u64;
    state->type = (uint8_t)rf_type_of(number);
}

static int keep_bytes(fold_state *state, const record *partial, arena *memory)
{
    struct kept *copy = arena_add(memory, sizeof *copy + partial->value_size);
    if (!copy)
        return RF_ENOMEM;
    copy->size = copy->room = partial->value_size;
    memcpy(copy->bytes, partial->value, partial->value_size);
    state->bits = (uintptr_t)copy;
    state->type = partial->value_type;
    return RF_OK;
}

static struct kept *kept_of(const fold_state *state)
{
    return (struct kept *)(uintptr_t)state->bits;
}

static exact *exact_of(const fold_state *state)
{
    return (exact *)(uintptr_t)state->bits;
}

static rf_value value_of(const fold_state *state)
{
    rf_value number = {.u64 = state->bits, .tag = state->type};
    return state->type < RF_TEXT ? number : rf_view((rf_type)state->type, kept_of(state)->bytes, kept_of(state)->size);
}

static int no_partial(const record *partial)
{
    return error_set(RF_EINPUT, "input", "%s stands where a partial sum should: the bytes are not what was sealed",
                     value_type_name((rf_type)partial->value_type));
}

static int add(exact **sum, const record *partial, arena *memory)
{
    rf_value number = record_value(partial);
    if (number_is(number))
        return exact_add(sum, memory, number);
    int status = partial->value_type == RF_BYTES ? exact_add_packed(sum, memory, partial->value, partial->value_size) : RF_EINPUT;
    return status == RF_EINPUT ? no_partial(partial) : status;
}

static int begin_sum(fold_state *state, const record *partial, arena *memory)
{
    exact *sum = exact_new(memory);
    int status = sum ? add(&sum, partial, memory) : RF_ENOMEM;
    if (!status)
        *state = (fold_state){(uintptr_t)sum, FOLD_EXACT};
    return status;
}

int fold_begin(enum fold fold, fold_state *state, const record *partial, arena *memory)
{
    bool sums = fold == FOLD_SUM || fold == FOLD_COUNT;
    rf_value value = record_value(partial);
    if (sums && !number_is(value))
        return begin_sum(state, partial, memory);
    if (partial->value_type >= RF_TEXT)
        return keep_bytes(state, partial, memory);
    keep_number(state, value);
    return RF_OK;
}

static int merge_sum(fold_state *state, const record *partial, arena *memory)
{
    exact *sum = state->type == FOLD_EXACT ? exact_of(state) : exact_new(memory);
    int status = sum ? RF_OK : RF_ENOMEM;
    if (!status && state->type != FOLD_EXACT)
        status = exact_add(&sum, memory, value_of(state));
    status = status ? status : add(&sum, partial, memory);
    if (!status)
        *state = (fold_state){(uintptr_t)sum, FOLD_EXACT};
    return status;
}

/* Bytes that take the place of others are written over them where they fit. */
static int replace(fold_state *state, const record *partial, arena *memory)
{
    bool fits = state->type >= RF_TEXT && partial->value_type >= RF_TEXT && kept_of(state)->room >= partial->value_size;
    if (partial->value_type < RF_TEXT) {
        keep_number(state, record_value(partial));
        return RF_OK;
    }
    if (!fits)
        return keep_bytes(state, partial, memory);
    kept_of(state)->size = partial->value_size;
    memcpy(kept_of(state)->bytes, partial->value, partial->value_size);
    state->type = partial->value_type;
    return RF_OK;
}

int fold_merge_slowly(enum fold fold, fold_state *state, const record *partial, arena *memory)
{
    if (fold == FOLD_SUM || fold == FOLD_COUNT)
        return merge_sum(state, partial, memory);
    int order = record_value_order(record_value(partial), value_of(state));
    bool wins = fold == FOLD_MIN ? order < 0 : fold == FOLD_MAX && order > 0;
    return wins ? replace(state, partial, memory) : RF_OK;
}

void fold_partial(const fold_state *state, record *to, uint8_t space[EXACT_PACKED_MOST])
{
    uint64_t bits = state->type == RF_I64 ? record_zigzag((int64_t)state->bits) : state->bits;
    to->value = space;
    to->value_type = state->type;
    switch (state->type) {
    case FOLD_EXACT:
        to->value_type = RF_BYTES;
        to->value_size = (uint32_t)exact_pack(exact_of(state), space);
        return;
    case RF_NIL:
    case RF_BOOL:
    case RF_I64:
    case RF_U64:
    case RF_F64:
        memcpy(space, &bits, 8);
        to->value_size = state->type == RF_NIL    ? 0
                         : state->type == RF_BOOL ? 1
                         : state->type == RF_F64  ? 8
                                                  : record_trimmed(bits);
        return;
    default:
        to->value = kept_of(state)->bytes;
        to->value_size = (uint32_t)kept_of(state)->size;
    }
}

int fold_result(const fold_state *state, const record *key, rf_value *to)
{
    char name[200];
    *to = rf_nil();
    if (state->type != FOLD_EXACT) {
        *to = value_of(state);
        return RF_OK;
    }
    if (exact_result(exact_of(state), to) == RF_OK)
        return RF_OK;
    record_tell(record_key(key), name, sizeof name);
    return error_set(RF_ERANGE, "range", "the sum of key %s is beyond 64 bits: emit doubles, or parts of it", name);
}
