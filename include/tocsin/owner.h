/* Owners (P1): every object belongs to the program or to a plugin. The library finds the owner by
   the object file that contains the function (of a handler, a notify, a task); for an object
   without a function, by the object file of the call that made it; and for an object that is made
   while a handler, a notify, a task or a fiber runs, and has neither, it is the owner of that.

   The objects of an owner are counted, and can be limited: beyond a limit, calls return -EDQUOT,
   and the first refusal emits tocsin.owner.limited. */
#ifndef TOCSIN_OWNER_H
#define TOCSIN_OWNER_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* Resources that are counted for each owner. */
enum tocsin_resource {
    TOCSIN_RESOURCE_HANDLERS,   /* with observers */
    TOCSIN_RESOURCE_OPERATIONS, /* that run, or keep a result: timers, work, fibers, fetches … */
    TOCSIN_RESOURCE_QUEUES,
    TOCSIN_RESOURCE_BLOCKS,
    TOCSIN_RESOURCE_SOURCES,       /* without operations */
    TOCSIN_RESOURCE_SIGNALS,       /* that it has declared */
    TOCSIN_RESOURCE_PENDING,       /* its pending emissions and posts, on all loops */
    TOCSIN_RESOURCE_PENDING_BYTES, /* of their payloads */
    TOCSIN_RESOURCE_TASKS,         /* of tocsin_loop_call that have not run yet */
    TOCSIN_RESOURCE_TYPES,   /* operations of the types that it implements, of any starter, until
                                the last reference to their info is given up */
    TOCSIN_RESOURCE_OBJECTS, /* in copies of payloads, if its functions count the references */
    TOCSIN_RESOURCE_COUNT
};

/* Counts and limits of an owner. */
struct tocsin_owner_facts {
    uint32_t id;      /* 1: the program; a plugin gets another one each time it is loaded */
    const char *name; /* "program", or the plugin's; it lasts while the plugin is loaded */
    uint64_t held[TOCSIN_RESOURCE_COUNT];
    uint64_t limit[TOCSIN_RESOURCE_COUNT]; /* UINT64_MAX: none */
    uint64_t refused;                      /* calls that returned -EDQUOT */
    uintptr_t spare[4];
};

/**
 * Reads the facts of the owner after the one with this id; 0: of the first, which is the program.
 * An earlier version of a plugin that could not be unmapped, or did not start, may be among them,
 * with the same name.
 *
 * @owner   name lasts while the plugin is loaded
 * @return  0 and ret_facts set; -ENOENT: there is no further owner; -EINVAL: ret_facts is NULL
 * @emits   none
 * @thread  any
 * @source  P1
 * @since   0.1
 */
TOCSIN_API int tocsin_owner_next(uint32_t after, struct tocsin_owner_facts *ret_facts);

/**
 * Limits how much an owner may have of a resource, from now on; what it has already stays.
 * UINT64_MAX: no limit. The limit belongs to the name ("program", or a plugin's): it may be set
 * before the plugin is loaded, so that it holds for its init, and it stays when the plugin is
 * reloaded, or unloaded and loaded again.
 *
 * @owner   none
 * @return  0; -EINVAL: name is not that of an owner, or the resource does not exist, or is
 *          TOCSIN_RESOURCE_TYPES or TOCSIN_RESOURCE_OBJECTS, which cannot be limited since other
 *          owners cause them; -ENOMEM
 * @emits   none
 * @thread  any
 * @source  setrlimit(2); RLIMIT_SIGPENDING
 * @since   0.1
 */
TOCSIN_API int tocsin_owner_limit(const char *name, enum tocsin_resource what, uint64_t most);

/* The defaults of tocsin_owner_fault_limit for a plugin. Those of the program are 0. */
enum { TOCSIN_FAULTS = 8, TOCSIN_STALLS = 4 };

/**
 * Returns the name of a resource: "handlers", "pending_bytes".
 *
 * @owner   the text is constant
 * @return  the name; NULL: the resource does not exist
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API const char *tocsin_resource_name(enum tocsin_resource what);

/**
 * Sets how often within a minute a handler of an owner may return an error (faults), and may block
 * its loop, as the watchdog sees it (stalls). With the last of these the handler is put into
 * quarantine: it is not called any longer, and plugin.quarantined is emitted. Its emissions are
 * kept, at most 1,024 and 1 MiB of payload, and counted beyond that. A question to it is refused
 * with -EACCES. The quarantine ends with tocsin_handler_unquarantine, tocsin_plugin_unquarantine,
 * or a reload. 0: never. The setting belongs to the name, as a limit does.
 *
 * @owner   none
 * @return  0; -EINVAL: name is not that of an owner; -ENOMEM
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_owner_fault_limit(const char *name, uint32_t faults, uint32_t stalls);

/**
 * Ends the quarantine of a handler: calls it with the emissions that were kept, in their order;
 * then it is called as before. If it fails too often again meanwhile, the rest is kept.
 *
 * @owner   none
 * @return  0; -EALREADY: the handler is not in quarantine; -ENOENT: the handler does not exist;
 *          -EXDEV: the handler belongs to the loop of another thread; or the error that handler
 *          carries
 * @emits   what the handler emits
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_handler_unquarantine(struct tocsin_handler handler);

/* tocsin.owner.limited: an owner was refused a resource for the first time. */
#define TOCSIN_OWNER_LIMITED(F) F(string, owner) F(string, holding) F(u64, limit)
TOCSIN_LAYOUT(tocsin_owner_limited, TOCSIN_OWNER_LIMITED);

TOCSIN__END
#endif
