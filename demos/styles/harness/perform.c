#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "perform.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../job.h"
#include "ledger.h"
#include "origin.h"
#include "process.h"

enum { NETWORK_DEADLINE_MS = 10000 };

int perform_deadline_ms(const struct options *options)
{
    return options->urls ? NETWORK_DEADLINE_MS : origin_deadline_ms(options->delay_ms);
}

/* Functions for the process that does the job */

static struct row *map_row(int fd)
{
    struct row *row = mmap(NULL, sizeof *row, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return row == MAP_FAILED ? NULL : row;
}

/* Makes the list of URLs. If the user gave URLs, they are repeated until there are enough.
   Otherwise the URLs are the pages of the origin. */
static const char *const *make_pages(const struct options *options)
{
    const char **pages = calloc((size_t)options->pages, sizeof *pages);
    char url[64];

    for (int i = 0; pages && i < options->pages; i++) {
        snprintf(url, sizeof url, "http://127.0.0.1:%d/page/%d", options->port, i + 1);
        pages[i] = options->urls ? options->urls[i % options->urls_count] : strdup(url);
    }
    return pages;
}

static const struct style *find_style(const char *name)
{
    for (int i = 0; i < STYLES; i++)
        if (strcmp(styles[i].name, name) == 0)
            return &styles[i];
    return NULL;
}

int perform_here(const struct options *options)
{
    const struct style *style = find_style(options->perform);
    const char *const *pages = make_pages(options);
    struct row *row = map_row(options->row_fd);

    if (!style || !pages || !row || ledger_open(2 * (size_t)options->pages, row) < 0)
        return 1;
    job_prepare(pages, options->pages, options->at_once, perform_deadline_ms(options));
    ledger_begin();
    row->status = style->run();
    row->left = tocsin_loop_free();
    ledger_close();
    row->complete = 1;
    return 0;
}

/* Functions for the parent process */

static void become(char *option, char **argv)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    size_t count = 0;

    while (argv[count])
        count++;
    char **arguments = calloc(count + 2, sizeof *arguments);
    if (arguments && length > 0) {
        self[length] = 0;
        arguments[0] = argv[0];
        arguments[1] = option;
        memcpy(arguments + 2, argv + 1, count * sizeof *argv);
        execv(self, arguments);
    }
    fprintf(stderr, "styles: cannot start the program again: %s\n", strerror(errno));
    _exit(1);
}

int perform_start(const struct style *style, int port, char **argv, struct row **ret_row)
{
    int fd = memfd_create("row", 0);
    char option[64];

    if (fd < 0 || ftruncate(fd, sizeof **ret_row) < 0 || !(*ret_row = map_row(fd)))
        return -errno;
    snprintf(option, sizeof option, "--perform=%s:%d:%d", style->name, port, fd);
    pid_t pid = process_fork();
    if (pid == 0)
        become(option, argv);
    close(fd);
    return pid;
}

int perform_probe(char **argv)
{
    static char option[] = "--probe";
    pid_t pid = process_fork();

    if (pid == 0)
        become(option, argv);
    return pid;
}
