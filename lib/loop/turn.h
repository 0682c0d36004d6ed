/* A turn of a loop: what paused is resumed, one pass of libevent, the inbox, due timers, the ready
 * list, late emissions. */
#ifndef TOCSIN_LOOP_TURN_H
#define TOCSIN_LOOP_TURN_H

#include "loop/engine.h"

/* The calling code may run turns or be suspended: no handler, turn or fiber is on the stack. */
static inline bool tocsin__can_turn(const struct tocsin__engine *engine)
{
    return tocsin__at_rest(engine->loop) && !engine->turning && !engine->fiber;
}

/* Returns -EDEADLK, and explains what is on the stack. */
int tocsin__turn_refuse(const struct tocsin__engine *engine);

/* One turn that waits at most timeout_us (-1: no limit). Returns how many things it did; -EDEADLK,
 * -EOWNERDEAD. */
int tocsin__turn_run(struct tocsin__engine *engine, int64_t timeout_us);

/* T6: runs the inbox and the ready list only, without libevent. Returns how many things it did. */
int tocsin__turn_run_last(struct tocsin__engine *engine);

/* For the callbacks of libevent in engine.c: if the program dispatches an adopted base, runs a turn
 * without a pass of libevent. */
void tocsin__turn_drive(struct tocsin__engine *engine);

/* Each public function that runs turns or ends the loop must call this first. If a jump
 * (longjmp, an exception) has left functions of the library, it resets the loop. */
void tocsin__check_jump_at(struct tocsin__loop *loop, const void *here);
#define tocsin__check_jump() tocsin__check_jump_at(tocsin__self, __builtin_frame_address(0))

/* loop->hooks.recover: the engine's part of that reset. */
void tocsin__turn_recover(struct tocsin__loop *loop);

#endif
