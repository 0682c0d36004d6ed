#include "wires.h"

#include "canvas.h"
#include "history.h"
#include "screen.h"
#include "text.h"

enum { NAME = 8, WIRE = 5, COLUMN_MOST = 18 };         /* in a column: the wire's own */

/* A piece of a wire, by where it goes. */
enum { UP = 1, DOWN = 2, LEFT = 4, RIGHT = 8 };
static const char *const lines[] = { " ", "╵", "╷", "│", "╴", "┘", "┐", "┤", "╶", "└", "┌", "├", "─", "┴", "┬", "┼" };
static const char *const letters[] = { " ", "|", "|", "|", "-", "+", "+", "+", "-", "+", "+", "+", "-", "+", "+", "+" };

static const char *piece(int where)
{
    return screen()->utf8 ? lines[where] : letters[where];
}

static int column_of(int signal)
{
    int width = (screen()->columns - NAME) / SIGNALS;

    return NAME + signal * (width > COLUMN_MOST ? COLUMN_MOST : width);
}

static bool says(int party, int signal)
{
    return traffics[signal]->said_by & BIT(party);
}

static bool hears(int party, int signal)
{
    return traffics[signal]->heard_on & BIT(party);
}

/* Whether it is on the wire: the parties above, or below, of whom there is one. */
static bool touches(int from, int to, int signal)
{
    for (int party = from; party < to; party++)
        if (says(party, signal) || hears(party, signal))
            return true;
    return false;
}

static const struct ledger *ledger_ago(int ticks)
{
    return &history_ago(ticks)->ledger;
}

static uint64_t said(int party, int signal, int ticks_ago)
{
    return ledger_ago(ticks_ago)->senders[party][signal].calls;
}

static uint64_t heard(int party, int signal, int ticks_ago)
{
    return party < LOOPS ? ledger_ago(ticks_ago)->hearers[party][signal].heard : 0;
}

/* In the last tick. */
static bool has_said(int party, int signal)
{
    return said(party, signal, 0) != said(party, signal, 1);
}

static bool has_heard(int party, int signal)
{
    return heard(party, signal, 0) != heard(party, signal, 1);
}

static bool is_busy(int signal)
{
    for (int party = 0; party < PARTIES; party++)
        if (has_said(party, signal) || has_heard(party, signal))
            return true;
    return false;
}

/* Who has got the ball and has not passed it on yet. The main loop had it at first. */
static bool has_ball(int party, int signal)
{
    uint64_t refused = ledger_ago(0)->senders[party][signal].refused;

    return party < LOOPS && traffics[signal] == &traffic_ball
        && heard(party, signal, 0) + (party == MAIN) > said(party, signal, 0) - refused;
}

/* Drawing */

static void draw_says(int row, int party, int signal)
{
    const char *rate = text_short(history_rate(said(party, signal, HISTORY_WINDOW), said(party, signal, 0)));
    bool now = has_said(party, signal);

    canvas_right(row, column_of(signal) + WIRE - 1, now ? PLAIN : FAINT, rate);
    canvas_put(row, column_of(signal) + WIRE - 1, now ? BLUE : FAINT, piece(LEFT | RIGHT));
}

static void draw_hears(int row, int party, int signal)
{
    const char *rate = text_short(history_rate(heard(party, signal, HISTORY_WINDOW), heard(party, signal, 0)));
    bool now = has_heard(party, signal);

    canvas_put(row, column_of(signal) + WIRE + 1, now ? BLUE : FAINT, screen()->utf8 ? "▶" : ">");
    canvas_text(row, column_of(signal) + WIRE + 2, now ? PLAIN : FAINT, rate);
}

static void draw_wire(int row, int party, int signal)
{
    bool above = touches(0, party, signal), here = touches(party, party + 1, signal), below = touches(party + 1, PARTIES, signal);
    int where = (says(party, signal) ? LEFT : 0) | (hears(party, signal) ? RIGHT : 0);

    if (!here && !(above && below))
        return;
    where |= (above ? UP : 0) | (below ? DOWN : 0);
    if (has_ball(party, signal))
        canvas_put(row, column_of(signal) + WIRE, YELLOW, screen()->utf8 ? "●" : "o");
    else
        canvas_put(row, column_of(signal) + WIRE, is_busy(signal) ? BLUE : FAINT, piece(where));
}

static void draw_cell(int row, int party, int signal)
{
    draw_wire(row, party, signal);
    if (says(party, signal))
        draw_says(row, party, signal);
    if (hears(party, signal))
        draw_hears(row, party, signal);
}

/* What became of copies that were not delivered. */
static int draw_lost(int row)
{
    canvas_text(row, 0, FAINT, "merged");
    canvas_text(row + 1, 0, FAINT, "refused");
    for (int signal = 0; signal < SIGNALS; signal++) {
        uint64_t merged = ledger_heard(ledger_ago(0), signal).merged, refused = ledger_sent(ledger_ago(0), signal).copies_refused;

        if (merged)
            canvas_text(row, column_of(signal) + 1, PLAIN, text_count(merged));
        if (refused)
            canvas_text(row + 1, column_of(signal) + 1, PLAIN, text_count(refused));
    }
    return row + 2;
}

int wires_draw(int row)
{
    canvas_text(row, 0, BOLD, "per s");
    for (int signal = 0; signal < SIGNALS; signal++)
        canvas_text(row, column_of(signal) + 1, BOLD, traffics[signal]->signal);
    row++;
    for (int party = 0; party < PARTIES; party++, row++) {
        canvas_text(row, 0, party < LOOPS ? BOLD : PLAIN, party_name(party));
        for (int signal = 0; signal < SIGNALS; signal++)
            draw_cell(row, party, signal);
    }
    return draw_lost(row);
}
