#include "base/arena.h"

#include <stdlib.h>

#include "base/error.h"

#define BLOCK_SIZE ((size_t)32768)

struct arena_block {
    struct arena_block *next;
    size_t size;
    _Alignas(16) uint8_t data[];
};

static struct arena_block *block_new(size_t size)
{
    struct arena_block *block = malloc(sizeof *block + size);
    if (!block) {
        error_no_memory(sizeof *block + size);
        return NULL;
    }
    block->size = size;
    return block;
}

/* A piece that would waste most of a block gets one of its own, behind the newest: that one stays in use. */
static void *add_alone(arena *memory, size_t size)
{
    struct arena_block *block = block_new(size);
    if (!block)
        return NULL;
    struct arena_block **place = memory->blocks ? &memory->blocks->next : &memory->blocks;
    block->next = *place;
    *place = block;
    return block->data;
}

void *arena_add(arena *memory, size_t size)
{
    if (size > PTRDIFF_MAX - sizeof(struct arena_block) - 16) {
        error_no_memory(size);
        return NULL;
    }
    size = size ? (size + 15) & ~(size_t)15 : 16;
    if (size > (size_t)(memory->end - memory->at)) {
        if (size > BLOCK_SIZE / 4)
            return add_alone(memory, size);
        struct arena_block *block = block_new(BLOCK_SIZE);
        if (!block)
            return NULL;
        block->next = memory->blocks;
        memory->blocks = block;
        memory->at = block->data;
        memory->end = block->data + BLOCK_SIZE;
    }
    void *piece = memory->at;
    memory->at += size;
    return piece;
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_reset(arena *memory)
{
    struct arena_block *block = memory->blocks;
    if (!block || block->size != BLOCK_SIZE) {
        arena_free(memory);
        return;
    }
    free_blocks(block->next);
    *memory = (arena){block, block->data, block->data + BLOCK_SIZE};
    block->next = NULL;
}

void arena_free(arena *memory)
{
    free_blocks(memory->blocks);
    *memory = (arena){0};
}
