/* Where a .gz file of several members can be cut, so that several workers read it: block k of it owns the members from its first
   cut on to the first cut of a later block, where a cut is a place in the file from which on whole members follow, for 64 KiB or
   to the end of the file: each with its check sum right. (BGZF says how long its members are: then their headers are enough.)

   Whether a place is a cut depends on the bytes from there on alone, so whoever asks gets the same answer, without knowing where
   the members before it end. What is asked is whether the real members, one behind the other from the file's first byte on,
   begin at the cuts. Proof that nothing is lost or given twice unless a block fails:

   - Who reads a block begins at its first cut (the first block: at 0) and goes on from member to member until one that begins
     behind the block's end does so at a cut: there it stops. If it has passed a cut that is none of its members' beginnings it
     fails (content.c), naming both. So a block that does not fail stops at the first cut behind its end, which is where the next
     block that has any begins.
   - The first block begins at a real member, hence reads only real ones, hence stops at a real one, or fails. By induction so
     does every block, up to the first that fails, and that one has read nothing but real ones.
   - A real member that is no cut (it or what follows it is damaged) is read by the block before, which finds the damage and names
     it. Those that follow the damage are read from the next cut on.

   A place that looks like a cut and is none takes a writer who means it: what a compressor leaves as it is, such as another .gz
   file, is interrupted by five bytes after at most 65,535, which fall inside a member (its check sum is wrong then), or behind
   one. */
#ifndef RANKFOLD_INPUT_MEMBERS_H
#define RANKFOLD_INPUT_MEMBERS_H

#include "input/gzip.h"
#include "input/seen_file.h"

typedef struct members {            /* zeroed: nothing is known of any file; keeps its memory, freed by members_free */
    gzip trial;
    buffer scanned, raw, content;   /* what is looked through; what is tried, and comes of it in vain */
    dev_t device;                   /* of the file of which it is known that */
    ino_t inode;
    uint64_t size;
    int64_t modified;
    uint64_t from, to;              /* there is no cut in [from, to), */
    bool found;                     /* and one at to */
} members;

/* The first cut in [from, to) of a file: RF_OK; RF_END: there is none; RF_EINPUT: the file cannot be read; RF_ENOMEM. What was just
   found is remembered, as the next block of a file is mostly asked for by whoever has passed its beginning. */
int members_cut(members *of, const seen_file *file, uint64_t from, uint64_t to, uint64_t *cut);
void members_free(members *of);

#endif
