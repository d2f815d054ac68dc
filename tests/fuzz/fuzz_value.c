/* Any bytes as MessagePack, as the tuple or dictionary that a function gets for its item, and as a sealed column. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "random_value.h"
#include "sample_message.h"
#include "value/arguments.h"
#include "value/pack.h"

#define DEPTH 100

const char *const fuzz_corpus = "value";
static volatile uint64_t sum;

static void read_bytes(rf_value value)
{
    for (size_t i = 0; i < rf_size(value); i++)
        sum += ((const uint8_t *)value.data)[i];
}

/* Everything in a value; containers by a stack, as deep as it goes. */
static void read_value(rf_value value)
{
    rf_value stack[DEPTH], element;
    int depth = 0;
    stack[depth++] = value;
    while (depth) {
        rf_value *top = &stack[depth - 1];
        if (!value_is_container(*top)) {
            sum += rf_u64(*top) + (uint64_t)rf_i64(*top) + rf_truth(*top);
            if (rf_type_of(*top) == RF_TEXT || rf_type_of(*top) == RF_BYTES)
                read_bytes(*top);
            depth--;
        } else if (rf_take(top, &element) != RF_OK) {
            depth--;
        } else if (depth < DEPTH) {
            stack[depth++] = element;
        }
    }
}

static void read_lines(rf_value text)
{
    rf_value line;
    while (rf_take_line(&text, &line) == RF_OK)
        read_bytes(line);
}

/* memory: NULL as outside of a function. */
static void read_arguments(rf_value item, arena *memory)
{
    char why[200];
    rf_value value;
    const char *text;
    double number;
    int integer;
    unsigned char small;
    bool truth;
    const rf_slot slots[] = {{"a", &value, RF_SLOT_VALUE}, {"b", &text, RF_SLOT_STRING}, {"c", &number, RF_SLOT_DOUBLE},
                             {"d", &integer, RF_SLOT_INT}, {"e", &small, RF_SLOT_UCHAR}, {"f", &truth, RF_SLOT_BOOL}};
    for (size_t first = 0; first < 6; first++)
        for (size_t count = 1; first + count <= 6; count++) {
            if (arguments_read(item, slots + first, count, memory, why, sizeof why))
                continue;
            if (first <= 1 && first + count > 1)
                sum += strlen(text);
            if (first == 0)
                read_value(value);
        }
}

/* A variable of each type: alone, behind one that takes anything, and as the element of a zip's tuple. */
static void read_each_type(rf_value item, arena *memory)
{
    char why[200];
    rf_value any, tuple = rf_tuple_of(&item, 1);
    union { rf_value value; const char *text; uint64_t number; } at;
    for (int type = RF_SLOT_BOOL; type <= RF_SLOT_VALUE; type++) {
        const rf_slot slots[] = {{"a", &any, RF_SLOT_VALUE}, {"b", &at, type}};
        const struct { rf_value item; size_t first, count; } readings[] = {{item, 1, 1}, {item, 0, 2}, {tuple, 1, 1}};
        for (size_t i = 0; i < 3; i++) {
            at.value = rf_nil();
            if (arguments_read(readings[i].item, slots + readings[i].first, readings[i].count, memory, why, sizeof why))
                continue;
            sum += type == RF_SLOT_STRING ? strlen(at.text) : at.number;
            if (type == RF_SLOT_VALUE)
                read_value(at.value);
        }
    }
}

/* As a function's item: a NUL is behind it. */
static void read_item(rf_value item)
{
    static FILE *nowhere;
    arena memory = {0};
    rf_value found;
    if (!nowhere && !(nowhere = fopen("/dev/null", "w")))
        abort();
    read_value(item);
    read_arguments(item, &memory);
    read_arguments(item, NULL);
    read_each_type(item, &memory);
    read_each_type(item, NULL);
    sum += rf_elements(item) + (uint64_t)rf_print(nowhere, item);
    if (rf_type_of(item) == RF_TEXT)
        read_lines(item);
    if (rf_type_of(item) == RF_DICT_TYPE) {
        rf_lookup(item, rf_of_string("b"), &found);
        read_value(found);
        rf_lookup(item, rf_of_i64(1), &found);
        read_value(found);
    }
    arena_free(&memory);
}

static void read_column(const void *sealed, size_t size)
{
    column_view view;
    if (column_open(&view, sealed, size))
        return;
    for (uint64_t i = 0; i < view.count && i < 100; i++)
        read_item(column_at(&view, i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = exact_copy(data, size), *item = malloc(size + 1);
    const void *at = copy;
    size_t left = size;
    rf_value value;
    if (!item)
        abort();
    if (size)
        memcpy(item, data, size);
    item[size] = '\0';
    while (unpack_value(&at, &left, &value) == RF_OK)
        read_value(value);
    read_column(copy, size);
    read_item(rf_view(RF_TUPLE_TYPE, item, size));
    read_item(rf_view(RF_DICT_TYPE, item, size));
    read_item(rf_view(RF_TEXT, item, size));
    free(copy);
    free(item);
    return 0;
}

static rf_value small_value(uint64_t *random, arena *memory)
{
    rf_value names[] = {rf_of_string("a"),    rf_nil(),          rf_of_string("b"),
                        rf_of_string("text"), rf_of_string("c"), rf_of_f64(1.5)};
    switch (random_below(random, 3)) {
    case 0:
        return random_value(random, memory, 3);
    case 1:
        names[1] = random_value(random, memory, 0);
        return rf_dict_of(memcpy(arena_add(memory, sizeof names), names, sizeof names), 6);
    default:
        return rf_of_i64((int64_t)random_integer(random));
    }
}

static void draw_seed(uint64_t *random, buffer *input)
{
    arena memory = {0};
    column values = {0};
    uint64_t count = random_below(random, 6);
    bool sealed = random_below(random, 2);
    for (uint64_t i = 0; i <= count; i++) {
        rf_value value = small_value(random, &memory);
        if (sealed ? column_add(&values, value) : pack_value(input, value))
            abort();
    }
    if (sealed) {
        void *space = buffer_add(input, column_bytes(&values));
        if (!space)
            abort();
        column_seal_into(&values, space);
    }
    column_free(&values);
    arena_free(&memory);
}

/* What is damaged has to be small for the damage to hit what matters. */
void fuzz_seed(uint64_t *random, buffer *input)
{
    size_t before = input->size;
    do {
        input->size = before;
        draw_seed(random, input);
    } while (input->size - before > 2048);
}
