/* What other ranks ask for of what this one has sealed. */
#include <string.h>

#include "base/error.h"
#include "run/shuffle.h"

typedef struct asked {
    const struct message_pull *pull;
    const uint8_t *ids;
    record low, high;
    const record *from, *below;         /* NULL: no bound */
} asked;

static int read_bounds(const message *what, asked *to)
{
    const struct message_pull *pull = &what->pull;
    const uint8_t *at = to->ids + pull->runs * sizeof(uint64_t), *middle = at + pull->low_size, *end = middle + pull->high_size;
    bool low = !pull->low_size || (record_take(&at, middle, &to->low) && record_sound(&to->low));
    at = middle;
    bool high = !pull->high_size || (record_take(&at, end, &to->high) && record_sound(&to->high));
    to->from = pull->low_size ? &to->low : NULL;
    to->below = pull->high_size ? &to->high : NULL;
    return low && high ? RF_OK : error_set(RF_EUSAGE, "message", "rank %d asks for a range of keys that are none", what->peer);
}

static int find_stretch(const shuffle *of, const asked *by, const sealed_run *run, struct message_stretch *to)
{
    run_stretch found;
    int status;
    switch (by->pull->what) {
    case PULL_PARTITION:
        status = by->pull->partition < run->partitions ? run_stretch_of(run, by->pull->partition, &found)
                                                       : error_set(RF_EUSAGE, "message", "a partition that is none");
        break;
    case PULL_RANGE:
        status = run_stretch_range(run, &of->shape.order, by->from, by->below, &found);
        break;
    default:
        status = shuffle_records(run, by->pull->first, by->pull->count, &found, &to->skip);
    }
    to->offset = status ? 0 : found.offset;
    to->total = status ? 0 : found.bytes;
    return status;
}

static const sealed_run *find_run(const shuffle *of, const asked *by, uint64_t i, uint64_t *id)
{
    memcpy(id, by->ids + i * sizeof *id, sizeof *id);
    return spill_look(by->pull->what == PULL_RECORDS ? of->made : of->kept, *id);
}

/* How many bytes of the stretch go into an answer that has left bytes of room: all, or of one that is alone too large as many as fit. 0 with
   a stretch that has more: it waits for the next answer. */
static void cut_to(struct message_stretch *head, size_t left, bool first)
{
    uint64_t wanted = head->at < head->total ? head->total - head->at : 0;
    head->size = wanted <= left ? wanted : first ? left : 0;
}

/* The heads of all that is answered, with their runs: so the answer's memory is asked for once. */
typedef struct found { struct message_stretch head; const sealed_run *run; } found;

static int find_stretches(const shuffle *of, const asked *by, buffer *all, size_t *bytes)
{
    size_t left = by->pull->limit;
    uint64_t id;
    for (uint64_t i = 0; i < by->pull->runs; i++) {
        found one = {.head = {.run = i, .at = i ? 0 : by->pull->offset}};
        one.run = find_run(of, by, i, &id);
        if (!one.run)
            return error_set(RF_ELOST, "lost", "run %" PRIu64 " is not here (any more)", id);
        int status = find_stretch(of, by, one.run, &one.head);
        if (status)
            return status;
        cut_to(&one.head, left, i == 0);
        if (!one.head.size && one.head.at < one.head.total)
            break;
        if (buffer_put(all, &one, sizeof one))
            return RF_ENOMEM;
        left -= one.head.size;
        *bytes += sizeof one.head + ((one.head.size + 15) & ~(size_t)15);
        if (one.head.at + one.head.size < one.head.total)
            break;                      /* a piece comes last: what is behind it, though it be empty, waits */
    }
    return RF_OK;
}

static int put_stretches(const buffer *all, buffer *body, uint32_t *stretches)
{
    const found *each = (const found *)(const void *)all->data, *end = each + all->size / sizeof *each;
    for (; each < end; each++, ++*stretches) {
        uint8_t *space;
        if (buffer_put(body, &each->head, sizeof each->head) || !(space = buffer_add(body, each->head.size)))
            return RF_ENOMEM;
        int status = run_copy(each->run, each->head.offset + each->head.at, each->head.size, space);
        status = status ? status : buffer_align(body, 16);
        if (status)
            return status;
    }
    return RF_OK;
}

static int answer(const shuffle *of, const asked *by, buffer *body, uint32_t *stretches)
{
    buffer all = {0};
    size_t bytes = 0;
    int status = find_stretches(of, by, &all, &bytes);
    if (!status && buffer_reserve(body, bytes))
        status = RF_ENOMEM;
    status = status ? status : put_stretches(&all, body, stretches);
    buffer_free(&all);
    return status;
}

static int answer_pull(shuffles *all, const message *what, buffer *body, uint32_t *stretches)
{
    const shuffle *of = shuffles_find(all, what->head.job);
    asked by = {.pull = &what->pull, .ids = what->body};
    if (!of)
        return error_set(RF_ELOST, "lost", "a job by key that this rank does not know (any more)");
    int status = read_bounds(what, &by);
    return status ? status : answer(of, &by, body, stretches);
}

/* What cannot be answered is said: the asker's task fails, and may be tried again. Without memory even for that the asker waits for nothing: it
   hears of this rank only when that has left. */
void shuffle_answer(void *context, const message *what)
{
    shuffles *all = context;
    post *via = shuffles_post(all);
    buffer body = {0};
    message reply = {.head = {.kind = MESSAGE_PULLED, .job = what->head.job, .task = what->head.task}};
    int status = answer_pull(all, what, &body, &reply.pulled.stretches);
    if (status) {
        const char *why = rf_last_error()->message;
        reply.pulled = (struct message_pulled){.status = status};
        body.size = 0;
        (void)buffer_put(&body, why, strlen(why) + 1);
    }
    reply.body = body.data;
    reply.body_size = body.size;
    (void)post_send(via, what->peer, &reply, &body, 0);
    transport_flush(post_transport(via));
    buffer_free(&body);
}
