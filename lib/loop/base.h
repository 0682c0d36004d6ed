/* Makes and reinitializes libevent's base. A fatal error of libevent is returned as an error, and
 * does not end the process. */
#ifndef TOCSIN_LOOP_BASE_H
#define TOCSIN_LOOP_BASE_H

struct event_base;

/* Checks whether the three descriptors that a base needs can be opened. Returns 0, -EMFILE, -ENFILE
   or another -errno. */
int tocsin__base_check_fds(void);

/* Makes libevent's base. Returns 0, -EMFILE, -ENFILE or -ENOMEM. */
int tocsin__base_new(struct event_base **ret_base);

/* Calls event_reinit. After a failure the base must not be used or freed any more. */
int tocsin__base_renew(struct event_base *base);

#endif
