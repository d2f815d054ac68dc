/* Folds of sequences. Without a merge the outputs come to rank 0 and are folded there, one after another; with one the workers fold
   what they run, in the tree of run/reduction.h, and rank 0 joins what they send. */
#include "base/error.h"
#include "base/options.h"
#include "run/reduction.h"
#include "run/share.h"
#include "sequence.h"

typedef struct folding {
    evaluation *in;
    rf_fold how;
    const rf_registration *step, *merge;
    uint32_t step_number, merge_number;
    rf_call call;
    share_table *shares;
    reduction folds;
    bool step_begun, merge_begun;       /* .init has run here, and .exit will */
} folding;

/* ---- what comes ---- */

static int fold_one(folding *to, uint64_t unit, rf_value value)
{
    call_item which = {.position = unit, .path_index = UINT64_MAX, .attempt = 1};
    to->in->pool->folding = true;
    int status = to->merge ? reduction_join(&to->folds, unit, value) : reduction_step(&to->folds, 0, value, &which);
    to->in->pool->folding = false;
    return status;
}

static int tell(const folding *to, int status)
{
    rf_error why;
    if (status >= 0 || !to->call.status)
        return status;
    call_fill_error(&to->call, &why);
    return error_of_item(&why);
}

/* Once an item has failed there will be no value, and what else comes is only looked at for failures. */
static int take(void *context, const job *of, const spans *ready, uint64_t count)
{
    folding *to = context;
    int status = RF_OK;
    for (uint64_t i = 0; i < count && status == RF_OK;) {
        rf_result one = spans_at(ready, i);
        i += one.ok;
        if (!one.ok)
            status = evaluation_keep_failed(to->in, of, ready, &i, count);
        else if (!to->in->failed)
            status = tell(to, fold_one(to, one.index, one.value));
    }
    return status;
}

/* ---- set up ---- */

static int find_functions(folding *to, rf_pool *pool)
{
    int status = sequence_function(pool, (rf_any_function *)to->how.step, RF_KIND_FOLD, &to->step, &to->step_number);
    if (status == RF_OK && to->how.merge)
        status = sequence_function(pool, (rf_any_function *)to->how.merge, RF_KIND_FOLD, &to->merge, &to->merge_number);
    return status;
}

/* As rf_run does: what the functions' .init leaves here goes with this fold. */
static int begin_function(folding *to, const rf_registration *function, reduction_function *made, bool *begun)
{
    rf_options said = {.struct_size = sizeof said};
    int status = to->in->options ? options_under(&said, to->in->options, true) : RF_OK;
    if (status == RF_OK)
        status = options_under(&said, &function->options, false);
    *made = (reduction_function){.run = (rf_fold_function *)function->function, .name = function->name, .state = said.state};
    if (status || !function->init)
        return status;
    if (to->step_begun && to->step->init == function->init) {
        made->worker = to->folds.step.worker;
        return RF_OK;
    }
    status = tell(to, call_init_worker(&to->call, function, &made->worker));
    *begun = status == RF_OK;
    return status;
}

static int set_up(folding *to)
{
    const rf_value *start = to->merge ? to->how.identity : to->how.initial ? to->how.initial : to->how.identity;
    call_init(&to->call);
    to->call.rank = 0;
    to->folds.call = &to->call;
    to->folds.has_identity = start;
    if (start)
        to->folds.identity = *start;
    reduction_begin(&to->folds, 0);
    int status = coordinator_share_table(to->in->pool->self->schedules, &to->shares);
    to->call.shares = to->shares;
    if (status == RF_OK)
        status = begin_function(to, to->step, &to->folds.step, &to->step_begun);
    if (status == RF_OK && to->merge)
        status = begin_function(to, to->merge, &to->folds.merge, &to->merge_begun);
    return status;
}

static void clear(folding *to)
{
    if (to->merge_begun && to->merge->exit)
        to->merge->exit(to->folds.merge.worker);
    if (to->step_begun && to->step->exit)
        to->step->exit(to->folds.step.worker);
    reduction_free(&to->folds);
    call_free(&to->call);
    share_table_free(to->shares);
}

/* ---- the verb ---- */

/* The tree has no leaf for an output: a limit of outputs comes before it. */
static int add_fold(folding *to, segment *of)
{
    int status = segment_bound(to->in, of);
    if (status == RF_OK && to->how.identity)
        status = segment_add_value(of, *to->how.identity);
    if (status == RF_OK)
        status = segment_add(of, to->in->options, to->step, to->step_number, STAGE_STEP);
    return status ? status : segment_add(of, to->in->options, to->merge, to->merge_number, STAGE_MERGE);
}

static int run(folding *to, const rf_seq *seq)
{
    segment last;
    int status = segment_open(to->in, seq, &last);
    if (status == RF_OK && to->merge)
        status = add_fold(to, &last);
    if (status == RF_OK)
        status = segment_stream(to->in, &last, take, to);
    segment_close(&last);
    return status ? status : evaluation_tell_failed(to->in);
}

static int finish(folding *to)
{
    to->in->pool->folding = true;
    int status = tell(to, reduction_finish(&to->folds));
    if (status == RF_OK && to->how.initial && (to->merge || !to->folds.count))
        status = tell(to, reduction_begin_with(&to->folds, *to->how.initial));
    to->in->pool->folding = false;
    if (status == RF_OK && !to->folds.count)
        status = error_set(RF_EEMPTY, "empty", "rf_seq_reduce: nothing to fold, and no initial value; say .initial");
    return status;
}

static int give(const folding *to, rf_results **results)
{
    column value = {0};
    spans *all = spans_new(NULL, NULL);
    int status = all ? column_add(&value, to->folds.parts[0].value) : RF_ENOMEM;
    delivery made = {.items = 1, .values = column_look(&value), .path_index = BLOCK_NO_PATH, .attempt = 1};
    if (status == RF_OK)
        status = spans_add(all, &made);
    column_free(&value);
    if (status == RF_OK)
        return results_of(all, results);
    spans_free(all);
    return status;
}

int rf_seq_reduce(rf_seq *seq, rf_fold fold, const rf_options *options, rf_results **results)
{
    if (results)
        *results = NULL;
    int status = sequence_check(seq);
    if (status)
        return status;
    evaluation in = {.pool = seq->pool, .options = options};
    folding to = {.in = &in, .how = fold};
    status = find_functions(&to, seq->pool);
    if (status)
        return status;
    status = set_up(&to);
    status = status ? status : run(&to, seq);
    status = status ? status : finish(&to);
    if (status == RF_OK && results)
        status = give(&to, results);
    clear(&to);
    return evaluation_give_failed(&in, status, results);
}
