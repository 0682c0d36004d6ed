/* Owners (P1): whose everything is, the program's or a plugin's. A handler, a notify or a task is whose object file holds the function; what has no
   function, the place that made it; and what is made while a handler, a notify, a task or a fiber runs, and has neither, is that one's. Nobody passes it.

   What an owner holds is counted, and can be limited: who asks for more is answered -EDQUOT, and tocsin.owner.limited tells of the first time. */
#ifndef TOCSIN_OWNER_H
#define TOCSIN_OWNER_H

#include <tocsin/info.h>

TOCSIN__BEGIN

enum tocsin_holding {
    TOCSIN_HOLDS_HANDLERS,                      /* observers are among them */
    TOCSIN_HOLDS_OPERATIONS,                    /* that run, or keep a result: timers, work, fibers, fetches … */
    TOCSIN_HOLDS_QUEUES,
    TOCSIN_HOLDS_BLOCKS,
    TOCSIN_HOLDS_SOURCES,                       /* operations are not among them */
    TOCSIN_HOLDS_SIGNALS,                       /* declared */
    TOCSIN_HOLDS_PENDED,                  /* emissions and posts of its that are pended, on all loops */
    TOCSIN_HOLDS_PENDED_BYTES,                  /* of their payloads */
    TOCSIN_HOLDS_TASKS,                         /* on their way to a loop: tocsin_loop_call */
    TOCSIN_HOLDS_TYPES,                         /* operations of the types that it implements, whoever started them, until nobody has their info any more */
    TOCSIN_HOLDS_OBJECTS,                       /* in copies of payloads: those that its functions count */
    TOCSIN_HOLDS
};

struct tocsin_owner_facts {
    uint32_t id;                          /* 1: the program; of a plugin, of what is mapped now */
    const char *name;                     /* "program", or the plugin's */
    uint64_t held[TOCSIN_HOLDS], limit[TOCSIN_HOLDS];      /* limit: UINT64_MAX, none */
    uint64_t refused;                     /* with -EDQUOT */
    uintptr_t spare[4];
};

/**
 * The facts of the owner that comes after the one with this id; 0: of the program, which comes first. What is left of a version that is gone, or was not
 * started, may be there, with the same name.
 *
 * @owner   name lasts while the plugin is loaded
 * @return  0 and ret_facts set; -ENOENT: there is none after it; -EINVAL: ret_facts is NULL
 * @emits   none
 * @thread  any
 * @source  P1
 * @since   0.1
 */
TOCSIN_API int tocsin_owner_next(uint32_t after, struct tocsin_owner_facts *ret_facts);

/**
 * Limits what an owner may hold, from now on: what it holds already stays. UINT64_MAX: no limit. It is said of a name: of the program, or of a plugin, which keeps its limits
 * when it is reloaded, or goes and comes back; they can be set before it is loaded, and then hold for its init too.
 *
 * @owner   none
 * @return  0; -EINVAL: no name of an owner, or no such holding; TOCSIN_HOLDS_TYPES and TOCSIN_HOLDS_OBJECTS, which others decide on, cannot be limited; -ENOMEM
 * @emits   none
 * @thread  any
 * @source  setrlimit(2); RLIMIT_SIGPENDING
 * @since   0.1
 */
TOCSIN_API int tocsin_owner_limit(const char *name, enum tocsin_holding what, uint64_t most);

enum { TOCSIN_FAULTS = 8, TOCSIN_STALLS = 4 };         /* of a plugin that nobody has said otherwise about; of the program 0 */

/**
 * The name of a holding: "handlers", "pended_bytes".
 *
 * @owner   the text is constant
 * @return  NULL: there is no such holding
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API const char *tocsin_holding_name(enum tocsin_holding what);

/**
 * How often a handler of an owner may answer an error, and block its loop (as a watchdog sees it), within a minute: with the last of these it is put into quarantine. It
 * is not called any more; what it would have been called with is held, 1,024 emissions and 1 MiB of payload at most, what is beyond is counted; a question that it
 * would have been asked is answered -EACCES; and plugin.quarantined tells. It ends with tocsin_handler_release, tocsin_plugin_release, or a reload. 0: never.
 * It is said of a name, as a limit is.
 *
 * @owner   none
 * @return  0; -EINVAL: no name of an owner; -ENOMEM
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_owner_patience(const char *name, uint32_t faults, uint32_t stalls);

/**
 * Lets a handler out of quarantine: calls it with what was held, in its order, then it is called as before. Where it fails too often again, the rest is
 * held still.
 *
 * @owner   none
 * @return  0; -EALREADY: it is in none; -ENOENT: no such handler; -EXDEV: it is of another thread's loop; or the error that it carries
 * @emits   what the handler emits
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_handler_release(struct tocsin_handler handler);

#define TOCSIN_TOCSIN_OWNER_LIMITED(F) F(string, owner) F(string, holding) F(u64, limit)
TOCSIN_LAYOUT(tocsin_owner_limited, TOCSIN_TOCSIN_OWNER_LIMITED);

TOCSIN__END
#endif
