#include "wire/message.h"

#include <string.h>

#include "base/error.h"
#include "wire/message_keyed.h"

_Static_assert(sizeof(struct message_head) == 48, "the fixed part starts at a multiple of 16");
_Static_assert(sizeof(struct message_hello) % 16 == 0 && sizeof(struct message_job) % 16 == 0 &&
                   sizeof(struct message_run) % 16 == 0 && sizeof(struct message_part) % 16 == 0 &&
                   sizeof(struct message_ask) % 16 == 0 && sizeof(struct message_figures) % 16 == 0 &&
                   sizeof(struct message_share) % 16 == 0 && sizeof(struct message_stop) % 16 == 0 &&
                   sizeof(struct message_keyed) % 16 == 0 && sizeof(struct message_runs) % 16 == 0 &&
                   sizeof(struct message_release) % 16 == 0 && sizeof(struct message_pull) % 16 == 0 &&
                   sizeof(struct message_pulled) % 16 == 0 && sizeof(struct message_stretch) % 16 == 0,
               "the body starts at a multiple of 16");
_Static_assert(sizeof(struct message_failure) % 8 == 0, "failures start at multiples of 8");
_Static_assert(sizeof(size_t) == sizeof(uint64_t), "a body's size is a size in memory");

static const struct {
    const char *name;
    uint16_t fixed;
    bool has_body;
} kinds[MESSAGE_KINDS] = {
    [MESSAGE_HELLO] = {"HELLO", sizeof(struct message_hello), true},
    [MESSAGE_JOB] = {"JOB", sizeof(struct message_job), true},
    [MESSAGE_RUN] = {"RUN", sizeof(struct message_run), true},
    [MESSAGE_PART] = {"PART", sizeof(struct message_part), true},
    [MESSAGE_STOP] = {"STOP", sizeof(struct message_stop), false},
    [MESSAGE_FORGET] = {"FORGET", 0, false},
    [MESSAGE_BYE] = {"BYE", 0, false},
    [MESSAGE_GONE] = {"GONE", 0, false},
    [MESSAGE_ASK] = {"ASK", sizeof(struct message_ask), false},
    [MESSAGE_FIGURES] = {"FIGURES", sizeof(struct message_figures), true},
    [MESSAGE_KEYED] = {"KEYED", sizeof(struct message_keyed), true},
    [MESSAGE_RUNS] = {"RUNS", sizeof(struct message_runs), true},
    [MESSAGE_RELEASE] = {"RELEASE", sizeof(struct message_release), false},
    [MESSAGE_PULL] = {"PULL", sizeof(struct message_pull), true},
    [MESSAGE_PULLED] = {"PULLED", sizeof(struct message_pulled), true},
    [MESSAGE_SHARE] = {"SHARE", sizeof(struct message_share), true},
    [MESSAGE_SHARE_ASK] = {"SHARE_ASK", sizeof(struct message_share), false},
    [MESSAGE_SHARE_PIECE] = {"SHARE_PIECE", sizeof(struct message_share), true},
    [MESSAGE_SHARE_PASSED] = {"SHARE_PASSED", sizeof(struct message_share), false},
    [MESSAGE_SHARE_HAVE] = {"SHARE_HAVE", sizeof(struct message_share), false},
    [MESSAGE_SHARE_DROP] = {"SHARE_DROP", sizeof(struct message_share), false},
    [MESSAGE_SHARE_LOST] = {"SHARE_LOST", sizeof(struct message_share), false},
};

size_t message_frame_size(int kind, size_t inline_body)
{
    return sizeof(struct message_head) + kinds[kind].fixed + inline_body;
}

void *message_write(void *frame, const message *what, uint64_t body_id)
{
    size_t fixed = kinds[what->head.kind].fixed;
    struct message_head *head = frame;
    *head = what->head;
    head->size = message_frame_size(head->kind, body_id ? 0 : what->body_size);
    head->magic = MESSAGE_MAGIC;
    head->version = MESSAGE_VERSION;
    head->body_size = what->body_size;
    head->body_id = body_id;
    memcpy(head + 1, &what->hello, fixed);
    return (uint8_t *)(head + 1) + fixed;
}

/* What is wrong with a message, or NULL. */

static bool is_duration(double seconds)
{
    return seconds >= 0 && seconds < INFINITY;
}

static const char *fault_of_head(const struct message_head *head, size_t size)
{
    if (size < sizeof *head)
        return "it is shorter than a head";
    if (head->magic != MESSAGE_MAGIC)
        return "it does not start as a message does";
    if (head->version != MESSAGE_VERSION)
        return "it is in another version of the encoding";
    if (head->kind == 0 || head->kind >= MESSAGE_KINDS)
        return "its kind is unknown";
    if (head->size != size)
        return "its size is not that of the frame";
    size_t fixed = sizeof *head + kinds[head->kind].fixed;
    if (size < fixed || size - fixed != (head->body_id ? 0 : head->body_size))
        return "the size of its body is not what is left of the frame";
    if (head->body_size > PTRDIFF_MAX || (head->body_id && head->body_size == 0))
        return "its body cannot have that size";
    if (head->body_size && !kinds[head->kind].has_body)
        return "its kind has no body";
    return NULL;
}

static const char *fault_of_hello(const message *what)
{
    if (!memchr(what->hello.host, '\0', sizeof what->hello.host))
        return "the name of its host does not end";
    if (what->hello.functions > what->body_size)
        return "it tells of more functions than it can name";
    return NULL;
}

static const char *fault_of_job(const message *what)
{
    if (what->job.state_type > RF_DICT_TYPE)
        return "the type of the bound state is unknown";
    if (what->job.by_workers > 1 || what->job.chained > 1)
        return "it does not say whether the workers read the input, or what its body is";
    if (what->job.grows > 1)
        return "it does not say whether the job can grow";
    if (what->job.wants_tuples > 1)
        return "it does not say whether items are tuples";
    if (!is_duration(what->job.task_timeout))
        return "its time for an attempt makes no sense";
    if (what->job.phase > PHASE_REDUCE || !what->job.phase != !what->job.keyed || what->job.input >= RF_INPUTS_MOST)
        return "it does not say which part of a job by key it is";
    return NULL;
}

static const char *fault_of_run(const message *what)
{
    const struct message_run *run = &what->run;
    uint64_t end;
    if (run->count == 0 || __builtin_add_overflow(run->first, run->count, &end))
        return "its units are no range";
    if (run->position != UINT64_MAX && run->count != 1)
        return "it asks for one item of several units";
    if (run->attempt == 0 || run->more > 1 || !is_duration(run->predicted))
        return "its attempt, its order or its predicted time makes no sense";
    return NULL;
}

/* Whether column, positions and failures can be what the body consists of. */
static bool sizes_fit(const struct message_part *part, uint64_t body_size)
{
    uint64_t positions = 0, start, least;
    if (part->flags & PART_POSITIONS && __builtin_mul_overflow(part->items, sizeof(uint64_t), &positions))
        return false;
    if (part->added_size > body_size || (part->added_size && (body_size - part->added_size) % 16))
        return false;
    body_size -= part->added_size;
    if (part->column_size % 8 || __builtin_add_overflow(part->column_size, positions, &start) || start > body_size)
        return false;
    if (__builtin_mul_overflow(part->failures, sizeof(struct message_failure), &least) || least > body_size - start)
        return false;
    return part->failures || start == body_size || (part->added_size && body_size - start == 8);
}

static const char *fault_of_part(const message *what)
{
    const struct message_part *part = &what->part;
    uint64_t end;
    if (part->flags & ~(uint32_t)PART_FLAGS)
        return "it has unknown flags";
    if (__builtin_add_overflow(part->unit, part->units, &end))
        return "its units are no range";
    if (part->attempt == 0 || !is_duration(part->seconds))
        return "its attempt or its time makes no sense";
    if (part->flags & PART_INIT_FAILED && (part->items || part->units || part->failures != 1))
        return "it has more to tell than that .init failed";
    if (!(part->flags & PART_POSITIONS) && part->items != part->units)
        return "its items are not as many as its units, and have no positions";
    if (part->failures > (part->flags & PART_INIT_FAILED ? 1 : part->items))
        return "it has more failures than items";
    if (part->items && part->column_size < sizeof(struct column_tail))
        return "it has items and no values";
    if (!part->added != !part->added_size || (part->added && part->items <= part->failures))
        return "something was added by no item";
    if (!sizes_fit(part, what->body_size))
        return "its body has not the size that its parts have";
    return NULL;
}

static const char *fault_of_share(const message *what)
{
    const struct message_share *share = &what->share;
    uint64_t end;
    if (share->flags & ~(uint32_t)SHARE_FLAGS)
        return "it has unknown flags";
    if (share->peer < 0 || (!share->version && what->head.kind != MESSAGE_SHARE_LOST))
        return "it does not say of what it tells";
    if (share->at >= PTRDIFF_MAX || __builtin_add_overflow(share->at, what->body_size, &end))
        return "its bytes are no range";
    if (what->head.kind == MESSAGE_SHARE_PIECE && !what->body_size)
        return "it brings nothing";
    return NULL;
}

static const char *fault_of_figures(const message *what)
{
    const struct message_figures *figures = &what->figures;
    if (!is_duration(figures->working) || !is_duration(figures->waiting) || !is_duration(figures->starting) || !is_duration(figures->init))
        return "its times make no sense";
    if (figures->longest > RF_LONGEST || what->body_size != figures->longest * sizeof(struct message_long))
        return "its body is not as many items as it tells of";
    return NULL;
}

static const char *fault_of_stop(const message *what)
{
    return what->stop.drop > 1 ? "it does not say whether what runs is wanted" : NULL;
}

static const char *fault_of_fixed_part(const message *what)
{
    switch (what->head.kind) {
    case MESSAGE_HELLO:
        return fault_of_hello(what);
    case MESSAGE_JOB:
        return fault_of_job(what);
    case MESSAGE_RUN:
        return fault_of_run(what);
    case MESSAGE_PART:
        return fault_of_part(what);
    case MESSAGE_ASK:
        return what->ask.number ? NULL : "its number is 0";
    case MESSAGE_FIGURES:
        return fault_of_figures(what);
    case MESSAGE_STOP:
        return fault_of_stop(what);
    case MESSAGE_KEYED:
    case MESSAGE_RUNS:
    case MESSAGE_RELEASE:
    case MESSAGE_PULL:
    case MESSAGE_PULLED:
        return message_fault_by_key(what);
    default:
        return what->head.kind >= MESSAGE_SHARE ? fault_of_share(what) : NULL;
    }
}

static const char *read_frame(message *what, const void *frame, size_t size)
{
    const char *fault = fault_of_head(frame, size);
    if (fault)
        return fault;
    memcpy(&what->head, frame, sizeof what->head);
    size_t fixed = kinds[what->head.kind].fixed;
    const uint8_t *at = (const uint8_t *)frame + sizeof what->head;
    memcpy(&what->hello, at, fixed);
    what->body_size = what->head.body_size;
    what->body = what->head.body_id || !what->body_size ? NULL : at + fixed;
    return fault_of_fixed_part(what);
}

int message_refuse(const message *what, size_t size, const char *fault)
{
    return error_set(RF_EUSAGE, "message",
                     "rank %d sent a %s of %zu bytes that cannot be used: %s; do all ranks run the same program "
                     "with the same library?",
                     what->peer, what->head.kind ? kinds[what->head.kind].name : "message", size, fault);
}

int message_read(message *what, int peer, const void *frame, size_t size)
{
    const char *fault = read_frame(what, frame, size);
    what->peer = peer;
    if (!fault)
        return RF_OK;
    *what = (message){.peer = peer};
    return message_refuse(what, size, fault);
}

static void describe_job(const message *what, char *text, size_t size)
{
    const struct message_job *job = &what->job;
    int length = snprintf(text, size, " function %" PRIu32 " ordinal %" PRIu64 " seed %" PRIu64 "%s%s", job->function, job->ordinal, job->seed,
                          job->by_workers ? " by workers" : "", job->grows ? " grows" : "");
    if (job->slots)
        snprintf(text + length, size - (size_t)length, " slots %" PRIu32, job->slots);
}

static void describe_run(const message *what, char *text, size_t size)
{
    const struct message_run *run = &what->run;
    int length = snprintf(text, size, " units %" PRIu64 "..%" PRIu64, run->first, run->first + run->count - 1);
    if (run->position != UINT64_MAX)
        length += snprintf(text + length, size - (size_t)length, " item at %" PRIu64, run->position);
    snprintf(text + length, size - (size_t)length, " attempt %" PRIu32 "%s", run->attempt, run->more ? " more" : "");
}

static void describe_part(const message *what, char *text, size_t size)
{
    const struct message_part *part = &what->part;
    char added[32] = "";
    if (part->added)
        snprintf(added, sizeof added, " added %" PRIu64, part->added);
    snprintf(text, size,
             " unit %" PRIu64 " units %" PRIu64 " items %" PRIu64 " failures %" PRIu64 "%s attempt %" PRIu32
             " %.6f s%s%s",
             part->unit, part->units, part->items, part->failures, added, part->attempt, part->seconds,
             part->flags & PART_LAST ? " last" : "", part->flags & PART_INIT_FAILED ? " init failed" : "");
}

static void describe_fixed_part(const message *what, char *text, size_t size)
{
    text[0] = '\0';
    switch (what->head.kind) {
    case MESSAGE_HELLO:
        snprintf(text, size, " host %s process %" PRId64 " functions %" PRIu64, what->hello.host, what->hello.process,
                 what->hello.functions);
        break;
    case MESSAGE_JOB:
        describe_job(what, text, size);
        break;
    case MESSAGE_STOP:
        snprintf(text, size, "%s", what->stop.drop ? " and drop" : "");
        break;
    case MESSAGE_RUN:
        describe_run(what, text, size);
        break;
    case MESSAGE_PART:
        describe_part(what, text, size);
        break;
    case MESSAGE_KEYED:
    case MESSAGE_RUNS:
    case MESSAGE_RELEASE:
    case MESSAGE_PULL:
    case MESSAGE_PULLED:
        message_describe_by_key(what, text, size);
        break;
    case MESSAGE_ASK:
        snprintf(text, size, " number %" PRIu64, what->ask.number);
        break;
    case MESSAGE_FIGURES:
        snprintf(text, size, " answers %" PRIu64 " chunks %" PRIu64 " items %" PRIu64, what->figures.answers, what->figures.chunks,
                 what->figures.items);
        break;
    default:
        if (what->head.kind >= MESSAGE_SHARE)
            snprintf(text, size, " version %" PRIu64 " at %" PRIu64 " of rank %" PRId32 "%s%s", what->share.version, what->share.at,
                     what->share.peer, what->share.flags & SHARE_BY_DOOR ? " by door" : "", what->share.flags & SHARE_MORE ? " more" : "");
    }
}

void message_describe(const void *frame, size_t size, char *text, size_t text_size)
{
    message what;
    char fixed[256], numbers[64] = "", body[64] = "";
    const char *fault = read_frame(&what, frame, size);
    if (fault) {
        snprintf(text, text_size, "%zu bytes that are no message: %s", size, fault);
        return;
    }
    describe_fixed_part(&what, fixed, sizeof fixed);
    if (what.head.job)
        snprintf(numbers, sizeof numbers, what.head.task ? " job %" PRIu64 " task %" PRIu64 : " job %" PRIu64,
                 what.head.job, what.head.task);
    if (what.head.body_id)
        snprintf(body, sizeof body, " body %zu bytes under %" PRIx64, what.body_size, what.head.body_id);
    else if (what.body_size)
        snprintf(body, sizeof body, " body %zu bytes", what.body_size);
    snprintf(text, text_size, "%s%s%s%s", kinds[what.head.kind].name, numbers, fixed, body);
}
