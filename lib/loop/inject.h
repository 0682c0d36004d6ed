/* Fault injection at TOCSIN_INJECT_RECEIVE (tocsin/inject.h): messages are delayed, duplicated and
 * reordered after they leave a loop's inbox. Only the loop's own thread calls these functions. */
#ifndef TOCSIN_LOOP_INJECT_H
#define TOCSIN_LOOP_INJECT_H

#include <stdbool.h>

struct tocsin__engine;
struct tocsin__message;
struct tocsin__loop;

/* Calls the inject function for a message. Returns true if the message is delayed, so that it must
   not be delivered now. */
bool tocsin__inject_receive(struct tocsin__loop *loop, struct tocsin__message *message);

/* Ends all delays, so that the next turn delivers all delayed messages. */
void tocsin__delayed_release(struct tocsin__engine *engine);

/* Drops all delayed messages. Called in the child of a fork (T8), and at the end of the loop. */
void tocsin__delayed_drop(struct tocsin__engine *engine);

#endif
