/* wire/message: what is written is read again, and nothing else is believed. */
#include "base/error.h"
#include "base/random.h"
#include "failing_malloc.h"
#include "sample_message.h"
#include "suite.h"

static const size_t fixed_sizes[MESSAGE_KINDS] = {[MESSAGE_HELLO] = sizeof(struct message_hello),
                                                  [MESSAGE_JOB] = sizeof(struct message_job),
                                                  [MESSAGE_RUN] = sizeof(struct message_run),
                                                  [MESSAGE_PART] = sizeof(struct message_part),
                                                  [MESSAGE_ASK] = sizeof(struct message_ask),
                                                  [MESSAGE_FIGURES] = sizeof(struct message_figures),
                                                  [MESSAGE_KEYED] = sizeof(struct message_keyed),
                                                  [MESSAGE_RUNS] = sizeof(struct message_runs),
                                                  [MESSAGE_RELEASE] = sizeof(struct message_release),
                                                  [MESSAGE_PULL] = sizeof(struct message_pull),
                                                  [MESSAGE_PULLED] = sizeof(struct message_pulled),
                                                  [MESSAGE_SHARE] = sizeof(struct message_share),
                                                  [MESSAGE_SHARE_ASK] = sizeof(struct message_share),
                                                  [MESSAGE_SHARE_PIECE] = sizeof(struct message_share),
                                                  [MESSAGE_SHARE_PASSED] = sizeof(struct message_share),
                                                  [MESSAGE_SHARE_HAVE] = sizeof(struct message_share),
                                                  [MESSAGE_SHARE_DROP] = sizeof(struct message_share),
                                                  [MESSAGE_SHARE_LOST] = sizeof(struct message_share),
                                                  [MESSAGE_STOP] = sizeof(struct message_stop)};

START_TEST(every_kind_is_read_as_it_was_written)
{
    uint64_t random = suite_seed;
    for (int round = 0; round < 4000; round++) {
        int kind = 1 + round % (MESSAGE_KINDS - 1);
        sample made = sample_message(&random, kind);
        buffer frame;
        message read;
        sample_frame(&made, &frame);
        ck_assert_uint_eq(frame.size, 48 + fixed_sizes[kind] + made.body.size);
        ck_assert_msg(message_read(&read, 3, frame.data, frame.size) == RF_OK, "%s", rf_last_error()->message);
        ck_assert_int_eq(read.peer, 3);
        ck_assert_int_eq(read.head.kind, kind);
        ck_assert_uint_eq(read.head.job, made.what.head.job);
        ck_assert_uint_eq(read.head.task, made.what.head.task);
        ck_assert_int_eq(memcmp(&read.hello, &made.what.hello, fixed_sizes[kind]), 0);
        ck_assert_uint_eq(read.body_size, made.body.size);
        ck_assert_uint_eq((uintptr_t)read.body % 16, 0);
        if (made.body.size)
            ck_assert_mem_eq(read.body, made.body.data, made.body.size);
        else
            ck_assert_ptr_null(read.body);
        buffer_free(&frame);
        sample_free(&made);
    }
}
END_TEST

START_TEST(an_offered_body_is_told_by_id_and_size)
{
    _Alignas(16) uint8_t frame[256];
    message sent = {.head = {.kind = MESSAGE_JOB}, .job = {.state_type = RF_BYTES}, .body_size = (size_t)5 << 32}, read;
    message_write(frame, &sent, 77);
    ck_assert_int_eq(message_read(&read, 0, frame, message_frame_size(MESSAGE_JOB, 0)), RF_OK);
    ck_assert_uint_eq(read.head.body_id, 77);
    ck_assert_uint_eq(read.body_size, (size_t)5 << 32);
    ck_assert_ptr_null(read.body);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    uint64_t random = suite_seed;
    for (int round = 0; round < 80; round++) {
        sample made = sample_message(&random, 1 + round % (MESSAGE_KINDS - 1));
        buffer frame;
        message read;
        sample_frame(&made, &frame);
        for (size_t size = 0; size < frame.size; size++) {
            void *copy = exact_copy(frame.data, size);
            ck_assert_int_eq(message_read(&read, 1, copy, size), RF_EUSAGE);
            ck_assert_int_eq(read.head.kind, 0);
            free(copy);
        }
        buffer_free(&frame);
        sample_free(&made);
    }
}
END_TEST

START_TEST(every_flipped_bit_is_refused_or_gives_a_message_that_can_be_read)
{
    uint64_t random = suite_seed, refused = 0, taken = 0;
    for (int round = 0; round < 60; round++) {
        sample made = sample_message(&random, 1 + round % (MESSAGE_KINDS - 1));
        buffer frame;
        message read;
        sample_frame(&made, &frame);
        for (size_t bit = 0; bit < frame.size * 8; bit++) {
            uint8_t *copy = exact_copy(frame.data, frame.size);
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            int status = message_read(&read, 1, copy, frame.size);
            ck_assert(status == RF_OK || status == RF_EUSAGE);
            if (!status)
                walk_message(&read);
            status ? refused++ : taken++;
            free(copy);
        }
        buffer_free(&frame);
        sample_free(&made);
    }
    ck_assert_uint_gt(refused, 1000);
    ck_assert_uint_gt(taken, 1000);
}
END_TEST

typedef struct damage {
    const char *expected;
    int kind;
    size_t offset, size;
    uint64_t word;
} damage;
#define HEAD(field) offsetof(struct message_head, field), sizeof((struct message_head *)0)->field
#define FIXED(kind, field) 48 + offsetof(struct message_##kind, field), sizeof((struct message_##kind *)0)->field

static const damage damages[] = {
    {"does not start as", MESSAGE_BYE, HEAD(magic), 0x72666c64},
    {"another version", MESSAGE_BYE, HEAD(version), MESSAGE_VERSION + 1},
    {"kind is unknown", MESSAGE_BYE, HEAD(kind), 0},
    {"kind is unknown", MESSAGE_BYE, HEAD(kind), MESSAGE_KINDS},
    {"not that of the frame", MESSAGE_BYE, HEAD(size), 47},
    {"not what is left", MESSAGE_BYE, HEAD(body_size), 1},
    {"not what is left", MESSAGE_RUN, HEAD(body_size), UINT64_MAX},
    {"not what is left", MESSAGE_BYE, HEAD(kind), MESSAGE_RUN},
    {"cannot have that size", MESSAGE_BYE, HEAD(body_id), 5},
    {"host does not end", MESSAGE_HELLO, FIXED(hello, host), UINT64_MAX},
    {"more functions", MESSAGE_HELLO, FIXED(hello, functions), 1000},
    {"bound state is unknown", MESSAGE_JOB, FIXED(job, state_type), 9},
    {"whether the workers", MESSAGE_JOB, FIXED(job, by_workers), 2},
    {"whether items are tuples", MESSAGE_JOB, FIXED(job, wants_tuples), 2},
    {"for an attempt makes no sense", MESSAGE_JOB, FIXED(job, task_timeout), 0x7ff0000000000000},     /* infinity */
    {"whether what runs is wanted", MESSAGE_STOP, FIXED(stop, drop), 2},
    {"no range", MESSAGE_RUN, FIXED(run, count), 0},
    {"no range", MESSAGE_RUN, FIXED(run, count), UINT64_MAX},
    {"one item of several", MESSAGE_RUN, FIXED(run, count), 2},
    {"makes no sense", MESSAGE_RUN, FIXED(run, attempt), 0},
    {"makes no sense", MESSAGE_RUN, FIXED(run, more), 2},
    {"makes no sense", MESSAGE_RUN, FIXED(run, predicted), 0x7ff8000000000000},     /* not a number */
    {"makes no sense", MESSAGE_RUN, FIXED(run, predicted), 0xbff0000000000000},     /* -1 */
    {"no range", MESSAGE_PART, FIXED(part, unit), UINT64_MAX},
    {"unknown flags", MESSAGE_PART, FIXED(part, flags), PART_FLAGS + 1},
    {"more to tell", MESSAGE_PART, FIXED(part, flags), PART_INIT_FAILED},
    {"makes no sense", MESSAGE_PART, FIXED(part, seconds), 0x7ff0000000000000},     /* infinity */
    {"makes no sense", MESSAGE_PART, FIXED(part, attempt), 0},
    {"have no positions", MESSAGE_PART, FIXED(part, items), 3},
    {"more failures", MESSAGE_PART, FIXED(part, failures), 3},
    {"not the size", MESSAGE_PART, FIXED(part, failures), 2},
    {"no values", MESSAGE_PART, FIXED(part, column_size), 24},
    {"not the size", MESSAGE_PART, FIXED(part, column_size), 41},
    {"not the size", MESSAGE_PART, FIXED(part, column_size), UINT64_MAX - 7},
    {"not the size", MESSAGE_PART, FIXED(part, failures), 0},
    {"part of a job by key", MESSAGE_JOB, FIXED(job, phase), 3},
    {"part of a job by key", MESSAGE_JOB, FIXED(job, keyed), 0},
    {"part of a job by key", MESSAGE_JOB, FIXED(job, input), RF_INPUTS_MOST},
    {"make no sense", MESSAGE_KEYED, FIXED(keyed, partitions), 0},
    {"make no sense", MESSAGE_KEYED, FIXED(keyed, flags), KEYED_FLAGS + 1},
    {"make no sense", MESSAGE_KEYED, FIXED(keyed, format), RF_RAW + 1},
    {"not in its body", MESSAGE_KEYED, FIXED(keyed, folder_size), UINT64_MAX},
    {"not in its body", MESSAGE_KEYED, FIXED(keyed, kinds_size), 0},
    {"not in its body", MESSAGE_RUNS, FIXED(runs, runs), UINT64_MAX / 2},
    {"not in its body", MESSAGE_RUNS, FIXED(runs, runs), 100},
    {"what is not needed", MESSAGE_RELEASE, FIXED(release, all), 2},
    {"what is wanted", MESSAGE_PULL, FIXED(pull, what), 0},
    {"what is wanted", MESSAGE_PULL, FIXED(pull, limit), 0},
    {"what is wanted", MESSAGE_PULL, FIXED(pull, count), UINT64_MAX},
    {"none, or too many", MESSAGE_PULL, FIXED(pull, runs), 0},
    {"none, or too many", MESSAGE_PULL, FIXED(pull, low_size), 1000},
    {"status is none", MESSAGE_PULLED, FIXED(pulled, status), 1},
    {"unknown flags", MESSAGE_SHARE, FIXED(share, flags), SHARE_FLAGS + 1},
    {"of what it tells", MESSAGE_SHARE_PASSED, FIXED(share, version), 0},
    {"of what it tells", MESSAGE_SHARE_LOST, FIXED(share, peer), UINT64_MAX},
    {"no range", MESSAGE_SHARE_ASK, FIXED(share, at), UINT64_MAX},
    {"number is 0", MESSAGE_ASK, FIXED(ask, number), 0},
    {"times make no sense", MESSAGE_FIGURES, FIXED(figures, waiting), 0xbff0000000000000},
    {"times make no sense", MESSAGE_FIGURES, FIXED(figures, starting), 0x7ff8000000000000},
    {"not as many items", MESSAGE_FIGURES, FIXED(figures, longest), RF_LONGEST + 1},
    {"not as many items", MESSAGE_FIGURES, FIXED(figures, longest), UINT64_MAX / sizeof(struct message_long) + 2},
};

/* One legal message of each kind that the table damages: a RUN of one item, a PART of two items. */
static sample plain_message(int kind)
{
    uint64_t random = suite_seed;
    if (kind != MESSAGE_PART) {
        sample made = sample_message(&random, kind);
        made.what.run.position = kind == MESSAGE_RUN ? 5 : made.what.run.position;
        made.what.run.count = kind == MESSAGE_RUN ? 1 : made.what.run.count;
        return made;
    }
    sample made = {.what = {.peer = 7, .head = {.kind = MESSAGE_PART}, .part = {.unit = 4, .units = 2, .attempt = 1}}};
    part_content content = {.values = &made.values, .failures = &made.failures};
    column_add(&made.values, rf_of_i64(1));
    column_add(&made.values, rf_nil());
    message_add_failure(&made.failures, &(struct message_failure){.item = 1, .unit = 5, .status = RF_EARGS},
                        "arguments", "too few");
    message_measure_part(&made.what, &content);
    message_put_part(&made.what, &content, buffer_add(&made.body, made.what.body_size));
    made.what.body = made.body.data;
    return made;
}

START_TEST(a_field_that_makes_no_sense_is_told)
{
    const damage *done = &damages[_i];
    sample made = plain_message(done->kind);
    buffer frame;
    message read;
    sample_frame(&made, &frame);
    ck_assert_int_eq(message_read(&read, 7, frame.data, frame.size), RF_OK);
    memcpy(frame.data + done->offset, &done->word, done->size < 8 ? done->size : 8);
    if (done->size > 8)
        memset(frame.data + done->offset, 'h', done->size);
    ck_assert_int_eq(message_read(&read, 7, frame.data, frame.size), RF_EUSAGE);
    ck_assert_msg(strstr(rf_last_error()->message, done->expected) && strstr(rf_last_error()->message, "rank 7"), "%s",
                  rf_last_error()->message);
    buffer_free(&frame);
    sample_free(&made);
}
END_TEST

/* ---- parts ----------------------------------------------------------------------------------------------------- */

static void check_column(const column *made, const column_view *read)
{
    column_view values = column_look(made);
    ck_assert_uint_eq(read->count, values.count);
    for (uint64_t i = 0; i < values.count; i++) {
        rf_value expected = column_at(&values, i), got = column_at(read, i);
        ck_assert_uint_eq(got.tag, expected.tag);
        if (rf_type_of(got) >= RF_TEXT)
            ck_assert_int_eq(memcmp(got.data, expected.data, rf_size(got) + 1), 0);
        else
            ck_assert_uint_eq(got.u64, expected.u64);
    }
}

static void check_part(const sample *made, const message *read)
{
    message_results results;
    struct message_failure entry;
    const char *kind, *text;
    ck_assert_msg(message_open_part(read, &results) == RF_OK, "%s", rf_last_error()->message);
    check_column(&made->values, &results.values);
    check_column(&made->added, &results.added);
    if (read->part.flags & PART_POSITIONS)
        ck_assert_int_eq(
            memcmp(results.positions, made->positions.data ? made->positions.data : (uint8_t *)"", made->values.count * 8),
            0);
    else
        ck_assert_ptr_null(results.positions);
    uint64_t failures = 0;
    size_t at = 0;
    for (; message_next_failure(&results, &entry, &kind, &text); failures++) {
        struct message_failure expected;
        memcpy(&expected, made->failures.data + at, sizeof expected);
        ck_assert_mem_eq(&entry, &expected, sizeof entry);
        ck_assert_str_eq(kind, (char *)made->failures.data + at + sizeof expected);
        ck_assert_str_eq(text, (char *)made->failures.data + at + sizeof expected + expected.kind_size);
        at += (sizeof expected + expected.kind_size + expected.message_size + 7) / 8 * 8;
    }
    ck_assert_uint_eq(failures, read->part.failures);
    ck_assert_uint_eq(at, made->failures.size);
}

START_TEST(a_part_gives_back_values_positions_and_failures)
{
    uint64_t random = suite_seed;
    for (int round = 0; round < 2000; round++) {
        sample made = sample_message(&random, MESSAGE_PART);
        check_part(&made, &made.what);
        sample_free(&made);
    }
}
END_TEST

START_TEST(a_sealed_part_has_the_same_bytes_and_leaves_no_values)
{
    uint64_t random = suite_seed;
    for (int round = 0; round < 500; round++) {
        sample made = sample_message(&random, MESSAGE_PART);
        part_content content = sample_content(&made);
        buffer sealed;
        ck_assert_int_eq(message_seal_part(&made.what, &content, &sealed), RF_OK);
        ck_assert_uint_eq(sealed.size, made.what.body_size);
        ck_assert_mem_eq(sealed.data, made.body.data, sealed.size);
        ck_assert_uint_eq(made.values.count, 0);
        buffer_free(&sealed);
        sample_free(&made);
    }
}
END_TEST

START_TEST(sealing_a_large_part_does_not_copy_its_payload)
{
    column values = {0};
    buffer failures = {0}, body;
    message part = {.head = {.kind = MESSAGE_PART}, .part = {.units = 1, .attempt = 1}};
    part_content content = {.values = &values, .failures = &failures};
    memset(column_add_space(&values, RF_BYTES, 1 << 20), 'p', 1 << 20);
    ck_assert_int_eq(buffer_reserve(&values.payload, 4096), RF_OK);
    const void *payload = values.payload.data;
    message_measure_part(&part, &content);
    ck_assert_int_eq(message_seal_part(&part, &content, &body), RF_OK);
    ck_assert_ptr_eq(body.data, payload);
    column_free(&values);
    buffer_free(&body);
}
END_TEST

START_TEST(sealing_a_part_in_fixed_memory_leaves_that_where_it_is)
{
    static uint64_t payload[256], words[16], tags[16];
    column values = {.payload = buffer_over(payload, sizeof payload), .words = buffer_over(words, sizeof words),
                     .tags = buffer_over(tags, sizeof tags)};
    buffer failures = {0}, body;
    message part = {.head = {.kind = MESSAGE_PART}, .part = {.units = 2, .attempt = 1}};
    part_content content = {.values = &values, .failures = &failures};
    ck_assert_int_eq(column_add(&values, rf_of_string("a text")), RF_OK);
    ck_assert_int_eq(column_add(&values, rf_of_i64(7)), RF_OK);
    ck_assert(column_sound(&values));
    message_measure_part(&part, &content);
    ck_assert_int_eq(message_seal_part(&part, &content, &body), RF_OK);
    ck_assert_uint_eq(body.size, part.body_size);
    ck_assert_ptr_eq(values.payload.data, (uint8_t *)payload);
    ck_assert_uint_eq(values.count, 0);
    message_results results;
    part.body = body.data;
    ck_assert_int_eq(message_open_part(&part, &results), RF_OK);
    ck_assert_str_eq(rf_str(column_at(&results.values, 0)), "a text");
    ck_assert_int_eq(rf_i64(column_at(&results.values, 1)), 7);
    buffer_free(&body);
}
END_TEST

START_TEST(every_flipped_bit_in_a_parts_body_is_refused_or_harmless)
{
    uint64_t random = suite_seed, refused = 0;
    for (int round = 0; round < 25; round++) {
        sample made = sample_message(&random, MESSAGE_PART);
        for (size_t bit = 0; bit < made.body.size * 8; bit++) {
            uint8_t *copy = exact_copy(made.body.data, made.body.size);
            message_results results;
            message damaged = made.what;
            damaged.body = copy;
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            int status = message_open_part(&damaged, &results);
            ck_assert(status == RF_OK || status == RF_EUSAGE);
            if (!status)
                walk_message(&damaged);
            refused += status != RF_OK;
            free(copy);
        }
        sample_free(&made);
    }
    ck_assert_uint_gt(refused, 100);
}
END_TEST

/* The body of plain_message(MESSAGE_PART): column_size bytes, then one failure. */
static const struct { const char *expected; size_t offset, size; uint64_t word; } part_damages[] = {
    {"do not ascend", FIXED(failure, item) , 2},
    {"another part's unit", FIXED(failure, unit), 3},
    {"another part's unit", FIXED(failure, unit), 7},
    {"a success", FIXED(failure, status), 0},
    {"does not end", FIXED(failure, kind_size), 0},
    {"does not end", FIXED(failure, kind_size), 11},
    {"does not end", FIXED(failure, message_size), 7},
    {"does not fit", FIXED(failure, kind_size), UINT32_MAX},
    {"does not fit", FIXED(failure, message_size), UINT32_MAX},
    {"has a value", FIXED(failure, item), 0},
};

START_TEST(a_failure_that_makes_no_sense_is_told)
{
    sample made = plain_message(MESSAGE_PART);
    message_results results;
    ck_assert_int_eq(message_open_part(&made.what, &results), RF_OK);
    memcpy(made.body.data + made.what.part.column_size + part_damages[_i].offset - 48, &part_damages[_i].word,
           part_damages[_i].size);
    ck_assert_int_eq(message_open_part(&made.what, &results), RF_EUSAGE);
    ck_assert_msg(strstr(rf_last_error()->message, part_damages[_i].expected), "%s", rf_last_error()->message);
    ck_assert_ptr_null(results.failures);
    sample_free(&made);
}
END_TEST

START_TEST(failures_must_ascend_and_fill_the_body)
{
    sample made = plain_message(MESSAGE_PART);
    message_results results;
    struct message_failure entry = {.item = 1, .unit = 5, .status = RF_EARGS};
    part_content content = {.values = &made.values, .failures = &made.failures};
    message_add_failure(&made.failures, &entry, "arguments", "the same item again");
    message_measure_part(&made.what, &content);
    made.body.size = 0;
    message_put_part(&made.what, &content, buffer_add(&made.body, made.what.body_size));
    made.what.body = made.body.data;
    ck_assert_int_eq(message_open_part(&made.what, &results), RF_EUSAGE);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "do not ascend"));
    made.what.part.failures = 1;
    ck_assert_int_eq(message_open_part(&made.what, &results), RF_EUSAGE);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "something follows"));
    sample_free(&made);
}
END_TEST

static void expect_no_additions(const rf_value *pairs, size_t count, const char *expected)
{
    sample made = plain_message(MESSAGE_PART);
    part_content content = sample_content(&made);
    message_results results;
    for (size_t i = 0; i < count; i++)
        column_add(&made.added, pairs[i]);
    message_measure_part(&made.what, &content);
    made.body.size = 0;
    message_put_part(&made.what, &content, buffer_add(&made.body, made.what.body_size));
    made.what.body = made.body.data;
    ck_assert_int_eq(message_open_part(&made.what, &results), RF_EUSAGE);
    ck_assert_msg(strstr(rf_last_error()->message, expected), "%s", rf_last_error()->message);
    sample_free(&made);
}

START_TEST(what_was_added_comes_in_pairs_of_an_index_and_an_item)
{
    rf_value index = rf_of_u64(UINT64_C(1) << 63), item = rf_of_string("text");
    expect_no_additions((rf_value[]){index, item, index}, 3, "no column of pairs");
    expect_no_additions((rf_value[]){item, index}, 2, "without an index");
    expect_no_additions((rf_value[]){index, item, rf_of_u64(5), item}, 4, "without an index");
}
END_TEST

START_TEST(only_items_that_succeeded_can_have_added_something)
{
    sample made = plain_message(MESSAGE_PART);
    part_content content = sample_content(&made);
    buffer frame;
    message read;
    column_cut(&made.values, 0);
    column_add(&made.values, rf_nil());
    column_add(&made.added, rf_of_u64(UINT64_C(1) << 63));
    column_add(&made.added, rf_nil());
    made.what.part.units = 1;
    message_measure_part(&made.what, &content);
    made.body.size = 0;
    message_put_part(&made.what, &content, buffer_add(&made.body, made.what.body_size));
    made.what.body = made.body.data;
    sample_frame(&made, &frame);
    ck_assert_int_eq(message_read(&read, 7, frame.data, frame.size), RF_EUSAGE);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "added by no item"));
    buffer_free(&frame);
    sample_free(&made);
}
END_TEST

START_TEST(a_part_without_items_needs_no_body)
{
    message part = {.head = {.kind = MESSAGE_PART}, .part = {.attempt = 1, .flags = PART_LAST}}, read;
    message_results results;
    struct message_failure entry;
    const char *kind, *text;
    _Alignas(16) uint8_t frame[sizeof part.head + sizeof part.part];
    message_write(frame, &part, 0);
    ck_assert_int_eq(message_read(&read, 1, frame, sizeof frame), RF_OK);
    ck_assert_int_eq(message_open_part(&read, &results), RF_OK);
    ck_assert_uint_eq(results.values.count, 0);
    ck_assert(!message_next_failure(&results, &entry, &kind, &text));
}
END_TEST

START_TEST(very_long_texts_are_cut)
{
    buffer failures = {0};
    char *text = malloc(1 << 20);
    memset(text, 't', (1 << 20) - 1);
    text[(1 << 20) - 1] = '\0';
    ck_assert_int_eq(
        message_add_failure(&failures, &(struct message_failure){.status = RF_EFUNCTION}, "function", text), RF_OK);
    ck_assert_uint_lt(failures.size, 70000);
    ck_assert_uint_eq(failures.size % 8, 0);
    free(text);
    buffer_free(&failures);
}
END_TEST

START_TEST(failing_allocations_leave_the_values)
{
    FAILING_EACH_IN_TURN(n) {
        uint64_t random = suite_seed;
        failing_malloc_stop();
        sample made = sample_message(&random, MESSAGE_PART);
        part_content content = sample_content(&made);
        buffer sealed, failures = {0};
        uint64_t count = made.values.count;
        failing_malloc_at(n);
        int added = message_add_failure(&failures, &(struct message_failure){.status = RF_EARGS}, "arguments", "");
        int status = message_seal_part(&made.what, &content, &sealed);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(added ? added : status, failed ? RF_ENOMEM : RF_OK);
        ck_assert_uint_eq(made.values.count, status ? count : 0);
        if (status) {
            ck_assert_ptr_null(sealed.data);
            ck_assert_int_eq(message_seal_part(&made.what, &content, &sealed), RF_OK);
        }
        ck_assert_mem_eq(sealed.data, made.body.data, sealed.size);
        buffer_free(&sealed);
        buffer_free(&failures);
        sample_free(&made);
    }
}
END_TEST

/* ---- for people ------------------------------------------------------------------------------------------------ */

static void check_description(const message *what, uint64_t body_id, const char *expected)
{
    _Alignas(16) uint8_t frame[512] = {0};
    char text[256];
    message_write(frame, what, body_id);
    message_describe(frame, message_frame_size(what->head.kind, body_id ? 0 : what->body_size), text, sizeof text);
    ck_assert_str_eq(text, expected);
}

START_TEST(a_message_is_described_in_one_line)
{
    message run = {.head = {.kind = MESSAGE_RUN, .job = 3, .task = 17},
                   .run = {.first = 100, .count = 64, .position = UINT64_MAX, .attempt = 1}};
    message part = {.head = {.kind = MESSAGE_PART, .job = 3, .task = 17},
                    .part = {.unit = 100, .attempt = 2, .seconds = 0.25, .flags = PART_LAST}};
    check_description(&run, 0, "RUN job 3 task 17 units 100..163 attempt 1");
    run.body_size = 20;
    check_description(&run, 0, "RUN job 3 task 17 units 100..163 attempt 1 body 20 bytes");
    run.run.count = 1, run.run.position = 4096, run.run.more = 1, run.body_size = 100000;
    check_description(&run, 0x2a,
                      "RUN job 3 task 17 units 100..100 item at 4096 attempt 1 more body 100000 bytes under 2a");
    check_description(&part, 0, "PART job 3 task 17 unit 100 units 0 items 0 failures 0 attempt 2 0.250000 s last");
    check_description(&(message){.head = {.kind = MESSAGE_FORGET, .job = 3}}, 0, "FORGET job 3");
    check_description(&(message){.head = {.kind = MESSAGE_BYE}}, 0, "BYE");
    check_description(&(message){.head = {.kind = MESSAGE_HELLO}, .hello = {.host = "b", .process = 12}}, 0,
                      "HELLO host b process 12 functions 0");
    check_description(
        &(message){.head = {.kind = MESSAGE_JOB, .job = 3}, .job = {.function = 2, .ordinal = 1, .seed = 9}}, 0,
        "JOB job 3 function 2 ordinal 1 seed 9");
    check_description(
        &(message){.head = {.kind = MESSAGE_JOB, .job = 3}, .job = {.function = 2, .ordinal = 1, .seed = 9, .slots = 4}}, 0,
        "JOB job 3 function 2 ordinal 1 seed 9 slots 4");
}
END_TEST

START_TEST(what_is_no_message_is_described_as_such)
{
    char text[256];
    error_set(RF_ELOST, "lost", "before");
    message_describe("none", 4, text, sizeof text);
    ck_assert_str_eq(text, "4 bytes that are no message: it is shorter than a head");
    ck_assert_str_eq(rf_last_error()->message, "before");
    message_describe("none", 4, text, 8);
    ck_assert_str_eq(text, "4 bytes");
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("message");
    TCase *frames = tcase_create("frames"), *parts = tcase_create("parts"), *people = tcase_create("descriptions");
    tcase_add_test(frames, every_kind_is_read_as_it_was_written);
    tcase_add_test(frames, an_offered_body_is_told_by_id_and_size);
    tcase_add_test(frames, every_truncation_is_refused);
    tcase_add_test(frames, every_flipped_bit_is_refused_or_gives_a_message_that_can_be_read);
    tcase_add_loop_test(frames, a_field_that_makes_no_sense_is_told, 0, (int)(sizeof damages / sizeof *damages));
    tcase_add_test(parts, a_part_gives_back_values_positions_and_failures);
    tcase_add_test(parts, a_sealed_part_has_the_same_bytes_and_leaves_no_values);
    tcase_add_test(parts, sealing_a_large_part_does_not_copy_its_payload);
    tcase_add_test(parts, sealing_a_part_in_fixed_memory_leaves_that_where_it_is);
    tcase_add_test(parts, every_flipped_bit_in_a_parts_body_is_refused_or_harmless);
    tcase_add_loop_test(parts, a_failure_that_makes_no_sense_is_told, 0,
                        (int)(sizeof part_damages / sizeof *part_damages));
    tcase_add_test(parts, failures_must_ascend_and_fill_the_body);
    tcase_add_test(parts, what_was_added_comes_in_pairs_of_an_index_and_an_item);
    tcase_add_test(parts, only_items_that_succeeded_can_have_added_something);
    tcase_add_test(parts, a_part_without_items_needs_no_body);
    tcase_add_test(parts, very_long_texts_are_cut);
    tcase_add_test(parts, failing_allocations_leave_the_values);
    tcase_add_test(people, a_message_is_described_in_one_line);
    tcase_add_test(people, what_is_no_message_is_described_as_such);
    suite_add_tcase(all, frames);
    suite_add_tcase(all, parts);
    suite_add_tcase(all, people);
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
