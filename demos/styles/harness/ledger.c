#include "ledger.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

struct moment {
    int64_t at_us;
    int in_flight;
}; /* in_flight is the number of fetches in flight from at_us on */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct row *row;
static struct moment *moments;
static size_t moments_max, moments_count;
static int in_flight;
static int64_t began_us, began_cpu_us;

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t cpu_us(const struct rusage *used)
{
    return (int64_t)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000000 +
           used->ru_utime.tv_usec + used->ru_stime.tv_usec;
}

int ledger_open(size_t fetches_max, struct row *ret_row)
{
    row = ret_row;
    moments_max = 2 * fetches_max;
    moments = calloc(moments_max, sizeof *moments);
    return moments ? 0 : -ENOMEM;
}

static void note(int change)
{
    in_flight += change;
    if (in_flight > row->in_flight_max)
        row->in_flight_max = in_flight;
    if (moments_count < moments_max)
        moments[moments_count++] = (struct moment){ now_us(), in_flight };
}

void ledger_started(void)
{
    pthread_mutex_lock(&lock);
    row->fetches++;
    note(+1);
    pthread_mutex_unlock(&lock);
}

void ledger_ended(size_t bytes, int failures)
{
    pthread_mutex_lock(&lock);
    row->bytes += (int64_t)bytes;
    row->failures += failures;
    row->ended++;
    note(-1);
    pthread_mutex_unlock(&lock);
}

/* Adds a period, in which count fetches were in flight, to the cells that the period covers. */
static void fill(double from, double to, int count)
{
    for (int i = (int)from; i < ROW_CELLS && i < to; i++) {
        double begin = from > i ? from : i, end = to < i + 1 ? to : i + 1;

        row->timeline[i] += (float)((end - begin) * count);
    }
}

static void draw_timeline(int64_t ended_us)
{
    double cell_us = (double)(ended_us - began_us) / ROW_CELLS;

    for (size_t i = 0; i < moments_count; i++) {
        int64_t until_us = i + 1 < moments_count ? moments[i + 1].at_us : ended_us;

        fill((double)(moments[i].at_us - began_us) / cell_us,
             (double)(until_us - began_us) / cell_us, moments[i].in_flight);
    }
}

void ledger_begin(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    began_cpu_us = cpu_us(&used);
    began_us = now_us();
}

void ledger_close(void)
{
    int64_t ended_us = now_us();
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    row->wall_ms = (double)(ended_us - began_us) / 1000;
    row->cpu_ms = (double)(cpu_us(&used) - began_cpu_us) / 1000;
    row->memory_peak_kib = used.ru_maxrss;
    draw_timeline(ended_us);
    free(moments);
}
