#include "net/catalogue.h"

#define SPEC(noun, dotted, lines, text) \
    const struct tocsin_signal_spec tocsin__net_##noun##_spec = { .name = dotted, \
                                                                  .layout = lines, \
                                                                  .doc = text }

SPEC(done, "http.client.done", &tocsin_http_client_done_layout,
     "A fetch has ended: status is that of the transfer, code that of the reply.");
SPEC(headers, "http.client.headers", &tocsin_http_client_headers_layout,
     "The header of a streamed reply.");
SPEC(body, "http.client.body", &tocsin_http_client_body_layout,
     "A part of the body of a streamed reply.");
SPEC(closed, "http.client.closed", NULL,
     "A loop was freed, and the connections that it kept for reuse were closed.");

/* Declares the signals when the library is loaded, so that a program can connect before its first
   fetch. If there is no memory now, the first operation declares the missing signals. */
static __attribute__((constructor)) void declare(void)
{
    const struct tocsin_signal_spec *const table[] = { &tocsin__net_done_spec,
                                                       &tocsin__net_headers_spec,
                                                       &tocsin__net_body_spec,
                                                       &tocsin__net_closed_spec };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (tocsin_declare(table[i]) < 0)
            return;
}
