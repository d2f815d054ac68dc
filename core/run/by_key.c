#include "run/by_key.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "run/coordinator_state.h"
#include "value/pack.h"

static bool has(const uint8_t *bits, int rank) { return bits[rank / 8] & 1u << rank % 8; }
static void set(uint8_t *bits, int rank) { bits[rank / 8] = (uint8_t)(bits[rank / 8] | 1u << rank % 8); }

static int put_state(buffer *body, rf_value state)
{
    if (value_is_container(state))
        return pack_value(body, state);
    if (rf_type_of(state) >= RF_TEXT)
        return buffer_put(body, state.data, rf_size(state));
    return rf_type_of(state) == RF_NIL ? RF_OK : buffer_put(body, &state.u64, sizeof state.u64);
}

int by_key_say(by_key *of, const struct message_keyed *says, const char *folder, const char *kinds, rf_value state)
{
    of->says = *says;
    of->says.folder_size = strlen(folder) + 1;
    of->says.kinds_size = strlen(kinds) + 1;
    of->says.state_type = (uint32_t)rf_type_of(state);
    int status = buffer_put(&of->body, folder, of->says.folder_size);
    status = status ? status : buffer_put(&of->body, kinds, of->says.kinds_size);
    status = status ? status : buffer_align(&of->body, 16);
    return status ? status : put_state(&of->body, state);
}

static void free_by_key(by_key *old)
{
    buffer_free(&old->body);
    buffer_free(&old->places);
    buffer_free(&old->splitters);
    free(old->knows);
    free(old->knows_runs);
    free(old);
}

int by_key_new(coordinator *runs, by_key **made)
{
    int ranks = transport_size(post_transport(runs->via));
    by_key *of = *made = calloc(1, sizeof *of);
    if (!of)
        return error_no_memory(sizeof *of);
    *of = (by_key){.id = ++runs->by_keys_made, .ranks = ranks, .users = 1, .lost = -1, .runs = runs};
    of->knows = calloc((size_t)ranks / 8 + 1, 1);
    of->knows_runs = calloc((size_t)ranks / 8 + 1, 1);
    if (!of->knows || !of->knows_runs) {
        free_by_key(of);
        *made = NULL;
        return error_no_memory((size_t)ranks);
    }
    LIST_INSERT_HEAD(&runs->by_keys, of, all);
    return RF_OK;
}

void by_key_hold(by_key *of)
{
    of->users++;
}

static void release(by_key *of, bool all)
{
    message what = {.head = {.kind = MESSAGE_RELEASE, .job = of->id}, .release.all = all};
    for (int rank = 0; of->runs && !of->runs->dismissed && rank < of->ranks; rank++)
        if (has(of->knows, rank) && !of->runs->gone[rank])
            (void)post_send(of->runs->via, rank, &what, NULL, 0);
}

void by_key_let_go(by_key *of)
{
    if (!of || --of->users)
        return;
    release(of, true);
    if (of->runs)
        LIST_REMOVE(of, all);
    free_by_key(of);
}

void by_key_release_runs(by_key *of)
{
    release(of, false);
}

int by_key_commit(by_key *of, const struct message_run_place *place)
{
    return buffer_put(&of->places, place, sizeof *place);
}

/* ---- told -------------------------------------------------------------------------------------------------------- */

static uint32_t ranks_beside(const coordinator *runs, int worker)
{
    uint32_t count = 0;
    for (int rank = 0; rank < transport_size(post_transport(runs->via)); rank++)
        count += strcmp(runs->host_of[rank], runs->host_of[worker]) == 0;
    return count;
}

static int tell_runs(by_key *of, int worker)
{
    buffer body = {0};
    message what = {.head = {.kind = MESSAGE_RUNS, .job = of->id},
                    .runs = {.runs = of->places.size / sizeof(struct message_run_place), .splitters = of->splitter_count}};
    int status = buffer_put(&body, of->places.data, of->places.size);
    status = status ? status : buffer_put(&body, of->splitters.data, of->splitters.size);
    what.body = body.data;
    what.body_size = body.size;
    if (!status)
        status = post_send(of->runs->via, worker, &what, &body, 0);
    buffer_free(&body);
    if (status >= 0)
        set(of->knows_runs, worker);
    return status;
}

int by_key_introduce(by_key *of, int worker, bool reduces)
{
    int status = RF_OK;
    if (!has(of->knows, worker)) {
        message what = {.head = {.kind = MESSAGE_KEYED, .job = of->id}, .keyed = of->says, .body = of->body.data, .body_size = of->body.size};
        what.keyed.ranks_here = ranks_beside(of->runs, worker);
        buffer copy = {0};
        status = buffer_put(&copy, of->body.data, of->body.size);
        what.body = copy.data;
        status = status ? status : post_send(of->runs->via, worker, &what, &copy, 0);
        buffer_free(&copy);
        if (status >= 0)
            set(of->knows, worker);
    }
    return status >= 0 && reduces && !has(of->knows_runs, worker) ? tell_runs(of, worker) : status;
}

/* ---- lost -------------------------------------------------------------------------------------------------------- */

int by_key_reads_lost(const coordinator *runs, const job *part)
{
    int rank = source_gone_rank(part->source, runs->gone);
    if (rank < 0)
        return RF_OK;
    return error_set(RF_ELOST, "lost", "rank %d on %s is lost, and with it pairs of the dataset that %s reads: run the job that made it again", rank,
                     runs->host_of[rank], part->name);
}

void by_key_lost(coordinator *runs, int rank)
{
    by_key *of;
    job *part;
    LIST_FOREACH(of, &runs->by_keys, all)
        if (has(of->knows, rank) && of->lost < 0)
            of->lost = rank;
    LIST_FOREACH(part, &runs->jobs, all)
        if (part->by_key && part->by_key->lost == rank && part->id && !part->ended) {
            error_set(RF_ELOST, "lost", "rank %d on %s is lost, and with it what it had sealed of %s: run the job again", rank, runs->host_of[rank],
                      part->name);
            coordinator_job_broke(runs, part);
        } else if (part->id && !part->ended && by_key_reads_lost(runs, part)) {
            coordinator_job_broke(runs, part);
        }
}

void by_key_pool_closes(coordinator *runs)
{
    for (by_key *of; (of = LIST_FIRST(&runs->by_keys));) {
        LIST_REMOVE(of, all);
        of->runs = NULL;
    }
}
