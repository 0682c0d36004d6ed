/* Makes errors and leaks that TOCSIN_DEBUG=1 must print. debug_leaks.sh runs this program. The
   argument says how the program ends: free, exit, handler, thread, left, tidy. */
#define _GNU_SOURCE /* for pthread_setname_np() */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tocsin.h>
#include <tocsin/provider.h>

static int sprung;
static const char *how;

static int drip(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    if (strcmp(how, "handler") == 0)
        exit(0);
    return -EIO;
}

static int flow(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

/* Prints the pattern of each handler that was disconnected. Handlers that the library itself
   connects in order to print do not count. */
static int on_gone(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    printf("gone: %s\n", tocsin_disconnected_of(info)->pattern);
    return TOCSIN_NEXT;
}

static int go_wrong(void)
{
    struct tocsin_block mask;
    int err = tocsin_on("leak.sprung", drip, NULL);

    if (err == 0)
        err = tocsin_emit(sprung, NULL);
    if (err >= 0)
        err = tocsin_block("leak.sprung", &mask);
    for (int i = 0; i < 4; i++)
        err = err < 0 ? err : tocsin_emit(sprung, NULL);
    return err == -EAGAIN ? tocsin_unblock(mask) : -EINVAL;
}

static int leave_things(void)
{
    struct tocsin_action action = { .fn = flow, .flags = TOCSIN_EARLY };
    struct tocsin_queue queue;
    struct tocsin_source source;
    struct tocsin_block mask;
    struct tocsin_op op;

    if (tocsin_queue_open("leak.*", NULL, &queue) < 0 || tocsin_source_new(NULL, &source) < 0 ||
        tocsin_block("leak.sprung", &mask) < 0)
        return -1;
    if (tocsin_connect("leak.spring", &action, NULL) < 0 || tocsin_op_new(NULL, NULL, &op) < 0)
        return -1;
    return tocsin_emit(sprung, NULL) == TOCSIN_PENDED ? 0 : -1;
}

static void *beside(void *arg)
{
    (void)arg;
    pthread_setname_np(pthread_self(), "beside");
    if (tocsin_on("leak.sprung", flow, NULL) == 0 && strcmp(how, "left") == 0)
        return tocsin_timer(1000, NULL, NULL) == 0 ? NULL : arg;
    tocsin_loop_free();
    return NULL;
}

static int run_beside(void)
{
    pthread_t thread;

    return pthread_create(&thread, NULL, beside, NULL) == 0 ? pthread_join(thread, NULL) : -1;
}

int main(int argc, char *argv[])
{
    how = argc > 1 ? argv[1] : "free";
    sprung = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "leak.sprung", .doc = "Something drips.", .limit = 2 });
    if (strcmp(how, "thread") == 0 || strcmp(how, "left") == 0)
        return run_beside() != 0;
    if (tocsin_on("tocsin.disconnected", on_gone, NULL) < 0)
        return 1;
    if (strcmp(how, "tidy") == 0)
        return tocsin_loop_free() != 0;
    if (go_wrong() < 0 || leave_things() < 0)
        return 1;
    puts("wet");
    return strcmp(how, "free") == 0 ? tocsin_loop_free() != 4 : 0;
}
