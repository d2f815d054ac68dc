#include "value/pack.h"

#include <msgpack/pack.h>
#include <string.h>

#include "base/error.h"

bool value_is_container(rf_value value)
{
    rf_type type = rf_type_of(value);
    return type == RF_TUPLE_TYPE || type == RF_DICT_TYPE;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static int append(void *to, const char *data, size_t size)
{
    return buffer_put(to, data, size);
}

static msgpack_packer packer_to(buffer *to)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, to, append);
    return packer;
}

static int too_large(const char *what, uint64_t size)
{
    return error_set(RF_EARGS, "arguments", "%s of %" PRIu64 " cannot be part of a tuple or dictionary: MessagePack ends "
                     "at 4,294,967,295; pass it by itself, or its parts", what, size);
}

static int pack_bytes(buffer *to, rf_value value)
{
    size_t size = rf_size(value);
    bool text = rf_type_of(value) == RF_TEXT;
    msgpack_packer packer = packer_to(to);
    if (size > UINT32_MAX)
        return too_large(text ? "a text" : "bytes", size);
    if (text ? msgpack_pack_str(&packer, size) : msgpack_pack_bin(&packer, size))
        return RF_ENOMEM;
    return buffer_put(to, value.data, size);
}

/* count: keys and values for a dictionary. */
static int pack_head(buffer *to, rf_type type, uint64_t count)
{
    msgpack_packer packer = packer_to(to);
    if (type == RF_DICT_TYPE && count % 2)
        return error_set(RF_EUSAGE, "usage", "a dictionary of %" PRIu64 " keys and values: a key lacks its value", count);
    uint64_t size = type == RF_DICT_TYPE ? count / 2 : count;
    if (size > UINT32_MAX)
        return too_large(type == RF_DICT_TYPE ? "a dictionary" : "a tuple", size);
    int failed = type == RF_DICT_TYPE ? msgpack_pack_map(&packer, size) : msgpack_pack_array(&packer, size);
    return failed ? RF_ENOMEM : RF_OK;
}

static int pack_nested(buffer *to, rf_value value, unsigned depth);

static int pack_borrowed(buffer *to, rf_value container, unsigned depth)
{
    if (depth == 0)
        return error_set(RF_EUSAGE, "usage", "tuples and dictionaries nest deeper than %d", PACK_DEPTH);
    const rf_value *elements = container.data;
    size_t count = rf_size(container);
    int status = pack_head(to, rf_type_of(container), count);
    for (size_t i = 0; i < count && !status; i++)
        status = pack_nested(to, elements[i], depth - 1);
    return status;
}

static int pack_container(buffer *to, rf_value value, unsigned depth)
{
    unsigned flags = value.tag & VALUE_FLAGS;
    if (flags == VALUE_BORROWED)
        return pack_borrowed(to, value, depth);
    int status = flags == VALUE_OPENED ? pack_head(to, rf_type_of(value), rf_elements(value)) : RF_OK;
    return status ? status : buffer_put(to, value.data, rf_size(value));
}

static int pack_nested(buffer *to, rf_value value, unsigned depth)
{
    msgpack_packer packer = packer_to(to);
    switch (rf_type_of(value)) {
    case RF_NIL:
        return msgpack_pack_nil(&packer) ? RF_ENOMEM : RF_OK;
    case RF_BOOL:
        return (value.truth ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer)) ? RF_ENOMEM : RF_OK;
    case RF_I64:
        return msgpack_pack_int64(&packer, value.i64) ? RF_ENOMEM : RF_OK;
    case RF_U64:
        return msgpack_pack_uint64(&packer, value.u64) ? RF_ENOMEM : RF_OK;
    case RF_F64:
        return msgpack_pack_double(&packer, value.f64) ? RF_ENOMEM : RF_OK;
    case RF_TEXT:
    case RF_BYTES:
        return pack_bytes(to, value);
    case RF_TUPLE_TYPE:
    case RF_DICT_TYPE:
        return pack_container(to, value, depth);
    }
    return error_set(RF_EUSAGE, "usage", "a value of type %u: there is none", (unsigned)rf_type_of(value));
}

int pack_value(buffer *to, rf_value value)
{
    size_t before = to->size;
    int status = pack_nested(to, value, PACK_DEPTH);
    if (status)
        to->size = before;
    return status;
}

int pack_dict_head(buffer *to, uint64_t pairs)
{
    return pack_head(to, RF_DICT_TYPE, pairs * 2);
}

int pack_tuple_head(buffer *to, uint64_t count)
{
    return pack_head(to, RF_TUPLE_TYPE, count);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

typedef struct cursor {
    const uint8_t *at;
    size_t left;
} cursor;

typedef struct object {         /* what the head of an object says */
    rf_value value;             /* a number whole; of others the type */
    uint64_t bytes, elements;   /* that follow the head */
} object;

static bool read_big_endian(cursor *from, unsigned size, uint64_t *number)
{
    if (from->left < size)
        return false;
    uint64_t sum = 0;
    for (unsigned i = 0; i < size; i++)
        sum = sum << 8 | from->at[i];
    from->at += size;
    from->left -= size;
    *number = sum;
    return true;
}

static bool read_unsigned(cursor *from, unsigned size, object *to)
{
    uint64_t number;
    if (!read_big_endian(from, size, &number))
        return false;
    to->value = number <= INT64_MAX ? rf_of_i64((int64_t)number) : rf_of_u64(number);
    return true;
}

static bool read_signed(cursor *from, unsigned size, object *to)
{
    uint64_t number;
    if (!read_big_endian(from, size, &number))
        return false;
    unsigned unused = 64 - 8 * size;
    to->value = rf_of_i64((int64_t)(number << unused) >> unused);
    return true;
}

static bool read_float(cursor *from, unsigned size, object *to)
{
    uint64_t bits;
    if (!read_big_endian(from, size, &bits))
        return false;
    uint32_t low = (uint32_t)bits;
    float single;
    memcpy(&single, &low, sizeof single);
    if (size == 4)
        to->value = rf_of_f64((double)single);
    else
        to->value.u64 = bits, to->value.tag = RF_F64;
    return true;
}

static bool read_size(cursor *from, unsigned size, rf_type type, object *to)
{
    to->value.tag = type;
    return read_big_endian(from, size, &to->bytes);
}

static bool read_count(cursor *from, unsigned size, rf_type type, object *to)
{
    to->value.tag = type;
    if (!read_big_endian(from, size, &to->elements))
        return false;
    to->elements *= type == RF_DICT_TYPE ? 2 : 1;
    return true;
}

/* In the order of the specification's table of first bytes; 0xc1 is never used, 0xc7 to 0xc9 and 0xd4 to 0xd8 are
   extensions. */
static bool read_head(cursor *from, object *to)
{
    *to = (object){0};
    if (from->left == 0)
        return false;
    uint8_t first = *from->at++;
    from->left--;
    if (first <= 0x7f || first >= 0xe0) {
        to->value = rf_of_i64((int8_t)first);
        return true;
    }
    if (first <= 0x9f) {
        bool dict = first <= 0x8f;
        to->value.tag = dict ? RF_DICT_TYPE : RF_TUPLE_TYPE;
        to->elements = dict ? 2u * (first & 15u) : first & 15u;
        return true;
    }
    if (first <= 0xbf) {
        to->value.tag = RF_TEXT;
        to->bytes = first & 31u;
        return true;
    }
    switch (first) {
    case 0xc0:
        return true;
    case 0xc2: case 0xc3:
        to->value = rf_of_bool(first == 0xc3);
        return true;
    case 0xc4: case 0xc5: case 0xc6:
        return read_size(from, 1u << (first - 0xc4), RF_BYTES, to);
    case 0xca: case 0xcb:
        return read_float(from, 4u << (first - 0xca), to);
    case 0xcc: case 0xcd: case 0xce: case 0xcf:
        return read_unsigned(from, 1u << (first - 0xcc), to);
    case 0xd0: case 0xd1: case 0xd2: case 0xd3:
        return read_signed(from, 1u << (first - 0xd0), to);
    case 0xd9: case 0xda: case 0xdb:
        return read_size(from, 1u << (first - 0xd9), RF_TEXT, to);
    case 0xdc: case 0xdd:
        return read_count(from, 2u << (first - 0xdc), RF_TUPLE_TYPE, to);
    case 0xde: case 0xdf:
        return read_count(from, 2u << (first - 0xde), RF_DICT_TYPE, to);
    default:
        return false;
    }
}

/* Instead of nesting, counts the objects that are still to come. Each takes a byte at least: more of them than bytes left
   are malformed, which also bounds count. */
static bool skip_objects(cursor *from, uint64_t count)
{
    object next;
    for (; count; count--) {
        if (count > from->left || !read_head(from, &next) || next.bytes > from->left || next.elements > from->left)
            return false;
        from->at += next.bytes;
        from->left -= next.bytes;
        count += next.elements;
    }
    return true;
}

int unpack_value(const void **at, size_t *left, rf_value *value)
{
    cursor from = {*at, *left};
    object head;
    *value = rf_nil();
    if (from.left == 0)
        return RF_END;
    if (!read_head(&from, &head) || head.bytes > from.left)
        return RF_EARGS;
    rf_type type = rf_type_of(head.value);
    if (type == RF_TEXT || type == RF_BYTES) {
        head.value = rf_view(type, from.at, head.bytes);
        from.at += head.bytes;
        from.left -= head.bytes;
    } else if (value_is_container(head.value)) {
        if (!skip_objects(&from, head.elements))
            return RF_EARGS;
        head.value = rf_view(type, *at, *left - from.left);
    }
    *value = head.value;
    *at = from.at;
    *left = from.left;
    return RF_OK;
}

int unpack_head(const void **at, size_t *left, rf_type type, uint64_t *count)
{
    cursor from = {*at, *left};
    object head;
    *count = 0;
    if (!read_head(&from, &head) || rf_type_of(head.value) != type || head.elements > from.left)
        return RF_EARGS;
    *count = head.elements;
    *at = from.at;
    *left = from.left;
    return RF_OK;
}

size_t unpack_skip(const void *at, size_t left, uint64_t count)
{
    cursor from = {at, left};
    return skip_objects(&from, count) ? left - from.left : SIZE_MAX;
}
