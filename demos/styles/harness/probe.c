#include "probe.h"

#include <stdio.h>
#include <tocsin.h>
#include <tocsin/http.h>

#include "perform.h"
#include "text.h"

static int failures;

static int on_done(const struct tocsin_info *info, void *url)
{
    const struct tocsin_http_client_done *page = tocsin_http_client_done_of(info);

    if (info->status < 0) {
        const char *reason = page && page->reason[0] ? page->reason : tocsin_strerror(info->status);

        fprintf(stderr, "styles: cannot fetch %s: %s\n", text_plain(url), text_plain(reason));
        failures++;
    } else if (page->code >= 400)
        fprintf(stderr, "styles: %s returned status %d, which counts as a failure\n",
                text_plain(url), page->code);
    return TOCSIN_NEXT;
}

int probe(const struct options *options)
{
    for (int i = 0; i < options->urls_count; i++) {
        struct tocsin_http_request request = { .url = options->urls[i],
                                               .timeout_ms = perform_deadline_ms(options) };

        if (tocsin_http_fetch(&request, TOCSIN_CALL(on_done, (void *)options->urls[i]), NULL) < 0)
            return 1;
    }
    if (tocsin_drain(-1) < 0 || tocsin_run() < 0)
        return 1;
    tocsin_loop_free();
    return failures > 0;
}
