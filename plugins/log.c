/* The plugin "log": writes a line for each emission, as text or as JSON. The lines go to the
   standard error, a file, syslog or the journal. The plugin is an observer, so it neither stops an
   emission nor counts as a handler.

   patterns   which signals; default "**, !tocsin.**"
   to         stderr, stdout, file:PATH, syslog or journal; default stderr. A file is opened for
              appending. It is opened again after logrotate has moved it. Links are refused
   format     text: the time, the name, the error if there is one, and the payload;
              json: the time and the whole info (tocsin_info_json); default text
   facility   of syslog: user, daemon, local0 to local7; default user

   A line that cannot be written is lost. The next line that can be written states the number of
   lost lines. For a file, the plugin also prints the error once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <tocsin.h>

#include "state.h"
#include "trouble.h"

/* clang-format off */
TOCSIN_PLUGIN("log", "1.0",
    "Writes a line for each emission to stderr, a file, syslog or the journal, as text or JSON."
    TOCSIN_LICENCE("MIT")
    TOCSIN_SETTING("patterns", "pattern", "**, !tocsin.**", "Which signals are written.")
    TOCSIN_SETTING("to", "string", "stderr",
        "Where to write: stderr, stdout, file:PATH, syslog or journal.")
    TOCSIN_SETTING("format", "choice text|json", "text",
        "text: the time, the name, the payload; json: all of the emission.")
    TOCSIN_SETTING("facility",
        "choice user|daemon|local0|local1|local2|local3|local4|local5|local6|local7", "user",
        "The facility of syslog."));
/* clang-format on */

struct line {
    const char *text;
    size_t size;
    const struct tocsin_info *info;
};

static int fd = -1;
static bool json;
static bool owned;  /* true if the plugin itself has opened fd */
static bool broken; /* true if only a part of the last line was written */
/* the path of the file; NULL: fd is not a regular file */
static const char *path;
/* the function that writes a line; it returns 0 or -errno */
static int (*put)(const struct line *line);
static unsigned long long lost;
static struct trouble trouble = { .plugin = "log", .lost = "lines are lost until there is room" };
static char *memory;
static size_t room;

/* Destinations */

static int put_plain(const struct line *line)
{
    struct iovec parts[3] = { { "\n", broken }, { (void *)line->text, line->size }, { "\n", 1 } };
    ssize_t done;

    do
        done = writev(fd, parts, 3);
    while (done < 0 && errno == EINTR);
    if (done < 0)
        return -errno;
    if (done > 0)
        broken = (size_t)done < broken + line->size + 1;
    return broken ? -ENOSPC : 0;
}

/* Opens the file. O_NONBLOCK is needed, because a FIFO may have no reader. Symbolic and hard links
 * are refused: in a folder that other users may write to, a link could direct the lines into any
 * file of this user. */
static int open_path(void)
{
    int file = open(
        path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW, 0640);
    struct stat it;
    int err = 0;

    if (file < 0)
        return -errno;
    if (fstat(file, &it) < 0)
        err = -errno;
    else if (S_ISREG(it.st_mode) && it.st_nlink > 1)
        err = -EMLINK;
    if (err == 0)
        return file;
    close(file);
    return err;
}

/* Opens the path again if the file was removed, or moved, as logrotate does. If the open fails, the
   plugin continues to write to the old file. */
static void reopen_path(void)
{
    struct stat here, there;
    int fresh;

    if (fstat(fd, &here) < 0 ||
        (stat(path, &there) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino))
        return;
    fresh = open_path();
    if (fresh < 0)
        return;
    close(fd);
    fd = fresh;
    broken = false;
}

static int put_file(const struct line *line)
{
    reopen_path();
    return put_plain(line);
}

static int put_syslog(const struct line *line)
{
    syslog(line->info->status < 0 ? LOG_WARNING : LOG_INFO, "%.*s", (int)line->size, line->text);
    return 0;
}

static const struct sockaddr_un journal = { .sun_family = AF_UNIX,
                                            .sun_path = "/run/systemd/journal/socket" };

/* Sends a line to the journal, as a datagram of KEY=value lines. A log line contains no line break,
   since JSON escapes line breaks. */
static int put_journal(const struct line *line)
{
    char head[400];
    int size = snprintf(
        head, sizeof head,
        "SYSLOG_IDENTIFIER=tocsin\nPRIORITY=%d\nTOCSIN_SIGNAL=%s\nTOCSIN_STATUS=%d\nMESSAGE=",
        line->info->status < 0 ? LOG_WARNING : LOG_INFO, line->info->name, line->info->status);
    struct iovec parts[3] = { { head, (size_t)size },
                              { (void *)line->text, line->size },
                              { "\n", 1 } };

    return sendmsg(fd,
                   &(struct msghdr){ .msg_name = (void *)&journal,
                                     .msg_namelen = sizeof journal,
                                     .msg_iov = parts,
                                     .msg_iovlen = 3 },
                   MSG_NOSIGNAL) < 0
               ? -errno
               : 0;
}

/* Connects the socket only to check that the journal exists. Each line is sent to the journal's
   address, because a restarted journal has a new socket. */
static int open_journal(void)
{
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    owned = fd >= 0;
    put = put_journal;
    return fd < 0 || connect(fd, (const struct sockaddr *)&journal, sizeof journal) < 0 ? -errno
                                                                                        : 0;
}

static int open_file(const char *name)
{
    path = name;
    fd = open_path();
    owned = fd >= 0;
    put = put_file;
    return fd < 0 ? fd : 0;
}

static int open_syslog(const char *facility)
{
    int which = strcmp(facility, "daemon") == 0 ? LOG_DAEMON : LOG_USER;

    if (strncmp(facility, "local", 5) == 0 && facility[5] >= '0' && facility[5] <= '7' &&
        !facility[6])
        which = LOG_LOCAL0 + ((facility[5] - '0') << 3);
    else if (which == LOG_USER && strcmp(facility, "user") != 0)
        return -EINVAL;
    openlog("tocsin", LOG_PID | LOG_NDELAY, which);
    put = put_syslog;
    return 0;
}

static int open_to(const char *to)
{
    if (strcmp(to, "syslog") == 0)
        return open_syslog(tocsin_setting("facility", "user"));
    if (strcmp(to, "journal") == 0)
        return open_journal();
    if (strncmp(to, "file:", 5) == 0)
        return open_file(to + 5);
    fd = strcmp(to, "stdout") == 0 ? STDOUT_FILENO : STDERR_FILENO;
    put = put_plain;
    return fd == STDOUT_FILENO || strcmp(to, "stderr") == 0 ? 0 : -EINVAL;
}

/* Building the lines */

/* Writes the time of the wall clock. The loop's clock cannot be used, since the time at which it
 * began is unknown. */
static size_t time_write(char *buffer, size_t size)
{
    struct timespec now;
    struct tm parts;
    size_t length;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    length = strftime(buffer, size, "%Y-%m-%dT%H:%M:%S", &parts);
    return length + (size_t)snprintf(buffer + length, size - length, ".%06ldZ", now.tv_nsec / 1000);
}

static int grow(size_t size)
{
    char *more;

    if (size <= room)
        return 0;
    more = realloc(memory, size);
    if (!more)
        return -ENOMEM;
    memory = more;
    room = size;
    return 0;
}

/* Writes the info as JSON into memory, at the offset `at`. Returns the length of the text or an
 * error. */
static int info_write(const struct tocsin_info *info, size_t at)
{
    int size = tocsin_info_json(info, NULL, 0);
    int err = size < 0 ? size : grow(at + (size_t)size + 1);

    return err < 0 ? err : tocsin_info_json(info, memory + at, room - at);
}

/* Writes a line such as {"time":"…",…}: the object of the info, with the time as its first
   member. */
static int line_json(const struct tocsin_info *info, struct line *line)
{
    char head[64] = "{\"time\":\"";
    size_t length = 9 + time_write(head + 9, sizeof head - 12);
    int size;

    memcpy(head + length, "\",", 2);
    length += 2;
    /* the comma replaces the opening brace of the info's object */
    size = info_write(info, length - 1);
    if (size < 0)
        return size;
    memcpy(memory, head, length);
    *line = (struct line){ memory, length - 1 + (size_t)size, info };
    return 0;
}

/* Cuts the payload out of the JSON text. The payload is the last member of the JSON object. */
static int line_text(const struct tocsin_info *info, struct line *line)
{
    char head[512];
    size_t length = time_write(head, sizeof head);
    const char *payload;
    int size;

    length += (size_t)snprintf(head + length, sizeof head - length, " %s%s%s ", info->name,
                               info->status < 0 ? ": " : "",
                               info->status < 0 ? tocsin_strerror(info->status) : "");
    size = info_write(info, sizeof head);
    if (size < 0)
        return size;
    payload = strstr(memory + sizeof head, "\"payload\":");
    payload = payload ? payload + 10 : memory + sizeof head;
    size = (int)(memory + sizeof head + size - 1 - payload);
    memmove(memory, head, length);
    memmove(memory + length, payload, (size_t)size);
    *line = (struct line){ memory, length + (size_t)size, info };
    return 0;
}

static void say_lost(const struct tocsin_info *info)
{
    char when[64], text[128];
    int size;

    time_write(when, sizeof when);
    size = snprintf(text, sizeof text,
                    json        ? "{\"time\":\"%s\",\"lost\":%llu}"
                    : lost == 1 ? "%s %llu line was lost"
                                : "%s %llu lines were lost",
                    when, lost);

    if (put(&(struct line){ text, (size_t)size, info }) == 0)
        lost = 0;
}

static int on_any(const struct tocsin_info *info, void *arg)
{
    struct line line;
    int err = json ? line_json(info, &line) : line_text(info, &line);

    (void)arg;
    if (err == 0 && lost)
        say_lost(info);
    if (err == 0)
        err = put(&line);
    if (path)
        trouble_note(&trouble, path, err);
    lost += err < 0;
    return TOCSIN_NEXT;
}

/* A reload: the new version reports the lines that the old version lost. If the last line was cut
   off, the new version ends that line. */

enum { STATE_VERSION = 1 };
struct left {
    uint64_t lost, broken, device, inode;
};

static void state_save(void)
{
    struct left left = { .lost = lost, .broken = broken };
    struct stat it;

    if (fd >= 0 && fstat(fd, &it) == 0) {
        left.device = it.st_dev;
        left.inode = it.st_ino;
    }
    tocsin_state_save(STATE_VERSION, &left, sizeof left);
}

static void state_restore(void)
{
    struct tocsin_bytes state;
    struct left left;
    struct stat it;

    if (!state_take("log", STATE_VERSION, sizeof left, &state))
        return;
    memcpy(&left, state.data, sizeof left);
    lost = left.lost;
    broken = left.broken && fd >= 0 && fstat(fd, &it) == 0 && it.st_dev == left.device &&
             it.st_ino == left.inode;
}

static void clean(void)
{
    if (owned)
        close(fd);
    if (put == put_syslog)
        closelog();
    free(memory);
    memory = NULL;
    room = 0;
    owned = false;
}

static void refuse_to(int err)
{
    char why[512];

    snprintf(why, sizeof why, "to: cannot open %.150s: %s", tocsin_setting("to", "stderr"),
             err == -ELOOP    ? "it is a symbolic link: name the file itself"
             : err == -EMLINK ? "it has several names (hard links): choose a file with one name"
                              : strerror(-err));
    tocsin_plugin_fail(err, err == -EINVAL
                                ? "to: must be stderr, stdout, file:PATH, syslog or journal; "
                                  "facility: must be user, daemon, or local0 to local7"
                                : why);
}

int tocsin_plugin_init(void)
{
    const char *format = tocsin_setting("format", "text"),
               *patterns = tocsin_setting("patterns", "**, !tocsin.**");
    int err = open_to(tocsin_setting("to", "stderr"));

    json = strcmp(format, "json") == 0;
    if (err < 0)
        refuse_to(err);
    else if (!json && strcmp(format, "text") != 0)
        err = tocsin_plugin_fail(-EINVAL, "format: must be text or json");
    else if (tocsin_match(patterns, "a") < 0)
        err = tocsin_plugin_fail(-EINVAL, "patterns: not a valid pattern of signals");
    if (err == 0)
        err = tocsin_observe(patterns, &(struct tocsin_action){ .fn = on_any, .name = "on_any" },
                             NULL);
    if (err < 0)
        clean();
    else
        state_restore();
    return err;
}

void tocsin_plugin_fini(void)
{
    state_save();
    clean();
}
