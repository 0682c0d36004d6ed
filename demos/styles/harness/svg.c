#include "svg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "story.h"
#include "text.h"
#include "timeline.h"

/* The measures of a picture of 1280 pixels: names on the left, timelines in the middle, figures on
   the right. */
enum {
    WIDTH = 1280,
    MARGIN = 64,
    LEFT = 208,
    RIGHT = 856, /* timelines are drawn from LEFT to RIGHT */
    TOP = 172,
    ROW = 46,
    BAR = 34, /* TOP: the first row; ROW: the distance of two rows; BAR: the height of a full bar */
    /* STRIP and STRIP_ROW: the height and the distance of the small bars, which are drawn to one
       scale */
    STRIP = 5,
    STRIP_ROW = 8,
    CELL = 2,
    LINE = 25
};

static const struct column {
    const char *title;
    int right;
} columns[] = {
    { "wall time", 958 },
    { "CPU time", 1046 },
    { "memory", 1142 },
    { "lines", 1216 },
};

static const char *const colours[] = {
    [STYLE_BLOCKS] = "#6b7280", [STYLE_THREADS] = "#d97706", [STYLE_LOOPS] = "#0e7490"
};

static FILE *out;
static const char *name;
/* the name of the temporary file; empty if the picture is written to the file itself */
static char fresh[4120];

/* The picture is written to a temporary file, which is renamed when it is complete. So a failed run
   leaves the old file unchanged. The temporary name is random, so that no other user can have put a
   link there. */

static int fresh_open(void)
{
    const char *slash = strrchr(name, '/');
    unsigned long long number;
    int fd;

    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return -EAGAIN;
    if (snprintf(fresh, sizeof fresh, "%.*s.styles-%016llx", slash ? (int)(slash - name + 1) : 0,
                 name, number) >= (int)sizeof fresh)
        return -ENAMETOOLONG;
    fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    return fd < 0 ? -errno : fd;
}

static int device_open(void)
{
    /* O_NONBLOCK, since open() of a FIFO without a reader would wait */
    int fd = open(name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

    *fresh = '\0';
    if (fd < 0)
        return -errno;
    fcntl(fd, F_SETFL, 0);
    out = fdopen(fd, "w");
    return out ? 0 : -errno;
}

int svg_open(const char *file)
{
    struct stat it;
    int fd;

    name = file;
    if (lstat(name, &it) == 0 && !S_ISREG(it.st_mode))
        return device_open();
    fd = fresh_open();
    if (fd < 0)
        return fd;
    close(fd);
    unlink(fresh);
    return 0;
}

static int begin(void)
{
    int fd = out ? 0 : fresh_open();

    if (out || fd < 0)
        return fd;
    out = fdopen(fd, "w");
    return out ? 0 : -errno;
}

void svg_discard(void)
{
    if (!out)
        return;
    fclose(out);
    out = NULL;
}

/* Functions that write text */

static void text(double x, double y, const char *class, const char *words)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">%s</text>\n", x, y, class, words);
}

/* Writes a text in lines of at most `letters` characters. */
static void paragraph(double y, const char *class, const char *words, int letters)
{
    while (*words) {
        int length = (int)strlen(words), line = length;

        if (length > letters)
            for (line = letters; line > 0 && words[line] != ' '; line--)
                ;
        text(MARGIN, y, class, text_format("%.*s", line, words));
        words += line + (words[line] == ' ');
        y += LINE;
    }
}

/* Functions that draw rows */

static double x_of(double ms, double span_ms)
{
    return LEFT + (RIGHT - LEFT) * ms / span_ms;
}

static void draw_area(const struct row *row, int at_once, double span_ms, double bottom,
                      const char *colour)
{
    double end = row->wall_ms < span_ms ? x_of(row->wall_ms, span_ms) : RIGHT,
           ms_per_pixel = span_ms / (RIGHT - LEFT);

    fprintf(out, "<path fill=\"%s\" d=\"M%d %.1f", colour, LEFT, bottom);
    for (double x = LEFT; x < end; x += CELL) {
        double to = x + CELL < end ? x + CELL : end;
        double mean = timeline_mean(row, (x - LEFT) * ms_per_pixel, (to - LEFT) * ms_per_pixel);

        fprintf(out, "V%.1fH%.1f", bottom - mean / at_once * BAR, to);
    }
    fprintf(out, "V%.1fZ\"/>\n", bottom);
}

/* Draws an arrow at the right end of a row that is too long for the picture. */
static void draw_cut(const struct row *row, double bottom, const char *colour)
{
    fprintf(out, "<path fill=\"%s\" d=\"M%d %.1fl13 7l-13 7z\"/>\n", colour, RIGHT, bottom - 8);
    text(LEFT + 10, bottom - 11, "cut", text_format("continues to %s", text_time(row->wall_ms)));
}

static void draw_figures(const struct style *style, const struct row *row, double y)
{
    const char *figures[] = { text_time(row->wall_ms), text_time(row->cpu_ms),
                              text_memory(row->memory_peak_kib), text_format("%d", style->lines) };

    for (int i = 0; i < 4; i++)
        text(columns[i].right, y, "figure", figures[i]);
}

static void draw_row(const struct figures *figures, int i, double span_ms, double top)
{
    const struct row *row = figures->rows[i];
    const char *colour = colours[styles[i].kind];
    double bottom = top + BAR;

    fprintf(out, "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%d\" fill=\"#f3f4f6\"/>\n", LEFT,
            top, RIGHT - LEFT, BAR);
    draw_area(row, figures->options->at_once, span_ms, bottom, colour);
    if (row->wall_ms > span_ms * 1.001)
        draw_cut(row, bottom, colour);
    text(MARGIN, top + 24, "name", styles[i].name);
    draw_figures(&styles[i], row, top + 24);
}

/* Functions that draw the head and the axis */

static void draw_axis(double span_ms, double y)
{
    double step_ms = timeline_step_ms(span_ms, 8);

    for (double ms = 0; ms <= span_ms * 1.001; ms += step_ms) {
        fprintf(out, "<path stroke=\"#9ca3af\" d=\"M%.1f %.1fv6\"/>\n", x_of(ms, span_ms), y);
        text(x_of(ms, span_ms), y + 22, "tick",
             text_format("%.*f%s", step_ms < 1 ? 1 : 0, ms, ms > 0 ? "" : " ms"));
    }
}

static void draw_bound(const struct figures *figures, double span_ms, double bottom)
{
    struct bound bound = figures_bound(figures->options);
    double x = x_of(bound.least_ms, span_ms);

    if (figures->options->urls || bound.least_ms > span_ms)
        return;
    fprintf(out, "<path stroke=\"#111827\" stroke-dasharray=\"2 4\" d=\"M%.1f %dV%.1f\"/>\n", x,
            TOP - 6, bottom);
    fprintf(out, "<text x=\"%.1f\" y=\"%d\" class=\"bound\">least possible: %s</text>\n", x,
            TOP - 13, text_time(bound.least_ms));
}

/* If a row is cut in the picture above, this function draws all rows once more, to one scale. */
static void draw_strip(const struct figures *figures, double y)
{
    double longest = 0;

    for (int i = 0; i < STYLES; i++)
        if (figures->rows[i] && figures->rows[i]->wall_ms > longest)
            longest = figures->rows[i]->wall_ms;
    text(MARGIN, y + STRIP * 4, "head", "wall time, to scale");
    for (int i = 0; i < STYLES; i++)
        if (figures->rows[i]) {
            fprintf(out, "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
                    LEFT, y, (RIGHT - LEFT) * figures->rows[i]->wall_ms / longest, STRIP,
                    colours[styles[i].kind]);
            y += STRIP_ROW;
        }
}

static void draw_head(const struct figures *figures)
{
    int count = 0;
    long fetches = 0;

    for (int i = 0; i < STYLES; i++)
        if (figures->rows[i])
            count++, fetches = (long)figures->rows[i]->fetches;
    text(MARGIN, 62, "title",
         text_format("The same %ld fetches in %d style%s", fetches, count, count == 1 ? "" : "s"));
    paragraph(98, "job", story_job(figures->options), 130);
    text(LEFT, TOP - 13, "head", text_format("in flight, up to %d", figures->options->at_once));
    for (int i = 0; i < 4; i++)
        text(columns[i].right, TOP - 13, "head right", columns[i].title);
}

static const char style_sheet[] =
    "<style>\n"
    "text{font-family:Inter,'Helvetica Neue',Helvetica,Arial,'DejaVu "
    "Sans',sans-serif;fill:#111827}\n"
    ".title{font-size:32px;font-weight:700;letter-spacing:-.01em}\n"
    ".job{font-size:16px;fill:#4b5563}\n"
    ".head{font-size:13px;fill:#6b7280}\n"
    ".right{text-anchor:end}\n"
    ".name{font-size:18px;font-weight:600}\n"
    ".figure{font-size:17px;text-anchor:end;font-variant-numeric:tabular-nums}\n"
    ".tick{font-size:13px;fill:#6b7280;text-anchor:middle}\n"
    ".bound{font-size:13px;fill:#111827;text-anchor:end}\n"
    ".cut{font-size:14px;fill:#374151;paint-order:stroke;stroke:#f3f4f6;stroke-width:4px}\n"
    ".story{font-size:18px;fill:#111827}\n"
    "</style>\n";

static int finish(void)
{
    int err = fflush(out) != 0 || ferror(out) ? -errno : 0;

    if (fclose(out) != 0 && err == 0)
        err = -errno;
    out = NULL;
    if (err == 0 && *fresh && rename(fresh, name) < 0)
        err = -errno;
    if (err < 0 && *fresh)
        unlink(fresh);
    return err;
}

static int is_cut(const struct figures *figures)
{
    double span_ms = timeline_span_ms(figures);

    for (int i = 0; i < STYLES; i++)
        if (figures->rows[i] && figures->rows[i]->wall_ms > span_ms)
            return 1;
    return 0;
}

int svg_draw(const struct figures *figures)
{
    double span_ms = timeline_span_ms(figures) * 1.02, y = TOP;
    int count = 0, err = begin();

    if (err < 0)
        return err;
    for (int i = 0; i < STYLES; i++)
        count += figures->rows[i] != NULL;
    int strip = is_cut(figures) ? count * STRIP_ROW + 20 : 0,
        height = TOP + count * ROW + strip + 150;

    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\">\n%s"
            "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n",
            WIDTH, height, WIDTH, height, style_sheet, WIDTH, height);
    draw_head(figures);
    for (int i = 0; i < STYLES; i++)
        if (figures->rows[i])
            draw_row(figures, i, span_ms, y), y += ROW;
    y -= ROW - BAR;
    draw_bound(figures, span_ms, y);
    draw_axis(span_ms, y);
    if (strip)
        draw_strip(figures, y + 48);
    paragraph(y + 68 + strip, "story", story_caption(figures), 118);
    fputs("</svg>\n", out);
    return finish();
}
