/* The scratch folder of a process: where runs go that do not fit into memory. It is made when the first path is asked for, in
   RANKFOLD_SCRATCH, TMPDIR or /tmp, the first that is set:

       rankfold-scratch.PID.XXXXXX/       removed by scratch_free
           lock                           locked (flock) as long as its process lives
           run-0, run-1, ...
           rankfold-scratch.PID.XXXXXX/    the same of a forked child

   What a crash left is removed by the next process that makes a folder in the same place: a folder of this form, of this user,
   whose lock can be had, is nobody's. A process that is killed between mkdir and its lock leaves an empty folder, which is
   removed too, after an hour. The lock's descriptor is kept open, and closed by exec. A forked child makes a scratch of its own, in its
   parent's folder: files are numbered by each process, and what a child left goes when somebody sweeps there, at the latest with the folder. */
#ifndef RANKFOLD_KEYED_SCRATCH_H
#define RANKFOLD_KEYED_SCRATCH_H

#include "rankfold.h"

typedef struct scratch scratch;

scratch *scratch_new(const char *place);            /* NULL: as above; RF_ENOMEM told. Touches no disk */
void scratch_free(scratch *old);                    /* removes the folder and what is in it; NULL is legal */
int scratch_path(scratch *in, char **path);         /* of a new file, malloc'ed; RF_EOUTPUT: no folder can be made there */
int scratch_folder(scratch *in, const char **path); /* the folder itself: a place for children's; borrowed. RF_EOUTPUT */
void scratch_clear(scratch *of);                    /* removes the folder and what is in it; another is made when it is needed */
void scratch_sweep(const scratch *in);              /* removes what children left that live no more */

#endif
