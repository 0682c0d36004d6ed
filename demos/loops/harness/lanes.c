#include "lanes.h"

#include "canvas.h"
#include "history.h"
#include "loops.h"
#include "screen.h"
#include "text.h"

/* The columns at which the figures on the right side end, counted from the right edge. The
   sparkline, a small chart, gets the remaining columns. */
enum {
    THREAD_END = 13,
    SPARK = 15,
    RATE_END = 43,
    TAKES_END = 34,
    WAIT_END = 26,
    LAG_END = 18,
    WOKEN_END = 9,
    FIGURES = 49
};

static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
static const char *const letters[] = { " ", ".", ":", "-", "=", "+", "*", "%", "#" };

/* This many messages in the inbox mean that the inbox is nearly full. */
enum { ROOM = TOCSIN_INBOX - 128 };

static int spark_columns(void)
{
    int columns = screen()->columns - SPARK - FIGURES;

    return columns > HISTORY_TICKS - 1 ? HISTORY_TICKS - 1 : columns;
}

static uint64_t deliveries(int loop, int ticks_ago)
{
    return ledger_loop(&history_ago(ticks_ago)->ledger, loop).delivered -
           ledger_loop(&history_ago(ticks_ago + 1)->ledger, loop).delivered;
}

static int spark_ticks(void)
{
    return spark_columns() < history_ticks() - 1 ? spark_columns() : history_ticks() - 1;
}

static uint64_t deliveries_most(int loop)
{
    uint64_t most = 1;

    for (int i = 0; i < spark_ticks(); i++)
        if (deliveries(loop, i) > most)
            most = deliveries(loop, i);
    return most;
}

/* Draws the sparkline (a small chart) of a loop. Each loop has a scale of its own: a full cell
   stands for the largest value shown. */
static void draw_spark(int row, int loop)
{
    const char *const *ink = screen()->utf8 ? blocks : letters;
    uint64_t most = deliveries_most(loop);

    for (int i = 0; i < spark_ticks(); i++)
        canvas_put(row, SPARK + spark_columns() - 1 - i, BLUE,
                   ink[(deliveries(loop, i) * 8 + most - 1) / most]);
}

static void draw_head(int row)
{
    int right = screen()->columns;

    canvas_text(row, 0, BOLD, "loop");
    canvas_right(row, THREAD_END, BOLD, "thread");
    canvas_text(row, SPARK, BOLD, "deliveries");
    canvas_right(row, right - RATE_END, BOLD, "per s");
    canvas_right(row, right - TAKES_END, BOLD, "takes");
    canvas_right(row, right - WAIT_END, BOLD, "waiting");
    canvas_right(row, right - LAG_END, BOLD, "lag");
    canvas_right(row, right - WOKEN_END, BOLD, "woken/s");
    canvas_right(row, right, BOLD, "refused");
}

static const char *takes(int loop)
{
    int64_t us = ledger_took_us(loop);

    return us < 0 ? "" : text_time((double)us);
}

static uint64_t waiting(const struct receiver *now)
{
    uint64_t done = now->delivered + now->merged;

    /* the result is 0 if `done` is larger, since a copy may be delivered before its sender has
       counted it */
    return now->taken > done ? now->taken - done : 0;
}

/* Returns the longest lag of the window. The newest lag alone would not do, since the newest turn
   may have had no work. */
static int64_t lag_us(int loop)
{
    int64_t most_us = 0;

    for (int i = 0; i < HISTORY_WINDOW; i++)
        if (history_ago(i)->facts[loop].lag_us > most_us)
            most_us = history_ago(i)->facts[loop].lag_us;
    return most_us;
}

static void draw_figures(int row, int loop)
{
    const struct moment *then = history_ago(HISTORY_WINDOW), *moment = history_ago(0);
    const struct tocsin_loop_facts *before_facts = &then->facts[loop],
                                   *facts = &moment->facts[loop];
    struct receiver before = ledger_loop(&then->ledger, loop),
                    now = ledger_loop(&moment->ledger, loop);
    uint64_t wait = waiting(&now);
    int right = screen()->columns;

    canvas_right(row, right - RATE_END, PLAIN,
                 text_count((uint64_t)history_rate(before.delivered, now.delivered)));
    canvas_right(row, right - TAKES_END, PLAIN, takes(loop));
    canvas_right(row, right - WAIT_END,
                 wait >= ROOM * 9 / 10 ? RED
                 : wait >= ROOM / 4    ? YELLOW
                                       : PLAIN,
                 text_count(wait));
    canvas_right(row, right - LAG_END, PLAIN, text_time((double)lag_us(loop)));
    canvas_right(row, right - WOKEN_END, PLAIN,
                 text_count((uint64_t)history_rate(before_facts->wakeups, facts->wakeups)));
    canvas_right(row, right, facts->refused > before_facts->refused ? RED : PLAIN,
                 text_count(facts->refused));
}

int lanes_draw(int row)
{
    draw_head(row++);
    for (int loop = 0; loop < LOOPS; loop++, row++) {
        canvas_text(row, 0, BOLD, party_name(loop));
        canvas_right(row, THREAD_END, FAINT, text_format("%d", loops_get(loop)->thread));
        draw_spark(row, loop);
        draw_figures(row, loop);
    }
    return row;
}
