/* Posting inside the library: without the injector, and with a chosen code. */
#ifndef TOCSIN_REMOTE_POST_H
#define TOCSIN_REMOTE_POST_H

#include <tocsin/post.h>

#include "delivery/loop.h"

/* As tocsin_post. code: TOCSIN_POSTED or TOCSIN_OS; spare: how many cells of each ring stay free;
 * ret_full (may be NULL): after -EAGAIN the loop that refused. */
int tocsin__post(int signo, const struct tocsin_payload *payload, int code, uint32_t spare,
                 struct tocsin__loop **ret_full);

#endif
