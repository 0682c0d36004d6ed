/* The script of t/delivery/fuzz_model.c: operations, calls of handlers, and results. The model
   writes the script (write_script.c), and the library must follow it (follow_script.c). */
#ifndef TOCSIN_T_DELIVERY_MODEL_SCRIPT_H
#define TOCSIN_T_DELIVERY_MODEL_SCRIPT_H

#include "delivery/model/model.h"
#include "test.h"

enum {
    EARLY = 6, /* the number of signals that are declared at the beginning */
    QUEUES = 2,
    SCRIPT = 4000,
    TEXT = 128
};

enum what {
    CONNECT,
    DISCONNECT,
    SOURCE_NEW,
    SOURCE_FREE,
    BLOCK,
    UNBLOCK,
    SIGMASK,
    IGNORE,
    DEFAULT,
    EMIT,
    TURN,
    PENDING,
    PENDED,
    FACTS,
    QUEUE_OPEN,
    QUEUE_WAIT,
    QUEUE_CLOSE,
    DECLARE,
    POST,
    FREE,
    OPERATIONS,
    CALL,
    UNHANDLED,
    RETURN,
    DONE
};

struct pattern {
    char text[TEXT];
    unsigned signals;
    bool unnamed; /* true if no signal of this name is declared */
};
struct step {
    enum what what;
    /* `at` is the index of the handler, signal, source, block or queue that this step of the script
       uses */
    int at, result;
    unsigned how;
    struct model_handler handler;
    struct model_emission emission;
    struct pattern pattern, mask;
};
extern struct step script[SCRIPT];
/* the number of steps that the script has, and the number of steps that the library has followed */
extern int written, followed;

/* The signals of the script. The time between two frees of the loop is called a life. A name that
   contains %d is new in every eighth life, and is declared during that life. */
struct script_spec {
    const char *name;
    enum tocsin_kind kind;
    int rank, limit;
    bool unhandled;
};
extern const struct script_spec script_specs[MODEL_SIGNALS];

/* The state of the script in one life. */
extern struct life {
    char names[MODEL_SIGNALS][32];
    int signos[MODEL_SIGNALS]; /* 0 means that the signal is not declared yet */
    int sources_made, handlers_most, blocks_most;
    /* the number of each queue's handler in the model; -1 means that the queue was never opened */
    int queues[QUEUES];
    long value; /* the value that the last emission carried */
    bool free_wanted, over;
} life;
extern long steps, emissions, called;

void script_draw_from(unsigned long long seed);
/* If `fresh` is true, the names with %d are new. */
void script_play_begin(enum model_mutant mutant, bool fresh);
/* Chooses a random operation, runs it in the model, and writes its steps to the script. If the
   operation is not possible now, nothing is written. */
void script_play(void);
void script_play_end(void); /* frees the loop */
void script_follow_begin(void);
void script_follow(void);     /* runs the next operation of the script */
void script_follow_end(void); /* called each time when an operation has ended and no handler runs */

/* Reports that the library did something else than the script, and ends the test. */
void script_differs(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#define check(condition) ((condition) ? (void)0 : script_differs("%s", #condition))
#define check_int(is, should) \
    do { \
        long long is_ = (is), should_ = (should); \
        if (is_ != should_) \
            script_differs("%s is %lld, and not %lld", #is, is_, should_); \
    } while (0)

#endif
