/* A plugin with a thread. The setting "ends" selects when the thread ends: when the host requests
   the end, or in the plugin's fini. */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "host.h"

TOCSIN_PLUGIN("owning", "1", "Keeps a thread.");

static pthread_t thread;
static _Atomic int over;

static void *live(void *arg)
{
    host.alive++;
    while (!host.open && !over)
        sched_yield();
    host.alive--;
    return arg;
}

int tocsin_plugin_init(void)
{
    host.inits++;
    return -pthread_create(&thread, NULL, live, NULL);
}

void tocsin_plugin_fini(void)
{
    host.finis++;
    if (strcmp(tocsin_setting("ends", ""), "fini") != 0) {
        pthread_detach(thread);
        return;
    }
    over = 1;
    pthread_join(thread, NULL);
}
