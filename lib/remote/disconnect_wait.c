/* Implements tocsin_disconnect_wait, which disconnects a handler of another loop and waits until
   the handler cannot run any more. */
#include "base/refusal.h"
#include "delivery/handler.h"
#include "remote/fence.h"

int tocsin_disconnect_wait(struct tocsin_handler id, int64_t timeout_ms)
{
    struct tocsin__fence *fence;
    struct timespec when;
    int err = tocsin__fence_check(timeout_ms);

    if (err == 0)
        err = tocsin_id_error(id.id);
    fence = err == 0 ? tocsin__fence_new() : NULL;
    if (!fence)
        return tocsin__traced(err < 0 ? err : -ENOMEM);
    err = tocsin_disconnect(id);
    if (err == 0)
        return tocsin__traced(tocsin__fence_wait(fence,
                                                 tocsin__loop_numbered(tocsin__id_number(id.id)),
                                                 tocsin__fence_deadline(timeout_ms, &when)));
    tocsin__fence_free(fence);
    return tocsin__traced(err);
}
