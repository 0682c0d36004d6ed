/* The buffers of a thread. The texts that functions of <tocsin/plugin.h> return are in these
   buffers until the thread's next call. */
#ifndef TOCSIN_PLUGIN_THREAD_BUFFERS_H
#define TOCSIN_PLUGIN_THREAD_BUFFERS_H

#include "plugin/image.h"
#include "plugin/reason.h"

struct tocsin__thread_buffers {
    struct tocsin__reason reason; /* the reason, in reason_text, for tocsin_plugin_last_error */
    char reason_text[512];
    char init_error[256];          /* the text that was passed to tocsin_plugin_fail */
    char needs[2048];              /* the text of tocsin_plugin_facts.needs */
    char brings[1024];             /* the text of tocsin_plugin_facts.brings */
    struct tocsin__image *checked; /* the image whose facts tocsin_plugin_check returned last */
};

/* Returns the buffers of this thread, or NULL if there is no memory. */
struct tocsin__thread_buffers *tocsin__thread_buffers(void);

/* Empties the reason of this thread and returns it, or NULL if there is no memory. */
const struct tocsin__reason *tocsin__reason_new(void);

/* Returns the message that the last init on this thread passed to tocsin_plugin_fail, or "" if
   there is none. */
const char *tocsin__init_error(void);

#endif
