#include "wire/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/large.h"

#define LEAST_CAPACITY 8u

void letter_free(letter *read)
{
    if (read)
        large_free(read->fetched);
    free(read);
}

/* Where the lane of peer is, or would be. */
static lane **place_of(lane **lanes, size_t capacity, int peer)
{
    size_t at = (uint32_t)peer * 0x9e3779b1u;
    for (at ^= at >> 15;; at++) {
        lane **place = &lanes[at & (capacity - 1)];
        if (!*place || (*place)->peer == peer)
            return place;
    }
}

static lane *find_lane(const inbox *in, int peer)
{
    return in->letters ? *place_of(in->lanes, in->capacity, peer) : NULL;
}

static int grow(inbox *in)
{
    size_t capacity = in->capacity ? 2 * in->capacity : LEAST_CAPACITY;
    lane **lanes = calloc(capacity, sizeof *lanes);
    if (!lanes)
        return error_no_memory(capacity * sizeof *lanes);
    for (size_t i = 0; i < in->capacity; i++)
        if (in->lanes[i])
            *place_of(lanes, capacity, in->lanes[i]->peer) = in->lanes[i];
    free(in->lanes);
    in->lanes = lanes;
    in->capacity = capacity;
    return RF_OK;
}

static lane *make_lane(inbox *in, int peer)
{
    if (in->count >= in->capacity / 4 * 3 && grow(in))
        return NULL;
    lane **place = place_of(in->lanes, in->capacity, peer);
    if (*place)
        return *place;
    *place = calloc(1, sizeof **place);
    if (!*place) {
        error_no_memory(sizeof **place);
        return NULL;
    }
    (*place)->peer = peer;
    in->count++;
    return *place;
}

static letter *copy_letter(const message *what, int status)
{
    size_t inline_size = what->body ? what->body_size : 0;
    letter *made = malloc(sizeof *made + inline_size + 1);
    if (!made) {
        error_no_memory(sizeof *made + inline_size + 1);
        return NULL;
    }
    *made = (letter){.what = *what, .status = status, .complete = status || !what->head.body_id};
    made->body[inline_size] = '\0';
    if (inline_size)
        made->what.body = memcpy(made->body, what->body, inline_size);
    return made;
}

static void make_ready(inbox *in, lane *its)
{
    its->next_ready = NULL;
    if (in->last_ready)
        in->last_ready->next_ready = its;
    else
        in->ready = its;
    in->last_ready = its;
}

letter *inbox_add(inbox *in, const message *what, int status)
{
    lane *its = make_lane(in, what->peer);
    letter *made = its ? copy_letter(what, status) : NULL;
    if (!made)
        return NULL;
    if (its->last)
        its->last->next = made;
    else
        its->first = made;
    its->last = made;
    in->letters++;
    if (its->first == made && made->complete)
        make_ready(in, its);
    return made;
}

void inbox_complete(inbox *in, letter *waiting, int status)
{
    waiting->complete = true;
    waiting->status = status;
    if (status) {
        large_free(waiting->fetched);
        waiting->fetched = NULL;
    }
    waiting->what.body = waiting->fetched;
    lane *its = find_lane(in, waiting->what.peer);
    if (its->first == waiting)
        make_ready(in, its);
}

letter *inbox_find(const inbox *in, int peer, uint64_t body_id)
{
    lane *its = find_lane(in, peer);
    letter *at = its ? its->first : NULL;
    while (at && (at->complete || at->what.head.body_id != body_id))
        at = at->next;
    return at;
}

bool inbox_has(const inbox *in, int peer)
{
    lane *its = find_lane(in, peer);
    return its && its->first;
}

letter *inbox_take(inbox *in)
{
    lane *its = in->ready;
    if (!its)
        return NULL;
    in->ready = its->next_ready;
    if (!in->ready)
        in->last_ready = NULL;
    letter *taken = its->first;
    its->first = taken->next;
    if (!its->first)
        its->last = NULL;
    else if (its->first->complete)
        make_ready(in, its);
    in->letters--;
    return taken;
}

void inbox_cut(inbox *in, int peer)
{
    lane *its = find_lane(in, peer);
    if (!its)
        return;
    letter **from = &its->first, *last = NULL;
    while (*from && (*from)->complete) {
        last = *from;
        from = &last->next;
    }
    letter *dropped = *from;
    *from = NULL;
    its->last = last;
    while (dropped) {
        letter *next = dropped->next;
        letter_free(dropped);
        dropped = next;
        in->letters--;
    }
}

bool inbox_show(const inbox *in, bool (*seen)(void *context, const message *what), void *context)
{
    for (size_t i = 0; in->letters && i < in->capacity; i++)
        for (letter *at = in->lanes[i] ? in->lanes[i]->first : NULL; at; at = at->next)
            if (at->what.head.kind && seen(context, &at->what))
                return true;
    return false;
}

void inbox_free(inbox *in)
{
    for (size_t i = 0; i < in->capacity; i++) {
        letter *at = in->lanes[i] ? in->lanes[i]->first : NULL;
        while (at) {
            letter *next = at->next;
            letter_free(at);
            at = next;
        }
        free(in->lanes[i]);
    }
    free(in->lanes);
    *in = (inbox){0};
}
