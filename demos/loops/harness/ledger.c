#include "ledger.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { LATELY = 65 };

const struct traffic *const traffics[SIGNALS] = {
    &traffic_news, &traffic_bell, &traffic_ball, &traffic_copy, &traffic_chore, &traffic_alarm,
};

static int signos[SIGNALS];
static _Atomic int fault;

static struct {
    _Atomic uint64_t calls, refused, copies, copies_refused;
} senders[PARTIES][SIGNALS];
static struct {
    _Atomic uint64_t taken, delivered, merged;
    _Atomic int64_t took_us;
} receivers[LOOPS][SIGNALS];
static struct {
    _Atomic uint64_t count;
    _Atomic int64_t took_us[LATELY];
} lately[LOOPS];

#define GET(count) atomic_load_explicit(&(count), memory_order_relaxed)
#define ADD(count, by) atomic_fetch_add_explicit(&(count), (by), memory_order_relaxed)

int ledger_open(void)
{
    for (int i = 0; i < SIGNALS; i++) {
        signos[i] = traffics[i]->declare();
        if (signos[i] < 0)
            return signos[i];
    }
    return 0;
}

static int signal_of(int signo)
{
    int i = 0;

    while (signos[i] != signo)
        i++;
    return i;
}

/* Functions that count */

static bool is_refusal(int result)
{
    return result == -EAGAIN || result == -ETIMEDOUT;
}

static void count(enum party party, int signal, unsigned loops, int result)
{
    unsigned copies = (unsigned)__builtin_popcount(loops);

    ADD(senders[party][signal].calls, 1);
    ADD(senders[party][signal].copies, copies);
    if (is_refusal(result)) {
        ADD(senders[party][signal].refused, 1);
        ADD(senders[party][signal].copies_refused, copies);
    } else if (result <= 0) {
        atomic_store(&fault, result == TOCSIN_NOBODY ? -ENOENT : result);
    }
    for (int loop = 0; loop < LOOPS && result > 0; loop++)
        if (loops & BIT(loop))
            ADD(receivers[loop][signal].taken, 1);
}

void count_sent(int signo, int result)
{
    count_sent_by(party_here(), signo, result);
}

void count_sent_by(enum party party, int signo, int result)
{
    int signal = signal_of(signo);

    count(party, signal, traffics[signal]->handled_on, result);
}

void count_sent_to(enum party loop, int signo, int result)
{
    count(party_here(), signal_of(signo), BIT(loop), result);
}

static void count_time(int loop, int signal, int64_t took_us)
{
    ADD(receivers[loop][signal].took_us, took_us);
    atomic_store(&lately[loop].took_us[ADD(lately[loop].count, 1) % LATELY], took_us);
}

void count_delivered(const struct tocsin_info *info, int64_t sent_us)
{
    int loop = party_here(), signal = signal_of(info->signo);

    ADD(receivers[loop][signal].delivered, 1);
    ADD(receivers[loop][signal].merged, info->overrun);
    if (sent_us)
        count_time(loop, signal, tocsin_now() - sent_us);
}

/* Functions that read the counts */

int ledger_fault(void)
{
    return atomic_load(&fault);
}

void ledger_read(struct ledger *ret_ledger)
{
    for (int signal = 0; signal < SIGNALS; signal++) {
        for (int loop = 0; loop < LOOPS; loop++)
            ret_ledger->receivers[loop][signal] = (struct receiver){
                .delivered = GET(receivers[loop][signal].delivered),
                .merged = GET(receivers[loop][signal].merged),
                .taken = GET(receivers[loop][signal].taken),
                .took_us = GET(receivers[loop][signal].took_us),
            };
        for (int party = 0; party < PARTIES; party++)
            ret_ledger->senders[party][signal] = (struct sender){
                .calls = GET(senders[party][signal].calls),
                .refused = GET(senders[party][signal].refused),
                .copies = GET(senders[party][signal].copies),
                .copies_refused = GET(senders[party][signal].copies_refused),
            };
    }
}

static void sum(struct receiver *sum, const struct receiver *one)
{
    sum->taken += one->taken;
    sum->delivered += one->delivered;
    sum->merged += one->merged;
    sum->took_us += one->took_us;
}

struct sender ledger_sent(const struct ledger *ledger, int signal)
{
    struct sender all = { 0 };

    for (int party = 0; party < PARTIES; party++) {
        const struct sender *one = &ledger->senders[party][signal];

        all.calls += one->calls;
        all.refused += one->refused;
        all.copies += one->copies;
        all.copies_refused += one->copies_refused;
    }
    return all;
}

struct receiver ledger_received(const struct ledger *ledger, int signal)
{
    struct receiver all = { 0 };

    for (int loop = 0; loop < LOOPS; loop++)
        sum(&all, &ledger->receivers[loop][signal]);
    return all;
}

struct receiver ledger_loop(const struct ledger *ledger, int loop)
{
    struct receiver all = { 0 };

    for (int signal = 0; signal < SIGNALS; signal++)
        sum(&all, &ledger->receivers[loop][signal]);
    return all;
}

static int by_size(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

int64_t ledger_took_us(int loop)
{
    uint64_t count = GET(lately[loop].count);
    int64_t took_us[LATELY];

    count = count < LATELY ? count : LATELY;
    for (uint64_t i = 0; i < count; i++)
        took_us[i] = atomic_load(&lately[loop].took_us[i]);
    qsort(took_us, count, sizeof *took_us, by_size);
    return count ? took_us[count / 2] : -1;
}
