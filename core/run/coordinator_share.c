/* Shared data as rank 0 tells of it: which versions there are, whom each worker asks, who has what, and when a version may go.

   Announcements are told to one rank after the other; where memory is short the rest hears later, but before any job that needs it. */
#include <stdlib.h>
#include <string.h>

#include "run/coordinator_state.h"

#define BRANCHES 2                      /* hosts that get their copy from one */

struct announcement {
    uint64_t version, newer;            /* newer: the next version of the name; 0: there is none */
    size_t size;
    bool drops;                         /* all have it and nobody needs it: now that is told */
    int told;                           /* the rank that hears it next */
    uint64_t missing;                   /* workers that do not have it yet */
    struct told_rank { int source; bool by_door, missing; } *ranks;
    struct announcement *next;          /* the order in which they were made */
    char name[];
};

static int ranks_of(const coordinator *runs) { return transport_size(post_transport(runs->via)); }
static int first_worker(const coordinator *runs) { return ranks_of(runs) > 1; }
static const char *host_at(const coordinator *runs, int rank) { return strings_at(runs->hosts, (uint64_t)rank); }

/* ---- whom to ask ---- */

/* The place of a rank's host among those that have a first rank; ranks of a host mostly follow each other. */
static int host_place(const coordinator *runs, const int *firsts, int hosts, int rank)
{
    int place = hosts - 1;
    while (place >= 0 && strcmp(host_at(runs, firsts[place]), host_at(runs, rank)) != 0)
        place--;
    return place;
}

static int choose_sources(const coordinator *runs, struct announcement *made)
{
    int ranks = ranks_of(runs), hosts = 1, *firsts = calloc((size_t)ranks + 1, sizeof *firsts);    /* rank 0 is the first of its host */
    if (!firsts)
        return error_no_memory(((size_t)ranks + 1) * sizeof *firsts);
    for (int rank = first_worker(runs); rank < ranks; rank++) {
        if (runs->gone[rank])
            continue;
        int place = host_place(runs, firsts, hosts, rank);
        made->ranks[rank] = (struct told_rank){.source = place < 0 ? firsts[(hosts - 1) / BRANCHES] : firsts[place], .by_door = place >= 0,
                                               .missing = true};
        made->missing++;
        if (place < 0)
            firsts[hosts++] = rank;
    }
    free(firsts);
    return RF_OK;
}

/* ---- telling ---- */

static int tell_rank(coordinator *runs, const struct announcement *of, int rank)
{
    if (of->drops) {
        message drop = {.head.kind = MESSAGE_SHARE_DROP, .share = {.version = of->version}};
        return post_send(runs->via, rank, &drop, NULL, 0);
    }
    const struct told_rank *its = &of->ranks[rank];
    bool lost = its->source && runs->gone[its->source];
    message what = {.head.kind = MESSAGE_SHARE,
                    .share = {.version = of->version, .at = of->size, .peer = lost ? 0 : its->source,
                              .flags = its->by_door && !lost ? SHARE_BY_DOOR : 0},
                    .body = of->name, .body_size = strlen(of->name)};
    return post_send(runs->via, rank, &what, NULL, 0);
}

static int tell_lost(coordinator *runs)
{
    for (; runs->lost_told < runs->lost_count; runs->lost_told++, runs->lost_next = first_worker(runs)) {
        message lost = {.head.kind = MESSAGE_SHARE_LOST, .share.peer = runs->lost[runs->lost_told]};
        for (; runs->lost_next < ranks_of(runs); runs->lost_next++)
            if (!runs->gone[runs->lost_next] && post_send(runs->via, runs->lost_next, &lost, NULL, 0) < 0)
                return RF_ENOMEM;
    }
    return RF_OK;
}

/* A loss after the announcements that name the rank: who hears of one later is not sent there. */
int coordinator_tell_shares(coordinator *runs)
{
    for (struct announcement *of = runs->announced; of; of = of->next)
        for (; of->told < ranks_of(runs); of->told++)
            if (!runs->gone[of->told] && tell_rank(runs, of, of->told) < 0)
                return RF_ENOMEM;
    return tell_lost(runs);
}

/* ---- what workers have ---- */

static void has_it(struct announcement *of, int rank)
{
    of->missing -= of->ranks[rank].missing;
    of->ranks[rank].missing = false;
}

int coordinator_take_share(coordinator *runs, message *what)
{
    if (what->head.kind != MESSAGE_SHARE_HAVE)
        return shares_take(runs->shares, what);
    struct announcement *of = runs->announced;
    while (of && of->version != what->share.version)
        of = of->next;
    if (!of)
        return message_refuse(what, what->head.size, "a version that is not there");
    has_it(of, what->peer);
    shares_served(runs->shares, what->peer, of->version);
    return RF_OK;
}

void coordinator_share_lost(coordinator *runs, int rank)
{
    if (!runs->announced)
        return;
    shares_lose(runs->shares, rank);
    for (struct announcement *of = runs->announced; of; of = of->next)
        has_it(of, rank);
    runs->lost[runs->lost_count++] = rank;
}

bool coordinator_shares_settled(const coordinator *runs)
{
    const struct announcement *of = runs->announced;
    while (of && !of->missing && of->told == ranks_of(runs))
        of = of->next;
    return !of;
}

/* ---- made and dropped ---- */

static struct announcement *announcement_new(const coordinator *runs, const char *name, size_t size)
{
    size_t bytes = sizeof(struct announcement) + strlen(name) + 1;
    struct announcement *made = calloc(1, bytes);
    if (made)
        made->ranks = calloc((size_t)ranks_of(runs), sizeof *made->ranks);
    if (!made || !made->ranks) {
        free(made);
        error_no_memory(bytes);
        return NULL;
    }
    made->size = size;
    made->told = first_worker(runs);
    strcpy(made->name, name);
    return made;
}

static void announcement_free(struct announcement *of)
{
    free(of->ranks);
    free(of);
}

static bool may_lose_ranks(coordinator *runs)
{
    if (!runs->lost)
        runs->lost = calloc((size_t)ranks_of(runs), sizeof *runs->lost);
    runs->lost_next = runs->announced ? runs->lost_next : first_worker(runs);
    return runs->lost;
}

static void link_last(coordinator *runs, struct announcement *made)
{
    struct announcement **at = &runs->announced;
    for (; *at; at = &(*at)->next)
        if (!(*at)->newer && !strcmp((*at)->name, made->name)) {
            (*at)->newer = made->version;
            runs->superseded++;
        }
    *at = made;
}

int coordinator_share(coordinator *runs, const char *name, const void *data, size_t size)
{
    if (runs->status)
        return error_set(runs->status, "pool", "the pool cannot go on: %s", rf_status_text(runs->status));
    struct announcement *made = announcement_new(runs, name, size);
    int status = made && may_lose_ranks(runs) ? choose_sources(runs, made) : error_no_memory(size);
    if (status == RF_OK)
        status = shares_keep(runs->shares, name, data, size);
    if (status) {
        if (made)
            announcement_free(made);
        return status;
    }
    made->version = ++runs->shares_made;
    link_last(runs, made);
    (void)coordinator_tell_shares(runs);        /* else the next step does */
    return RF_OK;
}

static bool is_used(const coordinator *runs, const struct announcement *of)
{
    const job *one;
    LIST_FOREACH(one, &runs->jobs, all)
        if (!one->ended && one->shares >= of->version && one->shares < of->newer)
            return true;
    return false;
}

/* Told to all, it is over. Workers that run a chunk of a job that has ended keep it for as long. */
static void drop_old(coordinator *runs)
{
    for (struct announcement **at = &runs->announced, *of; (of = *at);) {
        bool all_told = of->told == ranks_of(runs);
        if (of->drops && all_told) {
            *at = of->next;
            runs->superseded--;
            announcement_free(of);
            continue;
        }
        if (of->newer && all_told && !of->missing && !is_used(runs, of) && !shares_lent(runs->shares, of->version)) {
            shares_drop(runs->shares, of->version);
            of->drops = true;
            of->told = first_worker(runs);
        }
        at = &of->next;
    }
}

double coordinator_step_shares(coordinator *runs, double now)
{
    if (!runs->announced)
        return INFINITY;
    if (runs->superseded)
        drop_old(runs);
    double wake = shares_step(runs->shares, now);
    bool rest = coordinator_tell_shares(runs) < 0;
    return rest && wake > now + 0.001 ? now + 0.001 : wake;
}

void coordinator_free_shares(coordinator *runs)
{
    for (struct announcement *next; runs->announced; runs->announced = next) {
        next = runs->announced->next;
        announcement_free(runs->announced);
    }
    free(runs->lost);
    shares_free(runs->shares);
}
