/* The record that a loop has for all of its streams. */
#include "io/drops.h"
#include "io/io.h"

/* Removes the idle limits of streams that are left, since a stream may be freed after this. */
static void idle_free(struct tocsin__idle_limits *limits)
{
    for (int level = 0; limits && level < TOCSIN__IDLE_LEVELS; level++)
        for (int bucket = 0; bucket < TOCSIN__IDLE_BUCKETS; bucket++)
            while (limits->buckets[level][bucket])
                tocsin__idle_remove(limits, limits->buckets[level][bucket]);
    while (limits && limits->looking)
        tocsin__idle_remove(limits, limits->looking);
    if (limits)
        tocsin__idle_end(limits);
    tocsin__release(limits);
}

static void io_free(struct tocsin__cleanup *last, struct tocsin__engine *engine)
{
    struct tocsin__io *io = tocsin__container(last, struct tocsin__io, last);

    tocsin__drops_call(io);
    if (io->window.is_kept)
        tocsin__release(io->window.data);
    tocsin__release(io->buffer);
    tocsin__release(io->spare);
    idle_free(io->idle);
    if (io->rates_free)
        io->rates_free(io);
    tocsin__release(io);
    engine->io = NULL;
}

int tocsin__io_make(struct tocsin__engine *engine)
{
    struct tocsin__io *io;

    if (engine->io)
        return 0;
    io = tocsin__alloc(sizeof *io);
    if (!io)
        return -ENOMEM;
    io->engine = engine;
    io->last.run = io_free;
    io->drops.last = &io->drops.first;
    engine->io = io;
    tocsin__engine_add_cleanup(engine, &io->last);
    return 0;
}
