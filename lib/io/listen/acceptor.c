/* Accepts connections, and makes streams of them. */
#define _GNU_SOURCE /* accept4 */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tocsin/emit.h>

#include "base/assert.h"
#include "base/cancel.h"
#include "io/address.h"
#include "io/listen/acceptor.h"
#include "io/listen/handover.h"
#include "io/stream/limits.h"
#include "io/stream/stream_end.h"
#include "io/stream/stream_make.h"
#include "loop/clock.h"
#include "loop/ready.h"
#include "op/complete.h"
#include "op/demand.h"
#include "op/pause.h"
#include "op/progress.h"
#include "registry/catalogue.h"

enum {
    ACCEPTED_MOST = 64, /* the most connections that are accepted in one turn */
    WAIT_LEAST_US = 5000,
    WAIT_MOST_US = 80000
};

static struct tocsin__op *listener_op(const struct tocsin__acceptor *listener)
{
    return tocsin__op_of_state(listener);
}

static struct tocsin__engine *listener_engine(const struct tocsin__acceptor *listener)
{
    return tocsin__op_engine(tocsin__op_of_state(listener));
}

#define TO(state) (1u << TOCSIN__ACCEPTOR_##state)

static const uint8_t states_next[] = {
    [TOCSIN__ACCEPTOR_MADE] = TO(LISTENING) | TO(OVER),
    [TOCSIN__ACCEPTOR_LISTENING] = TO(SHORT) | TO(FULL) | TO(OVER),
    [TOCSIN__ACCEPTOR_SHORT] = TO(LISTENING) | TO(OVER),
    [TOCSIN__ACCEPTOR_FULL] = TO(LISTENING) | TO(OVER),
    [TOCSIN__ACCEPTOR_OVER] = 0,
};

#undef TO

static void listener_set_state(struct tocsin__acceptor *listener, enum tocsin__acceptor_state state)
{
    tocsin__assert(states_next[listener->state] & 1u << state);
    listener->state = (uint8_t)state;
}

static void listener_wake(struct tocsin__acceptor *listener)
{
    if (listener->is_woken || listener->state == TOCSIN__ACCEPTOR_OVER)
        return;
    listener->is_woken = true;
    tocsin__ready_push(listener_engine(listener), &listener->node);
}

/* Refusing */

static void listener_refuse(struct tocsin__acceptor *listener, const char *peer, int err)
{
    struct tocsin_listener_refused refused = tocsin_listener_refused_make();

    listener->closed.refused++;
    refused.peer = peer;
    refused.error = err;
    refused.reason = tocsin_strerror(err);
    tocsin_emit_from((struct tocsin_source){ tocsin__op_id(listener_op(listener)) },
                     tocsin__catalogue_signo(&tocsin__listener_refused_spec), &refused.tocsin);
}

static int spare_open(void)
{
    return tocsin__fault() ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Pauses the listener, and closes the spare descriptor, which the program may need now. */
static void listener_pause(struct tocsin__acceptor *listener, int err)
{
    struct tocsin__engine *engine = listener_engine(listener);
    bool is_first = listener->wait_us == 0;

    listener_set_state(listener, TOCSIN__ACCEPTOR_SHORT);
    tocsin__readiness_mute(engine, &listener->readiness);
    if (listener->spare_fd >= 0)
        tocsin__fd_close(listener->spare_fd);
    listener->spare_fd = -1;
    listener->wait_us = is_first                           ? WAIT_LEAST_US
                        : listener->wait_us < WAIT_MOST_US ? 2 * listener->wait_us
                                                           : WAIT_MOST_US;
    tocsin__timer_arm(engine, &listener->retry, tocsin__now(engine) + listener->wait_us);
    if (is_first)
        listener_refuse(listener, "", err);
}

/* Continues if the spare descriptor can be opened: then another one may be free, too. */
static void listener_retry(struct tocsin__acceptor *listener)
{
    struct tocsin__engine *engine = listener_engine(listener);

    if (listener->spare_fd < 0)
        listener->spare_fd = spare_open();
    if (listener->spare_fd < 0) {
        tocsin__timer_arm(engine, &listener->retry, tocsin__now(engine) + listener->wait_us);
        return;
    }
    tocsin__timer_disarm(engine, &listener->retry);
    listener_set_state(listener, TOCSIN__ACCEPTOR_LISTENING);
    listener->is_readable = true;
}

static void on_retry(struct tocsin__timer *timer)
{
    listener_wake(tocsin__container(timer, struct tocsin__acceptor, retry));
}

/* Called when a stream of this listener has ended. */
static void on_left(struct tocsin__crowd *crowd, struct tocsin__stream *stream)
{
    struct tocsin__acceptor *listener = crowd->listener;

    if (listener->untold == stream)
        listener->untold = NULL;
    if (listener->state == TOCSIN__ACCEPTOR_SHORT || listener->state == TOCSIN__ACCEPTOR_FULL)
        listener_wake(listener);
}

/* Announcing */

static bool stream_is_wanted(const struct tocsin__acceptor *listener)
{
    return tocsin__op_demand_for_all(listener_op(listener),
                                     tocsin__catalogue_signo(&tocsin__stream_received_spec));
}

static bool listener_is_wanted(struct tocsin__acceptor *listener)
{
    struct tocsin__op *op = listener_op(listener);
    int admission = tocsin__op_progress_admission(op, 0);

    if (admission == 1 || (admission == 0 && (listener->notify.mode || stream_is_wanted(listener))))
        return true;
    tocsin__op_pause(op);
    return false;
}

/* Ends an announced stream that nobody has taken. false: the notify's fiber could not start. */
static bool announced(struct tocsin__acceptor *listener, struct tocsin__stream *stream,
                      const char *peer)
{
    int err = tocsin__op_call_error(listener_op(listener));

    listener->untold = NULL;
    if (tocsin__stream_is_taken(stream)) {
        tocsin__stream_wake(stream);
        return true;
    }
    tocsin__stream_end(stream, err);
    if (err == 0)
        return true;
    listener_refuse(listener, peer, err);
    if (tocsin__is_shortage(err) && listener->state == TOCSIN__ACCEPTOR_LISTENING)
        listener_pause(listener, err);
    return false;
}

/* Announces a stream. false: nothing more can be announced now (the listeners have no room). */
static bool stream_announce(struct tocsin__acceptor *listener, struct tocsin__stream *stream,
                            const struct tocsin__endpoint *peer)
{
    struct tocsin_listener_accepted accepted = tocsin_listener_accepted_make();
    struct tocsin__op *op = listener_op(listener);
    char text[112];
    int admission = tocsin__op_progress_admission(op, 0);

    tocsin__address_text(peer, text, sizeof text);
    if (admission == 1) {
        accepted.stream.source.id = tocsin__op_id(tocsin__stream_op(stream));
        accepted.peer = text;
        listener->untold = stream;
        admission = tocsin__op_progress_now(op, 0, &accepted.tocsin);
    }
    if (tocsin__inherited(listener_engine(listener)->loop))
        return false;
    if (admission < 0) { /* the peer may leave meanwhile */
        if (listener->untold == stream &&
            tocsin__readiness_want(listener_engine(listener), &stream->readiness, 0) < 0)
            tocsin__stream_fail(stream, -ENOMEM);
        return false;
    }
    return (listener->untold != stream && admission != 0) || announced(listener, stream, text);
}

/* Accepting */

static void accepted_set_options(const struct tocsin__acceptor *listener, int fd)
{
    unsigned flags = listener->settings->flags;
    int on = 1;

    if (listener->is_unix)
        return;
    if (!(flags & TOCSIN_STREAM_GATHER))
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (flags & TOCSIN_STREAM_PROBE)
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

/* Makes a stream of a connected descriptor. If this fails, the descriptor is closed. */
static int stream_accept(struct tocsin__acceptor *listener, struct tocsin__crowd *crowd, int fd,
                         struct tocsin__stream **ret_stream)
{
    struct tocsin__stream *stream = NULL;
    int err = tocsin__stream_make(listener->settings,
                                  listener->notify.mode ? &listener->notify : NULL, &stream);

    if (err == 0)
        err = tocsin__readiness_open_muted(tocsin__stream_engine(stream), &stream->readiness, fd);
    else
        tocsin__fd_close(fd);
    if (err < 0) {
        if (stream)
            tocsin__op_started(tocsin__stream_op(stream), err, NULL);
        return err;
    }
    accepted_set_options(listener, fd);
    tocsin__stream_mark(stream, TOCSIN__STREAM_SOCKET | TOCSIN__STREAM_ACCEPTED |
                                    TOCSIN__STREAM_READABLE | TOCSIN__STREAM_WRITABLE |
                                    (listener->is_unix ? TOCSIN__STREAM_UNIX : 0));
    tocsin__stream_set_state(stream, TOCSIN__STREAM_OPEN);
    tocsin__limit_idle_begin(stream);
    tocsin__crowd_join(crowd, stream);
    tocsin__op_started(tocsin__stream_op(stream), 0, NULL);
    listener->closed.accepted++;
    *ret_stream = stream;
    return 0;
}

/* Handles an error of accept4. false: nothing more can be accepted now. */
static bool accept_failed(struct tocsin__acceptor *listener, int err)
{
    switch (err) {
    case -EAGAIN: listener->is_readable = false; return false;
    case -EINVAL:
    case -EBADF:
    case -ENOTSOCK:
        tocsin__op_complete(listener_op(listener), err, &listener->closed.tocsin);
        return false;
    default: break;
    }
    if (tocsin__is_shortage(err))
        listener_pause(listener, err);
    return !tocsin__is_shortage(err); /* another error concerns one connection only */
}

/* Makes a stream, unless its peer's address has most_per_address streams already. */
static int stream_accept_if_allowed(struct tocsin__acceptor *listener, int fd,
                                    const struct tocsin__endpoint *peer,
                                    struct tocsin__stream **ret_stream)
{
    struct tocsin__crowd *part;
    unsigned char address[16];
    int err;

    if (!listener->most_per_address)
        return stream_accept(listener, listener->crowd, fd, ret_stream);
    tocsin__crowd_address(fd, peer, address);
    part = tocsin__crowd_part(listener->crowd, address);
    err = !part ? -ENOMEM : part->live >= listener->most_per_address ? -EUSERS : 0;
    if (err == 0)
        err = stream_accept(listener, part, fd, ret_stream);
    else
        tocsin__fd_close(fd);
    tocsin__crowd_unref(part);
    return err;
}

/* Accepts one stream. false: nothing more can be done now. */
static bool accept_one(struct tocsin__acceptor *listener)
{
    struct tocsin__endpoint peer = { .size = sizeof peer.un };
    struct tocsin__stream *stream;
    char text[112];
    int fd, err, cancel = tocsin__cancel_off();

    fd = tocsin__fault()
             ? (errno = EMFILE, -1)
             : accept4(listener->readiness.fd, &peer.any, &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    tocsin__cancel_back(cancel);
    if (fd < 0)
        return accept_failed(listener, -errno);
    err = stream_accept_if_allowed(listener, fd, &peer, &stream);
    if (err == 0) {
        bool goes_on = stream_announce(listener, stream, &peer);

        if (goes_on)
            listener->wait_us = 0;
        return goes_on;
    }
    tocsin__address_text(&peer, text, sizeof text);
    listener_refuse(listener, text, err);
    if (tocsin__is_shortage(err) && listener->state == TOCSIN__ACCEPTOR_LISTENING)
        listener_pause(listener, err);
    return err == -EUSERS;
}

static bool is_listening(const struct tocsin__acceptor *listener)
{
    return listener->state == TOCSIN__ACCEPTOR_LISTENING &&
           !tocsin__inherited(listener_engine(listener)->loop);
}

/* Announces the stream that could not be announced before, if there is one. */
static bool announce_untold(struct tocsin__acceptor *listener)
{
    struct tocsin__stream *stream = listener->untold;
    struct tocsin__endpoint peer = { .size = sizeof peer.un };

    if (!stream)
        return true;
    if (getpeername(stream->readiness.fd, &peer.any, &peer.size) < 0)
        peer.any.sa_family = AF_UNSPEC;
    return stream_announce(listener, stream, &peer);
}

static void listener_accept(struct tocsin__acceptor *listener)
{
    for (int count = 0; is_listening(listener) && listener->is_readable; count++) {
        if (listener->most && listener->crowd->live >= listener->most) {
            listener_set_state(listener, TOCSIN__ACCEPTOR_FULL);
            tocsin__readiness_mute(listener_engine(listener), &listener->readiness);
            return;
        }
        if (count == ACCEPTED_MOST) {
            listener_wake(listener);
            return;
        }
        if (!listener_is_wanted(listener) || !accept_one(listener))
            return;
    }
}

static void listener_arm(struct tocsin__acceptor *listener)
{
    struct tocsin__engine *engine = listener_engine(listener);
    int err;

    if (listener->is_woken)
        return;                  /* the next turn continues to accept */
    if (listener->is_readable) { /* nobody wants further streams */
        tocsin__readiness_mute(engine, &listener->readiness);
        return;
    }
    err = tocsin__readiness_want(engine, &listener->readiness, TOCSIN__READY_IN);
    if (err < 0)
        listener_pause(listener, err);
}

static void listener_serve(struct tocsin__node *node)
{
    struct tocsin__acceptor *listener = tocsin__container(node, struct tocsin__acceptor, node);
    struct tocsin__loop *loop = listener_engine(listener)->loop;

    listener->is_woken = false;
    if (listener->state == TOCSIN__ACCEPTOR_OVER || loop->life.thread_ended)
        return;
    if (listener->state == TOCSIN__ACCEPTOR_SHORT)
        listener_retry(listener);
    if (listener->state == TOCSIN__ACCEPTOR_FULL && listener->crowd->live < listener->most) {
        listener_set_state(listener, TOCSIN__ACCEPTOR_LISTENING);
        listener->is_readable = true;
    }
    if (is_listening(listener) && listener_is_wanted(listener) && announce_untold(listener))
        listener_accept(listener);
    if (is_listening(listener))
        listener_arm(listener);
}

/* The operation */

static void listener_disarm(void *state)
{
    struct tocsin__acceptor *listener = state;
    struct tocsin__engine *engine = listener_engine(listener);

    if (listener->state == TOCSIN__ACCEPTOR_OVER)
        return;
    listener_set_state(listener, TOCSIN__ACCEPTOR_OVER);
    tocsin__handover_keep(listener);
    if (tocsin__inherited(engine->loop))
        tocsin__unix_path_forget(&listener->path);
    tocsin__unix_path_remove(&listener->path);
    tocsin__release(listener->address);
    tocsin__readiness_close(engine, &listener->readiness);
    tocsin__timer_disarm(engine, &listener->retry);
    if (listener->spare_fd >= 0)
        tocsin__fd_close(listener->spare_fd);
    if (listener->crowd)
        listener->crowd->left = NULL;
    tocsin__crowd_unref(listener->crowd);
    tocsin__settings_unref(listener->settings);
}

static int listener_cancel(struct tocsin_op op, void *state, int reason)
{
    struct tocsin__acceptor *listener = state;
    struct tocsin__stream *untold = listener->untold;

    (void)op;
    listener_disarm(listener);
    if (untold)
        tocsin__stream_end(untold, -ECANCELED);
    tocsin__op_complete(listener_op(listener), reason, &listener->closed.tocsin);
    return 0;
}

static void listener_resume(struct tocsin_op op, void *state)
{
    (void)op;
    listener_wake(state);
}

const struct tocsin__own_type tocsin__acceptor_type = {
    .type = { .done = &tocsin__listener_closed_spec,
              .progress = { &tocsin__listener_accepted_spec },
              .state_size = sizeof(struct tocsin__acceptor),
              .cancel = listener_cancel,
              .resume = listener_resume,
              .flags = TOCSIN_PERSISTENT | TOCSIN__OWN | TOCSIN__DISARMS | TOCSIN__ASKS },
    .disarm = listener_disarm,
};

static void on_report(struct tocsin__readiness *readiness, unsigned what)
{
    struct tocsin__acceptor *listener = tocsin__container(readiness, struct tocsin__acceptor,
                                                          readiness);

    (void)what;
    listener->is_readable = true;
    listener_wake(listener);
}

int tocsin__acceptor_make(struct tocsin__settings *settings, const struct tocsin_notify *notify,
                          struct tocsin__acceptor **ret_listener)
{
    struct tocsin__acceptor *listener;
    struct tocsin__op *op;
    int err = tocsin__op_new(&tocsin__acceptor_type.type, notify, &op);

    if (err < 0)
        return err;
    listener = tocsin__op_state_of(op);
    listener->closed = tocsin_listener_closed_make();
    listener->settings = tocsin__settings_ref(settings);
    listener->readiness.fd = listener->spare_fd = -1;
    listener->readiness.report = on_report;
    listener->node.run = listener_serve;
    listener->retry.fire = on_retry;
    *ret_listener = listener;
    listener->crowd = tocsin__crowd_new();
    if (!listener->crowd)
        return -ENOMEM;
    listener->crowd->left = on_left;
    listener->crowd->listener = listener;
    return tocsin__io_make(tocsin__op_engine(op));
}

int tocsin__acceptor_begin(struct tocsin__acceptor *listener, int fd)
{
    struct tocsin__engine *engine = listener_engine(listener);
    int err = tocsin__readiness_open(engine, &listener->readiness, fd);

    if (err < 0) {
        tocsin__readiness_release(engine, &listener->readiness);
        return err;
    }
    listener->spare_fd = spare_open(); /* may fail: then the listener has no spare */
    listener_set_state(listener, TOCSIN__ACCEPTOR_LISTENING);
    listener->is_readable = true;
    listener_wake(listener);
    return 0;
}
