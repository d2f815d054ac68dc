#include "keyed/record.h"

#include "base/error.h"
#include "value/pack.h"

#define SIGN ((uint64_t)1 << 63)
#define NOT_A_NUMBER 0x7ff8000000000000u

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are written on little-endian machines");

/* ---- from values ------------------------------------------------------------------------------------------------ */

static void big_endian(uint64_t number, uint8_t *to)
{
    number = __builtin_bswap64(number);
    memcpy(to, &number, 8);
}

static uint64_t from_big_endian(const uint8_t *from)
{
    uint64_t number;
    memcpy(&number, from, 8);
    return __builtin_bswap64(number);
}

static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, 8);
    return bits;
}

static uint64_t sortable(double number)
{
    uint64_t bits = number != number ? NOT_A_NUMBER : number == 0 ? 0 : bits_of(number);
    return bits & SIGN ? ~bits : bits | SIGN;
}

static int refuse_size(const char *what, size_t size)
{
    return error_set(RF_EARGS, "arguments", "a %s of %zu bytes: a pair's %s must be below 2 GiB; emit parts of it", what, size, what);
}

static int encode_bytes(rf_value value, const char *what, record_part *to, buffer *packed)
{
    to->size = rf_size(value);
    to->data = value.data;
    if (value_is_container(value) && (value.tag & VALUE_FLAGS)) {
        to->packed_at = packed->size;
        to->data = NULL;
        int status = pack_value(packed, value);
        if (status)
            return status;
        to->size = packed->size - to->packed_at;
    } else if (!value.data && to->size) {
        return error_set(RF_EUSAGE, "usage", "a %s is NULL with a size of %zu bytes", what, to->size);
    } else if (!value.data) {
        to->data = to->number;
    }
    return to->size > RECORD_SIZE_MOST ? refuse_size(what, to->size) : RF_OK;
}

static int no_value(const char *what, rf_type type)
{
    return error_set(RF_EUSAGE, "usage", "a %s of type %u: there is none", what, (unsigned)type);
}

static void number_key(uint64_t sorted, record_part *to)
{
    big_endian(sorted, to->number);
    to->size = 8;
}

int record_encode_key(rf_value key, record_part *to, buffer *packed)
{
    to->type = rf_type_of(key);
    to->data = to->number;
    to->size = 0;
    switch (to->type) {
    case RF_NIL:
        return RF_OK;
    case RF_BOOL:
        to->number[0] = key.truth;
        to->size = 1;
        return RF_OK;
    case RF_U64:
        to->type = RF_I64;
        if (key.u64 > INT64_MAX) {
            memset(to->number, 0xff, 8);
            big_endian(key.u64, to->number + 8);
            to->size = 16;
            return RF_OK;
        }
        __attribute__((fallthrough));
    case RF_I64:
        number_key(key.u64 ^ SIGN, to);
        return RF_OK;
    case RF_F64:
        number_key(sortable(key.f64), to);
        return RF_OK;
    case RF_TEXT:
    case RF_BYTES:
    case RF_TUPLE_TYPE:
    case RF_DICT_TYPE:
        return encode_bytes(key, "key", to, packed);
    }
    return no_value("key", to->type);
}

static void number_value(uint64_t number, record_part *to)
{
    memcpy(to->number, &number, 8);
    to->size = record_trimmed(number);
}

int record_encode_value(rf_value value, record_part *to, buffer *packed)
{
    to->type = rf_type_of(value);
    to->data = to->number;
    to->size = 0;
    switch (to->type) {
    case RF_NIL:
        return RF_OK;
    case RF_BOOL:
        to->number[0] = value.truth;
        to->size = 1;
        return RF_OK;
    case RF_I64:
        number_value(record_zigzag(value.i64), to);
        return RF_OK;
    case RF_U64:
        number_value(value.u64, to);
        return RF_OK;
    case RF_F64:
        memcpy(to->number, &value.f64, 8);
        to->size = 8;
        return RF_OK;
    case RF_TEXT:
    case RF_BYTES:
    case RF_TUPLE_TYPE:
    case RF_DICT_TYPE:
        return encode_bytes(value, "value", to, packed);
    }
    return no_value("value", to->type);
}

static const uint8_t *bytes_of(const record_part *part, const buffer *packed)
{
    return part->data ? part->data : (const uint8_t *)packed->data + part->packed_at;
}

int record_encode(rf_value key, rf_value value, record_part parts[2], buffer *packed, record *made)
{
    packed->size = 0;
    int status = record_encode_key(key, &parts[0], packed);
    status = status ? status : record_encode_value(value, &parts[1], packed);
    if (status)
        return status;
    *made = (record){.key = bytes_of(&parts[0], packed),
                     .key_size = (uint32_t)parts[0].size,
                     .key_type = (uint8_t)parts[0].type,
                     .value = bytes_of(&parts[1], packed),
                     .value_size = (uint32_t)parts[1].size,
                     .value_type = (uint8_t)parts[1].type};
    return RF_OK;
}

/* ---- to values --------------------------------------------------------------------------------------------------- */

static double unsorted(uint64_t sorted)
{
    uint64_t bits = sorted & SIGN ? sorted ^ SIGN : ~sorted;
    double number;
    memcpy(&number, &bits, 8);
    return number;
}

rf_value record_key(const record *from)
{
    switch (from->key_type) {
    case RF_NIL:
        return rf_nil();
    case RF_BOOL:
        return rf_of_bool(from->key[0]);
    case RF_I64:
        if (from->key_size == 16)
            return rf_of_u64(from_big_endian(from->key + 8));
        return rf_of_i64((int64_t)(from_big_endian(from->key) ^ SIGN));
    case RF_F64:
        return rf_of_f64(unsorted(from_big_endian(from->key)));
    default:
        return rf_view((rf_type)from->key_type, from->key, from->key_size);
    }
}

rf_value record_value(const record *from)
{
    uint64_t number = from->value_type < RF_TEXT ? record_word(from->value, from->value_size) : 0;
    double real;
    switch (from->value_type) {
    case RF_NIL:
        return rf_nil();
    case RF_BOOL:
        return rf_of_bool(number);
    case RF_I64:
        return rf_of_i64((int64_t)(number >> 1 ^ -(number & 1)));
    case RF_U64:
        return rf_of_u64(number);
    case RF_F64:
        memcpy(&real, &number, 8);
        return rf_of_f64(real);
    default:
        return rf_view((rf_type)from->value_type, from->value, from->value_size);
    }
}

/* ---- as bytes ---------------------------------------------------------------------------------------------------- */

static uint8_t *write_size(uint8_t *to, uint32_t size)
{
    for (; size >= 0x80; size >>= 7)
        *to++ = (uint8_t)(size | 0x80);
    *to++ = (uint8_t)size;
    return to;
}

size_t record_write(const record *from, uint8_t *to)
{
    uint8_t *at = to;
    *at++ = (uint8_t)(from->key_type << 4 | from->value_type);
    at = write_size(at, from->key_size);
    at = write_size(at, from->value_size);
    memcpy(at, from->key, from->key_size);
    memcpy(at + from->key_size, from->value, from->value_size);
    return (size_t)(at - to) + from->key_size + from->value_size;
}

int record_put(const record *from, buffer *to)
{
    if (buffer_reserve(to, RECORD_HEAD_MOST + (size_t)from->key_size + from->value_size))
        return RF_ENOMEM;
    to->size += record_write(from, to->data + to->size);
    return RF_OK;
}

/* At most five bytes, and below 2 GiB. */
static bool take_size(const uint8_t **at, const uint8_t *end, uint32_t *size)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 35 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *size = (uint32_t)number;
            return number <= RECORD_SIZE_MOST;
        }
    }
    return false;
}

bool record_take_head(const uint8_t **at, const uint8_t *end, record *to)
{
    if (*at >= end)
        return false;
    uint8_t types = *(*at)++;
    to->key_type = types >> 4;
    to->value_type = types & 15;
    return take_size(at, end, &to->key_size) && take_size(at, end, &to->value_size);
}

static bool size_fits(unsigned type, uint32_t size, bool key)
{
    switch (type) {
    case RF_NIL:
        return size == 0;
    case RF_BOOL:
        return size == 1;
    case RF_I64:
        return key ? size == 8 || size == 16 : size <= 8;
    case RF_U64:
        return !key && size <= 8;
    case RF_F64:
        return size == 8;
    default:
        return type <= RF_DICT_TYPE;
    }
}

bool record_numbers_sound(const record *taken)
{
    return size_fits(taken->key_type, taken->key_size, true) && size_fits(taken->value_type, taken->value_size, false);
}

void record_tell(rf_value key, char *to, size_t size)
{
    FILE *into = fmemopen(to, size, "w");
    to[0] = '\0';
    if (!into)
        return;
    rf_type type = rf_type_of(key);
    bool cut = (type == RF_TEXT || type == RF_BYTES) && rf_size(key) > size / 8;
    rf_print(into, cut ? rf_view(type, key.data, size / 8) : key);
    if (cut)
        fputs("...", into);
    fclose(into);
    to[size - 1] = '\0';
}
