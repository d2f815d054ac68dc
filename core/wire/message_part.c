/* The body of a part: see message.h. */
#include "wire/message.h"

#include <string.h>

static size_t padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

int message_add_failure(buffer *failures, const struct message_failure *entry, const char *kind, const char *text)
{
    size_t kind_size = strnlen(kind, UINT16_MAX), text_size = strnlen(text, UINT16_MAX);
    size_t size = padded(sizeof *entry + kind_size + 1 + text_size + 1);
    uint8_t *at = buffer_add(failures, size);
    if (!at)
        return RF_ENOMEM;
    memset(at + size - 8, 0, 8);
    struct message_failure *head = memcpy(at, entry, sizeof *entry);
    head->kind_size = (uint32_t)kind_size + 1;
    head->message_size = (uint32_t)text_size + 1;
    at = memcpy(at + sizeof *entry, kind, kind_size);
    at[kind_size] = '\0';
    at = memcpy(at + kind_size + 1, text, text_size);
    at[text_size] = '\0';
    return RF_OK;
}

static size_t aligned(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

static size_t failure_bytes(const struct message_failure *entry)
{
    return padded(sizeof *entry + entry->kind_size + (size_t)entry->message_size);
}

static size_t position_bytes(const struct message_part *part)
{
    return part->flags & PART_POSITIONS ? part->items * sizeof(uint64_t) : 0;
}

void message_measure_part(message *part, const part_content *content)
{
    part->part.items = content->values->count;
    part->part.column_size = column_bytes(content->values);
    part->part.failures = 0;
    for (size_t at = 0; at < content->failures->size; part->part.failures++)
        at += failure_bytes((const struct message_failure *)(content->failures->data + at));
    part->body_size = part->part.column_size + position_bytes(&part->part) + content->failures->size;
    part->part.added = content->added ? content->added->count / 2 : 0;
    part->part.added_size = part->part.added ? column_bytes(content->added) : 0;
    if (part->part.added)
        part->body_size = aligned(part->body_size) + part->part.added_size;
}

/* at: the end of the column, of which body_size counts all that it is in. */
static void put_behind_column(const message *whole, const part_content *content, uint8_t *at)
{
    const struct message_part *part = &whole->part;
    size_t positions = position_bytes(part), used = positions + content->failures->size;
    if (positions)
        memcpy(at, content->positions, positions);
    if (content->failures->size)
        memcpy(at + positions, content->failures->data, content->failures->size);
    if (!part->added)
        return;
    size_t padding = whole->body_size - part->column_size - part->added_size - used;
    memset(at + used, 0, padding);
    column_seal_into(content->added, at + used + padding);
}

void message_put_part(const message *part, const part_content *content, void *space)
{
    column_seal_into(content->values, space);
    put_behind_column(part, content, (uint8_t *)space + part->part.column_size);
}

/* A payload that cannot be given away is copied. */
static int copy_part(const message *part, const part_content *content, buffer *body)
{
    if (buffer_reserve(body, part->body_size))
        return RF_ENOMEM;
    message_put_part(part, content, body->data);
    body->size = part->body_size;
    column_cut(content->values, 0);
    return RF_OK;
}

/* Room for everything is made before the column is sealed in it: the payload is moved at most once, and nothing can
   fail once the values have been given away. */
int message_seal_part(const message *part, const part_content *content, buffer *body)
{
    buffer *payload = &content->values->payload;
    *body = (buffer){0};
    if (payload->fixed)
        return copy_part(part, content, body);
    if (buffer_reserve(payload, part->body_size - payload->size) || column_seal(content->values, body))
        return RF_ENOMEM;
    put_behind_column(part, content, body->data + body->size);
    body->size = part->body_size;
    return RF_OK;
}

static bool ends_once(const uint8_t *text, size_t size)
{
    return size && memchr(text, '\0', size) == text + size - 1;
}

static const char *fault_of_failure(const struct message_part *part, const struct message_failure *entry, size_t left)
{
    const uint8_t *texts = (const uint8_t *)(entry + 1);
    if (failure_bytes(entry) > left)
        return "a failure does not fit its body";
    if (!ends_once(texts, entry->kind_size) || !ends_once(texts + entry->kind_size, entry->message_size))
        return "the text of a failure does not end where it should";
    if (entry->status >= 0)
        return "a failure has the status of a success";
    if (entry->unit < part->unit || entry->unit - part->unit > part->units)
        return "a failure is of another part's unit";
    return NULL;
}

/* Finds their end. */
static const char *fault_of_failures(const struct message_part *part, message_results *results)
{
    const uint8_t *at = results->failures;
    uint64_t next = 0, items = part->items ? part->items : 1;   /* 1: .init has failed, as message_read has seen */
    for (uint64_t i = 0; i < part->failures; i++) {
        const struct message_failure *entry = (const struct message_failure *)at;
        size_t left = (size_t)(results->end - at);
        if (left < sizeof *entry)
            return "a failure does not fit its body";
        const char *fault = fault_of_failure(part, entry, left);
        if (fault)
            return fault;
        if (entry->item < next || entry->item >= items)
            return "its failures do not ascend, or are of items that it has not";
        if (part->items && rf_type_of(column_at(&results->values, entry->item)) != RF_NIL)
            return "an item has failed and has a value";
        next = entry->item + 1;
        at += failure_bytes(entry);
    }
    bool ends = part->added_size ? results->end - at <= 8 : at == results->end;
    results->end = at;
    return ends ? NULL : "something follows its failures";
}

static const char *fault_of_added(const struct message_part *part, const void *sealed, message_results *results)
{
    if (!part->added_size)
        return NULL;
    if (column_open(&results->added, sealed, part->added_size) || results->added.count / 2 != part->added ||
        results->added.count % 2)
        return "what was added is no column of pairs";
    for (uint64_t i = 0; i < results->added.count; i += 2) {
        rf_value index = column_at(&results->added, i);
        if (rf_type_of(index) != RF_U64 || !(index.u64 >> 63))
            return "something was added without an index";
    }
    return NULL;
}

static const char *open_part(const message *part, message_results *results)
{
    const uint8_t *body = part->body;
    if (part->part.column_size && column_open(&results->values, body, part->part.column_size))
        return "its values are no column";
    if (results->values.count != part->part.items)
        return "its values are not as many as its items";
    if (!part->body_size)
        return NULL;
    if (part->part.flags & PART_POSITIONS)
        results->positions = (const uint64_t *)(body + part->part.column_size);
    results->failures = body + part->part.column_size + position_bytes(&part->part);
    const uint8_t *added = results->end = body + part->body_size - part->part.added_size;
    const char *fault = fault_of_failures(&part->part, results);
    return fault ? fault : fault_of_added(&part->part, added, results);
}

int message_open_part(const message *part, message_results *results)
{
    *results = (message_results){0};
    const char *fault = open_part(part, results);
    if (!fault)
        return RF_OK;
    *results = (message_results){0};
    return message_refuse(part, part->body_size, fault);
}

bool message_next_failure(message_results *results, struct message_failure *entry, const char **kind, const char **text)
{
    if (results->failures == results->end)
        return false;
    memcpy(entry, results->failures, sizeof *entry);
    *kind = (const char *)results->failures + sizeof *entry;
    *text = *kind + entry->kind_size;
    results->failures += failure_bytes(entry);
    return true;
}
