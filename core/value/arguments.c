#include "value/arguments.h"

#include <float.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "value/number.h"
#include "value/pack.h"

#define SLOTS_MOST 64       /* a bit each in a word tells which a dictionary has filled */

const char *value_type_name(rf_type type)
{
    switch (type) {
    case RF_NIL:
        return "nothing (nil)";
    case RF_BOOL:
        return "a truth value";
    case RF_I64:
    case RF_U64:
        return "an integer";
    case RF_F64:
        return "a floating-point number";
    case RF_TEXT:
        return "a text";
    case RF_BYTES:
        return "bytes";
    case RF_TUPLE_TYPE:
        return "a tuple";
    case RF_DICT_TYPE:
        return "a dictionary";
    }
    return "no value";
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */

/* name: for a number that does not fit, what: for anything else. least and most only for integers; most 0: no integer. */
static const struct slot_type {
    const char *name, *what;
    size_t size;
    int64_t least;
    uint64_t most;
} slot_types[] = {
    [RF_SLOT_BOOL] = {"a bool", "a truth value", sizeof(bool), 0, 1},
    [RF_SLOT_SCHAR] = {"a signed char", "an integer", sizeof(signed char), SCHAR_MIN, SCHAR_MAX},
    [RF_SLOT_UCHAR] = {"an unsigned char", "an integer", sizeof(unsigned char), 0, UCHAR_MAX},
    [RF_SLOT_SHORT] = {"a short", "an integer", sizeof(short), SHRT_MIN, SHRT_MAX},
    [RF_SLOT_USHORT] = {"an unsigned short", "an integer", sizeof(unsigned short), 0, USHRT_MAX},
    [RF_SLOT_INT] = {"an int", "an integer", sizeof(int), INT_MIN, INT_MAX},
    [RF_SLOT_UINT] = {"an unsigned int", "an integer", sizeof(unsigned), 0, UINT_MAX},
    [RF_SLOT_LONG] = {"a long", "an integer", sizeof(long), LONG_MIN, LONG_MAX},
    [RF_SLOT_ULONG] = {"an unsigned long", "an integer", sizeof(unsigned long), 0, ULONG_MAX},
    [RF_SLOT_LLONG] = {"a long long", "an integer", sizeof(long long), LLONG_MIN, LLONG_MAX},
    [RF_SLOT_ULLONG] = {"an unsigned long long", "an integer", sizeof(unsigned long long), 0, ULLONG_MAX},
    [RF_SLOT_FLOAT] = {"a float", "a number", sizeof(float), 0, 0},
    [RF_SLOT_DOUBLE] = {"a double", "a number", sizeof(double), 0, 0},
    [RF_SLOT_STRING] = {"a const char *", "a text", sizeof(const char *), 0, 0},
    [RF_SLOT_VALUE] = {"an rf_value", "a value", sizeof(rf_value), 0, 0},
};

static const struct slot_type *slot_type(const rf_slot *slot)
{
    size_t type = (size_t)slot->type;
    return type < sizeof slot_types / sizeof *slot_types ? &slot_types[type] : NULL;
}

/* Two's complement makes the low bytes of a 64-bit integer that fits the same integer of fewer bits. */
static void store_integer(void *at, size_t size, uint64_t number)
{
    uint32_t word = (uint32_t)number;
    uint16_t half = (uint16_t)number;
    uint8_t byte = (uint8_t)number;
    switch (size) {
    case 1:
        memcpy(at, &byte, 1);
        break;
    case 2:
        memcpy(at, &half, 2);
        break;
    case 4:
        memcpy(at, &word, 4);
        break;
    default:
        memcpy(at, &number, 8);
    }
}

static bool read_integer(rf_value value, const rf_slot *slot)
{
    const struct slot_type *type = &slot_types[slot->type];
    int64_t number;
    uint64_t natural;
    if (type->least < 0) {
        if (!number_to_i64(value, &number) || number < type->least || number > (int64_t)type->most)
            return false;
        natural = (uint64_t)number;
    } else if (!number_to_u64(value, &natural) || natural > type->most) {
        return false;
    }
    store_integer(slot->at, type->size, natural);
    return true;
}

static bool read_float(rf_value value, float *to)
{
    double number;
    if (!number_to_f64(value, &number) || (isfinite(number) && isinf((float)number)))
        return false;
    *to = (float)number;
    return true;
}

static inline bool read_number(rf_value value, const rf_slot *slot)
{
    switch (slot->type) {
    case RF_SLOT_STRING:
        return false;
    case RF_SLOT_FLOAT:
        return read_float(value, slot->at);
    case RF_SLOT_DOUBLE:
        return number_to_f64(value, slot->at);
    case RF_SLOT_VALUE:
        *(rf_value *)slot->at = value;
        return true;
    default:
        return slot_type(slot) && read_integer(value, slot);
    }
}

/* ---- one variable ---------------------------------------------------------------------------------------------- */

typedef struct reading {
    const rf_slot *slots;
    size_t count;
    arena *memory;
    char *why;
    size_t why_size;
} reading;

static __attribute__((format(printf, 2, 3), cold)) int refuse(const reading *of, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(of->why, of->why_size, format, arguments);
    va_end(arguments);
    return RF_EARGS;
}

static __attribute__((cold)) int refuse_value(const reading *of, const rf_slot *slot, rf_value value)
{
    const struct slot_type *type = slot_type(slot);
    size_t position = (size_t)(slot - of->slots) + 1;
    char came[64], bounds[64] = "";
    if (!type)
        return refuse(of, "argument %zu (%s) is read into slot type %d: there is none", position, slot->name, slot->type);
    if (!number_is(value))
        snprintf(came, sizeof came, "%s", value_type_name(rf_type_of(value)));
    else if (value.tag == RF_F64)
        snprintf(came, sizeof came, "%.*g", DBL_DIG, value.f64);
    else
        snprintf(came, sizeof came, value.tag == RF_I64 ? "%" PRId64 : "%" PRIu64, value.u64);
    bool unfit = number_is(value) && slot->type != RF_SLOT_STRING;
    if (unfit && type->most)
        snprintf(bounds, sizeof bounds, " (%" PRId64 " to %" PRIu64 ")", type->least, type->most);
    return refuse(of, "argument %zu (%s) is %s, the function reads %s%s", position, slot->name, came, unfit ? type->name : type->what,
                  bounds);
}

static int no_memory(const reading *of, const rf_slot *slot, size_t size)
{
    refuse(of, "argument %zu (%s) of %zu bytes finds no memory", (size_t)(slot - of->slots) + 1, slot->name, size);
    return RF_ENOMEM;
}

static bool nul_follows(rf_value value)
{
    return value.data && ((const char *)value.data)[rf_size(value)] == '\0';
}

/* Aligned, and texts and bytes with a NUL behind: as it is where it is so already, else a copy. part: it sits inside a
   container, where what follows it is something else. */
static int settle(const reading *of, const rf_slot *slot, rf_value *value, bool part)
{
    if (rf_type_of(*value) < RF_TEXT || !of->memory || value->tag & VALUE_FLAGS)
        return RF_OK;
    if (!part && (uintptr_t)value->data % 16 == 0 && (value_is_container(*value) || nul_follows(*value)))
        return RF_OK;
    size_t size = rf_size(*value);
    char *copy = arena_add(of->memory, size + 1);
    if (!copy)
        return no_memory(of, slot, size);
    if (size)
        memcpy(copy, value->data, size);
    copy[size] = '\0';
    value->data = copy;
    return RF_OK;
}

static int read_string(const reading *of, const rf_slot *slot, rf_value value, bool part)
{
    size_t position = (size_t)(slot - of->slots) + 1;
    if (rf_type_of(value) != RF_TEXT)
        return refuse_value(of, slot, value);
    if (rf_size(value) && memchr(value.data, 0, rf_size(value)))
        return refuse(of, "argument %zu (%s) is a text that holds a NUL, the function reads a const char *; read it into an "
                      "rf_value", position, slot->name);
    if (!of->memory && (part || !nul_follows(value)))
        return refuse(of, "argument %zu (%s) is a text without a NUL behind it, which a const char * needs; read it into an "
                      "rf_value", position, slot->name);
    int status = settle(of, slot, &value, part);
    if (!status)
        *(const char **)slot->at = value.data;
    return status;
}

static int read_one(const reading *of, const rf_slot *slot, rf_value value, bool part)
{
    if (number_is(value) && read_number(value, slot))
        return RF_OK;
    if (slot->type == RF_SLOT_STRING)
        return read_string(of, slot, value, part);
    if (slot->type == RF_SLOT_BOOL && value.tag == RF_BOOL) {
        *(bool *)slot->at = value.truth;
        return RF_OK;
    }
    if (slot->type != RF_SLOT_VALUE)
        return refuse_value(of, slot, value);
    int status = settle(of, slot, &value, part);
    if (!status)
        *(rf_value *)slot->at = value;
    return status;
}

/* ---- containers ------------------------------------------------------------------------------------------------ */

typedef struct walk {           /* over the elements of a container */
    const void *at;
    size_t left;                /* bytes; elements where borrowed */
    uint64_t count;             /* elements that it should have */
    bool borrowed;
} walk;

static bool walk_open(walk *over, rf_value container)
{
    unsigned flags = container.tag & VALUE_FLAGS;
    *over = (walk){container.data, rf_size(container), 0, flags == VALUE_BORROWED};
    if (flags == VALUE_PACKED)
        return unpack_head(&over->at, &over->left, rf_type_of(container), &over->count) == RF_OK;
    over->count = rf_elements(container);
    return true;
}

static bool walk_next(walk *over, rf_value *element)
{
    if (!over->borrowed)
        return unpack_value(&over->at, &over->left, element) == RF_OK;
    const rf_value *elements = over->at;
    if (over->left == 0)
        return false;
    *element = *elements;
    over->at = elements + 1;
    over->left--;
    return true;
}

/* "width, height, depth": what the function reads. */
static const char *names_of(const reading *of, char *to, size_t size)
{
    size_t used = 0;
    to[0] = '\0';
    for (size_t i = 0; i < of->count && used < size; i++)
        used += (size_t)snprintf(to + used, size - used, "%s%s", i ? ", " : "", of->slots[i].name);
    return to;
}

static __attribute__((cold)) int refuse_count(const reading *of, uint64_t came)
{
    char names[512];
    return refuse(of, "a tuple of %" PRIu64 " came, the function reads %zu: %s", came, of->count, names_of(of, names, sizeof names));
}

static __attribute__((cold)) int refuse_key(const reading *of, rf_value key, const char *wrong)
{
    char names[512];
    names_of(of, names, sizeof names);
    if (rf_type_of(key) != RF_TEXT)
        return refuse(of, "a key is %s; keys are the texts %s", value_type_name(rf_type_of(key)), names);
    return refuse(of, "the key \"%.*s\" %s; the function reads %s", (int)(rf_size(key) < 128 ? rf_size(key) : 128),
                  (const char *)key.data, wrong, names);
}

static int refuse_bytes(const reading *of)
{
    return refuse(of, "a tuple or dictionary came that is not well-formed MessagePack");
}

static int read_tuple(const reading *of, rf_value tuple)
{
    walk over;
    rf_value element;
    int status = RF_OK;
    if (!walk_open(&over, tuple))
        return refuse_bytes(of);
    if (over.count != of->count)
        return refuse_count(of, over.count);
    for (size_t i = 0; i < of->count && !status; i++)
        status = walk_next(&over, &element) ? read_one(of, &of->slots[i], element, !over.borrowed) : refuse_bytes(of);
    return status || over.left == 0 ? status : refuse_bytes(of);
}

static size_t slot_named(const reading *of, rf_value key)
{
    size_t size = rf_size(key), i = 0;
    if (rf_type_of(key) != RF_TEXT)
        return of->count;
    while (i < of->count && (strlen(of->slots[i].name) != size || memcmp(of->slots[i].name, key.data, size) != 0))
        i++;
    return i;
}

static int read_pair(const reading *of, walk *over, uint64_t *filled)
{
    rf_value key, value;
    if (!walk_next(over, &key) || !walk_next(over, &value))
        return refuse_bytes(of);
    size_t i = slot_named(of, key);
    if (i == of->count)
        return refuse_key(of, key, "is unknown");
    uint64_t bit = (uint64_t)1 << i;
    if (*filled & bit)
        return refuse_key(of, key, "comes twice");
    *filled |= bit;
    return read_one(of, &of->slots[i], value, !over->borrowed);
}

static int read_dict(const reading *of, rf_value dict)
{
    walk over;
    uint64_t filled = 0;
    if (!walk_open(&over, dict))
        return refuse_bytes(of);
    for (uint64_t i = 0; i < over.count; i += 2) {
        int status = read_pair(of, &over, &filled);
        if (status)
            return status;
    }
    for (size_t i = 0; i < of->count; i++)
        if (!(filled >> i & 1))
            return refuse_key(of, rf_of_string(of->slots[i].name), "is missing");
    return over.left == 0 ? RF_OK : refuse_bytes(of);
}

static int read_item(const reading *of, rf_value item)
{
    if (of->count > SLOTS_MOST)
        return refuse(of, "%zu variables: %d can be read at once", of->count, SLOTS_MOST);
    if (rf_type_of(item) == RF_TUPLE_TYPE)
        return read_tuple(of, item);
    if (rf_type_of(item) == RF_DICT_TYPE)
        return read_dict(of, item);
    if (of->count == 1)
        return read_one(of, of->slots, item, false);
    char names[512];
    return refuse(of, "%s came, the function reads %zu: %s", value_type_name(rf_type_of(item)), of->count,
                  names_of(of, names, sizeof names));
}

static void zero_slots(const rf_slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slot_type(&slots[i]))
            memset(slots[i].at, 0, slot_types[slots[i].type].size);
}

int arguments_read(rf_value item, const rf_slot *slots, size_t count, arena *memory, char *why, size_t why_size)
{
    if (count == 1 && number_is(item) && read_number(item, slots))
        return RF_OK;
    reading of = {slots, count, memory, why, why_size};
    int status = read_item(&of, item);
    if (status)
        zero_slots(slots, count);
    return status;
}
