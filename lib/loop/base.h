/* Creates and reinitializes libevent's base. Fatal errors of libevent are returned instead of
   ending the process. */
#ifndef TOCSIN_LOOP_BASE_H
#define TOCSIN_LOOP_BASE_H

struct event_base;

/* Whether the three descriptors that a base needs can be opened: 0; -EMFILE, -ENFILE or another
   -errno. */
int tocsin__base_check_fds(void);

int tocsin__base_new(struct event_base **ret_base); /* -EMFILE, -ENFILE, -ENOMEM */

/* event_reinit. On failure the base must not be used or freed any more. */
int tocsin__base_renew(struct event_base *base);

#endif
