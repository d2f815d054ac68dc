/* keyed/sort: against a stable sort by record_compare, for few and many entries and keys of every shape. */
#include "base/random.h"
#include "keyed/sort.h"
#include "suite.h"

enum { KEY_MOST = 24, RECORD_MOST = 3 + KEY_MOST, KINDS = 6 };

typedef struct sample {
    entry *entries, *space;
    uint8_t *bytes;
    size_t count;
} sample;

/* Letters; any bytes; a few keys; one prefix and a few ends; prefixes that differ in their last byte alone; integers in order, nearly. */
static size_t draw_key(uint64_t *random, int kind, size_t i, uint8_t *key)
{
    size_t size = random_below(random, KEY_MOST + 1);
    memset(key, 'p', KEY_MOST);
    if (kind == 5) {
        uint64_t number = __builtin_bswap64(i + random_below(random, 3));
        memcpy(key, &number, 8);
        return 8;
    }
    if (kind == 2)
        return random_below(random, 5);
    if (kind >= 3) {
        key[kind == 3 ? 10 : 7] = (uint8_t)random_below(random, kind == 3 ? 3 : 256);
        return kind == 3 ? 8 + random_below(random, 4) : 8;
    }
    for (size_t at = 0; at < size; at++)
        key[at] = kind ? (uint8_t)random_next(random) : (uint8_t)('a' + random_below(random, 26));
    return size;
}

static sample make_sample(uint64_t *random, int kind, size_t count)
{
    sample made = {malloc((count + 1) * sizeof *made.entries), malloc((count + 1) * sizeof *made.space), malloc(count * RECORD_MOST + RECORD_SLACK), count};
    ck_assert(made.entries && made.space && made.bytes);
    for (size_t i = 0; i < count; i++) {
        uint8_t key[KEY_MOST], *at = made.bytes + i * RECORD_MOST;
        record it = {.key = key, .key_size = (uint32_t)draw_key(random, kind, i, key), .key_type = RF_TEXT, .value = key};
        record_write(&it, at);
        made.entries[i] = (entry){record_prefix(key, it.key_size), at};
    }
    return made;
}

static void free_sample(sample *old)
{
    free(old->entries);
    free(old->space);
    free(old->bytes);
}

/* Sorted: ascending, and of equal keys the earlier one, which lies before the other, first. All there: the addresses add up, and no two are one. */
static void check_sorted(const sample *of, const record_order *order, uint64_t sum)
{
    for (size_t i = 0; i < of->count; i++) {
        record it = record_at(of->entries[i].at);
        sum -= (uintptr_t)of->entries[i].at;
        ck_assert_uint_eq(of->entries[i].prefix, record_prefix(it.key, it.key_size));
        if (!i)
            continue;
        record before = record_at(of->entries[i - 1].at);
        int compared = record_compare(order, &before, &it);
        if (compared > 0 || (compared == 0 && of->entries[i - 1].at >= of->entries[i].at))
            ck_abort_msg("entry %zu of %zu is out of order", i, of->count);
    }
    ck_assert_uint_eq(sum, 0);
}

static int by_end(rf_value a, rf_value b)
{
    const uint8_t *one = a.data, *other = b.data;
    size_t size = rf_size(a), other_size = rf_size(b);
    return (size ? one[size - 1] : 0) - (other_size ? other[other_size - 1] : 0);
}

START_TEST(entries_are_sorted_and_equal_ones_stay_as_they_came)
{
    static const size_t counts[] = {0, 1, 2, 23, 24, 25, 100, 3000, 40000, 150000};
    static const record_order orders[] = {{0}, {.compare = by_end}};
    uint64_t random = suite_seed + (uint64_t)_i;
    for (size_t c = 0; c < 2 * sizeof counts / sizeof *counts; c++) {
        sample of = make_sample(&random, _i % KINDS, counts[c / 2]);
        uint64_t sum = 0;
        for (size_t i = 0; i < of.count; i++)
            sum += (uintptr_t)of.entries[i].at;
        sort_entries(of.entries, of.space, of.count, &orders[c % 2]);
        check_sorted(&of, &orders[c % 2], sum);
        free_sample(&of);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("keyed sort");
    TCase *entries = tcase_create("entries");
    tcase_set_timeout(entries, 120);
    tcase_add_loop_test(entries, entries_are_sorted_and_equal_ones_stay_as_they_came, 0, 2 * KINDS);
    suite_add_tcase(all, entries);
    return all;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
