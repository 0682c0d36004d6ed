/* The leak check, for the tests of plugins. It loads a plugin, and checks at the end of the test
   that the plugin leaves nothing behind in the process. The leak check is in libtocsin-test
   (tocsin-test.pc), and works with or without a test framework:

       struct tocsin_leak_check *check;

       if (tocsin_leak_check_begin("./hello.so", NULL, &check) < 0)
           errx(1, "%s", tocsin_leak_check_last_error());
       …                                    emit what the plugin listens to, and look at its effects
       if (tocsin_leak_check_end(check, -1) < 0)
           errx(1, "%s", tocsin_leak_check_last_error());
       "./hello.so leaves behind: descriptor 7 (/tmp/x), thread (poller)"

   The whole process is compared, because the opener of a descriptor is unknown. So the test must
   undo its own changes before the end, or make them before the beginning. A library may keep
   resources after its first use, such as an idle connection. A test of such a plugin must use that
   library once before the beginning. The plugin's handlers and operations are not compared, because
   tocsin ends them when it unloads the plugin. Memory is not compared either, because valgrind and
   the address sanitizer check it. */
#ifndef TOCSIN_LEAK_CHECK_H
#define TOCSIN_LEAK_CHECK_H

#include <tocsin/base.h>

TOCSIN__BEGIN

struct tocsin_leak_check;

/**
 * Takes a snapshot of the process, and loads a plugin as tocsin_plugin_load does. The snapshot
 * lists descriptors, threads, children, mapped files and code, the actions of real signals, and
 * which real signals are blocked. It also lists timers, the environment, the working directory, the
 * umask, the locale, and the signals of tocsin that are ignored or blocked.
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
 * Unloads all plugins that were loaded since tocsin_leak_check_begin, the last one first, and
 * compares the process with the snapshot. Each unload may take timeout_ms milliseconds; -1 means
 * the 10 s of tocsin_plugin_unload. If nothing differs, the plugin is loaded, unloaded and compared
 * a second time. The reason is that a second init may fail because of something that the first one
 * left (a lock file, a port).
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
 * Returns the sentence that explains the error of this thread's last tocsin_leak_check_begin or
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
