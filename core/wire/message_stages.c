/* The body of a chained job: see message.h. */
#include "wire/message.h"

#include <string.h>

#include "value/pack.h"

_Static_assert(sizeof(struct message_stage) == 16, "states start at multiples of 16");

static int put_state(buffer *body, rf_value state)
{
    rf_type type = rf_type_of(state);
    if (value_is_container(state))
        return pack_value(body, state);
    if (type >= RF_TEXT)
        return buffer_put(body, state.data, rf_size(state));
    return type == RF_NIL ? RF_OK : buffer_put(body, &state.u64, sizeof state.u64);
}

int message_add_stage(buffer *body, uint32_t function, enum message_stage_kind kind, rf_value state)
{
    struct message_stage head = {.function = function, .kind = (uint16_t)kind, .state_type = (uint16_t)rf_type_of(state)};
    size_t before = body->size, begins = before + sizeof head;
    int status = buffer_put(body, &head, sizeof head);
    status = status ? status : put_state(body, state);
    size_t size = body->size - begins;
    status = status ? status : buffer_put(body, "", 1);
    status = status ? status : buffer_align(body, 16);
    if (status)
        body->size = before;
    else
        ((struct message_stage *)(void *)(body->data + before))->state_size = size;
    return status;
}

static bool size_fits(const struct message_stage *stage)
{
    if (stage->state_type == RF_NIL)
        return stage->state_size == 0;
    return stage->state_type >= RF_TEXT || stage->state_size == sizeof(uint64_t);
}

int message_next_stage(const void **at, size_t *left, struct message_stage *stage, rf_value *state)
{
    const uint8_t *from = *at;
    if (!*left)
        return RF_END;
    if (*left < sizeof *stage)
        return RF_EUSAGE;
    memcpy(stage, from, sizeof *stage);
    size_t room = *left - sizeof *stage;
    if (!stage->kind || stage->kind >= STAGE_KINDS || stage->state_type > RF_DICT_TYPE || stage->state_size >= room || !size_fits(stage))
        return RF_EUSAGE;
    size_t size = (size_t)stage->state_size, taken = (size + 16) & ~(size_t)15;
    from += sizeof *stage;
    if (taken > room || from[size])
        return RF_EUSAGE;
    *state = rf_view((rf_type)stage->state_type, from, size);
    if (stage->state_type < RF_TEXT)
        *state = rf_view((rf_type)stage->state_type, NULL, 0);
    if (stage->state_type < RF_TEXT && size)
        memcpy(&state->u64, from, sizeof state->u64);
    *at = from + taken;
    *left = room - taken;
    return RF_OK;
}
