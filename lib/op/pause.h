/* Paused operations of a loop: their progress was refused, or is held until there is room. */
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
/* Called when the type has refused to cancel: the operation may be resumed again. */
void tocsin__op_cancel_refused(struct tocsin__op *op);

/* Whether a turn must call tocsin__resume: a listener may now want the progress of a paused
 * operation. */
bool tocsin__resumable(struct tocsin__loop_client *loop_client);
/* Resumes each paused operation whose progress a listener wants. */
void tocsin__resume(struct tocsin__loop_client *loop_client);

#endif
