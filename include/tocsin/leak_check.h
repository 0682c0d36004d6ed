/* The leak check, for the tests of plugins: loads a plugin, and checks at the end of the test that
   the plugin leaves nothing behind in the process. It is in libtocsin-test (tocsin-test.pc), and
   works in any test framework, or without one:

       struct tocsin_leak_check *check;

       if (tocsin_leak_check_begin("./hello.so", NULL, &check) < 0)
           errx(1, "%s", tocsin_leak_check_last_error());
       …                                    emit what the plugin listens to, and look at its effects
       if (tocsin_leak_check_end(check, -1) < 0)
           errx(1, "%s", tocsin_leak_check_last_error());
       "./hello.so leaves behind: descriptor 7 (/tmp/x), thread (poller)"

   The whole process is compared, since it cannot be known who opened a descriptor. So the test must
   undo its own changes before the end, or make them before the beginning. A library may keep things
   from its first use on, such as an idle connection: use that library once before the beginning.
   Not compared are the plugin's handlers and operations, since tocsin ends them when it unloads
   the plugin; and memory, since valgrind and the address sanitizer check that. */
#ifndef TOCSIN_LEAK_CHECK_H
#define TOCSIN_LEAK_CHECK_H

#include <tocsin/base.h>

TOCSIN__BEGIN

struct tocsin_leak_check;

/**
 * Takes a snapshot of the process, and loads a plugin as tocsin_plugin_load. The snapshot lists the
 * descriptors, threads, children, mapped files and code, the actions of real signals and which are
 * blocked, timers, the environment, the working directory, the umask, the locale, and the signals
 * of tocsin that are ignored or blocked.
 *
 * @owner   the caller owns the check, and must call tocsin_leak_check_end
 * @return  0 and ret_check set; -EINVAL: name or ret_check is NULL; -ENOMEM; -errno of reading
 * /proc; or as tocsin_plugin_load. tocsin_leak_check_last_error says why
 * @emits   plugin.loaded
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_leak_check_begin(const char *name, const char *const *settings,
                                       struct tocsin_leak_check **ret_check);

/**
 * Unloads all plugins that were loaded since, the last one first, and compares the process with the
 * snapshot. Each unload may take timeout_ms milliseconds; -1: the 10 s of tocsin_plugin_unload. If
 * nothing differs, the plugin is loaded, unloaded and compared a second time, since a second init
 * may fail over what the first one left (a lock file, a port).
 *
 * @owner   the check is freed in any case
 * @return  0: nothing differs; -ENOTEMPTY: the plugin left something behind, or removed something;
 * -EBUSY: an unload timed out, and the plugin stays mapped; -EINVAL: check is NULL, or timeout_ms
 * is below -1; -EDEADLK: called from a handler or a fiber; -ENOMEM; -errno of reading /proc; or the
 * error of the second load. tocsin_leak_check_last_error names each thing
 * @emits   plugin.unloaded, plugin.loaded, and everything that falls due
 * @thread  the one that called tocsin_leak_check_begin
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_leak_check_end(struct tocsin_leak_check *check, int64_t timeout_ms);

/**
 * The sentence that explains the error of this thread's last tocsin_leak_check_begin or
 * tocsin_leak_check_end.
 *
 * @owner   the library; valid until the thread's next call of one of the two
 * @return  the sentence; "": the call succeeded
 * @emits   none
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API const char *tocsin_leak_check_last_error(void);

TOCSIN__END
#endif
