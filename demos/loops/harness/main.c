/* The main function of demos/loops: emitters and handlers on several threads. Read ../traffic.h
   first, and then the six files beside it, one for each signal. The folder harness/ holds the code
   that runs, counts and draws them. */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tocsin/text.h>

#include "canvas.h"
#include "history.h"
#include "lanes.h"
#include "ledger.h"
#include "loops.h"
#include "pulse.h"
#include "screen.h"
#include "show.h"
#include "text.h"
#include "totals.h"
#include "wires.h"

enum { SECONDS = 4, SECONDS_MAX = 3600, SNAPSHOTS = 2 };

static const char usage[] = "Usage: loops [--seconds N]\n"
                            "Four loops on four threads and four senders without a loop exchange "
                            "signals, drawn as they run. Each signal shows one way\n"
                            "of sending. In the end everything sent must have been delivered, "
                            "merged or refused. Ctrl-C ends the run early.\n"
                            "\n"
                            "  -s, --seconds N       length of the run, in seconds (4)\n"
                            "  -h, --help            print this help\n";

static const struct option known[] = { { "seconds", required_argument, NULL, 's' },
                                       { "help", no_argument, NULL, 'h' },
                                       { NULL, 0, NULL, 0 } };

static int seconds = SECONDS;

_Noreturn static void end(FILE *file, int status)
{
    fputs(usage, file);
    exit(fflush(file) == 0 ? status : 1);
}

_Noreturn static void refuse_seconds(const char *said)
{
    char plain[256];

    tocsin_text_plain(said, strlen(said), plain, sizeof plain);
    fprintf(stderr, "loops: --seconds must be a whole number from 1 to %d, not '%s'.\n\n",
            SECONDS_MAX, plain);
    end(stderr, 2);
}

static void read_options(int argc, char **argv)
{
    char *rest;
    long said;
    int option;

    /* getopt() must print no messages, since they would contain the argument unescaped */
    opterr = 0;
    while ((option = getopt_long(argc, argv, "s:h", known, NULL)) != -1) {
        if (option == 'h')
            end(stdout, 0);
        if (option != 's')
            end(stderr, 2);
        said = strtol(optarg, &rest, 10);
        seconds = said < 1 || said > SECONDS_MAX ? 0 : (int)said;
        if (rest == optarg || *rest || !seconds)
            refuse_seconds(optarg);
    }
    if (optind < argc)
        end(stderr, 2);
}

/* Functions that draw the picture */

/* Draws a line that shows the elapsed time. */
static void draw_time(int row)
{
    double part = show_seconds() / show_length();

    for (int column = 0; column < screen()->columns; column++) {
        bool gone = column < part * screen()->columns;

        canvas_put(row, column, gone ? BLUE : FAINT,
                   screen()->utf8 ? gone ? "━" : "─"
                   : gone         ? "="
                                  : "-");
    }
}

/* Draws an explanation of the words in the picture. */
static void draw_legend(int row)
{
    canvas_text(row, 0, FAINT,
                "takes: median time from sending to handler; waiting: in the inbox, at most 896");
    canvas_text(row + 1, 0, FAINT,
                "lag: the longest turn lately, which delays all others; woken: by other threads");
}

static void draw(void)
{
    canvas_clear();
    canvas_text(0, 0, BOLD, "Four loops on four threads, and four senders without a loop");
    canvas_right(0, screen()->columns, PLAIN,
                 text_format("%.1f of %d s", show_seconds(), show_length()));
    draw_time(1);
    draw_legend(wires_draw(lanes_draw(3) + 1) + 1);
    canvas_show();
}

/* Returns true if a picture must be drawn now. On a terminal this is always true. Otherwise only a
   few pictures are drawn in the whole run. */
static bool is_due(void)
{
    static int snapshots;

    if (screen()->redrawn)
        return true;
    if (snapshots == SNAPSHOTS ||
        show_seconds() * (SNAPSHOTS + 1) < show_length() * (snapshots + 1))
        return false;
    snapshots++;
    return true;
}

static int on_tick(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    screen_measure();
    history_tick();
    if (is_due()) {
        draw();
        if (!screen()->redrawn)
            putchar('\n');
    }
    return TOCSIN_NEXT;
}

static int begin(void)
{
    int err = show_start(seconds);

    history_tick();
    return err < 0 ? err : tocsin_every(PULSE_MS, TOCSIN_EACH(on_tick), NULL);
}

/* Draws the last picture, with all deliveries. */
static void leave(void)
{
    if (!screen()->redrawn)
        return;
    history_tick();
    draw();
    canvas_leave();
    putchar('\n');
}

int main(int argc, char **argv)
{
    int err;
    bool good;

    setlocale(LC_CTYPE, "");
    read_options(argc, argv);
    screen_measure();
    err = ledger_open();
    if (err == 0)
        err = loops_run(begin);
    if (err < 0) {
        fprintf(stderr, "loops: %s\n", tocsin_strerror(err));
        return 1;
    }
    leave();
    good = totals_print();
    if (fflush(stdout) == 0 && !ferror(stdout))
        return good ? 0 : 1;
    perror("loops");
    return 1;
}
