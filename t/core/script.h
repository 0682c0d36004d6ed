/* What t/core/random.c plays: a script of operations, calls of handlers and answers, that the model writes (choose.c) and the library
   follows (follow.c). */
#ifndef TOCSIN_T_CORE_SCRIPT_H
#define TOCSIN_T_CORE_SCRIPT_H

#include "core/model.h"
#include "test.h"

enum {
    EARLY = 6,                                         /* so many signals are declared from the beginning */
    QUEUES = 2, SCRIPT = 4000, TEXT = 128
};

enum what {
    CONNECT, DISCONNECT, SOURCE_NEW, SOURCE_FREE, BLOCK, UNBLOCK, SIGMASK, IGNORE, DEFAULT, EMIT, TURN, PENDING, PENDED, FACTS,
    QUEUE_OPEN, QUEUE_WAIT, QUEUE_CLOSE, DECLARE, FREE, OPERATIONS, CALL, UNHANDLED, RETURN, DONE
};

struct pattern { char text[TEXT]; unsigned signals; bool unnamed; };     /* unnamed: a plain name that nobody declared */
struct step {
    enum what what;
    int at, result;                                    /* at: which handler, signal, source, token or queue */
    unsigned how;
    struct model_handler handler;
    struct model_emission emission;
    struct pattern pattern, mask;
};
extern struct step script[SCRIPT];
extern int written, followed;                          /* how much of it */

/* The signals. One with %d gets a new name in every eighth life, and is declared in its course. */
struct script_spec { const char *name; enum tocsin_kind kind; int rank, limit; bool unhandled; };
extern const struct script_spec script_specs[MODEL_SIGNALS];

/* From the first call to the end of the loop. */
extern struct life {
    char names[MODEL_SIGNALS][32];
    int signos[MODEL_SIGNALS];                         /* 0: it is not declared yet */
    int sources_made, blocks_most, queues[QUEUES];     /* queues: their handlers in the model, -1: there was none */
    long value;                                        /* of the last emission */
    bool free_wanted, over;
} life;
extern long steps, emissions, called;

void script_draw_from(unsigned long long seed);
void script_play_begin(enum model_mutant mutant, bool fresh);     /* fresh: the late names are new ones */
void script_play(void);                                /* an operation; it may be that it cannot be played, and nothing is written */
void script_play_end(void);                            /* the loop is freed */
void script_follow_begin(void);
void script_follow(void);                              /* the operation that is written next */
void script_follow_end(void);                          /* with nothing on the stack */

/* The library does what is not written. */
void script_differs(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#define check(condition) ((condition) ? (void)0 : script_differs("%s", #condition))
#define check_int(is, should) do { long long is_ = (is), should_ = (should); if (is_ != should_) \
    script_differs("%s is %lld, and not %lld", #is, is_, should_); } while (0)

#endif
