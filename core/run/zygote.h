/* The zygote: a small process that makes a rank's children, so that they are copies of what the program was before MPI and its data came, and
   cost what copying that costs. One a process, made once: by rf_main and rf_prepare before MPI_Init, or when the first child is wanted.
   It reaps the children and tells how they ended. Nobody outlives the rank: the kernel kills the zygote with the rank, and the children with
   the zygote.

   Rank and zygote share a page, the board, with the bell and the end of each child; requests go over a socket, with the memory that is for
   the child (ring.h). Nothing here waits. */
#ifndef RANKFOLD_RUN_ZYGOTE_H
#define RANKFOLD_RUN_ZYGOTE_H

#include <stdatomic.h>

#include "run/ring.h"

int zygote_make(bool before_mpi);       /* does nothing where there is one. RF_ENOMEM */

/* A child that uses this ring, which it opens for itself; it has a number until its end was told. RF_AGAIN: not now; RF_ECRASH, kind "executor":
   there is no zygote any more; RF_ENOMEM: too many children. */
int zygote_spawn(const ring *with, int rank, unsigned *child);
void zygote_kill(unsigned child);
bool zygote_ended(unsigned child, int *how);    /* once: how is waitpid's status, or -errno when it could not be made */
bool zygote_lives(void);                        /* asks the kernel */
int zygote_lost(void);                          /* the error to give then */

const _Atomic uint32_t *zygote_bell(void);      /* changes when a child has told something or ended; NULL: there is no zygote yet */
void zygote_await(uint32_t seen, double seconds);   /* until it does; for who has nothing else to do */
void zygote_ring(void);                         /* called by children */

#endif
