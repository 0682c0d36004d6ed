/* Compares tocsin with the kernel. A sequence of operations on five signals runs in three "worlds":
   with real-time signals of the kernel, with the same signals of tocsin, and in a small model. The
   model decides which operations are allowed, and computes the expected results. */
#ifndef TOCSIN_T_ORACLE_H
#define TOCSIN_T_ORACLE_H

#include <stdbool.h>
#include <stdio.h>

enum { NUMBERS = 5, EVERY = (1 << NUMBERS) - 1, OPS_MAX = 400, ENTRIES_MAX = 4 * OPS_MAX };

/* The kinds of operations. VOID is an operation that was removed. */
enum kind { VOID, BLOCK, UNBLOCK, SETMASK, QUEUE, IGNORE, DEFAULT, HANDLE, PENDING, WAIT, KINDS };

enum {
    ONE_SHOT = 1,
    NODEFER = 2,
    DISCONNECTS = 4 /* IGNORE: tocsin may disconnect early */
};

/* A QUEUE operation queues its own index as the value. Its body is the list of operations that the
   handler runs when it receives this value. So a sequence is a tree, and each operation runs at
   most once. Whether and where a body runs depends on the deliveries alone. */
struct op {
    int at, kind, number; /* at: the index of this operation in the sequence */
    /* One bit for each signal. BLOCK, UNBLOCK, SETMASK, WAIT: the signals they name. HANDLE: the
       mask of the handler. */
    unsigned set;
    int flags;
    bool timed;     /* WAIT: its time-out has passed already */
    bool late;      /* in tocsin, its result comes in the next turn (T5) */
    int body, next; /* the first operation of the handler; the next operation; 0: none */
};

struct sequence {
    unsigned long long seed;
    int limit;        /* of pending signals; 0: no limit */
    bool aborts;      /* the default action in tocsin is TOCSIN_ABORT; else a function */
    int first, count; /* ops[0] is not used */
    struct op ops[OPS_MAX];
};

/* The log of a run. It lies in shared memory, so that it survives the child that writes it. An
   operation's entry is written when its call returns; handlers that run inside the call write
   theirs earlier. */
enum what { STARTS, ENDS, ANSWERS, COMPLAINS };

struct entry {
    int what, op, result, detail;
};

struct log {
    int count, step; /* step: the operation that began last */
    /* 0: the child lives. 1 to ODD - 1: 1 + the signal that killed it. ODD or more: it ended in
       another way. */
    int died;
    int seen; /* 1 + the number of the last signal that an observer saw */
    struct entry entries[ENTRIES_MAX];
};

enum { ODD = 100 };

/* The result of an operation is 0 or -errno. QUEUE returns one of these three or -EAGAIN. WAIT
   returns the operation that queued the value, or -EAGAIN. */
enum { DROPPED, DELIVERED, PENDED };
enum { NOT_DONE = -10000 }; /* the operation has no result to compare */

/* The functions that run each kind of operation in one world. detail is an output: the pending set
   for PENDING, the signal's number for WAIT, the mask before the call for BLOCK, UNBLOCK and
   SETMASK. */
struct world {
    int (*act[KINDS])(const struct op *op, int *detail);
    void (*late)(void); /* runs late deliveries; NULL: there are none */
};

void oracle_begin(const struct world *world, const struct sequence *sequence, struct log *log);
void oracle_do(int op);                    /* runs this operation and those after it */
void oracle_handle(int number, int value); /* a world calls this in its handlers */
bool oracle_handled(int value);            /* true if the handler was called before */
int oracle_depth(void);                    /* the number of running handlers */
void oracle_stop(void);                    /* ends the run: later entries are not written */
void oracle_keep(void);                   /* saves the state of the run and the length of the log */
void oracle_back(void);                   /* restores what oracle_keep saved */
void oracle_complain(int op, int result); /* logs an unexpected failure of a call */
void oracle_print_set(FILE *file, unsigned set);
void oracle_print(FILE *file, const struct sequence *sequence);
void oracle_print_entry(FILE *file, const struct sequence *sequence, const struct entry *entry);

/* The counts of the cases that the model met, and the names of the cases, which end with NULL. */
extern long oracle_tally[];
extern const char *const oracle_tallies[]; /* their names, NULL at the end */
enum fate {
    BROKE,
    WENT,
    DIED,
    DIED_INSIDE
}; /* BROKE: the operation breaks a rule and must be undone */

void oracle_model_begin(struct sequence *sequence, struct log *log);
enum fate oracle_model_try(int op); /* runs this one; an operation in a handler that breaks a rule
                                       is removed, if that is enough */
void oracle_model_undo(void);
void oracle_model_end(struct log *log);
bool oracle_model_expect(struct sequence *sequence,
                         struct log *log); /* runs a whole sequence; false: it breaks a rule */

void oracle_draw(unsigned long long seed, int limit, struct sequence *sequence, struct log *log);

/* Running a sequence with the kernel or with tocsin. Each function runs in a child process and does
   not return. The variants after RIGHT have an error on purpose. */
enum twin { RIGHT, DROPS_BLOCKED, HIGHEST_FIRST, TWINS };

/* Ways to test the kernel's limit of queued signals. The kernel counts the signals of all
   processes of a user. */
struct room {
    enum { NO_ROOM, OF_A_USER, ABOVE_BASE } how;
    unsigned uid;
    const char *why;
};

struct room oracle_room(void);
void oracle_kernel(const struct room *room, const struct sequence *sequence, struct log *log);
void oracle_tocsin(enum twin twin, const struct sequence *sequence, struct log *log);

#endif
