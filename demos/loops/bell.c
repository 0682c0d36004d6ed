/* One loop emits the signal, and two loops handle it. When tocsin_emit() returns, the handlers of
   the emitting loop have run. The other loop has a copy of the emission in its inbox. */
#include "traffic.h"

#define BELL(F) F(u32, stroke) F(i64, rung_us)
TOCSIN_LAYOUT(bell_rung, BELL);

enum { EACH_MS = 4 };

static int rung;

static int declare(void)
{
    rung = tocsin_declare(
        &(struct tocsin_signal_spec){ .name = "bell.rung",
                                      .doc = "The bell in the east has been struck.",
                                      .layout = &bell_rung_layout });
    return rung;
}

static int on_bell(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    count_delivered(info, bell_rung_of(info)->rung_us);
    return TOCSIN_NEXT;
}

static int connect_handlers(void)
{
    return tocsin_on("bell.rung", on_bell, NULL);
}

static int ring(const struct tocsin_info *tick, void *arg)
{
    static uint32_t stroke;

    (void)tick, (void)arg;
    stroke++;
    count_sent(rung, tocsin_emit(rung, TOCSIN_PAYLOAD(bell_rung, .stroke = stroke,
                                                      .rung_us = tocsin_now())));
    return TOCSIN_NEXT;
}

static int start(enum party loop)
{
    return loop == EAST ? tocsin_every(EACH_MS, TOCSIN_EACH(ring), NULL) : 0;
}

const struct traffic traffic_bell = {
    .signal = "bell.rung",
    .handled_on = BIT(EAST) | BIT(WEST),
    .sent_by = BIT(EAST),
    .declare = declare,
    .connect = connect_handlers,
    .start = start,
};
