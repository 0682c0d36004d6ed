/* Hosts: loading, unloading and reloading plugins (<tocsin/plugin.h>), for the program that does
   so. */
#ifndef TOCSIN_HOST_H
#define TOCSIN_HOST_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/* If one of these functions returns -errno, tocsin_plugin_last_error returns the reason in a
   sentence. */

/**
 * Loads a plugin and calls its init on the calling thread, whose loop becomes the plugin's home.
 * name is the name of a plugin on the path, or, if it contains a slash, a file. The file of the
 * plugin "x" is x.so. The path is TOCSIN_PLUGIN_PATH, folders separated by colons (which is not
 * used in a program with privileges that its user does not have), then the folder that libtocsin
 * was built with.
 *
 * settings: "key=value", …, NULL; or NULL. The plugins that it needs are loaded first, from the
 * path, without settings. The file is read once, and a copy of it is mapped: later changes of the
 * file do not affect the plugin.
 *
 * @owner   settings are copied
 * @return  0; -ENOENT: the plugin, or one that it needs, does not exist; -EEXIST: a plugin of this
 *          name is loaded, or the name is "program"; -ELOOP: the plugin needs itself, perhaps
 *          through others; -ENOEXEC: the file is not a shared object for this machine, is
 *          truncated, or has no note; -EBADMSG: the note is malformed; -EPROTONOSUPPORT: the
 *          plugin has another TOCSIN_ABI; -EPROTO: a layout differs from the declared one; -EPERM:
 *          this program has privileges, and other users may write to the file or to a folder above
 *          it; -ELIBACC: the dynamic linker refuses the file, would bind one of its symbols to
 *          another object, or cannot bind one; -EINVAL: a setting has no "=", is undeclared, has a
 *          wrong value or is missing, or name is malformed; -EOWNERDEAD: this is the child of a
 *          fork, and another thread was in the dynamic linker at the fork; -ENOMEM; or the error
 *          of init: the plugin is not loaded
 * @emits   plugin.loaded
 * @thread  loop
 * @source  P2; dlopen(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_load(const char *name, const char *const *settings);

/**
 * Unloads a plugin, and before it the plugins that need it (P3). The operation has a deadline of
 * 10 s, which tocsin_op_deadline changes.
 *
 * @owner   none
 * @return  0; -ENOENT: the plugin is not loaded; -EALREADY: the plugin is being unloaded or
 *          reloaded; -EBUSY: its init has not returned; -EINVAL: name is NULL, or notify's
 *          function belongs to the plugin; else as tocsin_op_new
 * @emits   plugin.unloaded exactly once, with status 0; or -EBUSY: something did not end in time;
 *          the plugin stays mapped, and can be unloaded again
 * @thread  loop
 * @source  P3; dlclose(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_unload(const char *name, const struct tocsin_notify *notify,
                                    struct tocsin_op *ret_op);

/**
 * Reads the file of a plugin again and replaces the loaded version by it (P4), with the settings
 * that it was loaded with, or with new ones.
 *
 * @owner   settings are copied
 * @return  0; -ENOENT: the plugin is not loaded; -EALREADY: the plugin is being unloaded or
 *          reloaded; -EBUSY: its init has not returned, or an earlier unload has failed; -EINVAL:
 *          name is NULL, a setting has no "=", or notify's function belongs to the plugin; else as
 *          tocsin_op_new. A file that cannot be loaded is reported by plugin.reloaded
 * @emits   plugin.reloaded exactly once, with status 0; -EBUSY: something of the old version did
 *          not end in time, and the old version continues; -ELIBACC: a version has unique symbols
 *          (STB_GNU_UNIQUE), which would keep their old values, and the old version continues; or
 *          as tocsin_plugin_load: the old version has been restored
 * @thread  loop
 * @source  P4
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_reload(const char *name, const char *const *settings,
                                    const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * Returns a sentence: why the last function of this header on this thread failed; or, after a
 * tocsin_plugin_check that returned 0, warnings about the plugin.
 *
 * @owner   the text lasts until the next call of a function of this header on this thread
 * @return  the text, never NULL; "": there was no error and no warning
 * @emits   none
 * @thread  any
 * @source  dlerror(3)
 * @since   0.1
 */
TOCSIN_API const char *tocsin_plugin_last_error(void);

/* State of a plugin. */
enum tocsin_plugin_state {
    TOCSIN_PLUGIN_LOADING, /* its init has not returned */
    TOCSIN_PLUGIN_RUNNING,
    TOCSIN_PLUGIN_ENDING, /* it is being unloaded or reloaded */
    TOCSIN_PLUGIN_STUCK   /* it did not end in time, and is still mapped */
};

/* A plugin. */
struct tocsin_plugin_facts {
    const char *name, *version, *about, *licence, *file;
    const char *needs; /* names of plugins, separated by spaces */
    const char *note;  /* the whole text */
    enum tocsin_plugin_state state;
    uint32_t reloads; /* how often it was reloaded */
    uint64_t id;      /* of this load */
    /* set by tocsin_plugin_check only: the libraries that it needs and that are not mapped yet,
       separated by spaces */
    const char *brings;
    uintptr_t spare[3];
};

/**
 * Reads the facts of the plugin that was loaded after another one; NULL: of the first.
 *
 * @owner   the texts last while the plugin is loaded
 * @return  0 and ret_facts set; -ENOENT: there is no further plugin; -EINVAL: ret_facts is NULL
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_next(const char *after, struct tocsin_plugin_facts *ret_facts);

/**
 * Reads a plugin and checks it as tocsin_plugin_load does, without mapping it. ret_facts, which
 * may be NULL, is set from its note; state has no meaning. A warning does not make the check fail:
 * tocsin_plugin_last_error then says that the plugin has unique symbols, so it can be loaded but
 * not reloaded, or that it imports pthread_key_create.
 *
 * @owner   the texts last until the next call of a function of this header on this thread
 * @return  0: it would be loaded; or as tocsin_plugin_load. ret_facts is set if the note could be
 *          read, also on failure
 * @emits   none
 * @thread  any
 * @source  P2
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_check(const char *name, struct tocsin_plugin_facts *ret_facts);

/* A setting that a plugin declares. */
struct tocsin_setting_facts {
    char name[64], type[128];
    char about[256];     /* a sentence */
    char otherwise[256]; /* the default; "" if has_default is false */
    bool required, has_default;
    uintptr_t spare[2];
};

/**
 * Reads a setting that a note declares (note of struct tocsin_plugin_facts). index counts from 0.
 *
 * @owner   ret_facts is the caller's
 * @return  0 and ret_facts set; -ENOENT: the note declares fewer settings; -ENODATA: the note
 *          declares none, and the plugin accepts any; -EBADMSG: the note is malformed; -EINVAL:
 *          note or ret_facts is NULL, or index is negative
 * @emits   none
 * @thread  any
 * @source  P2
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_setting(const char *note, int index,
                                     struct tocsin_setting_facts *ret_facts);

/**
 * Checks one setting, "key=value", by a note, as tocsin_plugin_load does.
 *
 * @owner   none
 * @return  0: the setting fits, or the note declares no settings; -ENOENT: the plugin does not
 *          declare the setting; -EINVAL: the value does not fit, there is no "=", or an argument
 *          is NULL; -EBADMSG: the note is malformed; -ENOMEM
 * @emits   none
 * @thread  any
 * @source  P2
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_setting_check(const char *note, const char *setting);

/**
 * Ends the quarantine of all handlers of a plugin, on all loops, each in the next turn of its
 * loop: see tocsin_handler_unquarantine.
 *
 * @owner   none
 * @return  0; -ENOENT: the plugin is not loaded; -EINVAL: name is NULL; -ENOMEM
 * @emits   what the handlers emit
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_unquarantine(const char *name);

/* plugin.quarantined: a handler was put into quarantine. reason: why; count: its failures or
   stalls. */
#define TOCSIN_PLUGIN_QUARANTINED(F) \
    F(string, owner) \
    F(string, pattern) \
    F(string, function) F(string, where) F(u64, handler) F(string, reason) F(u64, count)
TOCSIN_LAYOUT(tocsin_plugin_quarantined, TOCSIN_PLUGIN_QUARANTINED);

/* plugin.loaded: a plugin was loaded. */
#define TOCSIN_PLUGIN_LOADED(F) F(string, name) F(string, version) F(string, file)
TOCSIN_LAYOUT(tocsin_plugin_loaded, TOCSIN_PLUGIN_LOADED);

/* plugin.unloaded: a plugin was unloaded, or could not be. mapped: its code could not be unmapped
   (it was linked with -z nodelete, for example), and is not called any longer. reason: with
   -EBUSY, what did not end. */
#define TOCSIN_PLUGIN_UNLOADED(F) F(string, name) F(bool, mapped) F(string, reason)
TOCSIN_LAYOUT(tocsin_plugin_unloaded, TOCSIN_PLUGIN_UNLOADED);

/* plugin.reloaded: a plugin was reloaded, or could not be. mapped: as above, for the replaced
   version; false if no version was replaced. */
#define TOCSIN_PLUGIN_RELOADED(F) \
    F(string, name) F(string, version) F(bool, mapped) F(string, reason)
TOCSIN_LAYOUT(tocsin_plugin_reloaded, TOCSIN_PLUGIN_RELOADED);

TOCSIN__END
#endif
