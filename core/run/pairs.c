#include "run/pairs.h"

#include <string.h>

#include "base/error.h"
#include "input/piece.h"

int pairs_gather(shuffles *among, const message *run, gather **made)
{
    struct input_pairs from;
    *made = NULL;
    if (run->body_size != sizeof from)
        return message_refuse(run, run->head.size, "pairs of no dataset");
    memcpy(&from, run->body, sizeof from);
    if (from.count != run->run.count || from.rank < 0 || from.rank >= transport_size(post_transport(shuffles_post(among))))
        return message_refuse(run, run->head.size, "pairs of no rank");
    return gather_records(among, &(gather_place){from.keyed, from.run, from.first, from.count, (int)from.rank}, made);
}

static int skip_records(cursor *from, uint64_t count)
{
    int status = RF_OK;
    while (count-- && !status)
        status = cursor_next(from);
    return status;
}

static int read_tuples(gather *from, uint64_t count, column *to)
{
    cursor reads;
    int status = segment_cursor(&reads, gather_segments(from), CURSOR_WINDOW);
    if (status)
        return status;
    status = skip_records(&reads, gather_skip(from));
    while (!status && count-- && !(status = cursor_next(&reads)))
        status = column_add(to, rf_tuple_of((rf_value[]){record_key(&reads.it), record_value(&reads.it)}, 2));
    cursor_close(&reads);
    return status == RF_END ? error_set(RF_EINPUT, "input", "a dataset's part ends early") : status;
}

static int cannot_read(message *run, buffer *body)
{
    const char *why = rf_last_error()->message;
    body->size = 0;
    run->run.kind = INPUT_UNREADABLE;
    return buffer_put(body, why, strlen(why) + 1);
}

int pairs_unpack(message *run, buffer *body, gather *from)
{
    column tuples = {0};
    int status = gather_status(from);
    status = status ? status : read_tuples(from, run->run.count, &tuples);
    buffer sealed = {0};
    if (!status)
        status = column_seal(&tuples, &sealed);
    column_free(&tuples);
    if (!status) {
        buffer_free(body);
        *body = sealed;
        run->run.kind = INPUT_COLUMN;
    } else if (status != RF_ENOMEM) {
        status = cannot_read(run, body);
    }
    run->body = body->data;
    run->body_size = body->size;
    return status;
}
