/* All results put together to one value, which belongs to the set. */
#include "result/spans.h"

#include <string.h>

#include "value/arguments.h"
#include "value/dictionary.h"
#include "value/pack.h"

static int take_pair(rf_value pair, rf_value *key, rf_value *value)
{
    rf_value none;
    if (rf_type_of(pair) != RF_TUPLE_TYPE || rf_take(&pair, key) || rf_take(&pair, value) || rf_take(&pair, &none) != RF_END)
        return RF_EARGS;
    return RF_OK;
}

static int add_all(const rf_results *results, dictionary *to)
{
    int status = RF_OK;
    for (uint64_t i = 0; i < rf_results_len(results) && status == RF_OK; i++) {
        rf_value key, value;
        if (take_pair(spans_value(results->all, i), &key, &value))
            return error_set(RF_EARGS, "arguments", "rf_results_dict: result %" PRIu64 " is no (key, value) pair", i);
        status = dictionary_set(to, key, value);
    }
    return status;
}

static int write_dict(const dictionary *from, buffer *to)
{
    uint64_t count = dictionary_count(from);
    int status = pack_dict_head(to, count);
    for (uint64_t i = 0; i < count && status == RF_OK; i++) {
        const dictionary_entry *entry = dictionary_entry_at(from, i);
        status = buffer_put(to, dictionary_key(from, entry), entry->key_size);
        status = status ? status : buffer_put(to, entry->values.data, entry->values.size);
    }
    return status;
}

static int keep(rf_results *results, rf_type type, const buffer *bytes, rf_value *value)
{
    char *kept = arena_add(&results->made, bytes->size + 1);
    if (!kept)
        return RF_ENOMEM;
    if (bytes->size)
        memcpy(kept, bytes->data, bytes->size);
    kept[bytes->size] = '\0';
    *value = rf_view(type, kept, bytes->size);
    return RF_OK;
}

int rf_results_dict(rf_results *results, rf_value *dict)
{
    dictionary entries = {0};
    buffer bytes = {0};
    *dict = rf_nil();
    int status = results ? rf_results_check(results) : error_set(RF_EUSAGE, "usage", "rf_results_dict: the results are NULL");
    status = status ? status : add_all(results, &entries);
    status = status ? status : write_dict(&entries, &bytes);
    status = status ? status : keep(results, RF_DICT_TYPE, &bytes, dict);
    dictionary_free(&entries);
    buffer_free(&bytes);
    return status;
}

static int join_all(const rf_results *results, const char *separator, buffer *to)
{
    size_t between = separator ? strlen(separator) : 0;
    int status = RF_OK;
    for (uint64_t i = 0; i < rf_results_len(results) && status == RF_OK; i++) {
        rf_value text = spans_value(results->all, i);
        if (rf_type_of(text) != RF_TEXT)
            return error_set(RF_EARGS, "arguments", "rf_results_join: result %" PRIu64 " is %s, texts are joined", i,
                             value_type_name(rf_type_of(text)));
        status = i && between ? buffer_put(to, separator, between) : RF_OK;
        if (status == RF_OK && rf_size(text))
            status = buffer_put(to, text.data, rf_size(text));
    }
    return status;
}

int rf_results_join(rf_results *results, const char *separator, rf_value *text)
{
    buffer bytes = {0};
    *text = rf_nil();
    int status = results ? rf_results_check(results) : error_set(RF_EUSAGE, "usage", "rf_results_join: the results are NULL");
    status = status ? status : join_all(results, separator, &bytes);
    status = status ? status : keep(results, RF_TEXT, &bytes, text);
    buffer_free(&bytes);
    return status;
}
