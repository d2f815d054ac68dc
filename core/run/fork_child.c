#define _GNU_SOURCE
#include "run/fork_child.h"

#include <signal.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "run/fork_keyed.h"
#include "run/fork_names.h"
#include "run/fork_shares.h"
#include "run/gather.h"
#include "run/work_job.h"
#include "run/zygote.h"

struct life {
    ring with;
    executor *runs;
    registry *functions;
    struct work_job *job;               /* the last one told of */
    share_table *shares;
    shuffles *by_key;                   /* of a part of a job by key: with that job alone. NULL: it is none */
    rf_error refused;                   /* why that cannot be run here, where job is NULL; its texts are those below */
    char kind[32], text[1024];
    const ring_request *request;        /* the RUN in hand */
    uint64_t items;                     /* run so far */
    size_t address_space;               /* when it began */
    rlim_t limit;                       /* that it began with */
};

/* One child is one process: what its handlers know of it. */
static ring_head *head;
static uint64_t task_memory = UINT64_MAX;

/* ---- ending ---- */

/* Whether a quarter of the limit cannot be had any more. */
static void note_memory(void)
{
    if (task_memory == UINT64_MAX)
        return;
    size_t quarter = (size_t)(task_memory / 4) + 1;
    void *piece = mmap(NULL, quarter, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED)
        atomic_store(&head->tight, 1);
    else
        munmap(piece, quarter);
}

/* exit() in a function comes here first, before anything that the program had registered when it was one process with the rank: files to
   remove, MPI to finalise. What the function has printed is not lost. */
static void end_at_once(int status, void *unused)
{
    (void)unused;
    note_memory();
    fflush(NULL);
    _exit(status);
}

static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT};
static struct sigaction before[sizeof fatal / sizeof *fatal];

/* Notes it, and dies of the same signal as if it had never been caught. */
static void note_and_die(int which)
{
    note_memory();
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        if (fatal[i] == which)
            sigaction(which, &before[i], NULL);
    raise(which);
}

static void watch_memory(void)
{
    static bool watches;
    struct sigaction note = {.sa_handler = note_and_die, .sa_flags = SA_ONSTACK};
    stack_t other = {.ss_sp = malloc((size_t)SIGSTKSZ), .ss_size = (size_t)SIGSTKSZ};   /* the stack may be what is used up */
    if (watches || !other.ss_sp) {
        free(other.ss_sp);
        return;
    }
    watches = true;
    sigaltstack(&other, NULL);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        sigaction(fatal[i], &note, &before[i]);
}

/* ---- memory ---- */

static size_t address_space_now(void)
{
    size_t pages = 0;
    FILE *from = fopen("/proc/self/statm", "r");
    if (from && fscanf(from, "%zu", &pages) != 1)
        pages = 0;
    if (from)
        fclose(from);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* mapped: of shared data, or the library's share of a task by key, and nothing of the functions' doing. */
static void limit_memory(struct life *in, uint64_t most, size_t mapped)
{
    struct rlimit limit;
    size_t begins = in->address_space + mapped;
    if (getrlimit(RLIMIT_AS, &limit))
        return;
    task_memory = most;
    rlim_t wanted = most > RLIM_INFINITY - begins ? RLIM_INFINITY : (rlim_t)(begins + most);
    limit.rlim_cur = wanted < in->limit ? wanted : in->limit;
    if (most != UINT64_MAX)
        watch_memory();
    setrlimit(RLIMIT_AS, &limit);
}

/* ---- telling ---- */

static void wait_for_place(const struct life *in, uint64_t told)
{
    for (uint64_t taken; told - (taken = atomic_load_explicit(&head->taken, memory_order_acquire)) >= RING_PARTS;)
        ring_wait(&in->with, &head->taken, taken);
}

static void tell(const executor_part *part)
{
    uint64_t told = atomic_load_explicit(&head->told, memory_order_relaxed);
    head->parts[told % RING_PARTS].told =
        (ring_told){.done = {.path_index = part->path_index, .failures = part->failure_count, .failure_bytes = part->failures->size,
                             .payload_bytes = part->values->payload.size, .tag = part->values->tag, .mixed = part->values->mixed,
                             .values = part->values->count, .positions = part->positions->size / sizeof(uint64_t),
                             .positioned = part->positioned, .added = part->added->count, .added_bytes = part->added->payload.size, .added_tag = part->added->tag,
                             .added_mixed = part->added->mixed},
                    .unit = part->unit, .units = part->units, .ran = part->ran, .bytes_read = part->bytes_read,
                    .seconds = part->seconds, .init_seconds = part->init_seconds, .last = part->last, .init_failed = part->init_failed,
                    .partly = part->partly};
    if (part->longest)
        head->parts[told % RING_PARTS].told.longest = *part->longest;
    atomic_store_explicit(&head->told, told + 1, memory_order_release);
    zygote_ring();
}

/* It cannot be run here at all: what .init failing looks like. */
static void tell_failure(struct life *in, const executor_chunk *chunk, int status, const char *kind, const char *text)
{
    executor_desk desk;
    uint64_t told = atomic_load_explicit(&head->told, memory_order_relaxed);
    wait_for_place(in, told);
    ring_part_windows(&in->with, told, &desk);
    column none = {0};
    buffer empty = {0};
    struct message_failure entry = {.unit = chunk->first + chunk->told_units, .position = chunk->first + chunk->told_units, .status = status};
    message_add_failure(&desk.failures, &entry, kind, text);
    tell(&(executor_part){.unit = entry.unit, .path_index = UINT64_MAX, .failure_count = 1, .last = true, .init_failed = true, .values = &none,
                          .positions = &empty, .added = &none, .failures = &desk.failures});
}

static void tell_last_error(struct life *in, const executor_chunk *chunk)
{
    rf_error why = *rf_last_error();
    tell_failure(in, chunk, why.status, why.kind, why.message);
}

/* ---- requests ---- */

static void forget_job(struct life *in)
{
    work_job_free(in->job);
    shuffles_free(in->by_key);
    fork_shares_close(in->shares);
    in->job = NULL;
    in->by_key = NULL;
    in->shares = NULL;
    limit_memory(in, UINT64_MAX, 0);
}

static _Noreturn void leave(struct life *in)
{
    executor_free(in->runs);            /* .exit */
    forget_job(in);                     /* its scratch */
    fflush(NULL);
    atomic_store(&head->left, 1);
    _exit(0);
}

/* The last error says why. */
static void refuse(struct life *in)
{
    in->refused = *rf_last_error();
    snprintf(in->kind, sizeof in->kind, "%s", in->refused.kind);
    snprintf(in->text, sizeof in->text, "%s", in->refused.message);
    forget_job(in);
}

static int read_job(struct life *in, const ring_request *request, uint8_t *frame, size_t *own)
{
    message what;
    int status = message_read(&what, 0, frame, request->frame_size);
    if (status == RF_OK)
        status = fork_names_apply(in->functions, &what, (const char *)frame + request->frame_size);
    if (status == RF_OK && request->keyed_at)
        status = fork_keyed_open(in->functions, frame + request->keyed_at, &what.job, &in->by_key, own);
    return status ? status : work_job_new(in->functions, NULL, in->by_key, &what, &in->job);
}

static void take_job(struct life *in, const ring_request *request, uint8_t *frame)
{
    size_t mapped = 0, own = 0;
    forget_job(in);
    int status = read_job(in, request, frame, &own);
    if (status == RF_OK)
        status = fork_shares_open(frame + request->shares_at, &in->shares, &mapped);
    if (status) {
        refuse(in);
        return;
    }
    in->job->job.shares = in->shares;
    limit_memory(in, in->job->job.task_memory, mapped + own);
}

/* Lines that functions print are written by their newline; what has none, at the end of a part. */
static void flush_output(void)
{
    if (__fpending(stdout))
        fflush(stdout);
    if (__fpending(stderr))
        fflush(stderr);
}

static bool life_is_over(const struct life *in)
{
    return in->items >= in->job->job.lifespan;
}

static void run(struct life *in, const executor_chunk *chunk)
{
    executor_part part = {.last = false};
    if (executor_start(in->runs, chunk)) {
        tell_last_error(in, chunk);
        return;
    }
    while (!part.last) {
        uint64_t told = atomic_load_explicit(&head->told, memory_order_relaxed);
        uint64_t left = in->job->job.lifespan - in->items, most = in->request->items_most;
        executor_desk desk = {.stop = &in->request->stop, .items_most = left < most ? left : most};
        wait_for_place(in, told);
        ring_part_windows(&in->with, told, &desk);
        executor_inline_place(in->runs, &desk);
        executor_next(in->runs, 0, &part);
        in->items += part.ran;
        flush_output();
        tell(&part);
        if (life_is_over(in) && !part.last)
            leave(in);
    }
}

/* A task by key. */
static int take_behind(struct life *in, const ring_request *request, uint8_t *frame, executor_chunk *chunk)
{
    chunk->result = request->result_at ? (const char *)frame + request->result_at : NULL;
    chunk->passed = buffer_over(frame + request->passed_at, request->passed_size);
    chunk->passed.size = request->passed_size;
    chunk->passed_count = request->passed_count;
    if (chunk->job->phase != PHASE_REDUCE)
        return RF_OK;
    return gather_told(in->by_key, chunk->piece.body, chunk->piece.body_size, &chunk->gathers);
}

static void run_described(struct life *in, const ring_request *request, uint8_t *frame, executor_chunk *chunk)
{
    if (in->by_key && take_behind(in, request, frame, chunk)) {
        tell_last_error(in, chunk);
        return;
    }
    run(in, chunk);
    gather_free(chunk->gathers);
    if (in->by_key)
        scratch_clear(shuffles_place(in->by_key));      /* it may be idle for long */
}

static void take_run(struct life *in, ring_request *request, uint8_t *frame)
{
    message what;
    if (message_read(&what, 0, frame, request->frame_size))
        leave(in);
    executor_chunk chunk = {.first = what.run.first, .told_units = request->told_units};
    if (!in->job) {
        tell_failure(in, &chunk, in->refused.status, in->kind, in->text);
        return;
    }
    if (life_is_over(in))               /* by the measure of this job */
        leave(in);
    in->request = request;
    chunk = work_job_chunk(in->job, &what);
    chunk.told_items = request->told_items;
    chunk.told_units = request->told_units;
    run_described(in, request, frame, &chunk);
}

static void serve_one(struct life *in, uint64_t number)
{
    ring_request *request = ring_request_at(&in->with, number);
    uint8_t *frame = ring_request_window(&in->with, number);
    switch (request->kind) {
    case RING_JOB: take_job(in, request, frame); break;
    case RING_RUN: take_run(in, request, frame); break;
    default: leave(in);
    }
    atomic_store_explicit(&head->answered, number + 1, memory_order_release);
    if (request->kind == RING_RUN && in->job && life_is_over(in))
        leave(in);
}

/* ---- what the executor asks ---- */

static double clock_of_child(void *context)
{
    (void)context;
    return clock_now();
}

/* The rank is awake: its messages move by themselves. */
static void nothing_to_move(void *context)
{
    (void)context;
}

static bool is_cancelled(void *context, uint64_t task)
{
    const struct life *in = context;
    (void)task;
    return atomic_load_explicit(&in->request->stop, memory_order_relaxed);
}

static void begin(struct life *in, int memory, size_t size, int rank)
{
    executor_host host = {.rank = rank, .now = clock_of_child, .progress = nothing_to_move, .cancelled = is_cancelled, .context = in};
    struct rlimit limit;
    if (ring_open(&in->with, memory, size))
        _exit(1);
    head = in->with.head;
    on_exit(end_at_once, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    in->limit = getrlimit(RLIMIT_AS, &limit) ? RLIM_INFINITY : limit.rlim_cur;
    in->address_space = address_space_now();
    if (registry_snapshot(&in->functions) || executor_inline_new(&host, &in->runs))
        _exit(1);
}

bool fork_child_here(void)
{
    return head;
}

_Noreturn void fork_child_live(int memory, size_t size, int rank)
{
    struct life *in = calloc(1, sizeof *in);
    if (!in)
        _exit(1);
    begin(in, memory, size, rank);
    for (uint64_t number = 0;; number++) {
        ring_wait(&in->with, &head->asked, number);
        serve_one(in, number);
    }
}
