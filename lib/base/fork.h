/* The steps around a fork of the process (T8), in one ordered table. */
#ifndef TOCSIN_BASE_FORK_H
#define TOCSIN_BASE_FORK_H

/* The stages are in lock order, from the highest floor of the library to the lowest: code of a
 * higher floor may call a lower floor while it holds its lock, never the other way round. Before a
 * fork the steps run in this order. After the fork they run in the opposite order, in the parent
 * and in the child.
 *
 * - PLUGINS, POOL, CRASH, DISPOSITIONS, OWNERS and LOOPS hold their locks during the fork, so the
 *   data that these locks protect is consistent in the child. LOOPS takes two locks: the
 *   registry's, then the lock of the list of loops, as tocsin__loop_make does. No other step takes
 *   a lock.
 * - The other steps act in the child only. Another thread of the parent may have held their lock,
 *   so they initialize it anew, and they drop work that only threads of the parent could finish.
 * - LOOPS is the last stage, so its child step runs first. When the steps of higher floors run, the
 *   loops are already marked as inherited. */
enum tocsin__fork_stage {
    TOCSIN__FORK_WATCHDOG,
    TOCSIN__FORK_TRANSITIONS,
    TOCSIN__FORK_RELOADS,
    TOCSIN__FORK_PLUGINS,
    TOCSIN__FORK_LINKER,
    TOCSIN__FORK_IMAGES,
    TOCSIN__FORK_POOL,
    TOCSIN__FORK_OUTLIVING,
    TOCSIN__FORK_CRASH,
    TOCSIN__FORK_DISPOSITIONS,
    TOCSIN__FORK_INJECT,
    TOCSIN__FORK_OWNERS,
    TOCSIN__FORK_LOOPS,
    TOCSIN__FORK_STAGES
};

struct tocsin__fork_step {
    /* each may be NULL, if there is nothing to do */
    void (*prepare)(void);
    void (*parent)(void);
    void (*child)(void);
};

/* Registers the step of one stage. A constructor of the file that has the step calls this, once for
 * each stage. The step must be static, since it is not copied. */
void tocsin__fork_register(enum tocsin__fork_stage stage, const struct tocsin__fork_step *step);

#endif
