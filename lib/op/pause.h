/* Paused operations of a loop: their progress was refused, or is held. They are in two lists. Those
   to which nobody listens are asked again only when somebody has connected to all operations; a
   connection to one operation asks that one. All others are asked again whenever there may be room.
   So many idle operations cost a connection nothing. */
#ifndef TOCSIN_OP_PAUSE_H
#define TOCSIN_OP_PAUSE_H

#include "op/op.h"

/* Pauses an operation whose progress was refused. The loop calls the provider's resume when a
 * listener wants progress. */
void tocsin__op_pause(struct tocsin__op *op);
/* Ends the pause without a call of resume. */
void tocsin__op_pause_end(struct tocsin__op *op);
/* Called after progress was delivered: resumes the operation, if further progress was refused
 * during the delivery. */
void tocsin__op_resume_refused(struct tocsin__op *op);
/* Keeps accepted progress that no listener can take now. The end of the operation waits behind
 * it. */
void tocsin__op_hold_progress(struct tocsin__op *op);
void tocsin__op_unhold_progress(struct tocsin__op *op);
/* The operation alone may be wanted now: it has another notify, or a listener of its own. */
void tocsin__op_ask(struct tocsin__op *op);
/* A handler or a queue was connected to this source. */
void tocsin__op_heard(struct tocsin__source *source);
/* The type has refused to cancel: the operation may be resumed again. */
void tocsin__op_cancel_refused(struct tocsin__op *op);

/* Whether a listener may want progress of a paused operation again, or has room again. The turn
   asks this before it calls tocsin__resume. */
bool tocsin__resumable(struct tocsin__loop_client *loop_client);
/* Resumes each paused operation whose progress a listener wants. */
void tocsin__resume(struct tocsin__loop_client *loop_client);

#endif
