/* One ordered table of the steps that the parts of the library take before and after a fork
 * (T8). */
#ifndef TOCSIN_BASE_FORK_H
#define TOCSIN_BASE_FORK_H

/* The stages are in lock order, from the highest floor of the library to the lowest: code of a
   higher floor may call a lower floor while it holds the higher floor's lock. Code of a lower floor
   never calls a higher one with a lock held. Before a fork the steps run in this order. After the
   fork they run in the opposite order, in the parent and in the child.

   - PLUGINS, POOL, CRASH, DISPOSITIONS, OWNERS and LOOPS hold their locks during the fork, so the
     data that these locks protect is consistent in the child. LOOPS takes two locks in the same
     order as tocsin__loop_make: first the registry's lock, then the lock of the list of loops. No
     other step takes a lock.
   - The other steps act in the child only. Another thread of the parent may have held the lock of
     such a step, so the step initializes its lock again. The step also drops work that only threads
     of the parent could finish.
   - LOOPS is the last stage, so its child step runs first. When the steps of higher floors run, the
     loops are already marked as inherited. */
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
    /* each function may be NULL, if there is nothing to do */
    void (*prepare)(void);
    void (*parent)(void);
    void (*child)(void);
};

/* Registers the step of one stage. A file that has a step calls this function once, in a
   constructor. The step must be static, because only its address is stored. */
void tocsin__fork_register(enum tocsin__fork_stage stage, const struct tocsin__fork_step *step);

#endif
