/* Buffers of each thread: what the functions of <tocsin/plugin.h> return points into them, until
   the thread's next call. */
#ifndef TOCSIN_PLUGIN_THREAD_BUFFERS_H
#define TOCSIN_PLUGIN_THREAD_BUFFERS_H

#include "plugin/image.h"
#include "plugin/reason.h"

struct tocsin__thread_buffers {
    struct tocsin__reason reason; /* of reason_text: tocsin_plugin_last_error */
    char reason_text[512];
    char init_error[256];          /* tocsin_plugin_fail */
    char needs[2048];              /* tocsin_plugin_facts.needs */
    char brings[1024];             /* tocsin_plugin_facts.brings */
    struct tocsin__image *checked; /* the image whose facts tocsin_plugin_check returned last */
};

/* NULL: no memory. */
struct tocsin__thread_buffers *tocsin__thread_buffers(void);

/* The reason of this thread, emptied. NULL: no memory. */
const struct tocsin__reason *tocsin__reason_new(void);

/* The message that the last init on this thread passed to tocsin_plugin_fail; "": none. */
const char *tocsin__init_error(void);

#endif
