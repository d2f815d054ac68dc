/* Chained collections on 1, 2, 3 and 5 ranks: rows C1 to C9, each oracle exactly. */
#include "../verify.h"

/* ---- functions ---- */

static int twice(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, 2 * x);
}
RF_REGISTER(twice);

static int twice_elements(rf_call *call, rf_value item)
{
    for (rf_value one; rf_take(&item, &one) == RF_OK;)
        rf_emit(call, rf_of_i64(2 * rf_i64(one)));
    return RF_OK;
}
RF_REGISTER(twice_elements);

static int twice_tuple(rf_call *call, rf_value item)
{
    rf_value elements[16];
    size_t count = 0;
    for (rf_value one; count < 16 && rf_take(&item, &one) == RF_OK;)
        elements[count++] = rf_of_i64(2 * rf_i64(one));
    return rf_return(call, rf_tuple_of(elements, count));
}
RF_REGISTER(twice_tuple);

static int to_string(rf_call *call, rf_value item)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, rf_i64(item));
    return RF_RETURN(call, text);
}
RF_REGISTER(to_string);

static int to_upper(rf_call *call, rf_value item)
{
    char *text = rf_call_alloc(call, rf_size(item) + 1);
    if (!text)
        return RF_ENOMEM;
    memcpy(text, item.data, rf_size(item));
    for (size_t i = 0; i < rf_size(item); i++)
        text[i] -= text[i] >= 'a' && text[i] <= 'z' ? 'a' - 'A' : 0;
    return rf_return(call, rf_text(text, rf_size(item)));
}
RF_REGISTER(to_upper);

static bool is_digit(rf_call *call, rf_value item)
{
    const char *text;
    return RF_ARGS(call, item, text) == RF_OK && text[0] >= '0' && text[0] <= '9';
}
RF_REGISTER(is_digit);

static bool value_is_digit(rf_call *call, rf_value item)
{
    rf_value key, value;
    return RF_ARGS(call, item, key, value) == RF_OK && is_digit(call, value);
}
RF_REGISTER(value_is_digit);

static bool is_even(rf_call *call, rf_value item)
{
    int64_t x;
    return RF_ARGS(call, item, x) == RF_OK && x % 2 == 0;
}
RF_REGISTER(is_even);

static bool is_nil(rf_call *call, rf_value item)
{
    (void)call;
    return rf_type_of(item) == RF_NIL;
}
RF_REGISTER(is_nil);

static bool below(rf_call *call, rf_value item)
{
    const int64_t *limit = RF_CALL_STATE(call, int64_t);
    return limit && rf_i64(item) < *limit;
}
RF_REGISTER(below);

/* Emits its item as often as its value says. */
static int repeat(rf_call *call, rf_value item)
{
    for (int64_t i = rf_i64(item) % 4; i > 0; i--)
        rf_emit(call, item);
    return RF_OK;
}
RF_REGISTER(repeat);

static int with_index(rf_call *call, rf_value item)
{
    return RF_RETURN(call, rf_call_index(call), item);
}
RF_REGISTER(with_index);

static int refuse_seventh(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return x % 7 == 3 ? rf_fail(call, "seven", "%" PRId64 " is refused", x) : RF_RETURN(call, x);
}
RF_REGISTER(refuse_seventh);

static int refuse_once(rf_call *call, rf_value item)
{
    return rf_call_attempt(call) == 1 ? rf_fail(call, "once", "not yet") : rf_return(call, item);
}
RF_REGISTER(refuse_once);

static int length(rf_call *call, rf_value item)
{
    return RF_RETURN(call, rf_size(item));
}
RF_REGISTER(length);

static int first_letter(rf_call *call, rf_value item)
{
    return rf_return(call, rf_text(item.data, rf_size(item) != 0));
}
RF_REGISTER(first_letter);

static int nothing(rf_call *call, rf_value item)
{
    (void)item;
    return rf_return(call, rf_nil());
}
RF_REGISTER(nothing);

static int add(rf_call *call, rf_value sum, rf_value item)
{
    int64_t s, x;
    if (RF_ARGS(call, sum, s) || RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, s + x);
}
RF_REGISTER(add);

static int add_real(rf_call *call, rf_value sum, rf_value item)
{
    double s, x;
    if (RF_ARGS(call, sum, s) || RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, s + x);
}
RF_REGISTER(add_real);

static int reciprocal(rf_call *call, rf_value item)
{
    return RF_RETURN(call, 1.0 / (1.0 + rf_f64(item)));
}
RF_REGISTER(reciprocal);

/* Texts: what comes in which order shows. */
static int append(rf_call *call, rf_value text, rf_value more)
{
    char *both = rf_call_alloc(call, rf_size(text) + rf_size(more) + 1);
    if (!both)
        return RF_ENOMEM;
    memcpy(both, text.data, rf_size(text));
    memcpy(both + rf_size(text), more.data, rf_size(more));
    return rf_return(call, rf_text(both, rf_size(text) + rf_size(more)));
}
RF_REGISTER(append);

static int refuse_to_merge(rf_call *call, rf_value one, rf_value other)
{
    (void)one, (void)other;
    return rf_fail(call, "merge", "these do not go together");
}
RF_REGISTER(refuse_to_merge);

/* A dictionary of lists and a letter: the list under the letter has it once more. */
static int group_letters(rf_call *call, rf_value groups, rf_value letter)
{
    rf_value pairs[64], lists[32][16], key, list;
    size_t count = 0;
    bool found = false;
    while (count < 62 && rf_take(&groups, &key) == RF_OK && rf_take(&groups, &list) == RF_OK) {
        size_t letters = 0;
        rf_value *all = lists[count / 2];
        while (letters < 15 && rf_take(&list, &all[letters]) == RF_OK)
            letters++;
        bool same = rf_size(key) == rf_size(letter) && !memcmp(key.data, letter.data, rf_size(key));
        if (same)
            all[letters++] = letter;
        found |= same;
        pairs[count++] = key;
        pairs[count++] = rf_tuple_of(all, letters);
    }
    if (!found) {
        lists[count / 2][0] = pairs[count] = letter;
        pairs[count + 1] = rf_tuple_of(lists[count / 2], 1);
        count += 2;
    }
    return rf_return(call, rf_dict_of(pairs, count));
}
RF_REGISTER(group_letters);

static int not_registered(rf_call *call, rf_value item) { return rf_return(call, item); }
static bool filter_not_registered(rf_call *call, rf_value item) { return (void)call, rf_truth(item); }
static int fold_not_registered(rf_call *call, rf_value a, rf_value b) { return (void)a, rf_return(call, b); }

/* Adds what is shared under "each" as well: on the workers and on rank 0. */
static int add_shared(rf_call *call, rf_value sum, rf_value item)
{
    rf_value each = rf_call_shared(call, "each");
    int64_t more;
    if (rf_size(each) != sizeof more)
        return rf_fail(call, NULL, "nothing is shared");
    memcpy(&more, each.data, sizeof more);
    return RF_RETURN(call, rf_i64(sum) + rf_i64(item) + more);
}
RF_REGISTER(add_shared);

/* ---- what came, as one line ---- */

static const char *line_of(const rf_results *results)
{
    static char text[8192];
    FILE *to = fmemopen(text, sizeof text, "w");
    text[0] = '\0';
    for (uint64_t i = 0; i < rf_results_len(results); i++) {
        fputs(i ? " " : "", to);
        rf_print(to, rf_results_value(results, i));
    }
    fclose(to);
    return text;
}

static const char *value_line(rf_value value)
{
    static char text[4096];
    FILE *to = fmemopen(text, sizeof text, "w");
    text[0] = '\0';
    rf_print(to, value);
    fclose(to);
    return text;
}

#define CHECK_SEQ(seq, wanted)                                                                                         \
    do {                                                                                                               \
        rf_results *results_;                                                                                          \
        CHECK_STATUS(rf_seq_collect((seq), NULL, &results_), RF_OK);                                                   \
        char line_[8192];                                                                                              \
        snprintf(line_, sizeof line_, "%s", line_of(results_));                                                        \
        rf_results_free(results_);                                                                                     \
        CHECK_TEXT(line_, wanted);                                                                                     \
    } while (0)

typedef struct counter { int64_t next, end, given; bool released; } counter;

static int count(rf_call *call, void *state)
{
    counter *counts = state;
    if (counts->next >= counts->end)
        return RF_END;
    counts->given++;
    return RF_RETURN(call, counts->next++);
}

static void released(void *state) { ((counter *)state)->released = true; }

static const char *scratch_file(const char *content)
{
    static char path[64];
    snprintf(path, sizeof path, "sequences.%d.txt", (int)getpid());
    FILE *to = fopen(path, "w");
    fputs(content, to);
    fclose(to);
    return path;
}

/* ---- C1 ---- */

CASE(C1_a_sequence_of_each_kind_of_source)
{
    const double reals[] = {0.5, 1.5};
    const char *words[] = {"one", "two", NULL};
    counter counts = {.end = 3};
    CHECK_SEQ(rf_seq_of(pool, RF_ARRAY(reals, 2)), "0.5 1.5");
    CHECK_SEQ(rf_seq_of(pool, RF_VALUES(RF_TUPLE(1, 2), RF_TUPLE(3, RF_TUPLE("x", 4.5)))), "[1, 2] [3, [\"x\", 4.5]]");
    CHECK_SEQ(rf_seq_of(pool, rf_strings((rf_strings_in){.constant = words}, 3)), "\"one\" \"two\" null");
    CHECK_SEQ(rf_seq_of(pool, rf_range(5, 8)), "5 6 7");
    CHECK_SEQ(rf_seq_of(pool, rf_generator(count, &counts, NULL)), "0 1 2");
    CHECK_SEQ(rf_seq_of(pool, rf_entries(RF_DICT("a", 1, 2, "b"))), "[\"a\", 1] [2, \"b\"]");
    CHECK_SEQ(rf_seq_of(pool, rf_characters("a\xc3\xa4\xff z")), "\"a\" \"\xc3\xa4\" \"\\u00ff\" \" \" \"z\"");
    CHECK_SEQ(rf_seq_of(pool, rf_range(0, 0)), "");
}

CASE(C1_a_sequence_of_lines_and_of_files)
{
    const char *path = scratch_file("b\na\n\nlonger\n");
    rf_seq *lines = rf_seq_of(pool, rf_lines((rf_strings_in){.constant = &path}, 1));
    CHECK_SEQ(lines, "\"b\" \"a\" \"\" \"longer\"");
    CHECK_SEQ(rf_seq_map(lines, length), "1 1 0 6");
    CHECK_SEQ(rf_seq_filter(lines, NULL), "\"b\" \"a\" \"longer\"");
    CHECK_SEQ(rf_seq_map(rf_seq_of(pool, rf_files((rf_strings_in){.constant = &path}, 1)), length), "12");
    remove(path);
}

CASE(C1_pairs_of_keys_and_values)
{
    const rf_value keys[] = {RF_V("x"), RF_V(2)}, values[] = {RF_V(0.5), rf_nil()};
    CHECK_SEQ(rf_seq_of(pool, rf_pairs(keys, values, 2)), "[\"x\", 0.5] [2, null]");
    CHECK_STATUS(rf_seq_status(rf_seq_of(pool, rf_pairs(NULL, NULL, 0))), RF_OK);
}

CASE(C1_a_bad_source_is_a_clear_error_of_the_verb)
{
    rf_results *results = (rf_results *)1;
    rf_seq *bad = rf_seq_map(rf_seq_of(pool, rf_range_by(0, 10, 0)), twice);
    CHECK_STATUS(rf_seq_collect(bad, NULL, &results), RF_EUSAGE);
    CHECK(!results);
    CHECK_HAS(rf_last_error()->message, "step is 0");
    CHECK_STATUS(rf_seq_collect(rf_seq_of(pool, NULL), NULL, NULL), RF_EUSAGE);
    CHECK_HAS(rf_last_error()->message, "source is NULL");
    CHECK_STATUS(rf_seq_collect(rf_seq_of(NULL, rf_range(0, 3)), NULL, NULL), RF_EUSAGE);
    CHECK_HAS(rf_last_error()->message, "pool");
    CHECK_STATUS(rf_seq_collect(NULL, NULL, NULL), RF_EUSAGE);
    CHECK_STATUS(rf_seq_status(rf_seq_map(NULL, twice)), RF_EUSAGE);
    CHECK_STATUS(rf_seq_collect(rf_seq_of(pool, rf_entries(RF_V(3))), NULL, NULL), RF_EUSAGE);
    CHECK_HAS(rf_last_error()->message, "dictionary");
    CHECK_STATUS(rf_seq_collect(rf_seq_of(pool, rf_characters(NULL)), NULL, NULL), RF_EUSAGE);
    const char *missing = "/no/such/file";
    CHECK_STATUS(rf_seq_collect(rf_seq_of(pool, rf_lines((rf_strings_in){.constant = &missing}, 1)), NULL, NULL), RF_EINPUT);
    CHECK_STATUS(rf_map(pool, twice, rf_range(0, 10), NULL, NULL), RF_OK);
}

/* ---- C2 ---- */

CASE(C2_each_step_leaves_the_one_before_usable)
{
    rf_seq *numbers = rf_seq_of(pool, rf_range(0, 6)), *doubled = rf_seq_map(numbers, twice), *even = rf_seq_filter(numbers, is_even);
    rf_seq *both = rf_seq_map(rf_seq_filter(doubled, is_even), to_string);
    CHECK_SEQ(both, "\"0\" \"2\" \"4\" \"6\" \"8\" \"10\"");
    CHECK_SEQ(even, "0 2 4");
    CHECK_SEQ(doubled, "0 2 4 6 8 10");
    CHECK_SEQ(numbers, "0 1 2 3 4 5");
    CHECK_SEQ(both, "\"0\" \"2\" \"4\" \"6\" \"8\" \"10\"");
}

CASE(C2_two_forks_are_iterated_at_once)
{
    rf_seq *numbers = rf_seq_map(rf_seq_of(pool, rf_range(0, 500)), twice);
    RF_AUTO(rf_iterator, one);
    RF_AUTO(rf_iterator, other);
    const rf_result *result;
    CHECK_STATUS(rf_seq_iterate(numbers, NULL, &one), RF_OK);
    CHECK_STATUS(rf_seq_iterate(rf_seq_map(numbers, twice), NULL, &other), RF_OK);
    for (int64_t i = 0; i < 500; i++) {
        CHECK_STATUS(rf_next(one, &result), RF_OK);
        CHECK_INT(rf_i64(result->value), 2 * i);
        CHECK_STATUS(rf_next(other, &result), RF_OK);
        CHECK_INT(rf_i64(result->value), 4 * i);
        CHECK_INT(result->index, i);
    }
    CHECK_STATUS(rf_next(one, &result), RF_END);
    CHECK_STATUS(rf_next(other, &result), RF_END);
}

CASE(C2_a_generator_evaluated_twice_is_an_error_and_never_empty)
{
    counter counts = {.end = 5};
    rf_seq *numbers = rf_seq_of(pool, rf_generator(count, &counts, released)), *doubled = rf_seq_map(numbers, twice);
    CHECK_SEQ(doubled, "0 2 4 6 8");
    CHECK(counts.released);
    CHECK_STATUS(rf_seq_collect(doubled, NULL, NULL), RF_EUSAGE);
    CHECK_HAS(rf_last_error()->message, "generator");
    CHECK_HAS(rf_last_error()->message, "rf_seq_foreach");
    CHECK_STATUS(rf_seq_collect(rf_seq_take(numbers, 1), NULL, NULL), RF_EUSAGE);
    CHECK_STATUS(rf_seq_reduce(numbers, (rf_fold){.step = add}, NULL, NULL), RF_EUSAGE);
}

CASE(C2_unregistered_functions_are_refused_with_the_line_to_add)
{
    rf_seq *numbers = rf_seq_of(pool, rf_range(0, 3));
    CHECK_STATUS(rf_seq_status(rf_seq_map(numbers, not_registered)), RF_EUNREGISTERED);
    CHECK_HAS(rf_last_error()->message, "RF_REGISTER(not_registered);");
    CHECK_STATUS(rf_seq_collect(rf_seq_map(rf_seq_filter(numbers, filter_not_registered), twice), NULL, NULL), RF_EUNREGISTERED);
    CHECK_HAS(rf_last_error()->message, "RF_REGISTER(filter_not_registered);");
    CHECK_STATUS(rf_seq_reduce(numbers, (rf_fold){.step = fold_not_registered}, NULL, NULL), RF_EUNREGISTERED);
    CHECK_STATUS(rf_seq_reduce(numbers, (rf_fold){.step = add, .merge = fold_not_registered}, NULL, NULL), RF_EUNREGISTERED);
    CHECK_HAS(rf_last_error()->message, "RF_REGISTER(fold_not_registered);");
    CHECK_STATUS(rf_seq_status(rf_seq_flat_map(numbers, NULL)), RF_EUSAGE);
    CHECK_STATUS(rf_seq_reduce(numbers, (rf_fold){0}, NULL, NULL), RF_EUSAGE);
    CHECK_SEQ(numbers, "0 1 2");
}

CASE(C2_a_failed_item_is_one_failed_result_in_its_place)
{
    RF_AUTO(rf_results, results);
    rf_seq *chain = rf_seq_map(rf_seq_flat_map(rf_seq_map(rf_seq_of(pool, rf_range(0, 20)), refuse_seventh), repeat), to_string);
    CHECK_STATUS(rf_seq_collect(chain, NULL, &results), RF_EITEMS);
    uint64_t at = 0;
    for (int64_t i = 0; i < 20; i++)
        for (int64_t k = i % 7 == 3 ? 1 : i % 4; k > 0; k--, at++) {
            rf_result one = rf_results_at(results, at);
            CHECK_INT(one.index, i);
            CHECK_INT(one.ok, i % 7 != 3);
            if (!one.ok) {
                CHECK_TEXT(one.error->kind, "seven");
                CHECK_TEXT(one.error->function, "refuse_seventh");
            } else {
                CHECK_INT(atoll(rf_str(one.value)), i);
            }
        }
    CHECK_INT(rf_results_len(results), at);
}

CASE(C2_a_failed_item_is_tried_again_and_keeps_its_place)
{
    RF_AUTO(rf_results, results);
    rf_seq *chain = rf_seq_flat_map(rf_seq_filter(rf_seq_map(rf_seq_of(pool, rf_range(0, 200)), refuse_once), is_even), repeat);
    CHECK_STATUS(rf_seq_collect(chain, RF_OPTIONS(.retry = {.attempts = 2, .backoff = RF_NONE}), &results), RF_OK);
    uint64_t at = 0;
    for (int64_t i = 0; i < 200; i += 2)
        for (int64_t k = i % 4; k > 0; k--, at++)
            CHECK_INT(rf_i64(rf_results_value(results, at)), i);
    CHECK_INT(rf_results_len(results), at);
}

CASE(C2_options_and_state_said_in_the_chain)
{
    const int64_t ten = 10, six = 6;
    rf_seq *numbers = rf_seq_of(pool, rf_range(0, 100));
    rf_seq *few = rf_seq_with(rf_seq_filter(numbers, below), RF_OPTIONS(.state = RF_STATE(ten)));
    rf_seq *fewer = rf_seq_with(rf_seq_filter(few, below), RF_OPTIONS(.state = RF_STATE(six)));
    CHECK_SEQ(few, "0 1 2 3 4 5 6 7 8 9");
    CHECK_SEQ(fewer, "0 1 2 3 4 5");
    rf_seq *patient = rf_seq_with(rf_seq_map(fewer, refuse_once), RF_OPTIONS(.retry = {.attempts = 2, .backoff = RF_NONE}));
    CHECK_SEQ(rf_seq_map(patient, twice), "0 2 4 6 8 10");
    CHECK_STATUS(rf_seq_collect(patient, RF_OPTIONS(.retry = {.attempts = 1}), NULL), RF_EITEMS);
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_seq_collect(rf_seq_filter(numbers, below), RF_OPTIONS(.state = RF_STATE(six)), &results), RF_OK);
    CHECK_INT(rf_results_len(results), 6);
    CHECK_STATUS(rf_seq_status(rf_seq_with(numbers, RF_OPTIONS(.state = RF_STATE(six)))), RF_EUSAGE);
    CHECK_STATUS(rf_seq_status(rf_seq_with(few, RF_OPTIONS(.chunk_size = 1, .n_splits = 1))), RF_EOPTION);
}

/* ---- C3 ---- */

CASE(C3_nothing_runs_until_it_is_evaluated)
{
    counter counts = {.end = 6, .next = 1};
    rf_seq *chain = rf_seq_map(rf_seq_filter(rf_seq_of(pool, rf_generator(count, &counts, NULL)), is_even), twice);
    rf_poll(pool, 0);
    CHECK_INT(counts.given, 0);
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(rf_seq_iterate(chain, NULL, &stream), RF_OK);
    rf_poll(pool, 0);
    CHECK_INT(counts.given, 0);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_INT(rf_i64(one->value), 4);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_INT(rf_i64(one->value), 8);
    CHECK_STATUS(rf_next(stream, &one), RF_END);
}

CASE(C3_take_ends_an_endless_sequence)
{
    counter counts = {.end = INT64_MAX};
    rf_seq *endless = rf_seq_of(pool, rf_range(0, INT64_MAX));
    CHECK_SEQ(rf_seq_take(rf_seq_filter(rf_seq_map(endless, twice), is_even), 5), "0 2 4 6 8");
    CHECK_SEQ(rf_seq_take(endless, 3), "0 1 2");
    CHECK_SEQ(rf_seq_take(endless, 0), "");
    CHECK_SEQ(rf_seq_take(rf_seq_map(endless, twice), 0), "");
    CHECK_SEQ(rf_seq_take(rf_seq_take(rf_seq_map(endless, twice), 4), 9), "0 2 4 6");
    CHECK_SEQ(rf_seq_take(rf_seq_flat_map(endless, repeat), 6), "1 2 2 3 3 3");
    CHECK_SEQ(rf_seq_take(rf_seq_of(pool, rf_range(0, 3)), 10), "0 1 2");
    CHECK_SEQ(rf_seq_map(rf_seq_take(rf_seq_filter(rf_seq_of(pool, rf_generator(count, &counts, released)), is_even), 4), to_string),
              "\"0\" \"2\" \"4\" \"6\"");
    CHECK(counts.released);
}

CASE(C3_take_right_behind_a_generator_reads_no_more)
{
    counter counts = {.end = INT64_MAX};
    CHECK_SEQ(rf_seq_map(rf_seq_take(rf_seq_of(pool, rf_generator(count, &counts, NULL)), 3), twice), "0 2 4");
    CHECK_INT(counts.given, 3);
}

CASE(C3_a_taken_part_is_a_sequence_again)
{
    rf_seq *evens = rf_seq_take(rf_seq_filter(rf_seq_of(pool, rf_range(0, INT64_MAX)), is_even), 1000);
    RF_AUTO(rf_results, results);
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_SEQ(rf_seq_take(rf_seq_map(evens, twice), 3), "0 4 8");
    CHECK_STATUS(rf_seq_collect(evens, RF_OPTIONS(.chunk_size = 7), &results), RF_OK);
    CHECK_INT(rf_results_len(results), 1000);
    CHECK_INT(rf_i64(rf_results_value(results, 999)), 1998);
    CHECK_STATUS(rf_seq_iterate(evens, NULL, &stream), RF_OK);
    for (int64_t i = 0; i < 1000; i++) {
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), 2 * i);
    }
    CHECK_STATUS(rf_next(stream, &one), RF_END);
    CHECK_STATUS(rf_next(stream, &one), RF_END);
}

CASE(C3_an_endless_sequence_of_failures_ends)
{
    RF_AUTO(rf_results, results);
    rf_seq *chain = rf_seq_take(rf_seq_map(rf_seq_of(pool, rf_range(0, INT64_MAX)), refuse_once), 10);
    CHECK_STATUS(rf_seq_collect(chain, NULL, &results), RF_EITEMS);
    CHECK_INT(rf_results_len(results), 10);
    rf_results_free(results);
    CHECK_STATUS(rf_seq_collect(rf_seq_map(chain, twice), NULL, &results), RF_EITEMS);
    CHECK_INT(rf_results_len(results), 10);
    CHECK(!rf_results_at(results, 0).ok);
}

CASE(C3_stages_are_fused_and_see_the_first_items_index)
{
    CHECK_SEQ(rf_seq_map(rf_seq_filter(rf_seq_of(pool, rf_range(10, 15)), is_even), with_index), "[0, 10] [2, 12] [4, 14]");
}

CASE(C3_a_long_sequence_in_small_chunks)
{
    RF_AUTO(rf_results, results);
    rf_seq *chain = rf_seq_flat_map(rf_seq_filter(rf_seq_of(pool, rf_range(0, 3000)), is_even), repeat);
    CHECK_STATUS(rf_seq_collect(chain, RF_OPTIONS(.chunk_size = 1, .max_active = 50), &results), RF_OK);
    uint64_t at = 0;
    for (int64_t i = 0; i < 3000; i += 2)
        for (int64_t k = i % 4; k > 0; k--, at++) {
            CHECK_INT(rf_i64(rf_results_value(results, at)), i);
            CHECK_INT(rf_results_at(results, at).index, i);
        }
    CHECK_INT(rf_results_len(results), at);
}

/* ---- C4 ---- */

CASE(C4_flat_map_maps_then_flattens)
{
    rf_seq *lists = rf_seq_of(pool, RF_VALUES(RF_TUPLE(1, 2, 3), RF_TUPLE(4, 5, 6)));
    CHECK_SEQ(rf_seq_flat_map(lists, twice_elements), "2 4 6 8 10 12");
    CHECK_SEQ(rf_seq_flat_map(lists, twice_tuple), "2 4 6 8 10 12");
    CHECK_SEQ(rf_seq_map(rf_seq_flat_map(lists, twice_elements), to_string), "\"2\" \"4\" \"6\" \"8\" \"10\" \"12\"");
    CHECK_SEQ(rf_seq_map(rf_seq_flat_map(lists, twice_tuple), to_string), "\"2\" \"4\" \"6\" \"8\" \"10\" \"12\"");
}

CASE(C4_flat_map_gives_none_one_or_several)
{
    rf_seq *numbers = rf_seq_of(pool, rf_range(0, 6));
    CHECK_SEQ(rf_seq_flat_map(numbers, repeat), "1 2 2 3 3 3 5");
    CHECK_SEQ(rf_seq_flat_map(rf_seq_flat_map(numbers, repeat), repeat), "1 2 2 2 2 3 3 3 3 3 3 3 3 3 5");
    CHECK_SEQ(rf_seq_flat_map(numbers, twice), "0 2 4 6 8 10");
    CHECK_SEQ(rf_seq_flat_map(rf_seq_of(pool, rf_range(0, 2)), nothing), "null null");
    CHECK_SEQ(rf_seq_flat_map(numbers, with_index), "0 0 1 1 2 2 3 3 4 4 5 5");
}

/* ---- C5 ---- */

CASE(C5_filter_with_a_predicate)
{
    const char *letters[] = {"a", "2", "3"};
    CHECK_SEQ(rf_seq_filter(rf_seq_of(pool, rf_strings((rf_strings_in){.constant = letters}, 3)), is_digit), "\"2\" \"3\"");
}

CASE(C5_filter_without_a_predicate_drops_what_is_falsy)
{
    rf_seq *mixed = rf_seq_of(pool, RF_VALUES(rf_nil(), (bool)false, 0, 0.0, "", rf_tuple_of(NULL, 0), (bool)true, 7, 0.5, "x"));
    CHECK_SEQ(rf_seq_filter(mixed, NULL), "true 7 0.5 \"x\"");
}

CASE(C5_with_a_predicate_nil_is_a_value_like_any_other)
{
    CHECK_SEQ(rf_seq_filter(rf_seq_of(pool, RF_VALUES(1, rf_nil(), 2, rf_nil())), is_nil), "null null");
}

typedef struct called { uint64_t times; } called;
static int begin_called(rf_call *call, void **worker) { return (void)call, *worker = calloc(1, sizeof(called)), RF_OK; }

static bool count_calls(rf_call *call, rf_value item)
{
    called *counts = rf_call_worker(call);
    counts->times++;
    return rf_i64(item) >= 0;
}
RF_REGISTER(count_calls, .init = begin_called, .exit = free);

/* How often this worker's filter has been called since it was last asked. */
static int calls_so_far(rf_call *call, rf_value item)
{
    called *counts = rf_call_worker(call);
    uint64_t times = counts->times;
    counts->times = 0;
    (void)item;
    return RF_RETURN(call, times);
}
RF_REGISTER(calls_so_far, .init = begin_called, .exit = free);

CASE(C5_the_predicate_is_called_once_for_each_element)
{
    RF_AUTO(rf_results, results);
    rf_seq *asked = rf_seq_map(rf_seq_filter(rf_seq_of(pool, rf_range(0, 1000)), count_calls), calls_so_far);
    CHECK_STATUS(rf_seq_collect(asked, NULL, &results), RF_OK);
    CHECK_INT(rf_results_len(results), 1000);
    for (uint64_t i = 0; i < 1000; i++)
        CHECK_INT(rf_u64(rf_results_value(results, i)), 1);
}

/* ---- C6 ---- */

CASE(C6_reduce_with_a_dictionary_as_accumulator)
{
    const char *letters[] = {"a", "a", "b"};
    rf_value empty = rf_dict_of(NULL, 0);
    RF_AUTO(rf_results, of_strings);
    RF_AUTO(rf_results, of_characters);
    CHECK_STATUS(rf_seq_reduce(rf_seq_of(pool, rf_strings((rf_strings_in){.constant = letters}, 3)),
                               (rf_fold){.step = group_letters, .initial = &empty}, NULL, &of_strings), RF_OK);
    CHECK_TEXT(line_of(of_strings), "{\"a\": [\"a\", \"a\"], \"b\": [\"b\"]}");
    CHECK_STATUS(rf_seq_reduce(rf_seq_of(pool, rf_characters("aab")), (rf_fold){.step = group_letters, .initial = &empty}, NULL,
                               &of_characters), RF_OK);
    CHECK_TEXT(line_of(of_characters), "{\"a\": [\"a\", \"a\"], \"b\": [\"b\"]}");
    CHECK_INT(rf_results_len(of_characters), 1);
    CHECK(rf_results_ok(of_characters));
}

static void check_fold(rf_seq *seq, rf_fold fold, const rf_options *options, const char *wanted)
{
    rf_results *results;
    CHECK_STATUS(rf_seq_reduce(seq, fold, options, &results), RF_OK);
    char line[8192];
    snprintf(line, sizeof line, "%s", line_of(results));
    rf_results_free(results);
    CHECK_TEXT(line, wanted);
}

CASE(C6_reduce_in_order_and_in_a_tree)
{
    rf_value zero = RF_V(0), hundred = RF_V(100);
    rf_seq *numbers = rf_seq_map(rf_seq_of(pool, rf_range(0, 1000)), twice);
    ALSO(check_fold(numbers, (rf_fold){.step = add}, NULL, "999000"));
    ALSO(check_fold(numbers, (rf_fold){.step = add, .initial = &hundred}, NULL, "999100"));
    ALSO(check_fold(numbers, (rf_fold){.step = add, .merge = add}, NULL, "999000"));
    ALSO(check_fold(numbers, (rf_fold){.step = add, .merge = add, .identity = &zero}, NULL, "999000"));
    ALSO(check_fold(rf_seq_filter(numbers, is_even), (rf_fold){.step = add, .merge = add}, RF_OPTIONS(.chunk_size = 3), "999000"));
    ALSO(check_fold(rf_seq_take(numbers, 5), (rf_fold){.step = add, .merge = add}, NULL, "20"));
    ALSO(check_fold(rf_seq_take(numbers, 5), (rf_fold){.step = add}, NULL, "20"));
    ALSO(check_fold(rf_seq_of(pool, rf_range(7, 8)), (rf_fold){.step = add, .merge = add}, NULL, "7"));
}

CASE(C6_fold_functions_see_shared_data)
{
    const int64_t each = 1000;
    rf_value zero = RF_V(0);
    CHECK_STATUS(rf_share(pool, "each", &each, sizeof each), RF_OK);
    rf_seq *numbers = rf_seq_of(pool, rf_range(0, 10));
    ALSO(check_fold(numbers, (rf_fold){.step = add_shared, .initial = &zero}, NULL, "10045"));
    ALSO(check_fold(numbers, (rf_fold){.step = add_shared, .merge = add, .identity = &zero}, NULL, "10045"));
    ALSO(check_fold(numbers, (rf_fold){.step = add, .merge = add_shared}, NULL, "9045"));
}

CASE(C6_initial_is_folded_once_and_in_front)
{
    rf_value front = RF_V("<");
    rf_seq *letters = rf_seq_of(pool, rf_characters("the quick brown fox jumps over the lazy dog"));
    for (uint64_t chunk = 1; chunk < 9; chunk += 2) {
        ALSO(check_fold(letters, (rf_fold){.step = append, .initial = &front}, RF_OPTIONS(.chunk_size = chunk),
                        "\"<the quick brown fox jumps over the lazy dog\""));
        ALSO(check_fold(letters, (rf_fold){.step = append, .merge = append, .initial = &front}, RF_OPTIONS(.chunk_size = chunk),
                        "\"<the quick brown fox jumps over the lazy dog\""));
    }
}

CASE(C6_nothing_to_fold)
{
    rf_value initial = RF_V(42), zero = RF_V(0);
    rf_results *results = (rf_results *)1;
    rf_seq *empty = rf_seq_of(pool, rf_range(0, 0)), *dropped = rf_seq_filter(rf_seq_of(pool, RF_VALUES(0, 0, 0)), NULL);
    CHECK_STATUS(rf_seq_reduce(empty, (rf_fold){.step = add}, NULL, &results), RF_EEMPTY);
    CHECK(!results);
    CHECK_STATUS(rf_seq_reduce(empty, (rf_fold){.step = add, .merge = add}, NULL, NULL), RF_EEMPTY);
    CHECK_STATUS(rf_seq_reduce(dropped, (rf_fold){.step = add, .merge = add, .identity = &zero}, NULL, NULL), RF_EEMPTY);
    CHECK_HAS(rf_last_error()->message, ".initial");
    ALSO(check_fold(empty, (rf_fold){.step = add, .initial = &initial}, NULL, "42"));
    ALSO(check_fold(dropped, (rf_fold){.step = add, .merge = add, .initial = &initial}, NULL, "42"));
}

/* 1 / (1 + i) summed in the tree over i, worked out here: any other order of additions gives other digits. */
static double tree_sum(int64_t first, int64_t size, int64_t end)
{
    if (first >= end)
        return 0;
    return size == 1 ? 1.0 / (1.0 + (double)first) : tree_sum(first, size / 2, end) + tree_sum(first + size / 2, size / 2, end);
}

CASE(C6_the_same_digits_on_any_number_of_ranks_and_with_any_chunks)
{
    double wanted = tree_sum(0, 16384, 10007);
    const uint64_t chunks[] = {0, 1, 2, 3, 64, 100, 4096, 20000};
    rf_seq *terms = rf_seq_map(rf_seq_of(pool, rf_range(0, 10007)), reciprocal);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        RF_AUTO(rf_results, sum);
        CHECK_STATUS(rf_seq_reduce(terms, (rf_fold){.step = add_real, .merge = add_real}, RF_OPTIONS(.chunk_size = chunks[i]), &sum), RF_OK);
        CHECK(rf_f64(rf_results_value(sum, 0)) == wanted);
    }
    RF_AUTO(rf_results, again);
    CHECK_STATUS(rf_seq_reduce(rf_seq_map(terms, refuse_once), (rf_fold){.step = add_real, .merge = add_real},
                               RF_OPTIONS(.retry = {.attempts = 2, .backoff = RF_NONE}), &again), RF_OK);
    CHECK(rf_f64(rf_results_value(again, 0)) == wanted);
}

CASE(C6_blocks_that_workers_read_are_folded_in_order)
{
    char *text = malloc(20000), line[16];
    size_t size = 0;
    for (int i = 0; i < 1000; i++)
        size += (size_t)snprintf(text + size, 20000 - size, "%d\n", i);
    const char *path = scratch_file(text);
    rf_value none = RF_V("");
    rf_seq *lines = rf_seq_of(pool, rf_lines((rf_strings_in){.constant = &path}, 1));
    RF_AUTO(rf_results, whole);
    CHECK_STATUS(rf_seq_reduce(lines, (rf_fold){.step = append, .merge = append, .identity = &none}, RF_OPTIONS(.split_size = 100), &whole), RF_OK);
    RF_AUTO(rf_results, again);
    CHECK_STATUS(rf_seq_reduce(rf_seq_map(lines, refuse_once), (rf_fold){.step = append, .merge = append, .identity = &none},
                               RF_OPTIONS(.split_size = 70, .retry = {.attempts = 2, .backoff = RF_NONE}), &again), RF_OK);
    const char *one = rf_str(rf_results_value(whole, 0)), *other = rf_str(rf_results_value(again, 0));
    CHECK_TEXT(other, one);
    for (int i = 0; i < 1000; i++) {
        int digits = snprintf(line, sizeof line, "%d", i);
        CHECK(!strncmp(one, line, (size_t)digits));
        one += digits;
    }
    CHECK(!*one);
    remove(path);
    free(text);
}

CASE(C6_a_fold_over_failed_items_has_no_value)
{
    RF_AUTO(rf_results, results);
    RF_AUTO(rf_results, in_order);
    rf_seq *some = rf_seq_map(rf_seq_of(pool, rf_range(0, 100)), refuse_seventh);
    CHECK_STATUS(rf_seq_reduce(some, (rf_fold){.step = add, .merge = add}, NULL, &results), RF_EITEMS);
    CHECK_INT(rf_results_len(results), 14);
    for (uint64_t i = 0; i < 14; i++) {
        CHECK(!rf_results_at(results, i).ok);
        CHECK_INT(rf_results_at(results, i).index, 7 * i + 3);
    }
    CHECK_STATUS(rf_seq_reduce(some, (rf_fold){.step = add}, NULL, &in_order), RF_EITEMS);
    CHECK_INT(rf_results_len(in_order), 14);
}

CASE(C6_an_endless_fold_runs_out_of_time)
{
    RF_AUTO(rf_results, results);
    rf_seq *endless = rf_seq_filter(rf_seq_of(pool, rf_range(0, INT64_MAX)), is_nil);
    CHECK_STATUS(rf_seq_reduce(endless, (rf_fold){.step = add, .merge = add}, RF_OPTIONS(.timeout = 0.02), &results), RF_ETIMEOUT);
    CHECK(!rf_results_at(results, 0).ok);
    CHECK_STATUS(rf_seq_reduce(endless, (rf_fold){.step = add}, RF_OPTIONS(.timeout = 0.02), NULL), RF_ETIMEOUT);
    CHECK_STATUS(rf_seq_collect(rf_seq_count_by(endless, NULL), RF_OPTIONS(.timeout = 0.02), NULL), RF_ETIMEOUT);
    CHECK_STATUS(rf_seq_foreach(endless, twice, RF_OPTIONS(.timeout = 0.02)), RF_ETIMEOUT);
    CHECK_STATUS(rf_map(pool, twice, rf_range(0, 100), NULL, NULL), RF_OK);
}

CASE(C6_a_step_or_a_merge_that_fails_is_told)
{
    rf_value text = RF_V("x");
    rf_seq *numbers = rf_seq_of(pool, rf_range(0, 10));
    CHECK_STATUS(rf_seq_reduce(numbers, (rf_fold){.step = add, .initial = &text}, NULL, NULL), RF_EARGS);
    CHECK_HAS(rf_last_error()->message, "add");
    CHECK_STATUS(rf_seq_reduce(numbers, (rf_fold){.step = add, .merge = refuse_to_merge}, NULL, NULL), RF_EFUNCTION);
    CHECK_TEXT(rf_last_error()->kind, "merge");
    CHECK_STATUS(rf_seq_reduce(numbers, (rf_fold){.step = add, .merge = add, .identity = &text}, NULL, NULL), RF_EITEMS);
    CHECK_STATUS(rf_seq_reduce(rf_seq_of(pool, rf_range(0, 1000)), (rf_fold){.step = add, .merge = refuse_to_merge},
                               RF_OPTIONS(.chunk_size = 900), NULL), RF_EFUNCTION);
    ALSO(check_fold(numbers, (rf_fold){.step = add}, NULL, "45"));
}

/* ---- C7 ---- */

CASE(C7_foreach_evaluates_now_and_replaces_the_data)
{
    counter counts = {.next = 1, .end = 7};
    rf_seq *numbers = rf_seq_of(pool, rf_generator(count, &counts, released));
    CHECK_STATUS(rf_seq_foreach(numbers, twice, NULL), RF_OK);
    CHECK_INT(counts.given, 6);
    CHECK(counts.released);
    CHECK_SEQ(numbers, "2 4 6 8 10 12");
    CHECK_SEQ(numbers, "2 4 6 8 10 12");
    CHECK_STATUS(rf_seq_foreach(numbers, to_string, NULL), RF_OK);
    CHECK_SEQ(numbers, "\"2\" \"4\" \"6\" \"8\" \"10\" \"12\"");
}

CASE(C7_foreach_that_fails_leaves_the_data)
{
    rf_seq *numbers = rf_seq_of(pool, rf_range(0, 5)), *doubled = rf_seq_map(numbers, twice);
    CHECK_STATUS(rf_seq_foreach(numbers, refuse_seventh, NULL), RF_EITEMS);
    CHECK_SEQ(numbers, "0 1 2 3 4");
    CHECK_STATUS(rf_seq_foreach(numbers, not_registered, NULL), RF_EUNREGISTERED);
    CHECK_STATUS(rf_seq_foreach(numbers, twice, NULL), RF_OK);
    CHECK_SEQ(doubled, "0 4 8 12 16");
}

/* ---- C8 ---- */

CASE(C8_a_filtered_dictionary_is_a_dictionary_again)
{
    RF_AUTO(rf_results, results);
    rf_value dict, found;
    rf_seq *entries = rf_seq_of(pool, rf_entries(RF_DICT(0, "a", 1, "2", 2, "3")));
    CHECK_STATUS(rf_seq_collect(rf_seq_filter(entries, value_is_digit), NULL, &results), RF_OK);
    CHECK_STATUS(rf_results_dict(results, &dict), RF_OK);
    CHECK_INT(rf_elements(dict), 4);
    CHECK_STATUS(rf_lookup(dict, RF_V(1), &found), RF_OK);
    CHECK(rf_size(found) == 1 && *(const char *)found.data == '2');
    CHECK_STATUS(rf_lookup(dict, RF_V(2), &found), RF_OK);
    CHECK(rf_size(found) == 1 && *(const char *)found.data == '3');
    CHECK_STATUS(rf_lookup(dict, RF_V(0), &found), RF_END);
}

CASE(C8_keys_of_any_type)
{
    RF_AUTO(rf_results, results);
    rf_value dict;
    rf_seq *entries = rf_seq_of(pool, rf_entries(RF_DICT(RF_TUPLE(1, "x"), 1, 2.5, 2, "k", 3, (bool)true, 4)));
    CHECK_STATUS(rf_seq_collect(entries, NULL, &results), RF_OK);
    CHECK_STATUS(rf_results_dict(results, &dict), RF_OK);
    CHECK_TEXT(value_line(dict), "{\"[1, \\\"x\\\"]\": 1, \"2.5\": 2, \"k\": 3, \"true\": 4}");
}

CASE(C8_what_is_no_pair_makes_no_dictionary)
{
    RF_AUTO(rf_results, results);
    rf_value dict;
    CHECK_STATUS(rf_seq_collect(rf_seq_of(pool, rf_range(0, 3)), NULL, &results), RF_OK);
    CHECK_STATUS(rf_results_dict(results, &dict), RF_EARGS);
    CHECK_INT(rf_type_of(dict), RF_NIL);
    CHECK_STATUS(rf_results_dict(NULL, &dict), RF_EUSAGE);
}

CASE(C8_group_by_and_count_by)
{
    const char *words[] = {"pear", "apple", "plum", "fig", "avocado", "pear"};
    RF_AUTO(rf_results, results);
    rf_value dict;
    rf_seq *fruit = rf_seq_of(pool, rf_strings((rf_strings_in){.constant = words}, 6));
    CHECK_SEQ(rf_seq_group_by(fruit, first_letter),
              "[\"p\", [\"pear\", \"plum\", \"pear\"]] [\"a\", [\"apple\", \"avocado\"]] [\"f\", [\"fig\"]]");
    CHECK_SEQ(rf_seq_count_by(fruit, length), "[4, 3] [5, 1] [3, 1] [7, 1]");
    CHECK_SEQ(rf_seq_count_by(rf_seq_map(fruit, length), NULL), "[4, 3] [5, 1] [3, 1] [7, 1]");
    CHECK_SEQ(rf_seq_take(rf_seq_group_by(rf_seq_filter(fruit, NULL), length), 1), "[4, [\"pear\", \"plum\", \"pear\"]]");
    CHECK_STATUS(rf_seq_collect(rf_seq_count_by(fruit, first_letter), NULL, &results), RF_OK);
    CHECK_STATUS(rf_results_dict(results, &dict), RF_OK);
    CHECK_TEXT(value_line(dict), "{\"p\": 3, \"a\": 2, \"f\": 1}");
    CHECK_SEQ(rf_seq_group_by(rf_seq_of(pool, rf_range(0, 0)), twice), "");
}

CASE(C8_many_keys)
{
    RF_AUTO(rf_results, results);
    rf_seq *numbers = rf_seq_flat_map(rf_seq_of(pool, rf_range(0, 20000)), repeat);
    CHECK_STATUS(rf_seq_collect(rf_seq_count_by(numbers, NULL), NULL, &results), RF_OK);
    CHECK_INT(rf_results_len(results), 15000);
    for (uint64_t i = 0; i < 15000; i++) {
        int64_t key, times;
        CHECK_STATUS(RF_READ(rf_results_value(results, i), key, times), RF_OK);
        CHECK(times == key % 4 && key == (int64_t)(i / 3 * 4 + i % 3 + 1));
    }
}

/* ---- C9 ---- */

static void check_joined(rf_seq *seq, const char *separator, const char *wanted)
{
    rf_results *results;
    rf_value text;
    CHECK_STATUS(rf_seq_collect(seq, NULL, &results), RF_OK);
    int status = rf_results_join(results, separator, &text);
    char joined[256];
    snprintf(joined, sizeof joined, "%s", rf_str(text));
    rf_results_free(results);
    CHECK_STATUS(status, RF_OK);
    CHECK_TEXT(joined, wanted);
}

CASE(C9_characters_are_elements_and_are_joined_again)
{
    ALSO(check_joined(rf_seq_map(rf_seq_of(pool, rf_characters("qwerty")), to_upper), NULL, "QWERTY"));
    ALSO(check_joined(rf_seq_filter(rf_seq_of(pool, rf_characters("a23")), is_digit), "", "23"));
    ALSO(check_joined(rf_seq_of(pool, rf_characters("gr\xc3\xbc\xc3\x9f\xf0\x9f\x98\x80\xff!")), NULL, "gr\xc3\xbc\xc3\x9f\xf0\x9f\x98\x80\xff!"));
    ALSO(check_joined(rf_seq_of(pool, rf_characters("abc")), ", ", "a, b, c"));
    ALSO(check_joined(rf_seq_of(pool, rf_characters("")), ", ", ""));
}

CASE(C9_what_is_no_text_is_not_joined)
{
    RF_AUTO(rf_results, results);
    rf_value text;
    CHECK_STATUS(rf_seq_collect(rf_seq_of(pool, RF_VALUES("a", 2)), NULL, &results), RF_OK);
    CHECK_STATUS(rf_results_join(results, NULL, &text), RF_EARGS);
    CHECK_HAS(rf_last_error()->message, "result 1");
    CHECK_INT(rf_type_of(text), RF_NIL);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
