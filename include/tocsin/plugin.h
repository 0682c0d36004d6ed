/* Plugins: shared objects that are loaded into a program, reloaded and unloaded while it runs. This
   header is for a plugin; <tocsin/host.h> is for the program. tocsin-plugins(7) explains how to
   write a plugin.

   P1  Every object has an owner, the program or a plugin (<tocsin/owner.h>).

   P2  A plugin describes itself in an ELF note, which is plain text. The note is read from the file
       and checked before the file is mapped, because constructors run when it is mapped.

   P3  An unload has these steps. New work of the plugin is refused. Its operations are cancelled,
       its pending emissions are delivered, and its handlers are disconnected. fini is called with
       no handler on the stack, and the file is unmapped. Any code may request an unload, also a
       handler of the plugin. Plugins that need this plugin are unloaded first. If something does
       not end in time, the plugin stays mapped, and the unload ends with -EBUSY.

   P4  In a reload, finite operations of the old version may end while its handlers are connected.
       Then all loops on which the plugin has objects stop between two turns and deliver nothing.
       Meanwhile fini is called, the old file is unmapped, the new file is mapped, and init is
       called. Emissions that arrive meanwhile wait. If the new version does not start, the old
       version is restored. */
#ifndef TOCSIN_PLUGIN_H
#define TOCSIN_PLUGIN_H

#include <tocsin.h>

TOCSIN__BEGIN

/* version of the structs, enums and functions that a plugin and its host share */
#define TOCSIN_ABI 1

#define TOCSIN__YOURS __attribute__((visibility("default")))

/* The functions that a plugin defines. With these declarations, a wrong signature does not compile,
   and the functions are visible even with -fvisibility=hidden. */

/* The plugin's init. It returns 0 or more; or -errno: then the plugin is not loaded, and everything
   that it began is undone. */
TOCSIN__YOURS int tocsin_plugin_init(void);

/* The plugin's fini, which may be left out. When it is called, no handler or operation of the
   plugin exists any longer, and the plugin cannot start one. */
TOCSIN__YOURS void tocsin_plugin_fini(void);

/* The note of a plugin. It stands in the plugin's source once, outside any function:

       TOCSIN_PLUGIN("accesslog", "1.0", "Writes a line for each request that was answered."
                     TOCSIN_LICENCE("BSD-3-Clause")
                     TOCSIN_NEEDS("http")
                     TOCSIN_CONSUMES("http.server.answered", TOCSIN_HTTP_SERVER_ANSWERED));

   The name has at most 63 characters of [a-z0-9_-]. After the name, the version and a sentence come
   further lines, without commas between them:

   TOCSIN_NEEDS      the name of a plugin that is loaded first
   TOCSIN_EMITS      a signal that the plugin declares, and the list of its layout, which is left
                     out if the signal has no payload; a plugin must declare no other signals
   TOCSIN_CONSUMES   a signal that the plugin connects to, and the list of its layout. It need not
                     be declared when the plugin connects. If it is declared, the layouts must be
                     equal

   The note contains no pointer and no relocation; readelf -n prints it, and strip keeps it. */

/* The settings of a plugin are further lines of its note. Each has a name, a type, a default, and a
   sentence.

       TOCSIN_SETTING("every_ms", "u64 1..86400000", "10000", "Milliseconds between two pages.")

   TOCSIN_SETTING            has a default, which tocsin_setting returns if no value is given
   TOCSIN_SETTING_REQUIRED   must be given
   TOCSIN_SETTING_OPTIONAL   may be missing, and has no default
   TOCSIN_NO_SETTINGS        the plugin has no settings

   Settings are checked before the plugin is mapped. An undeclared setting is refused, and so is a
   value that does not fit its type. If a note has none of these four macros, the plugin accepts all
   settings, and they are not checked.

   The types are: string; bool ("yes" or "no"); i64, u64 and f64, which may have a range ("i64
   -5..5", "f64 0..", "u64 ..9"); a choice of words ("choice text|json"); and pattern (of signals).
   A name has 1 to 63 characters of [A-Za-z0-9_.-]. A default and a sentence have at most 255 bytes.
   The program tocsin(1) reserves the names "file" and "loop". */
#define TOCSIN_SETTING(name, type, otherwise, about) \
    TOCSIN__LINE("setting", name " " type ": " about) TOCSIN__LINE("default", otherwise)
#define TOCSIN_SETTING_REQUIRED(name, type, about) \
    TOCSIN__LINE("setting", name " " type ": " about) TOCSIN__LINE("required", "yes")
#define TOCSIN_SETTING_OPTIONAL(name, type, about) TOCSIN__LINE("setting", name " " type ": " about)
#define TOCSIN_NO_SETTINGS TOCSIN__LINE("settings", "none")

#define TOCSIN__LINE(key, text) "\n" key " " text
#define TOCSIN_LICENCE(text) TOCSIN__LINE("licence", text)
#define TOCSIN_NEEDS(plugin) TOCSIN__LINE("needs", plugin)
#define TOCSIN_EMITS(...) TOCSIN__LINE("emits", TOCSIN__SIGNAL(__VA_ARGS__, TOCSIN__NO_FIELDS, ))
#define TOCSIN_CONSUMES(...) \
    TOCSIN__LINE("consumes", TOCSIN__SIGNAL(__VA_ARGS__, TOCSIN__NO_FIELDS, ))
#define TOCSIN__SIGNAL(name, LIST, ...) name " " LIST(TOCSIN__FIELD)
#define TOCSIN__NO_FIELDS(F) ""

#define TOCSIN__NOTE(name, version, ...) \
    "abi " TOCSIN__TEXT(TOCSIN_ABI) TOCSIN__LINE("name", name) TOCSIN__LINE("version", version) \
        TOCSIN__LINE("about", __VA_ARGS__) "\n"
#define TOCSIN_PLUGIN(...) \
    static const struct { \
        uint32_t vendor_size, text_size, type; \
        char vendor[8], text[(sizeof(TOCSIN__NOTE(__VA_ARGS__)) + 3) & ~(size_t)3]; \
    } tocsin__note __attribute__((used, section(".note.tocsin"), aligned(4))) = { \
        8, sizeof(TOCSIN__NOTE(__VA_ARGS__)), TOCSIN_ABI, "tocsin", TOCSIN__NOTE(__VA_ARGS__) \
    }

/* The functions that a plugin calls. */

/**
 * Returns a setting that the calling plugin was loaded with. `where` is the place of the call,
 * which identifies the plugin. In all functions of this header, the macro passes it.
 *
 * @owner   the text lasts until the plugin is unloaded, or reloaded with other settings
 * @return  the value; if none was given, the default in the note; if the note has none, otherwise.
 *          It also returns otherwise if key is NULL, or the caller is not a plugin
 * @emits   none
 * @thread  any
 * @source  getenv(3)
 * @since   0.1
 */
TOCSIN_API const char *tocsin_setting_at(const char *where, const char *key, const char *otherwise);
#define tocsin_setting(key, otherwise) tocsin_setting_at(TOCSIN__HERE, (key), (otherwise))

/**
 * Records why init fails, in a sentence. tocsin_plugin_last_error returns this sentence to the
 * host. For example: return tocsin_plugin_fail(-EINVAL, "format: must be text or json");
 *
 * @owner   reason is copied, at most 255 bytes
 * @return  error
 * @emits   none
 * @thread  the thread of init
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_plugin_fail(int error, const char *reason);

/**
 * Saves some bytes for the next version of the calling plugin. A plugin calls this in fini or
 * before. A later call replaces the bytes. `version` is the version number of their format. If the
 * plugin is not reloaded, the bytes are discarded.
 *
 * @owner   data is copied
 * @return  0; -EINVAL: data is NULL and size is not 0; -EPERM: the caller is not a plugin; -ENOMEM
 * @emits   none
 * @thread  any
 * @source  P4
 * @since   0.1
 */
TOCSIN_API int tocsin_state_save_at(const char *where, uint32_t version, const void *data,
                                    size_t size);
#define tocsin_state_save(version, data, size) \
    tocsin_state_save_at(TOCSIN__HERE, (version), (data), (size))

/**
 * Returns the bytes that the previous version of the plugin saved, if it saved them with the same
 * version number. A plugin calls this in init.
 *
 * @owner   the bytes last until init has returned
 * @return  0 and ret_state set; -ENOENT: nothing was saved; -EPROTO: the bytes were saved with
 *          another version number; -EINVAL: ret_state is NULL
 * @emits   none
 * @thread  the thread of init
 * @source  P4
 * @since   0.1
 */
TOCSIN_API int tocsin_state_restore_at(const char *where, uint32_t version,
                                       struct tocsin_bytes *ret_state);
#define tocsin_state_restore(version, ret_state) \
    tocsin_state_restore_at(TOCSIN__HERE, (version), (ret_state))

TOCSIN__END
#endif
