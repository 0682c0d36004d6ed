/* The library's own signals, declared in one table. */
#ifndef TOCSIN_CORE_CATALOGUE_H
#define TOCSIN_CORE_CATALOGUE_H

#include <tocsin/signal.h>

extern const struct tocsin_spec
    tocsin__connected_spec, tocsin__disconnected_spec, tocsin__handler_failed_spec, tocsin__queue_full_spec, tocsin__owner_limited_spec,
    tocsin__op_done_spec, tocsin__timer_ticked_spec, tocsin__timer_expired_spec, tocsin__fd_ready_spec,
    tocsin__fd_done_spec, tocsin__work_done_spec, tocsin__fiber_done_spec, tocsin__all_done_spec, tocsin__any_done_spec,
    tocsin__loop_blocked_spec, tocsin__plugin_loaded_spec, tocsin__plugin_unloaded_spec, tocsin__plugin_reloaded_spec, tocsin__plugin_quarantined_spec;

int tocsin__catalogue_signo(const struct tocsin_spec *spec);     /* of one of them; 0: they are not declared yet */
int tocsin__catalogue(void);                           /* declares them, once; -ENOMEM: again next time */

#endif
