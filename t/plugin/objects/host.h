/* A struct that the tests share with the plugins that they load. The test program defines the
   struct, and the plugin refers to it by its symbol. */
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
    /* Written by the plugin, read by the test. `alive` is 1 while a thread of the plugin runs. */
    _Atomic int init_answer, fini_answer, version, alive;
    _Atomic int open;      /* if this is not 0, plugin code that waits for it continues */
    _Atomic unsigned left; /* the state that the plugin restored */
    int (*during)(void);   /* a function of the host, which the plugin calls in its handler */
    int (*in_fini)(void);
    int (*in_default)(void); /* a function of the host, called in a default action of the plugin */
    /* starts an operation of a type that the plugin defines */
    int (*start)(const struct tocsin_notify *notify, struct tocsin_op *ret_op);
    int (*finish)(struct tocsin_op op);
    int (*say)(void);
    /* lends static data of the plugin to a stream */
    int (*lend)(struct tocsin_op stream);
    /* opens a stream of the plugin */
    int (*open_stream)(const char *address, struct tocsin_op *ret_stream);
    const char *at;    /* the address at which the plugin listens */
    char where[112];   /* the address that its listener got */
    tocsin_fn handler; /* a handler function of the plugin, which the host connects */
    void (*seen)(uint64_t number, int version);
    /* the word "everywhere" makes the plugin connect on these loops; an id 0 is skipped */
    struct tocsin_loop loops[HOST_LOOPS];
};

extern struct host host __attribute__((visibility("default")));

#endif
