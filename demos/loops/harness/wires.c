#include "wires.h"

#include "canvas.h"
#include "history.h"
#include "screen.h"
#include "text.h"

/* NAME is the width of the names, and COLUMN_MOST the largest width of a signal's column. WIRE is
   the place of the wire in that column, counted from 1. */
enum { NAME = 8, WIRE = 5, COLUMN_MOST = 18 };

/* The line-drawing character for each part of a wire. The index says in which of these directions
   the part continues. */
enum { UP = 1, DOWN = 2, LEFT = 4, RIGHT = 8 };
static const char *const lines[] = { " ", "╵", "╷", "│", "╴", "┘", "┐", "┤",
                                     "╶", "└", "┌", "├", "─", "┴", "┬", "┼" };
static const char *const letters[] = { " ", "|", "|", "|", "-", "+", "+", "+",
                                       "-", "+", "+", "+", "-", "+", "+", "+" };

static const char *piece(int where)
{
    return screen()->utf8 ? lines[where] : letters[where];
}

static int column_of(int signal)
{
    int width = (screen()->columns - NAME) / SIGNALS;

    return NAME + signal * (width > COLUMN_MOST ? COLUMN_MOST : width);
}

static bool is_sender(int party, int signal)
{
    return traffics[signal]->sent_by & BIT(party);
}

static bool is_receiver(int party, int signal)
{
    return traffics[signal]->handled_on & BIT(party);
}

/* Returns true if a party from this range sends or receives the signal. */
static bool has_party(int from, int to, int signal)
{
    for (int party = from; party < to; party++)
        if (is_sender(party, signal) || is_receiver(party, signal))
            return true;
    return false;
}

static const struct ledger *ledger_ago(int ticks)
{
    return &history_ago(ticks)->ledger;
}

static uint64_t sent_count(int party, int signal, int ticks_ago)
{
    return ledger_ago(ticks_ago)->senders[party][signal].calls;
}

static uint64_t received_count(int party, int signal, int ticks_ago)
{
    return party < LOOPS ? ledger_ago(ticks_ago)->receivers[party][signal].delivered : 0;
}

/* Returns true if the party has sent the signal since the last tick. */
static bool has_sent(int party, int signal)
{
    return sent_count(party, signal, 0) != sent_count(party, signal, 1);
}

static bool has_received(int party, int signal)
{
    return received_count(party, signal, 0) != received_count(party, signal, 1);
}

static bool is_busy(int signal)
{
    for (int party = 0; party < PARTIES; party++)
        if (has_sent(party, signal) || has_received(party, signal))
            return true;
    return false;
}

/* Returns true if the party has the ball, which the loops pass to each other. At first the main
   loop has it. */
static bool has_ball(int party, int signal)
{
    uint64_t refused = ledger_ago(0)->senders[party][signal].refused;

    return party < LOOPS && traffics[signal] == &traffic_ball &&
           received_count(party, signal, 0) + (party == MAIN) >
               sent_count(party, signal, 0) - refused;
}

/* Functions that draw */

static void draw_sent(int row, int party, int signal)
{
    const char *rate = text_short(
        history_rate(sent_count(party, signal, HISTORY_WINDOW), sent_count(party, signal, 0)));
    bool now = has_sent(party, signal);

    canvas_right(row, column_of(signal) + WIRE - 1, now ? PLAIN : FAINT, rate);
    canvas_put(row, column_of(signal) + WIRE - 1, now ? BLUE : FAINT, piece(LEFT | RIGHT));
}

static void draw_received(int row, int party, int signal)
{
    const char *rate = text_short(history_rate(received_count(party, signal, HISTORY_WINDOW),
                                               received_count(party, signal, 0)));
    bool now = has_received(party, signal);

    canvas_put(row, column_of(signal) + WIRE + 1, now ? BLUE : FAINT, screen()->utf8 ? "▶" : ">");
    canvas_text(row, column_of(signal) + WIRE + 2, now ? PLAIN : FAINT, rate);
}

static void draw_wire(int row, int party, int signal)
{
    bool above = has_party(0, party, signal), here = has_party(party, party + 1, signal),
         below = has_party(party + 1, PARTIES, signal);
    int where = (is_sender(party, signal) ? LEFT : 0) | (is_receiver(party, signal) ? RIGHT : 0);

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
    if (is_sender(party, signal))
        draw_sent(row, party, signal);
    if (is_receiver(party, signal))
        draw_received(row, party, signal);
}

/* Draws the number of copies that a newer copy replaced, or that were refused. */
static int draw_lost(int row)
{
    canvas_text(row, 0, FAINT, "merged");
    canvas_text(row + 1, 0, FAINT, "refused");
    for (int signal = 0; signal < SIGNALS; signal++) {
        uint64_t merged = ledger_received(ledger_ago(0), signal).merged,
                 refused = ledger_sent(ledger_ago(0), signal).copies_refused;

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
