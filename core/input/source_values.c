/* Sources of values that are made from something else: pairs, the entries of a dictionary, the characters of a text. */
#include <string.h>

#include "input/source_state.h"

rf_source *source_gather(void)
{
    rf_source *source = source_new(SOURCE_VALUES);
    if (!source_is_out_of_memory(source))
        source->length = 0;
    return source;
}

int source_gather_add(rf_source *to, rf_value value)
{
    if (source_is_out_of_memory(to))
        return error_no_memory(sizeof *to);
    int status = pages_add(&to->pages, value);
    to->length = to->pages.count;
    return status;
}

static int add_pair(rf_source *to, rf_value key, rf_value value)
{
    const rf_value pair[] = {key, value};
    return source_gather_add(to, rf_tuple_of(pair, 2));
}

rf_source *rf_pairs(const rf_value *keys, const rf_value *values, uint64_t count)
{
    rf_source *source = source_gather();
    if (source_is_out_of_memory(source))
        return source;
    int status = (!keys || !values) && count ? source_wrong_use("rf_pairs", "an array is NULL") : RF_OK;
    for (uint64_t i = 0; status == RF_OK && i < count; i++)
        status = add_pair(source, keys[i], values[i]);
    return source_with(source, status);
}

static int add_entries(rf_source *to, rf_value dict)
{
    rf_value key, value;
    int status;
    if (rf_type_of(dict) != RF_DICT_TYPE)
        return source_wrong_use("rf_entries", "the value is not a dictionary; RF_DICT and rf_dict_of make one");
    while ((status = rf_take(&dict, &key)) == RF_OK) {
        if (rf_take(&dict, &value))
            return source_wrong_use("rf_entries", "the dictionary's last key lacks its value");
        status = add_pair(to, key, value);
        if (status)
            return status;
    }
    return status == RF_END ? RF_OK : status;
}

rf_source *rf_entries(rf_value dict)
{
    rf_source *source = source_gather();
    return source_is_out_of_memory(source) ? source : source_with(source, add_entries(source, dict));
}

/* Bytes of the UTF-8 character that text begins with; 1 for a byte that begins none, so that any text is cut, and joins again. */
static size_t character_size(const char *text)
{
    uint8_t first = (uint8_t)*text;
    size_t size = first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xc2 && first < 0xe0 ? 2 : 1;
    for (size_t i = 1; i < size; i++)
        if (((uint8_t)text[i] & 0xc0) != 0x80)
            return 1;
    return size;
}

rf_source *rf_characters(const char *text)
{
    rf_source *source = source_gather();
    if (source_is_out_of_memory(source))
        return source;
    int status = text ? RF_OK : source_wrong_use("rf_characters", "the text is NULL");
    for (size_t size; status == RF_OK && *text; text += size) {
        size = character_size(text);
        status = source_gather_add(source, rf_text(text, size));
    }
    return source_with(source, status);
}
