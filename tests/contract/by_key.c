/* Rows F1, F2, F6 to F8 and F10 of the contract: pairs meet by key, in the order that was asked for. */
#include "by_key.h"

/* ---- F1: word count ------------------------------------------------------------------------------------------------ */

#define WORDS 200

/* Lines of words of one to three letters, some far more often than others, and what a count of them gives. */
static void write_words(const char *path, size_t size, uint64_t seed, uint64_t counts[WORDS])
{
    FILE *to = fopen(path, "w");
    for (size_t written = 0; to && written < size;) {
        uint64_t draw = mix(seed, written), n = draw % 3 ? draw / 3 % 8 : draw / 3 % WORDS;
        counts[n]++;
        written += (size_t)fprintf(to, "w%" PRIu64 "%c", n, draw >> 40 & 7 ? ' ' : '\n');
    }
    if (to)
        fclose(to);
}

static char *counts_text(const uint64_t counts[WORDS])
{
    static char text[WORDS * 20];
    size_t used = 0;
    text[0] = '\0';
    for (unsigned n = 0; n < WORDS; n++)
        if (counts[n])
            used += (size_t)snprintf(text + used, sizeof text - used, "w%u\t%" PRIu64 "\n", n, counts[n]);
    return sort_lines(text);
}

static const char *const files[] = {"words-1", "words-2", "words-3"};

/* Three files, one of them empty. */
static void write_files(const char *paths[3], uint64_t counts[WORDS], size_t size)
{
    for (size_t i = 0; i < 3; i++)
        write_words(paths[i] = place(files[i]), i == 1 ? 0 : size, i, counts);
}

CASE(F1_words_are_counted_in_one_file)
{
    const char *paths[3], *out = new_output("counted");
    uint64_t counts[WORDS] = {0};
    write_files(paths, counts, 300000);
    RF_AUTO(rf_dataset, counted);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_splits(paths, 3), .mapper = words}}, .reducer = rf_sum,
                                           .order = RF_BY_KEY_GLOBAL, .output = out), NULL, &counted), RF_OK);
    CHECK_TEXT(read_text(out), counts_text(counts));
    CHECK_TEXT(names_in(place("counted")), "out");
}

CASE(F1_blocks_of_any_size_give_the_same_count)
{
    static const uint64_t sizes[] = {1, 1000, 100000};
    const char *paths[3], *out = new_output("blocks");
    uint64_t counts[WORDS] = {0};
    write_files(paths, counts, 100000);
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_splits(paths, 3), .mapper = words}}, .reducer = rf_sum,
                                               .order = RF_BY_KEY_GLOBAL, .output = out), RF_OPTIONS(.split_size = sizes[i] + i * 999), NULL), RF_OK);
        CHECK_TEXT(read_text(out), counts_text(counts));
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_lines(paths, 3), .mapper = words}}, .reducer = rf_sum,
                                               .order = RF_BY_KEY_GLOBAL, .output = out), RF_OPTIONS(.chunk_size = sizes[i]), NULL), RF_OK);
        CHECK_TEXT(read_text(out), counts_text(counts));
    }
}

CASE(F1_the_mapper_of_a_job_can_be_run_by_itself)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_run(words, RF_V("to be  or"), NULL, &results), RF_OK);
    CHECK_TEXT(results_text(results), "[[\"to\", 1], [\"be\", 1], [\"or\", 1]]\n");
}

/* ---- F1: keys ------------------------------------------------------------------------------------------------------ */

/* Which of these keys are one: a text of how often each was met, the keys in the order of their first appearance by "groups". */
static void count_keys(rf_pool *pool, const rf_value *keys, size_t count, const char *wanted)
{
    rf_value pairs[64][2], tuples[64];
    for (size_t i = 0; i < count; i++) {
        pairs[i][0] = keys[i];
        pairs[i][1] = rf_nil();
        tuples[i] = rf_tuple_of(pairs[i], 2);
    }
    for (uint64_t chunk = 0; chunk < 3; chunk++) {
        RF_AUTO(rf_dataset, counted);
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_values(tuples, count)}}, .reducer = rf_count, .order = RF_BY_KEY_GLOBAL),
                                  RF_OPTIONS(.chunk_size = chunk), &counted), RF_OK);
        CHECK_TEXT(sort_lines(pairs_text(counted)), wanted);
    }
}

CASE(F1_keys_are_equal_when_type_and_bytes_are)
{
    const rf_value integers[] = {rf_of_i64(1), rf_of_u64(1), rf_of_f64(1), rf_of_i64(-1), rf_of_u64(UINT64_MAX), rf_of_i64(1), rf_of_bool(true)};
    ALSO(count_keys(pool, integers, LENGTH(integers), "[-1, 1]\n[1, 3]\n[1.0, 1]\n[18446744073709551615, 1]\n[true, 1]\n"));
    const rf_value texts[] = {RF_V("a"), rf_text("a\0b", 3), rf_text("", 0), rf_nil(), RF_V("a"), rf_nil(), rf_text("", 0), rf_text("", 0)};
    ALSO(count_keys(pool, texts, LENGTH(texts), "[\"\", 3]\n[\"a\", 2]\n[\"a\\u0000b\", 1]\n[null, 2]\n"));
    const rf_value truths[] = {rf_of_bool(true), rf_of_bool(false), rf_of_bool(true), rf_of_i64(0), rf_of_i64(1)};
    ALSO(count_keys(pool, truths, LENGTH(truths), "[0, 1]\n[1, 1]\n[false, 1]\n[true, 2]\n"));
    const rf_value tuples[] = {RF_TUPLE(1, "a"), RF_TUPLE(1, "b"), RF_TUPLE(1, "a"), RF_TUPLE(1, RF_TUPLE("a")), RF_DICT("k", 1), RF_DICT("k", 1)};
    ALSO(count_keys(pool, tuples, LENGTH(tuples), "[[1, \"a\"], 2]\n[[1, \"b\"], 1]\n[[1, [\"a\"]], 1]\n[{\"k\": 1}, 2]\n"));
}

/* Bytes print as text does: counted alone. */
CASE(F1_text_and_bytes_are_different_keys)
{
    const rf_value both[] = {RF_TUPLE(RF_V("a"), 1), RF_TUPLE(rf_bytes("a", 1), 1), RF_TUPLE(RF_V("a"), 1)};
    RF_AUTO(rf_dataset, counted);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_values(both, 3)}}, .reducer = rf_sum), NULL, &counted), RF_OK);
    CHECK_INT(rf_dataset_len(counted), 2);
    RF_AUTO(rf_results, pairs);
    CHECK_STATUS(rf_dataset_collect(counted, &pairs), RF_OK);
    for (uint64_t i = 0; i < 2; i++) {
        rf_value pair = rf_results_value(pairs, i), key;
        int64_t sum;
        CHECK_STATUS(RF_READ(pair, key, sum), RF_OK);
        CHECK_INT(sum, rf_type_of(key) == RF_TEXT ? 2 : 1);
    }
}

CASE(F1_zeros_of_either_sign_are_one_key_and_so_are_all_that_are_no_number)
{
    double other = -NAN;
    const rf_value keys[] = {rf_of_f64(0.0), rf_of_f64(-0.0), rf_of_f64(NAN), rf_of_f64(other), rf_of_f64(1.5), rf_of_f64(-INFINITY), rf_of_f64(INFINITY)};
    rf_value pairs[LENGTH(keys)][2], tuples[LENGTH(keys)];
    for (size_t i = 0; i < LENGTH(keys); i++) {
        pairs[i][0] = keys[i];
        pairs[i][1] = rf_of_i64(1);
        tuples[i] = rf_tuple_of(pairs[i], 2);
    }
    RF_AUTO(rf_dataset, counted);
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_values(tuples, LENGTH(keys))}}, .reducer = rf_sum), NULL, &counted), RF_OK);
    CHECK_STATUS(rf_dataset_collect(counted, &results), RF_OK);
    CHECK_INT(rf_results_len(results), 5);
    for (uint64_t i = 0; i < 5; i++) {
        rf_value pair = rf_results_value(results, i);
        double key;
        int64_t sum;
        CHECK_STATUS(RF_READ(pair, key, sum), RF_OK);
        CHECK_INT(sum, key != key || key == 0 ? 2 : 1);
        CHECK(key != 0 || !signbit(key));
    }
}

static int emit_nothing(rf_call *call, rf_value item)
{
    (void)call, (void)item;
    return RF_OK;
}
RF_REGISTER(emit_nothing);

CASE(F1_a_mapper_may_emit_nothing_and_an_input_may_be_empty)
{
    static const rf_order orders[] = {RF_UNORDERED, RF_BY_KEY, RF_BY_KEY_GLOBAL};
    for (size_t i = 0; i < 3; i++) {
        const char *out = new_output("nothing");
        RF_AUTO(rf_dataset, made);
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 1000), .mapper = emit_nothing}}, .reducer = rf_sum,
                                               .order = orders[i], .output = out), NULL, NULL), RF_OK);
        CHECK_TEXT(read_text(out), "");
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 0), .mapper = emit_nothing}}, .reducer = listed,
                                               .order = orders[i]), NULL, &made), RF_OK);
        CHECK_INT(rf_dataset_len(made), 0);
        CHECK_TEXT(pairs_text(made), "");
    }
}

/* ---- F1: reducers ---------------------------------------------------------------------------------------------------- */

static int emit_none_one_or_several(rf_call *call, rf_value key, rf_group *values)
{
    (void)values;
    int64_t n = rf_i64(key);
    for (int64_t i = 0; i < n; i++)
        if (RF_EMIT(call, "from", n))
            return RF_EFUNCTION;
    return RF_OK;
}
RF_REGISTER(emit_none_one_or_several);

static int return_a_tuple(rf_call *call, rf_value key, rf_group *values)
{
    rf_value first;
    int status = rf_group_next(values, &first);
    return status ? status : RF_RETURN(call, rf_call_keep(call, key), first, "x");
}
RF_REGISTER(return_a_tuple);

CASE(F1_a_reducer_emits_pairs_of_any_key_or_returns_one_value)
{
    int64_t modulus = 4;
    RF_AUTO(rf_dataset, emitted);
    RF_AUTO(rf_dataset, returned);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 100), .mapper = by_rest, .state = RF_STATE(modulus)}},
                                           .reducer = emit_none_one_or_several), NULL, &emitted), RF_OK);
    CHECK_TEXT(sort_lines(pairs_text(emitted)), "[\"from\", 1]\n[\"from\", 2]\n[\"from\", 2]\n[\"from\", 3]\n[\"from\", 3]\n[\"from\", 3]\n");
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 100), .mapper = by_rest, .state = RF_STATE(modulus)}},
                                           .reducer = return_a_tuple, .order = RF_BY_KEY_GLOBAL), NULL, &returned), RF_OK);
    CHECK_TEXT(pairs_text(returned), "[0, [0, 0, \"x\"]]\n[1, [1, 1, \"x\"]]\n[2, [2, 2, \"x\"]]\n[3, [3, 3, \"x\"]]\n");
}

CASE(F1_without_a_reducer_pairs_are_the_output_as_they_were_emitted)
{
    int64_t modulus = 2;
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 6), .mapper = by_rest, .state = RF_STATE(modulus)}},
                                           .order = RF_BY_KEY_GLOBAL), RF_OPTIONS(.chunk_size = 1), &made), RF_OK);
    CHECK_TEXT(pairs_text(made), "[0, 0]\n[0, 2]\n[0, 4]\n[1, 1]\n[1, 3]\n[1, 5]\n");
    CHECK_INT(rf_dataset_len(made), 6);
}

static int with_its_state(rf_call *call, rf_value key, rf_group *values)
{
    const int64_t *factor = RF_CALL_STATE(call, int64_t);
    rf_value value;
    int64_t sum = 0;
    int status;
    if (!factor)
        return RF_EARGS;
    while ((status = rf_group_next(values, &value)) == RF_OK)
        sum += rf_i64(value);
    return status == RF_END ? RF_EMIT(call, key, sum * *factor) : status;
}
RF_REGISTER(with_its_state);

CASE(F1_mappers_and_the_reducer_have_states_of_their_own)
{
    int64_t two = 2, three = 3, factor = 10;
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 6), .mapper = by_rest, .state = RF_STATE(two)},
                                                      {.source = rf_range(0, 6), .mapper = by_rest, .state = RF_STATE(three)}},
                                           .reducer = with_its_state, .state = RF_STATE(factor), .order = RF_BY_KEY_GLOBAL), NULL, &made), RF_OK);
    CHECK_TEXT(pairs_text(made), "[0, 90]\n[1, 140]\n[2, 70]\n");
}

/* ---- F2 -------------------------------------------------------------------------------------------------------------- */

/* Three values of each item under one of four keys. */
static int three_of_each(rf_call *call, rf_value item)
{
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    for (int64_t i = 0; i < 3; i++)
        if (RF_EMIT(call, n % 4, 10 * n + i))
            return RF_EFUNCTION;
    return RF_OK;
}
RF_REGISTER(three_of_each);

/* What listed makes of two inputs of so many items under three_of_each. */
static char *listed_in_order(int64_t items)
{
    static char text[1 << 20];
    size_t used = 0;
    for (int64_t key = 0; key < 4; key++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "[%" PRId64 ", \"", key);
        for (int input = 0; input < 2; input++)
            for (int64_t n = key; n < items; n += 4)
                for (int64_t i = 0; i < 3; i++)
                    used += (size_t)snprintf(text + used, sizeof text - used, "%d:%" PRId64 " ", input, 10 * n + i);
        used += (size_t)snprintf(text + used, sizeof text - used, "\"]\n");
    }
    return text;
}

CASE(F2_values_come_in_the_order_of_inputs_items_and_emission)
{
    static const uint64_t chunks[] = {1, 7, 0, 100000};
    for (size_t i = 0; i < LENGTH(chunks); i++) {
        RF_AUTO(rf_dataset, made);
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 500), .mapper = three_of_each},
                                                          {.source = rf_range(0, 500), .mapper = three_of_each}},
                                               .reducer = listed, .order = RF_BY_KEY_GLOBAL), RF_OPTIONS(.chunk_size = chunks[i]), &made), RF_OK);
        CHECK_TEXT(pairs_text(made), listed_in_order(500));
    }
}

/* (first byte, line) */
static int by_first_byte(rf_call *call, rf_value line)
{
    return rf_emit_pair(call, rf_text(line.data, 1), line);
}
RF_REGISTER(by_first_byte);

CASE(F2_lines_of_many_files_come_in_the_order_of_the_files_and_in_them)
{
    static char text[64][2000], wanted[300000];
    const char *paths[64];
    char name[20];
    size_t used = (size_t)snprintf(wanted, sizeof wanted, "a\t");
    for (unsigned f = 0; f < 64; f++) {
        size_t size = 0;
        for (unsigned line = 0; line < (f % 5 ? f : 0); line++) {
            size += (size_t)snprintf(text[f] + size, sizeof text[f] - size, "a%u.%u\n", f, line);
            used += (size_t)snprintf(wanted + used, sizeof wanted - used, "0:\"a%u.%u\" ", f, line);
        }
        snprintf(name, sizeof name, "file-%u", f);
        paths[f] = strdup(write_text(place(name), text[f]));
    }
    strcpy(wanted + used, "\n");
    const char *out = new_output("in-order");
    for (uint64_t split = 50; split < 100000; split *= 10) {
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_lines(paths, 64), .mapper = by_first_byte}}, .reducer = listed,
                                               .output = out), RF_OPTIONS(.split_size = split), NULL), RF_OK);
        CHECK_TEXT(read_text(out), wanted);
    }
    for (unsigned f = 0; f < 64; f++)
        free((char *)paths[f]);
}

/* ---- F6 -------------------------------------------------------------------------------------------------------------- */

#define KEYS_MOST 1000

/* Emits keys that ascend, shuffled, and wants them back as they were. */
static void come_back_in_order(rf_pool *pool, const rf_value *keys, size_t count, rf_compare_function *compare, uint32_t partitions)
{
    static rf_value pairs[KEYS_MOST][2], tuples[KEYS_MOST];
    rf_value order[KEYS_MOST];
    memcpy(order, keys, count * sizeof *keys);
    for (size_t i = count; i > 1; i--) {
        size_t j = mix(count, i) % i;
        rf_value kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
    for (size_t i = 0; i < count; i++) {
        pairs[i][0] = order[i];
        pairs[i][1] = rf_nil();
        tuples[i] = rf_tuple_of(pairs[i], 2);
    }
    RF_AUTO(rf_dataset, made);
    RF_AUTO(rf_results, results);
    RF_AUTO(rf_results, wanted);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_values(tuples, count)}}, .order = RF_BY_KEY_GLOBAL, .compare = compare,
                                           .partitions = partitions), RF_OPTIONS(.chunk_size = 5), &made), RF_OK);
    CHECK_STATUS(rf_dataset_collect(made, &results), RF_OK);
    for (size_t i = 0; i < count; i++) {
        pairs[i][0] = keys[i];
        tuples[i] = rf_tuple_of(pairs[i], 2);
    }
    CHECK_INT(rf_results_len(results), count);
    char *text = results_text(results);
    for (size_t i = 0; i < count; i++) {
        char one[400];
        FILE *to = fmemopen(one, sizeof one, "w");
        rf_print(to, tuples[i]);
        fputc('\n', to);
        fclose(to);
        CHECK_(strncmp(text, one, strlen(one)) == 0, "key %zu is %.50s, not %s", i, text, one);
        text += strlen(one);
    }
}

static void in_order(rf_pool *pool, const rf_value *keys, size_t count)
{
    ALSO(come_back_in_order(pool, keys, count, NULL, 0));
    ALSO(come_back_in_order(pool, keys, count, NULL, 1));
    ALSO(come_back_in_order(pool, keys, count, NULL, 3));
}

CASE(F6_integers_ascend_whatever_their_sign)
{
    static const int64_t some[] = {INT64_MIN, INT64_MIN + 1, -4294967296, -65536, -256, -255, -1, 0, 1, 127, 128, 255, 256, 65536, INT64_MAX - 1, INT64_MAX};
    rf_value keys[LENGTH(some) + 4];
    size_t count = 0;
    for (; count < LENGTH(some); count++)
        keys[count] = count % 2 && some[count] >= 0 ? rf_of_u64((uint64_t)some[count]) : rf_of_i64(some[count]);
    keys[count++] = rf_of_u64((uint64_t)INT64_MAX + 1);
    keys[count++] = rf_of_u64((uint64_t)INT64_MAX + 2);
    keys[count++] = rf_of_u64(UINT64_MAX - 1);
    keys[count++] = rf_of_u64(UINT64_MAX);
    ALSO(in_order(pool, keys, count));
}

CASE(F6_doubles_ascend)
{
    static const double some[] = {-INFINITY, -1e300, -2.5, -1.0, -1e-300, 0.0, 5e-324, 1e-300, 0.5, 1.0, 1.0000000000000002, 1e300, INFINITY};
    rf_value keys[LENGTH(some)];
    for (size_t i = 0; i < LENGTH(some); i++)
        keys[i] = rf_of_f64(some[i]);
    ALSO(in_order(pool, keys, LENGTH(some)));
}

CASE(F6_texts_ascend_by_bytes)
{
    const rf_value keys[] = {rf_text("", 0),     rf_text("\0", 1),   rf_text("\0\0", 2), rf_text("\1", 1),         RF_V("A"),
                             RF_V("a"),          RF_V("aa"),         RF_V("aaaaaaaa"),   RF_V("aaaaaaaaa"),        RF_V("aaaaaaaab"),
                             RF_V("aaaaaaaabb"), RF_V("aaaaaaaacb"), RF_V("b"),          RF_V("\xc3\xa4")};
    ALSO(in_order(pool, keys, LENGTH(keys)));
}

CASE(F6_many_keys_ascend_over_all_partitions)
{
    static char text[KEYS_MOST][12];
    static rf_value keys[KEYS_MOST];
    for (size_t i = 0; i < KEYS_MOST; i++) {
        snprintf(text[i], sizeof text[i], "common%04zu", i);
        keys[i] = RF_V(text[i]);
    }
    ALSO(in_order(pool, keys, KEYS_MOST));
}

/* What the parts of an output of numbers hold, each ascending, behind each other; false where one does not. */
static bool parts_ascend(const char *folder, unsigned parts, bool over_all, uint64_t *lines, bool *several)
{
    int64_t last = INT64_MIN;
    unsigned used = 0;
    *lines = 0;
    for (unsigned p = 0; p < parts; p++) {
        char *text = read_text(below(folder, "part-%05u", p)), *end;
        if (!text)
            return false;
        used += *text != '\0';
        for (last = over_all ? last : INT64_MIN; *text; text = end + 1) {
            int64_t key = strtoll(text, &end, 10);
            if (key < last || !(end = strchr(end, '\n')))
                return false;
            last = key;
            ++*lines;
        }
    }
    *several = used > 1;
    return true;
}

/* Most items have one key; the others have each their own. */
static int skewed(rf_call *call, rf_value item)
{
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    return RF_EMIT(call, mix(1, (uint64_t)n) % 10 ? 5000 : (int64_t)(mix(2, (uint64_t)n) % 10000), n);
}
RF_REGISTER(skewed);

static int one_key(rf_call *call, rf_value item)
{
    return RF_EMIT(call, 7, item);
}
RF_REGISTER(one_key);

CASE(F6_the_parts_of_a_global_order_ascend_behind_each_other)
{
    static rf_map_function *const mappers[] = {skewed, one_key, by_rest};
    int64_t modulus = 3000;
    for (size_t i = 0; i < LENGTH(mappers); i++)
        for (uint32_t partitions = 1; partitions <= 16; partitions *= 4) {
            uint64_t lines;
            bool several;
            const char *out = new_output("ranges");
            CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 20000), .mapper = mappers[i], .state = RF_STATE(modulus)}},
                                                   .partitions = partitions, .order = RF_BY_KEY_GLOBAL, .output = out), NULL, NULL), RF_OK);
            CHECK(parts_ascend(out, partitions, true, &lines, &several));
            CHECK_INT(lines, 20000);
            CHECK(several == (partitions > 1 && mappers[i] != one_key));
        }
}

CASE(F6_each_partition_ascends_by_itself)
{
    int64_t modulus = 3000;
    uint64_t lines;
    bool several;
    const char *out = new_output("each");
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 20000), .mapper = by_rest, .state = RF_STATE(modulus)}}, .partitions = 5,
                                           .order = RF_BY_KEY, .output = out), NULL, NULL), RF_OK);
    CHECK(parts_ascend(out, 5, false, &lines, &several));
    CHECK_INT(lines, 20000);
    CHECK(several && !parts_ascend(out, 5, true, &lines, &several));
}

CASE(F6_without_an_order_it_is_the_same_in_each_run)
{
    int64_t modulus = 3000;
    static char first[1 << 20];
    for (uint64_t chunk = 0; chunk < 3000; chunk = 10 * chunk + 7) {
        RF_AUTO(rf_dataset, made);
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 5000), .mapper = by_rest, .state = RF_STATE(modulus)}},
                                               .reducer = listed), RF_OPTIONS(.chunk_size = chunk), &made), RF_OK);
        char *text = pairs_text(made);
        if (!chunk)
            strcpy(first, text);
        CHECK_TEXT(text, first);
    }
}

CASE(F6_keys_of_several_types_have_an_order_always_the_same)
{
    const rf_value keys[] = {RF_V("a"), rf_of_i64(0), rf_of_f64(0), rf_nil(), rf_of_bool(false), rf_bytes("a", 1), RF_TUPLE(1), rf_of_u64(UINT64_MAX),
                             rf_text("", 0), rf_bytes("", 0), rf_of_bool(true), rf_of_i64(-1), rf_text("\x80\0\0\0\0\0\0\0", 8)};
    static char first[4000];
    rf_value pairs[LENGTH(keys)][2], tuples[LENGTH(keys)];
    for (size_t turn = 0; turn < LENGTH(keys); turn++) {
        RF_AUTO(rf_dataset, made);
        for (size_t i = 0; i < LENGTH(keys); i++) {
            pairs[i][0] = keys[(i + turn) % LENGTH(keys)];
            pairs[i][1] = rf_of_i64((int64_t)((i + turn) % LENGTH(keys)));
            tuples[i] = rf_tuple_of(pairs[i], 2);
        }
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_values(tuples, LENGTH(keys))}}, .order = RF_BY_KEY_GLOBAL, .partitions = 1 + turn % 4),
                                  RF_OPTIONS(.chunk_size = 1 + turn % 5), &made), RF_OK);
        if (!turn)
            strcpy(first, pairs_text(made));
        CHECK_TEXT(pairs_text(made), first);
    }
}

static int descending(rf_value a, rf_value b)
{
    return rf_i64(a) > rf_i64(b) ? -1 : rf_i64(a) < rf_i64(b);
}
RF_REGISTER(descending);

static int all_the_same(rf_value a, rf_value b)
{
    (void)a, (void)b;
    return 0;
}
RF_REGISTER(all_the_same);

static int no_order(rf_value a, rf_value b)
{
    return (int)(mix((uint64_t)rf_i64(a), (uint64_t)rf_i64(b)) % 3) - 1;
}
RF_REGISTER(no_order);

static int always_greater(rf_value a, rf_value b)
{
    (void)a, (void)b;
    return 1;
}
RF_REGISTER(always_greater);

CASE(F6_a_function_compares_keys)
{
    rf_value keys[KEYS_MOST];
    for (size_t i = 0; i < KEYS_MOST; i++)
        keys[i] = rf_of_i64(500 - (int64_t)i);
    ALSO(come_back_in_order(pool, keys, KEYS_MOST, descending, 0));
    ALSO(come_back_in_order(pool, keys, KEYS_MOST, descending, 7));
}

CASE(F6_keys_that_compare_equal_stay_different_groups)
{
    int64_t modulus = 10;
    for (uint64_t chunk = 1; chunk < 1000; chunk *= 9) {
        RF_AUTO(rf_dataset, made);
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 1000), .mapper = by_rest, .state = RF_STATE(modulus)}}, .compare = all_the_same,
                                               .reducer = rf_count, .order = RF_BY_KEY_GLOBAL), RF_OPTIONS(.chunk_size = chunk), &made), RF_OK);
        CHECK_TEXT(sort_lines(pairs_text(made)), "[0, 100]\n[1, 100]\n[2, 100]\n[3, 100]\n[4, 100]\n[5, 100]\n[6, 100]\n[7, 100]\n[8, 100]\n[9, 100]\n");
    }
}

/* Nothing is promised of the groups; pairs are neither lost nor doubled where they are only passed on in partitions by hash. */
CASE(F6_a_comparison_that_is_no_order_gives_some_order)
{
    static rf_compare_function *const some[] = {no_order, always_greater};
    static const rf_order orders[] = {RF_BY_KEY, RF_BY_KEY_GLOBAL};
    int64_t modulus = 500;
    for (size_t i = 0; i < 4; i++) {
        RF_AUTO(rf_dataset, passed);
        RF_AUTO(rf_dataset, counted);
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 20000), .mapper = by_rest, .state = RF_STATE(modulus)}}, .compare = some[i % 2],
                                               .order = orders[i / 2]), RF_OPTIONS(.chunk_size = 300), &passed), RF_OK);
        CHECK(orders[i / 2] == RF_BY_KEY_GLOBAL || rf_dataset_len(passed) == 20000);
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 20000), .mapper = by_rest, .state = RF_STATE(modulus)}}, .compare = some[i % 2],
                                               .reducer = rf_sum, .order = orders[i / 2]), RF_OPTIONS(.chunk_size = 300), &counted), RF_OK);
        CHECK_STATUS(rf_dataset_collect(counted, &(rf_results *){NULL}), RF_OK);
    }
}

/* ---- F7 -------------------------------------------------------------------------------------------------------------- */

CASE(F7_values_ascend_by_type_number_and_bytes)
{
    const rf_value values[] = {rf_nil(),          rf_of_bool(false), rf_of_bool(true),  rf_of_f64(-INFINITY), rf_of_i64(INT64_MIN),  rf_of_i64(-1),
                               rf_of_f64(-0.5),   rf_of_i64(0),      rf_of_f64(0.25),   rf_of_i64(1),         rf_of_f64(1.5),        rf_of_u64(2),
                               rf_of_f64(0x1p53), rf_of_i64((INT64_C(1) << 53) + 1),    rf_of_u64(UINT64_MAX), rf_of_f64(0x1p64),   rf_text("", 0),
                               RF_V("A"),         RF_V("a"),         RF_V("ab"),        rf_bytes("A", 1),     RF_TUPLE(1)};
    rf_value pairs[LENGTH(values)][2], tuples[LENGTH(values)];
    for (unsigned turn = 0; turn < 5; turn++) {
        for (size_t i = 0; i < LENGTH(values); i++) {
            size_t at = (i * 5 + turn) % LENGTH(values);
            pairs[at][0] = RF_V("k");
            pairs[at][1] = values[i];
            tuples[at] = rf_tuple_of(pairs[at], 2);
        }
        RF_AUTO(rf_dataset, made);
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_values(tuples, LENGTH(values))}}, .values = RF_BY_VALUE),
                                  RF_OPTIONS(.chunk_size = 1 + turn), &made), RF_OK);
        CHECK_STATUS(rf_dataset_collect(made, &results), RF_OK);
        CHECK_INT(rf_results_len(results), LENGTH(values));
        for (size_t i = 0; i < LENGTH(values); i++) {
            rf_value pair = rf_results_value(results, i), key, value;
            CHECK_STATUS(RF_READ(pair, key, value), RF_OK);
            bool as_it_was = rf_type_of(values[i]) >= RF_TEXT ? rf_type_of(value) == rf_type_of(values[i]) : value.u64 == values[i].u64;
            CHECK_(as_it_was, "value %zu", i);
        }
    }
}

/* (n % 3, n % 7 as an integer or a double): equal ones as they came. */
static int often_equal(rf_call *call, rf_value item)
{
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    rf_value value = n / 21 % 2 ? rf_of_i64(n % 7) : rf_of_f64((double)(n % 7));
    return RF_EMIT(call, n % 3, value);
}
RF_REGISTER(often_equal);

CASE(F7_equal_values_come_as_they_would_have)
{
    char wanted[4000] = "";
    size_t used = 0;
    for (int key = 0; key < 3; key++) {
        used += (size_t)snprintf(wanted + used, sizeof wanted - used, "[%d, \"", key);
        for (int value = 0; value < 7; value++)
            for (int n = 0; n < 210; n++)
                if (n % 3 == key && n % 7 == value)
                    used += (size_t)snprintf(wanted + used, sizeof wanted - used, n / 21 % 2 ? "0:%d " : "0:%d.0 ", value);
        used += (size_t)snprintf(wanted + used, sizeof wanted - used, "\"]\n");
    }
    for (uint64_t chunk = 1; chunk < 300; chunk *= 6) {
        RF_AUTO(rf_dataset, made);
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 210), .mapper = often_equal}}, .reducer = listed, .values = RF_BY_VALUE,
                                               .order = RF_BY_KEY_GLOBAL), RF_OPTIONS(.chunk_size = chunk), &made), RF_OK);
        CHECK_TEXT(pairs_text(made), wanted);
    }
}

/* ---- F8 -------------------------------------------------------------------------------------------------------------- */

static int twenty_bytes(rf_call *call, rf_value item)
{
    int64_t n;
    char text[32];
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    snprintf(text, sizeof text, "%020" PRId64, n);
    return RF_EMIT(call, "one", text);
}
RF_REGISTER(twenty_bytes);

/* Counts ascending numbers. */
static int count_ascending(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    int64_t next = 0;
    int status;
    (void)key;
    while ((status = rf_group_next(values, &value)) == RF_OK) {
        if (rf_size(value) != 20 || strtoll(value.data, NULL, 10) != next || (uintptr_t)value.data % 16 || rf_str(value)[20])
            return rf_fail(call, "order", "value %" PRId64 " is %.30s", next, rf_str(value));
        next++;
    }
    return status == RF_END ? RF_RETURN(call, next) : status;
}
RF_REGISTER(count_ascending);

CASE(F8_a_million_values_of_one_key_go_through_little_memory)
{
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 1000000), .mapper = twenty_bytes}}, .reducer = count_ascending,
                                           .memory = 1), NULL, &made), RF_OK);
    CHECK_TEXT(pairs_text(made), "[\"one\", 1000000]\n");
    CHECK_INT(rf_dataset_figures(made).emitted, 1000000);
    if (rf_workers(pool) == 1)
        CHECK(rf_dataset_figures(made).spilled > 10000000);
}

static int take_a_few(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    int64_t sum = 0;
    for (int64_t i = 0; i < rf_i64(key); i++)
        if (rf_group_next(values, &value) == RF_OK)
            sum += rf_i64(value);
    return RF_RETURN(call, sum);
}
RF_REGISTER(take_a_few);

CASE(F8_values_that_are_not_taken_are_passed_over)
{
    int64_t modulus = 5;
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 5000), .mapper = by_rest, .state = RF_STATE(modulus)}}, .reducer = take_a_few,
                                           .order = RF_BY_KEY_GLOBAL), RF_OPTIONS(.chunk_size = 100), &made), RF_OK);
    CHECK_TEXT(pairs_text(made), "[0, 0]\n[1, 1]\n[2, 9]\n[3, 24]\n[4, 46]\n");
}

static int past_the_end(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    (void)key;
    while (rf_group_next(values, &value) == RF_OK)
        ;
    for (int i = 0; i < 3; i++)
        if (rf_group_next(values, &value) != RF_END)
            return rf_fail(call, "end", "it goes on");
    return RF_RETURN(call, "ended");
}
RF_REGISTER(past_the_end);

CASE(F8_the_end_of_a_group_is_the_end_each_time)
{
    int64_t modulus = 3;
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 30), .mapper = by_rest, .state = RF_STATE(modulus)}}, .reducer = past_the_end,
                                           .order = RF_BY_KEY_GLOBAL), NULL, &made), RF_OK);
    CHECK_TEXT(pairs_text(made), "[0, \"ended\"]\n[1, \"ended\"]\n[2, \"ended\"]\n");
}

/* ---- F10 ------------------------------------------------------------------------------------------------------------- */

struct kept { rf_value value; struct kept *next; };

/* The left values of a key are kept, the right ones streamed past. */
static int match(rf_call *call, rf_value key, rf_group *values)
{
    struct kept *lefts = NULL, **last = &lefts;
    rf_value value;
    int status;
    while ((status = rf_group_next(values, &value)) == RF_OK) {
        if (rf_group_input(values) == 0) {
            struct kept *k = rf_call_alloc(call, sizeof *k);
            if (!k)
                return RF_ENOMEM;
            *k = (struct kept){rf_call_keep(call, value), NULL};
            *last = k, last = &k->next;
            continue;
        }
        for (struct kept *k = lefts; k; k = k->next)
            if (RF_EMIT(call, key, RF_TUPLE(k->value, value)))
                return RF_EFUNCTION;
    }
    return status == RF_END ? RF_OK : status;
}
RF_REGISTER(match);

/* Key and value of line i of a side: keys are scarce, and some are on one side alone. */
static int64_t line_key(int side, int64_t i) { return (int64_t)(mix((uint64_t)side, (uint64_t)i) % 300) + 50 * side; }

static const char *write_side(int side, int64_t lines)
{
    char name[20];
    snprintf(name, sizeof name, "side-%d", side);
    const char *path = place(name);
    FILE *to = fopen(path, "w");
    for (int64_t i = 0; to && i < lines; i++)
        fprintf(to, "k%03" PRId64 "\t%c%" PRId64 "\n", line_key(side, i), side ? 'r' : 'l', i);
    if (to)
        fclose(to);
    return path;
}

CASE(F10_two_files_are_joined)
{
    const int64_t lefts = 800, rights = 1000;
    const char *left = write_side(0, lefts), *right = write_side(1, rights), *out = new_output("joined");
    static char wanted[1 << 20];
    size_t used = 0;
    for (int64_t key = 0; key < 350; key++)
        for (int64_t r = 0; r < rights; r++)
            for (int64_t l = 0; line_key(1, r) == key && l < lefts; l++)
                if (line_key(0, l) == key)
                    used += (size_t)snprintf(wanted + used, sizeof wanted - used, "k%03" PRId64 "\t[\"l%" PRId64 "\", \"r%" PRId64 "\"]\n", key, l, r);
    for (uint64_t split = 500; split < 100000; split *= 10) {
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_lines(&left, 1), .mapper = rf_key_value},
                                                          {.source = rf_lines(&right, 1), .mapper = rf_key_value}},
                                               .reducer = match, .order = RF_BY_KEY_GLOBAL, .output = out), RF_OPTIONS(.split_size = split), NULL), RF_OK);
        CHECK_TEXT(read_text(out), wanted);
    }
}

CASE(F10_eight_inputs_are_told_apart)
{
    int64_t modulus = 1;
    rf_job job = *RF_JOB(.reducer = listed);
    for (int i = 0; i < RF_INPUTS_MOST; i++)
        job.inputs[i] = (rf_input){.source = rf_range(10 * i, 10 * i + 2), .mapper = by_rest, .state = RF_STATE(modulus)};
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, &job, NULL, &made), RF_OK);
    CHECK_TEXT(pairs_text(made), "[0, \"0:0 0:1 1:10 1:11 2:20 2:21 3:30 3:31 4:40 4:41 5:50 5:51 6:60 6:61 7:70 7:71 \"]\n");
}

CASE(F10_inputs_of_different_kinds_meet)
{
    const char *path = write_text(place("a-line"), "1\tfrom a line\nalone\n");
    int64_t modulus = 3;
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 3), .mapper = by_rest, .state = RF_STATE(modulus)},
                                                      {.source = RF_VALUES(RF_TUPLE("1", 5), RF_TUPLE(1, 2.5))},
                                                      {.source = rf_lines(&path, 1), .mapper = rf_key_value}},
                                           .reducer = listed), NULL, &made), RF_OK);
    CHECK_TEXT(sort_lines(pairs_text(made)), "[\"1\", \"1:5 2:\\\"from a line\\\" \"]\n[\"alone\", \"2:null \"]\n[0, \"0:0 \"]\n[1, \"0:1 1:2.5 \"]\n[2, \"0:2 \"]\n");
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
