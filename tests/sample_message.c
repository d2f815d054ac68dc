#include "sample_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"

rf_value sample_value(uint64_t *random, char text[64])
{
    size_t size = random_below(random, 64);
    memset(text, 'a' + (int)random_below(random, 26), size);
    switch (random_below(random, 6)) {
    case 0:
        return rf_of_bool(random_next(random) & 1);
    case 1:
        return rf_of_i64((int64_t)random_next(random));
    case 2:
        return rf_of_f64(random_unit(random));
    case 3:
        return rf_bytes(text, size);
    case 4:
        return rf_nil();
    default:
        return rf_text(text, size);
    }
}

static void add_failure(sample *made, uint64_t *random, uint64_t item)
{
    char text[64];
    size_t size = random_below(random, sizeof text);
    memset(text, 'x', size);
    text[size] = '\0';
    struct message_failure entry = {.item = item,
                                    .unit = made->what.part.unit + random_below(random, made->what.part.units + 1),
                                    .position = random_next(random),
                                    .status = RF_EFUNCTION};
    if (message_add_failure(&made->failures, &entry, item % 2 ? "net.dns" : "function", text))
        abort();
}

static void add_items(sample *made, uint64_t *random)
{
    for (uint64_t count = 1 + random_below(random, 5); count; count--) {
        char text[64];
        if (column_add(&made->added, rf_of_u64(random_next(random) | UINT64_C(1) << 63)) ||
            column_add(&made->added, sample_value(random, text)))
            abort();
    }
}

part_content sample_content(sample *made)
{
    return (part_content){.values = &made->values, .positions = (const uint64_t *)(const void *)made->positions.data,
                          .failures = &made->failures, .added = &made->added};
}

static void fill_part(sample *made, uint64_t *random)
{
    message *what = &made->what;
    uint64_t items = random_below(random, 20), failed = 0;
    bool positions = random_below(random, 2), all_numbers = random_below(random, 3) == 0;
    what->part = (struct message_part){.unit = random_below(random, 1000),
                                       .units = positions ? random_below(random, 5) : items,
                                       .path_index = random_below(random, 9),
                                       .seconds = random_unit(random),
                                       .attempt = 1 + (uint32_t)random_below(random, 3),
                                       .flags = (positions ? PART_POSITIONS : 0) | (uint32_t)random_below(random, 2)};
    for (uint64_t i = 0; i < items; i++) {
        char text[64];
        bool fails = random_below(random, 8) == 0;
        rf_value value = fails ? rf_nil() : all_numbers ? rf_of_f64(random_unit(random)) : sample_value(random, text);
        uint64_t position = random_next(random);
        if (column_add(&made->values, value) || buffer_put(&made->positions, &position, sizeof position))
            abort();
        failed += fails;
        if (fails)
            add_failure(made, random, i);
    }
    if (items == 0 && random_below(random, 2)) {
        what->part.flags |= PART_INIT_FAILED;
        what->part.units = 0;
        add_failure(made, random, 0);
    }
    if (items > failed && random_below(random, 3) == 0)
        add_items(made, random);
    part_content content = sample_content(made);
    message_measure_part(what, &content);
    void *space = buffer_add(&made->body, what->body_size);
    if (!space)
        abort();
    message_put_part(what, &content, space);
}

static void fill_bytes(sample *made, uint64_t *random, size_t size)
{
    for (uint8_t *at = buffer_add(&made->body, size); size; size--)
        *at++ = (uint8_t)random_below(random, 256);
}

static void fill_by_key(sample *made, uint64_t *random)
{
    message *what = &made->what;
    switch (what->head.kind) {
    case MESSAGE_KEYED:
        what->keyed = (struct message_keyed){.partitions = 1 + (uint32_t)random_below(random, 99), .combiner = KEYED_NO_FUNCTION,
                                             .flags = (uint32_t)random_below(random, KEYED_FLAGS + 1), .state_type = RF_BYTES,
                                             .memory = random_next(random), .folder_size = 5, .kinds_size = 4};
        buffer_put(&made->body, "/out\0net", 9);
        break;
    case MESSAGE_RUNS:
        what->runs.runs = random_below(random, 9);
        fill_bytes(made, random, what->runs.runs * sizeof(struct message_run_place) + random_below(random, 20));
        break;
    case MESSAGE_RELEASE:
        what->release.all = random_below(random, 2);
        break;
    case MESSAGE_PULL:
        what->pull = (struct message_pull){.what = PULL_PARTITION + (uint32_t)random_below(random, 3), .partition = (uint32_t)random_below(random, 9),
                                           .first = random_below(random, 99), .count = random_below(random, 99), .limit = 1 + random_below(random, 99),
                                           .runs = 1 + (uint32_t)random_below(random, 9), .low_size = (uint32_t)random_below(random, 9)};
        fill_bytes(made, random, what->pull.runs * sizeof(uint64_t) + what->pull.low_size);
        break;
    default:
        what->pulled = (struct message_pulled){.status = -(int32_t)random_below(random, 20), .stretches = (uint32_t)random_below(random, 9)};
        fill_bytes(made, random, random_below(random, 100));
    }
}

sample sample_message(uint64_t *random, int kind)
{
    sample made = {
        .what = {
            .head = {.kind = (uint16_t)kind, .job = random_below(random, 100), .task = random_below(random, 1000)}}};
    message *what = &made.what;
    switch (kind) {
    case MESSAGE_HELLO:
        what->hello = (struct message_hello){
            .fingerprint = random_next(random), .process = 4711, .functions = 2, .host = "node7"};
        buffer_put(&made.body, "map a.c:f\0map b.c:g", 20);
        break;
    case MESSAGE_JOB:
        what->job = (struct message_job){.function = (uint32_t)random_below(random, 9),
                                         .state_type = RF_BYTES,
                                         .seed = random_next(random),
                                         .ordinal = random_below(random, 9),
                                         .by_workers = (uint32_t)random_below(random, 2),
                                         .grows = (uint32_t)random_below(random, 2),
                                         .wants_tuples = (uint32_t)random_below(random, 2),
                                         .slots = (uint32_t)random_below(random, 3),
                                         .task_timeout = random_unit(random),
                                         .task_memory = random_next(random),
                                         .lifespan = random_next(random),
                                         .keyed = 1 + random_below(random, 9),
                                         .phase = PHASE_MAP + (uint32_t)random_below(random, 2),
                                         .input = (uint32_t)random_below(random, RF_INPUTS_MOST)};
        fill_bytes(&made, random, random_below(random, 100));
        break;
    case MESSAGE_RUN:
        what->run = (struct message_run){.first = random_next(random) >> 1,
                                         .count = 1,
                                         .position = random_next(random),
                                         .kind = 1,
                                         .a = random_next(random),
                                         .b = random_next(random),
                                         .attempt = 1,
                                         .predicted = random_unit(random)};
        if (random_below(random, 2)) {
            what->run.count = 1 + random_below(random, 1000);
            what->run.position = UINT64_MAX;
        }
        fill_bytes(&made, random, random_below(random, 100));
        break;
    case MESSAGE_STOP:
        what->stop.drop = random_below(random, 2);
        break;
    case MESSAGE_PART:
        fill_part(&made, random);
        break;
    case MESSAGE_ASK:
        what->ask.number = 1 + random_below(random, 9);
        break;
    case MESSAGE_FIGURES:
        what->figures = (struct message_figures){.answers = random_below(random, 3),
                                                 .items = random_next(random),
                                                 .working = random_unit(random),
                                                 .longest = random_below(random, RF_LONGEST + 1)};
        fill_bytes(&made, random, what->figures.longest * sizeof(struct message_long));
        break;
    case MESSAGE_KEYED:
    case MESSAGE_RUNS:
    case MESSAGE_RELEASE:
    case MESSAGE_PULL:
    case MESSAGE_PULLED:
        fill_by_key(&made, random);
        break;
    default:
        if (kind >= MESSAGE_SHARE)
            what->share = (struct message_share){.version = 1 + random_below(random, 9),
                                                 .at = random_next(random) >> 2,
                                                 .peer = (int32_t)random_below(random, 99),
                                                 .flags = (uint32_t)random_below(random, SHARE_FLAGS + 1),
                                                 .door = random_next(random),
                                                 .token = {random_next(random), random_next(random)}};
        if (kind == MESSAGE_SHARE || kind == MESSAGE_SHARE_PIECE)
            fill_bytes(&made, random, 1 + random_below(random, 100));
    }
    what->body_size = made.body.size;
    what->body = made.body.size ? made.body.data : NULL;
    return made;
}

void sample_free(sample *made)
{
    buffer_free(&made->body);
    buffer_free(&made->positions);
    buffer_free(&made->failures);
    column_free(&made->values);
    column_free(&made->added);
}

void sample_frame(const sample *made, buffer *frame)
{
    *frame = (buffer){0};
    void *space = buffer_add(frame, message_frame_size(made->what.head.kind, made->what.body_size));
    if (!space)
        abort();
    void *body = message_write(space, &made->what, 0);
    if (made->body.size)
        memcpy(body, made->body.data, made->body.size);
}

void *exact_copy(const void *bytes, size_t size)
{
    void *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

static uint64_t sum_bytes(const void *bytes, size_t size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = sum * 31 + ((const uint8_t *)bytes)[i];
    return sum;
}

static uint64_t sum_value(rf_value value)
{
    return value.tag + (rf_type_of(value) >= RF_TEXT ? sum_bytes(value.data, rf_size(value) + 1) : value.u64);
}

static uint64_t walk_part(const message *what)
{
    message_results results;
    struct message_failure entry;
    const char *kind, *text;
    uint64_t sum = 0;
    if (message_open_part(what, &results))
        return 0;
    for (uint64_t i = 0; i < results.added.count; i++)
        sum += sum_value(column_at(&results.added, i));
    for (uint64_t i = 0; i < results.values.count; i++) {
        sum += sum_value(column_at(&results.values, i));
        sum += results.positions ? results.positions[i] : what->part.unit + i;
    }
    while (message_next_failure(&results, &entry, &kind, &text))
        sum += entry.item + strlen(kind) + strlen(text);
    return sum;
}

uint64_t walk_message(const message *what)
{
    if (what->head.kind == MESSAGE_PART && (what->body || !what->body_size))
        return walk_part(what);
    return sum_bytes(what->body, what->body ? what->body_size : 0);
}
