/* Every object has an owner, which is the program or a plugin (P1). The library finds the owner in
 * three steps. If the object has a function (of a handler, a notify, a task), the owner is the file
 * that contains the function. Otherwise the owner is the file that contains the call that made the
 * object. If neither file is a plugin, the object gets the owner of the handler, notify, task or
 * fiber that runs.
 *
 * The objects of an owner are counted, and can be limited. Beyond a limit, calls return -EDQUOT,
 * and the first refusal emits tocsin.owner.limited. */
#ifndef TOCSIN_OWNER_H
#define TOCSIN_OWNER_H

#include <tocsin/info.h>

TOCSIN__BEGIN

/* The resources that are counted for each owner. */
enum tocsin_resource {
    TOCSIN_RESOURCE_HANDLERS,   /* handlers and observers */
    TOCSIN_RESOURCE_OPERATIONS, /* operations that run or keep a result: timers, work, fibers,
                                   fetches … */
    TOCSIN_RESOURCE_QUEUES,
    TOCSIN_RESOURCE_BLOCKS,
    TOCSIN_RESOURCE_SOURCES,       /* sources that are not operations */
    TOCSIN_RESOURCE_SIGNALS,       /* signals that the owner has declared */
    TOCSIN_RESOURCE_PENDING,       /* pending emissions and posts of the owner, on all loops */
    TOCSIN_RESOURCE_PENDING_BYTES, /* bytes of the payloads of the owner's pending emissions and
                                      posts */
    TOCSIN_RESOURCE_TASKS,         /* tasks of tocsin_loop_call that have not run yet */
    TOCSIN_RESOURCE_STREAMS,       /* streams, opened or accepted; they are operations, too */
    TOCSIN_RESOURCE_WAITING_BYTES, /* bytes that the owner's streams have still to send */
    TOCSIN_RESOURCE_TYPES,   /* operations of the types that the owner implements, whoever started
                                them, until the last reference to their info is given up */
    TOCSIN_RESOURCE_OBJECTS, /* objects in copies of payloads, if functions of the owner count their
                                references; data lent to streams, if drop is the owner's */
    TOCSIN_RESOURCE_COUNT
};

/* The counts and limits of an owner. */
struct tocsin_owner_facts {
    uint32_t id;      /* 1 for the program; a plugin gets a new id each time it is loaded */
    const char *name; /* "program", or the name of the plugin; the text lasts while the plugin is
                         loaded */
    uint64_t held[TOCSIN_RESOURCE_COUNT];
    uint64_t limit[TOCSIN_RESOURCE_COUNT]; /* the limits; UINT64_MAX: no limit */
    uint64_t refused;                      /* number of calls that returned -EDQUOT */
    uintptr_t spare[4];
};

/**
 * Reads the facts of the owner that follows the owner with the id `after`. 0 gives the first owner,
 * which is the program. An earlier version of a plugin that could not be unmapped, or did not
 * start, may be among the owners, with the same name.
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
 * Limits how much an owner may have of a resource, from now on. What the owner already has stays.
 * UINT64_MAX means no limit.
 *
 * The limit belongs to the name ("program", or a plugin's name). So it may be set before the plugin
 * is loaded, and then applies to the plugin's init. The limit stays when the plugin is reloaded, or
 * unloaded and loaded again.
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

/* The defaults of tocsin_owner_fault_limit for a plugin. The defaults for the program are 0. */
enum { TOCSIN_FAULTS = 8, TOCSIN_STALLS = 4 };

/**
 * Returns the name of a resource, such as "handlers" or "pending_bytes".
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
 * Limits the faults and stalls of the handlers of an owner. `faults` is how often within a minute
 * one handler may return an error. `stalls` is how often within a minute it may block its loop, as
 * the watchdog sees it. When a handler reaches one of these numbers, it is put into quarantine: it
 * is not called any longer, and plugin.quarantined is emitted. 0 means never.
 *
 * The emissions of a handler in quarantine are kept, at most 1,024 and 1 MiB of payload; beyond
 * that they are only counted. A question to the handler is refused with -EACCES. The quarantine
 * ends with tocsin_handler_unquarantine, tocsin_plugin_unquarantine, or a reload. The setting
 * belongs to the name, as a limit does.
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
 * Ends the quarantine of a handler. The handler is called with the emissions that were kept, in
 * their order. Afterwards it is called as before. If it fails too often again meanwhile, the
 * remaining emissions are kept.
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

/* The payload of tocsin.owner.limited: an owner has reached the limit of a resource, and a call was
 * refused. Later refusals are not announced until the owner is below its limit again. */
#define TOCSIN_OWNER_LIMITED(F) F(string, owner) F(string, holding) F(u64, limit)
TOCSIN_LAYOUT(tocsin_owner_limited, TOCSIN_OWNER_LIMITED);

TOCSIN__END
#endif
