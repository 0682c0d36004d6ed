#include "comparison.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <tocsin.h>

#include "figures.h"
#include "json.h"
#include "origin.h"
#include "perform.h"
#include "process.h"
#include "progress.h"
#include "svg.h"
#include "table.h"
#include "text.h"

enum { PROBE_LIMIT_MS = 20000, LIMIT_LEAST_MS = 60000 };

static int fail(const char *what, const char *why)
{
    progress_clear();
    fflush(stdout);
    fprintf(stderr, "styles: %s: %s\n", text_plain(what), text_plain(why));
    return -1;
}

static int fail_errno(const char *what, int err)
{
    return fail(what, strerror(-err));
}

/* Returns why the process of a style failed. Returns NULL if it did not fail. */
static const char *what_is_wrong(const struct row *row, int status)
{
    if (WIFSIGNALED(status))
        return strsignal(WTERMSIG(status));
    if (WEXITSTATUS(status) || !row->complete)
        return "its process has failed";
    if (row->status < 0)
        return text_format("it failed: %s", tocsin_strerror(row->status));
    if (row->left)
        return text_format("it left %d operations or handlers on its loop", row->left);
    return NULL;
}

/* Functions that run one style */

struct performance {
    const struct options *options;
    const struct style *style;
    const struct row *row;
    int fetches; /* the number of fetches that are expected; 0 means that the number is unknown */
};

static void show_progress(void *arg)
{
    const struct performance *p = arg;
    int ended = p->row->ended;

    if (p->options->json)
        return;
    progress_show(p->fetches
                      ? text_format("%s: %d of %d fetches", p->style->name, ended, p->fetches)
                      : text_format("%s: %d fetches", p->style->name, ended));
}

/* Returns the time limit of a style. It is five times the time that the slowest style needs. */
static int limit_ms(const struct options *options)
{
    double ms = 5 * (options->urls ? 2.0 * options->pages * perform_deadline_ms(options)
                                   : figures_bound(options).sum_ms);

    return ms < LIMIT_LEAST_MS ? LIMIT_LEAST_MS : ms > 1e9 ? (int)1e9 : (int)ms;
}

static int perform(const struct options *options, const struct style *style,
                   const struct origin *origin, char **argv, struct row **ret_row)
{
    int status, pid = perform_start(style, origin->port, argv, ret_row);

    if (pid < 0)
        return fail_errno(style->name, pid);
    struct performance p = { options, style, *ret_row,
                             options->urls ? 0 : figures_fetches(options) };
    int err = process_wait(pid, limit_ms(options), show_progress, &p, &status);

    progress_clear();
    if (err == -ETIMEDOUT)
        return fail(style->name, "it has not ended within its time limit");
    if (err < 0)
        return err;
    const char *wrong = what_is_wrong(*ret_row, status);
    return wrong ? fail(style->name, wrong) : 0;
}

/* Functions that run all styles */

static int perform_all(struct figures *figures, const struct origin *origin, char **argv)
{
    const struct options *options = figures->options;

    for (int i = 0; i < STYLES; i++) {
        struct row *row;

        if (!options->chosen[i])
            continue;
        if (perform(options, &styles[i], origin, argv, &row) < 0)
            return -1;
        if (!options->urls && origin_take(origin, &figures->asked[i]) < 0)
            return fail("the origin", "its process has ended");
        figures->rows[i] = row;
        if (!options->json)
            table_row(&styles[i], row);
    }
    return 0;
}

static void no_tick(void *arg)
{
    (void)arg;
}

static int try_urls(char **argv)
{
    int status, pid = perform_probe(argv);

    if (pid < 0)
        return fail_errno("trying the URLs", pid);
    int err = process_wait(pid, PROBE_LIMIT_MS, no_tick, NULL, &status);
    if (err == -ETIMEDOUT)
        return fail("trying the URLs", "timed out");
    return err < 0 ? err : status ? -1 : 0;
}

static int prepare(const struct options *options, struct origin *ret_origin, char **argv)
{
    int err = options->svg ? svg_open(options->svg) : 0;

    if (err < 0)
        return fail_errno(options->svg, err);
    if (options->urls)
        return try_urls(argv);
    err = origin_start(options->delay_ms, ret_origin);
    return err < 0 ? fail_errno("the origin", err) : 0;
}

/* Functions that show the results */

static int show(const struct figures *figures)
{
    const struct options *options = figures->options;
    char why[300];
    int agree = figures_agree(figures, why, sizeof why) == 0, status = 0;

    if (options->json)
        json_print(figures, agree);
    else
        table_timelines(figures);
    if (!options->json && agree)
        table_story(figures);
    int err = options->svg ? svg_draw(figures) : 0;
    if (err < 0)
        fail_errno(options->svg, err), status = 1;
    if (fflush(stdout) != 0 || ferror(stdout))
        fail_errno("standard output", -errno), status = 1;
    if (!agree)
        fail("the figures do not agree", why), status = 1;
    if (options->check && figures_check(figures) < 0 && !status)
        status = 3;
    return status;
}

int comparison_run(const struct options *options, char **argv)
{
    struct figures figures = { .options = options };
    struct origin origin = { .port = 0 };

    process_begin();
    int err = prepare(options, &origin, argv);
    if (err == 0 && !options->json)
        table_head(options);
    if (err == 0)
        err = perform_all(&figures, &origin, argv);
    progress_clear();
    int status = process_end(err < 0);
    if (status == 0)
        return show(&figures);
    svg_discard();
    return status;
}
