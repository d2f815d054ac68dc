/* For the tests of the input: a folder of files, and a source read as a whole cluster would, in pieces that are cut and
   read in any order. What goes wrong in here fails the test that called. */
#ifndef RANKFOLD_TESTS_READING_H
#define RANKFOLD_TESTS_READING_H

#include "input/reader.h"
#include "input/source.h"

void folder_make(void);                                     /* fixtures, unchecked: once for all tests of a case */
void folder_remove(void);
const char *folder_path(const char *format, ...) __attribute__((format(printf, 1, 2)));     /* of a name in it; one of the last 16 */
const char *folder_write(const char *name, const void *data, size_t size);                  /* gives the path */
const char *folder_gzip(const char *name, const void *data, size_t size, size_t members);   /* compressed, in members of about one size */

/* Of each byte of a file's content, and of its end, the position that the reader gives it; of a .gz as zlib alone says. To be freed. */
uint64_t *folder_positions(const char *path, size_t size);
uint8_t *folder_load(const char *path, size_t *size);       /* the file as it is; to be freed */

typedef struct read_item {
    uint64_t unit, position, path_index;
    int status;
    bool rest;
    rf_value value;                 /* texts and bytes: a copy that belongs to the reading */
    char path[512], message[512];
    size_t order;
} read_item;

typedef struct reading {
    read_item *items;               /* by unit, and as they came in each */
    size_t count, capacity;
} reading;

rf_options read_options(uint64_t split_size);
/* Prepares source and reads all of it: in one go, or, with random, in pieces cut and ordered at random. */
reading read_source(rf_source *source, const rf_options *settled, uint64_t *random);
void read_ahead(rf_source *source, uint64_t *random);       /* a sequential one, to its end */
reading read_units(rf_source *source, uint64_t first, uint64_t count, uint64_t position);   /* of a prepared one */
void reading_free(reading *of);
void assert_item_is(const read_item *item, rf_type type, const void *data, size_t size);
void assert_item_fails(const read_item *item, const char *text);        /* with RF_EINPUT; the message holds text */
void assert_same_again(rf_source *source, const read_item *item);       /* by its position, alone */
size_t reference_line(const uint8_t *data, size_t size, size_t at, size_t *length);         /* the line at at, by getline; gives what it takes */

#endif
