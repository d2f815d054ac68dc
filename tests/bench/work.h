/* The works that are measured, and the clocks: the same code in the hand-written program and in the Rankfold one, so that
   a ratio compares the way the work is handed out and nothing else. */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

enum { MIB = 1 << 20, PAGE = 4096 };

static inline double work_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline double work_now(void) { return work_clock(CLOCK_MONOTONIC); }
static inline double work_cpu(void) { return work_clock(CLOCK_PROCESS_CPUTIME_ID); }

/* One more than the item: memory that nobody wrote never passes the check of the sum. Kept a call, as any task of substance
   is: inlined, a thousand of them are a few vector instructions, and there are no tasks left to measure. */
__attribute__((noinline, unused)) static int64_t work_noop(int64_t item)
{
    __asm__ volatile("" : "+r"(item));
    return item + 1;
}

static inline int64_t work_noop_sum(int64_t items) { return items * (items + 1) / 2; }

/* A fixed amount of CPU work. Spinning until a clock says so would be wrong where three ranks share two cores: the time
   for which a rank is off its core would count as work done. Each step waits for the one before it. */
static inline void work_spin(uint64_t loops)
{
    uint64_t x = loops;
    for (uint64_t i = 0; i < loops; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        __asm__ volatile("" : "+r"(x));
    }
}

static inline double work_loops_per_microsecond(void)
{
    const uint64_t loops = 20 * 1000 * 1000;
    double best = 0;
    for (int i = 0; i < 8; i++) {
        double before = work_clock(CLOCK_THREAD_CPUTIME_ID);
        work_spin(loops);
        double rate = (double)loops / (work_clock(CLOCK_THREAD_CPUTIME_ID) - before) * 1e-6;
        best = rate > best ? rate : best;
    }
    return best;
}

/* One word of every page of an item of 1 MiB: enough to see that each page has arrived, too little to be what is measured. */
static inline void work_stamp(void *item, uint64_t index)
{
    for (uint64_t at = 0; at < MIB; at += PAGE) {
        uint64_t word = index * 1000003 + at + 1;
        memcpy((char *)item + at, &word, sizeof word);
    }
}

static inline int64_t work_checksum(const void *item)
{
    uint64_t sum = 0, word;
    for (uint64_t at = 0; at < MIB; at += PAGE) {
        memcpy(&word, (const char *)item + at, sizeof word);
        sum += word;
    }
    return (int64_t)sum;
}

static inline int64_t work_checksum_expected(uint64_t index)
{
    const uint64_t pages = MIB / PAGE;
    return (int64_t)(pages * (index * 1000003 + 1) + PAGE * (pages * (pages - 1) / 2));
}

/* Takes memory from the system and gives it back, before a run that will need as much. On a virtual machine the first touch of
   memory that the host has not lent yet costs many times what the run does, and falls to whichever program comes first. */
static inline void work_warm_memory(size_t size)
{
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return;
    madvise(memory, size, MADV_HUGEPAGE);
    for (size_t at = 0; at < size; at += PAGE)
        ((volatile char *)memory)[at] = 1;
    munmap(memory, size);
}

/* Items and results of 1 MiB lie in memory of huge pages in both programs. */
static inline void *work_memory(size_t size)
{
    void *p = aligned_alloc(2 * MIB, (size + 2 * MIB - 1) / (2 * MIB) * (2 * MIB));
    if (!p) {
        fprintf(stderr, "no %zu bytes of memory\n", size);
        exit(1);
    }
    madvise(p, size, MADV_HUGEPAGE);
    return p;
}

static inline void work_sleep(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

static inline long work_peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* Of the mappings whose names hold name: pages that several processes have are shared out among them. */
static inline uint64_t work_pss_kib(const char *name)
{
    char line[512];
    uint64_t sum = 0;
    unsigned long first, end, kib;
    bool named = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    while (maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
            named = strstr(line, name) != NULL;
        if (named && sscanf(line, "Pss: %lu", &kib) == 1)
            sum += kib;
    }
    if (maps)
        fclose(maps);
    return sum;
}

#endif
