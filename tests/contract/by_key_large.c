/* Rows F1 and F15 of the contract: keys and values may be as large as 2 GiB, and not larger. Some hundred megabytes are copied several times:
   ranks: 1 3 5 */
#include "by_key.h"
#include <sys/mman.h>

#define LARGE ((size_t)300 << 20)

/* 300 MB of text, with the number at its end. */
static char *large_text(int64_t n)
{
    char *text = malloc(LARGE);
    if (text) {
        memset(text, 'w', LARGE);
        text[LARGE - 1] = (char)('0' + n);
    }
    return text;
}

static int large_key(rf_call *call, rf_value item)
{
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    char *text = large_text(n % 2);
    int status = text ? RF_EMIT(call, rf_text(text, LARGE), n) : RF_ENOMEM;
    free(text);
    return status;
}
RF_REGISTER(large_key);

static int large_value(rf_call *call, rf_value item)
{
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    char *text = large_text(n);
    int status = text ? RF_EMIT(call, "key", rf_text(text, LARGE)) : RF_ENOMEM;
    free(text);
    return status;
}
RF_REGISTER(large_value);

/* Its end, and the sum of the values. */
static int short_key(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    int64_t sum = 0;
    int status;
    while ((status = rf_group_next(values, &value)) == RF_OK)
        sum += rf_i64(value);
    const char *text = key.data;
    if (rf_size(key) != LARGE || text[0] != 'w' || text[LARGE / 2] != 'w')
        return rf_fail(call, "key", "%zu bytes", rf_size(key));
    return status == RF_END ? RF_EMIT(call, rf_text(text + LARGE - 1, 1), sum) : status;
}
RF_REGISTER(short_key);

static int short_values(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    int status;
    while ((status = rf_group_next(values, &value)) == RF_OK) {
        const char *text = value.data;
        if (rf_size(value) != LARGE || RF_EMIT(call, key, rf_text(text + LARGE - 2, 2)))
            return rf_fail(call, "value", "%zu bytes", rf_size(value));
    }
    return status == RF_END ? RF_OK : status;
}
RF_REGISTER(short_values);

CASE(F1_a_key_of_300_MB_is_a_key)
{
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 3), .mapper = large_key}}, .reducer = short_key, .order = RF_BY_KEY_GLOBAL),
                              RF_OPTIONS(.chunk_size = 1), &made), RF_OK);
    CHECK_TEXT(pairs_text(made), "[\"0\", 2]\n[\"1\", 1]\n");
}

CASE(F1_a_value_of_300_MB_is_a_value)
{
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 2), .mapper = large_value}}, .reducer = short_values),
                              RF_OPTIONS(.chunk_size = 1), &made), RF_OK);
    CHECK_TEXT(pairs_text(made), "[\"key\", \"w0\"]\n[\"key\", \"w1\"]\n");
}

/* Every task has three MB of keys that begin with one letter, and none of those that begin with the next task's. */
#define TURNS 12
#define PIECE_OF_A_TURN ((size_t)300 << 10)
#define PIECES_OF_A_TURN 10
static int in_turns(rf_call *call, rf_value item)
{
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    char *bytes = malloc(PIECE_OF_A_TURN), key[8];
    int status = bytes ? RF_OK : RF_ENOMEM;
    for (int i = 0; i < PIECES_OF_A_TURN && !status; i++) {
        memset(bytes, 'a' + i, PIECE_OF_A_TURN);
        snprintf(key, sizeof key, "%c%d", n % 3 == 0 ? 'a' : n % 3 == 1 ? 'm' : 'z', i);
        status = RF_EMIT(call, key, rf_text(bytes, PIECE_OF_A_TURN));
    }
    free(bytes);
    return status;
}
RF_REGISTER(in_turns);

static int sizes(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    int64_t sum = 0, letter = ((const char *)key.data)[1] - '0' + 'a';
    int status;
    while ((status = rf_group_next(values, &value)) == RF_OK) {
        const char *bytes = value.data;
        sum += bytes[0] == letter && bytes[rf_size(value) - 1] == letter ? (int64_t)rf_size(value) : 1;
    }
    return status == RF_END ? RF_RETURN(call, sum) : status;
}
RF_REGISTER(sizes);

CASE(F9_stretches_that_come_in_pieces_lie_between_empty_ones)
{
    for (uint32_t partitions = 1; partitions <= 5; partitions += 2) {
        RF_AUTO(rf_dataset, made);
        RF_AUTO(rf_results, pairs);
        rf_value key;
        int64_t size;
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, TURNS), .mapper = in_turns}}, .reducer = sizes, .partitions = partitions,
                                               .order = RF_BY_KEY_GLOBAL, .memory = 1), RF_OPTIONS(.chunk_size = 1), &made), RF_OK);
        CHECK_STATUS(rf_dataset_collect(made, &pairs), RF_OK);
        CHECK_INT(rf_results_len(pairs), 3 * PIECES_OF_A_TURN);
        for (uint64_t i = 0; i < rf_results_len(pairs); i++) {
            CHECK_STATUS(RF_READ(rf_results_value(pairs, i), key, size), RF_OK);
            CHECK_INT(size, (int64_t)(TURNS / 3 * PIECE_OF_A_TURN));
        }
    }
}

/* Address space that nobody touches. */
static int beyond(rf_call *call, rf_value item)
{
    size_t size = ((size_t)2 << 30) + 12345;
    bool as_key;
    if (RF_ARGS(call, item, as_key))
        return RF_EARGS;
    void *space = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED)
        return rf_fail(call, "mmap", "no address space");
    int status = as_key ? RF_EMIT(call, rf_text(space, size), 1) : RF_EMIT(call, 1, rf_text(space, size));
    munmap(space, size);
    return status;
}
RF_REGISTER(beyond);

CASE(F15_what_is_above_2_GiB_is_refused_with_its_size)
{
    for (int as_key = 0; as_key < 2; as_key++) {
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = RF_VALUES(rf_of_bool(as_key)), .mapper = beyond}}, .reducer = listed), NULL, NULL), RF_EITEMS);
        CHECK_HAS(rf_last_error()->message, as_key ? "a key of 2147495993 bytes" : "a value of 2147495993 bytes");
        CHECK_HAS(rf_last_error()->message, "2 GiB");
    }
}

static int fails_at_z(rf_call *call, rf_value key, rf_group *values)
{
    (void)values;
    return *(const char *)key.data == 'z' ? rf_fail(call, "z", "a key of the last partition") : RF_RETURN(call, 1);
}
RF_REGISTER(fails_at_z);

/* The last case: behind it the pool is closed, while ranks may still send each other what nobody wants any more. None waits for one that has left. */
CASE(F18_a_pool_closes_while_pairs_are_on_their_way)
{
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, TURNS), .mapper = in_turns}}, .reducer = fails_at_z, .partitions = 7,
                                           .order = RF_BY_KEY_GLOBAL, .memory = 1), RF_OPTIONS(.chunk_size = 1), NULL), RF_EITEMS);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
