/* A stack of its own for a function, and the switch between stacks: made with ucontext, switched with sigsetjmp and siglongjmp, which
   make no system call. */
#ifndef TOCSIN_STYLE_STACK_H
#define TOCSIN_STYLE_STACK_H

#include <setjmp.h>
#include <stddef.h>

struct tocsin__stack {
    char *memory;                                      /* a guard page, then size bytes */
    size_t size;
    sigjmp_buf here, there;                            /* where it left off; where to go when it leaves */
    void (*run)(void *arg);
    void *arg;
    int begun;
    unsigned valgrind;
    void *asan_here, *asan_there;                      /* the sanitizers keep stacks of their own */
    const void *asan_bottom;
    size_t asan_size;
    void *tsan_here, *tsan_there;
    struct tocsin__stack *next;                        /* among those that can be used again */
};

int  tocsin__stack_open(struct tocsin__stack *stack);
void tocsin__stack_close(struct tocsin__stack *stack);
void tocsin__stack_set(struct tocsin__stack *stack, void (*run)(void *arg), void *arg);   /* what the next entry begins */

void tocsin__stack_enter(struct tocsin__stack *stack);           /* from outside: returns when it leaves, or run has returned */
void tocsin__stack_leave(struct tocsin__stack *stack);           /* from inside */

#endif
