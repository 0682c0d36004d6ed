#include "totals.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ledger.h"
#include "loops.h"
#include "screen.h"
#include "show.h"
#include "text.h"

static struct ledger ledger;

static const char *bold(void)
{
    return screen()->colours ? "\033[1m" : "";
}

static const char *plain(void)
{
    return screen()->colours ? "\033[0m" : "";
}

/* Prints what happened to the copies of each signal. A post to four loops counts as four copies. */
static bool print_signal(int signal)
{
    struct sender sent = ledger_sent(&ledger, signal);
    struct receiver delivered = ledger_received(&ledger, signal);
    bool good = sent.copies == delivered.delivered + delivered.merged + sent.copies_refused;

    printf("%-12s%10s %-2s %10s + %10s + %10s%s\n", traffics[signal]->signal,
           text_count(sent.copies), good ? "=" : "!=", text_count(delivered.delivered),
           text_count(delivered.merged), text_count(sent.copies_refused),
           good ? "" : "   does not add up");
    return good;
}

static bool print_signals(void)
{
    bool good = true;

    printf("%s%-12s%10s    %10s   %10s   %10s%s\n", bold(), "signal", "sent", "delivered", "merged",
           "refused", plain());
    for (int signal = 0; signal < SIGNALS; signal++)
        good &= print_signal(signal);
    return good;
}

/* These functions print how many emissions each loop accepted and delivered, and how the loop
   ended. */

static const char *wrong_with(const struct loop *loop, bool good)
{
    if (loop->status != 0)
        return text_format("   ended with: %s", tocsin_strerror(loop->status));
    if (loop->left)
        return text_format("   left behind: %d", loop->left);
    return good ? "" : "   does not add up";
}

static bool print_loop(enum party party)
{
    struct receiver delivered = ledger_loop(&ledger, party);
    const struct loop *loop = loops_get(party);
    bool good = delivered.taken == delivered.delivered + delivered.merged;
    double busy = loop->ran_us > 0 ? 100.0 * (double)loop->facts.busy_us / (double)loop->ran_us : 0;

    printf("%-12s%10s %-2s %10s + %10s   %s%6.0f %%%s\n", party_name(party),
           text_count(delivered.taken), good ? "=" : "!=", text_count(delivered.delivered),
           text_count(delivered.merged), text_right(11, text_time((double)loop->facts.lag_most_us)),
           busy, wrong_with(loop, good));
    return good && loop->status == 0 && !loop->left;
}

static bool print_loops(void)
{
    bool good = true;

    printf("\n%s%-12s%10s    %10s   %10s   %11s%8s%s\n", bold(), "loop", "accepted", "delivered",
           "merged", "longest lag", "busy", plain());
    for (enum party party = MAIN; party < LOOPS; party++)
        good &= print_loop(party);
    return good;
}

/* Functions that describe the run in words */

static void print_wrapped(const char *text)
{
    int at = 0;

    while (*text) {
        int word = (int)strcspn(text, " ");

        if (at && at + 1 + word > screen()->columns)
            at = 0, putchar('\n');
        at += printf("%s%.*s", at ? " " : "", word, text);
        text += word + (text[word] == ' ');
    }
    putchar('\n');
}

static int number_of(const struct traffic *traffic)
{
    int signal = 0;

    while (traffics[signal] != traffic)
        signal++;
    return signal;
}

static const char *takes(const struct receiver *delivered)
{
    return text_time(
        delivered->delivered ? (double)delivered->took_us / (double)delivered->delivered : 0);
}

static const char *ball_story(void)
{
    int ball = number_of(&traffic_ball);
    const struct receiver *slow = &ledger.receivers[SLOW][ball];
    struct receiver all = ledger_received(&ledger, ball);
    struct receiver quick = { .delivered = all.delivered - slow->delivered,
                              .took_us = all.took_us - slow->took_us };

    if (!quick.delivered || !slow->delivered)
        return "";
    return text_format(
        "The ball takes %s to an idle loop, and %s to the slow one, behind its chores. ",
        takes(&quick), takes(slow));
}

static const char *copy_story(void)
{
    struct receiver delivered = ledger_received(&ledger, number_of(&traffic_copy));

    return text_format(
        "The copier posted its progress to main %s times; main handled the newest, %s times. ",
        text_count(delivered.taken), text_count(delivered.delivered));
}

static const char *chore_story(void)
{
    uint64_t refused = ledger_sent(&ledger, number_of(&traffic_chore)).refused;

    return refused
               ? text_format("The giver was refused for lack of room %s times, and tried again. ",
                             text_count(refused))
               : "";
}

static uint64_t copies(void)
{
    uint64_t sum = 0;

    for (int signal = 0; signal < SIGNALS; signal++)
        sum += ledger_sent(&ledger, signal).copies;
    return sum;
}

static const char *verdict(bool good)
{
    return good ? text_format("All adds up: %s copies in %.1f s, and nothing is left on any loop.",
                              text_count(copies()), show_seconds())
                : "It does not add up.";
}

bool totals_print(void)
{
    int fault = ledger_fault();
    bool good;

    ledger_read(&ledger);
    good = print_signals();
    good &= print_loops();
    putchar('\n');
    print_wrapped(text_format("%s%s%s", ball_story(), copy_story(), chore_story()));
    if (fault)
        printf("A send failed with an unexpected error: %s.\n", tocsin_strerror(fault));
    puts(verdict(good && !fault));
    return good && !fault;
}
