/* What "record" writes and "replay" emits, in a program that moves the clock itself: recording FILE. Each scene prints a line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tocsin.h>

#define SAID(F) F(string, text) F(u32, number) F(bool, yes) F(bytes, raw) F(op, op) F(f64, share)
TOCSIN_LAYOUT(said, SAID);
#define REPLAY_DONE(F) F(u64, emitted) F(u64, skipped) F(u64, lost) F(bool, whole)
TOCSIN_LAYOUT(replay_done, REPLAY_DONE);

enum { ALL = 4, MOST = 4096 };

static const char *file;
static char cut[4096];                                 /* another file */
static unsigned char bytes[MOST];
static size_t size;
static int signo, step;
static unsigned heard;                                 /* in its order, each as it was said */
static bool asks;
static struct replay_done done;
static unsigned dones;

static bool is_as_it_was(const struct said *said)
{
    return said->text && strcmp(said->text, "what") == 0 && said->number == heard + 1 && said->yes && said->raw.size == 2 && memcmp(said->raw.data, "\0x", 2) == 0 &&
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
        tocsin_emit(signo, TOCSIN_PAYLOAD(said, .text = "what", .number = number, .yes = true, .raw = { "\0x", 2 }, .op = { { 7 } }, .share = 0.5));
        tocsin_clock_move(100);
    }
    unload("record");
    stream = fopen(file, "r");
    size = stream ? fread(bytes, 1, MOST, stream) : 0;
    return stream && fclose(stream) == 0 && size && size < MOST;
}

/* What load answered; and until it is over, or no more than so many milliseconds of the clock. */
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

/* What is blocked has room for one: the others come in their order, and nobody is put into quarantine for the waiting. */
static void scene_room(const char *setting)
{
    struct tocsin_mask mask;

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

/* The file is cut off while it is replayed. */
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
    signo = tocsin_declare(&(struct tocsin_spec){ .name = "said", .doc = "Something was said.", .layout = &said_layout, .limit = 1 });
    step = tocsin_declare(&(struct tocsin_spec){ .name = "replay.step", .doc = "One emission is to be replayed." });
    if (signo < 0 || tocsin_clock_move(0) < 0 || !record() || tocsin_on("said", on_said, NULL) < 0 ||
        tocsin_connect("replay.done", &(struct tocsin_action){ .fn = on_done, .flags = TOCSIN_EARLY }, NULL) < 0)
        return EXIT_FAILURE;
    scene_cuts();
    scene_flips();
    scene_speed();
    scene_steps();
    scene_room("speed=0");
    scene_room("step=yes");
    scene_short();
    return EXIT_SUCCESS;
}
