/* What a loop has for all of its streams. */
#include "io/io.h"

static void io_free(struct tocsin__cleanup *last, struct tocsin__engine *engine)
{
    struct tocsin__io *io = tocsin__container(last, struct tocsin__io, last);

    if (io->window.is_kept)
        tocsin__release(io->window.data);
    tocsin__release(io->buffer);
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
    engine->io = io;
    tocsin__engine_add_cleanup(engine, &io->last);
    return 0;
}
