/* kmers -k K FILE...: how often each k-mer occurs, a k-mer and its reverse complement being one. It teaches how to cut what has no cuts:
   a sequence runs on from line to line and from block to block. A first pass over the blocks finds what one has to know of those before
   it, the K - 1 bases that stand there; rank 0 strings that together and shares it; then every block can be counted by itself, by any
   worker. It also teaches keys that are integers, and a built-in combiner below a reducer of one's own. */
#define _GNU_SOURCE
#include <errno.h>
#include <rankfold.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "keyed_options.h"

#define K_MOST 31                       /* two bits a base: a k-mer is a positive integer, and those have the order of their letters */
#define BLOCK_SIZE ((uint64_t)16 << 20)
#define BLOCK_LEAST ((uint64_t)1 << 20)
#define BLOCK_OF_MEMORY 8               /* a block is at most this share of --memory */

static keyed_options said;
static unsigned k;

/* ---- bases ------------------------------------------------------------------------------------------------------ */

/* One more than what a base is in a k-mer; 0: no base. */
static const unsigned char codes[256] = {['A'] = 1, ['a'] = 1, ['C'] = 2, ['c'] = 2, ['G'] = 3, ['g'] = 3, ['T'] = 4, ['t'] = 4};

/* The last bases in a row, at most k: as they are, the last one lowest, and as the other strand has them. */
typedef struct window {
    uint64_t forward, reverse;
    unsigned count;
    bool broken;                        /* something has stood that no k-mer spans */
} window;

static uint64_t mask_of(unsigned bases) { return ((uint64_t)1 << 2 * bases) - 1; }

static inline void add_base(window *at, uint64_t base)
{
    at->forward = (at->forward << 2 | base) & mask_of(k);
    at->reverse = at->reverse >> 2 | (3 - base) << 2 * (k - 1);
    at->count += at->count < k;
}

static void break_off(window *at) { *at = (window){.broken = true}; }

/* A line of a sequence. call NULL: nothing is emitted. */
static int add_line(rf_call *call, window *at, rf_value line)
{
    const unsigned char *base = line.data, *end = base + rf_size(line);
    for (; base < end; base++) {
        if (!codes[*base]) {
            break_off(at);
            continue;
        }
        add_base(at, codes[*base] - 1u);
        if (call && at->count == k && RF_EMIT(call, at->forward < at->reverse ? at->forward : at->reverse, 1))
            return RF_EFUNCTION;
    }
    return RF_OK;
}

static char first_of(rf_value line) { return rf_size(line) ? *(const char *)line.data : '\0'; }

/* Without its newline, of either kind. */
static int take_line(rf_value *text, rf_value *line)
{
    int status = rf_take_line(text, line);
    size_t size = rf_size(*line);
    if (status == RF_OK && size && ((const char *)line->data)[size - 1] == '\r')
        *line = rf_text(line->data, size - 1);
    return status;
}

static int add_fasta(rf_call *call, window *at, rf_value text)
{
    rf_value line;
    int status = RF_OK;
    while (status == RF_OK && take_line(&text, &line) == RF_OK)
        if (first_of(line) == '>')
            break_off(at);
        else
            status = add_line(call, at, line);
    return status;
}

/* ---- the first pass: what blocks have to know of each other ------------------------------------------------------- */

/* The end of a text, from the beginning of a line: what it holds decides which bases the text ends with. */
static rf_value last_lines(rf_value text)
{
    const char *begin = text.data, *end = begin + rf_size(text), *at = end;
    for (size_t bases = 0; at > begin && bases < k;) {
        const char *newline = memrchr(begin, '\n', (size_t)(at - begin) - 1);
        rf_value line, lines = rf_text(newline ? newline + 1 : begin, (size_t)(at - (newline ? newline + 1 : begin)));
        at = lines.data;
        take_line(&lines, &line);
        bases += first_of(line) == '>' ? k : rf_size(line);
    }
    return rf_text(at, (size_t)(end - at));
}

static int survey(rf_call *call, rf_value text)
{
    window end = {0};
    rf_value line, rest = text;
    uint64_t lines = 0;
    add_fasta(NULL, &end, last_lines(text));
    while (rf_take_line(&rest, &line) == RF_OK)
        lines++;
    return RF_RETURN(call, lines, first_of(text), end.forward, end.count, end.broken);
}
RF_REGISTER(survey);

enum { FASTA = '>', FASTQ = '@' };      /* the first byte of a file tells */

/* What a block has to know, found by its file and offset. */
typedef struct block {
    uint64_t file;                      /* a hash of its path */
    uint64_t offset, lines;             /* before it, in the file */
    uint64_t bases;                     /* FASTA: those that its first bases go on from, at most k - 1 of them */
    unsigned base_count;
    char format;
} block;

static uint64_t hash_of(const char *path)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);       /* FNV-1a */
    while (*path)
        hash = (hash ^ (unsigned char)*path++) * UINT64_C(0x100000001b3);
    return hash;
}

static int by_place(const void *left, const void *right)
{
    const block *a = left, *b = right;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static int bad_file(const char *path, const char *why)
{
    fprintf(stderr, "kmers: %s: %s\n", path, why);
    return EX_DATAERR;
}

static int check_format(char format, const char *path)
{
    bool known = format == FASTA || format == FASTQ;
    return known ? RF_OK : bad_file(path, "is neither FASTA, which begins with >, nor FASTQ, which begins with @");
}

/* at is what the block has to know, next what the one behind it has to. begins: it is the first of its file. */
static int string_together(const rf_result *surveyed, bool begins, block *at, block *next)
{
    uint64_t lines, bases;
    unsigned count;
    signed char first;
    bool broken;
    if (RF_READ(surveyed->value, lines, first, bases, count, broken))
        return RF_EARGS;
    *at = *next;
    if (begins)
        *at = (block){.file = hash_of(surveyed->path), .format = (char)first};
    at->offset = surveyed->offset;
    *next = *at;
    next->lines += lines;
    next->base_count = broken ? count : at->base_count + count;
    next->base_count = next->base_count < k ? next->base_count : k - 1;
    next->bases = (broken || count == k ? bases : at->bases << 2 * count | bases) & mask_of(next->base_count);
    return check_format(at->format, surveyed->path);
}

/* A file whose blocks are all strung together. */
static int check_end(const block *next, const char *path)
{
    bool whole = next->format != FASTQ || next->lines % 4 == 0;
    return whole ? RF_OK : bad_file(path, "is not whole: in FASTQ each sequence has four lines");
}

/* Offsets ascend within a file; the same file may be given twice. */
static bool begins_file(const rf_results *surveyed, uint64_t i)
{
    if (i == 0 || i == rf_results_len(surveyed))
        return true;
    rf_result before = rf_results_at(surveyed, i - 1), it = rf_results_at(surveyed, i);
    return it.offset <= before.offset || strcmp(it.path, before.path) != 0;
}

static int string_all(const rf_results *surveyed, block *blocks)
{
    block next = {0};
    int status = RF_OK;
    for (uint64_t i = 0; i < rf_results_len(surveyed) && status == RF_OK; i++) {
        rf_result it = rf_results_at(surveyed, i);
        status = string_together(&it, begins_file(surveyed, i), &blocks[i], &next);
        if (status == RF_OK && begins_file(surveyed, i + 1))
            status = check_end(&next, it.path);
    }
    return status;
}

static int survey_all(rf_pool *pool)
{
    RF_AUTO(rf_results, surveyed);
    int status = rf_map(pool, survey, rf_splits(said.paths.at, said.paths.count), RF_OPTIONS(KEYED_RUN(said)), &surveyed);
    if (status)
        return status;
    size_t count = rf_results_len(surveyed);
    block *blocks = calloc(count + 1, sizeof *blocks);
    if (!blocks)
        return RF_ENOMEM;
    status = string_all(surveyed, blocks);
    qsort(blocks, count, sizeof *blocks, by_place);
    if (status == RF_OK)
        status = rf_share(pool, "blocks", blocks, count * sizeof *blocks);
    free(blocks);
    return status;
}

/* ---- the second pass: counting ------------------------------------------------------------------------------------ */

static int not_fastq(rf_call *call, const char *what)
{
    return rf_fail(call, "format", "%s: in the block at byte %" PRIu64 " %s: in FASTQ each sequence has four lines", rf_call_path(call),
                   rf_call_offset(call), what);
}

/* The four lines of a record are @name, sequence, +, qualities; qualities may begin with anything. */
static int add_fastq(rf_call *call, uint64_t lines_before, rf_value text)
{
    window at = {0};
    rf_value line;
    int status = RF_OK;
    for (uint64_t number = lines_before; status == RF_OK && take_line(&text, &line) == RF_OK; number++)
        switch (number % 4) {
        case 0:
            status = first_of(line) == '@' ? RF_OK : not_fastq(call, "a name does not begin with @");
            break;
        case 1:
            break_off(&at);
            status = add_line(call, &at, line);
            break;
        case 2:
            status = first_of(line) == '+' ? RF_OK : not_fastq(call, "a third line does not begin with +");
        }
    return status;
}

static int kmers_of_block(rf_call *call, rf_value text)
{
    rf_value blocks = rf_call_shared(call, "blocks");
    const block place = {.file = hash_of(rf_call_path(call)), .offset = rf_call_offset(call)};
    const block *known = bsearch(&place, blocks.data, rf_size(blocks) / sizeof *known, sizeof *known, by_place);
    if (!known)
        return rf_fail(call, "input", "%s: has changed since it was read first", rf_call_path(call));
    if (known->format == FASTQ)
        return add_fastq(call, known->lines, text);
    window at = {0};
    for (unsigned i = known->base_count; i-- > 0;)
        add_base(&at, known->bases >> 2 * i & 3);
    return add_fasta(call, &at, text);
}
RF_REGISTER(kmers_of_block);

static int count_of_kmer(rf_call *call, rf_value kmer, rf_group *counts)
{
    char letters[K_MOST];
    rf_value count;
    for (unsigned i = 0; i < k; i++)
        letters[i] = "ACGT"[rf_u64(kmer) >> 2 * (k - 1 - i) & 3];
    int status = rf_group_next(counts, &count);
    return status ? status : rf_emit_pair(call, rf_text(letters, k), count);
}
RF_REGISTER(count_of_kmer);

static int count_all(rf_pool *pool, rf_dataset **counts)
{
    int status = survey_all(pool);
    if (status)
        return status;
    return rf_mapreduce(pool,
                        RF_JOB(.inputs = {{.source = rf_splits(said.paths.at, said.paths.count), .mapper = kmers_of_block}},
                               .combiner = rf_sum, .reducer = count_of_kmer, .order = RF_BY_KEY_GLOBAL, KEYED_JOB(said)),
                        RF_OPTIONS(KEYED_RUN(said)), counts);
}

/* Both passes must cut the files alike. */
static void choose_block_size(void)
{
    uint64_t most = said.memory ? said.memory / BLOCK_OF_MEMORY : BLOCK_SIZE;
    if (!said.chunk_size)
        said.chunk_size = most > BLOCK_SIZE ? BLOCK_SIZE : most < BLOCK_LEAST ? BLOCK_LEAST : most;
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    RF_AUTO(rf_dataset, counts);
    choose_block_size();
    int status = keyed_begin(&said);
    if (status)
        return status;
    status = count_all(pool, &counts);
    return keyed_end(&said, pool, counts, status);
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

static error_t check(void)
{
    if (!k)
        return command_line_wrong("-k is needed: how many bases are a k-mer (try --help)");
    if (!said.paths.count)
        return command_line_wrong("no FILE is given: kmers -k K FILE... (try --help)");
    for (size_t i = 0; i < said.paths.count; i++)
        if (strcmp(said.paths.at[i], "-") == 0)
            return command_line_wrong("-: the input is read twice, which standard input cannot be: name a file");
    return 0;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    error_t wrong = 0;
    uint64_t number;
    if (key == 'k') {
        wrong = command_line_number("-k", value, 1, K_MOST, &number);
        k = (unsigned)number;
        return wrong;
    }
    if (key == ARGP_KEY_END)
        wrong = check();
    return wrong ? wrong : keyed_options_key(key, value, state, &said);
}

static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"length", 'k', "K", 0, "how many bases are a k-mer, from 1 to 31", 0},
        KEYED_OPTIONS,
        {0},
    };
    static const struct argp command = {
        .options = options, .parser = parse, .args_doc = "-k K FILE...",
        .doc = "Counts k-mers of FASTA and FASTQ files. Prints a line for each, in alphabetical order: the lesser of the k-mer and its "
               "reverse complement, a tab and how often the two occur. Small letters count as large ones; anything but A, C, G and T "
               "is in no k-mer.\vA directory stands for the regular files below it; a name that ends in .gz is decompressed. FASTA "
               "begins with >, and its sequences may have any number of lines; FASTQ begins with @, and each of its sequences has "
               "four. Files are read twice, in blocks of whole lines: a line has to fit in a worker's memory. The status is 0; 65 when "
               "something could not be read or is neither format, then nothing is written; 64 for wrong use, 66 when a FILE does not "
               "exist, 73 when the output cannot be written.",
    };
    return command_line_parse(&command, argc, argv, EX_USAGE);
}

int main(int argc, char **argv) { return rf_main_setup(argc, argv, setup, driver); }
