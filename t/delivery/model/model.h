/* The reference model of t/delivery/fuzz_model.c. It has the rules of one loop, as simple as
   possible, without any internals of the library. A set of signals is a word with one bit for each
   signal. The model calls model_calls() and model_unhandled() for handlers; both may call the model
   again. */
#ifndef TOCSIN_T_DELIVERY_MODEL_MODEL_H
#define TOCSIN_T_DELIVERY_MODEL_MODEL_H

#include <tocsin.h>
#include <tocsin/posix.h>

enum {
    MODEL_SIGNALS = 8,
    MODEL_MADE = 4096,
    MODEL_PENDS = 64,
    MODEL_DEPTH = 64,
    MODEL_THERE = 1 << 30
};

/* The deliberate errors in the model's rules. The member model.mutant is one of these errors, or
   0. */
enum model_mutant {
    MODEL_BLOCKS_DO_NOT_COUNT = 1,
    MODEL_HIGHEST_RANK_FIRST,
    MODEL_FLUSH_WITHOUT_BOUND,
    MODEL_ONCE_AFTER_ITS_CALL,
    MODEL_IGNORED_NOT_PENDED,
    MODEL_FIRST_IS_KEPT,
    MODEL_MASK_IS_NOT_LIFTED,
    MODEL_OBSERVERS_HANDLE,
    MODEL_YOUNG_ARE_CALLED,
    MODEL_NEWEST_FIRST,
    MODEL_STOP_STOPS_ALL,
    MODEL_POSTS_DO_NOT_MERGE,
    MODEL_POSTS_OVERTAKE,
    MODEL_A_FLUSH_NESTS,
    MODEL_DEFAULTS_OVERTAKE,
    MODEL_THE_GONE_ARE_NOT_HELD,
    MODEL_MUTANTS
};

struct model_emission {
    /* `source` is the number of the emission's source; 0 means that the emission has no source */
    int signal, source;
    long value, parent, age, order;
    unsigned overrun;
    bool posted;
};
struct model_handler {
    unsigned signals, mask, flags;
    /* `queue` is the number of the queue; 0 means an ordinary handler */
    int priority, source, queue;
    bool observer, alive;
};

extern struct model {
    enum model_mutant mutant;
    struct {
        enum tocsin_kind kind;
        bool unhandled;
        int rank, limit, running, open;
        unsigned released;
    } signals[MODEL_SIGNALS];
    /* All handlers, in the order in which they were connected. The member `alive` is false after a
       disconnect. */
    struct model_handler made[MODEL_MADE];
    struct model_emission pends[MODEL_PENDS]; /* the pending emissions, in the order of delivery */
    struct {
        unsigned signals;
        long bound;
        int current;
        /* the flushes (deliveries of pending emissions) that are running now, the outermost flush
           first */
    } flushes[MODEL_DEPTH];
    /* the masks of the running handlers, the outermost handler first */
    unsigned masks[MODEL_DEPTH];
    /* the signals of each block; the bit MODEL_THERE is set while the block exists */
    unsigned blocks[MODEL_MADE];
    /* true if the loop is freed when it is at rest; the loop then receives no message */
    bool ends;
    /* each element is true while the source with this number exists */
    bool sources[MODEL_MADE];
    struct model_emission inbox[MODEL_PENDS]; /* the posted messages, in the order of delivery */
    /* A post that arrives while the loop reads an older message of the same signal. The post is
       delivered after that message. */
    struct model_emission again;
    /* `due` is the number of messages that this turn still reads. `read` is the signal whose
       message is being read, or -1. */
    int inbox_count, due, read;
    bool reads_again;
    /* the number of messages that were taken out of the inbox, and that were put into the inbox */
    long inbox_taken, inbox_put;
    int made_count, pends_count, flushes_count, blocks_made, depth;
    /* `set` is the set of tocsin_sigmask, `ignored` the set of tocsin_ignore; `named` has the
       signals whose name exists */
    unsigned set, ignored, named;
    long age, parent;
} model;

/* The program that uses the model defines these two functions. model_calls() returns the result of
   the handler. */
int model_calls(int handler, const struct model_emission *emission);
void model_unhandled(const struct model_emission *emission);

int model_emit(int signal, int source, long value);
int model_heard(int signal);
int model_post(int signal, long value);
/* receives the messages of the inbox, and returns the number of messages */
int model_receive(void);
int model_turn(void);
/* Delivers pending emissions of these signals, and returns their number. With all signals, and with
   released 0, the function does what a turn does with pending emissions. */
int model_flush(unsigned signals, unsigned released);
/* Takes one pending emission of these signals for a queue that is empty. */
int model_take(unsigned signals, struct model_emission *ret_emission);
int model_source_free(int source);
int model_unblock(int token);
int model_ignore(unsigned signals);
int model_sigmask(enum tocsin_how how, unsigned signals);

#endif
