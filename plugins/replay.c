/* The plugin "replay": emits the emissions that "record" has written, in the same order.

   from       the recording; required
   patterns   which signals; default "**"
   speed      1: at the recorded times; 2: twice as fast; 0: as fast as the loop turns; default 1
   step       yes: one emission for each replay.step, at any speed; default no

   An emission is skipped if its signal is not declared when the emission is due, or is declared
   with another layout. A field of type op is set to none, since its number would mean another
   operation in this process. An emission that is refused with -EAGAIN is tried again, so the order
   is kept.

   The signal replay.done is emitted at the end of the recording, or at the first damaged frame. It
   says how many emissions were emitted and skipped, and how many were lost during the recording. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tocsin.h>
#include <tocsin/inspect.h>
#include <tocsin/plugin.h>

#include "frame.h"
#include "number.h"
#include "recording.h"

#define REPLAY_DONE(F) F(u64, emitted) F(u64, skipped) F(u64, lost) F(bool, whole)
TOCSIN_LAYOUT(replay_done, REPLAY_DONE);
/* clang-format off */
TOCSIN_PLUGIN("replay", "1.0", "Emits the emissions of a recording."
    TOCSIN_LICENCE("MIT")
    TOCSIN_EMITS("replay.step")
    TOCSIN_EMITS("replay.done", REPLAY_DONE)
    TOCSIN_SETTING_REQUIRED("from", "string", "The recording, written by the plugin record.")
    TOCSIN_SETTING("patterns", "pattern", "**", "Which signals are emitted.")
    TOCSIN_SETTING("speed", "f64 0..1000000", "1",
        "1: at the recorded times; 2: twice as fast; 0: as fast as possible.")
    TOCSIN_SETTING("step", "bool", "no", "One emission for each replay.step, at any speed."));
/* clang-format on */

enum { HEAD = 8, BATCH = 64, AGAIN_MS = 1 };
#define GAP_MOST_US (366 * 86400e6)

/* A signal that the recording contains. */
struct kind {
    char *name, *fields; /* `name` is NULL if the setting "patterns" excludes the signal */
    int signo;           /* 0 means that the signal is not yet declared with these fields */
    const struct tocsin_layout *layout;
};

/* the file is read frame by frame, since another process may truncate it at any time */
static FILE *file;
static unsigned char *data; /* the bytes of the current frame, without its head */
static size_t data_room;
static struct kind *kinds; /* an array; the index is the number of a signal in the recording */
static uint32_t kinds_room;
static void *payload; /* the payload of the next emission; the texts of the payload lie in data */
static size_t payload_room;
/* the signal of the next emission; NULL means that the emission is not read yet */
static const struct kind *next;
static int64_t last_us; /* the recorded time of the last frame that was read */
/* began_us is the time at which the replay began; next_us is the time of the next emission */
static int64_t began_us, next_us;
static double elapsed_us; /* the time from the beginning of the replay to the next emission */
static bool timed;
static double speed;
static bool steps;
static bool ended;    /* true if the recording has no more frames */
static bool over;     /* true if replay.done was emitted */
static bool waiting;  /* true while the timer for the next emission runs */
static bool busy;     /* true while the handlers of an emission run */
static uint64_t owed; /* the number of replay.step signals that are not served yet */
static struct replay_done done;
static int done_signo;

static int grow(void **memory, size_t *room, size_t size)
{
    void *more = size <= *room ? *memory : realloc(*memory, size);

    if (!more)
        return -ENOMEM;
    *memory = more;
    *room = size <= *room ? *room : size;
    return 0;
}

/* Reads the next frame. Returns false if there is no further frame, or if the frame is
   incomplete. */
static bool frame_next(struct reader *ret_frame)
{
    uint32_t head[2];
    size_t size = fread(head, 1, HEAD, file);
    void *memory = data;

    done.whole = !size && !ferror(file);
    if (size < HEAD || !head[0] || head[0] > RECORDING_MOST ||
        grow(&memory, &data_room, head[0]) < 0)
        return false;
    data = memory;
    *ret_frame = (struct reader){ data, data + head[0], false };
    return fread(data, 1, head[0], file) == head[0] && recording_sum(data, head[0]) == head[1];
}

/* Signals */

static int kinds_grow(uint32_t number)
{
    uint32_t room = 2 * (number + 1);
    struct kind *more;

    if (number < kinds_room)
        return 0;
    more = realloc(kinds, room * sizeof *more);
    if (!more)
        return -ENOMEM;
    memset(more + kinds_room, 0, (room - kinds_room) * sizeof *more);
    kinds = more;
    kinds_room = room;
    return 0;
}

static void kind_drop(struct kind *kind)
{
    free(kind->name);
    free(kind->fields);
    *kind = (struct kind){ .signo = 0 };
}

static int read_signal(struct reader *frame)
{
    uint32_t number = take_u32(frame);
    const char *name = take_text(frame), *fields = take_text(frame);
    struct kind *kind;

    if (frame->bad || number > TOCSIN_SIGNALS_MAX)
        return -EBADMSG;
    if (kinds_grow(number) < 0)
        return -ENOMEM;
    kind = &kinds[number];
    kind_drop(kind);
    if (tocsin_match(tocsin_setting("patterns", "**"), name) != 1)
        return 0;
    kind->name = strdup(name);
    kind->fields = strdup(fields);
    return kind->name && kind->fields ? 0 : -ENOMEM;
}

/* Returns the signal with this number. Returns NULL if its emissions must be skipped. */
static const struct kind *kind_of(uint32_t number)
{
    struct kind *kind = number < kinds_room && kinds[number].name ? &kinds[number] : NULL;
    struct tocsin_signal_facts facts;

    if (!kind || kind->signo)
        return kind;
    if (tocsin_signal_get(tocsin_find(kind->name), &facts) < 0 || !facts.spec ||
        facts.spec->kind == TOCSIN_DIRECT ||
        strcmp(facts.spec->layout ? facts.spec->layout->fields : "", kind->fields) != 0)
        return NULL;
    kind->signo = facts.signo;
    kind->layout = facts.spec->layout;
    return kind;
}

/* Builds a payload by its layout. The payload has the pointer to the layout, and then the fields.
   Each field is aligned for its type. */

struct type {
    const char *name;
    size_t size, align;
};

static const struct type types[] = {
    { "bool", sizeof(bool), _Alignof(bool) },
    { "i32", 4, 4 },
    { "u32", 4, 4 },
    { "i64", 8, _Alignof(int64_t) },
    { "u64", 8, _Alignof(uint64_t) },
    { "f64", 8, _Alignof(double) },
    { "error", sizeof(int), _Alignof(int) },
    { "op", 8, _Alignof(uint64_t) },
    { "string", sizeof(char *), _Alignof(char *) },
    { "bytes", sizeof(struct tocsin_bytes), _Alignof(struct tocsin_bytes) },
    { "fd", sizeof(int), _Alignof(int) },
    { "object", sizeof(struct tocsin_object), _Alignof(struct tocsin_object) },
};
enum { BOOL = 0, OP = 7, PLAIN = 8, TEXT = 8, BYTES, FD, OBJECT, TYPES };

static int type_of(const char *field)
{
    size_t length = strcspn(field, " ");
    int i = 0;

    while (i < TYPES &&
           (strlen(types[i].name) != length || memcmp(types[i].name, field, length) != 0))
        i++;
    return i;
}

static void read_field(struct reader *frame, int type, unsigned char *to)
{
    static const int none = -1;
    uint32_t length;
    const void *bytes;

    if (type < PLAIN)
        take_into(frame, to, types[type].size);
    if (type == BOOL)
        *to = *to != 0;
    else if (type == OP)
        memset(to, 0, types[type].size);
    else if (type == FD)
        memcpy(to, &none, sizeof none);
    if (type != TEXT && type != BYTES)
        return;
    length = take_u32(frame);
    if (type == TEXT && length == RECORDING_NONE)
        return;
    bytes = take(frame, length);
    frame->bad |= type == TEXT && (!length || !bytes || ((const char *)bytes)[length - 1]);
    if (frame->bad)
        return;
    if (type == TEXT)
        memcpy(to, &bytes, sizeof bytes);
    else
        *(struct tocsin_bytes *)(void *)to = (struct tocsin_bytes){ bytes, length };
}

static int read_payload(struct reader *frame, const struct tocsin_layout *layout)
{
    size_t offset = sizeof(struct tocsin_payload);

    if (grow(&payload, &payload_room, layout->size) < 0)
        return -ENOMEM;
    memset(payload, 0, layout->size);
    ((struct tocsin_payload *)payload)->layout = layout;
    for (const char *field = layout->fields; *field; field += strcspn(field, ";") + 1) {
        int type = type_of(field);

        if (type == TYPES)
            return -EBADMSG;
        offset = (offset + types[type].align - 1) / types[type].align * types[type].align;
        read_field(frame, type, (unsigned char *)payload + offset);
        offset += types[type].size;
    }
    return frame->bad ? -EBADMSG : 0;
}

/* Computes the time at which the emission is due. If several loops recorded, an emission may be
   older than the first one; then it is due at once. Returns false if the emission is due in more
   than a year, which means that the recording is damaged. */
static bool time_take(int64_t turn_us)
{
    double gap_us = 0;

    if (timed && turn_us > last_us)
        gap_us = (double)((uint64_t)turn_us - (uint64_t)last_us);
    if (speed > 0 && gap_us / speed > GAP_MOST_US)
        return false;
    last_us = timed && turn_us < last_us ? last_us : turn_us;
    timed = true;
    elapsed_us += speed > 0 ? gap_us / speed : 0;
    next_us = began_us + (elapsed_us < 1e15 ? (int64_t)elapsed_us : (int64_t)1e15);
    return true;
}

static int read_emission(struct reader *frame)
{
    const struct kind *kind = kind_of(take_u32(frame));
    int64_t turn_us;
    int err;

    take(frame, 8 + 4 + 8 + 8); /* skips the members code, status, overrun, sequence and parent */
    take_into(frame, &turn_us, sizeof turn_us);
    if (frame->bad)
        return -EBADMSG;
    done.skipped += !kind;
    err = kind && kind->layout ? read_payload(frame, kind->layout) : 0;
    if (err < 0 || !kind)
        return err;
    if (!time_take(turn_us))
        return -EBADMSG;
    next = kind;
    return 0;
}

static int read_lost(struct reader *frame)
{
    uint64_t lost;

    take_into(frame, &lost, sizeof lost);
    done.lost += lost;
    return frame->bad ? -EBADMSG : 0;
}

/* Reads frames up to the next emission. Returns false if there is no further emission. */
static bool read_next(void)
{
    struct reader frame;
    int err;

    while (!next && !ended) {
        ended = !frame_next(&frame);
        if (ended)
            break;
        switch (*(const char *)take(&frame, 1)) {
        case 'S': err = read_signal(&frame); break;
        case 'E': err = read_emission(&frame); break;
        case 'L': err = read_lost(&frame); break;
        default: err = 0; break;
        }
        ended = err < 0;
        done.whole = false;
    }
    return next;
}

/* Emitting */

static int emit_next(void)
{
    int result;

    busy = true;
    result = tocsin_emit(next->signo, next->layout ? payload : NULL);
    busy = false;
    if (result == -EAGAIN)
        return result;
    done.emitted += result >= 0;
    done.skipped += result < 0;
    next = NULL;
    return 0;
}

static int on_due(const struct tocsin_info *info, void *arg);

static int wait_for(int64_t delay_us)
{
    int err = tocsin_timer(delay_us < 0 ? 0 : (delay_us + 999) / 1000, TOCSIN_CALL(on_due), NULL);

    waiting = err == 0;
    return err;
}

static int finish(void)
{
    over = tocsin_emit(done_signo, &done.tocsin) != -EAGAIN;
    return over ? TOCSIN_NEXT : wait_for(AGAIN_MS * 1000);
}

/* Emits at most BATCH emissions. So the loop can also do other work. */
static int emit_batch(void)
{
    for (int i = 0; i < BATCH && (!steps || owed); i++) {
        if (!read_next())
            return finish();
        if (!steps && next_us > tocsin_now())
            return wait_for(next_us - tocsin_now());
        if (emit_next() < 0)
            return wait_for(AGAIN_MS * 1000);
        owed -= steps;
    }
    return !steps || owed ? wait_for(0) : TOCSIN_NEXT;
}

static int on_due(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    waiting = false;
    /* a negative status means that the plugin is being unloaded */
    return info->status < 0 || over ? TOCSIN_NEXT : emit_batch();
}

/* Handles replay.step. A handler of a replayed emission may also emit replay.step. */
static int on_step(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    owed += !over;
    return over || waiting || busy ? TOCSIN_NEXT : emit_batch();
}

static int file_open(const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char first[sizeof RECORDING - 1];
    struct stat it;

    if (fd < 0 || fstat(fd, &it) < 0 || !(file = fdopen(fd, "r"))) {
        int err = -errno;

        if (fd >= 0)
            close(fd);
        return err;
    }
    return S_ISREG(it.st_mode) && fread(first, 1, sizeof first, file) == sizeof first &&
                   memcmp(first, RECORDING, sizeof first) == 0
               ? 0
               : -EBADMSG;
}

static int settings_read(void)
{
    const char *step = tocsin_setting("step", "no");

    steps = strcmp(step, "yes") == 0;
    if (!steps && strcmp(step, "no") != 0)
        return tocsin_plugin_fail(-EINVAL, "step: must be yes or no");
    if (!number_read(tocsin_setting("speed", "1"), &speed) || speed < 0)
        return tocsin_plugin_fail(-EINVAL, "speed: must be a number, 0 or more");
    if (tocsin_match(tocsin_setting("patterns", "**"), "a") < 0)
        return tocsin_plugin_fail(-EINVAL, "patterns: not a valid pattern of signals");
    return 0;
}

static int begin(void)
{
    int step = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "replay.step", .doc = "Asks the plugin replay for one emission." });

    done = replay_done_make();
    done_signo = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "replay.done",
                                      .doc = "The recording was replayed to its end.",
                                      .layout = &replay_done_layout });
    if (step < 0 || done_signo < 0)
        return step < 0 ? step : done_signo;
    began_us = tocsin_now();
    return steps ? tocsin_on("replay.step", on_step, NULL) : wait_for(0);
}

static void refuse_from(int err)
{
    const char *from = tocsin_setting("from", "");
    char why[512];

    snprintf(why, sizeof why, "from: cannot read %.150s: %s", from,
             err == -EBADMSG ? "not a recording, or of another version or byte order"
                             : strerror(-err));
    tocsin_plugin_fail(err, *from ? why : "from: this setting is missing: name the recording");
}

int tocsin_plugin_init(void)
{
    int err = *tocsin_setting("from", "") ? file_open(tocsin_setting("from", "")) : -EINVAL;

    if (err < 0)
        refuse_from(err);
    else
        err = settings_read();
    if (err == 0)
        err = begin();
    if (err < 0)
        tocsin_plugin_fini();
    return err;
}

void tocsin_plugin_fini(void)
{
    if (file)
        fclose(file);
    file = NULL;
    for (uint32_t i = 0; i < kinds_room; i++)
        kind_drop(&kinds[i]);
    free(kinds);
    free(data);
    free(payload);
    kinds = NULL;
    kinds_room = 0;
    data = NULL;
    payload = NULL;
}
