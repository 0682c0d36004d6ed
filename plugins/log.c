/* The plugin "log": a line for each emission that matches, as text or JSON, to standard error, a file, syslog or the journal. It observes: it stops nothing, and counts as nobody's handler.

   patterns   what is logged: "**, !tocsin.**" unless said otherwise
   to         stderr; file:PATH, opened for appending, and anew when it has been moved away; syslog; journal
   format     text: the time, the name, what went wrong, the payload; json: the whole info (tocsin_info_json) with the time
   facility   of syslog: user, daemon, local0 … local7

   What cannot be written is lost and counted, and the next line that can says how many were. */
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

TOCSIN_PLUGIN("log", "1.0", "Writes a line for each emission: stderr, file, syslog or journal; text or JSON." TOCSIN_LICENCE("MIT"));

struct line { const char *text; size_t size; const struct tocsin_info *info; };

static int fd = -1;
static bool json, owned, broken;                       /* broken: the last line was written in part */
static const char *path;                               /* of the file; NULL: it is none */
static int (*put)(const struct line *line);            /* 0; -errno */
static unsigned long long lost;
static char *memory;
static size_t room;

/* Where to */

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

/* Not one that waits for a reader, as a pipe does. */
static int open_path(void)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

/* Moved away, as logrotate does, or removed: the old file is written to until there is a new one. */
static void follow_path(void)
{
    struct stat here, there;
    int fresh;

    if (fstat(fd, &here) < 0 || (stat(path, &there) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino))
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
    follow_path();
    return put_plain(line);
}

static int put_syslog(const struct line *line)
{
    syslog(line->info->status < 0 ? LOG_WARNING : LOG_INFO, "%.*s", (int)line->size, line->text);
    return 0;
}

static const struct sockaddr_un journal = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };

/* The journal's own protocol: a datagram of fields. A line has no line break in it (JSON writes them as \n), so each is KEY=value. */
static int put_journal(const struct line *line)
{
    char head[400];
    int size = snprintf(head, sizeof head, "SYSLOG_IDENTIFIER=tocsin\nPRIORITY=%d\nTOCSIN_SIGNAL=%s\nTOCSIN_STATUS=%d\nMESSAGE=",
                        line->info->status < 0 ? LOG_WARNING : LOG_INFO, line->info->name, line->info->status);
    struct iovec parts[3] = { { head, (size_t)size }, { (void *)line->text, line->size }, { "\n", 1 } };

    return sendmsg(fd, &(struct msghdr){ .msg_name = (void *)&journal, .msg_namelen = sizeof journal, .msg_iov = parts, .msg_iovlen = 3 }, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Connected to see that it is there; each line names it, since a journal that was started anew is another. */
static int open_journal(void)
{
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    owned = fd >= 0;
    put = put_journal;
    return fd < 0 || connect(fd, (const struct sockaddr *)&journal, sizeof journal) < 0 ? -errno : 0;
}

static int open_file(const char *name)
{
    path = name;
    fd = open_path();
    owned = fd >= 0;
    put = put_file;
    return fd < 0 ? -errno : 0;
}

static int open_syslog(const char *facility)
{
    int which = strcmp(facility, "daemon") == 0 ? LOG_DAEMON : LOG_USER;

    if (strncmp(facility, "local", 5) == 0 && facility[5] >= '0' && facility[5] <= '7' && !facility[6])
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
    fd = STDERR_FILENO;
    put = put_plain;
    return strcmp(to, "stderr") == 0 ? 0 : -EINVAL;
}

/* What */

/* The wall clock: the loop's own begins at an unknown time. */
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

/* Of the info as JSON, behind the time; at is where its text begins. */
static int info_write(const struct tocsin_info *info, size_t at)
{
    int size = tocsin_info_json(info, NULL, 0);
    int err = size < 0 ? size : grow(at + (size_t)size + 1);

    return err < 0 ? err : tocsin_info_json(info, memory + at, room - at);
}

/* {"time":"…", and the rest of the object. */
static int line_json(const struct tocsin_info *info, struct line *line)
{
    char head[64] = "{\"time\":\"";
    size_t length = 9 + time_write(head + 9, sizeof head - 12);
    int size;

    memcpy(head + length, "\",", 2);
    length += 2;
    size = info_write(info, length - 1);                   /* its own bracket is where our comma comes */
    if (size < 0)
        return size;
    memcpy(memory, head, length);
    *line = (struct line){ memory, length - 1 + (size_t)size, info };
    return 0;
}

/* The payload is the last field of the object. */
static int line_text(const struct tocsin_info *info, struct line *line)
{
    char head[512];
    size_t length = time_write(head, sizeof head);
    const char *payload;
    int size;

    length += (size_t)snprintf(head + length, sizeof head - length, " %s%s%s ", info->name, info->status < 0 ? ": " : "", info->status < 0 ? tocsin_strerror(info->status) : "");
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
    size = snprintf(text, sizeof text, json ? "{\"time\":\"%s\",\"lost\":%llu}" : lost == 1 ? "%s %llu line was lost" : "%s %llu lines were lost", when, lost);

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
    lost += err < 0;
    return TOCSIN_NEXT;
}

int tocsin_plugin_init(void)
{
    const char *format = tocsin_setting("format", "text"), *patterns = tocsin_setting("patterns", "**, !tocsin.**");
    int err = open_to(tocsin_setting("to", "stderr"));

    json = strcmp(format, "json") == 0;
    if (err < 0)
        tocsin_plugin_refuse(err, err == -EINVAL ? "to: stderr, file:PATH, syslog or journal; facility: user, daemon, local0 to local7" : "to: it cannot be opened");
    else if (!json && strcmp(format, "text") != 0)
        err = tocsin_plugin_refuse(-EINVAL, "format: text or json");
    else if (tocsin_match(patterns, "a") < 0)
        err = tocsin_plugin_refuse(-EINVAL, "patterns: malformed");
    if (err == 0)
        err = tocsin_observe(patterns, &(struct tocsin_action){ .fn = on_any }, NULL);
    if (err < 0)
        tocsin_plugin_fini();
    return err;
}

void tocsin_plugin_fini(void)
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
