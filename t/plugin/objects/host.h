/* A struct that the tests share with the plugins that they load. The struct is defined in the
   test program, and the plugin uses it by its symbol. */
#ifndef TOCSIN_T_PLUGIN_HOST_H
#define TOCSIN_T_PLUGIN_HOST_H

#include <stdatomic.h>

#include <tocsin.h>
#include <tocsin/plugin.h>

#define HOST_CALLED(F) F(u64, number)
TOCSIN_LAYOUT(host_called, HOST_CALLED);
#define GUEST_SAID(F) F(string, text) F(object, thing)
TOCSIN_LAYOUT(guest_said, GUEST_SAID);

enum { HOST_LOOPS = 4 };

struct host {
    _Atomic int inits, finis, called, ticked, dropped, worked, works, woken, asleep, unhandled,
        objects, asked, ended, tasks, crossed;
    /* alive: 1 while a thread of the plugin runs */
    _Atomic int init_answer, fini_answer, version, alive;
    _Atomic int open;      /* waiting plugin code continues when this is not 0 */
    _Atomic unsigned left; /* the state that the plugin restored */
    int (*during)(void);   /* the plugin calls it in its handler */
    int (*in_fini)(void);
    int (*in_default)(void); /* called in a default action */
    int (*start)(
        const struct tocsin_notify *notify,
        struct tocsin_op *ret_op); /* starts an operation of the type that the plugin implements */
    int (*finish)(struct tocsin_op op);
    int (*say)(void);
    tocsin_fn handler; /* a handler of the plugin, for the host to connect */
    void (*seen)(uint64_t number, int version);
    struct tocsin_loop
        loops[HOST_LOOPS]; /* the loops that the word "everywhere" uses; id 0 is skipped */
};

extern struct host host __attribute__((visibility("default")));

#endif
