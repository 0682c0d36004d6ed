/* Compares tocsin with the kernel. A sequence of operations on five signals runs in three "worlds".
   The first world uses real-time signals of the kernel, the second uses the same signals of tocsin,
   and the third is a small model of the kernel. The model decides which operations are allowed, and
   computes the expected results. */
#ifndef TOCSIN_T_ORACLE_H
#define TOCSIN_T_ORACLE_H

#include <stdbool.h>
#include <stdio.h>

enum { NUMBERS = 5, EVERY = (1 << NUMBERS) - 1, OPS_MAX = 400, ENTRIES_MAX = 4 * OPS_MAX };

/* The kinds of operations. VOID marks an operation that was removed from the sequence. */
enum kind { VOID, BLOCK, UNBLOCK, SETMASK, QUEUE, IGNORE, DEFAULT, HANDLE, PENDING, WAIT, KINDS };

enum {
    ONE_SHOT = 1,
    NODEFER = 2,
    DISCONNECTS = 4 /* for IGNORE: tocsin may disconnect the handler before it ignores the signal */
};

/* A QUEUE operation queues its own index as the value of the signal. Its body is the list of
   operations that the handler runs when it receives this value. So a sequence is a tree, and each
   operation runs at most once. Only the deliveries decide whether and where a body runs. */
struct op {
    int at, kind, number; /* `at`: the index of this operation in the sequence */
    /* A bit for each signal. For BLOCK, UNBLOCK, SETMASK and WAIT: the signals that the operation
       names. For HANDLE: the mask of the handler. */
    unsigned set;
    int flags;
    bool timed; /* for WAIT: the time limit of the wait is 0 */
    bool late;  /* true if tocsin delivers the result only in the next turn (T5) */
    /* `body` is the first operation that the handler runs; `next` is the next operation; 0 means
       none */
    int body, next;
};

struct sequence {
    unsigned long long seed;
    int limit; /* the most signals that may be pending; 0 means no limit */
    /* true if the default action in tocsin is TOCSIN_ABORT; false if it is a function */
    bool aborts;
    int first, count; /* `first` is the index of the first operation; ops[0] is not used */
    struct op ops[OPS_MAX];
};

/* The log of a run. The log lies in shared memory, so it survives the child that writes it. The
   entry of an operation is written when its call returns. Handlers that run inside the call write
   their entries earlier. */
enum what { STARTS, ENDS, ANSWERS, COMPLAINS };

struct entry {
    int what, op, result, detail;
};

struct log {
    int count, step; /* `step` is the index of the operation that began last */
    /* Says how the child ended. 0 means that the child lives. 1 to ODD - 1 is 1 + the signal that
       killed the child. ODD or more means that the child ended in another way. */
    int died;
    int seen; /* 1 + the number of the last signal that an observer received */
    struct entry entries[ENTRIES_MAX];
};

enum { ODD = 100 };

/* The result of an operation is 0 or -errno. QUEUE returns DROPPED, DELIVERED, PENDED or -EAGAIN.
   WAIT returns the operation that queued the value, or -EAGAIN. */
enum { DROPPED, DELIVERED, PENDED };
enum { NOT_DONE = -10000 }; /* NOT_DONE means that the operation has no result to compare */

/* The functions that run each kind of operation in one world. The parameter `detail` is an output.
   PENDING stores the pending set, and WAIT the signal's number. BLOCK, UNBLOCK and SETMASK store
   the mask before the call. */
struct world {
    int (*act[KINDS])(const struct op *op, int *detail);
    /* Delivers the signals that are not delivered before the next turn. NULL means that this world
       has no turns. */
    void (*late)(void);
};

void oracle_begin(const struct world *world, const struct sequence *sequence, struct log *log);
void oracle_do(int op); /* runs this operation and all operations after it */
/* The signal handlers of each world call this function. */
void oracle_handle(int number, int value);
bool oracle_handled(int value);           /* true if the handler of this value was called before */
int oracle_depth(void);                   /* returns the number of running handlers */
void oracle_stop(void);                   /* ends the run: from then on no entry is written */
void oracle_keep(void);                   /* saves the state of the run and the length of the log */
void oracle_back(void);                   /* restores the state that oracle_keep has saved */
void oracle_complain(int op, int result); /* logs an unexpected failure of a call */
void oracle_print_set(FILE *file, unsigned set);
void oracle_print(FILE *file, const struct sequence *sequence);
void oracle_print_entry(FILE *file, const struct sequence *sequence, const struct entry *entry);

/* How often each case occurred in the model. oracle_tallies[] has the names of the cases. */
extern long oracle_tally[];
extern const char *const oracle_tallies[]; /* the last element is NULL */
enum fate {
    BROKE,
    WENT,
    DIED,
    DIED_INSIDE
}; /* BROKE means that the operation breaks a rule and must be undone */

void oracle_model_begin(struct sequence *sequence, struct log *log);
/* Runs one operation, with all operations that its handlers run, in the model. If an operation
   inside a handler breaks a rule, that operation is removed from the sequence. */
enum fate oracle_model_try(int op);
void oracle_model_undo(void);
void oracle_model_end(struct log *log);
/* runs a whole sequence in the model; returns false if the sequence breaks a rule */
bool oracle_model_expect(struct sequence *sequence, struct log *log);

void oracle_draw(unsigned long long seed, int limit, struct sequence *sequence, struct log *log);

/* Each of these functions runs a sequence, in the kernel or in tocsin. It runs in a child process
   and does not return. The variants after RIGHT have an error on purpose. */
enum twin { RIGHT, DROPS_BLOCKED, HIGHEST_FIRST, TWINS };

/* How the kernel's limit of queued signals can be tested. The kernel counts the queued signals of
   all processes of a user. */
struct room {
    enum { NO_ROOM, OF_A_USER, ABOVE_BASE } how;
    unsigned uid;
    const char *why;
};

struct room oracle_room(void);
void oracle_kernel(const struct room *room, const struct sequence *sequence, struct log *log);
void oracle_tocsin(enum twin twin, const struct sequence *sequence, struct log *log);

#endif
