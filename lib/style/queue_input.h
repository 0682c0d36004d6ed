/* The input of a queue: adding infos, and taking them out. */
#ifndef TOCSIN_STYLE_QUEUE_INPUT_H
#define TOCSIN_STYLE_QUEUE_INPUT_H

#include "style/queue.h"

/* Sets the limits and connects the pattern, which may be NULL. On failure the caller ends and frees
   the input. */
int tocsin__queue_input_open(struct tocsin__queue *queue, const char *pattern,
                             const struct tocsin_queue_options *options);
/* Disconnects the pattern: nothing comes in any more. */
void tocsin__queue_input_end(struct tocsin__queue *queue);
/* Releases all entries; destructors of payload objects may run. */
void tocsin__queue_input_free(struct tocsin__queue *queue);
/* Removes the oldest entry, or else the first pending emission that the queue may take. One of them
 * must exist. */
struct tocsin_info *tocsin__queue_input_pull(struct tocsin__queue *queue);
/* There is room: resumes operations and pending emissions that wait for it. */
void tocsin__queue_input_room_made(struct tocsin__queue *queue);
/* The number of entries has changed by so many: updates the descriptor of the loop. */
void tocsin__queue_input_count_entries(struct tocsin__queue *queue, uint32_t by);
/* Wakes the wait, if there is one. */
void tocsin__queue_input_wake(struct tocsin__queue *queue);

#endif
