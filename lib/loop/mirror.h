/* The descriptor that stands for the whole loop in a foreign poll loop. libevent does not show its own, so once somebody asks, all
   that the loop watches is watched in a second epoll set as well, with a timer for what is due. */
#ifndef TOCSIN_LOOP_MIRROR_H
#define TOCSIN_LOOP_MIRROR_H

#include "loop/engine.h"                             /* tocsin__mirror_update: what is due or ready may have changed */

int  tocsin__mirror_fd(struct tocsin__engine *engine);           /* made on the first call */
void tocsin__mirror_watch(struct tocsin__engine *engine, int fd, short before, short after);     /* one of the watches of fd has changed */
void tocsin__mirror_set(struct tocsin__engine *engine);          /* to what is due now */
void tocsin__mirror_free(struct tocsin__engine *engine);

#endif
