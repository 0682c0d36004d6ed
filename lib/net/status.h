/* What libcurl's codes are to us. */
#ifndef TOCSIN_NET_STATUS_H
#define TOCSIN_NET_STATUS_H

#include <curl/curl.h>

int tocsin__net_status(CURL *easy, CURLcode code, const char *text);       /* text: what libcurl says about it */

#endif
