#include "keyed/group.h"

#include <stdlib.h>

#include "base/error.h"
#include "value/pack.h"

struct rf_group {
    group_source *next;
    void *context;
    const record *it;               /* the source's last record; NULL: the next one is to be asked for */
    unsigned input;                 /* of it */
    unsigned value_input;           /* of the value that was given last */
    record key;                     /* of the group, in key_bytes */
    buffer key_bytes, value_bytes, all;
    arena memory;
    fold_state state;
    uint64_t folded;                /* partials in the state */
    enum fold fold;                 /* group_next gives one value */
    bool given;                     /* it has */
    bool open;                      /* a group is being read */
    bool ended;                     /* it has no more values */
    int status;                     /* what sticks: RF_OK, RF_END of the source, an error */
};

int group_from_merge(void *context, const record **it, unsigned *input)
{
    return merge_next(context, it, input);
}

int group_new(group_source *next, void *context, rf_group **made)
{
    *made = calloc(1, sizeof **made);
    if (!*made)
        return error_no_memory(sizeof **made);
    (*made)->next = next;
    (*made)->context = context;
    return RF_OK;
}

void group_free(rf_group *old)
{
    if (!old)
        return;
    buffer_free(&old->key_bytes);
    buffer_free(&old->value_bytes);
    buffer_free(&old->all);
    arena_free(&old->memory);
    free(old);
}

/* Makes it the next record that was not given yet. */
static int look(rf_group *all)
{
    if (all->it)
        return RF_OK;
    if (all->status)
        return all->status;
    all->status = all->next(all->context, &all->it, &all->input);
    if (all->status)
        all->it = NULL;
    return all->status;
}

/* Is there one more record of the open group? */
static int look_in_group(rf_group *all)
{
    if (all->ended || !all->open)
        return RF_END;
    int status = look(all);
    if (status == RF_END || (!status && !record_same_key(all->it, &all->key))) {
        all->ended = true;
        return RF_END;
    }
    return status;
}

static inline int keep(buffer *to, const uint8_t *bytes, size_t size)
{
    to->size = 0;
    if (!buffer_has(to, size + 1) && buffer_reserve(to, size + 1))
        return RF_ENOMEM;
    memcpy(to->data, bytes, size);
    to->data[size] = '\0';
    to->size = size + 1;
    return RF_OK;
}

int group_next_key(rf_group *all, rf_value *key)
{
    int status;
    *key = rf_nil();
    while ((status = look_in_group(all)) == RF_OK)
        all->it = NULL;
    if (status != RF_END)
        return status;
    all->open = false;
    status = look(all);
    if (status)
        return status;
    if (keep(&all->key_bytes, all->it->key, all->it->key_size))
        return all->status = RF_ENOMEM;
    all->key = *all->it;
    all->key.key = all->key_bytes.data;
    *key = record_key(&all->key);
    all->open = true;
    all->ended = all->given = false;
    all->folded = 0;
    return RF_OK;
}

/* Makes a view of what will move one that holds until the next value. */
static int keep_value(rf_group *all, rf_value *value)
{
    if (rf_type_of(*value) < RF_TEXT)
        return RF_OK;
    if (keep(&all->value_bytes, value->data, rf_size(*value)))
        return all->status = RF_ENOMEM;
    value->data = all->value_bytes.data;
    return RF_OK;
}

/* What is asked for again after an error gives it again. */
static int next_folded(rf_group *all, rf_value *value)
{
    if (!all->open || all->given)
        return RF_END;
    int status = group_fold(all, all->fold, value);
    status = status ? status : keep_value(all, value);
    all->given = !status;
    all->value_input = 0;
    return status;
}

int group_next(rf_group *all, rf_value *value)
{
    *value = rf_nil();
    if (all->fold)
        return next_folded(all, value);
    int status = look_in_group(all);
    if (status)
        return status;
    *value = record_value(all->it);
    all->value_input = all->input;
    all->it = NULL;
    return keep_value(all, value);
}

void group_set_fold(rf_group *all, enum fold fold)
{
    all->fold = fold;
}

unsigned group_input(const rf_group *all)
{
    return all->value_input;
}

const record *group_key(const rf_group *all)
{
    return &all->key;
}

/* RF_OK: all partials of the group are in the state. */
static int fold_all(rf_group *all, enum fold fold)
{
    int status;
    if (!all->folded && all->memory.blocks)
        arena_reset(&all->memory);
    while ((status = look_in_group(all)) == RF_OK) {
        status = all->folded ? fold_merge(fold, &all->state, all->it, &all->memory)
                             : fold_begin(fold, &all->state, all->it, &all->memory);
        if (status)
            return all->status = status;
        all->folded++;
        all->it = NULL;
    }
    return status == RF_END ? RF_OK : status;
}

int group_fold(rf_group *all, enum fold fold, rf_value *value)
{
    *value = rf_nil();
    int status = fold_all(all, fold);
    return status ? status : fold_result(&all->state, &all->key, value);
}

int group_fold_partial(rf_group *all, enum fold fold, record *made, uint8_t space[EXACT_PACKED_MOST])
{
    int status = fold_all(all, fold);
    *made = all->key;
    if (!status)
        fold_partial(&all->state, made, space);
    return status;
}

/* The head of a tuple can only be made when its elements are counted: it is written into the room kept for the longest. */
#define TUPLE_HEAD_MOST ((size_t)16)

int group_collect(rf_group *all, rf_value *value)
{
    rf_value next;
    buffer head = {0};
    int status;
    *value = rf_nil();
    uint64_t count = 0;
    all->all.size = 0;
    if (!buffer_add(&all->all, TUPLE_HEAD_MOST))
        return all->status = RF_ENOMEM;
    for (; (status = group_next(all, &next)) == RF_OK; count++) {
        status = pack_value(&all->all, next);
        if (status)
            return all->status = status;
    }
    if (status != RF_END)
        return status;
    status = pack_tuple_head(&head, count);
    if (!status) {
        size_t start = TUPLE_HEAD_MOST - head.size;
        memcpy(all->all.data + start, head.data, head.size);
        *value = rf_view(RF_TUPLE_TYPE, all->all.data + start, all->all.size - start);
    }
    buffer_free(&head);
    return status;
}
