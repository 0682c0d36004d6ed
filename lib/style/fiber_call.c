/* The data of a call that runs on a fiber: the info, the handler, and the link to the operation for
   which it was called. */
#include "op/lifecycle.h"
#include "registry/layout.h"
#include "style/fiber_call.h"

/* Returns the id in the payload's first field of type `op`; 0: there is no such field. */
static uint64_t payload_op(const struct tocsin_payload *payload)
{
    struct tocsin__fields walk;
    struct tocsin__field field;

    if (!payload)
        return 0;
    tocsin__fields_begin(&walk, payload->layout);
    while (tocsin__fields_next(&walk, &field) > 0)
        if (field.type == TOCSIN_OP)
            return ((const struct tocsin_op *)((const char *)payload + field.offset))->source.id;
    return 0;
}

/* Makes the fiber a dependent of the operation that the emission is about. This is the operation in
   the payload of progress, such as an accepted stream, or else the emission's source. Does nothing
   if the operation has ended. */
static int call_depend(struct tocsin__fiber_call *call, const struct tocsin_info *info)
{
    uint64_t handed = info->code == TOCSIN_PROGRESS ? payload_op(info->payload) : 0;
    uint64_t id = info->code == TOCSIN_DONE ? 0 : handed ? handed : info->source.id;
    struct tocsin__op *op;

    if (!id || tocsin__op_find((struct tocsin_op){ { id } }, &op) < 0 || !tocsin__op_is_listed(op))
        return 0;
    call->dependent.serves = handed != 0;
    return tocsin__op_depend(op, &call->dependent);
}

int tocsin__fiber_call_begin(struct tocsin__fiber_call *call, const struct tocsin_info *info,
                             tocsin_fn fn, struct tocsin__handler *handler)
{
    call->fn = fn;
    call->handler = handler;
    if (handler)
        handler->fibers++;
    call->info = tocsin_info_ref(info);
    return call->info ? call_depend(call, info) : -ENOMEM;
}

void tocsin__fiber_call_forget(struct tocsin__fiber_call *call)
{
    struct tocsin__handler *handler = call->handler;

    tocsin__op_undepend_quietly(&call->dependent);
    tocsin_info_unref(call->info);
    call->info = NULL;
    call->handler = NULL;
    if (handler)
        tocsin__handler_fiber_over(tocsin__self, handler);
}

void tocsin__fiber_call_end(struct tocsin__fiber_call *call, int status)
{
    tocsin__op_undepend(&call->dependent, status);
    tocsin__fiber_call_forget(call);
}
