/* Finds functions that were left by a jump (longjmp) or an exception, so they never return
 * (frames.c). The parameter `here` is the frame of the public function that checks. */
#ifndef TOCSIN_DELIVERY_FRAMES_H
#define TOCSIN_DELIVERY_FRAMES_H

#include <stdbool.h>

struct tocsin__loop;
struct tocsin__loop_signal;

/* Stores the stack pointer of the calling function. Every emission does this, so it must cost only
 * one instruction. */
#ifdef __x86_64__
#define tocsin__frame_set(place) __asm__("mov %%rsp, %0" : "=m"(place))
#else
#define tocsin__frame_set(place) ((place) = __builtin_frame_address(0))
#endif

/* Returns the value that tocsin__frame_set would store. */
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

/* Returns true if the function with this frame was left by a jump. */
bool tocsin__frame_left(struct tocsin__loop *loop, const void *frame, const void *here);
/* Returns true if the running delivery of this signal was left by a jump, and then resets the
   delivery. */
bool tocsin__loop_signal_was_left(struct tocsin__loop *loop,
                                  struct tocsin__loop_signal *loop_signal, const void *here);
/* Returns true if all recorded functions were left by a jump. Then also resets the loop and reports
   the error. */
bool tocsin__frames_dropped(struct tocsin__loop *loop, const void *here);
/* Resets the loop after a jump, and reports the error. */
void tocsin__frames_lost(struct tocsin__loop *loop);
/* Resets the loop after a jump, but reports nothing. */
void tocsin__frames_drop(struct tocsin__loop *loop);

/* Returns -EDEADLK, and stores a sentence that names the code that runs on the loop. `fiber` is the
   text in front of the name of a fiber, or NULL if no fiber runs. */
int tocsin__on_stack(const struct tocsin__loop *loop, const char *fiber);

#endif
