/* The events that TOCSIN_DEBUG=1 prints. If it is set, lib/report registers these functions before
   main. Otherwise every hook is NULL and the library prints nothing (F2). */
#ifndef TOCSIN_BASE_DEBUG_HOOKS_H
#define TOCSIN_BASE_DEBUG_HOOKS_H

#include "base/mem.h"

struct tocsin__caller;

struct tocsin__debug_hooks {
    /* A public function is about to return err, a negative errno. Returns err. */
    int (*refusal)(const struct tocsin__caller *caller, int err);
    /* Returns the address in the program that called the library; NULL: unknown. */
    const void *(*caller)(void);
    /* A call succeeds, but is probably a mistake. */
    void (*remark)(const char *text);
    /* Called on the loop's thread: the loop was made; the loop is about to be freed; the thread
       ends without tocsin_loop_free; operations still run after the time to drain. */
    void (*loop_born)(void);
    void (*loop_dies)(void);
    void (*loop_ended)(void);
    void (*loop_lingers)(void);
};

extern tocsin__hidden struct tocsin__debug_hooks tocsin__debug;

#endif
