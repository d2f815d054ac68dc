#include "keyed/sketch.h"

#include <stdlib.h>

#include "base/error.h"

/* Ties of hashes by the keys, so that which one stays does not depend on the order in which they came. */
static bool greater(const sampled *a, const sampled *b)
{
    return a->hash != b->hash ? a->hash > b->hash : record_compare_bytes(&a->key, &b->key) > 0;
}

static void swap(sampled *a, sampled *b)
{
    sampled kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(sketch *all, uint32_t at)
{
    for (; at && greater(&all->keys[at], &all->keys[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&all->keys[at], &all->keys[(at - 1) / 2]);
}

static void sift_down(sketch *all)
{
    for (uint32_t at = 0;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < all->count && greater(&all->keys[child + 1], &all->keys[child]))
            child++;
        if (child >= all->count || !greater(&all->keys[child], &all->keys[at]))
            return;
        swap(&all->keys[at], &all->keys[child]);
        at = child;
    }
}

int sketch_add_slowly(sketch *all, const record *key, uint64_t hash, uint64_t weight)
{
    sampled new = {hash, weight, *key};
    if (key->key_size > SKETCH_KEY_MOST || (all->count == all->limit && !greater(&all->keys[0], &new)))
        return RF_OK;
    if (!all->keys && !(all->keys = malloc(all->limit * sizeof *all->keys)))
        return error_no_memory(all->limit * sizeof *all->keys);
    uint8_t *copy = arena_add(&all->memory, key->key_size);
    if (!copy)
        return RF_ENOMEM;
    new.key.key = new.key.value = memcpy(copy, key->key, key->key_size);
    new.key.value_size = new.key.value_type = 0;
    if (all->count < all->limit) {
        all->keys[all->count] = new;
        sift_up(all, all->count++);
    } else {
        all->keys[0] = new;
        sift_down(all);
    }
    return RF_OK;
}

void sketch_free(sketch *all)
{
    free(all->keys);
    arena_free(&all->memory);
    *all = (sketch){.limit = all->limit};
}

int sketch_put(const sketch *all, buffer *to)
{
    for (uint32_t i = 0; i < all->count; i++) {
        if (buffer_put(to, &all->keys[i].weight, 8) || record_put(&all->keys[i].key, to))
            return RF_ENOMEM;
    }
    return RF_OK;
}

static sampled *find(const sketch *all, const record *key, uint64_t hash)
{
    for (uint32_t i = 0; i < all->count; i++) {
        if (all->keys[i].hash == hash && record_same_key(&all->keys[i].key, key))
            return &all->keys[i];
    }
    return NULL;
}

int sketch_merge(sketch *all, const uint8_t *bytes, size_t size)
{
    const uint8_t *at = bytes, *end = bytes + size;
    while (at < end) {
        uint64_t weight;
        record key;
        if (end - at < 8)
            return RF_EINPUT;
        memcpy(&weight, at, 8);
        at += 8;
        if (!record_take(&at, end, &key) || !record_sound(&key) || key.value_size || key.key_size > SKETCH_KEY_MOST)
            return RF_EINPUT;
        uint64_t hash = sketch_hash(&key);
        sampled *known = all->count && hash <= all->keys[0].hash ? find(all, &key, hash) : NULL;
        if (known)
            known->weight += weight;
        else if (sketch_add(all, &key, hash, weight))
            return RF_ENOMEM;
    }
    return RF_OK;
}

static uint64_t weight_of(const sampled *key)
{
    return key->weight ? key->weight : 1;
}

struct placed { const record_order *order; const sampled *of; };

static int by_key(const void *a, const void *b)
{
    const struct placed *one = a, *other = b;
    return record_compare_keys(one->order, &one->of->key, &other->of->key);
}

/* A splitter stands before the first key at which the weight so far has reached its share. */
int sketch_splitters(const sketch *all, const record_order *order, uint32_t count, buffer *splitters, uint32_t *made)
{
    uint64_t total = 0, sum = 0;
    *made = 0;
    if (!all->count)
        return RF_OK;
    struct placed *sorted = malloc(all->count * sizeof *sorted);
    if (!sorted)
        return error_no_memory(all->count * sizeof *sorted);
    for (uint32_t i = 0; i < all->count; i++) {
        sorted[i] = (struct placed){order, &all->keys[i]};
        total += weight_of(&all->keys[i]);
    }
    qsort(sorted, all->count, sizeof *sorted, by_key);
    int status = RF_OK;
    for (uint32_t i = 0; i < all->count && *made < count && !status; i++) {
        double share = (double)total * (*made + 1) / ((double)count + 1);
        if (i && (double)sum >= share) {
            status = record_put(&sorted[i].of->key, splitters);
            *made += !status;
        }
        sum += weight_of(sorted[i].of);
    }
    free(sorted);
    return status;
}
