/* Sorted arrays of handlers, which a delivery walks over (E1, E2). */
#ifndef TOCSIN_DELIVERY_HANDLER_LIST_H
#define TOCSIN_DELIVERY_HANDLER_LIST_H

#include "delivery/loop.h"

struct tocsin__handler;

/* the empty list that all signals share; nobody changes it */
extern tocsin__hidden struct tocsin__list tocsin__list_empty;

/* Inserts the handler by its key. If too many other handlers would have to move, the handler is
   appended instead. Replaces *list if a delivery may be walking over it. Returns 0, or -ENOMEM if
   there is no memory; then nothing has changed. */
int tocsin__list_add(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                     struct tocsin__list **list, struct tocsin__handler *handler);

/* Sorts the appended part of the list into the rest. No delivery may be walking over the list. */
void tocsin__list_sort(struct tocsin__loop_signal *loop_signal, struct tocsin__list *list);

/* Counts a handler into the list if `by` is 1, or out of the list if `by` is -1. Observers are not
   counted. */
void tocsin__list_handling(struct tocsin__list *list, const struct tocsin__handler *handler,
                           uint32_t by);

/* Removes disconnected handlers from the list. No delivery may be walking over the list. */
void tocsin__list_compact(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                          struct tocsin__list *list);

/* Frees the list later, when the loop is at rest. */
void tocsin__list_free(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                       struct tocsin__list *list);

#endif
