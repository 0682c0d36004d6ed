/* What was left, as text. On public headers alone: what it tells, any program can find out. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tocsin.h>

#include "report/debug.h"

struct report { int fd, err, left; };

static void write_all(struct report *report, const char *text, size_t size)
{
    while (size && report->err == 0) {
        ssize_t wrote = write(report->fd, text, size);

        if (wrote < 0 && errno != EINTR)
            report->err = -errno;
        text += wrote < 0 ? 0 : wrote;
        size -= wrote < 0 ? 0 : (size_t)wrote;
    }
}

static __attribute__((format(printf, 2, 3))) void line(struct report *report, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof text - 1, format, arguments);
    va_end(arguments);
    size = size < (int)sizeof text - 1 ? size : (int)sizeof text - 2;
    text[size++] = '\n';
    write_all(report, text, (size_t)size);
}

static void left(struct report *report, const char *what, const char *of, const char *owner, const char *where)
{
    report->left++;
    line(report, "tocsin: left: %s%s%s, %s%s%s", what, *of ? " " : "", of, owner, *where ? ", " : "", where);
}

static void operations(struct report *report)
{
    struct tocsin_op_facts op = { .op = { { 0 } } };

    while (tocsin_op_next(op.op, &op) == 0)
        if (!op.serving)
            left(report, op.status == -EINPROGRESS ? "operation" : "result of", op.name, op.owner, "");
}

static void queues(struct report *report)
{
    struct tocsin_queue_facts queue = { .queue = { 0 } };

    while (tocsin_queue_next(queue.queue, &queue) == 0)
        left(report, queue.pattern ? "queue of" : "queue", queue.pattern ? queue.pattern : "", queue.owner, queue.where);
}

static void sources(struct report *report)
{
    struct tocsin_source_facts source = { .source = { 0 } };

    while (tocsin_source_next(source.source, &source) == 0)
        left(report, "source", "", source.owner, source.where);
}

static void blocks(struct report *report)
{
    struct tocsin_mask_facts mask = { .mask = { 0 } };

    while (tocsin_mask_next(mask.mask, &mask) == 0)
        left(report, "block of", mask.pattern, mask.owner, mask.where);
}

/* Whether a pattern has this very name among its parts. */
static bool has_name(const char *pattern, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = strstr(pattern, name); at; at = strstr(at + 1, name))
        if ((at == pattern || strchr(", ", at[-1])) && (!at[size] || strchr(", ", at[size])))
            return true;
    return false;
}

static void undeclared(struct report *report, const char *name)
{
    struct tocsin_handler_facts handler = { .handler = { 0 } };
    int err;

    while ((err = tocsin_handler_next(handler.handler, &handler)) == 0 && !has_name(handler.pattern, name))
        ;
    if (err == 0)
        left(report, "a name that nobody declared:", name, handler.owner, handler.where);
    else if (!tocsin_loop_current().id)
        left(report, "a name that nobody declared:", name, "somewhere", "");
}

/* What is pended, and names that somebody connected to early. */
static void signals(struct report *report)
{
    struct tocsin_signal_facts signal;

    for (int signo = 1; tocsin_signal_get(signo, &signal) == 0; signo++) {
        char what[64];

        snprintf(what, sizeof what, "%u pended of", signal.pended);
        if (signal.pended)
            left(report, what, signal.name, signal.owner, "");
        if (!signal.spec)
            undeclared(report, signal.name);
    }
}

static void handlers(struct report *report)
{
    struct tocsin_handler_facts handler = { .handler = { 0 } };

    while (tocsin_handler_next(handler.handler, &handler) == 0)
        if (!tocsin__debug_own(handler.handler))
            line(report, "tocsin: connected: %s to %s, %llu calls, %s%s%s",
                 *handler.function ? handler.function : handler.observer ? "observer" : "handler", handler.pattern,
                 (unsigned long long)handler.calls, handler.owner, *handler.where ? ", " : "", handler.where);
}

int tocsin_report(int fd)
{
    struct report report = { .fd = fd };

    operations(&report);
    queues(&report);
    sources(&report);
    blocks(&report);
    signals(&report);
    handlers(&report);
    return report.err < 0 ? report.err : report.left;
}
