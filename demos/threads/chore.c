/* More than a loop can take. Its inbox is bounded: when it is full the sender is told so, -EAGAIN, and nothing has been done. What to do about it is
   for the sender to know; this one waits a little, and tries again. */
#include "traffic.h"

#define CHORE(F) F(u32, number) F(i64, given_us)
TOCSIN_LAYOUT(chore_given, CHORE);

enum { TAKES_US = 20, CHORES = 4000, BACK_OFF_US = 4000, REST_US = 400000 };

static int given;

static int declare(void)
{
    given = tocsin_declare(&(struct tocsin_spec){ .name = "chore.given", .doc = "Something is to be done.", .layout = &chore_given_layout });
    return given;
}

/* A handler that sleeps: nothing else on its loop moves meanwhile. (tocsin_work is for what takes long.) */
static int on_chore(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    nap_us(TAKES_US);
    count_heard(info, chore_given_of(info)->given_us);
    return TOCSIN_NEXT;
}

static int hear(void)
{
    return tocsin_on("chore.given", on_chore, NULL);
}

static void give(uint32_t number)
{
    int result;

    do {
        result = tocsin_post(given, TOCSIN_PAYLOAD(chore_given, .number = number, .given_us = tocsin_now()));
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
    .signal = "chore.given", .heard_on = BIT(SLOW), .said_by = BIT(GIVER), .declare = declare, .hear = hear, .thread = give_all,
};
