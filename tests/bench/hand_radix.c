#define _GNU_SOURCE
#include "hand_radix.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FEW = 24, PIECES = 1024 };

static bool is_child;

/* The others end with their parent, see below. */
void need(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    if (is_child)
        kill(getppid(), SIGTERM);
    _exit(1);
}

static void *map_memory(size_t size, int how)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, how | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    need(at != MAP_FAILED, "memory");
    madvise(at, size, MADV_HUGEPAGE);
    return at;
}

void *radix_memory(size_t size) { return map_memory(size, MAP_PRIVATE); }
void radix_wait(process *p) { pthread_barrier_wait(&p->all->barrier); }

/* ---- from process to process -------------------------------------------------------------------------------------- */

static void read_memory(pid_t pid, const struct iovec *pieces, int count, void *to, size_t size)
{
    struct iovec whole = {to, size};
    need(process_vm_readv(pid, &whole, 1, pieces, (unsigned long)count, 0) == (ssize_t)size, "the memory of another process");
}

/* A bucket of one process. */
static uint64_t fetch(const process *p, const holdings *from, unsigned bucket, record *to)
{
    struct iovec pieces[PIECES];
    size_t full = from->records[bucket] % RADIX_CHUNK, waiting = 0;
    int count = 0;
    for (uint32_t at = from->last[bucket]; at; at = from->before[at], full = 0) {
        size_t records = full ? full : RADIX_CHUNK;
        if (from == p->mine) {
            memcpy(to, from->chunks[at], records * sizeof *to);
            to += records;
            continue;
        }
        pieces[count++] = (struct iovec){from->chunks[at], records * sizeof *to};
        waiting += records;
        if (count == PIECES || !from->before[at]) {
            read_memory(from->pid, pieces, count, to, waiting * sizeof *to);
            to += waiting;
            waiting = 0;
            count = 0;
        }
    }
    return from->records[bucket];
}

static uint64_t records_in(const process *p, unsigned bucket)
{
    uint64_t sum = 0;
    for (int i = 0; i < p->processes; i++)
        sum += p->all->of[i].records[bucket];
    return sum;
}

/* Buckets are dealt out in ranges of about as many records each: where that of process number begins. */
static unsigned first_bucket(const process *p, int number, uint64_t *before)
{
    uint64_t all = 0;
    unsigned bucket = 0;
    for (unsigned i = 0; i < RADIX_BUCKETS; i++)
        all += records_in(p, i);
    for (*before = 0; bucket < RADIX_BUCKETS && *before * (uint64_t)p->processes < all * (uint64_t)number; bucket++)
        *before += records_in(p, bucket);
    return number == p->processes ? RADIX_BUCKETS : bucket;
}

/* ---- sorting ------------------------------------------------------------------------------------------------------ */

static void sort_few(record *at, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        record moved = at[i];
        size_t to = i;
        for (; to > 0 && moved < at[to - 1]; to--)
            at[to] = at[to - 1];
        at[to] = moved;
    }
}

/* By their lower bits; those above are the same. Many are spread by ten bits at once, through spare. */
static void sort_records(record *at, record *spare, size_t count, int lower)
{
    int bits = count > 2 * RADIX_BUCKETS ? 10 : 5;
    if (bits > lower)
        bits = lower;
    uint32_t ends[RADIX_BUCKETS], mask = (1u << bits) - 1;
    if (count <= FEW || lower == 0) {
        sort_few(at, lower ? count : 0);
        return;
    }
    memset(ends, 0, (mask + 1) * sizeof *ends);
    for (size_t i = 0; i < count; i++)
        ends[(uint32_t)(at[i] >> (lower - bits)) & mask]++;
    for (uint32_t i = 0, sum = 0, here; i <= mask; i++, sum += here) {
        here = ends[i];
        ends[i] = sum;
    }
    for (size_t i = 0; i < count; i++)
        spare[ends[(uint32_t)(at[i] >> (lower - bits)) & mask]++] = at[i];
    memcpy(at, spare, count * sizeof *at);
    for (uint32_t i = 0, begin = 0; i <= mask; begin = ends[i++])
        if (ends[i] - begin > 1)
            sort_records(at + begin, spare, ends[i] - begin, lower - bits);
}

record *radix_take(process *p, uint64_t *count, uint64_t *before)
{
    uint64_t end, done = 0;
    radix_wait(p);
    unsigned bucket_end = first_bucket(p, p->number + 1, &end), bucket = first_bucket(p, p->number, before);
    record *sorted = radix_memory((end - *before + 1) * sizeof *sorted), *spare = radix_memory((end - *before + 1) * sizeof *spare);
    for (; bucket < bucket_end; bucket++) {
        uint64_t here = 0;
        for (int i = 0; i < p->processes; i++)
            here += fetch(p, &p->all->of[i], bucket, sorted + done + here);
        sort_records(sorted + done, spare, here, 118);
        done += here;
    }
    *count = done;
    return sorted;
}

/* ---- reading and writing ------------------------------------------------------------------------------------------ */

static void map_input(process *p, const char *path)
{
    struct stat input;
    p->in = open(path, O_RDONLY | O_CLOEXEC);
    need(p->in >= 0 && fstat(p->in, &input) == 0, path);
    p->size = (size_t)input.st_size;
    char *at = mmap(NULL, p->size + 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(at != MAP_FAILED, "memory");
    need(p->size == 0 || mmap(at, p->size, PROT_READ, MAP_SHARED | MAP_FIXED, p->in, 0) == at, path);
    p->input = at;
}

void writer_open(writer *w, const process *p, uint64_t at)
{
    *w = (writer){.buffer = radix_memory(RADIX_WRITE), .at = at, .to = p->out};
}

void writer_flush(writer *w)
{
    need(pwrite(w->to, w->buffer, w->used, (off_t)w->at) == (ssize_t)w->used, "write");
    w->at += w->used;
    w->used = 0;
}

/* ---- processes ---------------------------------------------------------------------------------------------------- */

static void prepare(process *p, size_t bytes_a_record)
{
    pthread_barrierattr_t attributes;
    size_t chunks = p->size / bytes_a_record / RADIX_CHUNK + RADIX_BUCKETS + 2;
    p->all = map_memory(sizeof *p->all, MAP_SHARED);
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&p->all->barrier, &attributes, (unsigned)p->processes);
    for (int i = 0; i < p->processes; i++) {
        p->all->of[i].before = map_memory(chunks * sizeof *p->mine->before, MAP_SHARED);
        p->all->of[i].chunks = radix_memory(chunks * sizeof *p->mine->chunks);
    }
}

/* None ends while another may still read its memory. */
static void run_one(process *p, void work(process *))
{
    p->mine = &p->all->of[p->number];
    p->mine->pid = getpid();
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);      /* where reading each other's memory has to be allowed */
    work(p);
    radix_wait(p);
}

int radix_run(const char *processes, const char *input, const char *output, void work(process *), size_t bytes_a_record)
{
    process p = {.processes = atoi(processes)};
    int status, failed = 0;
    need(p.processes >= 1 && p.processes <= RADIX_PROCESSES_MOST, "a number of processes");
    map_input(&p, input);
    p.out = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    need(p.out >= 0, output);
    prepare(&p, bytes_a_record);
    for (p.number = p.processes - 1; p.number > 0; p.number--) {
        pid_t child = fork();
        need(child >= 0, "fork");
        if (child == 0) {
            is_child = true;
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            run_one(&p, work);
            _exit(0);
        }
    }
    run_one(&p, work);
    while (wait(&status) > 0)
        failed |= status;
    return failed != 0;
}
