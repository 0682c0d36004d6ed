/* Contract line T6: a program loads the library with dlopen(), uses it on a thread, and closes
   it before that thread ends. argv[1] is the library. dlclose.sh runs this program. */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <tocsin.h>

static sem_t used, closed;
static int (*on_at)(const char *where, const char *name, const char *pattern, tocsin_fn fn,
                    void *arg);
static int (*timer)(int64_t delay_ms, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

static int hear(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static void *use(void *arg)
{
    if (on_at("", "", "timer.**", hear, NULL) < 0 || timer(1000000, NULL, NULL) < 0)
        puts("cannot use it");
    sem_post(&used);
    while (sem_wait(&closed) < 0)
        ;
    return arg;
}

int main(int argc, char *argv[])
{
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    pthread_t thread;

    if (!library) {
        fprintf(stderr, "dlclose: %s\n", argc > 1 ? dlerror() : "which library?");
        return 1;
    }
    *(void **)&on_at = dlsym(library, "tocsin_on_at");
    *(void **)&timer = dlsym(library, "tocsin_timer");
    sem_init(&used, 0, 0);
    sem_init(&closed, 0, 0);
    if (!on_at || !timer || pthread_create(&thread, NULL, use, NULL))
        return 1;
    while (sem_wait(&used) < 0)
        ;
    dlclose(library);
    sem_post(&closed);
    pthread_join(thread, NULL);
    puts("ended");
    return 0;
}
