/* The data layer of map/reduce by key on one core, without messages: words of a text are emitted, combined, sealed in tasks of
   32 MiB, merged, grouped, summed; records of 100 bytes are sorted by their first 10, in as many tasks, and written.

       keyed_bench [MIB [ROUNDS [INPUT [FOLDER]]]]     256 MiB, the best of 3 rounds, of all inputs, output in /dev/shm unless said

   Each line is an input, a program, CPU seconds of its steps and of all, and MiB of input a second. Texts: Zipf words (a million different
   ones), and words that are nearly all different. "by hand" is one hash table over the whole text, no sorting, no tasks: what a
   program written for this one thing does. Both must count the same. Records are checked to be all there, in order. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/large.h"
#include "base/random.h"
#include "keyed/emit.h"
#include "keyed/group.h"
#include "keyed/output.h"

#define TASK ((size_t)32 << 20)
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

/* ---- records ----------------------------------------------------------------------------------------------------- */

enum { RECORD = 100, KEY = 10 };

static char *make_records(size_t size)
{
    char *records = large_get(size + 64);
    uint64_t random = 1;
    need(records, "memory");
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = random_next(&random);
        memcpy(records + at, &word, 8);
    }
    return records;
}

static uint64_t seal_records(const shape *of, const char *records, size_t size, sealed_run **runs, uint32_t *count, double seconds[3])
{
    uint64_t check = 0;
    emitter *to;
    need(emit_new(of, NULL, &to) == RF_OK, "emitter");
    for (size_t at = 0, end; at < size && *count < TASKS_MOST; at = end, ++*count) {
        double start = cpu_now();
        end = at + TASK / RECORD * RECORD < size ? at + TASK / RECORD * RECORD : size;
        for (size_t i = at; i < end; i += RECORD)
            need(emit_pair(to, rf_bytes(records + i, KEY), rf_bytes(records + i + KEY, RECORD - KEY)) == RF_OK, "emit");
        need(emit_keep(to) == RF_OK, "keep");
        double emitted = cpu_now();
        need(emit_seal(to, &runs[*count]) == RF_OK, "seal");
        seconds[0] += emitted - start;
        seconds[1] += cpu_now() - emitted;
        for (size_t i = at; i < end; i += RECORD)
            check += hash_bytes(records + i, RECORD, 0);
    }
    emit_free(to);
    return check;
}

static double write_records(const shape *of, sealed_run **runs, uint32_t count, const char *folder)
{
    double start = cpu_now();
    merge *all;
    const record *it;
    unsigned input;
    output_writer *to;
    output_part part;
    need(merge_new(&of->order, count, &all) == RF_OK, "merge");
    for (uint32_t i = 0; i < count; i++)
        cursor_open(merge_source(all, i), runs[i], 0);
    need(output_begin(folder, 0, 1, (output_format){.kind = RF_RAW}, &to) == RF_OK, "output");
    while (merge_next(all, &it, &input) == RF_OK)
        need(output_pair(to, record_key(it), record_value(it)) == RF_OK, "pair");
    need(output_end(to, &part) == RF_OK, "output");
    merge_free(all);
    return cpu_now() - start;
}

/* Also removes the file. */
static uint64_t check_records(const char *folder, size_t size)
{
    char path[300], last[KEY] = {0}, record[RECORD];
    uint64_t check = 0;
    size_t count = 0;
    snprintf(path, sizeof path, "%s/part-00000.1", folder);
    FILE *from = fopen(path, "r");
    need(from, path);
    for (; fread(record, RECORD, 1, from) == 1; count++) {
        need(memcmp(last, record, KEY) <= 0, "the order");
        memcpy(last, record, KEY);
        check += hash_bytes(record, RECORD, 0);
    }
    need(count == size / RECORD, "the number of records");
    fclose(from);
    unlink(path);
    return check;
}

static void measure_sort(const char *records, size_t size, int rounds, const char *folder)
{
    const shape of = {.partitions = 1, .memory = (size_t)256 << 20, .sample = 1000};
    double all = INFINITY, best[3] = {0};
    for (int i = 0; i < rounds; i++) {
        sealed_run *runs[TASKS_MOST];
        uint32_t count = 0;
        double seconds[3] = {0};
        uint64_t wanted = seal_records(&of, records, size, runs, &count, seconds);
        seconds[2] = write_records(&of, runs, count, folder);
        need(check_records(folder, size) == wanted, "the records differ");
        for (uint32_t r = 0; r < count; r++)
            run_free(runs[r]);
        double sum = seconds[0] + seconds[1] + seconds[2];
        if (sum < all)
            memcpy(best, seconds, sizeof best);
        all = fmin(all, sum);
    }
    double mib = (double)size / (1 << 20);
    printf("%-10s rankfold  %6.2f s  emit %.2f  seal %.2f  merge and write %.2f %5s %7.0f MiB/s\n", "records", all, best[0], best[1], best[2], "",
           mib / all);
}

static bool asked_for(const char *input, int argc, char **argv)
{
    return argc <= 3 || strcmp(argv[3], "all") == 0 || strcmp(argv[3], input) == 0;
}

int main(int argc, char **argv)
{
    static const char *const texts[] = {"zipf", "different"};
    size_t size = (size_t)(argc > 1 ? atoi(argv[1]) : 256) << 20;
    int rounds = argc > 2 ? atoi(argv[2]) : 3;
    for (int different = 0; different < 2; different++) {
        if (!asked_for(texts[different], argc, argv))
            continue;
        char *text = make_text(size, different);
        measure(texts[different], text, size, rounds);
        large_free(text);
    }
    if (asked_for("records", argc, argv)) {
        size = size / RECORD * RECORD;
        char *records = make_records(size);
        measure_sort(records, size, rounds, argc > 4 ? argv[4] : "/dev/shm");
        large_free(records);
    }
    return 0;
}
