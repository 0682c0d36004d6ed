/* The reference model of t/delivery/fuzz_model.c: the rules of one loop, as simple as possible,
   without any internals of the library. A set of signals is a word with one bit for each signal.
   The model calls model_calls and model_unhandled for handlers; both may call the model again. */
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

/* Errors in the rules. model.mutant is one of them, or 0. */
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
    int signal, source; /* source: the number of the source; 0: none */
    long value, parent, age, order;
    unsigned overrun;
    bool posted;
};
struct model_handler {
    unsigned signals, mask, flags;
    int priority, source, queue; /* queue: the number of the queue; 0: an ordinary handler */
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
    /* all handlers, in the order in which they were connected; alive: not disconnected */
    struct model_handler made[MODEL_MADE];
    struct model_emission pends[MODEL_PENDS]; /* pending emissions, in the order of delivery */
    struct {
        unsigned signals;
        long bound;
        int current;
    } flushes[MODEL_DEPTH];      /* the running flushes, the outermost first */
    unsigned masks[MODEL_DEPTH]; /* of the running handlers, the outermost first */
    unsigned
        blocks[MODEL_MADE]; /* the signals of each block; with MODEL_THERE while the block exists */
    bool ends;              /* the loop is freed when it is at rest: it receives nothing more */
    bool sources[MODEL_MADE];                 /* true while the source with this number exists */
    struct model_emission inbox[MODEL_PENDS]; /* posted messages, in order */
    /* a post that arrives while the message of its signal is read: delivered after that message */
    struct model_emission again;
    /* due: how many messages this turn reads; read: the signal whose message is read, -1: none */
    int inbox_count, due, read;
    bool reads_again;
    long inbox_taken, inbox_put; /* how many messages were taken from the inbox, and put there */
    int made_count, pends_count, flushes_count, blocks_made, depth;
    /* the set of tocsin_sigmask; the set of tocsin_ignore; the signals whose name exists */
    unsigned set, ignored, named;
    long age, parent;
} model;

/* The program defines these two. model_calls returns the result of the handler. */
int model_calls(int handler, const struct model_emission *emission);
void model_unhandled(const struct model_emission *emission);

int model_emit(int signal, int source, long value);
int model_heard(int signal);
int model_post(int signal, long value);
int model_receive(void); /* receives the messages of the inbox; returns how many */
int model_turn(void);
/* Returns how many emissions were delivered. With all signals, released 0 and no running handler,
   this is the flush of a turn. */
int model_flush(unsigned signals, unsigned released);
/* Takes a pending emission for an empty queue of these signals. */
int model_take(unsigned signals, struct model_emission *ret_emission);
int model_source_free(int source);
int model_unblock(int token);
int model_ignore(unsigned signals);
int model_sigmask(enum tocsin_how how, unsigned signals);

#endif
