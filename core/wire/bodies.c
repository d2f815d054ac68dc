#include "wire/bodies.h"
#include "base/error.h"
#include <stdlib.h>

body *body_new(int peer, uint64_t id, size_t size)
{
    body *made = malloc(sizeof *made);
    if (made)
        *made = (body){.peer = peer, .id = id, .size = size};
    else
        error_no_memory(sizeof *made);
    return made;
}

/* Ids count up and peers are few: a multiplication spreads both (Fibonacci hashing). capacity is a power of two. */
static body **slot_of(const bodies *table, int peer, uint64_t id)
{
    uint64_t mixed = (id ^ (uint64_t)peer << 40) * 0x9e3779b97f4a7c15u;
    return &table->slots[(mixed >> 32) & (table->capacity - 1)];
}

static int grow(bodies *table)
{
    bodies larger = {.capacity = table->capacity ? table->capacity * 2 : 16, .count = table->count};
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return error_no_memory(larger.capacity * sizeof *larger.slots);
    for (size_t i = 0; i < table->capacity; i++)
        for (body *b = table->slots[i], *next; b; b = next) {
            next = b->next;
            body **slot = slot_of(&larger, b->peer, b->id);
            b->next = *slot;
            *slot = b;
        }
    free(table->slots);
    *table = larger;
    return RF_OK;
}

int bodies_add(bodies *table, body *added)
{
    if (bodies_find(table, added->peer, added->id))
        return error_set(RF_EUSAGE, "wire", "body %llu of rank %d is on its way already", (unsigned long long)added->id,
                         added->peer);
    if (table->count == table->capacity) {
        int status = grow(table);
        if (status)
            return status;
    }
    body **slot = slot_of(table, added->peer, added->id);
    added->next = *slot;
    *slot = added;
    table->count++;
    return RF_OK;
}

static body **place_of(const bodies *table, int peer, uint64_t id)
{
    body **place = slot_of(table, peer, id);
    while (*place && ((*place)->peer != peer || (*place)->id != id))
        place = &(*place)->next;
    return place;
}

body *bodies_find(const bodies *table, int peer, uint64_t id)
{
    return table->count ? *place_of(table, peer, id) : NULL;
}

body *bodies_take(bodies *table, int peer, uint64_t id)
{
    if (!table->count)
        return NULL;
    body **place = place_of(table, peer, id), *taken = *place;
    if (taken) {
        *place = taken->next;
        taken->next = NULL;
        table->count--;
    }
    return taken;
}

bool bodies_withdraw(bodies *table, int peer, uint64_t id)
{
    const body *one = bodies_find(table, peer, id);
    if (!one || one->reading)
        return false;
    free(bodies_take(table, peer, id));
    return true;
}

size_t bodies_forget(bodies *table, int peer)
{
    size_t before = table->count;
    for (size_t i = 0; i < table->capacity; i++)
        for (body **place = &table->slots[i], *b; (b = *place);) {
            if (b->peer != peer) {
                place = &b->next;
                continue;
            }
            *place = b->next;
            free(b);
            table->count--;
        }
    return before - table->count;
}

void bodies_free(bodies *table)
{
    for (size_t i = 0; i < table->capacity; i++)
        for (body *b = table->slots[i], *next; b; b = next) {
            next = b->next;
            free(b);
        }
    free(table->slots);
    *table = (bodies){0};
}

void body_push(body_queue *queue, body *last)
{
    last->next = NULL;
    if (queue->last)
        queue->last->next = last;
    else
        queue->first = last;
    queue->last = last;
}

body *body_pop(body_queue *queue)
{
    body *first = queue->first;
    if (first && !(queue->first = first->next))
        queue->last = NULL;
    return first;
}

bool body_event(body_queue *queue, transport_event *event)
{
    body *over = body_pop(queue);
    if (!over)
        return false;
    *event = (transport_event){.kind = over->outcome, .peer = over->peer, .id = over->id};
    free(over);
    return true;
}

void body_drop(body_queue *queue)
{
    for (body *b; (b = body_pop(queue));)
        free(b);
}
