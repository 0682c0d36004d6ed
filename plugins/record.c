/* The plugin "record": writes emissions to a file, for the plugin "replay", or to be looked at after a crash.

   to         where to, from its beginning, also when it is reloaded; it has to be said
   patterns   what: "**, !tocsin.**" unless said otherwise

   Each emission is written at once, with one call. What a full disk refuses is counted, and a frame tells of it when there is room again. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tocsin.h>

#include "recording.h"

TOCSIN_PLUGIN("record", "1.0", "Writes emissions to a file, to be replayed." TOCSIN_LICENCE("MIT"));

enum { HEAD = 8 };                                     /* size and sum */

static int fd = -1;
static off_t end;                                      /* of the last whole frame */
static unsigned char *frame;
static size_t used, room;
static bool short_of_memory;
static bool *known;                                    /* signos whose names have been written */
static int known_room;
static uint64_t lost;

/* A frame */

static void put(const void *data, size_t size)
{
    unsigned char *more;

    if (used + size > room && !short_of_memory) {
        more = realloc(frame, 2 * (used + size));
        short_of_memory = !more;
        frame = more ? more : frame;
        room = more ? 2 * (used + size) : room;
    }
    if (short_of_memory)
        return;
    if (size)
        memcpy(frame + used, data, size);
    used += size;
}

static void put_u32(uint32_t value)
{
    put(&value, sizeof value);
}

static void begin(char kind)
{
    static const unsigned char head[HEAD];

    used = 0;
    short_of_memory = false;
    put(head, HEAD);
    put(&kind, 1);
}

/* What was written in part is taken back: a reader would stop there. */
static bool finish(void)
{
    uint32_t head[2];
    ssize_t done;

    if (short_of_memory || used - HEAD > RECORDING_MOST)
        return false;
    head[0] = (uint32_t)(used - HEAD);
    head[1] = recording_sum(frame + HEAD, used - HEAD);
    memcpy(frame, head, HEAD);
    do
        done = write(fd, frame, used);
    while (done < 0 && errno == EINTR);
    if (done >= 0 && (size_t)done == used) {
        end += (off_t)used;
        return true;
    }
    if (ftruncate(fd, end) == 0)
        lseek(fd, end, SEEK_SET);
    return false;
}

/* What is in it */

static bool know(const struct tocsin_info *info)
{
    struct tocsin_signal_facts facts;
    const char *fields;
    bool *more;

    if (info->signo < known_room && known[info->signo])
        return true;
    if (tocsin_signal_get(info->signo, &facts) < 0)
        return false;
    if (info->signo >= known_room) {
        more = realloc(known, (size_t)info->signo * 2);
        if (!more)
            return false;
        memset(more + known_room, 0, (size_t)(info->signo * 2 - known_room));
        known = more;
        known_room = info->signo * 2;
    }
    fields = facts.spec && facts.spec->layout ? facts.spec->layout->fields : "";
    begin('S');
    put_u32((uint32_t)info->signo);
    put(info->name, strlen(info->name) + 1);
    put(fields, strlen(fields) + 1);
    return known[info->signo] = finish();
}

static void put_bytes(const void *data, size_t size)
{
    put_u32((uint32_t)size);
    put(data, size);
}

static void put_field(const struct tocsin_field *field)
{
    switch (field->type) {
    case TOCSIN_BOOL: put(&field->value.boolean, sizeof field->value.boolean); break;
    case TOCSIN_I32: case TOCSIN_U32: put(&field->value.u32, 4); break;
    case TOCSIN_ERROR: put(&field->value.error, 4); break;
    case TOCSIN_I64: case TOCSIN_U64: put(&field->value.u64, 8); break;
    case TOCSIN_F64: put(&field->value.f64, 8); break;
    case TOCSIN_OP: put(&field->value.op, 8); break;
    case TOCSIN_STRING:
        if (field->value.string)
            put_bytes(field->value.string, strlen(field->value.string) + 1);
        else
            put_u32(RECORDING_NONE);
        break;
    case TOCSIN_BYTES: put_bytes(field->value.bytes.data, field->value.bytes.size); break;
    default: break;
    }
}

static bool write_emission(const struct tocsin_info *info)
{
    const int32_t numbers[2] = { info->code, info->status };
    struct tocsin_field field;

    if (!know(info))
        return false;
    begin('E');
    put_u32((uint32_t)info->signo);
    put(numbers, sizeof numbers);
    put_u32(info->overrun);
    put(&info->sequence, 8);
    put(&info->parent, 8);
    put(&info->turn_us, 8);
    for (int i = 0; tocsin_payload_field(info->payload, i, &field) == 0; i++)
        put_field(&field);
    return finish();
}

static void write_lost(void)
{
    begin('L');
    put(&lost, sizeof lost);
    if (finish())
        lost = 0;
}

static int on_any(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (lost)
        write_lost();
    lost += !write_emission(info);
    return TOCSIN_NEXT;
}

int tocsin_plugin_init(void)
{
    const char *file = tocsin_setting("to", ""), *patterns = tocsin_setting("patterns", "**, !tocsin.**");
    int err;

    if (!*file)
        return tocsin_plugin_refuse(-EINVAL, "to: it has to be said where to");
    if (tocsin_match(patterns, "a") < 0)
        return tocsin_plugin_refuse(-EINVAL, "patterns: malformed");
    fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    err = fd < 0 ? -errno : write(fd, RECORDING, sizeof RECORDING - 1) != (ssize_t)(sizeof RECORDING - 1) ? -EIO : 0;
    if (err < 0)
        tocsin_plugin_refuse(err, "to: it cannot be written");
    end = (off_t)(sizeof RECORDING - 1);
    if (err == 0)
        err = tocsin_observe(patterns, &(struct tocsin_action){ .fn = on_any }, NULL);
    if (err < 0)
        tocsin_plugin_fini();
    return err;
}

void tocsin_plugin_fini(void)
{
    if (fd >= 0)
        close(fd);
    fd = -1;
    free(frame);
    free(known);
    frame = NULL;
    known = NULL;
}
