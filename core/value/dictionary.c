#include "value/dictionary.h"

#include <string.h>

#include "value/pack.h"

#define SLOTS_LEAST 64

uint64_t dictionary_count(const dictionary *of)
{
    return of->entries.size / sizeof(dictionary_entry);
}

dictionary_entry *dictionary_entry_at(const dictionary *of, uint64_t i)
{
    return (dictionary_entry *)(void *)of->entries.data + i;
}

const void *dictionary_key(const dictionary *of, const dictionary_entry *entry)
{
    return of->keys.data + entry->key;
}

/* Multiply and fold, eight bytes at a time, as wyhash does. */
static uint64_t hash_of(const uint8_t *bytes, size_t size)
{
    uint64_t hash = size ^ UINT64_C(0x9e3779b97f4a7c15);
    for (uint64_t word; size; bytes += sizeof word) {
        size_t taken = size < sizeof word ? size : sizeof word;
        word = 0;
        memcpy(&word, bytes, taken);
        unsigned __int128 product = (unsigned __int128)(hash ^ word) * UINT64_C(0xa0761d6478bd642f);
        hash = (uint64_t)product ^ (uint64_t)(product >> 64);
        size -= taken;
    }
    return hash;
}

/* Open addressing: a slot is the entry's number and one, 0 where it is free. There is always a free one. */
static uint64_t *slots_of(const dictionary *of, uint64_t *count)
{
    *count = of->slots.size / sizeof(uint64_t);
    return (uint64_t *)(void *)of->slots.data;
}

static uint64_t *place_of(const dictionary *of, const uint8_t *key, size_t size, uint64_t hash)
{
    uint64_t count, *slots = slots_of(of, &count), at = hash & (count - 1);
    for (; slots[at]; at = (at + 1) & (count - 1)) {
        const dictionary_entry *entry = dictionary_entry_at(of, slots[at] - 1);
        if (entry->hash == hash && entry->key_size == size && !memcmp(of->keys.data + entry->key, key, size))
            break;
    }
    return &slots[at];
}

static int grow_slots(dictionary *of)
{
    uint64_t count, entries = dictionary_count(of);
    slots_of(of, &count);
    if (entries * 2 < count)
        return RF_OK;
    buffer larger = {0};
    uint64_t most = count ? count * 2 : SLOTS_LEAST;
    void *slots = buffer_add(&larger, most * sizeof(uint64_t));
    if (!slots)
        return RF_ENOMEM;
    memset(slots, 0, most * sizeof(uint64_t));
    buffer_free(&of->slots);
    of->slots = larger;
    for (uint64_t i = 0; i < entries; i++) {
        const dictionary_entry *entry = dictionary_entry_at(of, i);
        *place_of(of, of->keys.data + entry->key, entry->key_size, entry->hash) = i + 1;
    }
    return RF_OK;
}

/* The key is packed behind the others, and stays there if it is new. */
int dictionary_at(dictionary *of, rf_value key, dictionary_entry **entry)
{
    size_t begins = of->keys.size;
    int status = grow_slots(of);
    status = status ? status : pack_value(&of->keys, key);
    if (status)
        return status;
    size_t size = of->keys.size - begins;
    uint64_t hash = hash_of(of->keys.data + begins, size), *place = place_of(of, of->keys.data + begins, size, hash);
    if (*place) {
        of->keys.size = begins;
        *entry = dictionary_entry_at(of, *place - 1);
        return RF_OK;
    }
    *entry = buffer_add(&of->entries, sizeof **entry);
    if (!*entry) {
        of->keys.size = begins;
        return RF_ENOMEM;
    }
    **entry = (dictionary_entry){.key = begins, .key_size = size, .hash = hash};
    *place = dictionary_count(of);
    return RF_OK;
}

int dictionary_add(dictionary *of, rf_value key, rf_value value)
{
    dictionary_entry *entry;
    int status = dictionary_at(of, key, &entry);
    status = status ? status : pack_value(&entry->values, value);
    if (status == RF_OK)
        entry->count++;
    return status;
}

int dictionary_set(dictionary *of, rf_value key, rf_value value)
{
    dictionary_entry *entry;
    int status = dictionary_at(of, key, &entry);
    if (status)
        return status;
    entry->values.size = 0;
    entry->count = 1;
    return pack_value(&entry->values, value);
}

void dictionary_free(dictionary *of)
{
    for (uint64_t i = 0; i < dictionary_count(of); i++)
        buffer_free(&dictionary_entry_at(of, i)->values);
    buffer_free(&of->keys);
    buffer_free(&of->entries);
    buffer_free(&of->slots);
}
