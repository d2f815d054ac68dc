/* rf_report: the figures of a pool as a table. */
#include <errno.h>
#include <string.h>

#include "base/error.h"

#define HOST_LEAST 4
#define NUMBER 24

static const char *bytes(uint64_t size, char text[NUMBER])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double number = (double)size;
    size_t unit = 0;
    for (; number >= 1023.95 && unit + 1 < sizeof units / sizeof *units; unit++)
        number /= 1024;
    snprintf(text, NUMBER, unit ? "%.1f %s" : "%.0f %s", number, units[unit]);
    return text;
}

static const char *seconds(double number, char text[NUMBER])
{
    snprintf(text, NUMBER, number < 1000 ? "%.3f s" : "%.0f s", number);
    return text;
}

static int host_width(const rf_figures *all)
{
    size_t width = HOST_LEAST;
    for (uint64_t i = 0; i < all->workers; i++) {
        size_t length = all->worker[i].host ? strlen(all->worker[i].host) : 0;
        width = length > width ? length : width;
    }
    return (int)width;
}

static void put_row(FILE *to, const char *rank, int width, const rf_worker_figures *of)
{
    char in[NUMBER], out[NUMBER], working[NUMBER], waiting[NUMBER], starting[NUMBER], init[NUMBER];
    fprintf(to, "%6s  %-*s %12" PRIu64 " %9" PRIu64 " %9" PRIu64 " %11s %11s %11s %11s %11s %11s", rank, width, of->host ? of->host : "",
            of->items, of->failed, of->chunks, bytes(of->bytes_in, in), bytes(of->bytes_out, out), seconds(of->working, working),
            seconds(of->waiting, waiting), seconds(of->starting, starting), seconds(of->init, init));
    if (of->busy || of->lost)
        fprintf(to, "  %s, %.1f s ago", of->lost ? "lost" : "busy", of->age);
    fputc('\n', to);
}

static void add(rf_worker_figures *sum, const rf_worker_figures *of)
{
    sum->items += of->items;
    sum->failed += of->failed;
    sum->chunks += of->chunks;
    sum->bytes_in += of->bytes_in;
    sum->bytes_out += of->bytes_out;
    sum->working += of->working;
    sum->waiting += of->waiting;
    sum->starting += of->starting;
    sum->init += of->init;
}

static void put_workers(FILE *to, const rf_figures *all)
{
    int width = host_width(all);
    rf_worker_figures sum = {0};
    fprintf(to, "%6s  %-*s %12s %9s %9s %11s %11s %11s %11s %11s %11s\n", "rank", width, "host", "items", "failed", "chunks", "bytes in",
            "bytes out", "working", "waiting", "starting", "init");
    for (uint64_t i = 0; i < all->workers; i++) {
        char rank[NUMBER];
        snprintf(rank, sizeof rank, "%d", all->worker[i].rank);
        put_row(to, rank, width, &all->worker[i]);
        add(&sum, &all->worker[i]);
    }
    if (all->workers > 1)
        put_row(to, "all", width, &sum);
}

static void put_long_item(FILE *to, const rf_long_item *one)
{
    fprintf(to, "%12.3f s %6d  %-20s ", one->seconds, one->rank, one->function);
    if (one->items > 1)
        fprintf(to, "%" PRIu64 " items from ", one->items);
    if (one->path)
        fprintf(to, "%s at byte ", one->path);
    fprintf(to, "%" PRIu64 "%s%s\n", one->index, one->item[0] ? ": " : "", one->item);
}

int rf_report(rf_pool *pool, FILE *to)
{
    const rf_figures *all;
    int status = rf_insights(pool, &all);
    if (status)
        return status;
    fprintf(to, "rankfold %s: %" PRIu64 " worker%s, %.3f s\n", rf_version(), all->workers, all->workers == 1 ? "" : "s", all->seconds);
    put_workers(to, all);
    if (all->longest_count)
        fprintf(to, "%14s %6s  %-20s item\n", "longest", "rank", "function");
    else
        fputs("no item took a millisecond\n", to);
    for (uint64_t i = 0; i < all->longest_count; i++)
        put_long_item(to, &all->longest[i]);
    if (fflush(to) || ferror(to))
        status = error_set(RF_EOUTPUT, "output", "the report could not be written: %s", strerror(errno));
    return status;
}
