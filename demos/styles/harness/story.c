#include "story.h"

#include <stdio.h>

#include "text.h"

enum { STORY_MAX = 2000, BLOCKING = 0, THREADING = 1 };

/* Returns a comparison such as "2.4 times the" or "80 % of the". */
static const char *times_the(double value, double other)
{
    double ratio = other > 0 ? value / other : 1;

    if (ratio > 0.95 && ratio < 1.05)
        return "about the same";
    return ratio > 1 ? text_format("%.1f times the", ratio)
                     : text_format("%.0f %% of the", ratio * 100);
}

const char *story_job(const struct options *options)
{
    const char *what = text_format(
        "%d page%s and the page that each names as its next one, %d at a time", options->pages,
        options->pages == 1 ? "" : "s", options->at_once);

    const char *takes = options->delay_ms
                            ? text_format("A page takes about %d ms, some pages six times as long",
                                          options->delay_ms)
                            : "A page takes no time";

    if (options->urls)
        return text_format("%s.", what);
    return text_format("%s. %s. A fetch fails after %d ms.", what, takes,
                       origin_deadline_ms(options->delay_ms));
}

/* Returns a list of names such as "callback, queue and coroutine". */
static const char *loop_names(const struct figures *figures, int count)
{
    const char *names = "";

    for (int i = 0; i < STYLES; i++)
        if (styles[i].kind == STYLE_LOOPS && figures->rows[i]) {
            names = text_format("%s%s%s", names,
                                !names[0]    ? ""
                                : count == 1 ? " and "
                                             : ", ",
                                styles[i].name);
            count--;
        }
    return names;
}

static const char *story_gain(const struct figures *figures)
{
    const struct row *synchronous = figures->rows[BLOCKING];
    struct range loops = figures_range(figures, FIGURE_WALL);

    if (!synchronous || !loops.count)
        return "";
    double least = synchronous->wall_ms / loops.most, most = synchronous->wall_ms / loops.least;
    const char *gain = least < 1.05 ? "nothing is gained here"
                                    : text_format("%s times less", text_range("%.1f", least, most));

    return text_format("One after the other, the fetches take %s. With %d in flight, still on one "
                       "thread, %s take%s %s: %s.",
                       text_time(synchronous->wall_ms), figures->options->at_once,
                       loop_names(figures, loops.count), loops.count == 1 ? "s" : "",
                       text_times(loops.least, loops.most), gain);
}

static const char *why_not_faster(const struct options *options, const struct bound *bound)
{
    if (bound->least_ms > bound->longest_ms)
        return text_format("all delays, %s, over %d", text_time(bound->sum_ms), options->at_once);
    if (bound->longest_ms == origin_deadline_ms(options->delay_ms))
        return "the deadline of the page that is never sent";
    return "the time of the slowest page and its next one";
}

static const char *story_bound(const struct figures *figures)
{
    struct range loops = figures_range(figures, FIGURE_WALL);
    struct bound bound = figures_bound(figures->options);

    if (figures->options->urls || !loops.count)
        return "";
    return text_format("No style could be faster than %s, %s: %s %s %% above that.",
                       text_time(bound.least_ms), why_not_faster(figures->options, &bound),
                       loops.count == 1 ? "it is" : "they are",
                       text_range("%.0f", (loops.least / bound.least_ms - 1) * 100,
                                  (loops.most / bound.least_ms - 1) * 100));
}

static const char *story_price(const struct figures *figures)
{
    const struct row *threads = figures->rows[THREADING], *coroutine = figures->rows[STYLES - 1];
    int more = styles[STYLES - 1].lines - styles[BLOCKING].lines;

    if (!threads || !coroutine)
        return "";
    return text_format(
        "A thread for each page costs %s CPU time and %s memory of the coroutines, whose file is "
        "%d lines longer than "
        "the synchronous one.",
        times_the(threads->cpu_ms, coroutine->cpu_ms),
        times_the((double)threads->memory_peak_kib, (double)coroutine->memory_peak_kib), more);
}

/* Joins all sentences that are not empty. */
static const char *join(const char *const *sentences, int count)
{
    static char story[STORY_MAX];
    size_t at = 0;

    story[0] = 0;
    for (int i = 0; i < count; i++)
        if (sentences[i][0])
            at += (size_t)snprintf(story + at, sizeof story - at, "%s%s", at ? " " : "",
                                   sentences[i]);
    return story;
}

const char *story_findings(const struct figures *figures)
{
    return join((const char *[]){ story_gain(figures), story_bound(figures), story_price(figures) },
                3);
}

const char *story_caption(const struct figures *figures)
{
    return join((const char *[]){ story_gain(figures), story_price(figures) }, 2);
}
