#include "run/whole_task.h"

#include <string.h>

#include "run/gather.h"
#include "run/pairs.h"

bool whole_task_is_here(const queued *first)
{
    const queued *last = first;
    while (last && last->run.run.more)
        last = last->next;
    return last;
}

static int unpack(queued *of)
{
    return of->run.run.count && of->run.run.kind == INPUT_PAIRS ? pairs_unpack(&of->run, &of->kept, of->gathers) : RF_OK;
}

static int put_piece(const queued *of, buffer *to)
{
    const struct message_run *run = &of->run.run;
    struct input_part head = {.first = run->first, .count = run->count,
                              .piece = {.kind = run->kind, .layout = run->layout, .a = run->a, .b = run->b, .body_size = of->run.body_size}};
    int status = buffer_put(to, &head, sizeof head);
    status = status ? status : buffer_put(to, of->run.body, of->run.body_size);
    return status ? status : buffer_align(to, 16);
}

static void set_body(queued *of, buffer *body)
{
    buffer_free(&of->kept);
    of->kept = *body;
    of->run.body = of->kept.data;
    of->run.body_size = of->kept.size;
}

/* The first RUN takes the others in. One that was stopped stops them all. */
static int join(work_queue *in, worker_job *job, queued *of)
{
    buffer all = {0};
    uint64_t units = 0;
    bool stopped = false;
    int status = RF_OK;
    for (queued *piece = of; piece && !status;) {
        bool more = piece->run.run.more;
        stopped |= !piece->run.run.count;
        units += piece->run.run.count;
        status = unpack(piece);
        status = status ? status : put_piece(piece, &all);
        if (piece != of)
            work_queue_done(in, piece);
        piece = more ? work_queue_begin(in, job) : NULL;
    }
    of->run.run.kind = INPUT_SEVERAL;
    of->run.run.count = stopped ? 0 : units;
    of->run.run.more = 0;
    set_body(of, &all);
    return status;
}

static int tell_gathered(queued *of)
{
    buffer body = {0};
    int status = gather_tell(of->gathers, &body);
    set_body(of, &body);
    return status;
}

int whole_task_begin(work_queue *in, worker_job *job, queued **begun)
{
    queued *of = *begun = work_queue_begin(in, job);
    if (of->run.run.more)
        return join(in, job, of);
    if (!of->run.run.count)
        return RF_OK;
    return job->of->job.phase == PHASE_REDUCE ? tell_gathered(of) : unpack(of);
}
