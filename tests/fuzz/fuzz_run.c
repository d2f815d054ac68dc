/* Any bytes as a sealed run, as blocks that a peer has sent, as a sample, and as records. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "keyed/emit.h"
#include "keyed/group.h"
#include "keyed/run_format.h"
#include "random_value.h"

const char *const fuzz_corpus = "run";
static volatile uint64_t sum;

static void read_group(rf_group *from)
{
    rf_value key, value;
    for (unsigned i = 0; group_next_key(from, &key) == RF_OK; i++) {
        sum += rf_size(key);
        if (i % 3 == 0 && group_fold(from, (enum fold)(FOLD_SUM + i % 5), &value) == RF_OK)
            sum += value.u64;
        while (i % 3 == 1 && group_next(from, &value) == RF_OK)
            sum += rf_truth(value) + rf_size(value);
        if (i % 3 == 2 && group_collect(from, &value) == RF_OK)
            sum += rf_elements(value);
    }
}

static void read_cursor(cursor *from)
{
    while (cursor_next(from) == RF_OK) {
        rf_value key = record_key(&from->it), value = record_value(&from->it);
        sum += rf_size(key) + rf_truth(value) + record_prefix(from->it.key, from->it.key_size);
        if (rf_type_of(key) >= RF_TEXT && rf_size(key))
            sum += ((const uint8_t *)key.data)[rf_size(key) - 1];
    }
}

/* Once as it is, and once as a whole would be: with the checksums of what stands there, so that what they guard is read too. */
static void mend(uint8_t *bytes, size_t size)
{
    run_tail tail;
    run_block head;
    if (size < sizeof tail)
        return;
    memcpy(&tail, bytes + size - sizeof tail, sizeof tail);
    if (tail.index > size - sizeof tail)
        return;
    for (size_t at = 0; tail.index - at >= sizeof head && at < tail.index; at += sizeof head + head.stored) {
        memcpy(&head, bytes + at, sizeof head);
        if (head.stored > tail.index - at - sizeof head)
            break;
        head.checksum = run_block_checksum(&head, bytes + at + sizeof head);
        memcpy(bytes + at, &head, sizeof head);
    }
    tail.checksum = run_tail_checksum(&tail, bytes + tail.index, size - sizeof tail - tail.index);
    memcpy(bytes + size - sizeof tail, &tail, sizeof tail);
}

static void read_run(const uint8_t *data, size_t size)
{
    buffer bytes = {0};
    sealed_run *made;
    const record_order order = {0};
    sketch keys = {.limit = 8};
    if (buffer_put(&bytes, data, size))
        abort();
    if (run_open_bytes(&bytes, &made))
        return;
    sum += (uint64_t)sketch_merge(&keys, made->sample, made->sample_size);
    for (uint32_t p = 0; p < made->partitions && p < 10; p++) {
        merge *all;
        rf_group *group;
        if (merge_new(&order, 2, &all))
            abort();
        cursor_open(merge_source(all, 0), made, p);
        cursor_open(merge_source(all, 1), made, p);
        if (group_new(group_from_merge, all, &group))
            abort();
        read_group(group);
        group_free(group);
        merge_free(all);
    }
    for (uint32_t i = 0; i + 1 < keys.count; i++) {
        cursor range;
        if (cursor_open_range(&range, made, &order, &keys.keys[i].key, &keys.keys[i + 1].key) == RF_OK)
            read_cursor(&range);
        cursor_close(&range);
    }
    sketch_free(&keys);
    run_free(made);
}

static void read_blocks(const uint8_t *data, size_t size)
{
    cursor from;
    cursor_open_bytes(&from, "a peer's blocks", 0, data, size);
    read_cursor(&from);
    cursor_close(&from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sketch keys = {.limit = 4};
    uint8_t *copy = calloc(size + !size, 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    read_run(copy, size);
    read_blocks(copy, size);
    sum += (uint64_t)sketch_merge(&keys, copy, size);
    sketch_free(&keys);
    mend(copy, size);
    read_run(copy, size);
    read_blocks(copy, size);
    free(copy);
    return 0;
}

void fuzz_seed(uint64_t *random, buffer *input)
{
    const shape of = {.partitions = 1 + (uint32_t)random_below(random, 3), .memory = (size_t)1 << 20, .sample = 4,
                      .compress = random_below(random, 3) == 0, .fold = random_below(random, 2) ? FOLD_SUM : FOLD_NONE};
    emitter *to;
    sealed_run *made;
    arena memory = {0};
    if (emit_new(&of, NULL, &to))
        abort();
    for (uint64_t pairs = random_below(random, 30); pairs; pairs--) {
        rf_value value = of.fold ? rf_of_f64(random_f64(random)) : random_value(random, &memory, 1);
        rf_value key = random_below(random, 3) ? rf_of_i64((int64_t)random_below(random, 4)) : random_value(random, &memory, 1);
        if (rf_size(key) < 300 && rf_size(value) < 300 && emit_pair(to, key, value))
            abort();
    }
    if (emit_keep(to) || emit_seal(to, &made) || buffer_put(input, made->memory.data, made->memory.size))
        abort();
    run_free(made);
    emit_free(to);
    arena_free(&memory);
}
