/* What a test and the plugins that it loads have in common: the plugin finds it in the program. */
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
    _Atomic int inits, finis, called, ticked, dropped, worked, works, woken, asleep, unhandled, objects, asked, ended, tasks, crossed;
    _Atomic int init_answer, fini_answer, version, alive;      /* alive: a thread of the plugin's own */
    _Atomic int open;                                  /* what waits in the plugin's code may go on */
    _Atomic unsigned left;                             /* what the version before has left, as it was taken */
    int (*during)(void);                               /* is called in the plugin's handler */
    int (*in_fini)(void);
    int (*in_default)(void);                           /* in a default action */
    int (*start)(const struct tocsin_notify *notify, struct tocsin_op *ret_op);       /* of the operation type that it implements */
    int (*finish)(struct tocsin_op op);
    int (*say)(void);
    tocsin_fn handler;                                 /* of the plugin's, for the host to connect */
    void (*seen)(uint64_t number, int version);
    struct tocsin_loop loops[HOST_LOOPS];              /* that "everywhere" means, as far as they are there */
};

extern struct host host __attribute__((visibility("default")));

#endif
