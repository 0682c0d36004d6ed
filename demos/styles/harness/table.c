#include "table.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "story.h"
#include "text.h"
#include "timeline.h"

enum { WIDTH = 80, WIDTH_LEAST = 60, WIDTH_MOST = 120, NAME = 13 };

static int width(void)
{
    struct winsize size;
    int columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : WIDTH;

    return columns < WIDTH_LEAST ? WIDTH_LEAST : columns > WIDTH_MOST ? WIDTH_MOST : columns;
}

/* Prints a text, wrapped to the width of the terminal. */
static void print_wrapped(const char *text)
{
    int at = 0, most = width();

    while (*text) {
        int word = (int)strcspn(text, " ");

        if (at && at + 1 + word > most)
            at = 0, putchar('\n');
        at += printf("%s%.*s", at ? " " : "", word, text);
        text += word + (text[word] == ' ');
    }
    putchar('\n');
}

void table_head(const struct options *options)
{
    print_wrapped(story_job(options));
    printf("\n%-*s%6s%12s%11s%11s%11s%10s\n", NAME, "style", "lines", "wall time", "CPU time",
           "in flight", "memory", "failures");
}

void table_row(const struct style *style, const struct row *row)
{
    printf("%-*s%6d%12s%11s%11d%11s%10" PRId64 "\n", NAME, style->name, style->lines,
           text_time(row->wall_ms), text_time(row->cpu_ms), row->in_flight_max,
           text_memory(row->memory_peak_kib), row->failures);
    fflush(stdout);
}

/* Functions that draw timelines */

struct ink {
    const char *levels[9], *on;
}; /* levels[] has the characters from empty to full; `on` marks a row that was cut */

static const struct ink blocks = { { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }, "▶" };
static const struct ink letters = { { " ", ".", ":", "-", "=", "+", "*", "%", "#" }, ">" };

static const struct ink *ink(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? &blocks : &letters;
}

static int level(double mean, int at_once)
{
    int eighths = (int)(mean / at_once * 8 + 0.5);

    return mean < 0.02 ? 0 : eighths < 1 ? 1 : eighths > 8 ? 8 : eighths;
}

static void draw_row(const struct figures *figures, int i, double span_ms, int columns)
{
    const struct row *row = figures->rows[i];
    double cell_ms = span_ms / columns;

    printf("%-*s", NAME, styles[i].name);
    for (int column = 0; column < columns && column * cell_ms < row->wall_ms; column++)
        fputs(ink()->levels[level(timeline_mean(row, column * cell_ms, (column + 1) * cell_ms),
                                  figures->options->at_once)],
              stdout);
    if (row->wall_ms > span_ms * 1.001)
        printf(" %s %s", ink()->on, text_time(row->wall_ms));
    putchar('\n');
}

static void draw_axis(double span_ms, int columns)
{
    double step_ms = timeline_step_ms(span_ms, columns / 7);
    int at = 0;

    printf("%-*s", NAME, "");
    for (double ms = 0; ms <= span_ms * 1.001; ms += step_ms) {
        int column = (int)(ms / span_ms * columns);

        at += printf("%*s%.*f", column - at, "", step_ms < 1 ? 1 : 0, ms);
    }
    puts(" ms");
}

void table_timelines(const struct figures *figures)
{
    double span_ms = timeline_span_ms(figures);
    int columns = width() - NAME - 10;

    puts("\nfetches in flight, over time");
    for (int i = 0; i < STYLES; i++)
        if (figures->rows[i])
            draw_row(figures, i, span_ms, columns);
    draw_axis(span_ms, columns);
}

void table_story(const struct figures *figures)
{
    putchar('\n');
    print_wrapped(story_findings(figures));
}
