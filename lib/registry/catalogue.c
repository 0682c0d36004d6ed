/* The table of the library's own signals. */
#include <stdatomic.h>

#include <tocsin.h>
#include <tocsin/host.h>
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
    &tocsin__plugin_quarantined_spec,
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
