/* The reference model of t/core/random.c: one loop by its written rules, in the simplest way, and nothing of the library's insides. A set of
   signals is a word, a bit for each. Whoever plays the handlers is asked through model_calls and model_unhandled, and may call the model there. */
#ifndef TOCSIN_T_CORE_MODEL_H
#define TOCSIN_T_CORE_MODEL_H

#include <tocsin.h>

enum { MODEL_SIGNALS = 8, MODEL_MADE = 4096, MODEL_PENDS = 64, MODEL_DEPTH = 64, MODEL_THERE = 1 << 30 };

/* Ways to misread the rules. model.mutant is one of them, or 0. */
enum model_mutant {
    MODEL_BLOCKS_DO_NOT_COUNT = 1, MODEL_HIGHEST_RANK_FIRST, MODEL_FLUSH_WITHOUT_BOUND, MODEL_ONCE_AFTER_ITS_CALL, MODEL_IGNORED_NOT_PENDED,
    MODEL_FIRST_IS_KEPT, MODEL_MASK_IS_NOT_LIFTED, MODEL_OBSERVERS_HANDLE, MODEL_YOUNG_ARE_CALLED, MODEL_NEWEST_FIRST,
    MODEL_STOP_STOPS_ALL, MODEL_MUTANTS
};

struct model_emission { int signal, source; long value, parent, age; unsigned overrun; };    /* source: its number; 0: none */
struct model_handler { unsigned signals, mask, flags; int priority, source, queue; bool observer, alive; };    /* queue: which; 0: it is none */

extern struct model {
    enum model_mutant mutant;
    struct { enum tocsin_kind kind; int rank, limit, running, open; unsigned released; } signals[MODEL_SIGNALS];
    struct model_handler made[MODEL_MADE];             /* in the order in which they were connected; they go by alive = false */
    struct model_emission pends[MODEL_PENDS];          /* in the order in which they are to be delivered */
    struct { unsigned signals; long bound; int current; } flushes[MODEL_DEPTH];     /* those that run, the outermost first */
    unsigned masks[MODEL_DEPTH];                       /* of the handlers that run */
    unsigned blocks[MODEL_MADE];                       /* by token, and THERE */
    bool sources[MODEL_MADE];                          /* by number: it is there */
    int made_count, pends_count, flushes_count, blocks_made, depth;
    unsigned set, ignored, named;                      /* tocsin_sigmask's; tocsin_ignore's; those whose name there is */
    long age, parent;
} model;

int  model_calls(int handler, const struct model_emission *emission);    /* answers what the handler does */
void model_unhandled(const struct model_emission *emission);

int model_emit(int signal, int source, long value);
int model_flush(unsigned signals, unsigned released);  /* of all, 0, with nothing on the stack, it is a turn; answers how many were delivered */
int model_take(unsigned signals, struct model_emission *ret_emission);   /* what a queue does, if it holds nothing */
int model_source_free(int source);
int model_unblock(int token);
int model_ignore(unsigned signals);
int model_sigmask(enum tocsin_how how, unsigned signals);

#endif
