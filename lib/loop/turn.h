/* A turn of a loop resumes paused operations and makes one pass of libevent. Then it serves the
   inbox, due timers, the ready list and late emissions, in this order. */
#ifndef TOCSIN_LOOP_TURN_H
#define TOCSIN_LOOP_TURN_H

#include "loop/engine.h"

/* Returns true if the calling code may run turns or be suspended: no handler, turn or fiber is on
   the stack. */
static inline bool tocsin__can_turn(const struct tocsin__engine *engine)
{
    return tocsin__at_rest(engine->loop) && !engine->turning && !engine->fiber;
}

/* Returns -EDEADLK, and stores a sentence that says what is on the stack: a handler, a turn or a
 * fiber. */
int tocsin__turn_refuse(const struct tocsin__engine *engine);

/* Runs one turn, which waits at most timeout_us (-1: no limit). Returns the number of things that
   the turn did, -EDEADLK or -EOWNERDEAD. */
int tocsin__turn_run(struct tocsin__engine *engine, int64_t timeout_us);

/* Runs only the inbox and the ready list, without libevent, after the thread has ended (T6).
 * Returns the number of nodes and messages that ran. */
int tocsin__turn_run_last(struct tocsin__engine *engine);

/* Called in the callbacks of libevent in engine.c. If the program dispatches an adopted base, runs
   a turn without a pass of libevent. */
void tocsin__turn_drive(struct tocsin__engine *engine);

/* Each public function that runs turns or ends the loop must call this first. If a jump (longjmp,
 * an exception) has left functions of the library, this function resets the loop. here: an address
 * in the stack frame of the caller. */
void tocsin__check_jump_at(struct tocsin__loop *loop, const void *here);
#define tocsin__check_jump() tocsin__check_jump_at(tocsin__self, __builtin_frame_address(0))

/* The function loop->hooks.recover: resets the engine after a jump. */
void tocsin__turn_recover(struct tocsin__loop *loop);

#endif
