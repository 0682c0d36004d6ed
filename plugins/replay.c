/* The plugin "replay": emits what "record" has written, in its order.

   from       what "record" wrote; it has to be said
   patterns   which of it: "**" unless said otherwise
   speed      1: as it went; 2: twice as fast; 0: as fast as the loop turns
   step       yes: one for each replay.step that somebody emits, whatever the speed

   A signal that nobody declares, or declares otherwise, is skipped. Where an emission is refused for room (-EAGAIN) it is tried again, so the order holds. At the end of the recording, or at the
   first frame that is not whole, replay.done says how many were emitted, skipped, and lost when they were recorded. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tocsin.h>

#include "recording.h"

#define REPLAY_DONE(F) F(u64, emitted) F(u64, skipped) F(u64, lost) F(bool, whole)
TOCSIN_LAYOUT(replay_done, REPLAY_DONE);
TOCSIN_PLUGIN("replay", "1.0", "Emits what was recorded." TOCSIN_LICENCE("BSD-3-Clause") TOCSIN_EMITS("replay.step") TOCSIN_EMITS("replay.done", REPLAY_DONE));

enum { HEAD = 8, BATCH = 64, AGAIN_MS = 1 };

struct kind { int signo; const struct tocsin_layout *layout; };        /* signo 0: nobody declares it so */

static unsigned char *data;
static size_t size, at;
static struct kind *kinds;                             /* by the numbers of the recording */
static uint32_t kinds_room;
static void *payload;                                  /* of the emission that is next; NULL: it has none */
static size_t payload_room;
static struct kind next;                               /* signo 0: none is ready */
static int64_t first_us, began_us, next_us;
static double speed;
static bool steps, over;
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

/* The next frame; false: there are no more, or it is not whole. */
static bool frame_next(struct reader *ret_frame)
{
    uint32_t head[2];

    if (size - at < HEAD)
        return false;
    memcpy(head, data + at, HEAD);
    if (!head[0] || head[0] > RECORDING_MOST || size - at - HEAD < head[0] || recording_sum(data + at + HEAD, head[0]) != head[1])
        return false;
    *ret_frame = (struct reader){ data + at + HEAD, data + at + HEAD + head[0], false };
    at += HEAD + head[0];
    return true;
}

/* Signals */

static int read_signal(struct reader *frame)
{
    uint32_t number = take_u32(frame);
    const char *name = take_text(frame), *fields = take_text(frame);
    struct tocsin_signal_facts facts;
    struct kind *more;

    if (frame->bad || number > TOCSIN_SIGNALS_MAX)
        return -EBADMSG;
    if (number >= kinds_room) {
        more = realloc(kinds, 2 * (size_t)(number + 1) * sizeof *more);
        if (!more)
            return -ENOMEM;
        memset(more + kinds_room, 0, (2 * (size_t)(number + 1) - kinds_room) * sizeof *more);
        kinds = more;
        kinds_room = 2 * (number + 1);
    }
    kinds[number] = (struct kind){ 0, NULL };
    if (tocsin_match(tocsin_setting("patterns", "**"), name) != 1 || tocsin_signal_get(tocsin_find(name), &facts) < 0 || !facts.spec ||
        facts.spec->kind == TOCSIN_DIRECT || strcmp(facts.spec->layout ? facts.spec->layout->fields : "", fields) != 0)
        return 0;
    kinds[number] = (struct kind){ facts.signo, facts.spec->layout };
    return 0;
}

/* A payload, from its layout: the fields come after the pointer to that, each where its type allows it. */

struct type { const char *name; size_t size, align; };

static const struct type types[] = {
    { "bool", sizeof(bool), _Alignof(bool) }, { "i32", 4, 4 }, { "u32", 4, 4 }, { "i64", 8, _Alignof(int64_t) }, { "u64", 8, _Alignof(uint64_t) },
    { "f64", 8, _Alignof(double) }, { "error", sizeof(int), _Alignof(int) }, { "op", 8, _Alignof(uint64_t) },
    { "string", sizeof(char *), _Alignof(char *) }, { "bytes", sizeof(struct tocsin_bytes), _Alignof(struct tocsin_bytes) },
    { "fd", sizeof(int), _Alignof(int) }, { "object", sizeof(struct tocsin_object), _Alignof(struct tocsin_object) },
};
enum { PLAIN = 8, TEXT = 8, BYTES, FD, OBJECT, TYPES };

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
    void *more;

    if (layout->size > payload_room) {
        more = realloc(payload, layout->size);
        if (!more)
            return -ENOMEM;
        payload = more;
        payload_room = layout->size;
    }
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

/* 1: it is the next one; 0: it is skipped. */
static int read_emission(struct reader *frame)
{
    uint32_t number = take_u32(frame);
    int64_t turn_us;
    int err;

    take(frame, 8 + 4 + 8 + 8);                        /* code, status, overrun, sequence, parent */
    take_into(frame, &turn_us, sizeof turn_us);
    if (frame->bad)
        return -EBADMSG;
    if (number >= kinds_room || !kinds[number].signo) {
        done.skipped++;
        return 0;
    }
    err = kinds[number].layout ? read_payload(frame, kinds[number].layout) : 0;
    if (err < 0)
        return err;
    next = kinds[number];
    if (!first_us)
        first_us = turn_us;
    next_us = speed > 0 ? began_us + (int64_t)((double)(turn_us - first_us) / speed) : began_us;
    return 1;
}

/* Until the next one is ready; false: that was the end. */
static bool read_on(void)
{
    struct reader frame;
    uint64_t lost;
    int err = 0;

    while (!next.signo && err >= 0 && frame_next(&frame)) {
        char kind = *(const char *)take(&frame, 1);

        err = kind == 'S' ? read_signal(&frame) : kind == 'E' ? read_emission(&frame) : 0;
        if (kind == 'L') {
            take_into(&frame, &lost, sizeof lost);
            done.lost += lost;
        }
    }
    done.whole = err == 0 && at == size;
    return next.signo;
}

/* Emitting */

static int emit_next(void)
{
    int answer = tocsin_emit(next.signo, next.layout ? payload : NULL);

    if (answer == -EAGAIN)
        return answer;
    done.emitted += answer >= 0;
    done.skipped += answer < 0;
    next.signo = 0;
    return 0;
}

static int finish(void)
{
    over = true;
    return tocsin_emit(done_signo, &done.tocsin) == -EAGAIN ? -EAGAIN : TOCSIN_NEXT;
}

static int on_due(const struct tocsin_info *info, void *arg);

static int wait_for(int64_t delay_us)
{
    return tocsin_timer(delay_us < 0 ? 0 : (delay_us + 999) / 1000, TOCSIN_CALL(on_due), NULL);
}

/* A batch at a time, so that others have their turn. */
static int on_due(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    if (info->status < 0)
        return TOCSIN_NEXT;                                /* it is unloaded */
    for (int i = 0; i < BATCH; i++) {
        if (!read_on())
            return finish();
        if (next_us > tocsin_now())
            return wait_for(next_us - tocsin_now());
        if (emit_next() < 0)
            return wait_for(AGAIN_MS * 1000);
    }
    return wait_for(0);
}

static int on_step(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    if (over)
        return TOCSIN_NEXT;
    if (!read_on())
        return finish();
    return emit_next();
}

static int file_open(const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY), err = fd < 0 ? -errno : 0;
    struct stat it;

    if (err == 0 && fstat(fd, &it) < 0)
        err = -errno;
    if (err == 0 && (!S_ISREG(it.st_mode) || (size_t)it.st_size < sizeof RECORDING - 1))
        err = -EBADMSG;
    if (err == 0) {
        size = (size_t)it.st_size;
        data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        err = data == MAP_FAILED ? -errno : 0;
        data = err < 0 ? NULL : data;
    }
    if (fd >= 0)
        close(fd);
    if (err == 0 && memcmp(data, RECORDING, sizeof RECORDING - 1) != 0)
        err = -EBADMSG;
    return err;
}

static int begin(void)
{
    int step = tocsin_declare(&(struct tocsin_spec){ .name = "replay.step", .doc = "One emission is to be replayed." });

    done = replay_done_make();
    done_signo = tocsin_declare(&(struct tocsin_spec){ .name = "replay.done", .doc = "All of a recording has been replayed.", .layout = &replay_done_layout });
    if (step < 0 || done_signo < 0)
        return step < 0 ? step : done_signo;
    at = sizeof RECORDING - 1;
    began_us = tocsin_now();
    speed = strtod(tocsin_setting("speed", "1"), NULL);
    steps = strcmp(tocsin_setting("step", "no"), "yes") == 0;
    return steps ? tocsin_on("replay.step", on_step, NULL) : wait_for(0);
}

int tocsin_plugin_init(void)
{
    int err = *tocsin_setting("from", "") ? file_open(tocsin_setting("from", "")) : -EINVAL;

    if (err < 0)
        tocsin_plugin_refuse(err, err == -EINVAL ? "from: it has to be said what" : err == -EBADMSG ? "from: it is no recording" : "from: it cannot be read");
    else
        err = begin();
    if (err < 0)
        tocsin_plugin_fini();
    return err;
}

void tocsin_plugin_fini(void)
{
    if (data)
        munmap(data, size);
    data = NULL;
    free(kinds);
    free(payload);
    kinds = NULL;
    payload = NULL;
}
