#define _GNU_SOURCE
#include "run/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

#define HEAD_SIZE ((size_t)65536)
#define WINDOW_MOST ((size_t)1 << 34)
#define WINDOW_LEAST ((size_t)1 << 23)  /* where address space is limited */
#define LIMIT_SHARE 16                  /* of a limit: there are other children, and other uses */
#define INDEX ((size_t)1 << 22)         /* words, tags, positions, failures: parts end far below */
#define INDEXES 4
#define ADDED_INDEX(window) ((window) / 16)     /* words, tags: one item may add very many */
#define KEPT ((size_t)4 << 20)          /* of a window, warm for the next */
#define YIELDS 50

_Static_assert(sizeof(ring_head) <= HEAD_SIZE, "the head has its place");

static size_t part_size(size_t window)
{
    return window + INDEXES * INDEX + window + 2 * ADDED_INDEX(window);
}

static size_t size_of(size_t window)
{
    return HEAD_SIZE + RING_REQUESTS * window + RING_PARTS * part_size(window);
}

size_t ring_window(const ring *of)
{
    size_t window = WINDOW_MOST;
    while (size_of(window) > of->size)
        window /= 2;
    return window;
}

static bool map(ring *of)
{
    void *at = mmap(NULL, of->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, of->memory, 0);
    of->head = at == MAP_FAILED ? NULL : at;
    return of->head;
}

/* The largest ring that leaves the process its address space. */
static size_t size_allowed(void)
{
    struct rlimit limit;
    bool limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return limited ? (size_t)limit.rlim_cur / LIMIT_SHARE : SIZE_MAX;
}

int ring_make(ring *made)
{
    *made = (ring){.memory = memfd_create("rankfold", MFD_CLOEXEC)};
    if (made->memory < 0)
        return error_set(RF_ENOMEM, "memory", "no memory could be made to share with a child: memfd_create failed (errno %d)", errno);
    for (size_t window = WINDOW_MOST, allowed = size_allowed(); window >= WINDOW_LEAST; window /= 2) {
        made->size = size_of(window);
        if (made->size > allowed && window > WINDOW_LEAST)
            continue;
        if (ftruncate(made->memory, (off_t)made->size) == 0 && map(made)) {
            ring_reset(made);
            return RF_OK;
        }
    }
    close(made->memory);
    *made = (ring){.memory = -1};
    return error_no_memory(size_of(WINDOW_LEAST));
}

int ring_open(ring *opened, int memory, size_t size)
{
    *opened = (ring){.size = size, .memory = memory};
    bool mapped = map(opened);
    close(memory);
    opened->memory = -1;
    return mapped ? RF_OK : error_no_memory(size);
}

void ring_free(ring *of)
{
    if (of->head)
        munmap(of->head, of->size);
    if (of->head && of->memory >= 0)
        close(of->memory);
    *of = (ring){.memory = -1};
}

void ring_reset(ring *of)
{
    memset(of->head, 0, sizeof *of->head);
}

uint8_t *ring_request_window(const ring *of, uint64_t request)
{
    return (uint8_t *)of->head + HEAD_SIZE + request % RING_REQUESTS * ring_window(of);
}

static uint8_t *part_window(const ring *of, uint64_t part)
{
    size_t window = ring_window(of);
    return (uint8_t *)of->head + HEAD_SIZE + RING_REQUESTS * window + part % RING_PARTS * part_size(window);
}

void ring_part_windows(const ring *of, uint64_t part, executor_desk *desk)
{
    uint8_t *at = part_window(of, part);
    size_t window = ring_window(of);
    desk->payload = buffer_over(at, window);
    at += window;
    desk->words = buffer_over(at, INDEX);
    desk->tags = buffer_over(at + INDEX, INDEX);
    desk->positions = buffer_over(at + 2 * INDEX, INDEX);
    desk->failures = buffer_over(at + 3 * INDEX, INDEX);
    at += INDEXES * INDEX;
    desk->added_payload = buffer_over(at, window);
    desk->added_words = buffer_over(at + window, ADDED_INDEX(window));
    desk->added_tags = buffer_over(at + window + ADDED_INDEX(window), ADDED_INDEX(window));
    desk->log = &ring_part_at(of, part)->log;
}

static void trim(const ring *of, const uint8_t *at, size_t used)
{
    if (used > KEPT)
        fallocate(of->memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at - (const uint8_t *)of->head + (off_t)KEPT, (off_t)(used - KEPT));
}

void ring_request_trim(const ring *of, uint64_t request)
{
    trim(of, ring_request_window(of, request), ring_request_at(of, request)->frame_size);
}

void ring_part_trim(const ring *of, uint64_t part, const logbook_entry *done)
{
    executor_desk desk;
    ring_part_windows(of, part, &desk);
    trim(of, desk.payload.data, done->payload_bytes);
    trim(of, desk.added_payload.data, done->added_bytes);
    trim(of, desk.added_words.data, done->added * sizeof(uint64_t));
    trim(of, desk.added_tags.data, done->added * sizeof(uint64_t));
}

/* ---- waiting ---- */

static void futex(_Atomic uint32_t *word, int what, uint32_t value)
{
    syscall(SYS_futex, word, what, value, NULL, NULL, 0);
}

/* Sleeper and waker each write their own word and then read the other's, in one order that both see: one of them sees the other. */
void ring_wake(const ring *of)
{
    atomic_fetch_add(&of->head->bell, 1);
    if (atomic_load(&of->head->sleeps))
        futex(&of->head->bell, FUTEX_WAKE, 1);
}

void ring_wait(const ring *of, const _Atomic uint64_t *counter, uint64_t seen)
{
    for (int looks = 0; atomic_load_explicit(counter, memory_order_acquire) == seen; looks++) {
        if (looks < YIELDS) {
            sched_yield();
            continue;
        }
        uint32_t rung = atomic_load(&of->head->bell);
        atomic_store(&of->head->sleeps, 1);
        atomic_thread_fence(memory_order_seq_cst);
        if (atomic_load(counter) == seen)
            futex(&of->head->bell, FUTEX_WAIT, rung);
        atomic_store(&of->head->sleeps, 0);
    }
}
