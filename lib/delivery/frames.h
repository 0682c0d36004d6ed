/* Functions that were left by a jump or an exception, and so never return (frames.c). here: the
   frame of the public function that checks. */
#ifndef TOCSIN_DELIVERY_FRAMES_H
#define TOCSIN_DELIVERY_FRAMES_H

#include <stdbool.h>

struct tocsin__loop;
struct tocsin__loop_signal;

/* Stores the stack pointer of the calling function: one instruction, for the emission path. */
#ifdef __x86_64__
#define tocsin__frame_set(place) __asm__("mov %%rsp, %0" : "=m"(place))
#else
#define tocsin__frame_set(place) ((place) = __builtin_frame_address(0))
#endif

/* Returns what tocsin__frame_set stores. */
static inline __attribute__((always_inline)) const void *tocsin__frame_here(void)
{
#ifdef __x86_64__
    const void *here;

    __asm__("mov %%rsp, %0" : "=r"(here));
    return here;
#else
    return __builtin_frame_address(0);
#endif
}

/* Whether the function with this frame was left. */
bool tocsin__frame_left(struct tocsin__loop *loop, const void *frame, const void *here);
/* Whether the delivery of this signal was left. If so, resets it. */
bool tocsin__loop_signal_was_left(struct tocsin__loop *loop,
                                  struct tocsin__loop_signal *loop_signal, const void *here);
/* Whether all recorded functions were left. If so, resets the loop and reports the error. */
bool tocsin__frames_dropped(struct tocsin__loop *loop, const void *here);
/* Resets the loop and reports the error. */
void tocsin__frames_lost(struct tocsin__loop *loop);
/* Resets the loop. */
void tocsin__frames_drop(struct tocsin__loop *loop);

/* Returns -EDEADLK, with a sentence that names the code that runs on the loop. fiber: what to write
   before the name of a fiber; NULL: no fiber runs */
int tocsin__on_stack(const struct tocsin__loop *loop, const char *fiber);

#endif
