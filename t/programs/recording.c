/* Usage: recording FILE   Tests the files that the plugin "record" writes, and the emissions that
   the plugin "replay" makes from them. The program moves the clock itself. Each scene prints a
   line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tocsin.h>
#include <tocsin/host.h>

#define SAID(F) F(string, text) F(u32, number) F(bool, yes) F(bytes, raw) F(op, op) F(f64, share)
TOCSIN_LAYOUT(said, SAID);
#define REPLAY_DONE(F) F(u64, emitted) F(u64, skipped) F(u64, lost) F(bool, whole)
TOCSIN_LAYOUT(replay_done, REPLAY_DONE);

enum { ALL = 4, MOST = 4096 };

static const char *file;
static char cut[4096]; /* the path of a changed copy of the recording */
static unsigned char bytes[MOST];
static size_t size;
static int signo, step;
static unsigned heard; /* the number of emissions that arrived in order and unchanged */
static bool asks;
static struct replay_done done;
static unsigned dones;

static bool is_as_it_was(const struct said *said)
{
    return said->text && strcmp(said->text, "what") == 0 && said->number == heard + 1 &&
           said->yes && said->raw.size == 2 && memcmp(said->raw.data, "\0x", 2) == 0 &&
           said->op.source.id == 0 && said->share == 0.5;
}

static int on_said(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    heard = is_as_it_was(said_of(info)) ? heard + 1 : 1000;
    return asks ? tocsin_emit(step, NULL) : TOCSIN_NEXT;
}

static int on_done(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    done = *replay_done_of(info);
    dones++;
    return TOCSIN_NEXT;
}

static void unload(const char *name)
{
    struct tocsin_op op;

    if (tocsin_plugin_unload(name, TOCSIN_FUTURE, &op) < 0 || tocsin_wait(op, -1, NULL) < 0)
        exit(EXIT_FAILURE);
}

static bool record(void)
{
    char to[4096];
    FILE *stream;

    snprintf(to, sizeof to, "to=%s", file);
    if (tocsin_plugin_load("record", (const char *const[]){ to, "patterns=said", NULL }) < 0)
        return false;
    for (uint32_t number = 1; number <= ALL; number++) {
        tocsin_emit(signo, TOCSIN_PAYLOAD(said, .text = "what", .number = number, .yes = true,
                                          .raw = { "\0x", 2 }, .op = { { 7 } }, .share = 0.5));
        tocsin_clock_move(100);
    }
    unload("record");
    stream = fopen(file, "r");
    size = stream ? fread(bytes, 1, MOST, stream) : 0;
    return stream && fclose(stream) == 0 && size && size < MOST;
}

/* Replays the first length bytes of the recording. Moves the clock until the replay has ended, or
   by most_ms. Returns the result of the load. */
static int replay(size_t length, const char *setting, int most_ms)
{
    char from[4200];
    FILE *stream = fopen(cut, "w");
    int err;

    if (!stream || fwrite(bytes, 1, length, stream) != length || fclose(stream) < 0)
        exit(EXIT_FAILURE);
    heard = dones = 0;
    snprintf(from, sizeof from, "from=%s", cut);
    err = tocsin_plugin_load("replay", (const char *const[]){ from, setting, NULL });
    for (int i = 0; err >= 0 && !dones && i < most_ms; i++)
        tocsin_clock_move(1);
    return err;
}

static void scene_cuts(void)
{
    unsigned bad = 0, wholes = 0;
    size_t head = strcspn((const char *)bytes, "\n") + 1;

    for (size_t length = 0; length <= size; length++) {
        int err = replay(length, "speed=0", 100);

        if (err < 0) {
            bad += err != -EBADMSG || length >= head;
            continue;
        }
        bad += dones != 1 || done.emitted != heard || heard > ALL || done.skipped || done.lost;
        wholes += done.whole;
        unload("replay");
    }
    printf("cuts: %u bad, %u whole, the last has %u\n", bad, wholes, heard);
}

static void scene_flips(void)
{
    static const unsigned char masks[] = { 0x01, 0x80, 0xff };
    unsigned bad = 0;

    for (size_t at = 0; at < size; at++)
        for (size_t i = 0; i < sizeof masks; i++) {
            int err;

            bytes[at] ^= masks[i];
            err = replay(size, "speed=0", 100);
            bad += err < 0 ? err != -EBADMSG : dones != 1 || heard >= ALL || done.whole;
            if (err >= 0)
                unload("replay");
            bytes[at] ^= masks[i];
        }
    printf("flips: %u bad\n", bad);
}

static void scene_speed(void)
{
    unsigned early, late;

    replay(size, "speed=2", 60);
    early = heard;
    tocsin_clock_move(1000);
    late = heard;
    unload("replay");
    printf("speed: %u after 60 ms, %u at the end\n", early, late);
}

static void sum_write(unsigned char *frame)
{
    uint32_t length, sum = 2166136261u;

    memcpy(&length, frame, sizeof length);
    for (uint32_t i = 0; i < length; i++)
        sum = (sum ^ frame[8 + i]) * 16777619u;
    memcpy(frame + 4, &sum, sizeof sum);
}

/* Returns the frame of the nth emission. */
static unsigned char *frame_of(unsigned nth)
{
    unsigned char *frame = bytes + strcspn((const char *)bytes, "\n") + 1;
    uint32_t length;

    for (;; frame += 8 + length) {
        memcpy(&length, frame, sizeof length);
        if (frame[8] == 'E' && !nth--)
            return frame;
    }
}

/* Scene: each number in a frame gets its smallest and its largest value, with a correct checksum.
   The replay must end within a second of real time. */
static void scene_numbers(void)
{
    static const int64_t values[] = {
        INT64_MIN,  INT64_MIN + 1, INT32_MIN,     -1,       0, 1, INT32_MAX,
        UINT32_MAX, 1ll << 53,     INT64_MAX - 1, INT64_MAX
    };
    static const struct {
        unsigned at, size;
    } fields[] = { { 9, 4 },  { 13, 4 }, { 17, 4 }, { 21, 4 },
                   { 25, 8 }, { 33, 8 }, { 41, 8 }, { 49, 4 } };
    static const char *const speeds[] = { "speed=0", "speed=1", "speed=1000000", "speed=1e-300" };
    unsigned bad = 0, runs = 0;
    unsigned char was[8];

    for (unsigned nth = 0; nth < ALL; nth++)
        for (size_t field = 0; field < sizeof fields / sizeof *fields; field++)
            for (size_t i = 0; i < sizeof values / sizeof *values; i++)
                for (size_t k = 0; k < sizeof speeds / sizeof *speeds; k++, runs++) {
                    unsigned char *frame = frame_of(nth);

                    memcpy(was, frame + fields[field].at, 8);
                    memcpy(frame + fields[field].at, &values[i], fields[field].size);
                    sum_write(frame);
                    if (replay(size, speeds[k], 1000) < 0 || (dones != 1 && fields[field].at != 41))
                        bad++;
                    /* at this slow speed, the recorded steps need more than a year */
                    if (!dones)
                        tocsin_clock_move(366 * 86400000ll);
                    bad += !dones;
                    unload("replay");
                    memcpy(frame + fields[field].at, was, 8);
                    sum_write(frame);
                }
    printf("numbers: %u bad of %u\n", bad, runs);
}

static void scene_steps(void)
{
    replay(size, "step=yes", 100);
    printf("steps: %u", heard);
    tocsin_emit(step, NULL);
    printf(" %u", heard);
    asks = true;
    tocsin_emit(step, NULL);
    tocsin_clock_move(10);
    printf(" %u, %u at the end\n", heard, (unsigned)done.emitted);
    asks = false;
    unload("replay");
}

/* Scene: the signal is blocked, and its limit is one pending emission. The other emissions must
   wait in order. This wait must not put a handler into quarantine. */
static void scene_room(const char *setting)
{
    struct tocsin_block mask;

    if (tocsin_block("said", &mask) < 0)
        exit(EXIT_FAILURE);
    replay(size, setting, 10);
    for (int i = 0; i < 20; i++) {
        tocsin_emit(step, NULL);
        tocsin_clock_move(2);
    }
    printf("room: %u", heard);
    tocsin_unblock(mask);
    for (int i = 0; i < 100 && !dones; i++)
        tocsin_clock_move(1);
    printf(" %u %u\n", heard, dones);
    unload("replay");
}

/* Scene: the file is truncated while it is replayed. */
static void scene_short(void)
{
    FILE *stream;

    replay(size, "step=yes", 1);
    tocsin_emit(step, NULL);
    stream = fopen(cut, "w");
    if (!stream || fclose(stream) < 0)
        exit(EXIT_FAILURE);
    for (int i = 0; i < ALL; i++)
        tocsin_emit(step, NULL);
    printf("short: %u\n", dones);
    unload("replay");
}

int main(int argc, char *argv[])
{
    file = argc > 1 ? argv[1] : "recording";
    snprintf(cut, sizeof cut, "%s.cut", file);
    signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "said", .doc = "Something was said.", .layout = &said_layout, .limit = 1 });
    step = tocsin_declare(&(struct tocsin_signal_spec){ .name = "replay.step",
                                                        .doc = "One emission is to be replayed." });
    if (signo < 0 || tocsin_clock_move(0) < 0 || !record() ||
        tocsin_on("said", on_said, NULL) < 0 ||
        tocsin_connect("replay.done",
                       &(struct tocsin_action){ .fn = on_done, .flags = TOCSIN_EARLY }, NULL) < 0)
        return EXIT_FAILURE;
    scene_cuts();
    scene_flips();
    scene_speed();
    scene_numbers();
    scene_steps();
    scene_room("speed=0");
    scene_room("step=yes");
    scene_short();
    return EXIT_SUCCESS;
}
