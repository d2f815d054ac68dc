/* Sources side by side: unit u of a zip is the tuple of the members' units u. A zip of one is what rf_single makes.

   A piece carries the members' pieces as they describe themselves, so that a zip of ranges sends no item; the worker builds the
   tuples (reader_zip.c). The members' bodies are copied once, to stand behind each other.

   A sequential zip reads its members in their order, each only as far as those before it came, so that what one of them gives
   and how it ends is what reading them unit by unit would have found: the member that ends or fails at the lowest unit, and the first of
   those, ends the zip. Members before it may have been read further. */
#include <math.h>
#include <stdlib.h>

#include "input/source_state.h"

static uint64_t at_most(uint64_t count, uint64_t most)
{
    return count < most ? count : most;
}

/* ---- making one ------------------------------------------------------------------------------------------------- */

static unsigned depth_of(const rf_source *source)
{
    return source->kind == SOURCE_ZIP ? source->zip.depth : 0;
}

static int check_members(const char *function, rf_source *const *sources, size_t count, unsigned *depth)
{
    *depth = 1;
    for (size_t i = 0; i < count; i++) {
        if (!sources[i])
            return error_set(RF_EUSAGE, "usage", "%s: source %zu of %zu is NULL", function, i + 1, count);
        for (size_t j = 0; j < i; j++)
            if (sources[i] == sources[j] && !source_is_out_of_memory(sources[i]))
                return error_set(RF_EUSAGE, "usage", "%s: sources %zu and %zu are the same one; make two of them", function, j + 1, i + 1);
        if (sources[i]->kind == SOURCE_PAIRS)
            return error_set(RF_EUSAGE, "usage", "%s: source %zu is a dataset, whose pairs are on the workers; collect it first", function, i + 1);
        *depth = depth_of(sources[i]) >= *depth ? depth_of(sources[i]) + 1 : *depth;
    }
    if (*depth > INPUT_DEPTH_MOST)
        return error_set(RF_EUSAGE, "usage", "%s: zips nest deeper than %d", function, INPUT_DEPTH_MOST);
    if (count == 0 || count > INPUT_MEMBERS_MOST)
        return error_set(RF_EUSAGE, "usage", "%s: %zu sources; there must be 1 to %d", function, count, INPUT_MEMBERS_MOST);
    return RF_OK;
}

/* Each once, also where one was given twice. */
static void free_all(rf_source *const *sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t j = 0;
        while (sources[j] != sources[i])
            j++;
        if (j == i)
            rf_source_free(sources[i]);
    }
}

static rf_source *zip_new(const char *function, rf_source *const *sources, size_t count)
{
    rf_source *source = source_new(SOURCE_ZIP);
    unsigned depth = 0;
    int status = source_is_out_of_memory(source) ? RF_ENOMEM : check_members(function, sources, count, &depth);
    struct zip_member *members = status ? NULL : calloc(count, sizeof *members);
    if (!status && !members)
        status = error_no_memory(count * sizeof *members);
    if (status) {
        source = source_is_out_of_memory(source) ? source : source_with(source, status);
        free_all(sources, count);
        return source;
    }
    source->zip = (struct source_zip){.members = members, .count = count, .depth = depth};
    for (size_t i = 0; i < count; i++) {
        members[i].source = sources[i];
        source->sequential |= sources[i]->sequential;
    }
    return source;
}

rf_source *rf_zip(rf_source *const *sources, size_t count)
{
    if (sources || !count)
        return zip_new("rf_zip", sources, count);
    rf_source *source = source_new(SOURCE_ZIP);
    return source_is_out_of_memory(source) ? source : source_with(source, source_wrong_use("rf_zip", "the array is NULL"));
}

rf_source *rf_single(rf_source *source)
{
    return zip_new("rf_single", &source, 1);
}

void zip_free(struct source_zip *zip)
{
    for (size_t i = 0; i < zip->count; i++)
        rf_source_free(zip->members[i].source);
    free(zip->members);
    buffer_free(&zip->body);
}

/* ---- using one -------------------------------------------------------------------------------------------------- */

static int refuse_files(size_t member)
{
    return error_set(RF_EUSAGE, "usage",
                     "rf_zip: source %zu is files, whose items only the workers know: zip their paths (rf_strings) and open them in "
                     "the function, or read them on rank 0 first (rf_materialise)", member + 1);
}

int zip_prepare(rf_source *source, const rf_options *settled, const source_caller *caller)
{
    struct source_zip *zip = &source->zip;
    rf_options each = *settled;
    each.iterable_len = 0;              /* that is the zip's */
    for (size_t i = 0; i < zip->count; i++) {
        rf_source *member = zip->members[i].source;
        int status = source_prepare(member, &each, caller);
        if (!status && zip->count > 1 && source_read_by_workers(member))
            status = refuse_files(i);
        if (status)
            return status;
        source->sequential |= member->sequential;
        source->length = at_most(source->length, member->length);
    }
    source->limit = source->length;
    return RF_OK;
}

/* Reads a member on to unit end, as far as that can be had now, and gives how far it came. *status: why it stopped short. */
static uint64_t read_member(struct zip_member *one, uint64_t end, int *status, int *descriptor, double *delay)
{
    rf_source *member = one->source;
    if (!member->sequential)
        return at_most(end, member->length);
    int now = one->over;
    while (one->read < end && !now) {
        uint64_t more;
        now = source_read(member, end - one->read, &more, descriptor, delay);
        one->read += more;
    }
    if (now && now != RF_AGAIN && !one->over) {
        one->over = now;
        member->wrong = now < 0 ? failure_new(rf_last_error()) : NULL;
    }
    if (one->read >= end)
        return end;
    *status = now;
    return one->read;
}

static int tell_failure(const rf_source *member)
{
    return member->wrong ? error_of_item(failure_error(member->wrong)) : error_no_memory(1);
}

int zip_read(rf_source *source, uint64_t want, uint64_t *got, int *descriptor, double *delay)
{
    struct source_zip *zip = &source->zip;
    uint64_t end = zip->known + (source->ended ? 0 : at_most(want, source->limit - zip->known));
    int status = end == zip->known ? RF_END : RF_OK;
    for (size_t i = 0; i < zip->count && end > zip->known; i++) {
        end = read_member(&zip->members[i], end, &status, descriptor, delay);
        if (end == zip->known && status < 0)
            status = tell_failure(zip->members[i].source);
    }
    *got = end - zip->known;
    zip->known = end;
    if (!*got && status == RF_AGAIN)
        return RF_AGAIN;
    *descriptor = -1;
    *delay = INFINITY;
    if (*got)
        return RF_OK;
    source->ended = true;
    source->length = zip->known;
    return status;
}

static struct input_member *head_of(struct source_zip *zip, size_t i)
{
    return (struct input_member *)(void *)zip->body.data + i;
}

static int begin_body(struct source_zip *zip)
{
    zip->body.size = 0;
    return buffer_add(&zip->body, zip->count * sizeof(struct input_member)) ? RF_OK : RF_ENOMEM;
}

static int add_member(struct source_zip *zip, size_t i, uint64_t first, uint64_t count, uint64_t *described)
{
    input_piece piece;
    int status = source_describe(zip->members[i].source, first, count, &piece, described);
    if (status)
        return status;
    *head_of(zip, i) = (struct input_member){piece.kind, piece.layout, piece.a, piece.b, piece.body_size};
    status = buffer_put(&zip->body, piece.body, piece.body_size);
    return status ? status : buffer_align(&zip->body, 16);
}

/* A member that has no room for so many units in one piece shortens the piece for all: it is begun anew. */
int zip_describe(rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described)
{
    struct source_zip *zip = &source->zip;
    size_t bytes = zip_unit_bytes(source);
    int status = begin_body(zip);
    if (bytes)
        count = at_most(count, bytes < SOURCE_PIECE_BYTES ? SOURCE_PIECE_BYTES / bytes : 1);
    for (size_t i = 0; i < zip->count && !status;) {
        uint64_t fits = 0;
        status = add_member(zip, i, first, count, &fits);
        bool anew = !status && fits < count && i;
        count = fits;
        i = anew ? 0 : i + 1;
        if (anew)
            status = begin_body(zip);
    }
    if (status)
        return status;
    *described = count;
    *piece = (input_piece){.kind = INPUT_ZIP, .a = zip->count, .body = zip->body.data, .body_size = zip->body.size};
    return RF_OK;
}

void zip_forget(rf_source *source, uint64_t first, uint64_t count)
{
    for (size_t i = 0; i < source->zip.count; i++)
        source_forget(source->zip.members[i].source, first, count);
}

size_t zip_unit_bytes(const rf_source *source)
{
    size_t bytes = 0;
    for (size_t i = 0; i < source->zip.count; i++)
        bytes += source_unit_bytes(source->zip.members[i].source);
    return bytes;
}
