/* rf_progress_line: how far a job is, as one line on a terminal that is drawn again, or as lines now and then. What it remembers is in
   the caller's rf_progress. */
#include "rankfold.h"

#include <unistd.h>

#include "base/clock.h"

#define INTERVAL_SECONDS 10.0
#define STILL_SECONDS 2.0           /* a total that has not grown for so long is taken for all there is */

/* "1.23 M", "456", "7.8": three digits or so. */
static void say_number(double number, char *text, size_t size)
{
    static const char units[] = " kMGT";
    size_t unit = 0;
    for (; number >= 99999.5 && units[unit + 1]; unit++)
        number /= 1000;
    snprintf(text, size, number < 99.95 ? "%.1f%s%.*s" : "%.0f%s%.*s", number, unit ? " " : "", unit ? 1 : 0, units + unit);
}

/* "0.4 s", "12 s", "3:07", "1:02:03". */
static void say_seconds(double seconds, char *text, size_t size)
{
    if (seconds < 59.5) {
        snprintf(text, size, seconds < 9.95 ? "%.1f s" : "%.0f s", seconds);
        return;
    }
    uint64_t all = seconds < 1e15 ? (uint64_t)(seconds + 0.5) : (uint64_t)1e15, minutes = all / 60;
    if (minutes < 60)
        snprintf(text, size, "%" PRIu64 ":%02" PRIu64, minutes, all % 60);
    else
        snprintf(text, size, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, minutes / 60, minutes % 60, all % 60);
}

static void say_line(const rf_progress *line, uint64_t done, double now, bool final, FILE *to)
{
    char rate[32], time[32];
    double took = now - line->began;
    bool knows_all = final || now - line->grew >= STILL_SECONDS || line->grew == line->began;
    fprintf(to, "%s%s%" PRIu64 " of %" PRIu64, line->name ? line->name : "", line->name ? ": " : "", done, line->total);
    if (!knows_all)
        fputs(" found so far", to);
    else if (line->total)
        fprintf(to, " (%.0f %%)", 100.0 * (double)done / (double)line->total);
    if (!done || took <= 0)
        return;
    say_number((double)done / took, rate, sizeof rate);
    fprintf(to, ", %s/s", rate);
    if (!knows_all)
        return;
    say_seconds(final ? took : took * (double)(line->total - done) / (double)done, time, sizeof time);
    fprintf(to, final ? ", in %s" : ", %s left", time);
}

static void remember(rf_progress *line, uint64_t total, double now)
{
    if (!(line->began > 0))
        line->began = line->grew = now;
    else if (total > line->total)
        line->grew = now;
    line->total = total;
}

void rf_progress_line(uint64_t done, uint64_t total, bool final, void *user)
{
    rf_progress *line = user;
    FILE *to = line->to ? line->to : stderr;
    double now = clock_now(), interval = line->interval > 0 ? line->interval : INTERVAL_SECONDS;
    bool terminal = isatty(fileno(to));
    remember(line, total, now);
    if (terminal || final || !(line->told > 0) || now - line->told >= interval) {
        line->told = now;
        fputs(terminal ? "\r" : "", to);
        say_line(line, done, now, final, to);
        fputs(!terminal ? "\n" : final ? "\033[K\n" : "\033[K", to);
        fflush(to);
    }
    if (final)
        *line = (rf_progress){.to = line->to, .name = line->name, .interval = line->interval};
}
