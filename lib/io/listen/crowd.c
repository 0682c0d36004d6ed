/* The streams that one listener has accepted. */
#include "io/listen/crowd.h"
#include "io/stream/stream.h"

struct tocsin__crowd *tocsin__crowd_new(void)
{
    struct tocsin__crowd *crowd = tocsin__alloc(sizeof *crowd);

    if (crowd)
        crowd->refs = 1;
    return crowd;
}

void tocsin__crowd_unref(struct tocsin__crowd *crowd)
{
    if (crowd && --crowd->refs == 0)
        tocsin__release(crowd);
}

void tocsin__crowd_join(struct tocsin__crowd *crowd, struct tocsin__stream *stream)
{
    crowd->refs++;
    crowd->live++;
    stream->crowd = crowd;
}

void tocsin__crowd_leave(struct tocsin__stream *stream)
{
    struct tocsin__crowd *crowd = stream->crowd;

    if (!crowd)
        return;
    stream->crowd = NULL;
    crowd->live--;
    if (crowd->left)
        crowd->left(crowd, stream);
    tocsin__crowd_unref(crowd);
}
