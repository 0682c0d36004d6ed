/* Declares the signals of libtocsin-net. */
#ifndef TOCSIN_NET_CATALOGUE_H
#define TOCSIN_NET_CATALOGUE_H

#include <tocsin/http.h>

extern const struct tocsin_signal_spec tocsin__net_done_spec, tocsin__net_headers_spec,
    tocsin__net_body_spec, tocsin__net_closed_spec;

#endif
