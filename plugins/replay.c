/* The plugin "replay": emits what "record" has written, in its order.

   from       what "record" wrote; it has to be said
   patterns   which of it: "**" unless said otherwise
   speed      1: as it went; 2: twice as fast; 0: as fast as the loop turns
   step       yes: one for each replay.step that somebody emits, whatever the speed

   A signal that nobody declares when its turn comes, or declares otherwise, is skipped. An operation that a payload names is none: here another one would have its number. Where an emission is refused for room (-EAGAIN) it is tried again, so the order holds. At the end of the recording, or at the
   first frame that is not whole, replay.done says how many were emitted, skipped, and lost when they were recorded. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tocsin.h>

#include "number.h"
#include "recording.h"

#define REPLAY_DONE(F) F(u64, emitted) F(u64, skipped) F(u64, lost) F(bool, whole)
TOCSIN_LAYOUT(replay_done, REPLAY_DONE);
TOCSIN_PLUGIN("replay", "1.0", "Emits what was recorded." TOCSIN_LICENCE("MIT") TOCSIN_EMITS("replay.step") TOCSIN_EMITS("replay.done", REPLAY_DONE));

enum { HEAD = 8, BATCH = 64, AGAIN_MS = 1 };

/* As it was recorded: name NULL, it is none of the patterns'. signo 0: nobody has declared it so yet; what was declared stays as it is. */
struct kind { char *name, *fields; int signo; const struct tocsin_layout *layout; };

static FILE *file;                                     /* read as it goes, so it may be cut off under us */
static unsigned char *data;                            /* a frame, what comes behind its head */
static size_t data_room;
static struct kind *kinds;                             /* by the numbers of the recording */
static uint32_t kinds_room;
static void *payload;                                  /* of the emission that is next; its texts are in the frame */
static size_t payload_room;
static const struct kind *next;                        /* NULL: none is ready */
static int64_t first_us, began_us, next_us;
static double speed;
static bool steps, ended, over;                        /* ended: no frame comes any more; over: that was said as well */
static bool waiting, busy;                             /* for its timer; for the handlers of what it emits */
static uint64_t owed;                                  /* steps */
static struct replay_done done;
static int done_signo;

/* Reading. What is beyond the frame reads as zero, and spoils it. */

struct reader { const unsigned char *at, *end; bool bad; };

static const void *take(struct reader *reader, size_t count)
{
    const void *taken = reader->at;

    reader->bad |= (size_t)(reader->end - reader->at) < count;
    if (reader->bad)
        return NULL;
    reader->at += count;
    return taken;
}

static void take_into(struct reader *reader, void *to, size_t count)
{
    const void *taken = take(reader, count);

    if (taken)
        memcpy(to, taken, count);
    else
        memset(to, 0, count);
}

static uint32_t take_u32(struct reader *reader)
{
    uint32_t value;

    take_into(reader, &value, sizeof value);
    return value;
}

static const char *take_text(struct reader *reader)
{
    const void *nul = reader->bad ? NULL : memchr(reader->at, '\0', (size_t)(reader->end - reader->at));

    reader->bad |= !nul;
    return nul ? take(reader, (size_t)((const unsigned char *)nul - reader->at) + 1) : "";
}

static int grow(void **memory, size_t *room, size_t size)
{
    void *more = size <= *room ? *memory : realloc(*memory, size);

    if (!more)
        return -ENOMEM;
    *memory = more;
    *room = size <= *room ? *room : size;
    return 0;
}

/* The next frame; false: there are no more, or it is not whole. */
static bool frame_next(struct reader *ret_frame)
{
    uint32_t head[2];
    size_t size = fread(head, 1, HEAD, file);
    void *memory = data;

    done.whole = !size && !ferror(file);
    if (size < HEAD || !head[0] || head[0] > RECORDING_MOST || grow(&memory, &data_room, head[0]) < 0)
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

/* NULL: it is skipped. */
static const struct kind *kind_of(uint32_t number)
{
    struct kind *kind = number < kinds_room && kinds[number].name ? &kinds[number] : NULL;
    struct tocsin_signal_facts facts;

    if (!kind || kind->signo)
        return kind;
    if (tocsin_signal_get(tocsin_find(kind->name), &facts) < 0 || !facts.spec || facts.spec->kind == TOCSIN_DIRECT ||
        strcmp(facts.spec->layout ? facts.spec->layout->fields : "", kind->fields) != 0)
        return NULL;
    kind->signo = facts.signo;
    kind->layout = facts.spec->layout;
    return kind;
}

/* A payload, from its layout: the fields come after the pointer to that, each where its type allows it. */

struct type { const char *name; size_t size, align; };

static const struct type types[] = {
    { "bool", sizeof(bool), _Alignof(bool) }, { "i32", 4, 4 }, { "u32", 4, 4 }, { "i64", 8, _Alignof(int64_t) }, { "u64", 8, _Alignof(uint64_t) },
    { "f64", 8, _Alignof(double) }, { "error", sizeof(int), _Alignof(int) }, { "op", 8, _Alignof(uint64_t) },
    { "string", sizeof(char *), _Alignof(char *) }, { "bytes", sizeof(struct tocsin_bytes), _Alignof(struct tocsin_bytes) },
    { "fd", sizeof(int), _Alignof(int) }, { "object", sizeof(struct tocsin_object), _Alignof(struct tocsin_object) },
};
enum { BOOL = 0, OP = 7, PLAIN = 8, TEXT = 8, BYTES, FD, OBJECT, TYPES };

static int type_of(const char *field)
{
    size_t length = strcspn(field, " ");
    int i = 0;

    while (i < TYPES && (strlen(types[i].name) != length || memcmp(types[i].name, field, length) != 0))
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

static int read_emission(struct reader *frame)
{
    const struct kind *kind = kind_of(take_u32(frame));
    int64_t turn_us;
    double delay_us;
    int err;

    take(frame, 8 + 4 + 8 + 8);                        /* code, status, overrun, sequence, parent */
    take_into(frame, &turn_us, sizeof turn_us);
    if (frame->bad)
        return -EBADMSG;
    done.skipped += !kind;
    err = kind && kind->layout ? read_payload(frame, kind->layout) : 0;
    if (err < 0 || !kind)
        return err;
    next = kind;
    if (!first_us)
        first_us = turn_us;
    delay_us = speed > 0 ? (double)(turn_us - first_us) / speed : 0;
    next_us = began_us + (delay_us < 1e15 ? (int64_t)delay_us : (int64_t)1e15);
    return 0;
}

static int read_lost(struct reader *frame)
{
    uint64_t lost;

    take_into(frame, &lost, sizeof lost);
    done.lost += lost;
    return frame->bad ? -EBADMSG : 0;
}

/* Until the next one is ready; false: that was the end. */
static bool read_on(void)
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
        default:  err = 0; break;
        }
        ended = err < 0;
        done.whole = false;
    }
    return next;
}

/* Emitting */

static int emit_next(void)
{
    int answer;

    busy = true;
    answer = tocsin_emit(next->signo, next->layout ? payload : NULL);
    busy = false;
    if (answer == -EAGAIN)
        return answer;
    done.emitted += answer >= 0;
    done.skipped += answer < 0;
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

/* A batch at a time, so that others have their turn. */
static int go_on(void)
{
    for (int i = 0; i < BATCH && (!steps || owed); i++) {
        if (!read_on())
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
    return info->status < 0 || over ? TOCSIN_NEXT : go_on();   /* below 0: it is unloaded */
}

/* A handler of what is replayed may ask for the next one. */
static int on_step(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    owed += !over;
    return over || waiting || busy ? TOCSIN_NEXT : go_on();
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
    return S_ISREG(it.st_mode) && fread(first, 1, sizeof first, file) == sizeof first && memcmp(first, RECORDING, sizeof first) == 0 ? 0 : -EBADMSG;
}

static int settings_read(void)
{
    const char *step = tocsin_setting("step", "no");

    steps = strcmp(step, "yes") == 0;
    if (!steps && strcmp(step, "no") != 0)
        return tocsin_plugin_refuse(-EINVAL, "step: yes or no");
    if (!number_read(tocsin_setting("speed", "1"), &speed) || speed < 0)
        return tocsin_plugin_refuse(-EINVAL, "speed: a number from 0 on");
    if (tocsin_match(tocsin_setting("patterns", "**"), "a") < 0)
        return tocsin_plugin_refuse(-EINVAL, "patterns: malformed");
    return 0;
}

static int begin(void)
{
    int step = tocsin_declare(&(struct tocsin_spec){ .name = "replay.step", .doc = "One emission is to be replayed." });

    done = replay_done_make();
    done_signo = tocsin_declare(&(struct tocsin_spec){ .name = "replay.done", .doc = "All of a recording has been replayed.", .layout = &replay_done_layout });
    if (step < 0 || done_signo < 0)
        return step < 0 ? step : done_signo;
    began_us = tocsin_now();
    return steps ? tocsin_on("replay.step", on_step, NULL) : wait_for(0);
}

int tocsin_plugin_init(void)
{
    int err = *tocsin_setting("from", "") ? file_open(tocsin_setting("from", "")) : -EINVAL;

    if (err < 0)
        tocsin_plugin_refuse(err, err == -EINVAL ? "from: it has to be said what" : err == -EBADMSG ? "from: it is no recording, or of another version or byte order" : "from: it cannot be read");
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
