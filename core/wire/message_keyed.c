#include "wire/message_keyed.h"

#include <string.h>

#include "base/error.h"

/* ---- checked ----------------------------------------------------------------------------------------------------- */

static const char *fault_of_keyed(const message *what)
{
    const struct message_keyed *keyed = &what->keyed;
    uint64_t texts;
    if (!keyed->partitions || keyed->flags & ~(uint32_t)KEYED_FLAGS || keyed->state_type > RF_DICT_TYPE || keyed->format > RF_RAW)
        return "its partitions, flags, format or state make no sense";
    if (!keyed->folder_size || !keyed->kinds_size || __builtin_add_overflow(keyed->folder_size, keyed->kinds_size, &texts) ||
        texts > what->body_size)
        return "its texts are not in its body";
    return NULL;
}

static const char *fault_of_runs(const message *what)
{
    uint64_t size;
    if (__builtin_mul_overflow(what->runs.runs, sizeof(struct message_run_place), &size) || size > what->body_size)
        return "its runs are not in its body";
    return NULL;
}

static const char *fault_of_pull(const message *what)
{
    const struct message_pull *pull = &what->pull;
    uint64_t end, size = pull->runs * sizeof(uint64_t) + (uint64_t)pull->low_size + pull->high_size;
    if (pull->what < PULL_PARTITION || pull->what > PULL_RECORDS || !pull->limit || __builtin_add_overflow(pull->first, pull->count, &end))
        return "it does not say what is wanted";
    if (!pull->runs || pull->runs > PULL_RUNS_MOST || what->body_size != size || what->head.body_id)
        return "its runs are none, or too many";
    return NULL;
}

const char *message_fault_by_key(const message *what)
{
    switch (what->head.kind) {
    case MESSAGE_KEYED:
        return fault_of_keyed(what);
    case MESSAGE_RUNS:
        return fault_of_runs(what);
    case MESSAGE_RELEASE:
        return what->release.all > 1 ? "it does not say what is not needed" : NULL;
    case MESSAGE_PULL:
        return fault_of_pull(what);
    default:
        return what->pulled.status > 0 ? "its status is none" : NULL;
    }
}

void message_describe_by_key(const message *what, char *text, size_t size)
{
    switch (what->head.kind) {
    case MESSAGE_KEYED:
        snprintf(text, size, " partitions %" PRIu32 " fold %" PRIu32 " flags %" PRIx32, what->keyed.partitions, what->keyed.fold, what->keyed.flags);
        break;
    case MESSAGE_RUNS:
        snprintf(text, size, " runs %" PRIu64 " splitters %" PRIu32, what->runs.runs, what->runs.splitters);
        break;
    case MESSAGE_RELEASE:
        snprintf(text, size, "%s", what->release.all ? " all" : "");
        break;
    case MESSAGE_PULL:
        snprintf(text, size, " partition %" PRIu32 " from %" PRIu64 " limit %" PRIu64, what->pull.partition, what->pull.offset, what->pull.limit);
        break;
    default:
        snprintf(text, size, " status %" PRId32 " stretches %" PRIu32, what->pulled.status, what->pulled.stretches);
    }
}

/* ---- commits ----------------------------------------------------------------------------------------------------- */

_Static_assert(sizeof(struct message_commit) % 8 == 0 && sizeof(struct message_counter) % 8 == 0, "what follows starts at a multiple of 8");

int commit_add_counter(buffer *counters, const char *name, int64_t by)
{
    struct message_counter head = {by, strlen(name) + 1};
    size_t before = counters->size;
    int status = buffer_put(counters, &head, sizeof head);
    status = status ? status : buffer_put(counters, name, head.name_size);
    status = status ? status : buffer_align(counters, 8);
    if (status)
        counters->size = before;
    return status;
}

int commit_write(const struct message_commit *sums, const void *sample, const buffer *counters, const buffer *failures, buffer *to)
{
    int status = buffer_put(to, sums, sizeof *sums);
    if (!status && sums->sample_size)
        status = buffer_put(to, sample, sums->sample_size);
    status = status ? status : buffer_align(to, 8);
    status = status ? status : buffer_put(to, counters->data, counters->size);
    return status ? status : buffer_put(to, failures->data, failures->size);
}

static bool take_counter(const uint8_t **at, const uint8_t *end, struct message_counter *head, const char **name)
{
    if ((size_t)(end - *at) < sizeof *head)
        return false;
    memcpy(head, *at, sizeof *head);
    const uint8_t *text = *at + sizeof *head;
    size_t room = (size_t)(end - text);
    if (!head->name_size || head->name_size > room || text[head->name_size - 1])
        return false;
    size_t taken = (head->name_size + 7) & ~(size_t)7;
    if (taken > room)
        return false;
    *name = (const char *)text;
    *at = text + taken;
    return true;
}

static bool take_failure(const uint8_t **at, const uint8_t *end, struct message_failure *entry, const char **kind, const char **text)
{
    if ((size_t)(end - *at) < sizeof *entry)
        return false;
    memcpy(entry, *at, sizeof *entry);
    const uint8_t *texts = *at + sizeof *entry;
    uint64_t size = (uint64_t)entry->kind_size + entry->message_size, taken = (size + 7) & ~(uint64_t)7;
    if (!entry->kind_size || !entry->message_size || taken > (uint64_t)(end - texts) || texts[entry->kind_size - 1] || texts[size - 1])
        return false;
    *kind = (const char *)texts;
    *text = (const char *)texts + entry->kind_size;
    *at = texts + taken;
    return true;
}

int commit_open(rf_value value, commit_view *to)
{
    const uint8_t *at = value.data, *end = at + rf_size(value);
    struct message_counter counter;
    struct message_failure entry;
    const char *name, *text;
    if (rf_type_of(value) != RF_BYTES || rf_size(value) < sizeof to->sums)
        return RF_EUSAGE;
    memcpy(&to->sums, at, sizeof to->sums);
    at += sizeof to->sums;
    uint64_t padded = (to->sums.sample_size + 7) & ~(uint64_t)7;
    if (padded < to->sums.sample_size || padded > (uint64_t)(end - at))
        return RF_EUSAGE;
    to->sample = at;
    to->counters = at += padded;
    for (uint64_t i = 0; i < to->sums.counters; i++)
        if (!take_counter(&at, end, &counter, &name))
            return RF_EUSAGE;
    to->failures = at;
    for (uint64_t i = 0; i < to->sums.failures; i++)
        if (!take_failure(&at, end, &entry, &name, &text))
            return RF_EUSAGE;
    to->end = at;
    return at == end ? RF_OK : RF_EUSAGE;
}

bool commit_next_counter(commit_view *from, const char **name, int64_t *by)
{
    struct message_counter head;
    if (from->counters == from->failures || !take_counter(&from->counters, from->failures, &head, name))
        return false;
    *by = head.by;
    return true;
}

bool commit_next_failure(commit_view *from, struct message_failure *entry, const char **kind, const char **text)
{
    return from->failures != from->end && take_failure(&from->failures, from->end, entry, kind, text);
}
