/* Reads the parts of a frame of a recording. A read past the end of the frame returns zeros, and
   sets the member bad. */
#ifndef PLUGINS_FRAME_H
#define PLUGINS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader {
    const unsigned char *at, *end;
    bool bad;
};

static inline const void *take(struct reader *reader, size_t count)
{
    const void *taken = reader->at;

    reader->bad |= (size_t)(reader->end - reader->at) < count;
    if (reader->bad)
        return NULL;
    reader->at += count;
    return taken;
}

static inline void take_into(struct reader *reader, void *to, size_t count)
{
    const void *taken = take(reader, count);

    if (taken)
        memcpy(to, taken, count);
    else
        memset(to, 0, count);
}

static inline uint32_t take_u32(struct reader *reader)
{
    uint32_t value;

    take_into(reader, &value, sizeof value);
    return value;
}

static inline const char *take_text(struct reader *reader)
{
    const void *nul = reader->bad ? NULL
                                  : memchr(reader->at, '\0', (size_t)(reader->end - reader->at));

    reader->bad |= !nul;
    return nul ? take(reader, (size_t)((const unsigned char *)nul - reader->at) + 1) : "";
}

#endif
