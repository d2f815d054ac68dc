/* The data layer of map/reduce by key on one core, without messages: words of a text are emitted, combined, sealed in tasks of
   16 MiB, merged, grouped, summed.

       keyed_bench [MIB [ROUNDS]]          256 MiB and the best of 3 rounds unless said

   Each line is a text, a program, CPU seconds of its steps and of all, and MiB of text a second. Texts: Zipf words (a million different
   ones), and words that are nearly all different. "by hand" is one hash table over the whole text, no sorting, no tasks: what a
   program written for this one thing does. Both must count the same. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/large.h"
#include "base/random.h"
#include "keyed/emit.h"
#include "keyed/group.h"

#define TASK ((size_t)16 << 20)
#define WORDS ((uint64_t)1000000)
#define TASKS_MOST 1024

typedef struct total {
    uint64_t words, different, check;
} total;

/* One thread that never waits: its CPU time is what it takes on a machine that is not shared. */
static double cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void need(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "keyed_bench: %s: %s\n", what, rf_last_error()->message);
    exit(1);
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

/* Word number n: letters that are drawn from it, longer ones for rarer words. */
static size_t write_word(char *to, uint64_t n, unsigned least)
{
    uint64_t random = random_seed(n, 7, 0, 0);
    size_t size = least + (n > 10) + (n > 100) + (n > 2000) + random_below(&random, 5);
    for (size_t i = 0; i < size; i++)
        to[i] = (char)('a' + random_below(&random, 26));
    to[size] = ' ';
    return size + 1;
}

/* 1/rank by inversion of its integral: close enough to Zipf. */
static uint64_t draw_zipf(uint64_t *random)
{
    return (uint64_t)exp(random_unit(random) * log((double)WORDS));
}

static char *make_text(size_t size, bool different)
{
    char *text = large_get(size + 64), *dictionary = malloc(WORDS * 16);
    uint64_t random = 1;
    need(text && dictionary, "memory");
    for (uint64_t i = 0; i < WORDS && !different; i++)
        write_word(dictionary + i * 16, i, 2);
    for (size_t at = 0; at < size;) {
        const char *word = dictionary + draw_zipf(&random) % WORDS * 16;
        if (different)
            at += write_word(text + at, random_next(&random), 5);
        else
            for (; *word != ' ' || (text[at++] = ' ', false); word++)
                text[at++] = *word;
    }
    text[size - 1] = ' ';
    free(dictionary);
    return text;
}

/* ---- by hand ----------------------------------------------------------------------------------------------------- */

typedef struct place { uint64_t words[2]; uint32_t size, count; } place;

static size_t take_word(const char **at, const char *end, const char **word)
{
    while (*at < end && **at == ' ')
        ++*at;
    *word = *at;
    while (*at < end && **at != ' ')
        ++*at;
    return (size_t)(*at - *word);
}

static place *grown(place *old, size_t mask)
{
    place *new = large_get((2 * mask + 2) * sizeof *new);
    need(new, "memory");
    memset(new, 0, (2 * mask + 2) * sizeof *new);
    for (size_t i = 0; i <= mask; i++) {
        size_t at = old[i].count ? hash_short_key(old[i].words, old[i].size, RF_TEXT) & (2 * mask + 1) : 0;
        while (old[i].count && new[at].count)
            at = (at + 1) & (2 * mask + 1);
        if (old[i].count)
            new[at] = old[i];
    }
    large_free(old);
    return new;
}

static total by_hand(const char *text, size_t size)
{
    size_t mask = 65535;
    place *table = large_get((mask + 1) * sizeof *table);
    total sum = {0};
    const char *at = text, *end = text + size, *word;
    need(table, "memory");
    memset(table, 0, (mask + 1) * sizeof *table);
    for (size_t length; (length = take_word(&at, end, &word)); sum.words++) {
        uint64_t words[2];
        record_words((const uint8_t *)word, length, words);
        size_t i = hash_short_key(words, length, RF_TEXT) & mask;
        while (table[i].count && (table[i].words[0] != words[0] || table[i].words[1] != words[1]))
            i = (i + 1) & mask;
        if (!table[i].count++) {
            table[i] = (place){{words[0], words[1]}, (uint32_t)length, 1};
            if (++sum.different * 2 > mask) {
                table = grown(table, mask);
                mask = 2 * mask + 1;
            }
        }
    }
    for (size_t i = 0; i <= mask; i++)
        sum.check += table[i].count ? table[i].count * hash_short_key(table[i].words, table[i].size, RF_TEXT) : 0;
    large_free(table);
    return sum;
}

/* ---- by the library ---------------------------------------------------------------------------------------------- */

static void emit_words(emitter *to, const char *text, size_t size)
{
    const char *at = text, *end = text + size, *word;
    for (size_t length; (length = take_word(&at, end, &word));)
        need(emit_pair(to, rf_text(word, length), rf_of_i64(1)) == RF_OK, "emit");
    need(emit_keep(to) == RF_OK, "keep");
}

static total merge_all(const shape *of, sealed_run **runs, uint32_t count)
{
    total sum = {0};
    for (uint32_t p = 0; p < of->partitions; p++) {
        merge *all;
        rf_group *groups;
        rf_value key, value;
        need(merge_new(&of->order, count, &all) == RF_OK, "merge");
        for (uint32_t i = 0; i < count; i++)
            cursor_open(merge_source(all, i), runs[i], p);
        need(group_new(group_from_merge, all, &groups) == RF_OK, "group");
        while (group_next_key(groups, &key) == RF_OK) {
            need(group_fold(groups, FOLD_SUM, &value) == RF_OK, "fold");
            sum.different++;
            sum.words += rf_u64(value);
            sum.check += rf_u64(value) * record_hash(group_key(groups));
        }
        group_free(groups);
        merge_free(all);
    }
    return sum;
}

static total by_library(const char *text, size_t size, double seconds[3])
{
    const shape of = {.partitions = 4, .fold = FOLD_SUM, .memory = (size_t)256 << 20};
    sealed_run *runs[TASKS_MOST];
    uint32_t count = 0;
    emitter *to;
    need(emit_new(&of, NULL, &to) == RF_OK, "emitter");
    for (size_t at = 0; at < size && count < TASKS_MOST; count++) {
        double start = cpu_now();
        const char *cut = size - at > TASK ? memchr(text + at + TASK, ' ', size - at - TASK) : NULL;
        size_t end = cut ? (size_t)(cut - text) : size;
        emit_words(to, text + at, end - at);
        double emitted = cpu_now();
        need(emit_seal(to, &runs[count]) == RF_OK, "seal");
        seconds[0] += emitted - start;
        seconds[1] += cpu_now() - emitted;
        at = end;
    }
    emit_free(to);
    double start = cpu_now();
    total sum = merge_all(&of, runs, count);
    seconds[2] = cpu_now() - start;
    for (uint32_t i = 0; i < count; i++)
        run_free(runs[i]);
    return sum;
}

static void measure(const char *name, const char *text, size_t size, int rounds)
{
    double hand = INFINITY, all = INFINITY, best[3] = {0};
    total wanted = {0}, got;
    for (int i = 0; i < rounds; i++) {
        double seconds[3] = {0}, start = cpu_now();
        wanted = by_hand(text, size);
        hand = fmin(hand, cpu_now() - start);
        got = by_library(text, size, seconds);
        need(got.words == wanted.words && got.different == wanted.different && got.check == wanted.check, "the counts differ");
        double sum = seconds[0] + seconds[1] + seconds[2];
        if (sum < all)
            memcpy(best, seconds, sizeof best);
        all = fmin(all, sum);
    }
    double mib = (double)size / (1 << 20);
    printf("%-10s by hand   %6.2f s %38s %7.0f MiB/s   (%" PRIu64 " words, %" PRIu64 " different)\n", name, hand, "", mib / hand,
           wanted.words, wanted.different);
    printf("%-10s rankfold  %6.2f s  emit %.2f  seal %.2f  merge %.2f %5s %7.0f MiB/s   ratio %.2f\n", name, all, best[0], best[1],
           best[2], "", mib / all, all / hand);
}

int main(int argc, char **argv)
{
    size_t size = (size_t)(argc > 1 ? atoi(argv[1]) : 256) << 20;
    int rounds = argc > 2 ? atoi(argv[2]) : 3;
    for (int different = 0; different < 2; different++) {
        char *text = make_text(size, different);
        measure(different ? "different" : "zipf", text, size, rounds);
        large_free(text);
    }
    return 0;
}
