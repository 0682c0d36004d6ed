/* The plugin "record": writes emissions to a file. The plugin "replay" reads the file, or a person
   reads it after a crash.

   to         the file; required. A new recording replaces an old one, but a reloaded plugin
   continues
              its own recording
   patterns   which signals; default "**, !tocsin.**"

   Each emission is written at once, with one call. Emissions that a full disk refuses are counted,
   and the plugin prints the error once. When there is room again, a frame states how many emissions
   were lost. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tocsin.h>
#include <tocsin/inspect.h>

#include "fresh.h"
#include "recording.h"
#include "state.h"
#include "trouble.h"

/* clang-format off */
TOCSIN_PLUGIN("record", "1.0", "Writes emissions to a file, for the plugin replay."
    TOCSIN_LICENCE("MIT")
    TOCSIN_SETTING_REQUIRED("to", "string", "The file; a new recording replaces an old one.")
    TOCSIN_SETTING("patterns", "pattern", "**, !tocsin.**", "Which signals are recorded."));
/* clang-format on */

enum { HEAD = 8 }; /* the size of a frame's head, which contains the frame's size and its sum */

static int fd = -1;
static off_t end; /* the file offset after the last complete frame */
static unsigned char *frame;
static size_t used, room;
static bool short_of_memory;
static bool *known; /* known[signo] is true if the name of the signal is already in the file */
static int known_room;
static uint64_t lost;
static struct trouble trouble = { .plugin = "record",
                                  .lost = "emissions are lost until there is room" };

/* Frames */

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

static void frame_begin(char kind)
{
    static const unsigned char head[HEAD];

    used = 0;
    short_of_memory = false;
    put(head, HEAD);
    put(&kind, 1);
}

/* Writes the frame. If only a part could be written, truncates the file after the last complete
 * frame, since a reader would stop at the incomplete frame. */
static bool frame_end(void)
{
    uint32_t head[2];
    ssize_t done;

    if (short_of_memory || used - HEAD > RECORDING_MOST) {
        trouble_note(&trouble, tocsin_setting("to", ""), short_of_memory ? -ENOMEM : -EFBIG);
        return false;
    }
    head[0] = (uint32_t)(used - HEAD);
    head[1] = recording_sum(frame + HEAD, used - HEAD);
    memcpy(frame, head, HEAD);
    do
        done = write(fd, frame, used);
    while (done < 0 && errno == EINTR);
    if (done < 0 || (size_t)done < used)
        trouble_note(&trouble, tocsin_setting("to", ""), done < 0 ? -errno : -ENOSPC);
    if (done >= 0 && (size_t)done == used) {
        end += (off_t)used;
        return true;
    }
    if (ftruncate(fd, end) == 0)
        lseek(fd, end, SEEK_SET);
    return false;
}

/* Contents of frames */

/* Writes the name and the fields of the signal, unless the file contains them already. */
static bool write_signal(const struct tocsin_info *info)
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
    frame_begin('S');
    put_u32((uint32_t)info->signo);
    put(info->name, strlen(info->name) + 1);
    put(fields, strlen(fields) + 1);
    return known[info->signo] = frame_end();
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
    case TOCSIN_I32:
    case TOCSIN_U32: put(&field->value.u32, 4); break;
    case TOCSIN_ERROR: put(&field->value.error, 4); break;
    case TOCSIN_I64:
    case TOCSIN_U64: put(&field->value.u64, 8); break;
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

    if (!write_signal(info))
        return false;
    frame_begin('E');
    put_u32((uint32_t)info->signo);
    put(numbers, sizeof numbers);
    put_u32(info->overrun);
    put(&info->sequence, 8);
    put(&info->parent, 8);
    put(&info->turn_us, 8);
    for (int i = 0; tocsin_payload_field(info->payload, i, &field) == 0; i++)
        put_field(&field);
    return frame_end();
}

static void write_lost(void)
{
    frame_begin('L');
    put(&lost, sizeof lost);
    if (frame_end())
        lost = 0;
}

static int on_any(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (lost)
        write_lost();
    if (!write_emission(info))
        lost++;
    /* Only a written emission counts as a success. The small frame of write_lost() may fit when an
     * emission does not, so its success is not recorded. */
    else
        trouble_note(&trouble, "", 0);
    return TOCSIN_NEXT;
}

/* Creates the new file. The new file replaces the old recording only after its header has been
   written. */
static int file_begin(const char *to)
{
    char fresh[4120];
    int err = 0;

    if (!fresh_fits(to))
        return -EINVAL;
    fd = fresh_open(to, 0600, fresh, sizeof fresh);
    if (fd < 0)
        return fd;
    errno = ENOSPC;
    if (write(fd, RECORDING, sizeof RECORDING - 1) != (ssize_t)(sizeof RECORDING - 1) ||
        rename(fresh, to) < 0)
        err = -errno;
    if (err < 0)
        unlink(fresh);
    end = (off_t)(sizeof RECORDING - 1);
    return err;
}

static int file_make(const char *to)
{
    int err = file_begin(to);
    char why[512];

    if (err == -EINVAL)
        return tocsin_plugin_fail(err, "to: not a regular file, so it cannot be replaced");
    snprintf(why, sizeof why, "to: cannot write %.150s: %s", to, strerror(-err));
    return err < 0 ? tocsin_plugin_fail(err, why) : 0;
}

/* A reload: the new version continues the same file, unless another process has changed it. Signos
 * stay valid as long as the process runs. */

enum { STATE_VERSION = 1 };
/* The state that the old version saves for the new version. The array `known` follows this struct
 * in memory. */
struct left {
    uint64_t device, inode, end, lost, known_room;
};

static void state_save(void)
{
    struct left left = { .end = (uint64_t)end, .lost = lost, .known_room = (uint64_t)known_room };
    char *state = malloc(sizeof left + (size_t)known_room);
    struct stat it;

    if (state && fstat(fd, &it) == 0) {
        left.device = it.st_dev;
        left.inode = it.st_ino;
        memcpy(state, &left, sizeof left);
        if (known_room)
            memcpy(state + sizeof left, known, (size_t)known_room);
        tocsin_state_save(STATE_VERSION, state, sizeof left + (size_t)known_room);
    }
    free(state);
}

static bool is_same(int file, const struct left *left)
{
    struct stat it;

    return fstat(file, &it) == 0 && S_ISREG(it.st_mode) && it.st_dev == left->device &&
           it.st_ino == left->inode && (uint64_t)it.st_size == left->end &&
           lseek(file, 0, SEEK_END) >= 0;
}

/* Continues the recording of the old version. Returns false if there is no such recording. */
static bool file_continue(const char *to)
{
    struct tocsin_bytes state;
    struct left left;
    int file;

    if (!state_take("record", STATE_VERSION, sizeof left, &state))
        return false;
    memcpy(&left, state.data, sizeof left);
    file = left.known_room == state.size - sizeof left
               ? open(to, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW)
               : -1;
    known = file >= 0 && is_same(file, &left) ? malloc(left.known_room + 1) : NULL;
    if (!known) {
        if (file >= 0)
            close(file);
        return false;
    }
    memcpy(known, (const char *)state.data + sizeof left, left.known_room);
    known_room = (int)left.known_room;
    end = (off_t)left.end;
    lost = left.lost;
    fd = file;
    return true;
}

static void clean(void)
{
    if (fd >= 0)
        close(fd);
    fd = -1;
    free(frame);
    free(known);
    frame = NULL;
    known = NULL;
}

int tocsin_plugin_init(void)
{
    const char *to = tocsin_setting("to", ""),
               *patterns = tocsin_setting("patterns", "**, !tocsin.**");
    int err;

    if (!*to)
        return tocsin_plugin_fail(-EINVAL, "to: this setting is missing: name the file to write");
    if (tocsin_match(patterns, "a") < 0)
        return tocsin_plugin_fail(-EINVAL, "patterns: not a valid pattern of signals");
    err = file_continue(to) ? 0 : file_make(to);
    if (err == 0)
        err = tocsin_observe(patterns, &(struct tocsin_action){ .fn = on_any, .name = "on_any" },
                             NULL);
    if (err < 0)
        clean();
    return err;
}

void tocsin_plugin_fini(void)
{
    state_save();
    clean();
}
