/* Paused operations of a loop: their progress was refused, or is held. */
#ifndef TOCSIN_OP_PAUSE_H
#define TOCSIN_OP_PAUSE_H

#include "op/op.h"

/* Progress was refused: the provider's resume will be called when a listener wants progress. */
void tocsin__op_pause(struct tocsin__op *op);
/* The operation is not resumed any more. */
void tocsin__op_pause_end(struct tocsin__op *op);
/* Progress was delivered: resumes the operation if the provider was refused meanwhile. */
void tocsin__op_resume_refused(struct tocsin__op *op);
/* Holds progress that was accepted and that nobody can take now, and the end behind it. */
void tocsin__op_hold_progress(struct tocsin__op *op);
void tocsin__op_unhold_progress(struct tocsin__op *op);
/* The type has refused to cancel: the operation may be resumed again. */
void tocsin__op_cancel_refused(struct tocsin__op *op);

/* Whether a listener may want progress of a paused operation again. The turn asks this before it
   calls tocsin__resume. */
bool tocsin__resumable(struct tocsin__loop_client *loop_client);
/* Resumes each paused operation whose progress a listener wants. */
void tocsin__resume(struct tocsin__loop_client *loop_client);

#endif
