#include "rankfold.h"

#include <string.h>

#include "base/error.h"
#include "value/arguments.h"
#include "value/number.h"
#include "value/pack.h"

#define EQUAL_DEPTH 512     /* nesting of keys that rf_lookup compares */

rf_value rf_of_string(const char *text)
{
    return text ? rf_text(text, strlen(text)) : rf_nil();
}

static rf_value borrowed(rf_type type, const rf_value *elements, size_t count)
{
    rf_value value = rf_view(type, elements, count);
    value.tag |= VALUE_BORROWED;
    return value;
}

rf_value rf_tuple_of(const rf_value *elements, size_t count)
{
    return borrowed(RF_TUPLE_TYPE, elements, count);
}

rf_value rf_dict_of(const rf_value *keys_and_values, size_t count)
{
    return borrowed(RF_DICT_TYPE, keys_and_values, count);
}

int64_t rf_i64(rf_value value)
{
    int64_t number = 0;
    number_to_i64(value, &number);
    return number;
}

uint64_t rf_u64(rf_value value)
{
    uint64_t number = 0;
    number_to_u64(value, &number);
    return number;
}

double rf_f64(rf_value value)
{
    double number = 0;
    number_to_f64(value, &number);
    return number;
}

const char *rf_str(rf_value value)
{
    return rf_type_of(value) == RF_TEXT ? value.data : "";
}

bool rf_truth(rf_value value)
{
    switch (rf_type_of(value)) {
    case RF_NIL:
        return false;
    case RF_BOOL:
        return value.truth;
    case RF_I64:
    case RF_U64:
        return value.u64 != 0;
    case RF_F64:
        return value.f64 != 0;
    case RF_TEXT:
    case RF_BYTES:
        return rf_size(value) > 0;
    case RF_TUPLE_TYPE:
    case RF_DICT_TYPE:
        break;
    }
    return rf_elements(value) > 0;
}

static int not_well_formed(void)
{
    return error_set(RF_EARGS, "arguments", "a tuple or dictionary is not well-formed MessagePack");
}

static int take_borrowed(rf_value *container, rf_value *element)
{
    size_t left = rf_size(*container);
    if (left == 0)
        return RF_END;
    const rf_value *elements = container->data;
    *element = *elements;
    container->data = elements + 1;
    container->tag = (uint64_t)(left - 1) << 8 | (container->tag & 0xff);
    return RF_OK;
}

/* Only from its head can be told that all its elements are there; it is gone after the first one has been taken. */
static int open_packed(rf_value *container)
{
    const void *at = container->data;
    size_t left = rf_size(*container);
    uint64_t count;
    if (unpack_head(&at, &left, rf_type_of(*container), &count) || unpack_skip(at, left, count) != left)
        return not_well_formed();
    container->data = at;
    container->tag = (uint64_t)left << 8 | VALUE_OPENED | (container->tag & 15);
    return RF_OK;
}

int rf_take(rf_value *container, rf_value *element)
{
    *element = rf_nil();
    if (!value_is_container(*container))
        return error_set(RF_EARGS, "arguments", "elements are taken off a tuple or a dictionary, this is %s",
                         value_type_name(rf_type_of(*container)));
    unsigned flags = container->tag & VALUE_FLAGS;
    if (flags == VALUE_BORROWED)
        return take_borrowed(container, element);
    int status = flags == VALUE_PACKED ? open_packed(container) : RF_OK;
    if (status)
        return status;
    const void *at = container->data;
    size_t left = rf_size(*container);
    status = unpack_value(&at, &left, element);
    if (status < 0)
        return not_well_formed();
    container->data = at;
    container->tag = (uint64_t)left << 8 | (container->tag & 0xff);
    return status;
}

int rf_take_line(rf_value *text, rf_value *line)
{
    *line = rf_nil();
    if (rf_type_of(*text) != RF_TEXT)
        return error_set(RF_EARGS, "arguments", "lines are taken off a text, this is %s", value_type_name(rf_type_of(*text)));
    const char *at = text->data;
    size_t left = rf_size(*text);
    if (left == 0)
        return RF_END;
    const char *newline = memchr(at, '\n', left);
    size_t size = newline ? (size_t)(newline - at) : left;
    size_t taken = newline ? size + 1 : size;
    *line = rf_text(at, size);
    *text = rf_text(at + taken, left - taken);
    return RF_OK;
}

uint64_t rf_elements(rf_value container)
{
    if (!value_is_container(container))
        return 0;
    const void *at = container.data;
    size_t left = rf_size(container);
    unsigned flags = container.tag & VALUE_FLAGS;
    uint64_t count = 0;
    if (flags == VALUE_BORROWED)
        return left;
    if (flags == VALUE_PACKED)
        return unpack_head(&at, &left, rf_type_of(container), &count) ? 0 : count;
    for (rf_value element; unpack_value(&at, &left, &element) == RF_OK;)
        count++;
    return count;
}

static bool value_equal(rf_value a, rf_value b, unsigned depth);

static bool elements_equal(rf_value a, rf_value b, unsigned depth)
{
    for (;;) {
        rf_value of_a, of_b;
        int status = rf_take(&a, &of_a), other = rf_take(&b, &of_b);
        if (status || other)
            return status == RF_END && other == RF_END;
        if (!value_equal(of_a, of_b, depth))
            return false;
    }
}

/* As keys: integers by their number, whatever their sign; everything else only equals its own type. */
static bool value_equal(rf_value a, rf_value b, unsigned depth)
{
    rf_type type = rf_type_of(a);
    if ((type == RF_I64 || type == RF_U64) && rf_type_of(b) != RF_F64) {
        return number_is(b) && a.u64 == b.u64 && (a.tag == b.tag || a.u64 <= INT64_MAX);
    }
    if (type != rf_type_of(b))
        return false;
    switch (type) {
    case RF_NIL:
        return true;
    case RF_BOOL:
        return a.truth == b.truth;
    case RF_F64:
        return a.f64 == b.f64;
    case RF_TEXT:
    case RF_BYTES:
        return rf_size(a) == rf_size(b) && (rf_size(a) == 0 || memcmp(a.data, b.data, rf_size(a)) == 0);
    default:
        return depth > 0 && elements_equal(a, b, depth - 1);
    }
}

int rf_lookup(rf_value dict, rf_value key, rf_value *value)
{
    *value = rf_nil();
    if (rf_type_of(dict) != RF_DICT_TYPE)
        return error_set(RF_EARGS, "arguments", "keys are looked up in a dictionary, this is %s",
                         value_type_name(rf_type_of(dict)));
    for (;;) {
        rf_value name, found;
        int status = rf_take(&dict, &name);
        if (status)
            return status;
        status = rf_take(&dict, &found);
        if (status)
            return status == RF_END ? not_well_formed() : status;
        if (value_equal(name, key, EQUAL_DEPTH)) {
            *value = found;
            return RF_OK;
        }
    }
}
