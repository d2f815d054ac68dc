/* How somebody waits who has nothing to be woken by: MPI's own blocking calls keep a core busy. At first it looks again at
   once, since answers tend to come soon; then it lets others have the core between looks; then it naps, for a share of the
   time that it has been idle, so that a wait becomes only so much longer. */
#ifndef RANKFOLD_WIRE_IDLE_H
#define RANKFOLD_WIRE_IDLE_H

#include "rankfold.h"

/* The pause between two looks of somebody who has been idle for so many seconds; at most most seconds. descriptor (or -1):
   true: it can be read, which also ends the pause. shares: what is waited for is done on this host, perhaps on this core: it is given away
   at once. */
bool idle_pause(double idle, double most, int descriptor, bool shares);

#endif
