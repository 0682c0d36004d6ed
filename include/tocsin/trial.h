/* A trial: a plugin is loaded in a test, the test does with it what it likes, and then it is seen that it leaves nothing behind. With any framework for
   tests, or none:

       struct tocsin_trial *trial;

       if (tocsin_trial_begin("./hello.so", NULL, &trial) < 0)
           errx(1, "%s", tocsin_plugin_reason());
       …                                       emit what it listens to, turn, look at what it did
       if (tocsin_trial_end(trial, -1) < 0)
           errx(1, "%s", tocsin_plugin_reason());             "./hello.so leaves: descriptor 7 (/tmp/x), thread (poller)"

   What is compared is of the whole process, since it cannot be known who opened a descriptor: what the test itself opens or changes in a trial it closes or puts back
   in it, or has done before. So it is with what a library keeps for the process from its first use on, as an idle connection: use it once before. What the plugin
   has connected and started needs no comparing: it has an owner, and is taken away. Nor is memory compared: that is for valgrind and the address sanitizer. */
#ifndef TOCSIN_TRIAL_H
#define TOCSIN_TRIAL_H

#include <tocsin/base.h>

TOCSIN__BEGIN

struct tocsin_trial;

/**
 * Notes what there is (descriptors, threads, children, mapped files and code, what real signals do and which are blocked, timers, the environment, the
 * working directory, the umask, the locale, which signals are ignored or blocked), and loads a plugin.
 *
 * @owner   the trial is the caller's, until tocsin_trial_end
 * @return  0 and ret_trial set; -EINVAL: ret_trial is NULL; -ENOMEM; -errno of reading /proc; or as tocsin_plugin_load. tocsin_plugin_reason says why
 * @emits   plugin.loaded
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_trial_begin(const char *name, const char *const *settings, struct tocsin_trial **ret_trial);

/**
 * Unloads all plugins that were loaded since, the last one first, each in timeout_ms milliseconds (-1: the 10 s of tocsin_plugin_unload); compares; and if nothing was
 * left, loads and unloads the plugin once more, in the same way, since a second init finds what the first one has left. What its init needs is there still, then.
 * tocsin_plugin_reason names each thing that is left, or that is not there any more.
 *
 * @owner   the trial is freed, whatever is answered
 * @return  0: it leaves nothing; -ENOTEMPTY: it leaves something, or has closed, unset or ended what was not its own; -EBUSY: it did not end in its time, and stays
 *          mapped; -EINVAL: trial is NULL, or timeout_ms is below -1; -EDEADLK: called from a handler or a fiber; -ENOMEM; -errno of reading /proc; or what loading it
 *          once more answered
 * @emits   plugin.unloaded, and whatever falls due
 * @thread  the one of tocsin_trial_begin
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_trial_end(struct tocsin_trial *trial, int64_t timeout_ms);

TOCSIN__END
#endif
