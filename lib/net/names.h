/* Names: looked up by work on a pool of its own, and handed to libcurl, which never looks one up itself. */
#ifndef TOCSIN_NET_NAMES_H
#define TOCSIN_NET_NAMES_H

#include <curl/curl.h>

#include <tocsin/http.h>

struct tocsin__net_client;
struct tocsin__net_origin;
struct tocsin__net_names;

/* Looks up the name of an origin; done(info, arg) is called when that has ended, with the answer as status. 0 or -errno. */
int  tocsin__net_names_start(struct tocsin__net_client *client, const struct tocsin__net_origin *origin, tocsin_fn done, void *arg,
                             struct tocsin__net_names **ret_names);

/* Asks it to end now; done is called all the same. */
void tocsin__net_names_cancel(struct tocsin__net_names *names);

/* After done: what was found, for CURLOPT_RESOLVE, to be freed with curl_slist_free_all; TOCSIN_ENAME or -ENOMEM. */
int  tocsin__net_names_take(struct tocsin__net_names *names, struct curl_slist **ret_list);
const char *tocsin__net_names_reason(const struct tocsin__net_names *names);    /* constant text */
void tocsin__net_names_free(struct tocsin__net_names *names);

#endif
