/* The input of a queue. These functions add entries and take them out. */
#ifndef TOCSIN_STYLE_QUEUE_INPUT_H
#define TOCSIN_STYLE_QUEUE_INPUT_H

#include "style/queue.h"

/* Sets the limits, and connects the pattern, which may be NULL. After a failure the caller calls
 * tocsin__queue_input_end and tocsin__queue_input_free. */
int tocsin__queue_input_open(struct tocsin__queue *queue, const char *pattern,
                             const struct tocsin_queue_options *options);
/* Disconnects the pattern, so no more emissions are added. */
void tocsin__queue_input_end(struct tocsin__queue *queue);
/* Releases all entries. This may call destructors of payload objects. */
void tocsin__queue_input_free(struct tocsin__queue *queue);
/* Removes and returns the oldest entry. If there are no entries, takes the first pending emission
 * that the queue may take. The caller has checked that there is an entry or such an emission. */
struct tocsin_info *tocsin__queue_input_pull(struct tocsin__queue *queue);
/* Called when the queue has room: resumes operations and pending emissions that wait for room. */
void tocsin__queue_input_room_made(struct tocsin__queue *queue);
/* Adds `by` to the loop's number of entries, so that the loop's descriptor is readable while there
 * are entries. */
void tocsin__queue_input_count_entries(struct tocsin__queue *queue, uint32_t by);
/* Wakes the call of tocsin_queue_wait, if there is one. */
void tocsin__queue_input_wake(struct tocsin__queue *queue);

#endif
