/* Sorted arrays of handlers, which a delivery walks over (E1, E2). */
#ifndef TOCSIN_DELIVERY_HANDLER_LIST_H
#define TOCSIN_DELIVERY_HANDLER_LIST_H

#include "delivery/loop.h"

struct tocsin__handler;

/* the shared empty list, which is never changed */
extern tocsin__hidden struct tocsin__list tocsin__list_empty;

/* Inserts the handler by its key, or appends it if that would move too many others. Replaces *list
   if a delivery may be walking over it. -ENOMEM: nothing has changed */
int tocsin__list_add(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                     struct tocsin__list **list, struct tocsin__handler *handler);

/* Sorts the part that was appended. No delivery may be walking over the list. */
void tocsin__list_sort(struct tocsin__loop_signal *loop_signal, struct tocsin__list *list);

/* Counts the handler in, or out; by: 1 or -1. Observers do not count. */
void tocsin__list_handling(struct tocsin__list *list, const struct tocsin__handler *handler,
                           uint32_t by);

/* Removes disconnected handlers. No delivery may be walking over the list. */
void tocsin__list_compact(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                          struct tocsin__list *list);

/* Frees the list when the loop is at rest. */
void tocsin__list_free(struct tocsin__loop *loop, struct tocsin__loop_signal *loop_signal,
                       struct tocsin__list *list);

#endif
