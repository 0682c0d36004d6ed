/* The library's own signals, declared in one table. */
#ifndef TOCSIN_REGISTRY_CATALOGUE_H
#define TOCSIN_REGISTRY_CATALOGUE_H

#include <tocsin/signal.h>

extern const struct tocsin_signal_spec tocsin__connected_spec, tocsin__disconnected_spec,
    tocsin__handler_failed_spec, tocsin__queue_full_spec, tocsin__owner_limited_spec,
    tocsin__op_done_spec, tocsin__timer_ticked_spec, tocsin__timer_expired_spec,
    tocsin__fd_ready_spec, tocsin__fd_done_spec, tocsin__work_done_spec, tocsin__fiber_done_spec,
    tocsin__all_done_spec, tocsin__any_done_spec, tocsin__loop_blocked_spec,
    tocsin__plugin_loaded_spec, tocsin__plugin_unloaded_spec, tocsin__plugin_reloaded_spec,
    tocsin__plugin_quarantined_spec, tocsin__stream_connected_spec, tocsin__stream_received_spec,
    tocsin__stream_stalled_spec, tocsin__stream_drained_spec, tocsin__stream_closed_spec,
    tocsin__stream_taken_spec, tocsin__stream_flushed_spec, tocsin__stream_piped_spec,
    tocsin__listener_accepted_spec, tocsin__listener_refused_spec, tocsin__listener_closed_spec,
    tocsin__datagram_received_spec, tocsin__datagram_lost_spec, tocsin__datagram_stalled_spec,
    tocsin__datagram_drained_spec, tocsin__datagram_closed_spec;

/* Returns the signo of one of the library's specs, or 0 if the library's signals are not declared
   yet. */
int tocsin__catalogue_signo(const struct tocsin_signal_spec *spec);
/* Declares all signals of the library, once. Returns -ENOMEM if there is no memory; then the next
   call tries again. */
int tocsin__catalogue(void);

#endif
