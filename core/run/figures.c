#include "run/figures.h"

#include <string.h>

#define TELL_SECONDS 1.0                /* how often one that works tells unasked */

void long_items_add(long_items *among, const struct message_long *one)
{
    size_t at = among->count;
    while (at > 0 && among->items[at - 1].seconds < one->seconds)
        at--;
    if (at == RF_LONGEST)
        return;
    among->count += among->count < RF_LONGEST;
    memmove(&among->items[at + 1], &among->items[at], (among->count - 1 - at) * sizeof *one);
    among->items[at] = *one;
}

void figures_begin(work_figures *of, double now)
{
    *of = (work_figures){.opened = now, .idle_since = now, .told = now, .idle = true};
}

/* The stretch of idleness in hand, which is its start-up before the first task. */
static void add_idleness(struct message_figures *sum, const work_figures *of, double now)
{
    double stretch = of->idle && now > of->idle_since ? now - of->idle_since : 0;
    *(of->begun ? &sum->waiting : &sum->starting) += stretch;
}

void figures_busy(work_figures *of, double now)
{
    if (!of->idle)
        return;
    add_idleness(&of->sum, of, now);
    of->idle = false;
    of->begun = true;
}

void figures_idle(work_figures *of, double now)
{
    if (!of->idle)
        of->idle_since = now;
    of->idle = true;
}

void figures_count(work_figures *of, const executor_part *part, uint32_t function, size_t bytes, bool ends_chunk)
{
    struct message_figures *sum = &of->sum;
    sum->items += part->ran;
    sum->failed += part->failure_count;
    sum->working += part->seconds;
    sum->init += part->init_seconds;
    sum->bytes_in += part->bytes_read;
    sum->bytes_out += bytes;
    sum->chunks += ends_chunk;
    if (part->longest) {
        struct message_long one = *part->longest;
        one.function = function;
        long_items_add(&of->longest, &one);
    }
}

bool figures_due(const work_figures *of, double now)
{
    return of->asked || (of->sum.chunks != of->told_chunks && now - of->told >= TELL_SECONDS);
}

int figures_tell(work_figures *of, post *via, double now)
{
    message what = {.head.kind = MESSAGE_FIGURES, .figures = of->sum, .body = of->longest.items,
                    .body_size = of->longest.count * sizeof *of->longest.items};
    what.figures.answers = of->asked;
    what.figures.longest = of->longest.count;
    add_idleness(&what.figures, of, now);
    int status = post_send(via, 0, &what, NULL, 0);
    if (status < 0)
        return status;
    of->longest.count = 0;
    of->told = now;
    of->told_chunks = of->sum.chunks;
    of->asked = 0;
    return RF_OK;
}
