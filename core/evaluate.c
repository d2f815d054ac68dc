/* The verbs of sequences that give what comes out; reduce.c has the one that folds it. */
#include "base/error.h"
#include "sequence.h"

/* ---- collect ---- */

typedef struct taking {
    spans *to;
} taking;

static int take(void *context, const job *of, const spans *ready, uint64_t count)
{
    taking *into = context;
    if (!into->to && !(into->to = job_spans_beside(of)))
        return RF_ENOMEM;
    return spans_hand_on(ready, 0, count, into->to);
}

static int collect_some(evaluation *in, segment *of, rf_results **results)
{
    taking into = {0};
    int status = segment_stream(in, of, take, &into);
    rf_results *made = NULL;
    if (!into.to && !(into.to = spans_new(NULL, NULL)))
        return RF_ENOMEM;
    if (results_of(into.to, &made))
        return RF_ENOMEM;
    status = status ? status : rf_results_check(made);
    if (results)
        *results = made;
    else
        rf_results_free(made);
    return status;
}

static int collect_all(evaluation *in, segment *of, rf_results **results)
{
    job *made;
    int status = segment_submit(in, of, results ? JOB_KEEPS : JOB_DROPS, &made);
    return status ? status : pool_run(in->pool, made, results);
}

int rf_seq_collect(rf_seq *seq, const rf_options *options, rf_results **results)
{
    if (results)
        *results = NULL;
    int status = sequence_check(seq);
    if (status)
        return status;
    evaluation in = {.pool = seq->pool, .options = options};
    segment last;
    status = segment_open(&in, seq, &last);
    if (status == RF_OK)
        status = last.most == UINT64_MAX ? collect_all(&in, &last, results) : collect_some(&in, &last, results);
    segment_close(&last);
    return evaluation_give_failed(&in, status, results);
}

/* ---- iterate ---- */

int rf_seq_iterate(rf_seq *seq, const rf_options *options, rf_iterator **made)
{
    *made = NULL;
    int status = sequence_check(seq);
    if (status)
        return status;
    evaluation in = {.pool = seq->pool, .options = options};
    segment last;
    job *of;
    status = segment_open(&in, seq, &last);
    if (status == RF_OK)
        status = segment_submit(&in, &last, JOB_STREAMS, &of);
    if (status == RF_OK)
        status = iterator_of(in.pool, of, last.most, made);
    segment_close(&last);
    return evaluation_give_failed(&in, status, NULL);
}

/* ---- foreach ---- */

int rf_seq_foreach(rf_seq *seq, rf_map_function *function, const rf_options *options)
{
    const rf_seq *mapped = rf_seq_map(seq, function);
    int status = sequence_check(mapped);
    if (status)
        return status;
    evaluation in = {.pool = seq->pool, .options = options};
    segment whole;
    rf_source *values = NULL;
    status = segment_open(&in, mapped, &whole);
    if (status == RF_OK)
        status = segment_gather(&in, &whole, &values);
    segment_close(&whole);
    if (status == RF_OK)
        sequence_replace(seq, values);
    else
        rf_source_free(values);
    return evaluation_give_failed(&in, status, NULL);
}
