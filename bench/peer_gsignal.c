/* Usage: peer_gsignal HANDLERS HOW. Measures an emission of GSignal, which bench/emit compares with
   tocsin. */
#include "bench.h"

#include <glib-object.h>
#include <stdlib.h>

struct said {
    const char *text;
    uint64_t user;
};

struct emitter {
    GObject *object;
    guint signal;
    struct said payload;
    uint64_t heard, emitted;
};

static void bench_handler(GObject *object, gpointer payload, gpointer arg)
{
    (void)object, (void)payload;
    ++*(uint64_t *)arg;
}

static void bench_emit(void *arg, long count)
{
    struct emitter *emitter = arg;

    emitter->emitted += (uint64_t)count;
    while (count-- > 0)
        g_signal_emit(emitter->object, emitter->signal, 0, &emitter->payload);
}

int main(int argc, char **argv)
{
    struct emitter emitter = { .payload = { "hello", 7 } };
    int handlers = argc == 3 ? atoi(argv[1]) : -1, err;

    if (handlers < 0)
        return 2;
    emitter.object = g_object_new(G_TYPE_OBJECT, NULL);
    /* The marshaller is NULL: GLib then uses its fastest marshaller, which needs no boxed
       values. */
    emitter.signal = g_signal_new("said", G_TYPE_OBJECT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, G_TYPE_POINTER);
    for (int i = 0; i < handlers; i++)
        g_signal_connect(emitter.object, "said", G_CALLBACK(bench_handler), &emitter.heard);
    err = bench_obey(argv[2], bench_emit, &emitter);
    g_object_unref(emitter.object);
    return err || emitter.heard != emitter.emitted * (uint64_t)handlers;
}
