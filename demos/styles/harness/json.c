#include "json.h"

#include <inttypes.h>
#include <stdio.h>

static void print_row(const struct style *style, const struct row *row)
{
    printf("{\"style\":\"%s\",\"lines\":%d,\"wall_ms\":%.1f,\"cpu_ms\":%.1f,\"in_flight_max\":%d,"
           "\"memory_peak_kib\":%ld,"
           "\"fetches\":%" PRId64 ",\"bytes\":%" PRId64 ",\"failures\":%" PRId64 ",\"timeline\":[",
           style->name, style->lines, row->wall_ms, row->cpu_ms, row->in_flight_max,
           row->memory_peak_kib, row->fetches, row->bytes, row->failures);
    for (int i = 0; i < ROW_CELLS; i++)
        printf("%s%.1f", i ? "," : "", (double)row->timeline[i]);
    printf("]}");
}

/* Prints the counts of the origin. The origin has no counts for the user's URLs. */
static void print_origin(const struct figures *figures)
{
    int64_t requests = 0, bytes = 0;

    for (int i = 0; i < STYLES; i++) {
        requests += figures->asked[i].requests;
        bytes += figures->asked[i].bytes;
    }
    if (figures->options->urls)
        printf("\"origin\":{\"requests\":null,\"bytes\":null}");
    else
        printf("\"origin\":{\"requests\":%" PRId64 ",\"bytes\":%" PRId64 "}", requests, bytes);
}

static void print_job(const struct options *options)
{
    printf("\"job\":{\"pages\":%d,\"concurrency\":%d,\"delay_ms\":", options->pages,
           options->at_once);
    if (options->urls)
        printf("null}");
    else
        printf("%d}", options->delay_ms);
}

void json_print(const struct figures *figures, int agree)
{
    const char *comma = "";

    putchar('{');
    print_job(figures->options);
    putchar(',');
    print_origin(figures);
    printf(",\"agree\":%s,\"rows\":[", agree ? "true" : "false");
    for (int i = 0; i < STYLES; i++)
        if (figures->rows[i]) {
            fputs(comma, stdout);
            print_row(&styles[i], figures->rows[i]);
            comma = ",";
        }
    puts("]}");
}
