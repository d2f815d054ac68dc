/* What a slot is made of: seen by slot.c (chunks, and the child that runs them), slot_parts.c (what it has told) and slot_death.c (what its end
   means) alone. */
#ifndef RANKFOLD_RUN_SLOT_STATE_H
#define RANKFOLD_RUN_SLOT_STATE_H

#include "run/slot.h"

enum fate { LIVES_ON, OUT_OF_TIME, UNWANTED, DAMAGED };     /* why its child was killed; DAMAGED: what it told makes no sense */

struct given {                          /* a chunk */
    executor_chunk chunk;
    uint64_t first, count;              /* as parts tell units: of a task by key the one that it is */
    uint64_t items, units;              /* told of it */
    char *result;                       /* of a task by key: the file that its run goes to; NULL: none, or it was taken over */
    buffer passed;                      /* items that it goes without, as failures */
    uint64_t passed_count;
    uint64_t request;                   /* where asked */
    bool asked, stop, drop;
    bool careful;                       /* what came of it was damaged: item by item, until it is known by which */
};

struct slot {
    ring with;
    int rank;
    bool lives, died;                   /* its child; died: what that means is still to be found out */
    unsigned child;                     /* the zygote's number */
    int how;                            /* it died */
    struct given chunks[RING_REQUESTS]; /* a ring; the child is at the first */
    size_t first, count;
    const executor_job *job;            /* of the chunks */
    uint64_t knows;                     /* the ordinal of the job that its child was told of; UINT64_MAX */
    const rf_registration *ran;         /* the function of the last one */
    /* the part that was given last */
    column values, added;
    buffer positions, failures;
    struct message_long longest;
    buffer own_failures;                /* of parts that no child has told */
    uint64_t own_words[2], own_tags[2]; /* and of the one value of a task by key */
    bool gave;                          /* it is the child's: it is taken when the next is asked for */
    logbook_entry gave_bytes;           /* what it took */
    /* the item that the child is at */
    uint64_t mark, told_at_mark;
    double since;
    double looked;                      /* after the zygote */
    double kill_at;                     /* what runs is not wanted; INFINITY */
    enum fate fate;
    unsigned lost;                      /* children in a row that died in no function and told nothing */
};

struct given *slot_given(slot *of, size_t i);
void slot_kill(slot *of, enum fate why);

/* slot_parts.c. What hands out a part gives true; the last of a chunk ends it */
bool slot_is_told(const slot *of);
bool slot_take_part(slot *of, executor_part *part);     /* false: what the child has told makes no sense, and it is killed */
void slot_release_part(slot *of);                       /* the one given last */
bool slot_give_up(slot *of, int status, const char *kind, const char *text, executor_part *part);   /* nothing of the chunk can be run in a
                                                           child of this rank */
bool slot_give_up_last_error(slot *of, executor_part *part);
bool slot_drop_the_rest(slot *of, executor_part *part); /* of the chunk, which nobody wants */
/* Values, positions, failures and what is added, over the windows of part told; and whether they, which anybody could have written, can be
   read. */
void slot_lay_out(slot *of, uint64_t told, const logbook_entry *done);
bool slot_has_positions(const slot *of);                /* of its first chunk's items, also where they do not count */
bool slot_is_sound(const slot *of, uint64_t units);
double slot_duration(double seconds);                   /* one that can be told */
void slot_hand_out(slot *of, executor_part *part);      /* what is laid out */

/* slot_keyed.c: tasks by key, which are done or fail as a whole */
int slot_allot_result(slot *of, struct given *one);     /* a new file, where one is needed. RF_EOUTPUT, RF_ENOMEM */
void slot_drop_result(struct given *one);               /* and what a child has left of it */
int slot_adopt(slot *of);                               /* the run that the part laid out tells. RF_EUSAGE, RF_EINPUT: that makes no sense */
bool slot_fail_task(slot *of, const struct message_failure *why, const char *kind, const char *text, executor_part *part);
bool slot_fail_task_last_error(slot *of, executor_part *part);
/* Its child has died in it. False: it is run again, without the item that it was at. */
bool slot_blame_task(slot *of, const logbook *log, executor_part *part);

/* slot_death.c */
int slot_why(const slot *of, bool inside, const char **kind, char *text, size_t size);  /* how the child ended, as a failure of what it ran: its status */
bool slot_bury(slot *of, executor_part *part);          /* the child has told all that it will. True: a part comes of its end */
void slot_forget_child(slot *of);                       /* what it had been asked is asked again of the next */

#endif
