/* A loop gets more messages than it can handle. The inbox of a loop is bounded. When the inbox is
   full, the post returns -EAGAIN and sends nothing. The sender decides what to do then: the sender
   in this file waits a little and tries again. */
#include "traffic.h"

#define CHORE(F) F(u32, number) F(i64, given_us)
TOCSIN_LAYOUT(chore_given, CHORE);

enum { TAKES_US = 20, CHORES = 4000, BACK_OFF_US = 4000, REST_US = 400000 };

static int given;

static int declare(void)
{
    given = tocsin_declare(&(struct tocsin_signal_spec){ .name = "chore.given",
                                                         .doc = "A chore for the slow loop.",
                                                         .layout = &chore_given_layout });
    return given;
}

/* This handler sleeps, and so blocks its loop. (A program should use tocsin_work() for long
   tasks.) */
static int on_chore(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    nap_us(TAKES_US);
    count_delivered(info, chore_given_of(info)->given_us);
    return TOCSIN_NEXT;
}

static int connect_handlers(void)
{
    return tocsin_on("chore.given", on_chore, NULL);
}

static void give(uint32_t number)
{
    int result;

    do {
        result = tocsin_post(
            given, TOCSIN_PAYLOAD(chore_given, .number = number, .given_us = tocsin_now()));
        count_sent(given, result);
        if (result == -EAGAIN)
            nap_us(BACK_OFF_US);
    } while (result == -EAGAIN && !show_over());
}

static void give_all(void)
{
    for (uint32_t number = 1; !show_over(); number++) {
        give(number);
        if (number % CHORES == 0)
            nap_us(REST_US);
    }
}

const struct traffic traffic_chore = {
    .signal = "chore.given",
    .handled_on = BIT(SLOW),
    .sent_by = BIT(GIVER),
    .declare = declare,
    .connect = connect_handlers,
    .thread = give_all,
};
