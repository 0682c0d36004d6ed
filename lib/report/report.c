/* Prints the objects that are left on a loop. It uses public headers only, so a program can print
 * the same in its own way. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tocsin.h>
#include <tocsin/inspect.h>
#include <tocsin/stream.h>

#include "base/refusal.h"
#include "report/line.h"
#include "report/observers.h"
#include "report/refusals.h"

struct report {
    int fd, err, left;
};

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

static __attribute__((format(printf, 2, 3))) void report_line(struct report *report,
                                                              const char *format, ...)
{
    char text[TOCSIN__LINE_SIZE];
    va_list values;
    size_t size;

    va_start(values, format);
    size = tocsin__line(text, format, values);
    va_end(values);
    write_all(report, text, size);
}

static void report_left(struct report *report, const char *what, const char *of, const char *owner,
                        const char *where)
{
    report->left++;
    report_line(report, "tocsin: left: %s%s%s, %s%s%s", what, *of ? " " : "", of, owner,
                *where ? ", " : "", where);
}

/* The peer of a stream that is open, and how many bytes wait to be sent. */
static void stream_note(const struct tocsin_op_facts *op, char *note, size_t size)
{
    struct tocsin_stream_facts facts;

    *note = 0;
    if (strcmp(op->name, "stream.closed") != 0 || op->status != -EINPROGRESS ||
        tocsin_stream_get(op->op, &facts) < 0)
        return;
    snprintf(note, size, "%s%s%llu bytes wait to be sent", facts.peer, *facts.peer ? ", " : "",
             (unsigned long long)facts.waiting_bytes);
}

static void report_operations(struct report *report)
{
    struct tocsin_op_facts op = { .op = { { 0 } } };
    char place[256], note[256];

    while (tocsin_op_next(op.op, &op) == 0) {
        tocsin__debug_place(op.started, place, sizeof place);
        if (op.serving || op.ended)
            continue;
        stream_note(&op, note, sizeof note);
        report_left(report, op.status == -EINPROGRESS ? "operation" : "result of", op.name,
                    op.owner, *note ? note : place);
        if (*note && *place)
            report_line(report, "tocsin:       %s", place);
    }
}

static void report_queues(struct report *report)
{
    struct tocsin_queue_facts queue = { .queue = { 0 } };

    while (tocsin_queue_next(queue.queue, &queue) == 0)
        report_left(report, queue.pattern ? "queue of" : "queue",
                    queue.pattern ? queue.pattern : "", queue.owner, queue.where);
}

static void report_sources(struct report *report)
{
    struct tocsin_source_facts source = { .source = { 0 } };

    while (tocsin_source_next(source.source, &source) == 0)
        report_left(report, "source", "", source.owner, source.where);
}

static void report_blocks(struct report *report)
{
    struct tocsin_block_facts block = { .block = { 0 } };

    while (tocsin_block_next(block.block, &block) == 0)
        report_left(report, "block of", block.pattern, block.owner, block.where);
}

/* Returns true if one item of the pattern list is equal to this name. */
static bool has_name(const char *pattern, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = strstr(pattern, name); at; at = strstr(at + 1, name))
        if ((at == pattern || strchr(", ", at[-1])) && (!at[size] || strchr(", ", at[size])))
            return true;
    return false;
}

static void report_undeclared(struct report *report, const char *name)
{
    struct tocsin_handler_facts handler = { .handler = { 0 } };
    int err;

    while ((err = tocsin_handler_next(handler.handler, &handler)) == 0 &&
           !has_name(handler.pattern, name))
        ;
    if (err == 0)
        report_left(report, "a name that nobody declared:", name, handler.owner, handler.where);
    else if (!tocsin_loop_current().id)
        report_left(report, "a name that nobody declared:", name, "somewhere", "");
}

/* Reports pending emissions, and names that have handlers but are not declared. */
static void report_signals(struct report *report)
{
    struct tocsin_signal_facts signal;

    for (int signo = 1; tocsin_signal_get(signo, &signal) == 0; signo++) {
        char what[64];

        snprintf(what, sizeof what, "%u pending emission%s of", signal.pending,
                 signal.pending == 1 ? "" : "s");
        if (signal.pending)
            report_left(report, what, signal.name, signal.owner, "");
        if (!signal.spec)
            report_undeclared(report, signal.name);
    }
}

static void report_handlers(struct report *report)
{
    struct tocsin_handler_facts handler = { .handler = { 0 } };

    while (tocsin_handler_next(handler.handler, &handler) == 0)
        if (!tocsin__debug_own(handler.handler))
            report_line(report, "tocsin: connected: %s to %s, %llu calls, %s%s%s",
                        *handler.function  ? handler.function
                        : handler.observer ? "observer"
                                           : "handler",
                        handler.pattern, (unsigned long long)handler.calls, handler.owner,
                        *handler.where ? ", " : "", handler.where);
}

int tocsin_report(int fd)
{
    struct report report = { .fd = fd };

    report_operations(&report);
    report_queues(&report);
    report_sources(&report);
    report_blocks(&report);
    report_signals(&report);
    report_handlers(&report);
    return tocsin__traced(report.err < 0 ? report.err : report.left);
}
