#include "run/gather.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "keyed/disk.h"
#include "run/gather_state.h"

#define ASKED_MOST ((size_t)32 << 20)   /* bytes in an answer: mostly one for all that a peer has. Less where memory is short: what all askers
                                           want of a rank at once is then no more than what one of them may gather */
#define ASKED_LEAST ((size_t)256 << 10)
#define HERE_LEAST ((size_t)1 << 20)

/* ---- made -------------------------------------------------------------------------------------------------------- */

int gather_new(shuffles *among, uint64_t keyed, uint64_t segments, gather **made)
{
    *made = NULL;
    if (segments > UINT32_MAX)
        return error_set(RF_EUSAGE, "usage", "%" PRIu64 " runs are more than a reduce task can read: use larger splits", segments);
    gather *new = calloc(1, sizeof *new);
    segment *all = calloc(segments + 1, sizeof *all);
    uint64_t *pinned = calloc(segments + 1, sizeof *pinned);
    if (!new || !all || !pinned) {
        free(new);
        free(all);
        free(pinned);
        return error_no_memory(segments * sizeof *all);
    }
    *new = (gather){.among = among, .keyed = keyed, .number = shuffles_number(among), .segments = all, .pinned = pinned, .file = -1,
                    .memory = HERE_LEAST};
    *made = new;
    return RF_OK;
}

static void unlink_waiting(gather *old)
{
    for (gather **at = shuffles_gathers(old->among); *at; at = &(*at)->next)
        if (*at == old) {
            *at = old->next;
            return;
        }
}

void gather_free(gather *old)
{
    if (!old)
        return;
    unlink_waiting(old);
    shuffle *of = old->of;
    for (uint32_t i = 0; i < old->count; i++)
        segment_free(&old->segments[i]);
    for (uint32_t i = 0; i < old->pinned_count; i++)
        (void)spill_release(old->pinned_in, old->pinned[i]);
    for (uint32_t i = 0; i < old->peer_count; i++) {
        free(old->peers[i].wanted);
        free(old->peers[i].ids);
    }
    for (size_t i = 0; i < old->bodies.size / sizeof(buffer); i++)
        buffer_free((buffer *)(void *)old->bodies.data + i);
    buffer_free(&old->bodies);
    if (old->file >= 0)
        close(old->file);
    if (old->path)
        unlink(old->path);
    free(old->path);
    free(old->peers);
    free(old->segments);
    free(old->pinned);
    failure_free(old->wrong);
    free(old);
    shuffle_let_go(of);
}

static void fail(gather *of)
{
    if (!of->wrong)
        of->wrong = failure_new(rf_last_error());
}

/* ---- what lies here ---------------------------------------------------------------------------------------------- */

static int stretch_here(const gather *of, const sealed_run *run, run_stretch *to, uint64_t *skip)
{
    switch (of->asks.what) {
    case PULL_PARTITION: return run_stretch_of(run, of->asks.partition, to);
    case PULL_RANGE: return run_stretch_range(run, &of->of->shape.order, of->low, of->high, to);
    default: return shuffle_records(run, of->asks.first, of->asks.count, to, skip);
    }
}

/* A child cannot see the memory of the rank: what lies there is told as it is, or it is in a file. */
static int make_ready(gather *of, spill *in, uint64_t id, const segment *to)
{
    if (to->run->path)
        return RF_OK;
    if (to->stretch.bytes > of->memory - (of->here < of->memory ? of->here : of->memory))
        return spill_out(in, id);
    of->here += to->stretch.bytes;
    return RF_OK;
}

static int add_here(gather *of, spill *in, uint64_t id, segment *to)
{
    const sealed_run *run = spill_use(in, id);
    if (!run)
        return error_set(RF_ELOST, "lost", "run %" PRIu64 " is not on this rank (any more)", id);
    of->pinned_in = in;
    of->pinned[of->pinned_count++] = id;
    to->run = run;
    int status = stretch_here(of, run, &to->stretch, &of->skip);
    of->bytes += to->stretch.bytes;
    return status || !of->for_child ? status : make_ready(of, in, id, to);
}

/* ---- what is elsewhere ------------------------------------------------------------------------------------------- */

static peer *peer_of(gather *of, int rank)
{
    for (uint32_t i = 0; i < of->peer_count; i++)
        if (of->peers[i].rank == rank)
            return &of->peers[i];
    peer *more = realloc(of->peers, (of->peer_count + 1) * sizeof *more);
    if (!more) {
        error_no_memory(sizeof *more);
        return NULL;
    }
    of->peers = more;
    of->peers[of->peer_count] = (peer){.rank = rank};
    return &of->peers[of->peer_count++];
}

static int add_wanted(gather *of, int rank, uint64_t id, uint32_t i)
{
    peer *from = peer_of(of, rank);
    if (!from)
        return RF_ENOMEM;
    if (from->count == from->room) {
        uint32_t room = from->room ? 2 * from->room : 16;
        uint32_t *wanted = realloc(from->wanted, room * sizeof *wanted);
        from->wanted = wanted ? wanted : from->wanted;
        uint64_t *ids = realloc(from->ids, room * sizeof *ids);
        from->ids = ids ? ids : from->ids;
        if (!wanted || !ids)
            return error_no_memory(room * sizeof *ids);
        from->room = room;
    }
    from->wanted[from->count] = i;
    from->ids[from->count++] = id;
    return RF_OK;
}

static int put_bound(buffer *body, const record *bound, uint32_t *size)
{
    size_t before = body->size;
    int status = bound ? record_put(bound, body) : RF_OK;
    *size = (uint32_t)(body->size - before);
    return status;
}

/* Asks for what is left, and waits for the answer. */
static int ask(gather *of, peer *from)
{
    message what = {.head = {.kind = MESSAGE_PULL, .job = of->keyed, .task = of->number}, .pull = of->asks};
    buffer body = {0};
    uint32_t runs = from->count - from->next;
    what.pull.runs = runs < PULL_RUNS_MOST ? runs : PULL_RUNS_MOST;
    size_t share = of->memory / of->peer_count;
    what.pull.limit = share > ASKED_MOST ? ASKED_MOST : share < ASKED_LEAST ? ASKED_LEAST : share;
    what.pull.offset = of->segments[from->wanted[from->next]].own.size;
    int status = buffer_put(&body, from->ids + from->next, what.pull.runs * sizeof *from->ids);
    status = status ? status : put_bound(&body, of->low, &what.pull.low_size);
    status = status ? status : put_bound(&body, of->high, &what.pull.high_size);
    what.body = body.data;
    what.body_size = body.size;
    of->exchanged += body.size + message_frame_size(MESSAGE_PULL, 0);
    status = status ? status : shuffles_ask(of->among, from->rank, &what);
    of->waits += !status;
    buffer_free(&body);
    return status;
}

static int ask_all(gather *of)
{
    int status = RF_OK;
    for (uint32_t i = 0; i < of->peer_count && !status; i++)
        status = ask(of, &of->peers[i]);
    if (!of->waits)
        return status;
    of->next = *shuffles_gathers(of->among);
    *shuffles_gathers(of->among) = of;
    return status;
}

/* What was asked for before something went wrong is answered all the same. */
static void begin(gather *of, int status)
{
    status = status ? status : ask_all(of);
    if (status)
        fail(of);
}

int gather_partition(shuffle *of, uint32_t partition, unsigned slots, gather **made)
{
    uint64_t runs = of->by_ranges && partition > of->splitter_count ? 0 : of->runs;      /* few keys have few ranges: the others are empty */
    int status = gather_new(of->among, of->by_id.number, runs, made), here = transport_rank(post_transport(shuffles_post(of->among)));
    if (status)
        return status;
    gather *new = *made;
    shuffle_hold(new->of = of);
    new->for_child = slots;
    new->memory = slots ? of->gather_memory / (2 * slots) : of->gather_memory;
    new->asks = (struct message_pull){.what = of->by_ranges ? PULL_RANGE : PULL_PARTITION, .partition = of->by_ranges ? 0 : partition};
    shuffle_range(of, partition, &new->low, &new->high);
    for (uint64_t i = 0; i < runs && !status; i++) {
        const struct message_run_place *place = &of->places[i];
        new->segments[i].input = place->input;
        new->made = ++new->count;
        status = place->rank == here ? add_here(new, of->kept, place->id, &new->segments[i]) : add_wanted(new, place->rank, place->id, (uint32_t)i);
    }
    begin(new, status);
    return RF_OK;
}

int gather_records(shuffles *among, const gather_place *from, gather **made)
{
    int status = gather_new(among, from->keyed, 1, made);
    if (status)
        return status;
    gather *new = *made;
    new->of = shuffles_find(among, from->keyed);
    if (new->of)
        shuffle_hold(new->of);          /* the dataset may be freed meanwhile */
    new->memory = SIZE_MAX;             /* it becomes a task's items, all of them in memory */
    new->asks = (struct message_pull){.what = PULL_RECORDS, .first = from->first, .count = from->count};
    new->made = new->count = 1;
    if (from->rank != transport_rank(post_transport(shuffles_post(among))))
        status = add_wanted(new, from->rank, from->run, 0);
    else if (new->of)
        status = add_here(new, new->of->made, from->run, &new->segments[0]);
    else
        status = error_set(RF_ELOST, "lost", "the dataset was freed");
    begin(new, status);
    return RF_OK;
}

/* ---- what comes -------------------------------------------------------------------------------------------------- */

static int to_scratch(gather *of, segment *to, const void *bytes, size_t size)
{
    int status = RF_OK;
    if (!of->path)
        status = shuffles_scratch(of->among, &of->path);
    if (!status && of->file < 0)
        status = disk_create(of->path, &of->file);
    status = status ? status : disk_write(of->file, bytes, size, of->path);
    if (!status) {
        to->path = of->path;
        to->at = of->written;
        of->written += size;
    }
    return status;
}

/* A whole stretch lies where it came, unless that is beyond the share of memory. */
static int take_whole(gather *of, segment *to, const uint8_t *bytes, size_t size, bool stays)
{
    if (!stays)
        return to_scratch(of, to, bytes, size);
    to->bytes = bytes;
    return RF_OK;
}

static int take_piece(gather *of, segment *to, const struct message_stretch *head, const uint8_t *bytes)
{
    if (head->at != to->own.size)
        return error_set(RF_EUSAGE, "message", "a piece of a run came out of turn");
    int status = buffer_put(&to->own, bytes, head->size);
    if (status || to->own.size < head->total)
        return status;
    to->bytes = to->own.data;
    if (of->here + to->own.size <= of->memory) {
        of->here += to->own.size;
        return RF_OK;
    }
    status = to_scratch(of, to, to->own.data, to->own.size);
    to->bytes = NULL;
    buffer_free(&to->own);
    return status;
}

static bool head_fits(const struct message_stretch *head, const peer *from, size_t room)
{
    uint64_t end;
    return head->run < from->count - from->next && head->size <= room && !__builtin_add_overflow(head->at, head->size, &end) && end <= head->total;
}

/* Stretches in order; gives how many of the peer's segments are whole now. */
static int take_stretches(gather *of, const peer *from, const message *what, bool stays, uint32_t *whole)
{
    const uint8_t *at = what->body, *end = at + what->body_size;
    for (uint32_t i = 0; i < what->pulled.stretches; i++) {
        struct message_stretch head;
        if ((size_t)(end - at) < sizeof head)
            return message_refuse(what, what->head.size, "stretches that are cut");
        memcpy(&head, at, sizeof head);
        at += sizeof head;
        size_t padded = (head.size + 15) & ~(size_t)15;
        if (!head_fits(&head, from, (size_t)(end - at)) || padded > (size_t)(end - at) || head.run != *whole)
            return message_refuse(what, what->head.size, "stretches that make no sense");
        segment *to = &of->segments[from->wanted[from->next + head.run]];
        to->stretch = (run_stretch){head.offset, head.total};
        of->skip = head.skip;
        bool is_whole = !head.at && head.size == head.total;
        int status = is_whole ? take_whole(of, to, at, head.size, stays) : take_piece(of, to, &head, at);
        if (status)
            return status;
        if (head.at + head.size == head.total) {
            *whole = (uint32_t)head.run + 1;
            of->bytes += head.total;
        }
        at += padded;
    }
    return RF_OK;
}

/* The body stays as long as the gather does, where there is room for it. */
static bool keep_body(gather *of, post *via, message *what)
{
    buffer body = {0};
    if (what->body_size > of->memory - (of->here < of->memory ? of->here : of->memory))
        return false;
    if (!post_take_body(via, what, &body) && buffer_put(&body, what->body, what->body_size))
        return false;
    if (buffer_put(&of->bodies, &body, sizeof body)) {
        buffer_free(&body);
        return false;
    }
    what->body = body.data;
    of->here += what->body_size;
    return true;
}

static void fail_pulled(gather *of, const message *what)
{
    const char *why = what->body;
    bool text = what->body_size && !why[what->body_size - 1];
    error_set(what->pulled.status, what->pulled.status == RF_ELOST ? "lost" : "exchange", "rank %d cannot give what it has sealed: %s", what->peer,
              text ? why : rf_status_text(what->pulled.status));
    fail(of);
}

static int take_answer(gather *of, peer *from, post *via, message *what)
{
    uint32_t whole = 0;
    bool kept = what->pulled.stretches && keep_body(of, via, what);
    if (!kept && what->pulled.stretches && !what->body)
        return RF_ENOMEM;
    int status = take_stretches(of, from, what, kept, &whole);
    from->next += whole;
    if (status || from->next == from->count)
        return status;
    return what->pulled.stretches ? ask(of, from) : message_refuse(what, what->head.size, "an answer that brings nothing");
}

int gather_take(shuffles *all, post *via, message *what)
{
    gather *of = *shuffles_gathers(all);
    shuffles_answered(all);
    while (of && of->number != what->head.task)
        of = of->next;
    if (!of)
        return RF_OK;
    of->waits--;
    of->exchanged += what->body_size + message_frame_size(MESSAGE_PULLED, 0);
    if (what->pulled.status < 0)
        fail_pulled(of, what);
    else if (!of->wrong && take_answer(of, peer_of(of, what->peer), via, what))
        fail(of);
    if (!of->waits)
        unlink_waiting(of);
    return RF_OK;
}

/* ---- done -------------------------------------------------------------------------------------------------------- */

bool gather_done(const gather *of) { return !of->waits; }

int gather_status(const gather *of)
{
    return of->wrong ? error_of_item(failure_error(of->wrong)) : RF_OK;
}

segment *gather_segments(gather *of) { return of->segments; }
uint32_t *gather_count(gather *of) { return &of->count; }
uint64_t gather_skip(const gather *of) { return of->skip; }
uint64_t gather_bytes(const gather *of) { return of->bytes; }
uint64_t gather_exchanged(const gather *of) { return of->exchanged; }
