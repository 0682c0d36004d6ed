#include "net/phases.h"

enum { NAMES, CONNECT, TLS, FIRST, MARKS };

/* The times at which the phases ended, counted from the start of libcurl. 0 means that the phase
   has not ended. */
struct marks {
    int64_t at[MARKS];
    int reached; /* number of phases that have ended */
};

static int64_t time_of(CURL *easy, CURLINFO which)
{
    curl_off_t time_us = 0;

    curl_easy_getinfo(easy, which, &time_us);
    return time_us;
}

static void read_marks(CURL *easy, bool secure, struct marks *marks)
{
    marks->at[NAMES] = time_of(easy, CURLINFO_NAMELOOKUP_TIME_T);
    marks->at[CONNECT] = time_of(easy, CURLINFO_CONNECT_TIME_T);
    marks->at[TLS] = secure ? time_of(easy, CURLINFO_APPCONNECT_TIME_T) : marks->at[CONNECT];
    marks->at[FIRST] = time_of(easy, CURLINFO_STARTTRANSFER_TIME_T);
    for (marks->reached = MARKS; marks->reached > 0 && marks->at[marks->reached - 1] == 0;
         marks->reached--)
        ;
    if (marks->reached < FIRST && time_of(easy, CURLINFO_PRETRANSFER_TIME_T) > 0)
        /* if the request was sent without a connect, the connection was reused */
        marks->reached = FIRST;
}

/* Adds the times that libcurl does not report. These are the time of the connect while TLS is not
   established yet, and the time of the first byte of the reply if the request had a body. */
static void amend(const struct tocsin__net_fetch *fetch, int64_t origin_us, struct marks *marks)
{
    if (marks->reached <= CONNECT && fetch->connected_us && fetch->origin->site.secure)
        marks->at[CONNECT] = fetch->connected_us - origin_us, marks->reached = TLS;
    if (fetch->first_us)
        marks->at[FIRST] = fetch->first_us - origin_us;
    else if (marks->reached == MARKS && fetch->request && fetch->request->body.size > 0)
        marks->reached = FIRST;
}

/* Adds the times of the phases. The remaining time belongs to the phase that was not finished, or
   to the body. */
void tocsin__net_phases_add(struct tocsin__net_fetch *fetch, bool ended)
{
    CURL *easy = fetch->transfer->easy;
    struct tocsin_http_client_done *done = &fetch->done;
    int64_t *phase[MARKS] = { &done->names_us, &done->connect_us, &done->tls_us, &done->first_us };
    int64_t now = tocsin_now(), spent = now - fetch->begun_us,
            total = ended ? time_of(easy, CURLINFO_TOTAL_TIME_T) : spent, at = 0;
    struct marks marks;

    if (spent > total)
        /* adds the time from the end of the transfer until the loop handled it */
        done->queued_us += spent - total;
    read_marks(easy, fetch->origin->site.secure, &marks);
    amend(fetch, now - total, &marks);
    for (int i = 0; i <= marks.reached && i < MARKS; i++) {
        int64_t end = i < marks.reached ? marks.at[i] : total;

        if (end > at)
            *phase[i] += end - at, at = end;
    }
    fetch->begun_us = now;
}
