#define _GNU_SOURCE
#include "base/large.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define SLAB_MOST (8 * HUGE_PAGE)
#define SHARE 4                     /* a piece above a fourth of the largest slab has one of its own */
#define LOOK_MOST 8                 /* pieces given back that are looked at for one of the size asked for */
#define HEAD 64                     /* before each piece, and at the front of a slab: keeps pieces at multiples of 64 */

struct head { struct slab *of; size_t size; struct head *next; };
typedef struct slab {
    size_t size, used, live;
    struct head *unused;            /* pieces given back, the last one first: the warmest */
    bool own;                       /* it is for one piece */
} slab;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Small pieces come and go with the messages of a stream, and one that stays keeps its slab: so theirs are small. Large ones would
   leave a good part of such a slab unused. */
typedef struct shelf {
    size_t slab_size, most;         /* most: bytes of a piece, with its head */
    slab *current, *spare;          /* spare has no live piece */
} shelf;
static shelf shelves[] = {{2 * HUGE_PAGE, HUGE_PAGE / 8, NULL, NULL}, {SLAB_MOST, SLAB_MOST / SHARE, NULL, NULL}};
#define SHELVES (sizeof shelves / sizeof *shelves)

/* Pieces larger than those have a slab of their own. The last one given back is kept: what is done in steps of about one size asks for it
   again. */
#define OWN_KEPT (16 * HUGE_PAGE)
static slab *own_spare;

static size_t rounded(size_t size, size_t multiple)
{
    return (size + multiple - 1) & ~(multiple - 1);
}

/* Aligned to huge pages: more than is needed is mapped, and what lies outside is given back. */
static void *map_aligned(size_t size)
{
    size_t all = size + HUGE_PAGE;
    uint8_t *mapped = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED)
        return NULL;
    size_t before = rounded((uintptr_t)mapped, HUGE_PAGE) - (uintptr_t)mapped, after = HUGE_PAGE - before;
    if (before)
        munmap(mapped, before);
    if (after)
        munmap(mapped + before + size, after);
    madvise(mapped + before, size, MADV_HUGEPAGE);      /* a wish: without huge pages everything works, slower */
    return mapped + before;
}

static slab *slab_map(size_t size)
{
    slab *made = map_aligned(size);
    if (made)
        *made = (slab){.size = size, .used = HEAD};
    return made;
}

static void *slab_cut(slab *from, size_t size)
{
    uint8_t *at = (uint8_t *)from + from->used;
    from->used += size;
    from->live++;
    *(struct head *)(void *)at = (struct head){.of = from, .size = size};
    return at + HEAD;
}

/* One that was given back to the current slab: its memory is in the processor's cache more likely than any other. */
static void *slab_reuse(slab *from, size_t size)
{
    struct head **at = &from->unused;
    for (int i = 0; i < LOOK_MOST && *at; i++, at = &(*at)->next)
        if ((*at)->size == size) {
            struct head *found = *at;
            *at = found->next;
            from->live++;
            return (uint8_t *)found + HEAD;
        }
    return NULL;
}

static slab *own_map(size_t needed)
{
    slab *spare = own_spare;
    if (spare && spare->size >= needed + HEAD && spare->size / 2 <= needed) {
        own_spare = NULL;
        return spare;
    }
    return slab_map(rounded(needed + HEAD, HUGE_PAGE));
}

static void own_put_away(slab *empty)
{
    slab *unused = empty;
    if (empty->size <= OWN_KEPT) {
        unused = own_spare;
        own_spare = empty;
    }
    if (unused)
        munmap(unused, unused->size);
}

static void slab_put_away(slab *empty)
{
    empty->used = HEAD;
    empty->unused = NULL;
    if (empty->own) {
        own_put_away(empty);
        return;
    }
    for (size_t i = 0; i < SHELVES; i++) {
        if (empty == shelves[i].current)
            return;
        if (!shelves[i].spare && empty->size == shelves[i].slab_size) {
            shelves[i].spare = empty;
            return;
        }
    }
    munmap(empty, empty->size);
}

static slab *slab_with_room(shelf *of, size_t size)
{
    if (of->current && of->current->size - of->current->used >= size)
        return of->current;
    slab *next = of->spare ? of->spare : slab_map(of->slab_size);
    if (!next)
        return NULL;
    of->spare = NULL;
    return of->current = next;      /* the old one is found again by its last piece */
}

static void *get(size_t needed)
{
    size_t i = 0;
    while (i < SHELVES && needed > shelves[i].most)
        i++;
    shelf *of = i < SHELVES ? &shelves[i] : NULL;
    void *piece = of && of->current ? slab_reuse(of->current, needed) : NULL;
    if (piece)
        return piece;
    slab *from = of ? slab_with_room(of, needed) : own_map(needed);
    if (from && !of)
        from->own = true;
    return from ? slab_cut(from, needed) : NULL;
}

void *large_get(size_t size)
{
    if (size > PTRDIFF_MAX - 2 * HUGE_PAGE)
        return NULL;
    pthread_mutex_lock(&lock);
    void *piece = get(rounded(size + HEAD, HEAD));
    pthread_mutex_unlock(&lock);
    return piece;
}

static struct head *head_of(void *piece) { return (struct head *)(void *)((uint8_t *)piece - HEAD); }

/* Its pages are mapped elsewhere, where there is room behind them: nothing is copied, nothing is touched. */
static void *own_move(slab *from, size_t needed)
{
    size_t size = rounded(needed + HEAD, HUGE_PAGE);
    slab *to = size > from->size ? map_aligned(size) : from;
    if (!to)
        return NULL;
    if (to != from && mremap(from, from->size, from->size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) {
        munmap(to, size);
        return NULL;
    }
    to->size = size > to->size ? size : to->size;
    to->used = HEAD;
    to->live = 0;
    return slab_cut(to, needed);
}

void *large_grow(void *piece, size_t used, size_t size)
{
    slab *of = head_of(piece)->of;
    void *moved = NULL;
    if (of->own && size <= PTRDIFF_MAX - 2 * HUGE_PAGE) {
        pthread_mutex_lock(&lock);
        moved = own_move(of, rounded(size + HEAD, HEAD));
        pthread_mutex_unlock(&lock);
    }
    if (!moved && (moved = large_get(size))) {
        memcpy(moved, piece, used);
        large_free(piece);
    }
    return moved;
}

void large_free(void *piece)
{
    if (!piece)
        return;
    struct head *given = head_of(piece);
    slab *of = given->of;
    pthread_mutex_lock(&lock);
    given->next = of->unused;
    of->unused = given;
    if (--of->live == 0)
        slab_put_away(of);
    pthread_mutex_unlock(&lock);
}
