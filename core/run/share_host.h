/* What ranks of one host share: memory that is one for all of them, and doors through which its descriptor goes from one process to
   another. Used by share.c alone; nothing here knows of messages.

   Memory is a memfd, filled by writing and sealed (no writing, no shrinking, no growing) before anybody else has it; each rank maps it for
   reading. Where the kernel gives no memfd it is this process's own and has no descriptor to pass.

   A door is a datagram socket in the abstract name space, which vanishes with its process. What comes in is believed when it brings the
   door's token, which its owner has told over the ranks' own messages, from a process of the same user, and when the descriptor is sealed. */
#ifndef RANKFOLD_RUN_SHARE_HOST_H
#define RANKFOLD_RUN_SHARE_HOST_H

#include "rankfold.h"

typedef struct share_memory {
    const uint8_t *data;                /* a NUL follows size bytes */
    size_t size;
    int fd;                             /* -1: private */
} share_memory;

int share_memory_new(size_t size, share_memory *made);          /* zeros; RF_ENOMEM */
int share_memory_put(const share_memory *to, size_t at, const void *data, size_t size);     /* before it is sealed; RF_ENOMEM */
int share_memory_seal(const share_memory *whole);
int share_memory_adopt(int fd, size_t size, share_memory *made);    /* takes fd, in any case. RF_EUSAGE: it is not sealed, or of another size */
void share_memory_free(share_memory *of);                       /* and zeroes it; one that is zero is empty */

struct share_key { uint64_t door, token[2]; };  /* door 0: none. What the owner of a door tells those who may pass something through it */
typedef struct share_door { int fd; struct share_key key; } share_door;

bool share_door_open(share_door *door);         /* false: no sockets here, or no names for them */
void share_door_close(share_door *door);
int share_door_pass(const struct share_key *to, uint64_t version, int fd);      /* RF_OK; RF_AGAIN: full, later; RF_EUSAGE: this will never do */
/* The next one that came in; fd is the caller's. RF_AGAIN: none. What is not to be believed is passed over. */
int share_door_take(const share_door *door, uint64_t *version, int *fd);

#endif
