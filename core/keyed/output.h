/* The output of a job: a file, or a directory of part-00000, part-00001, ... and a manifest. It appears whole or not at all, and a second
   attempt leaves no mixture:

       output.XXXXXX/              beside it, made by output_new; removed by output_free
           part-00003.2            what attempt 2 writes of partition 3 (output_begin ... output_end), synced
           part-00003              after output_commit: by rename
           MANIFEST                written last
       output                      after output_finish: the directory renamed, or its parts joined in one file that is renamed

   One process (rank 0) owns the output and commits; any process that sees the folder writes parts, each attempt its own file. What
   exists at the place of a directory is refused, unless forced: then it is exchanged for the new one in one step where the
   file system can. A file is replaced, as sort(1) does: it keeps its rights, and where a link leads to it the link stays. A device or a
   pipe is refused.

   Text: key<TAB>value<NEWLINE>, each as it is when it is text or bytes, else as rf_print writes it; a nil value leaves out the tab
   as well, so does a nil key. Prefixed: | key size 4 | value size 4 | key | value |, little-endian; texts and bytes as they are, all
   else as MessagePack. Raw: the same without sizes. Each through zlib where the name ends in .gz; of a directory, each part-00000.gz.

   The manifest is text: "rankfold-manifest 1", then name, records, bytes, XXH3 (64 bits, of the file) a line, separated by
   tabs, then the same of "total" without a checksum. */
#ifndef RANKFOLD_KEYED_OUTPUT_H
#define RANKFOLD_KEYED_OUTPUT_H

#include "base/buffer.h"

typedef struct output output;
typedef struct output_writer output_writer;

typedef struct output_format {
    rf_format kind;
    bool gzip;
} output_format;

typedef struct output_part {                    /* what an attempt wrote: it travels to who commits */
    uint64_t records, bytes, checksum;
} output_part;

/* RF_EEXISTS: path is a directory, or is to be one and exists, and was not forced. RF_EOUTPUT: there cannot be one. */
int output_new(const char *path, uint32_t partitions, bool directory, bool force, output_format format, output **made);
void output_free(output *old);                  /* what was not finished leaves no trace; NULL is legal */
const char *output_folder(const output *of);    /* for output_begin, in any process */

/* One attempt at one partition. RF_EOUTPUT. A writer that was begun is ended or abandoned; output_end frees it, also when it fails. */
int output_begin(const char *folder, uint32_t partition, unsigned attempt, output_format format, output_writer **made);
int output_pair(output_writer *to, rf_value key, rf_value value);       /* also RF_EARGS: a value that nests too deep to be printed */
int output_end(output_writer *to, output_part *part);
void output_abandon(output_writer *to);         /* removes its file; NULL is legal */

int output_commit(output *to, uint32_t partition, unsigned attempt, const output_part *part);  /* RF_EUSAGE: the second of a partition */
int output_finish(output *to);                  /* RF_EUSAGE: a partition is missing; RF_EOUTPUT. The output's last step: then free it */

#endif
