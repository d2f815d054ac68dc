#include "wire/offers.h"

#include <stdlib.h>

#include "base/error.h"

#define LEAST_CAPACITY 16u
#define MOST_CAPACITY (1u << 30)

static uint32_t *chain_of(const offers *all, uint64_t token)
{
    return &all->chains[token * 0x9e3779b97f4a7c15u >> 32 & (all->capacity - 1)];
}

static void link_lent(offers *all, uint32_t place)
{
    offer *one = &all->slots[place - 1];
    uint32_t *chain = chain_of(all, one->token);
    one->previous = 0;
    one->next = *chain;
    if (*chain)
        all->slots[*chain - 1].previous = place;
    *chain = place;
}

static void unlink_lent(offers *all, const offer *one)
{
    if (one->next)
        all->slots[one->next - 1].previous = one->previous;
    if (one->previous)
        all->slots[one->previous - 1].next = one->next;
    else
        *chain_of(all, one->token) = one->next;
}

/* Called where every slot is out: chains are made anew, the new slots are free. */
static int grow(offers *all)
{
    uint32_t before = all->capacity, capacity = before ? 2 * before : LEAST_CAPACITY;
    if (capacity > MOST_CAPACITY)
        return error_no_memory(capacity * sizeof(offer));
    uint32_t *chains = calloc(capacity, sizeof *chains);
    offer *slots = chains ? realloc(all->slots, capacity * sizeof *slots) : NULL;
    if (!slots) {
        free(chains);
        return error_no_memory(capacity * sizeof *slots);
    }
    free(all->chains);
    *all = (offers){.slots = slots, .chains = chains, .capacity = capacity};
    for (uint32_t place = 1; place <= before; place++)
        if (!slots[place - 1].given.data)
            link_lent(all, place);
    for (uint32_t place = capacity; place > before; place--) {
        slots[place - 1] = (offer){.id = place, .next = all->unused};
        all->unused = place;
    }
    return RF_OK;
}

int offers_add(offers *all, int to, buffer *given, uint64_t token, uint64_t *id)
{
    *id = 0;
    if (!all->unused && grow(all))
        return RF_ENOMEM;
    uint32_t place = all->unused;
    offer *one = &all->slots[place - 1];
    all->unused = one->next;
    *one = (offer){.id = one->id + (UINT64_C(1) << 32), .token = token, .to = to, .out = true};
    if (given && given->data) {
        one->given = *given;
        *given = (buffer){0};
    } else {
        link_lent(all, place);
    }
    *id = one->id;
    return RF_OK;
}

void offers_release(offers *all, int to, uint64_t id)
{
    uint32_t place = (uint32_t)id;
    if (place == 0 || place > all->capacity)
        return;
    offer *one = &all->slots[place - 1];
    if (!one->out || one->id != id || one->to != to)
        return;
    if (!one->given.data)
        unlink_lent(all, one);
    buffer_free(&one->given);
    one->out = false;
    one->next = all->unused;
    all->unused = place;
}

void offers_release_peer(offers *all, int to)
{
    for (uint32_t i = 0; i < all->capacity; i++)
        if (all->slots[i].out)
            offers_release(all, to, all->slots[i].id);
}

offer *offers_next(const offers *all, uint64_t token, const offer *after)
{
    if (!all->capacity)
        return NULL;
    uint32_t place = after ? after->next : *chain_of(all, token);
    while (place && all->slots[place - 1].token != token)
        place = all->slots[place - 1].next;
    return place ? &all->slots[place - 1] : NULL;
}

bool offers_any(const offers *all)
{
    for (uint32_t i = 0; i < all->capacity; i++)
        if (all->slots[i].out)
            return true;
    return false;
}

void offers_free(offers *all)
{
    for (uint32_t i = 0; i < all->capacity; i++)
        buffer_free(&all->slots[i].given);
    free(all->slots);
    free(all->chains);
    *all = (offers){0};
}
