/* Plugins: shared objects that a program grows by, loaded, swapped and removed while it runs. How to write one: tocsin-plugins(7).

   P1  Everything has an owner, the program or a plugin, recorded without its author passing it: <tocsin/owner.h>.
   P2  A plugin says who it is in an ELF note, flat text, which is read from its file and judged before the file is mapped, since constructors run
       inside of that.
   P3  Unloading is a transaction: new work is refused, what runs is cancelled, what is pended is delivered, handlers are disconnected, fini is called on a
       clean stack, the file is unmapped. It may be asked for from anywhere, also by a handler of the plugin itself; those that need the plugin go
       first. What does not end in its time stays mapped, answers -EBUSY, and can be looked at.
   P4  Reloading: what the old one has begun ends while it is connected; then all loops that it has something on meet between turns, and fini, unmapping, mapping
       and init happen while nothing is delivered on them; what arrives meanwhile waits. If the new one does not come up, the old one is put back. */
#ifndef TOCSIN_PLUGIN_H
#define TOCSIN_PLUGIN_H

#include <tocsin/op.h>

TOCSIN__BEGIN

#define TOCSIN_ABI 1                      /* of what a plugin and its host share: structs, enums, functions */

#define TOCSIN__YOURS __attribute__((visibility("default")))

/* What a plugin defines; declared here, so a wrong signature does not compile, and is visible under -fvisibility=hidden. */
TOCSIN__YOURS int  tocsin_plugin_init(void);           /* 0 or more; -errno: it is not loaded, and what it had begun is undone */
TOCSIN__YOURS void tocsin_plugin_fini(void);           /* may be left out. Nothing of the plugin is connected or runs any more, and it can start nothing */

/* Who it is, once in a plugin, at file level:

       TOCSIN_PLUGIN("accesslog", "1.0", "Writes a line for each request that was answered."
                     TOCSIN_LICENCE("BSD-3-Clause")
                     TOCSIN_NEEDS("http")
                     TOCSIN_CONSUMES("http.server.answered", TOCSIN_HTTP_SERVER_ANSWERED));

   name: [a-z0-9_-], 63 bytes at most. Further lines follow without commas. NEEDS: the name of a plugin that is loaded first. EMITS: a signal that it declares,
   and CONSUMES: one that it listens to, each with the list of its layout, or without one for a signal that carries nothing. Where it is declared already it has
   to have the same; where it is not yet, the plugin may connect to it all the same; and a plugin declares nothing that it does not say here. All of it is flat text in a note: no pointer, no relocation; readelf -n shows it, strip leaves it. */
#define TOCSIN__LINE(key, text)    "\n" key " " text
#define TOCSIN_LICENCE(text)       TOCSIN__LINE("licence", text)
#define TOCSIN_NEEDS(plugin)       TOCSIN__LINE("needs", plugin)
#define TOCSIN_EMITS(...)          TOCSIN__LINE("emits", TOCSIN__SIGNAL(__VA_ARGS__, TOCSIN__NO_FIELDS, ))
#define TOCSIN_CONSUMES(...)       TOCSIN__LINE("consumes", TOCSIN__SIGNAL(__VA_ARGS__, TOCSIN__NO_FIELDS, ))
#define TOCSIN__SIGNAL(name, LIST, ...) name " " LIST(TOCSIN__FIELD)
#define TOCSIN__NO_FIELDS(F)       ""

#define TOCSIN__NOTE(name, version, ...) \
    "abi " TOCSIN__TEXT(TOCSIN_ABI) TOCSIN__LINE("name", name) TOCSIN__LINE("version", version) TOCSIN__LINE("about", __VA_ARGS__) "\n"
#define TOCSIN_PLUGIN(...)                                                                            \
    static const struct {                                                                             \
        uint32_t vendor_size, text_size, type;                                                        \
        char vendor[8], text[(sizeof(TOCSIN__NOTE(__VA_ARGS__)) + 3) & ~(size_t)3];                   \
    } tocsin__note __attribute__((used, section(".note.tocsin"), aligned(4))) = {                     \
        8, sizeof(TOCSIN__NOTE(__VA_ARGS__)), TOCSIN_ABI, "tocsin", TOCSIN__NOTE(__VA_ARGS__) }

/* What a plugin calls. */

/**
 * A setting of the plugin that calls this: what it was loaded with.
 *
 * @owner   the text lasts while the plugin is loaded, until it is reloaded with others
 * @return  the value; otherwise, as it was given, if there is no such setting, key is NULL, or the caller is no plugin
 * @emits   none
 * @thread  any
 * @source  getenv(3)
 * @since   0.1
 */
TOCSIN_API const char *tocsin_setting_at(const char *where, const char *key, const char *otherwise);
#define tocsin_setting(key, otherwise) tocsin_setting_at(TOCSIN__HERE, (key), (otherwise))

/**
 * For an init that fails: says why, in a sentence, which tocsin_plugin_reason hands on. return tocsin_plugin_refuse(-EINVAL, "format: text or json");
 *
 * @owner   reason is copied; what is beyond 255 bytes is cut
 * @return  error
 * @emits   none
 * @thread  the one that init was called on
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_refuse(int error, const char *reason);

/**
 * Leaves a block of bytes for the next version of the calling plugin, from its fini, or before; the last one stands. version says what is in it. Where no
 * reload is going on nobody gets it.
 *
 * @owner   data is copied
 * @return  0; -EINVAL: data is NULL and size is not 0; -EPERM: the caller is no plugin; -ENOMEM
 * @emits   none
 * @thread  any
 * @source  P4
 * @since   0.1
 */
TOCSIN_API int tocsin_state_leave_at(const char *where, uint32_t version, const void *data, size_t size);
#define tocsin_state_leave(version, data, size) tocsin_state_leave_at(TOCSIN__HERE, (version), (data), (size))

/**
 * What the version before left, in init. Only what was left as the version that is asked for.
 *
 * @owner   the bytes last until init has returned
 * @return  0 and ret_state set; -ENOENT: nothing was left; -EPROTO: something was left as another version; -EINVAL: ret_state is NULL
 * @emits   none
 * @thread  the one that init was called on
 * @source  P4
 * @since   0.1
 */
TOCSIN_API int tocsin_state_take_at(const char *where, uint32_t version, struct tocsin_bytes *ret_state);
#define tocsin_state_take(version, ret_state) tocsin_state_take_at(TOCSIN__HERE, (version), (ret_state))

/* What a host calls. Each answers -errno where something is wrong, and tocsin_plugin_reason says it in a sentence. */

/**
 * Loads a plugin and calls its init on the calling thread, whose loop is the plugin's from then on. name: of one on the path; with a slash in it,
 * a file. The path is TOCSIN_PLUGIN_PATH, folders with colons between (not in a program with privileges that its user does not have), then the
 * folder that libtocsin was built with. The file of the plugin "x" is x.so. settings: "key=value", …, NULL; or NULL. What it needs is loaded first, from
 * the path, without settings. The file is read once, and what is mapped is a copy of it: whatever becomes of the file, the plugin stays as it is.
 *
 * @owner   settings are copied
 * @return  0; -ENOENT: no such plugin, or it needs one that is not there; -EEXIST: one of this name is loaded, or it is called "program"; -ELOOP: it needs itself, through others perhaps;
 *          -ENOEXEC: not a shared object for this machine, truncated, or without a note; -EBADMSG: the note is malformed; -EPROTONOSUPPORT: another TOCSIN_ABI;
 *          -EPROTO: a layout is not as it was declared; -EPERM: this program has privileges, and others may write to the file; -ELIBACC: the dynamic
 *          linker refuses it; -EINVAL: a setting without "=", or name is malformed; -ENOMEM, or what init answered: nothing is left of it
 * @emits   plugin.loaded
 * @thread  loop
 * @source  P2; dlopen(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_load(const char *name, const char *const *settings);

/**
 * Unloads a plugin, and before it those that need it (P3). The deadline of the operation is 10 s unless tocsin_deadline says otherwise.
 *
 * @owner   none
 * @return  0; -ENOENT: no such plugin; -EALREADY: it is being unloaded or reloaded, and whoever asked waits for it; -EBUSY: its init has not returned;
 *          -EINVAL: name is NULL, or notify's function is the plugin's own; else as tocsin_op_new
 * @emits   plugin.unloaded exactly once: 0; -EBUSY: its time was over, and something still holds it: it stays mapped, and can be asked again
 * @thread  loop
 * @source  P3; dlclose(3)
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_unload(const char *name, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * Reads the plugin's file again and puts it in the place of what is loaded (P4), with the settings that it was loaded with, or new ones.
 *
 * @owner   settings are copied
 * @return  0; -ENOENT: no such plugin; -EALREADY: it is being unloaded or reloaded; -EBUSY: its init has not returned, or its time to end was over; -EINVAL: name is
 *          NULL, a setting has no "=", or notify's function is the plugin's own; else as tocsin_op_new. A file that is not fit is told by plugin.reloaded
 * @emits   plugin.reloaded exactly once: 0; -EBUSY: its time was over, and something still holds the old one, which goes on; or as tocsin_plugin_load: the old one
 *          is in its place again
 * @thread  loop
 * @source  P4
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_reload(const char *name, const char *const *settings, const struct tocsin_notify *notify, struct tocsin_op *ret_op);

/**
 * What was wrong when a call of this header failed last on this thread, in a sentence.
 *
 * @owner   the text lasts until the next call of this header on this thread
 * @return  never NULL; "" if nothing was
 * @emits   none
 * @thread  any
 * @source  dlerror(3)
 * @since   0.1
 */
TOCSIN_API const char *tocsin_plugin_reason(void);

enum tocsin_plugin_state {
    TOCSIN_PLUGIN_LOADING,                /* its init has not returned */
    TOCSIN_PLUGIN_RUNNING,
    TOCSIN_PLUGIN_ENDING,                 /* it is being unloaded, or reloaded */
    TOCSIN_PLUGIN_STUCK                   /* its time to end was over, and something holds it */
};

struct tocsin_plugin_facts {
    const char *name, *version, *about, *licence, *file;
    const char *needs;                    /* names, with spaces between */
    const char *note;                     /* all of it */
    enum tocsin_plugin_state state;
    uint32_t reloads;
    uint64_t id;                          /* of this load */
    uintptr_t spare[4];
};

/**
 * The facts of the plugin that was loaded after another one; NULL: of the first. In the order of loading.
 *
 * @owner   the texts last while it is loaded
 * @return  0 and ret_facts set; -ENOENT: there is none after it; -EINVAL: ret_facts is NULL
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_next(const char *after, struct tocsin_plugin_facts *ret_facts);

/**
 * Reads a plugin and judges it as tocsin_plugin_load would, without mapping it. ret_facts: what its note says; state says nothing. It may be NULL.
 *
 * @owner   the texts last until the next call of this header on this thread
 * @return  0: it would be loaded; or as tocsin_plugin_load. ret_facts is set wherever a note could be read, also then
 * @emits   none
 * @thread  any
 * @source  P2
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_check(const char *name, struct tocsin_plugin_facts *ret_facts);

/**
 * Lets all handlers of a plugin out of quarantine, on all loops, each in its next turn: tocsin_handler_release.
 *
 * @owner   none
 * @return  0; -ENOENT: no such plugin; -EINVAL: name is NULL; -ENOMEM
 * @emits   what the handlers emit
 * @thread  any
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_release(const char *name);

#define TOCSIN_PLUGIN_QUARANTINED(F) F(string, owner) F(string, pattern) F(string, function) F(string, where) F(u64, handler) F(string, reason) F(u64, count)
TOCSIN_LAYOUT(tocsin_plugin_quarantined, TOCSIN_PLUGIN_QUARANTINED);
#define TOCSIN_PLUGIN_LOADED(F) F(string, name) F(string, version) F(string, file)
TOCSIN_LAYOUT(tocsin_plugin_loaded, TOCSIN_PLUGIN_LOADED);
#define TOCSIN_PLUGIN_UNLOADED(F) F(string, name) F(bool, mapped) F(string, reason)
TOCSIN_LAYOUT(tocsin_plugin_unloaded, TOCSIN_PLUGIN_UNLOADED);      /* mapped: its code could not be unmapped (it was linked
                                                                       with -z nodelete, say), and nothing of it is called; reason: what holds it, with -EBUSY */
#define TOCSIN_PLUGIN_RELOADED(F) F(string, name) F(string, version) F(bool, mapped) F(string, reason)
TOCSIN_LAYOUT(tocsin_plugin_reloaded, TOCSIN_PLUGIN_RELOADED);

TOCSIN__END
#endif
