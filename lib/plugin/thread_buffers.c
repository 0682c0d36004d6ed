/* Makes the buffers of each thread. They are in a pthread key and not in thread-local storage,
   because a library that dlopen loads gets little static TLS. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include <tocsin/host.h>
#include <tocsin/plugin.h>

#include "base/mem.h"
#include "plugin/thread_buffers.h"

static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static int key_error;

static void buffers_free(void *arg)
{
    struct tocsin__thread_buffers *buffers = arg;

    tocsin__image_free(buffers->checked);
    tocsin__release(buffers);
}

static void key_create(void)
{
    key_error = tocsin__fault() ? EAGAIN : pthread_key_create(&key, buffers_free);
}

struct tocsin__thread_buffers *tocsin__thread_buffers(void)
{
    struct tocsin__thread_buffers *buffers;

    pthread_once(&key_once, key_create);
    buffers = key_error ? NULL : pthread_getspecific(key);
    if (buffers || key_error)
        return buffers;
    buffers = tocsin__alloc(sizeof *buffers);
    if (buffers && pthread_setspecific(key, buffers) != 0) {
        tocsin__release(buffers);
        return NULL;
    }
    if (buffers)
        buffers->reason = (struct tocsin__reason){ buffers->reason_text,
                                                   sizeof buffers->reason_text };
    return buffers;
}

const struct tocsin__reason *tocsin__reason_new(void)
{
    struct tocsin__thread_buffers *buffers = tocsin__thread_buffers();

    if (!buffers)
        return NULL;
    buffers->reason_text[0] = '\0';
    return &buffers->reason;
}

const char *tocsin_plugin_last_error(void)
{
    const struct tocsin__thread_buffers *buffers = tocsin__thread_buffers();

    return buffers ? buffers->reason_text : "";
}

int tocsin_plugin_fail(int error, const char *reason)
{
    struct tocsin__thread_buffers *buffers = tocsin__thread_buffers();

    if (buffers)
        snprintf(buffers->init_error, sizeof buffers->init_error, "%s", reason ? reason : "");
    return error;
}

const char *tocsin__init_error(void)
{
    const struct tocsin__thread_buffers *buffers = tocsin__thread_buffers();

    return buffers ? buffers->init_error : "";
}
