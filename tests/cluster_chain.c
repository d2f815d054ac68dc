#include "cluster_chain.h"

#include "base/random.h"

#define ITEMS_MOST 3000
#define ATTEMPTS 3

enum verb { COLLECT, COLLECT_SOME, ITERATE, FOLD_TREE, FOLD_IN_ORDER, COUNT, VERBS };

typedef struct drawn {
    enum verb verb;
    int64_t start;
    uint64_t items, most;               /* most: outputs that are taken */
    bool by_generator;
    uint64_t read;                      /* of the generator */
    rf_options options;
} drawn;

typedef struct output { uint64_t index; int64_t value; } output;

/* ---- what happens to an item: the same here and there ---- */

static uint64_t fate_of(uint64_t a, uint64_t b)
{
    uint64_t random = random_seed(a, b, 0x636861696e, 0);
    return random_next(&random);
}

static int64_t mapped(int64_t x) { return 3 * x + 1; }
static bool kept(int64_t x) { return fate_of((uint64_t)x, 1) % 3 != 0; }
static uint64_t copies(int64_t x) { return fate_of((uint64_t)x, 2) % 8 % 4; }
static double term(int64_t x) { return 1.0 / (0.7 + (double)(fate_of((uint64_t)x, 3) % 100000)); }

static int chain_map(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    uint64_t failures = fate_of((uint64_t)x, 4) % 16;
    if (failures < ATTEMPTS && rf_call_attempt(call) <= failures)
        return rf_fail(call, "now and then", "%" PRId64, x);
    return RF_RETURN(call, mapped(x));
}
RF_REGISTER(chain_map);

static bool chain_filter(rf_call *call, rf_value item)
{
    int64_t x;
    return RF_ARGS(call, item, x) == RF_OK && kept(x);
}
RF_REGISTER(chain_filter);

static int chain_spread(rf_call *call, rf_value item)
{
    for (uint64_t i = 0; i < copies(rf_i64(item)); i++)
        rf_emit(call, item);
    return RF_OK;
}
RF_REGISTER(chain_spread);

static int chain_term(rf_call *call, rf_value item) { return RF_RETURN(call, term(rf_i64(item))); }
RF_REGISTER(chain_term);

static int chain_add(rf_call *call, rf_value sum, rf_value item)
{
    double s, x;
    if (RF_ARGS(call, sum, s) || RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, s + x);
}
RF_REGISTER(chain_add);

/* ---- what must come out ---- */

static size_t expect(const drawn *of, output *all)
{
    size_t count = 0;
    for (uint64_t i = 0; i < of->items; i++) {
        int64_t x = mapped(of->start + (int64_t)i);
        for (uint64_t k = kept(x) ? copies(x) : 0; k && count < of->most; k--)
            all[count++] = (output){i, x};
    }
    return count;
}

static bool leaf(const drawn *of, uint64_t unit, double *sum)
{
    int64_t x = mapped(of->start + (int64_t)unit);
    uint64_t count = kept(x) ? copies(x) : 0;
    *sum = term(x);
    for (uint64_t k = 1; k < count; k++)
        *sum += term(x);
    return count;
}

static bool tree(const drawn *of, uint64_t first, uint64_t size, double *sum)
{
    double right;
    if (first >= of->items)
        return false;
    if (size == 1)
        return leaf(of, first, sum);
    bool one = tree(of, first, size / 2, sum), other = tree(of, first + size / 2, size / 2, &right);
    *sum = one && other ? *sum + right : one ? *sum : right;
    return one || other;
}

/* ---- verbs ---- */

static int generate(rf_call *call, void *state)
{
    drawn *of = state;
    return of->read == of->items ? RF_END : RF_RETURN(call, of->start + (int64_t)of->read++);
}

static rf_seq *make(rf_pool *pool, drawn *of)
{
    rf_source *source = of->by_generator ? rf_generator(generate, of, NULL) : rf_range(of->start, of->start + (int64_t)of->items);
    return rf_seq_flat_map(rf_seq_filter(rf_seq_map(rf_seq_of(pool, source), chain_map), chain_filter), chain_spread);
}

static const char *check_outputs(const rf_results *results, const output *all, size_t count)
{
    if (rf_results_len(results) != count)
        return "too many outputs, or too few";
    for (uint64_t i = 0; i < count; i++) {
        rf_result one = rf_results_at(results, i);
        if (!one.ok || one.index != all[i].index || rf_i64(one.value) != all[i].value)
            return "an output is wrong, or in the wrong place";
    }
    return NULL;
}

static int collect(rf_seq *seq, const drawn *of, const output *all, size_t count, const char **wrong)
{
    rf_results *results;
    int status = rf_seq_collect(of->verb == COLLECT_SOME ? rf_seq_take(seq, of->most) : seq, &of->options, &results);
    if (status == RF_OK)
        *wrong = check_outputs(results, all, count);
    rf_results_free(results);
    return status;
}

static int iterate(rf_seq *seq, const drawn *of, const output *all, size_t count, const char **wrong)
{
    rf_iterator *stream;
    const rf_result *one;
    size_t got = 0;
    int status = rf_seq_iterate(rf_seq_take(seq, of->most), &of->options, &stream);
    for (; status == RF_OK && (status = rf_next(stream, &one)) == RF_OK; got++)
        if (one->ok && (got == count || one->index != all[got].index || rf_i64(one->value) != all[got].value))
            *wrong = "an output of an iterator is wrong";
        else if (!one->ok)
            break;
    if (status == RF_END && got != count)
        *wrong = "an iterator gave too few outputs";
    int ended = rf_iterator_free(stream);
    return status == RF_END || (status == RF_OK && ended) ? ended : status;
}

static int fold(rf_seq *seq, const drawn *of, const output *all, size_t count, const char **wrong)
{
    rf_results *results;
    double wanted = 0;
    bool in_tree = of->verb == FOLD_TREE;
    rf_fold how = {.step = chain_add, .merge = in_tree ? chain_add : NULL};
    int status = rf_seq_reduce(rf_seq_map(seq, chain_term), how, &of->options, &results);
    if (in_tree)
        tree(of, 0, 4096, &wanted);
    for (size_t i = 0; !in_tree && i < count; i++)
        wanted = i ? wanted + term(all[i].value) : term(all[i].value);
    if (status == RF_OK && (!count || rf_f64(rf_results_value(results, 0)) != wanted))
        *wrong = "a sum has other digits";
    rf_results_free(results);
    return status == RF_EEMPTY && !count ? RF_OK : status;
}

static int count_all(rf_seq *seq, const drawn *of, const output *all, size_t count, const char **wrong)
{
    rf_results *results;
    int status = rf_seq_collect(rf_seq_count_by(seq, NULL), &of->options, &results);
    uint64_t at = 0;
    for (size_t i = 0, same; status == RF_OK && i < count; i += same, at++) {
        int64_t key, times;
        for (same = 1; i + same < count && all[i + same].value == all[i].value; same++)
            ;
        if (RF_READ(rf_results_value(results, at), key, times) || key != all[i].value || (size_t)times != same)
            *wrong = "a count is wrong";
    }
    if (status == RF_OK && rf_results_len(results) != at)
        *wrong = "too many counts";
    rf_results_free(results);
    return status;
}

static drawn draw(uint64_t *random)
{
    drawn of = {.verb = (enum verb)random_below(random, VERBS), .start = (int64_t)random_below(random, 100000),
                .items = random_below(random, 4) ? random_below(random, 300) : random_below(random, ITEMS_MOST), .most = UINT64_MAX,
                .by_generator = random_below(random, 3) == 0};
    if (of.verb == COLLECT_SOME || (of.verb == ITERATE && random_below(random, 2)))
        of.most = random_below(random, 1 + of.items);
    of.options = (rf_options){.struct_size = sizeof of.options,
                              .retry = {.attempts = ATTEMPTS, .backoff = random_below(random, 2) ? RF_NONE : 1e-4},
                              .chunk_size = random_below(random, 2) ? 0 : 1 + random_below(random, 64),
                              .max_active = random_below(random, 2) ? 0 : 1 + random_below(random, 500)};
    return of;
}

static bool tells_of_ranks(int status)
{
    return status == RF_EITEMS || status == RF_ELOST || status == RF_EINIT || status == RF_ENOMEM;
}

const char *chain_evaluate(rf_pool *pool, uint64_t *random, bool may_fail)
{
    static int (*const verbs[VERBS])(rf_seq *, const drawn *, const output *, size_t, const char **) = {
        collect, collect, iterate, fold, fold, count_all};
    drawn of = draw(random);
    static output all[ITEMS_MOST * 4];              /* no allocation, which might be the one to fail */
    const char *wrong = NULL;
    size_t count = expect(&of, all);
    int status = verbs[of.verb](make(pool, &of), &of, all, count, &wrong);
    if (status == RF_OK)
        return wrong;
    return may_fail && tells_of_ranks(status) ? NULL : rf_last_error()->message;
}
