#include "run/share.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#ifndef SHARE_LENT_PIECE
#define SHARE_LENT_PIECE 4194304        /* bytes; rank 0's, offered. Tests choose others */
#define SHARE_SENT_PIECE POST_INLINE_MOST
#endif
#define LENT_WINDOW 2                   /* pieces that are sent and not known to have come */
#define SENT_WINDOW 16
#define AGAIN_SECONDS 0.001             /* a door was full, or memory short */
#define DEMAND_SECONDS 0.010            /* the next piece is asked for within that */
#define LENT_TOKEN (UINT64_C(1) << 63)  /* and the version: other tokens are jobs */

struct kept {
    shared seen;                        /* first: tables point to it */
    share_memory memory;
    int source;
    bool by_door, whole;
    size_t have;
    int came;                           /* a descriptor that came through the door; its PASSED follows. -1 */
    unsigned users;                     /* the list, and tables */
    struct kept *next;
    char name[];
};

/* Somebody who has asked, maybe before this rank knew of the version. */
struct asker {
    int peer;
    uint64_t version;
    struct share_key key;               /* door 0: bytes */
    uint64_t sent, came;
    double asked;
    struct asker *next;
};

struct shares {
    post *via;
    struct kept *versions;              /* the newest first */
    struct asker *askers, **last;
    share_door door;                    /* fd -1: not opened, or not to be had */
    bool told;                          /* a warning */
};

/* ---- made and freed ---- */

int shares_new(post *via, shares **made)
{
    shares *all = *made = calloc(1, sizeof *all);
    if (!all)
        return error_no_memory(sizeof *all);
    all->via = via;
    all->last = &all->askers;
    all->door.fd = -1;
    return RF_OK;
}

static void let_go(struct kept *one)
{
    if (--one->users)
        return;
    share_memory_free(&one->memory);
    if (one->came >= 0)
        close(one->came);
    free(one);
}

void shares_free(shares *all)
{
    if (!all)
        return;
    for (struct kept *next; all->versions; all->versions = next) {
        next = all->versions->next;
        let_go(all->versions);
    }
    for (struct asker *next; all->askers; all->askers = next) {
        next = all->askers->next;
        free(all->askers);
    }
    share_door_close(&all->door);
    free(all);
}

static struct kept *find(const shares *all, uint64_t version)
{
    struct kept *one = all->versions;
    while (one && one->seen.version != version)
        one = one->next;
    return one;
}

static struct kept *add(shares *all, uint64_t version, const char *name, size_t length, size_t size)
{
    struct kept *one = calloc(1, sizeof *one + length + 1);
    if (!one) {
        error_no_memory(sizeof *one + length + 1);
        return NULL;
    }
    memcpy(one->name, name, length);
    one->seen = (shared){.name = one->name, .version = version, .size = size, .fd = -1};
    one->memory.fd = one->came = -1;
    one->users = 1;
    one->next = all->versions;
    all->versions = one;
    return one;
}

void shares_drop(shares *all, uint64_t version)
{
    for (struct kept **at = &all->versions; *at; at = &(*at)->next)
        if ((*at)->seen.version == version) {
            struct kept *one = *at;
            *at = one->next;
            let_go(one);
            return;
        }
}

/* ---- filling ---- */

static int begin_memory(struct kept *one)
{
    int status = one->memory.data ? RF_OK : share_memory_new(one->seen.size, &one->memory);
    one->seen.data = one->memory.data;
    return status;
}

static int end_memory(struct kept *one)
{
    int status = share_memory_seal(&one->memory);
    if (status)
        return status;
    one->seen.fd = one->memory.fd;
    one->have = one->seen.size;
    one->whole = true;
    return RF_OK;
}

int shares_keep(shares *all, const char *name, const void *data, size_t size)
{
    uint64_t version = all->versions ? all->versions->seen.version + 1 : 1;
    struct kept *one = add(all, version, name, strlen(name), size);
    int status = one ? begin_memory(one) : RF_ENOMEM;
    if (status == RF_OK)
        status = share_memory_put(&one->memory, 0, data, size);
    if (status == RF_OK)
        status = end_memory(one);
    if (status && one)
        shares_drop(all, version);
    return status;
}

bool shares_lent(const shares *all, uint64_t version)
{
    return post_lent(all->via, LENT_TOKEN | version);
}

static int say(shares *all, int kind, int to, const struct message_share *share)
{
    return post_send(all->via, to, &(message){.head.kind = (uint16_t)kind, .share = *share}, NULL, 0);
}

static int ask_for_bytes(shares *all, struct kept *one)
{
    one->by_door = false;
    return say(all, MESSAGE_SHARE_ASK, one->source, &(struct message_share){.version = one->seen.version, .at = one->have});
}

static int ask(shares *all, struct kept *one)
{
    if (one->by_door && all->door.fd < 0 && !share_door_open(&all->door))
        one->by_door = false;
    if (!one->by_door)
        return ask_for_bytes(all, one);
    const struct share_key *key = &all->door.key;
    return say(all, MESSAGE_SHARE_ASK, one->source, &(struct message_share){.version = one->seen.version, .flags = SHARE_BY_DOOR,
               .door = key->door, .token = {key->token[0], key->token[1]}});
}

static int tell_whole(shares *all, const struct kept *one)
{
    return say(all, MESSAGE_SHARE_HAVE, 0, &(struct message_share){.version = one->seen.version});
}

static int take_share(shares *all, const message *what)
{
    if (find(all, what->share.version))
        return message_refuse(what, what->head.size, "a version that was told before");
    if (what->share.peer >= transport_size(post_transport(all->via)))
        return message_refuse(what, what->head.size, "a rank that is not there");
    struct kept *one = add(all, what->share.version, what->body ? what->body : "", what->body_size, what->share.at);
    if (!one)
        return RF_ENOMEM;
    one->source = what->share.peer;
    one->by_door = what->share.flags & SHARE_BY_DOOR;
    if (one->seen.size)
        return ask(all, one);
    int status = begin_memory(one);     /* of nothing there is no piece */
    if (status == RF_OK)
        status = end_memory(one);
    return status ? status : tell_whole(all, one);
}

static bool by_rank_0(const struct kept *one) { return one->source == 0; }
static size_t piece_of(bool lent) { return lent ? SHARE_LENT_PIECE : SHARE_SENT_PIECE; }
static size_t window_of(bool lent) { return piece_of(lent) * (lent ? LENT_WINDOW : SENT_WINDOW); }

/* The source sends up to a window beyond what it knows to have come: when that reaches the end, there is nothing more to say. */
static int acknowledge(shares *all, const struct kept *one, size_t before)
{
    if (before + window_of(by_rank_0(one)) >= one->seen.size)
        return RF_OK;
    return say(all, MESSAGE_SHARE_ASK, one->source, &(struct message_share){.version = one->seen.version, .at = one->have, .flags = SHARE_MORE});
}

/* After a change of whom is asked, pieces may come twice, or begin before what is there. */
static int take_piece(shares *all, const message *what)
{
    struct kept *one = find(all, what->share.version);
    if (!one || one->whole)
        return RF_OK;
    uint64_t end = what->share.at + what->body_size;
    if (end > one->seen.size)
        return message_refuse(what, what->head.size, "more than the shared data has");
    if (what->share.at > one->have || end <= one->have)
        return RF_OK;
    size_t before = one->have, known = before - what->share.at;
    int status = begin_memory(one);
    if (status == RF_OK)
        status = share_memory_put(&one->memory, before, (const uint8_t *)what->body + known, what->body_size - known);
    if (status)
        return status;
    one->have = end;
    if (one->have < one->seen.size)
        return acknowledge(all, one, before);
    status = end_memory(one);
    return status ? status : tell_whole(all, one);
}

/* What comes through the door before its PASSED has come waits for it. */
static void look_behind_door(shares *all)
{
    uint64_t version;
    int fd;
    while (all->door.fd >= 0 && share_door_take(&all->door, &version, &fd) == RF_OK) {
        struct kept *one = find(all, version);
        if (!one || one->whole || one->came >= 0)
            close(fd);
        else
            one->came = fd;
    }
}

/* Once on a rank: what one version cannot do the others cannot either. */
static void warn(shares *all, int rank, const struct kept *one, const char *why)
{
    if (!all->told)
        log_warn("rank %d gets a copy of its own of the shared data \"%s\": %s", rank, one->name, why);
    all->told = true;
}

static int take_passed(shares *all, const message *what)
{
    struct kept *one = find(all, what->share.version);
    if (!one || one->whole || one->memory.data)
        return RF_OK;
    look_behind_door(all);
    int fd = one->came;
    one->came = -1;
    if (fd < 0 || share_memory_adopt(fd, one->seen.size, &one->memory)) {
        warn(all, transport_rank(post_transport(all->via)), one, "no descriptor of it came through the door");
        return ask_for_bytes(all, one);
    }
    one->seen.data = one->memory.data;
    one->seen.fd = one->memory.fd;
    one->have = one->seen.size;
    one->whole = true;
    return tell_whole(all, one);
}

/* ---- asked ---- */

static struct asker **place_of(shares *all, int peer, uint64_t version)
{
    struct asker **at = &all->askers;
    while (*at && ((*at)->peer != peer || (*at)->version != version))
        at = &(*at)->next;
    return at;
}

static void remove_asker(shares *all, struct asker **at)
{
    struct asker *gone = *at;
    *at = gone->next;
    if (!*at)
        all->last = at;
    free(gone);
}

void shares_served(shares *all, int peer, uint64_t version)
{
    struct asker **at = place_of(all, peer, version);
    if (*at)
        remove_asker(all, at);
}

static struct asker *asker_of(shares *all, const message *what)
{
    struct asker *one = *place_of(all, what->peer, what->share.version);
    if (one)
        return one;
    one = calloc(1, sizeof *one);
    if (!one) {
        error_no_memory(sizeof *one);
        return NULL;
    }
    one->peer = what->peer;
    one->version = what->share.version;
    *all->last = one;
    all->last = &one->next;
    return one;
}

static int take_ask(shares *all, const message *what)
{
    bool more = what->share.flags & SHARE_MORE;
    if (more && !*place_of(all, what->peer, what->share.version))
        return RF_OK;
    struct asker *one = asker_of(all, what);
    if (!one)
        return RF_ENOMEM;
    one->came = what->share.at;
    one->asked = transport_now(post_transport(all->via));
    if (!more)
        one->sent = what->share.at;
    if (!more)
        one->key = (struct share_key){what->share.flags & SHARE_BY_DOOR ? what->share.door : 0, {what->share.token[0], what->share.token[1]}};
    return RF_OK;
}

void shares_lose(shares *all, int peer)
{
    for (struct asker **at = &all->askers; *at;)
        if ((*at)->peer == peer)
            remove_asker(all, at);
        else
            at = &(*at)->next;
}

/* What was asked of it is asked of rank 0; a descriptor will not come from it. */
static int take_lost(shares *all, const message *what)
{
    int status = RF_OK, lost = what->share.peer;
    shares_lose(all, lost);
    for (struct kept *one = all->versions; one && status == RF_OK; one = one->next)
        if (!one->whole && one->source == lost) {
            one->source = 0;
            if (one->by_door)
                warn(all, transport_rank(post_transport(all->via)), one, "the rank that should have passed its descriptor is gone");
            status = ask_for_bytes(all, one);
        }
    return status;
}

int shares_take(shares *all, message *what)
{
    switch (what->head.kind) {
    case MESSAGE_SHARE: return take_share(all, what);
    case MESSAGE_SHARE_ASK: return take_ask(all, what);
    case MESSAGE_SHARE_PIECE: return take_piece(all, what);
    case MESSAGE_SHARE_PASSED: return take_passed(all, what);
    case MESSAGE_SHARE_DROP: shares_drop(all, what->share.version); return RF_OK;
    case MESSAGE_SHARE_LOST: return take_lost(all, what);
    default: return message_refuse(what, what->head.size, "nothing to do with shared data");
    }
}

/* ---- answering ---- */

/* true: it has all it will ask for. */
static bool pass(shares *all, struct asker *to, const struct kept *one, bool *again)
{
    if (!one->whole)
        return false;
    int status = share_door_pass(&to->key, one->seen.version, one->seen.fd);
    if (status == RF_OK)
        status = say(all, MESSAGE_SHARE_PASSED, to->peer, &(struct message_share){.version = one->seen.version});
    if (status == RF_OK)
        return true;
    *again = true;
    if (status == RF_EUSAGE) {
        warn(all, to->peer, one, "its descriptor cannot be passed");
        to->key.door = 0;
    }
    return false;
}

static bool send(shares *all, struct asker *to, const struct kept *one, bool *again)
{
    bool lent = transport_rank(post_transport(all->via)) == 0;
    size_t upto = to->came + window_of(lent);
    upto = upto < one->have ? upto : one->have;
    while (to->sent < upto) {
        size_t size = upto - to->sent < piece_of(lent) ? upto - to->sent : piece_of(lent);
        message piece = {.head.kind = MESSAGE_SHARE_PIECE, .share = {.version = one->seen.version, .at = to->sent},
                         .body = one->memory.data + to->sent, .body_size = size};
        if (post_send(all->via, to->peer, &piece, NULL, LENT_TOKEN | one->seen.version)) {
            *again = true;
            return false;
        }
        to->sent += size;
    }
    return to->sent >= one->seen.size;
}

double shares_step(shares *all, double now)
{
    bool again = false;
    for (struct asker **at = &all->askers; *at;) {
        struct asker *to = *at;
        const struct kept *one = find(all, to->version);
        if (one && (to->key.door ? pass(all, to, one, &again) : send(all, to, one, &again)))
            remove_asker(all, at);
        else
            at = &to->next;
    }
    return again ? now + AGAIN_SECONDS : INFINITY;
}

bool shares_in_demand(const shares *all, double now)
{
    const struct asker *one = all->askers;
    while (one && (one->key.door || now - one->asked > DEMAND_SECONDS))
        one = one->next;
    return one;
}

/* ---- tables ---- */

static bool is_seen(const share_table *table, const struct kept *one, uint64_t upto)
{
    return one->seen.version <= upto && !share_find(table, one->seen.name);
}

int share_table_new(const shares *all, uint64_t upto, share_table **made)
{
    size_t most = 0;
    for (const struct kept *one = all->versions; one; one = one->next)
        most += one->seen.version <= upto;
    *made = NULL;
    if (!most)
        return RF_OK;
    share_table *table = calloc(1, sizeof *table + most * sizeof *table->all);
    if (!table)
        return error_no_memory(sizeof *table + most * sizeof *table->all);
    table->all = (const shared **)(void *)(table + 1);
    for (struct kept *one = all->versions; one; one = one->next)
        if (is_seen(table, one, upto)) {
            one->users++;
            table->all[table->count++] = &one->seen;
        }
    *made = table;
    return RF_OK;
}

bool share_table_whole(const share_table *table)
{
    for (size_t i = 0; table && i < table->count; i++)
        if (!((const struct kept *)table->all[i])->whole)
            return false;
    return true;
}

void share_table_free(share_table *table)
{
    for (size_t i = 0; table && i < table->count; i++)
        let_go((struct kept *)(uintptr_t)table->all[i]);
    free(table);
}
