/* A plugin with a thread of its own, which ends when the host says so, or with it: the setting "ends". */
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
