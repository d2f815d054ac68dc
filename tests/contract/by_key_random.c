/* Row F19 of the contract: the same bytes whatever the ranks, chunks, budget, combiner and failures, and the right ones. Draws jobs by key:
   data, sources, functions, orders, options; compares what comes with a model in plain C, arrays and qsort, and what the same job
   gives under other options with that.

       BY_KEY=1000 SEED=7 mpirun -n 3 tests/contract/by_key_random

   runs so many, from that seed on; without BY_KEY 60, or 15 where TEST_QUICK is set. Draw i has the seed SEED + i: what fails says it, so that
   SEED=that BY_KEY=1 is that one alone. The last line tells a sum of all outputs, which the seed decides alone: it is the same on any
   number of ranks. */
#define CASE_SECONDS 3000       /* one case runs them all; mpirun_test's limit ends a program that hangs */
#include "by_key.h"
#include <time.h>

/* ---- what mappers emit -------------------------------------------------------------------------------------------------- */

enum key_kind { KEY_INTEGER, KEY_DOUBLE, KEY_TEXT, KEY_LONG, KEY_BYTES, KEY_FEW, KEY_TUPLE, KEY_MIXED, KEY_HUGE, KEY_KINDS };
enum value_kind { VALUE_SMALL, VALUE_WIDE, VALUE_DOUBLE, VALUE_NUMBER, VALUE_TEXT, VALUE_LARGE, VALUE_MIXED, VALUE_KINDS };

typedef struct data {                   /* travels as the state of functions */
    uint64_t seed;
    uint32_t input, keys, most;         /* most: pairs of an item */
    uint32_t fails, never;              /* of 1000 items: fail in their first attempts; in every one */
    uint32_t reduce_fails;              /* of 1000 keys, likewise in first attempts */
    uint32_t large;                     /* bytes of VALUE_LARGE, at most */
    enum key_kind key_kind;
    enum value_kind value_kind;
    bool skewed, one_by_one, told_input;
} data;

/* Memory for keys and values, all of it freed at once. */
typedef struct space {
    struct block { struct block *next; } *blocks;
    char *at, *end;
} space;

static void *take(space *of, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (!of->at || size > (size_t)(of->end - of->at)) {
        size_t room = size > 60000 ? size : 60000;
        struct block *more = malloc(16 + room);
        more->next = of->blocks;
        of->blocks = more;
        of->at = (char *)more + 16;
        of->end = of->at + room;
    }
    of->at += size;
    return of->at - size;
}

static void give_back(space *of)
{
    for (struct block *old; (old = of->blocks);) {
        of->blocks = old->next;
        free(old);
    }
    *of = (space){0};
}

__attribute__((format(printf, 2, 3))) static rf_value text_of(space *in, const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return rf_text(memcpy(take(in, (size_t)size + 1), text, (size_t)size + 1), (size_t)size);
}

static rf_value tuple_of(space *in, rf_value one, rf_value other)
{
    rf_value *both = take(in, 2 * sizeof *both);
    both[0] = one;
    both[1] = other;
    return rf_tuple_of(both, 2);
}

static rf_value long_text(space *in, size_t size, uint32_t number)
{
    char *text = take(in, size + 12);
    memset(text, 'h', size);
    return rf_text(text, size + (size_t)sprintf(text + size, "%08u", number));
}

static rf_value bytes_key(space *in, uint32_t k)
{
    const uint8_t bytes[] = {(uint8_t)k, 0, (uint8_t)(k >> 8), (uint8_t)(k >> 3), 0xff, 0, 0};
    return rf_bytes(memcpy(take(in, sizeof bytes), bytes, sizeof bytes), 1 + k % 7);
}

static rf_value key_number(space *in, enum key_kind kind, uint32_t k)
{
    int64_t number = (int64_t)k - 20;
    switch (kind) {
    case KEY_INTEGER:
        return k % 9 == 0 ? rf_of_u64(UINT64_MAX - k) : k % 3 == 0 && number > 0 ? rf_of_u64((uint64_t)number) : rf_of_i64(k % 5 ? number : number * ((int64_t)1 << 40));
    case KEY_DOUBLE:
        return rf_of_f64(k % 7 == 3 ? -0.0 : k % 7 == 5 ? 0.0 : (double)number * (k % 2 ? 0.37 : 1e18));
    case KEY_TEXT:
        return text_of(in, "k%u", k);
    case KEY_LONG:
        return text_of(in, "%.*s-a key that begins as others do-%u-%.*s", (int)(k % 9), "abcdefghi", k, (int)(k % 11), "the end ...");
    case KEY_BYTES:
        return bytes_key(in, k);
    case KEY_FEW:
        return k % 3 == 0 ? rf_nil() : rf_of_bool(k % 3 == 1);
    case KEY_TUPLE:
        return k % 3 ? tuple_of(in, rf_of_i64(k % 40), text_of(in, "t%u", k / 40)) : tuple_of(in, tuple_of(in, rf_nil(), rf_of_f64(k)), rf_of_bool(k % 2));
    case KEY_HUGE:
        return long_text(in, 20000 + k * 1777 % 60000, k);
    default:
        return key_number(in, (enum key_kind)(k * 7 % KEY_MIXED), k / 7);
    }
}

static rf_value large_text(space *in, uint32_t most, uint64_t draw)
{
    size_t size = draw % (most + 1);
    char *text = take(in, size + 1);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + (draw >> (i % 50)) % 26);
    return rf_text(text, size);
}

/* Doubles are whole numbers of 2^-20: so a sum of 128 bits is exact. */
static rf_value value_number(space *in, const data *of, enum value_kind kind, uint64_t draw)
{
    int64_t number = (int64_t)(draw >> 20) - (INT64_C(1) << 43);
    switch (kind) {
    case VALUE_SMALL:
        return rf_of_i64((int64_t)(draw % 2001) - 1000);
    case VALUE_WIDE:
        return draw % 3 == 0 ? rf_of_u64(mix(draw, 5)) : rf_of_i64((int64_t)mix(draw, 6) >> draw % 60);
    case VALUE_DOUBLE:
        return rf_of_f64(ldexp((double)number, -20));
    case VALUE_NUMBER:
        return draw % 2 ? rf_of_i64(number % 1000) : rf_of_f64(draw % 3 ? (double)(number % 1000) : ldexp((double)(number % 9999), -5));
    case VALUE_TEXT:
        return text_of(in, "%.*s%" PRIu64, (int)(draw % 30), "some text before the number ..", draw % 100);
    case VALUE_LARGE:
        return large_text(in, of->large, draw);
    default:
        if (draw % 11 < 3)
            return draw % 11 ? rf_of_bool(draw % 2) : rf_nil();
        return draw % 11 == 3 ? tuple_of(in, rf_of_i64((int64_t)(draw % 10)), text_of(in, "v")) : draw % 11 == 4 ? rf_bytes("\0\1\xff", draw % 4) :
               value_number(in, of, (enum value_kind)(draw % VALUE_LARGE), mix(draw, 7));
    }
}

static uint32_t pairs_of(const data *of, uint64_t n)
{
    return of->one_by_one ? 1 : (uint32_t)(mix(of->seed ^ 11, n) % (of->most + 1));
}

static void pair_of(space *in, const data *of, uint64_t n, uint32_t i, rf_value *key, rf_value *value)
{
    uint64_t draw = mix(of->seed + of->input, 1000 * n + i), k = draw >> 16;
    *key = key_number(in, of->key_kind, (uint32_t)(of->skewed && draw % 4 ? k % 3 : k % of->keys));
    *value = value_number(in, of, of->value_kind, mix(draw, 2));
}

static unsigned failing_attempts(const data *of, uint64_t n)
{
    uint64_t draw = mix(of->seed ^ 21, n), share = draw % 1000;
    return share < of->never ? UINT32_MAX : share < of->never + of->fails ? 1 + (unsigned)(draw >> 32) % 2 : 0;
}

static int emit_of(rf_call *call, const data *of, uint64_t n)
{
    space in = {0};
    uint32_t count = pairs_of(of, n);
    bool fails = rf_call_attempt(call) <= failing_attempts(of, n);
    int status = rf_call_count(call, "items", 1);
    for (uint32_t i = 0; i < (fails ? (count + 1) / 2 : count) && !status; i++) {
        rf_value key, value;
        pair_of(&in, of, n, i, &key, &value);
        status = rf_emit_pair(call, key, value);
    }
    give_back(&in);
    return fails ? rf_fail(call, "drawn", "item %" PRIu64, n) : status;
}

/* Items are numbers: as they are, as text, first in a tuple, or many in a block of lines. */
static int emits(rf_call *call, rf_value item)
{
    const data *of = RF_CALL_STATE(call, data);
    rf_value line;
    int status = of ? RF_OK : RF_EARGS;
    if (status)
        return status;
    if (rf_type_of(item) == RF_TUPLE_TYPE)
        return rf_take(&item, &line) ? RF_EARGS : emit_of(call, of, (uint64_t)rf_i64(line));
    if (rf_type_of(item) == RF_I64)
        return emit_of(call, of, (uint64_t)rf_i64(item));
    item = rf_text(item.data, rf_size(item));
    while (!status && rf_take_line(&item, &line) == RF_OK)
        status = emit_of(call, of, strtoull(line.data, NULL, 10));
    return status;
}
RF_REGISTER(emits);

/* ---- order and equality, as the header has them -------------------------------------------------------------------------- */

static int compare_bytes(rf_value a, rf_value b)
{
    size_t size = rf_size(a) < rf_size(b) ? rf_size(a) : rf_size(b);
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : (rf_size(a) > rf_size(b)) - (rf_size(a) < rf_size(b));
}

static char *printed(rf_value value)
{
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    rf_print(to, value);
    fclose(to);
    return text;
}

static int compare_printed(rf_value a, rf_value b)
{
    char *one = printed(a), *other = printed(b);
    int order = strcmp(one, other);
    free(one);
    free(other);
    return order;
}

static bool is_integer(rf_value value) { return rf_type_of(value) == RF_I64 || rf_type_of(value) == RF_U64; }
static __int128 integer(rf_value value) { return rf_type_of(value) == RF_U64 ? (__int128)value.u64 : value.i64; }
static int sign_of(long double a, long double b) { return (a > b) - (a < b); }

static int compare_within(rf_value a, rf_value b)
{
    switch (rf_type_of(a)) {
    case RF_NIL:
        return 0;
    case RF_BOOL:
        return a.truth - b.truth;
    case RF_I64:
    case RF_U64:
        return (integer(a) > integer(b)) - (integer(a) < integer(b));
    case RF_F64:
        return sign_of((long double)a.f64, (long double)b.f64);
    case RF_TEXT:
    case RF_BYTES:
        return compare_bytes(a, b);
    default:
        return compare_printed(a, b);
    }
}

/* By type, then as the header says within a type. */
static int key_order(rf_value a, rf_value b)
{
    int one = is_integer(a) ? RF_I64 : (int)rf_type_of(a), other = is_integer(b) ? RF_I64 : (int)rf_type_of(b);
    return one != other ? one - other : compare_within(a, b);
}

static int reversed(rf_value a, rf_value b) { return key_order(b, a); }
RF_REGISTER(reversed);

static long double number(rf_value value) { return rf_type_of(value) == RF_F64 ? (long double)value.f64 : (long double)integer(value); }
static bool is_number(rf_value value) { return is_integer(value) || rf_type_of(value) == RF_F64; }

/* RF_BY_VALUE: all numbers are one type; 64 bits of mantissa hold each of them. */
static int value_order(rf_value a, rf_value b)
{
    if (is_number(a) && is_number(b))
        return sign_of(number(a), number(b));
    int one = is_number(a) ? RF_I64 : (int)rf_type_of(a), other = is_number(b) ? RF_I64 : (int)rf_type_of(b);
    return one != other ? one - other : compare_within(a, b);
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    return mix(hash, size);
}

/* The same for equal keys, however they are held. */
static uint64_t hash_value(uint64_t hash, rf_value value)
{
    if (rf_type_of(value) == RF_TEXT || rf_type_of(value) == RF_BYTES)
        return hash_bytes(hash + rf_type_of(value), value.data, rf_size(value));
    if (is_integer(value))
        return mix(hash, value.u64);
    if (rf_type_of(value) == RF_F64)
        return mix(hash + 1, value.f64 == 0 ? 0 : value.u64);
    char *text = printed(value);
    hash = hash_bytes(hash, text, strlen(text));
    free(text);
    return hash;
}

static uint32_t by_hash(rf_value key, uint32_t partitions) { return (uint32_t)(hash_value(3, key) % partitions); }
RF_REGISTER(by_hash);

static bool same_value(rf_value a, rf_value b)
{
    if (is_integer(a) || is_integer(b))
        return is_integer(a) && is_integer(b) && integer(a) == integer(b);
    if (rf_type_of(a) != rf_type_of(b))
        return false;
    return rf_type_of(a) == RF_F64 ? a.u64 == b.u64 : compare_within(a, b) == 0;
}

/* ---- reducers: each as a function of the library's and of the model's --------------------------------------------------- */

typedef struct pair {
    rf_value key, value;
    uint32_t input;
    uint64_t at;                        /* items and emissions in order */
} pair;

typedef struct outputs {
    pair *all;                          /* input: the group */
    size_t count, room;
} outputs;

static void put(outputs *to, rf_value key, rf_value value, size_t group)
{
    if (to->count == to->room)
        to->all = realloc(to->all, (to->room = 2 * to->room + 64) * sizeof *to->all);
    to->all[to->count++] = (pair){key, value, (uint32_t)group, 0};
}

static int count_and_fail(rf_call *call, rf_value key)
{
    const data *of = RF_CALL_STATE(call, data);
    uint64_t draw = of ? mix(of->seed ^ 31, hash_value(4, key)) : 0;
    if (!of || rf_call_count(call, "groups", 1))
        return RF_EARGS;
    bool fails = draw % 1000 < of->reduce_fails && rf_call_attempt(call) <= 1 + draw / 1000 % 2;
    return fails ? rf_fail(call, "drawn", "key") : RF_OK;
}

/* All values, in order, with their inputs. */
static uint64_t hash_one(uint64_t hash, unsigned input, rf_value value) { return hash_value(mix(hash, input), value); }

static int hashes(rf_call *call, rf_value key, rf_group *values)
{
    const data *of = RF_CALL_STATE(call, data);
    uint64_t hash = 1;
    rf_value value;
    int status;
    while (of && (status = rf_group_next(values, &value)) == RF_OK)
        hash = hash_one(hash, of->told_input ? rf_group_input(values) : 0, value);
    if (!of || status != RF_END)
        return RF_EARGS;
    if (hash % 2 ? RF_EMIT(call, key, (int64_t)hash) : RF_RETURN(call, (int64_t)hash))
        return RF_EFUNCTION;
    return count_and_fail(call, key);
}
RF_REGISTER(hashes);

/* Every third value, and how many there were; under some keys nothing. */
static int some(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    int64_t count = 0;
    int status;
    if (hash_value(9, key) % 4 == 0)
        return count_and_fail(call, key);
    while ((status = rf_group_next(values, &value)) == RF_OK)
        if (count++ % 3 == 0 && rf_emit_pair(call, key, value))
            return RF_EFUNCTION;
    if (status != RF_END || RF_EMIT(call, key, count))
        return RF_EFUNCTION;
    return count_and_fail(call, key);
}
RF_REGISTER(some);

/* A few of the first. */
static int a_few(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    for (uint64_t left = hash_value(8, key) % 4; left && rf_group_next(values, &value) == RF_OK; left--)
        if (rf_emit_pair(call, key, value))
            return RF_EFUNCTION;
    return count_and_fail(call, key);
}
RF_REGISTER(a_few);

static int put_together(rf_call *call, rf_value key, rf_group *values)
{
    char *text = NULL;
    size_t size = 0;
    rf_value value;
    int status;
    FILE *to = open_memstream(&text, &size);
    while ((status = rf_group_next(values, &value)) == RF_OK)
        fwrite(value.data, 1, rf_size(value), to);
    fclose(to);
    status = status == RF_END ? rf_emit_pair(call, key, rf_text(text, size)) : status;
    free(text);
    return status;
}
RF_REGISTER(put_together);

static int concatenates(rf_call *call, rf_value key, rf_group *values)
{
    int status = put_together(call, key, values);
    return status ? status : count_and_fail(call, key);
}
RF_REGISTER(concatenates);

static int adds(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    int64_t sum = 0;
    int status;
    (void)key;
    while ((status = rf_group_next(values, &value)) == RF_OK)
        sum += rf_i64(value);
    return status == RF_END ? RF_RETURN(call, sum) : status;
}
RF_REGISTER(adds);

static int pass_on(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    int status;
    while ((status = rf_group_next(values, &value)) == RF_OK)
        if (rf_emit_pair(call, key, value))
            return RF_EFUNCTION;
    return status == RF_END ? RF_OK : status;
}
RF_REGISTER(pass_on);

/* Halves as a combiner would see them: what it combines once it may combine again. */
static rf_value sum_of(const pair *of, size_t count)
{
    __int128 sum = 0;
    bool doubles = false;
    for (size_t i = 0; i < count; i++) {
        bool is_double = rf_type_of(of[i].value) == RF_F64;
        doubles |= is_double;
        sum += is_double ? (__int128)ldexp(of[i].value.f64, 20) : integer(of[i].value) * (1 << 20);
    }
    return doubles ? rf_of_f64(ldexp((double)sum, -20)) : rf_of_i64((int64_t)(sum / (1 << 20)));
}

static rf_value best_of(const pair *of, size_t count, int wanted)
{
    rf_value best = of[0].value;
    for (size_t i = 1; i < count; i++)
        if (value_order(of[i].value, best) * wanted > 0)
            best = of[i].value;
    return best;
}

static rf_value fold_of(rf_reduce_function *by, const pair *of, size_t count)
{
    return by == rf_sum ? sum_of(of, count) : by == rf_min ? best_of(of, count, -1) : by == rf_max ? best_of(of, count, 1) :
           by == rf_count ? rf_of_i64((int64_t)count) : of[0].value;
}

static bool is_fold(rf_reduce_function *of)
{
    return of == rf_sum || of == rf_min || of == rf_max || of == rf_count || of == rf_first;
}

static rf_value collect_of(space *in, const pair *of, size_t count)
{
    rf_value *all = take(in, count * sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[i] = of[i].value;
    return rf_tuple_of(all, count);
}

static rf_value text_together(space *in, const pair *of, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += rf_size(of[i].value);
    char *text = take(in, size + 1), *at = text;
    for (size_t i = 0; i < count; i++) {
        memcpy(at, of[i].value.data, rf_size(of[i].value));
        at += rf_size(of[i].value);
    }
    return rf_text(text, size);
}

static rf_value hash_of(const pair *of, size_t count, bool told_input)
{
    uint64_t hash = 1;
    for (size_t i = 0; i < count; i++)
        hash = hash_one(hash, told_input ? of[i].input : 0, of[i].value);
    return rf_of_i64((int64_t)hash);
}

static void some_of(outputs *to, const pair *of, size_t count, size_t group)
{
    for (size_t i = 0; i < count; i += 3)
        put(to, of->key, of[i].value, group);
    put(to, of->key, rf_of_i64((int64_t)count), group);
}

static void reduce_model(space *in, outputs *to, rf_reduce_function *by, const data *of, const pair *pairs, size_t count, size_t group)
{
    uint64_t few = hash_value(8, pairs->key) % 4;
    if (is_fold(by))
        put(to, pairs->key, fold_of(by, pairs, count), group);
    else if (by == rf_collect)
        put(to, pairs->key, collect_of(in, pairs, count), group);
    else if (by == hashes)
        put(to, pairs->key, hash_of(pairs, count, of->told_input), group);
    else if (by == concatenates)
        put(to, pairs->key, text_together(in, pairs, count), group);
    else if (by == adds)
        put(to, pairs->key, sum_of(pairs, count), group);
    else if (by == some && hash_value(9, pairs->key) % 4)
        some_of(to, pairs, count, group);
    else if (by != some)
        for (size_t i = 0; i < count && (!by || i < few); i++)
            put(to, pairs->key, pairs[i].value, group);
}

/* ---- a draw ---------------------------------------------------------------------------------------------------------------- */

enum source_kind { FROM_RANGE, FROM_VALUES, FROM_GENERATOR, FROM_STRINGS, FROM_ZIP, FROM_LINES, FROM_SPLITS, FROM_RECORDS, FROM_PAIRS, SOURCE_KINDS };
#define INPUTS_MOST 3

typedef struct input {
    data of;
    enum source_kind kind;
    uint64_t count;
    char path[INPUTS_MOST][320];
    uint32_t files;
    uint64_t produced;
} input;

typedef struct draw {
    uint64_t seed, random;
    rf_pool *pool;
    char text[1024];                    /* what was drawn, for messages */
    input inputs[INPUTS_MOST];
    uint32_t input_count;
    rf_job job;
    data reduces;                       /* the state of reducer and combiner */
    space memory;
    pair *pairs;                        /* the model's, sorted */
    size_t pair_count, *groups, group_count;
    uint64_t items, gone;               /* items that are mapped for good; that are gone without */
    outputs wanted;
    rf_results *got;                    /* pairs of the first run, typed */
    const char *wrong;
} draw;

static uint64_t below_(draw *of, uint64_t most)
{
    of->random = mix(of->random, 1);
    return most ? of->random % most : 0;
}

static bool one_in(draw *of, uint64_t n) { return below_(of, n) == 0; }

__attribute__((format(printf, 2, 3))) static void say(draw *of, const char *format, ...)
{
    size_t used = strlen(of->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(of->text + used, sizeof of->text - used, format, arguments);
    va_end(arguments);
}

static bool is_text_kind(const draw *of)
{
    enum value_kind kind = of->inputs[0].of.value_kind;
    return kind == VALUE_TEXT || kind == VALUE_LARGE;
}

static void draw_data(draw *of)
{
    static const uint32_t keys[] = {1, 2, 10, 100, 3000, 1000000};
    data all = {.seed = mix(of->seed, 1), .keys = keys[below_(of, LENGTH(keys))], .most = 1 + (uint32_t)below_(of, 5), .skewed = one_in(of, 3), .told_input = true};
    all.key_kind = (enum key_kind)below_(of, KEY_KINDS);
    all.value_kind = (enum value_kind)below_(of, VALUE_KINDS);
    all.large = one_in(of, 4) ? 3000 : 100;
    if (all.key_kind == KEY_HUGE)
        all.keys = all.keys < 20 ? all.keys : 20;
    if (one_in(of, 2))
        all.fails = one_in(of, 2) ? 2 : 20;
    all.reduce_fails = one_in(of, 3) ? 50 : 0;
    of->input_count = one_in(of, 2) ? 1 : 1 + (uint32_t)below_(of, INPUTS_MOST);
    bool spills = one_in(of, 50);
    of->job.tolerant = one_in(of, 8);
    all.never = of->job.tolerant ? 5 : 0;
    for (uint32_t i = 0; i < of->input_count; i++) {
        input *in = &of->inputs[i];
        in->of = all;
        in->of.input = i;
        in->kind = (enum source_kind)below_(of, SOURCE_KINDS);
        if (of->job.tolerant && in->kind == FROM_SPLITS)
            in->kind = FROM_LINES;
        in->of.one_by_one = in->kind == FROM_PAIRS;
        in->count = one_in(of, 8) ? 0 : below_(of, one_in(of, 6) ? 10000 : 800);
        if (all.key_kind == KEY_HUGE)
            in->count = in->count % 150;
        if (spills && all.key_kind != KEY_HUGE) {
            in->count = 15000;
            in->of.value_kind = VALUE_LARGE;
            in->of.large = 1500;
        }
        if (in->of.one_by_one)
            in->of.fails = in->of.never = 0;
    }
    for (uint32_t i = 0; i < of->input_count; i++)
        of->inputs[i].of.value_kind = of->inputs[0].of.value_kind, of->inputs[i].of.large = of->inputs[0].of.large;
    say(of, "inputs %u, keys %u of kind %d%s, values of kind %d up to %u, fails %u %u%s;", of->input_count, all.keys, all.key_kind, all.skewed ? " skewed" : "",
        of->inputs[0].of.value_kind, of->inputs[0].of.large, all.fails, all.reduce_fails, of->job.tolerant ? ", tolerant" : "");
    for (uint32_t i = 0; i < of->input_count; i++)
        say(of, " %" PRIu64 " from %d;", of->inputs[i].count, of->inputs[i].kind);
}

/* What goes with the values that were drawn. */
static rf_reduce_function *draw_reducer(draw *of)
{
    enum value_kind kind = of->inputs[0].of.value_kind;
    rf_reduce_function *const any[] = {NULL, rf_min, rf_max, rf_count, rf_first, rf_collect, hashes, hashes, some, a_few};
    bool summable = kind == VALUE_SMALL || kind == VALUE_DOUBLE || kind == VALUE_NUMBER;
    if (summable && one_in(of, 3))
        return kind == VALUE_SMALL && one_in(of, 2) ? adds : rf_sum;
    return is_text_kind(of) && one_in(of, 3) ? concatenates : any[below_(of, LENGTH(any))];
}

static void draw_job(draw *of)
{
    rf_job *job = &of->job;
    uint64_t parts = below_(of, 4);
    job->reducer = draw_reducer(of);
    job->order = (rf_order)below_(of, 3);
    job->partitions = parts == 0 ? 1 + (uint32_t)below_(of, 9) : parts == 1 ? 1 + (uint32_t)below_(of, 40) : 0;
    job->partitioner = job->order != RF_BY_KEY_GLOBAL && one_in(of, 3) ? by_hash : NULL;
    job->compare = one_in(of, 4) ? reversed : NULL;
    job->values = !is_fold(job->reducer) && one_in(of, 3) ? RF_BY_VALUE : RF_BY_INPUT;
    /* With a built-in combiner the model folds first: then nothing is told of inputs. */
    rf_reduce_function *const folds[] = {rf_min, rf_max, rf_count, rf_first};
    if ((job->reducer == some || job->reducer == a_few || job->reducer == hashes) && job->values == RF_BY_INPUT && one_in(of, 3))
        job->combiner = folds[below_(of, LENGTH(folds))];
    of->reduces = of->inputs[0].of;
    of->reduces.told_input = !is_fold(job->combiner);
    say(of, " reducer %d, combiner %d, order %d%s%s, values %d, partitions %u;", job->reducer == NULL ? 0 : is_fold(job->reducer) ? 1 : job->reducer == rf_collect ? 2 :
        job->reducer == hashes ? 3 : job->reducer == some ? 4 : job->reducer == a_few ? 5 : job->reducer == concatenates ? 6 : 7, job->combiner != NULL, job->order,
        job->compare ? " reversed" : "", job->partitioner ? " with partitioner" : "", job->values, job->partitions);
}

/* ---- sources --------------------------------------------------------------------------------------------------------------- */

static int generate(rf_call *call, void *state)
{
    input *of = state;
    return of->produced == of->count ? RF_END : RF_RETURN(call, (int64_t)of->produced++);
}

/* Eight bytes a line, in one to three files. */
static void write_input(draw *of, input *in)
{
    in->files = 1 + (uint32_t)below_(of, INPUTS_MOST);
    for (uint32_t f = 0; f < in->files; f++) {
        char name[40];
        snprintf(name, sizeof name, "input-%u-%u", in->of.input, f);
        snprintf(in->path[f], sizeof in->path[f], "%s", place(name));
        FILE *to = fopen(in->path[f], "w");
        for (uint64_t n = in->count * f / in->files; to && n < in->count * (f + 1) / in->files; n++)
            fprintf(to, "%07" PRIu64 "\n", n);
        if (to)
            fclose(to);
    }
}

static rf_source *of_values(draw *of, input *in)
{
    rf_value *values = malloc((in->count + 1) * sizeof *values);
    for (uint64_t n = 0; n < in->count; n++) {
        rf_value key, value;
        values[n] = rf_of_i64((int64_t)n);
        if (in->kind == FROM_STRINGS)
            values[n] = text_of(&of->memory, "%" PRIu64, n);
        if (in->kind == FROM_PAIRS) {
            pair_of(&of->memory, &in->of, n, 0, &key, &value);
            values[n] = tuple_of(&of->memory, key, value);
        }
    }
    rf_source *made = rf_values(values, in->count);
    free(values);
    return made;
}

static rf_source *source_of(draw *of, input *in)
{
    const char *paths[INPUTS_MOST] = {in->path[0], in->path[1], in->path[2]};
    in->produced = 0;
    switch (in->kind) {
    case FROM_RANGE:
        return rf_range(0, (int64_t)in->count);
    case FROM_GENERATOR:
        return rf_generator(generate, in, NULL);
    case FROM_ZIP:
        return RF_ZIP(rf_range(0, (int64_t)in->count), rf_range(5, INT64_MAX));
    case FROM_LINES:
        return rf_lines(paths, in->files);
    case FROM_SPLITS:
        return rf_splits(paths, in->files);
    case FROM_RECORDS:
        return rf_records(paths, in->files, 8);
    default:
        return of_values(of, in);
    }
}

/* ---- the model ------------------------------------------------------------------------------------------------------------- */

static draw *sorting;

static int compare_keys(rf_value a, rf_value b)
{
    return sorting->job.compare ? reversed(a, b) : key_order(a, b);
}

static int compare_pairs(const void *a, const void *b)
{
    const pair *one = a, *other = b;
    int order = compare_keys(one->key, other->key);
    if (!order && sorting->job.values == RF_BY_VALUE)
        order = value_order(one->value, other->value);
    return order ? order : one->input != other->input ? (int)one->input - (int)other->input : (one->at > other->at) - (one->at < other->at);
}

static void emit_model(draw *of, const input *in)
{
    for (uint64_t n = 0; n < in->count; n++) {
        if (failing_attempts(&in->of, n) == UINT32_MAX) {
            of->gone++;
            continue;
        }
        of->items += in->kind != FROM_PAIRS;
        for (uint32_t i = 0; i < pairs_of(&in->of, n); i++) {
            pair *one = &of->pairs[of->pair_count++];
            pair_of(&of->memory, &in->of, n, i, &one->key, &one->value);
            one->input = in->of.input;
            one->at = 1000 * n + i;
        }
    }
}

static void make_model(draw *of)
{
    size_t room = 1;
    for (uint32_t i = 0; i < of->input_count; i++)
        room += of->inputs[i].count * (of->inputs[i].of.most + 1);
    of->pairs = malloc(room * sizeof *of->pairs);
    of->groups = malloc((room + 1) * sizeof *of->groups);
    for (uint32_t i = 0; i < of->input_count; i++)
        emit_model(of, &of->inputs[i]);
    sorting = of;
    qsort(of->pairs, of->pair_count, sizeof *of->pairs, compare_pairs);
    for (size_t i = 0; i < of->pair_count; i++)
        if (!i || key_order(of->pairs[i - 1].key, of->pairs[i].key) != 0)
            of->groups[of->group_count++] = i;
    of->groups[of->group_count] = of->pair_count;
    for (size_t g = 0; g < of->group_count; g++) {
        const pair *first = of->pairs + of->groups[g];
        size_t count = of->groups[g + 1] - of->groups[g];
        pair folded = *first;
        if (of->job.combiner) {
            folded.value = fold_of(of->job.combiner, first, count);
            first = &folded;
            count = 1;
        }
        reduce_model(&of->memory, &of->wanted, of->job.reducer, &of->reduces, first, count, g);
    }
}

/* ---- what came, against the model ------------------------------------------------------------------------------------------ */

static bool fail(draw *of, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(draw *of, const char *format, ...)
{
    static char text[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    of->wrong = text;
    return false;
}

static bool got_pair(draw *of, uint64_t i, rf_value *key, rf_value *value)
{
    rf_value pair = rf_results_value(of->got, i);
    return RF_READ(pair, *key, *value) == RF_OK || fail(of, "pair %" PRIu64 " is none", i);
}

static bool same_pair(draw *of, uint64_t i, const pair *wanted)
{
    rf_value key, value;
    if (!got_pair(of, i, &key, &value))
        return false;
    if (key_order(key, wanted->key) == 0 && same_value(value, wanted->value))
        return true;
    char *texts[] = {printed(key), printed(value), printed(wanted->key), printed(wanted->value)};
    fail(of, "pair %" PRIu64 " is %.200s %.200s, not %.200s %.200s", i, texts[0], texts[1], texts[2], texts[3]);
    for (size_t t = 0; t < 4; t++)
        free(texts[t]);
    return false;
}

/* Keys of one type have an order that is known; so have all where a function compares them. */
static bool order_is_known(const draw *of)
{
    enum key_kind kind = of->inputs[0].of.key_kind;
    return of->job.compare || (kind != KEY_TUPLE && kind != KEY_MIXED && kind != KEY_FEW);
}

static int by_partition(const void *a, const void *b)
{
    const pair *one = a, *other = b;
    return one->at != other->at ? (one->at > other->at) - (one->at < other->at) : 0;
}

/* A partitioner of the test's own says where each pair is: the model's outputs in that order. */
static void sort_by_partition(draw *of, uint32_t partitions)
{
    for (size_t i = 0; i < of->wanted.count; i++)
        of->wanted.all[i].at = (uint64_t)by_hash(of->wanted.all[i].key, partitions) << 32 | i;
    qsort(of->wanted.all, of->wanted.count, sizeof *of->wanted.all, by_partition);
}

static bool check_sequence(draw *of)
{
    for (size_t i = 0; i < of->wanted.count; i++)
        if (!same_pair(of, i, &of->wanted.all[i]))
            return false;
    return true;
}

/* The first output of the group that has this key. */
static size_t find_group(const draw *of, rf_value key)
{
    size_t first = 0, end = of->wanted.count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (compare_keys(of->wanted.all[middle].key, key) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* Groups in any order, each once and whole; within a partition ascending, so that a descent is a new partition. */
static bool check_groups(draw *of, uint64_t partitions)
{
    bool *met = calloc(of->group_count + 1, 1);
    uint64_t descents = 0, groups = 0;
    rf_value last = rf_nil();
    for (size_t i = 0; i < of->wanted.count && !of->wrong;) {
        rf_value key, value;
        if (!got_pair(of, i, &key, &value))
            break;
        size_t at = find_group(of, key);
        uint32_t group = at < of->wanted.count ? of->wanted.all[at].input : UINT32_MAX;
        if (group == UINT32_MAX || met[group])
            fail(of, "a key that none emitted, or in two places, at %zu", i);
        else
            met[group] = true;
        for (; !of->wrong && at < of->wanted.count && of->wanted.all[at].input == group; at++)
            same_pair(of, i++, &of->wanted.all[at]);
        descents += groups++ && compare_keys(last, key) > 0;
        last = key;
    }
    free(met);
    if (!of->wrong && of->job.order != RF_UNORDERED && order_is_known(of) && descents >= partitions)
        fail(of, "%" PRIu64 " descents in %" PRIu64 " partitions", descents, partitions);
    return !of->wrong;
}

static bool check_counts(draw *of, const rf_dataset *made)
{
    rf_keyed_figures its = rf_dataset_figures(made);
    bool maps = false, reduces = of->job.reducer == hashes || of->job.reducer == some || of->job.reducer == a_few || of->job.reducer == concatenates;
    for (uint32_t i = 0; i < of->input_count; i++)
        maps |= of->inputs[i].kind != FROM_PAIRS;
    if (its.emitted != of->pair_count || its.output != of->wanted.count || rf_dataset_len(made) != its.output || its.failed != of->gone)
        return fail(of, "emitted %" PRIu64 " of %zu, output %" PRIu64 " of %zu, failed %" PRIu64 " of %" PRIu64, its.emitted, of->pair_count, its.output,
                    of->wanted.count, its.failed, of->gone);
    if (of->job.reducer && its.groups != of->group_count)
        return fail(of, "groups %" PRIu64 " of %zu", its.groups, of->group_count);
    if (rf_dataset_counter(made, "items") != (int64_t)of->items)
        return fail(of, "counter items %" PRId64 " of %" PRIu64, rf_dataset_counter(made, "items"), of->items);
    if (reduces && rf_dataset_counter(made, "groups") != (int64_t)of->group_count)
        return fail(of, "counter groups %" PRId64 " of %zu", rf_dataset_counter(made, "groups"), of->group_count);
    if (rf_workers(of->pool) == 1 && its.exchanged)
        return fail(of, "exchanged %" PRIu64 " with nobody", its.exchanged);
    return true;
}

static bool check_first(draw *of, rf_dataset *made)
{
    uint64_t partitions = rf_dataset_figures(made).reduce_tasks;
    if (!check_counts(of, made))
        return false;
    if (rf_results_len(of->got) != of->wanted.count)
        return fail(of, "%" PRIu64 " pairs were collected of %zu", rf_results_len(of->got), of->wanted.count);
    if (order_is_known(of) && of->job.order == RF_BY_KEY_GLOBAL)
        return check_sequence(of);
    if (order_is_known(of) && of->job.order == RF_BY_KEY && of->job.partitioner) {
        sort_by_partition(of, (uint32_t)partitions);
        return check_sequence(of);
    }
    return check_groups(of, partitions);
}

/* ---- runs ------------------------------------------------------------------------------------------------------------------ */

/* What nobody may see in the output. */
static void draw_options(draw *of, rf_options *options, rf_job *job)
{
    static const uint64_t chunks[] = {1, 2, 10, 100, 1000, 1000000};
    bool many = false;
    for (uint32_t i = 0; i < of->input_count; i++)
        many |= of->inputs[i].count > 1000;
    *options = *RF_OPTIONS(.retry = AT_ONCE);
    if (one_in(of, 2))
        options->chunk_size = chunks[many ? 3 + below_(of, 3) : below_(of, LENGTH(chunks))];
    if (one_in(of, 2))
        options->split_size = many ? 1000 + below_(of, 100000) : 1 + below_(of, 5000);
    if (one_in(of, 6))
        options->n_splits = options->chunk_size ? 0 : 1 + below_(of, 20);
    for (uint32_t i = 0; i < of->input_count && options->n_splits; i++)
        if (of->inputs[i].kind == FROM_GENERATOR)
            options->n_splits = 0;
    if (one_in(of, 5))
        options->workers = 1 + (unsigned)below_(of, 3);
    if (options->workers > rf_workers(of->pool))
        options->workers = (unsigned)rf_workers(of->pool);
    if (one_in(of, 5))
        options->executor = RF_INLINE;
    job->memory = one_in(of, 2) ? 1 : 0;
    job->compress = one_in(of, 5);
    /* A combiner that is exact: none, one that changes nothing, or one that puts together what the reducer would. */
    if (!is_fold(job->combiner) && !is_fold(job->reducer)) {
        job->combiner = one_in(of, 2) ? NULL : pass_on;
        if (job->combiner && job->values == RF_BY_INPUT && one_in(of, 2))
            job->combiner = job->reducer == concatenates ? put_together : job->reducer == adds ? one_in(of, 2) ? adds : rf_sum : pass_on;
    }
    say(of, " [chunk %" PRIu64 ", split %" PRIu64 ", splits %" PRIu64 ", workers %u, memory %zu%s, combiner %s]", options->chunk_size, options->split_size,
        options->n_splits, options->workers, job->memory, job->compress ? ", compressed" : "", !job->combiner ? "none" : job->combiner == pass_on ? "passes on" : "some");
}

static int run(draw *of, const rf_job *said, const rf_options *options, rf_dataset **made)
{
    rf_job job = *said;
    for (uint32_t i = 0; i < of->input_count; i++)
        job.inputs[i] = (rf_input){.source = source_of(of, &of->inputs[i]), .mapper = of->inputs[i].kind == FROM_PAIRS ? NULL : emits,
                                   .state = RF_STATE(of->inputs[i].of)};
    job.state = RF_STATE(of->reduces);
    return rf_mapreduce(of->pool, &job, options, made);
}

static bool ended_right(draw *of, int status)
{
    return status == (of->gone ? RF_EITEMS : RF_OK) || fail(of, "it is %s: %s", rf_status_name(status), status ? rf_last_error()->message : "");
}

/* ---- files ----------------------------------------------------------------------------------------------------------------- */

static void put_lines(FILE *to, rf_value part)
{
    bool plain = rf_type_of(part) == RF_TEXT || rf_type_of(part) == RF_BYTES;
    if (plain)
        fwrite(part.data, 1, rf_size(part), to);
    else
        rf_print(to, part);
}

static void put_pair(FILE *to, rf_format format, rf_value key, rf_value value)
{
    uint32_t sizes[] = {(uint32_t)rf_size(key), (uint32_t)rf_size(value)};
    if (format == RF_PREFIXED)
        fwrite(sizes, 1, sizeof sizes, to);
    if (format != RF_LINES) {
        fwrite(key.data, 1, rf_size(key), to);
        fwrite(value.data, 1, rf_size(value), to);
        return;
    }
    if (rf_type_of(key) != RF_NIL)
        put_lines(to, key);
    if (rf_type_of(key) != RF_NIL && rf_type_of(value) != RF_NIL)
        fputc('\t', to);
    if (rf_type_of(value) != RF_NIL)
        put_lines(to, value);
    fputc('\n', to);
}

/* Whether pairs are texts and bytes alone, as formats without MessagePack want them here. */
static bool all_plain(draw *of)
{
    rf_value key, value;
    for (uint64_t i = 0; i < rf_results_len(of->got); i++)
        if (!got_pair(of, i, &key, &value) || rf_type_of(key) < RF_TEXT || rf_type_of(value) < RF_TEXT || rf_type_of(key) > RF_BYTES || rf_type_of(value) > RF_BYTES)
            return false;
    return true;
}

/* What was collected, as a file. */
static char *rendered(draw *of, rf_format format, size_t *size)
{
    char *text;
    FILE *to = open_memstream(&text, size);
    rf_value key, value;
    for (uint64_t i = 0; i < rf_results_len(of->got); i++)
        if (got_pair(of, i, &key, &value))
            put_pair(to, format, key, value);
    fclose(to);
    return text;
}

/* The output at path: a file, or the parts of a directory behind each other. */
static char *joined(const char *path, uint32_t partitions, size_t *size)
{
    char *text;
    FILE *to = open_memstream(&text, size);
    for (uint32_t p = 0; p < (partitions ? partitions : 1); p++) {
        size_t part;
        const char *bytes = read_sized(partitions ? below(path, "part-%05u", p) : path, &part);
        if (bytes)
            fwrite(bytes, 1, part, to);
    }
    fclose(to);
    return text;
}

static bool check_file(draw *of, const char *path, rf_format format)
{
    size_t sizes[2];
    char *wanted = rendered(of, format, &sizes[0]), *came = joined(path, of->job.partitions, &sizes[1]);
    size_t at = 0;
    while (at < sizes[0] && at < sizes[1] && wanted[at] == came[at])
        at++;
    bool same = sizes[0] == sizes[1] && at == sizes[0];
    free(wanted);
    free(came);
    return same || fail(of, "the file has %zu bytes, not %zu, and differs at byte %zu", sizes[1], sizes[0], at);
}

static bool run_to_file(draw *of)
{
    rf_job job = of->job;
    rf_options options;
    RF_AUTO(rf_dataset, made);
    job.output = new_output("random");
    job.format = one_in(of, 3) && all_plain(of) ? RF_PREFIXED + one_in(of, 2) : RF_LINES;
    draw_options(of, &options, &job);
    return ended_right(of, run(of, &job, &options, &made)) && check_counts(of, made) && check_file(of, job.output, job.format);
}

/* ---- a draw from beginning to end ------------------------------------------------------------------------------------------- */

static bool same_results(draw *of, const rf_results *other)
{
    uint64_t count = rf_results_len(of->got);
    if (rf_results_len(other) != count)
        return fail(of, "%" PRIu64 " pairs, before %" PRIu64, rf_results_len(other), count);
    for (uint64_t i = 0; i < count; i++) {
        rf_value one = rf_results_value(of->got, i), two = rf_results_value(other, i);
        if (rf_size(one) != rf_size(two) || memcmp(one.data, two.data, rf_size(one)) != 0)
            return fail(of, "pair %" PRIu64 " is another under other options", i);
    }
    return true;
}

static bool run_to_dataset(draw *of)
{
    rf_job job = of->job;
    rf_options options;
    RF_AUTO(rf_dataset, made);
    RF_AUTO(rf_results, pairs);
    draw_options(of, &options, &job);
    if (!ended_right(of, run(of, &job, &options, &made)) || !check_counts(of, made))
        return false;
    return rf_dataset_collect(made, &pairs) ? fail(of, "not collected: %s", rf_last_error()->message) : same_results(of, pairs);
}

/* What was made is another job's input: its pairs by key again, in order. */
static bool run_again(draw *of, rf_dataset *made)
{
    RF_AUTO(rf_dataset, again);
    RF_AUTO(rf_results, pairs);
    int status = rf_mapreduce(of->pool, RF_JOB(.inputs = {{.source = rf_dataset_source(made)}}, .reducer = of->job.values || is_fold(of->job.reducer) ? NULL : rf_count,
                                               .order = of->job.order, .compare = of->job.compare, .partitioner = of->job.partitioner,
                                               .partitions = (uint32_t)rf_dataset_figures(made).reduce_tasks), NULL, &again);
    if (status || rf_dataset_collect(again, &pairs))
        return fail(of, "the next job is %s: %s", rf_status_name(status), rf_last_error()->message);
    if (of->job.values || is_fold(of->job.reducer))
        return of->job.order == RF_BY_KEY_GLOBAL || rf_results_len(pairs) == rf_results_len(of->got) ? of->job.order != RF_BY_KEY_GLOBAL || same_results(of, pairs) :
               fail(of, "the next job has other pairs");
    uint64_t sum = 0;
    for (uint64_t i = 0; i < rf_results_len(pairs); i++) {
        rf_value pair = rf_results_value(pairs, i), key;
        uint64_t count = 0;
        sum += RF_READ(pair, key, count) == RF_OK ? count : 0;
    }
    return sum == of->wanted.count || fail(of, "the next job counts %" PRIu64 " of %zu", sum, of->wanted.count);
}

static bool run_all(draw *of)
{
    rf_job job = of->job;
    rf_options options;
    RF_AUTO(rf_dataset, made);
    draw_options(of, &options, &job);
    if (!ended_right(of, run(of, &job, &options, &made)))
        return false;
    if (rf_dataset_collect(made, &of->got))
        return fail(of, "not collected: %s", rf_last_error()->message);
    if (!check_first(of, made))
        return false;
    if (one_in(of, 3) && !run_again(of, made))
        return false;
    bool right = one_in(of, 2) ? run_to_file(of) : run_to_dataset(of);
    return right && (one_in(of, 2) || run_to_file(of));
}

static uint64_t sum_of_outputs;

static void run_draw(rf_pool *pool, uint64_t seed)
{
    draw of = {.seed = seed, .random = mix(seed, 4711), .pool = pool, .job = *RF_JOB(.force = true)};
    draw_data(&of);
    draw_job(&of);
    for (uint32_t i = 0; i < of.input_count; i++)
        write_input(&of, &of.inputs[i]);
    make_model(&of);
    if (getenv("BY_KEY_TOLD"))
        printf("%" PRIu64 ": %s\n", seed, of.text);
    fflush(stdout);
    bool right = run_all(&of);
    for (uint64_t i = 0; i < rf_results_len(of.got); i++) {
        rf_value pair = rf_results_value(of.got, i);
        sum_of_outputs = hash_bytes(sum_of_outputs, pair.data, rf_size(pair));
    }
    if (!right)
        verify_failed(__FILE__, __LINE__, "SEED=%" PRIu64 " BY_KEY=1: %s:%s", seed, of.wrong, of.text);
    rf_results_free(of.got);
    give_back(&of.memory);
    free(of.wanted.all);
    free(of.pairs);
    free(of.groups);
}

CASE(F19_drawn_jobs_give_what_the_model_says_whatever_the_options)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const char *from = getenv("SEED"), *many = getenv("BY_KEY");
    uint64_t seed = from ? strtoull(from, NULL, 0) : (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    uint64_t draws = many ? strtoull(many, NULL, 0) : getenv("TEST_QUICK") ? 15 : 60;
    printf("seed %" PRIu64 ", %" PRIu64 " draws\n", seed, draws);
    fflush(stdout);
    unsigned wrong = 0;
    for (uint64_t i = 0; i < draws && wrong < 20; i++) {
        verifying.failed = false;
        run_draw(pool, seed + i);
        wrong += verifying.failed;
    }
    verifying.failed = wrong > 0;
    printf("sum of all outputs: %016" PRIx64 "\n", sum_of_outputs);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
