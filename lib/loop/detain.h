/* What an interposer holds up of what comes out of a loop's inbox (tocsin/interpose.h), until it is due. The loop's own thread. */
#ifndef TOCSIN_LOOP_DETAIN_H
#define TOCSIN_LOOP_DETAIN_H

#include <stdbool.h>

struct tocsin__engine;
struct tocsin__letter;
struct tocsin__loop;

bool tocsin__detains(struct tocsin__loop *loop, struct tocsin__letter *letter);      /* asks the interposer; true: the letter has been taken */
void tocsin__detained_go(struct tocsin__engine *engine);         /* all that waits is delivered in the next turn */
void tocsin__detained_drop(struct tocsin__engine *engine);       /* T8: it is not */

#endif
