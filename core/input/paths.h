/* The files that a list of paths stands for, in its order: a file itself, a directory the regular files below it in byte
   order of their paths, without a MANIFEST of ours (manifest.h). Rank 0 looks at each once (stat) and cuts it into blocks;
   workers compare what they find with what was seen here. The source owns it; the table of names is shared with results. Memory: the names and 40 bytes a file. */
#ifndef RANKFOLD_INPUT_PATHS_H
#define RANKFOLD_INPUT_PATHS_H

#include "base/buffer.h"
#include "base/strings.h"
#include "input/piece.h"

typedef struct input_file {
    uint64_t first_unit, blocks;    /* set by paths_cut */
    uint64_t size;
    int64_t modified;               /* nanoseconds */
    bool whole;
} input_file;

typedef struct paths {              /* zeroed: none */
    strings *names;                 /* of files[i], at i */
    buffer files;                   /* of input_file */
    uint64_t units;                 /* all blocks, after paths_cut */
    uint64_t before_input;          /* files before "-" in the list; UINT64_MAX: there is no "-" */
} paths;

/* Symbolic links that are given lead to what they point to; inside directories links to files are files and links to
   directories are passed over, so that no walk is endless. RF_EINPUT: what is missing, forbidden, or neither file nor directory, by name. */
int paths_find(paths *found, const strings *given);
int paths_cut(paths *found, enum input_layout layout, uint64_t split_size);
uint64_t paths_count(const paths *found);
const input_file *paths_file(const paths *found, uint64_t i);
uint64_t paths_of_unit(const paths *found, uint64_t unit);      /* the file of a unit below units */
void paths_free(paths *found);

#endif
