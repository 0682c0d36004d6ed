/* The table of the library's own signals. */
#include <stdatomic.h>

#include <tocsin.h>
#include <tocsin/host.h>
#include <tocsin/io.h>
#include <tocsin/owner.h>
#include <tocsin/watchdog.h>

#include "base/mem.h"
#include "registry/catalogue.h"
#include "registry/declare.h"
#include "registry/owner.h"

#define SPEC(noun, dotted, lines, text) \
    const struct tocsin_signal_spec tocsin__##noun##_spec = { .name = dotted, \
                                                              .layout = lines, \
                                                              .doc = text }

/* Defines a coalescing signal: while the signal is blocked, the newest emission of a timer or a
   descriptor replaces the older ones. */
#define COALESCES(noun, dotted, lines, text) \
    const struct tocsin_signal_spec tocsin__##noun##_spec = { \
        .name = dotted, .layout = lines, .doc = text, .kind = TOCSIN_COALESCE \
    }

SPEC(connected, "tocsin.connected", &tocsin_connected_layout,
     "A handler or an observer was connected.");
SPEC(disconnected, "tocsin.disconnected", &tocsin_disconnected_layout,
     "A handler or an observer was disconnected.");
SPEC(queue_full, "tocsin.queue.full", &tocsin_queue_full_layout,
     "The pending emissions of a signal, or a queue, have reached their limit.");
SPEC(handler_failed, "tocsin.handler.failed", &tocsin_handler_failed_layout,
     "A handler returned an error.");
SPEC(owner_limited, "tocsin.owner.limited", &tocsin_owner_limited_layout,
     "An owner has reached a limit and asked for more.");
SPEC(op_done, "op.done", NULL,
     "An operation without a type has ended; it carries the payload that it was completed with.");
COALESCES(timer_ticked, "timer.ticked", &tocsin_timer_ticked_layout,
          "A period of a repeating timer has passed.");
SPEC(timer_expired, "timer.expired", &tocsin_timer_expired_layout, "A timer has ended.");
COALESCES(fd_ready, "fd.ready", &tocsin_fd_ready_layout,
          "A descriptor can be read from or written to.");
SPEC(fd_done, "fd.done", &tocsin_fd_done_layout, "The watch of a descriptor has ended.");
SPEC(work_done, "work.done", &tocsin_work_done_layout,
     "A task has returned on its thread; the status is its return value.");
SPEC(fiber_done, "fiber.done", &tocsin_fiber_done_layout,
     "A fiber has returned; the status is its return value.");
SPEC(all_done, "all.done", &tocsin_all_done_layout, "All operations of a set have ended.");
SPEC(any_done, "any.done", &tocsin_any_done_layout,
     "The first operation of a set has ended, the others are cancelled.");
SPEC(stream_connected, "stream.connected", &tocsin_stream_connected_layout,
     "A stream is connected.");
SPEC(stream_received, "stream.received", &tocsin_stream_received_layout,
     "A stream has received data, or its end.");
SPEC(stream_stalled, "stream.stalled", &tocsin_stream_stalled_layout,
     "Much data waits to be sent on a stream, since its peer does not read.");
SPEC(stream_drained, "stream.drained", &tocsin_stream_drained_layout,
     "Little data waits to be sent on a stream again.");
SPEC(stream_closed, "stream.closed", &tocsin_stream_closed_layout, "A stream has ended.");
SPEC(stream_taken, "stream.taken", &tocsin_stream_taken_layout,
     "A read of a stream has ended; the status is the number of bytes.");
SPEC(stream_flushed, "stream.flushed", &tocsin_stream_flushed_layout,
     "The kernel has accepted what was written to a stream.");
SPEC(stream_piped, "stream.piped", &tocsin_stream_piped_layout,
     "All data of one stream was moved into another.");
SPEC(listener_accepted, "listener.accepted", &tocsin_listener_accepted_layout,
     "A listener has accepted a stream.");
SPEC(listener_refused, "listener.refused", &tocsin_listener_refused_layout,
     "A listener could not accept a stream, or pauses for lack of descriptors or memory.");
SPEC(listener_closed, "listener.closed", &tocsin_listener_closed_layout, "A listener has ended.");
SPEC(datagram_received, "datagram.received", &tocsin_datagram_received_layout,
     "A datagram socket has received a datagram.");
SPEC(datagram_lost, "datagram.lost", &tocsin_datagram_lost_layout,
     "Datagrams that a socket has sent, or was to send, did not arrive.");
SPEC(datagram_stalled, "datagram.stalled", &tocsin_datagram_stalled_layout,
     "Many datagrams wait to be sent on a socket.");
SPEC(datagram_drained, "datagram.drained", &tocsin_datagram_drained_layout,
     "Few datagrams wait to be sent on a socket again.");
SPEC(datagram_closed, "datagram.closed", &tocsin_datagram_closed_layout,
     "A datagram socket has ended.");
SPEC(plugin_loaded, "plugin.loaded", &tocsin_plugin_loaded_layout,
     "A plugin was loaded, and its init has returned.");
SPEC(plugin_unloaded, "plugin.unloaded", &tocsin_plugin_unloaded_layout,
     "A plugin was unloaded, or, with -EBUSY, could not be.");
SPEC(plugin_reloaded, "plugin.reloaded", &tocsin_plugin_reloaded_layout,
     "A plugin was replaced by its new version, or, with an error, the old version stays.");
SPEC(plugin_quarantined, "plugin.quarantined", &tocsin_plugin_quarantined_layout,
     "A handler failed or blocked its loop too often, so it is not called any more.");
SPEC(loop_blocked, "loop.blocked", &tocsin_loop_blocked_layout,
     "One call has blocked a loop for longer than its watchdog allows.");

static const struct tocsin_signal_spec *const table[] = {
    &tocsin__connected_spec,          &tocsin__disconnected_spec,
    &tocsin__handler_failed_spec,     &tocsin__queue_full_spec,
    &tocsin__owner_limited_spec,      &tocsin__op_done_spec,
    &tocsin__timer_ticked_spec,       &tocsin__timer_expired_spec,
    &tocsin__fd_ready_spec,           &tocsin__fd_done_spec,
    &tocsin__work_done_spec,          &tocsin__fiber_done_spec,
    &tocsin__all_done_spec,           &tocsin__any_done_spec,
    &tocsin__loop_blocked_spec,       &tocsin__plugin_loaded_spec,
    &tocsin__plugin_unloaded_spec,    &tocsin__plugin_reloaded_spec,
    &tocsin__plugin_quarantined_spec, &tocsin__stream_connected_spec,
    &tocsin__stream_received_spec,    &tocsin__stream_stalled_spec,
    &tocsin__stream_drained_spec,     &tocsin__stream_closed_spec,
    &tocsin__stream_taken_spec,       &tocsin__stream_flushed_spec,
    &tocsin__stream_piped_spec,       &tocsin__listener_accepted_spec,
    &tocsin__listener_refused_spec,   &tocsin__listener_closed_spec,
    &tocsin__datagram_received_spec,  &tocsin__datagram_lost_spec,
    &tocsin__datagram_stalled_spec,   &tocsin__datagram_drained_spec,
    &tocsin__datagram_closed_spec,
};

enum { COUNT = sizeof table / sizeof table[0] };
static atomic_int signos[COUNT];
static atomic_bool declared;

int tocsin__catalogue_signo(const struct tocsin_signal_spec *spec)
{
    size_t i = 0;

    while (i < COUNT && table[i] != spec)
        i++;
    return i < COUNT ? atomic_load_explicit(&signos[i], memory_order_relaxed) : 0;
}

int tocsin__catalogue(void)
{
    if (tocsin__likely(atomic_load_explicit(&declared, memory_order_acquire)))
        return 0;
    for (size_t i = 0; i < COUNT; i++) {
        int signo = tocsin__declare(table[i], &tocsin__program);

        if (signo < 0)
            return signo;
        atomic_store_explicit(&signos[i], signo, memory_order_relaxed);
    }
    atomic_store_explicit(&declared, true, memory_order_release);
    return 0;
}
