/* The facts of a stream or a listener. */
#include "base/refusal.h"
#include "io/listen/acceptor.h"
#include "io/names.h"
#include "io/stream/wire.h"
#include "op/lifecycle.h"

int tocsin_stream_get(struct tocsin_op id, struct tocsin_stream_facts *ret_facts)
{
    struct tocsin__op *op;
    const struct tocsin__stream *stream;
    int err = ret_facts ? tocsin__op_find(id, &op) : -EINVAL;

    if (err < 0)
        return tocsin__traced(err);
    if (tocsin__op_has_type(op, &tocsin__acceptor_type.type)) {
        const struct tocsin__acceptor *listener = tocsin__op_state_of(op);

        tocsin__names_get(listener->readiness.fd, ret_facts);
        return 0;
    }
    if (!tocsin__op_is_stream(op))
        return tocsin__traced(-EINVAL);
    stream = tocsin__op_state_of(op);
    tocsin__names_get(stream->readiness.fd, ret_facts);
    tocsin__wire_describe(stream, ret_facts);
    ret_facts->received_bytes = stream->closed.received_bytes;
    ret_facts->sent_bytes = stream->closed.sent_bytes;
    ret_facts->waiting_bytes = tocsin__stream_waiting(stream);
    return 0;
}
