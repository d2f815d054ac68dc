#include "input/blocks.h"

static int begin(blocks *all)
{
    const uint64_t zero = 0;
    return all->starts.size ? RF_OK : buffer_put(&all->starts, &zero, sizeof zero);
}

int blocks_cut(blocks *all, const rf_source *source, uint64_t known, bool ended)
{
    int status = begin(all);
    while (!status && blocks_start(all, blocks_count(all)) < known) {
        uint64_t first = blocks_start(all, blocks_count(all)), left = known - first, most = left < all->items ? left : all->items;
        uint64_t count = source_stretch(source, first, most, all->bytes), end = first + count;
        if (count == left && count < all->items && !ended)
            break;
        status = buffer_put(&all->starts, &end, sizeof end);
    }
    return status;
}

void blocks_free(blocks *all)
{
    buffer_free(&all->starts);
}
