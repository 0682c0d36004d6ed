/* The layers that libraries have registered. They are never removed, so reading takes no lock. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/cancel.h"
#include "base/refusal.h"
#include "io/layer.h"

enum { LAYERS_MOST = 8 };

static struct {
    const char *scheme;
    const struct tocsin_layer_type *type;
} layers[LAYERS_MOST];
static _Atomic int layers_count;

const struct tocsin_layer_type *tocsin__layer_find(const char *scheme, size_t size)
{
    int count = atomic_load(&layers_count);

    for (int i = 0; i < count; i++)
        if (strlen(layers[i].scheme) == size && memcmp(layers[i].scheme, scheme, size) == 0)
            return layers[i].type;
    return NULL;
}

static bool scheme_is_own(const char *scheme)
{
    static const char *const own[] = { "tcp", "unix", "udp", "fd", "file", "systemd" };

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(scheme, own[i]) == 0)
            return true;
    return false;
}

static int layer_check(const char *scheme, const struct tocsin_layer_type *type)
{
    if (!scheme || !*scheme || scheme[strspn(scheme, "abcdefghijklmnopqrstuvwxyz")])
        return tocsin__because(-EINVAL, "the scheme is not made of lower-case letters");
    if (!type || !type->open || !type->handshake || !type->read || !type->write ||
        !type->shutdown || !type->free || type->spare[0] || type->spare[1] || type->spare[2] ||
        type->spare[3])
        return tocsin__because(-EINVAL, "a function of the layer is missing");
    return scheme_is_own(scheme) || tocsin__layer_find(scheme, strlen(scheme)) ? -EEXIST : 0;
}

int tocsin_layer_provide(const char *scheme, const struct tocsin_layer_type *type)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int count, err;

    pthread_mutex_lock(&lock);
    err = layer_check(scheme, type);
    count = atomic_load(&layers_count);
    if (err == 0 && count == LAYERS_MOST)
        err = -ENOSPC;
    if (err == 0) {
        layers[count].scheme = scheme;
        layers[count].type = type;
        atomic_store(&layers_count, count + 1);
    }
    pthread_mutex_unlock(&lock);
    return tocsin__traced(err);
}
