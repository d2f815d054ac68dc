#include "input/cut.h"

#include <string.h>

#include "input/prefixed.h"

/* The first newline at or after from, and after what was scanned; size when there is none yet. */
static size_t find_newline(const uint8_t *text, size_t size, uint64_t from, size_t *scanned)
{
    if (from < *scanned)
        from = *scanned;
    if (from >= size)
        return size;
    const uint8_t *newline = memchr(text + from, '\n', size - (size_t)from);
    if (newline)
        return (size_t)(newline - text);
    *scanned = size;
    return size;
}

bool cut_item(enum input_layout layout, uint64_t least, const uint8_t *text, size_t size, bool ended, size_t *scanned,
              cut *item)
{
    if (layout == INPUT_LINES || layout == INPUT_SPLITS) {
        size_t newline = find_newline(text, size, layout == INPUT_SPLITS ? least - 1 : 0, scanned);
        if (newline < size) {
            *item = (cut){.size = layout == INPUT_LINES ? newline : newline + 1, .taken = newline + 1};
            return true;
        }
    } else if (layout == INPUT_RECORDS && size >= least) {
        *item = (cut){.size = (size_t)least, .taken = (size_t)least};
        return true;
    } else if (layout == INPUT_PREFIXED && size >= PREFIXED_SIZES) {
        uint64_t whole = prefixed_size(text);
        if (size >= whole) {
            *item = (cut){.size = whole ? (size_t)whole : size, .taken = (size_t)whole};
            return true;
        }
    }
    if (!ended || !size)
        return false;
    *item = (cut){.size = size, .taken = size};
    return true;
}

rf_type cut_type(enum input_layout layout)
{
    return layout == INPUT_LINES || layout == INPUT_SPLITS ? RF_TEXT : RF_BYTES;
}
