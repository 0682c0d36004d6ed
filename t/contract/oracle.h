/* The kernel as a judge: a sequence of operations on five signals, and the worlds in which it is done: on the kernel's own real-time
   signals, on tocsin's twins of them, and in a model of a few lines, which says what may be asked of the two and what is to come of it. */
#ifndef TOCSIN_T_ORACLE_H
#define TOCSIN_T_ORACLE_H

#include <stdbool.h>
#include <stdio.h>

enum { NUMBERS = 5, EVERY = (1 << NUMBERS) - 1, OPS_MAX = 400, ENTRIES_MAX = 4 * OPS_MAX };

/* What is done. VOID: taken out again. */
enum kind { VOID, BLOCK, UNBLOCK, SETMASK, QUEUE, IGNORE, DEFAULT, HANDLE, PENDING, WAIT, KINDS };

enum { ONE_SHOT = 1, NODEFER = 2, DISCONNECTS = 4 };    /* the last: IGNORE, where it is tocsin's to choose */

/* An operation's own index is the value that it queues, and no other one queues it: body is what the handler does that is told it.
   So a sequence is a tree, each of its operations is done at most once, and which are done in a handler depends on deliveries alone. */
struct op {
    int at, kind, number;                              /* at: its index */
    unsigned set;                                      /* a bit for each number: to block, to wait for; HANDLE: its mask */
    int flags;
    bool timed;                                        /* WAIT: with time to wait, for what is there */
    bool late;                                         /* what comes of it in tocsin comes in the next turn (T5) */
    int body, next;                                    /* the first of them, the one after; 0: none */
};

struct sequence {
    unsigned long long seed;
    int limit;                                         /* of what may be pending; 0: as many as you like */
    bool aborts;                                       /* tocsin's default action is TOCSIN_ABORT; else a function */
    int first, count;                                  /* ops[0] is none */
    struct op ops[OPS_MAX];
};

/* What came of it, in memory that outlives who writes it. An entry is written when the call has returned: handlers run inside it. */
enum what { STARTS, ENDS, ANSWERS, COMPLAINS };

struct entry { int what, op, result, detail; };

struct log {
    int count, step;                                   /* step: the operation that was begun last */
    int died;                                          /* of this number, + 1; ODD and more: in another way; 0: it lived */
    int seen;                                          /* what an observer saw last, + 1 */
    struct entry entries[ENTRIES_MAX];
};

enum { ODD = 100 };

/* What an operation answers: 0 or -errno; QUEUE one of these, or -EAGAIN; WAIT the operation that queued what it took, or -EAGAIN. */
enum { DROPPED, DELIVERED, PENDED };
enum { NOT_DONE = -10000 };                            /* nothing is to be written of it */

/* A world does each kind of operation. detail: PENDING's set, WAIT's number, and the set before it was changed by BLOCK, UNBLOCK and SETMASK. */
struct world {
    int (*act[KINDS])(const struct op *op, int *detail);
    void (*late)(void);                                /* what is late, now; NULL: nothing ever is */
};

void oracle_begin(const struct world *world, const struct sequence *sequence, struct log *log);
void oracle_do(int op);                                /* this one and those after it */
void oracle_handle(int number, int value);             /* a world's handler was called */
bool oracle_handled(int value);                        /* or it was called before */
int oracle_depth(void);                                /* how many handlers are running */
void oracle_stop(void);                                /* nothing more is done, nothing more written */
void oracle_keep(void);                                /* where it stands */
void oracle_back(void);                                /* to where it stood then */
void oracle_complain(int op, int result);              /* something in this world failed that cannot fail */
void oracle_print_set(FILE *file, unsigned set);
void oracle_print(FILE *file, const struct sequence *sequence);
void oracle_print_entry(FILE *file, const struct sequence *sequence, const struct entry *entry);

/* The model counts what it did. */
extern long oracle_tally[];
extern const char *const oracle_tallies[];             /* their names, NULL at the end */
enum fate { BROKE, WENT, DIED, DIED_INSIDE };          /* BROKE: a rule; it must be undone */

void oracle_model_begin(struct sequence *sequence, struct log *log);
enum fate oracle_model_try(int op);                    /* this one; what breaks a rule in a handler is taken out, if that is enough */
void oracle_model_undo(void);
void oracle_model_end(struct log *log);
bool oracle_model_expect(struct sequence *sequence, struct log *log);      /* of a whole one; false: it breaks a rule */

void oracle_draw(unsigned long long seed, int limit, struct sequence *sequence, struct log *log);

/* The two worlds, each in a child of its own that never returns. */
enum twin { RIGHT, DROPS_BLOCKED, HIGHEST_FIRST, TWINS };

/* How the kernel's limit is tried: it counts per user, over all processes. */
struct room { enum { NO_ROOM, OF_A_USER, ABOVE_BASE } how; unsigned uid; const char *why; };

struct room oracle_room(void);
void oracle_kernel(const struct room *room, const struct sequence *sequence, struct log *log);
void oracle_tocsin(enum twin twin, const struct sequence *sequence, struct log *log);

#endif
