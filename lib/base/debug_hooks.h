/* The hooks by which the library reports events to TOCSIN_DEBUG=1. If this variable is set,
   lib/report registers the functions before main. Otherwise every hook is NULL, and the library
   prints nothing (F2). */
#ifndef TOCSIN_BASE_DEBUG_HOOKS_H
#define TOCSIN_BASE_DEBUG_HOOKS_H

#include "base/mem.h"

struct tocsin__caller;

struct tocsin__debug_hooks {
    /* Called when a public function is about to return `err`, a negative errno. The hook returns
       `err` unchanged. */
    int (*refusal)(const struct tocsin__caller *caller, int err);
    /* Returns the address in the program from which the library was called, or NULL if the address
       is unknown. */
    const void *(*caller)(void);
    /* Called when a call succeeds, but is probably a mistake. */
    void (*remark)(const char *text);
    /* Events of a loop, reported on its thread. loop_born: the loop was made. loop_dies: the loop
       is about to be freed. loop_ended: the thread ends without tocsin_loop_free. loop_lingers:
       operations still run after the time to drain. */
    void (*loop_born)(void);
    void (*loop_dies)(void);
    void (*loop_ended)(void);
    void (*loop_lingers)(void);
};

extern tocsin__hidden struct tocsin__debug_hooks tocsin__debug;

#endif
