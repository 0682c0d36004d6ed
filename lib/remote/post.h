/* Posting inside the library: without the inject function, and with a code that the caller
   chooses. */
#ifndef TOCSIN_REMOTE_POST_H
#define TOCSIN_REMOTE_POST_H

#include <tocsin/post.h>

#include "delivery/loop.h"

/* Works as tocsin_post. `code` is TOCSIN_POSTED or TOCSIN_OS. `spare` is the number of cells of
   each ring that must stay free. After -EAGAIN, *ret_full is the loop that refused; `ret_full` may
   be NULL. */
int tocsin__post(int signo, const struct tocsin_payload *payload, int code, uint32_t spare,
                 struct tocsin__loop **ret_full);

#endif
