/* A source read to its end at once, by a reader as a worker has it: files too, which rank 0 otherwise never reads. */
#include <math.h>
#include <poll.h>

#include "input/reader.h"
#include "input/source_state.h"

#define READ_AT_ONCE 1024       /* units of a sequential source */

static int add_items(reader *from, rf_source *to)
{
    reader_item item;
    int status;
    while ((status = reader_next(from, &item)) == RF_OK && (status = pages_add(&to->pages, item.value)) == RF_OK)
        ;
    return status == RF_END ? RF_OK : status;
}

static int add_units(rf_source *source, reader *from, uint64_t first, uint64_t count, rf_source *to)
{
    int status = RF_OK;
    while (count && !status) {
        input_piece piece;
        uint64_t described;
        status = source_describe(source, first, count, &piece, &described);
        piece.borrowed = true;          /* or a page's: no NUL is behind it */
        if (!status)
            status = reader_open(from, &piece, first, described, UINT64_MAX);
        if (!status)
            status = add_items(from, to);
        if (!status)
            source_forget(source, first, described);
        first += described;
        count -= described;
    }
    return status;
}

static void await(int descriptor, double delay)
{
    struct pollfd input = {.fd = descriptor, .events = POLLIN};
    poll(&input, 1, isfinite(delay) ? (int)ceil(delay * 1000) : -1);
}

/* What came before an error is added in vain: the error is all that is told. */
static int add_sequential(rf_source *source, reader *from, rf_source *to)
{
    for (uint64_t at = 0;;) {
        uint64_t got;
        int descriptor;
        double delay;
        int status = source_read(source, READ_AT_ONCE, &got, &descriptor, &delay);
        if (status == RF_AGAIN)
            await(descriptor, delay);
        else if (!status)
            status = add_units(source, from, at, got, to);
        if (status && status != RF_AGAIN)
            return status == RF_END ? RF_OK : status;
        at += got;
    }
}

static int add_all(rf_source *source, const rf_options *settled, const source_caller *caller, rf_source *to)
{
    int status = source && source->kind == SOURCE_PAIRS
                     ? source_wrong_use("rf_materialise", "the source is a dataset, whose pairs are on the workers; collect it instead")
                 : source ? source_prepare(source, settled, caller) : source_wrong_use("rf_materialise", "the source is NULL");
    if (status)
        return status;
    reader *from = reader_new();
    if (!from)
        return RF_ENOMEM;
    if (source->sequential)
        status = add_sequential(source, from, to);
    else
        status = add_units(source, from, 0, source->length, to);
    reader_free(from);
    return status;
}

rf_source *source_materialise(rf_source *source, const rf_options *settled, const source_caller *caller)
{
    rf_source *to = source_new(SOURCE_VALUES);
    int status = source_is_out_of_memory(to) ? RF_ENOMEM : add_all(source, settled, caller, to);
    if (!source_is_out_of_memory(to)) {
        to->length = to->pages.count;
        to = source_with(to, status);
    }
    rf_source_free(source);
    return to;
}
