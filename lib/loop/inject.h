/* Fault injection at RECEIVE (tocsin/inject.h): delays, doubles and reorders messages between a
 * loop's inbox and their delivery. The loop's own thread. */
#ifndef TOCSIN_LOOP_INJECT_H
#define TOCSIN_LOOP_INJECT_H

#include <stdbool.h>

struct tocsin__engine;
struct tocsin__message;
struct tocsin__loop;

/* Asks the injector about a message. True: the message is delayed, and must not be delivered now.
 */
bool tocsin__inject_receive(struct tocsin__loop *loop, struct tocsin__message *message);

/* The next turn delivers all delayed messages. */
void tocsin__delayed_release(struct tocsin__engine *engine);

/* Drops all delayed messages (T8, or at the end of the loop). */
void tocsin__delayed_drop(struct tocsin__engine *engine);

#endif
