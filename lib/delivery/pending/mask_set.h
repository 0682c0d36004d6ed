/* The two sets of a loop, which tocsin_sigmask and tocsin_ignore change. */
#ifndef TOCSIN_DELIVERY_PENDING_MASK_SET_H
#define TOCSIN_DELIVERY_PENDING_MASK_SET_H

struct tocsin__heap;
struct tocsin__loop;
struct tocsin__mask_rule;

/* Empties a set. `due` has the same meaning as in tocsin__mask_rule_end. */
void tocsin__set_end(struct tocsin__loop *loop, struct tocsin__mask_rule **set,
                     struct tocsin__heap *due);

/* Both functions are for tocsin_suspend. tocsin__set_swap blocks the pattern instead of the set,
   and returns -EBUSY if a swap is already in effect. tocsin__set_back restores the set, and cannot
   fail. */
int tocsin__set_swap(struct tocsin__loop *loop, const char *pattern);
void tocsin__set_back(struct tocsin__loop *loop);

#endif
