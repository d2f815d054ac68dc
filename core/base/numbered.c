#include "base/numbered.h"

#include <stdlib.h>

#include "base/error.h"

#define LEAST_CAPACITY 64

static numbered **chain_of(const numbered_table *all, uint64_t number)
{
    return &all->chains[number * 0x9e3779b97f4a7c15u >> 32 & (all->capacity - 1)];
}

int numbered_open(numbered_table *all)
{
    *all = (numbered_table){.chains = calloc(LEAST_CAPACITY, sizeof *all->chains)};
    if (!all->chains)
        return error_no_memory(LEAST_CAPACITY * sizeof *all->chains);
    all->capacity = LEAST_CAPACITY;
    return RF_OK;
}

void numbered_free(numbered_table *all)
{
    free(all->chains);
    *all = (numbered_table){0};
}

static void link_in(numbered_table *all, numbered *one)
{
    numbered **chain = chain_of(all, one->number);
    one->alike = *chain;
    *chain = one;
}

/* Without memory the chains grow longer instead. */
static void grow(numbered_table *all)
{
    numbered_table larger = {.chains = calloc(2 * all->capacity, sizeof *all->chains), .capacity = 2 * all->capacity, .count = all->count};
    if (!larger.chains)
        return;
    for (size_t i = 0; i < all->capacity; i++)
        for (numbered *one = all->chains[i], *next; one; one = next) {
            next = one->alike;
            link_in(&larger, one);
        }
    free(all->chains);
    *all = larger;
}

void numbered_add(numbered_table *all, numbered *one)
{
    if (all->count == all->capacity)
        grow(all);
    link_in(all, one);
    all->count++;
}

numbered *numbered_find(const numbered_table *all, uint64_t number)
{
    numbered *one = *chain_of(all, number);
    while (one && one->number != number)
        one = one->alike;
    return one;
}

void numbered_remove(numbered_table *all, const numbered *one)
{
    numbered **at = chain_of(all, one->number);
    while (*at != one)
        at = &(*at)->alike;
    *at = one->alike;
    all->count--;
}
