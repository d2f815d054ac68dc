#include "run/member.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "run/executor_fork.h"

static bool out_of_time(void *context, uint64_t task)
{
    return coordinator_out_of_time(context, task);
}

static int make_worker(member *self)
{
    int status = worker_new(self->office, self->functions, &self->works);
    if (status)
        return status;
    executor_host host = worker_host(self->works);
    status = executor_inline_new(&host, &self->runs);
    if (status)
        return status;
    status = executor_fork_new(&host, &self->forks);
    if (status)
        return status;
    worker_use(self->works, self->runs, self->forks);
    if (self->schedules)
        worker_ask(self->works, out_of_time, self->schedules);
    return worker_greet(self->works);
}

int member_new(transport *via, member **made)
{
    member *self = *made = calloc(1, sizeof *self);
    if (!self) {
        transport_free(via);
        return error_no_memory(sizeof *self);
    }
    self->via = via;
    bool first = transport_rank(via) == 0, alone = transport_size(via) == 1;
    int status = post_new(via, &self->office);
    if (status == RF_OK)
        status = registry_snapshot(&self->functions);
    if (status == RF_OK && first)
        status = coordinator_new(self->office, self->functions, &self->schedules);
    if (status == RF_OK && (!first || alone))
        status = make_worker(self);
    if (status >= 0)
        return RF_OK;
    member_free(self);
    *made = NULL;
    return status;
}

void member_free(member *self)
{
    if (!self)
        return;
    executor_free(self->forks);
    executor_free(self->runs);
    worker_free(self->works);
    transport_free(self->via);          /* it may be reading what the coordinator has lent it */
    coordinator_free(self->schedules);
    registry_free(self->functions);
    post_free(self->office);
    free(self);
}

/* Rank 0 asks nobody for shared data, so that it is the coordinator that is asked there, elsewhere the worker. */
static bool for_worker(const member *self, const message *what)
{
    switch (what->head.kind) {
    case MESSAGE_JOB:
    case MESSAGE_RUN:
    case MESSAGE_STOP:
    case MESSAGE_FORGET:
    case MESSAGE_ASK:
    case MESSAGE_BYE:
    case MESSAGE_KEYED:
    case MESSAGE_RUNS:
    case MESSAGE_RELEASE:
    case MESSAGE_PULLED:
    case MESSAGE_SHARE:
    case MESSAGE_SHARE_PIECE:
    case MESSAGE_SHARE_PASSED:
    case MESSAGE_SHARE_DROP:
    case MESSAGE_SHARE_LOST: return true;
    case MESSAGE_SHARE_ASK: return !self->schedules;
    default: return false;
    }
}

static int dispatch(member *self, message *what)
{
    if (for_worker(self, what))
        return self->works ? worker_take(self->works, what) : message_refuse(what, what->head.size, "not for rank 0");
    return self->schedules ? coordinator_take(self->schedules, what) : message_refuse(what, what->head.size, "not for a worker");
}

/* What came without its body, from a peer that is gone, or not at all. A worker without rank 0 has nothing to do. */
static int dispatch_trouble(member *self, message *what, int why)
{
    if (why == RF_ELOST)
        return self->schedules ? coordinator_lost(self->schedules, what->peer) : why;
    if (why != RF_ECANCELLED && (why != RF_ENOMEM || !what->head.kind))
        return why;
    if (for_worker(self, what))
        return self->works ? worker_take_incomplete(self->works, what, why) : why;
    return self->schedules ? coordinator_take_incomplete(self->schedules, what, why) : why;
}

static void take_messages(member *self)
{
    message what;
    int status;
    while (self->status >= 0 && (status = post_next(self->office, &what)) != RF_AGAIN)
        self->status = status == RF_OK ? dispatch(self, &what) : dispatch_trouble(self, &what, status);
}

double member_turn(member *self)
{
    double now = transport_now(self->via), wake = INFINITY;
    if (self->schedules)
        coordinator_clock(self->schedules, now);
    take_messages(self);
    if (self->schedules && self->status < 0)
        coordinator_fail_all(self->schedules, self->status);
    if (self->schedules)
        wake = coordinator_step(self->schedules, now);
    if (self->works) {
        double again = worker_step(self->works, now);
        wake = again < wake ? again : wake;
    }
    if (self->schedules && self->works && self->status >= 0 && worker_status(self->works)) {
        self->status = worker_status(self->works);      /* alone: nobody else would say so */
        wake = now;
    }
    return self->status >= 0 && post_waiting(self->office) ? now : wake;     /* a function that let messages move has gathered some */
}

void member_wait(member *self, double until)
{
    uint32_t rung = 0;
    const _Atomic uint32_t *bell = self->forks ? executor_fork_bell(self->forks, &rung) : NULL;
    transport_watch(self->via, bell, rung);
    int descriptor = self->schedules ? coordinator_descriptor(self->schedules) : -1;
    if (self->schedules)
        transport_at_ease(self->via, coordinator_at_ease(self->schedules));
    if (until > transport_now(self->via))
        transport_wait(self->via, until, descriptor);
}

static void say_gone(member *self, bool waits)
{
    message gone = {.head = {.kind = MESSAGE_GONE, .task = waits ? GONE_WAITS : GONE_AT_ONCE}};
    int status = post_send(self->office, 0, &gone, NULL, 0);
    self->gone = true;
    if (status < 0 && self->status >= 0)
        self->status = status;
    transport_flush(self->via);
}

/* Whoever leaves reads nothing any more but the answers that it waits for, and when it may go; what it has offered is served meanwhile. */
static void drop_messages(member *self)
{
    message what = {0};
    int status;
    while ((status = post_next(self->office, &what)) != RF_AGAIN && (status != RF_ENOMEM || what.head.kind)) {
        bool alone = status == RF_EMPI || (status == RF_ELOST && what.peer == 0);
        bool matters = self->works && (what.head.kind == MESSAGE_PULLED || what.head.kind == MESSAGE_BYE);
        if (status == RF_OK && matters)
            (void)worker_take(self->works, &what);
        else if (alone && self->status >= 0)
            self->status = status;
        else if (status != RF_ELOST && matters)
            (void)worker_take_incomplete(self->works, &what, status);
    }
}

/* In two steps, where rank 0 has sent it away: whoever waits for no other rank says GONE, and goes when all have. So what a rank has asked of another one is
   answered, and read: neither waits for one that has left. */
bool member_leave(member *self)
{
    drop_messages(self);
    bool orderly = self->status >= 0 && self->works && !worker_ends(self->works);
    if (!self->gone && orderly && worker_waits(self->works))
        return false;
    if (!self->gone)
        say_gone(self, orderly);
    bool nobody_reads = self->status == RF_ELOST || self->status == RF_EMPI;
    return !orderly && transport_quiet(self->via) && (nobody_reads || !post_unread(self->office));
}

bool member_left(const member *self)
{
    return self->status < 0 || worker_over(self->works);
}
