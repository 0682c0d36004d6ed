/* A plugin that starts a thread. */
#include <pthread.h>

#include <tocsin/plugin.h>

TOCSIN_PLUGIN("threads", "1", "Starts a thread.");

static void *work(void *arg)
{
    return arg;
}

int tocsin_plugin_init(void)
{
    pthread_t thread;

    return -pthread_create(&thread, NULL, work, NULL);
}
