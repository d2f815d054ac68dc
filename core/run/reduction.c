#include "run/reduction.h"

#include "base/error.h"

/* ---- parts ---- */

static reduction_part *top(reduction *of)
{
    return &of->parts[of->count - 1];
}

static void drop_top(reduction *of)
{
    column_rewind(&top(of)->own);
    of->count--;
}

static int set_copy(reduction_part *part, rf_value value)
{
    column_rewind(&part->own);
    if (rf_type_of(value) < RF_TEXT) {
        part->value = value;
        return RF_OK;
    }
    int status = column_add(&part->own, value);
    if (status == RF_OK)
        part->value = column_peek(&part->own, 0);
    return status;
}

/* What the last call has returned: its bytes change hands and are not copied. */
static void set_made(reduction *of, reduction_part *part)
{
    part->value = column_peek(&of->made, 0);
    if (rf_type_of(part->value) < RF_TEXT)
        return;
    column held = part->own;
    part->own = of->made;
    of->made = held;
}

static int call_function(reduction *of, const reduction_function *function, rf_value accumulator, rf_value item, const call_item *which)
{
    column_rewind(&of->made);
    of->call->results = &of->made;
    of->call->function = function->name;
    of->call->state = function->state;
    of->call->worker_state = function->worker;
    return call_fold(of->call, function->run, accumulator, item, which);
}

void reduction_begin(reduction *of, uint64_t first)
{
    while (of->count)
        drop_top(of);
    of->first = first;
    of->open = false;
}

void reduction_free(reduction *of)
{
    for (uint32_t i = 0; i < REDUCTION_DEPTH; i++)
        column_free(&of->parts[i].own);
    column_free(&of->made);
}

/* ---- merging ---- */

typedef struct aligned_block { uint64_t first, last; } aligned_block;

/* The smallest aligned block that holds both. a and b differ. */
static aligned_block meeting(uint64_t a, uint64_t b)
{
    unsigned level = 63 - (unsigned)__builtin_clzll(a ^ b);
    uint64_t within = ~UINT64_C(0) >> (63 - level);
    return (aligned_block){a & ~within, a | within};
}

static bool two_may_be_merged(const reduction *of, aligned_block *its)
{
    if (of->count < 2)
        return false;
    *its = meeting(of->parts[of->count - 2].unit, of->parts[of->count - 1].unit);
    return its->first >= of->first;
}

/* What a merge draws at random depends on its place in the tree. Where it fails, no block around it is merged here any more. */
static int merge_two(reduction *of)
{
    reduction_part *left = &of->parts[of->count - 2], *right = top(of);
    call_item which = {.position = left->unit, .path_index = UINT64_MAX, .attempt = 1};
    of->call->turn = UINT32_MAX - (uint64_t)__builtin_clzll(left->unit ^ right->unit);
    int status = call_function(of, &of->merge, left->value, right->value, &which);
    if (status) {
        of->first = left->unit + 1;
        return status;
    }
    drop_top(of);
    set_made(of, left);
    return RF_OK;
}

/* Merges what meets below the block in which the one on top meets next. */
static int settle_before(reduction *of, uint64_t next)
{
    aligned_block its;
    int status = RF_OK;
    of->open = false;
    while (status == RF_OK && two_may_be_merged(of, &its) && its.last < next)
        status = merge_two(of);
    return status;
}

/* ---- what comes ---- */

static reduction_part *push(reduction *of, uint64_t unit)
{
    reduction_part *fresh = &of->parts[of->count++];
    fresh->unit = unit;
    fresh->value = rf_nil();
    return fresh;
}

static int begin_leaf(reduction *of, uint64_t unit, rf_value value, const call_item *which)
{
    (void)settle_before(of, unit);
    reduction_part *leaf = push(of, unit);
    of->open = true;
    int status = RF_OK;
    if (!of->has_identity)
        status = set_copy(leaf, value);
    else if ((status = call_function(of, &of->step, of->identity, value, which)) == RF_OK)
        set_made(of, leaf);
    if (!of->has_identity && status) {
        of->call->status = RF_OK;
        call_fail_last(of->call, status);
    }
    if (status)
        reduction_drop_leaf(of, unit);
    return status;
}

int reduction_step(reduction *of, uint64_t unit, rf_value value, const call_item *which)
{
    of->call->turn++;
    if (!of->open || top(of)->unit != unit)
        return begin_leaf(of, unit, value, which);
    int status = call_function(of, &of->step, top(of)->value, value, which);
    if (status == RF_OK)
        set_made(of, top(of));
    return status;
}

void reduction_drop_leaf(reduction *of, uint64_t from)
{
    if (!of->open || top(of)->unit < from)
        return;
    drop_top(of);
    of->open = false;
}

int reduction_join(reduction *of, uint64_t unit, rf_value partial)
{
    int status = settle_before(of, unit);
    return status ? status : set_copy(push(of, unit), partial);
}

/* ---- what is left ---- */

static int hand_on_one(const reduction_part *part, column *values, buffer *positions)
{
    int status = buffer_put(positions, &part->unit, sizeof part->unit);
    return status ? status : column_add(values, part->value);
}

int reduction_hand_on(reduction *of, uint64_t end, column *values, buffer *positions)
{
    aligned_block its;
    while (two_may_be_merged(of, &its) && its.last < end)
        (void)merge_two(of);
    int status = RF_OK;
    for (uint32_t i = 0; i < of->count && status == RF_OK; i++)
        status = hand_on_one(&of->parts[i], values, positions);
    reduction_begin(of, end);
    return status;
}

int reduction_finish(reduction *of)
{
    int status = RF_OK;
    of->open = false;
    while (of->count > 1 && status == RF_OK)
        status = merge_two(of);
    return status;
}

int reduction_begin_with(reduction *of, rf_value initial)
{
    if (!of->count)
        return set_copy(push(of, 0), initial);
    call_item which = {.path_index = UINT64_MAX, .attempt = 1};
    int status = call_function(of, &of->merge, initial, of->parts[0].value, &which);
    if (status == RF_OK)
        set_made(of, &of->parts[0]);
    return status;
}
