/* Hosts: a host is a program that loads, unloads and reloads plugins (<tocsin/plugin.h>). */
#ifndef TOCSIN_HOST_H
#define TOCSIN_HOST_H

#include <tocsin/op.h>

TOCSIN__BEGIN

/* If a function of this header returns -errno, tocsin_plugin_last_error returns a sentence that
 * explains the error. */

/**
 * Loads a plugin and calls its init on the calling thread, whose loop becomes the home of the
 * plugin. `name` is the name of a plugin on the path. If `name` contains a slash, it is the path of
 * a file. The file of the plugin "x" is x.so.
 *
 * The path is a list of folders. First come the folders of TOCSIN_PLUGIN_PATH, separated by colons,
 * then the folder that was set when libtocsin was built. TOCSIN_PLUGIN_PATH is not used in a
 * program with privileges that its user does not have.
 *
 * `settings` is a list "key=value", …, NULL; or NULL for none. The plugins that this plugin needs
 * are loaded first, from the path, without settings. The file is read once, and a copy of the file
 * is mapped. So later changes of the file do not affect the plugin.
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
 * Unloads a plugin (P3). The plugins that need this plugin are unloaded first. The operation has a
 * deadline of 10 s, which tocsin_op_deadline changes.
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
 * Reloads a plugin (P4): reads its file again and replaces the loaded version. The new version gets
 * the settings of the old version, or new settings.
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
 * Returns the sentence that explains why the last function of this header on this thread failed.
 * After a tocsin_plugin_check that returned 0, the text contains the warnings about the plugin.
 *
 * @owner   the text lasts until the next call of a function of this header on this thread
 * @return  the text, never NULL; "": there was no error and no warning
 * @emits   none
 * @thread  any
 * @source  dlerror(3)
 * @since   0.1
 */
TOCSIN_API const char *tocsin_plugin_last_error(void);

/* The state of a plugin. */
enum tocsin_plugin_state {
    TOCSIN_PLUGIN_LOADING, /* the init of the plugin has not returned yet */
    TOCSIN_PLUGIN_RUNNING,
    TOCSIN_PLUGIN_ENDING, /* the plugin is being unloaded or reloaded */
    TOCSIN_PLUGIN_STUCK   /* the plugin did not end in time, and is still mapped */
};

/* The facts of a plugin. */
struct tocsin_plugin_facts {
    const char *name, *version, *about, *licence, *file;
    const char *needs; /* names of the plugins that this plugin needs, separated by spaces */
    const char *note;  /* the whole text of the note */
    enum tocsin_plugin_state state;
    uint32_t reloads; /* how often the plugin was reloaded */
    uint64_t id;      /* number of the load: it increases each time a plugin is loaded */
    /* the needed libraries that are not mapped yet, separated by spaces; only tocsin_plugin_check
       sets this text */
    const char *brings;
    uintptr_t spare[3];
};

/**
 * Reads the facts of the plugin that was loaded after the plugin named `after`. If `after` is NULL,
 * reads the facts of the first plugin.
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
 * Reads a plugin and checks it as tocsin_plugin_load does, without mapping it. `ret_facts` is set
 * from the note of the plugin, but its `state` has no meaning; `ret_facts` may be NULL.
 *
 * A warning does not make the check fail. Then tocsin_plugin_last_error returns the warnings. There
 * are two: the plugin has unique symbols, so it can be loaded but not reloaded; or the plugin
 * imports pthread_key_create.
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

/* A setting that a plugin declares in its note. */
struct tocsin_setting_facts {
    char name[64], type[128];
    char about[256];     /* a sentence that describes the setting */
    char otherwise[256]; /* the default value; "" if has_default is false */
    bool required, has_default;
    uintptr_t spare[2];
};

/**
 * Reads a setting that a note declares. The note is the member `note` of struct
 * tocsin_plugin_facts. `index` counts from 0.
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
 * Checks one setting, "key=value", against the note of a plugin, as tocsin_plugin_load does.
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
 * Ends the quarantine of all handlers of a plugin, on all loops. Each loop does this in its next
 * turn, as tocsin_handler_unquarantine does.
 *
 * @owner   none
 * @return  0; -ENOENT: the plugin is not loaded; -EINVAL: name is NULL; -ENOMEM
 * @emits   what the handlers emit
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_unquarantine(const char *name);

/* The payload of plugin.quarantined: a handler was put into quarantine. reason says why; count is
 * the number of its failures or stalls. */
#define TOCSIN_PLUGIN_QUARANTINED(F) \
    F(string, owner) \
    F(string, pattern) \
    F(string, function) F(string, where) F(u64, handler) F(string, reason) F(u64, count)
TOCSIN_LAYOUT(tocsin_plugin_quarantined, TOCSIN_PLUGIN_QUARANTINED);

/* The payload of plugin.loaded, which is emitted when a plugin was loaded. */
#define TOCSIN_PLUGIN_LOADED(F) F(string, name) F(string, version) F(string, file)
TOCSIN_LAYOUT(tocsin_plugin_loaded, TOCSIN_PLUGIN_LOADED);

/* The payload of plugin.unloaded: a plugin was unloaded, or could not be unloaded. mapped is true
 * if the plugin's code is not called any longer, but could not be unmapped (for example, because it
 * was linked with -z nodelete). If the status is -EBUSY, reason says what did not end. */
#define TOCSIN_PLUGIN_UNLOADED(F) F(string, name) F(bool, mapped) F(string, reason)
TOCSIN_LAYOUT(tocsin_plugin_unloaded, TOCSIN_PLUGIN_UNLOADED);

/* The payload of plugin.reloaded: a plugin was reloaded, or could not be reloaded. mapped has the
 * same meaning as in plugin.unloaded, but for the replaced version; it is false if no version was
 * replaced. */
#define TOCSIN_PLUGIN_RELOADED(F) \
    F(string, name) F(string, version) F(bool, mapped) F(string, reason)
TOCSIN_LAYOUT(tocsin_plugin_reloaded, TOCSIN_PLUGIN_RELOADED);

TOCSIN__END
#endif
