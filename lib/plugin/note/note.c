/* Reads the text of a note, which has lines of a key and a value. */
#include <errno.h>
#include <string.h>

#include <tocsin/plugin.h>
#include <tocsin/host.h>

#include "registry/layout.h"
#include "base/mem.h"
#include "registry/registry.h"
#include "plugin/elf/elf.h"
#include "plugin/note/note.h"
#include "plugin/note/setting.h"

enum { NAME_MAX_BYTES = 63, VERSION_MAX_BYTES = 63, TEXT_MAX_BYTES = 64 * 1024 };

struct reading {
    struct tocsin__note *note;
    const struct tocsin__reason *reason;
    unsigned line;
    struct tocsin_setting_facts setting; /* the setting that was read last */
    unsigned setting_line;               /* line of the setting that was read last; 0: none yet */
    bool none;                           /* true if the note has the line "settings none" */
};

static int malformed(const struct reading *reading, const char *what)
{
    return tocsin__refuse(reading->reason, -EBADMSG, "line %u of the note is malformed: %s",
                          reading->line, what);
}

bool tocsin__is_plugin_name(const char *name)
{
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    return size && size <= NAME_MAX_BYTES && !name[size];
}

/* The following functions store or refuse the value of a line. There is one function for each
 * key. */

static int take_once(const struct reading *reading, const char **field, const char *value)
{
    if (*field)
        return malformed(reading, "the key or name is repeated");
    *field = value;
    return 0;
}

static int take_abi(struct reading *reading, char *value)
{
    uint32_t abi = 0;

    if (reading->line > 1)
        return malformed(reading, "abi must be the first line, and only that");
    for (const char *at = value; *at; at++)
        if (*at < '0' || *at > '9' || at - value >= 9)
            return malformed(reading, "abi must be a number above 0");
        else
            abi = 10 * abi + (uint32_t)(*at - '0');
    if (!abi)
        return malformed(reading, "abi must be a number above 0");
    reading->note->abi = abi;
    return 0;
}

static int take_name(struct reading *reading, char *value)
{
    if (!tocsin__is_plugin_name(value))
        return malformed(reading, "a plugin name is 1 to 63 of a-z, 0-9, _ and -");
    return take_once(reading, &reading->note->name, value);
}

static int take_version(struct reading *reading, char *value)
{
    if (!*value || strlen(value) > VERSION_MAX_BYTES)
        return malformed(reading, "a version is 1 to 63 bytes");
    return take_once(reading, &reading->note->version, value);
}

static int take_about(struct reading *reading, char *value)
{
    return take_once(reading, &reading->note->about, value);
}

static int take_licence(struct reading *reading, char *value)
{
    return take_once(reading, &reading->note->licence, value);
}

static int take_need(struct reading *reading, char *value)
{
    struct tocsin__note *note = reading->note;

    if (!tocsin__is_plugin_name(value))
        return malformed(reading, "a plugin name is 1 to 63 of a-z, 0-9, _ and -");
    for (size_t i = 0; i < note->needs_count; i++)
        if (strcmp(note->needs[i], value) == 0)
            return malformed(reading, "the key or name is repeated");
    note->needs[note->needs_count++] = value;
    return 0;
}

static bool is_layout(const char *fields)
{
    struct tocsin_layout layout = { .fields = fields };
    struct tocsin__fields walk;
    struct tocsin__field field;
    int more;

    tocsin__fields_begin(&walk, &layout);
    while ((more = tocsin__fields_next(&walk, &field)) > 0)
        ;
    return more == 0;
}

static bool has_emitted(const struct tocsin__note *note, const char *name)
{
    for (size_t i = 0; i < note->signals_count; i++)
        if (note->signals[i].emits && strcmp(note->signals[i].name, name) == 0)
            return true;
    return false;
}

/* Reads the value "NAME FIELDS" of a signal. The space is replaced by a NUL. */
static int take_signal(struct reading *reading, char *value, struct tocsin__note_signal *signal)
{
    size_t size = strcspn(value, " ");

    if (tocsin__name_check(value, size) < 0)
        return malformed(reading, "not a valid signal name");
    if (!value[size] || !is_layout(value + size + 1))
        return malformed(reading, "the fields are not a valid layout");
    value[size] = '\0';
    signal->name = value;
    signal->fields = value + size + 1;
    reading->note->signals_count++;
    return 0;
}

static int take_emitted(struct reading *reading, char *value)
{
    struct tocsin__note *note = reading->note;
    struct tocsin__note_signal *signal = &note->signals[note->signals_count];
    int err = take_signal(reading, value, signal);

    if (err == 0 && has_emitted(note, signal->name))
        return malformed(reading, "the key or name is repeated");
    signal->emits = true;
    return err;
}

static int take_consumed(struct reading *reading, char *value)
{
    return take_signal(reading, value, &reading->note->signals[reading->note->signals_count]);
}

/* Reads the value "NAME TYPE: ABOUT" of a setting. Only the name is kept, and the default, which is
   in the next line. */
static int take_setting(struct reading *reading, char *value)
{
    struct tocsin__note *note = reading->note;
    struct tocsin_setting_facts facts;
    const char *wrong = tocsin__setting_read(value, strlen(value), &facts);

    if (wrong)
        return malformed(reading, wrong);
    value[strlen(facts.name)] = '\0';
    for (size_t i = 0; i < note->settings_count; i++)
        if (strcmp(note->settings[i].name, value) == 0)
            return malformed(reading, "this setting is declared twice");
    if (reading->none)
        return malformed(reading, "a setting after \"settings none\"");
    note->settings[note->settings_count++] = (struct tocsin__note_setting){ value, NULL };
    reading->setting = facts;
    reading->setting_line = reading->line;
    return 0;
}

static int take_default(struct reading *reading, char *value)
{
    const char *wrong = NULL;

    if (!reading->setting_line || reading->line != reading->setting_line + 1)
        return malformed(reading, "\"default\" must be the line after its setting");
    wrong = tocsin__setting_default(&reading->setting, value, strlen(value));
    if (wrong)
        return malformed(reading, wrong);
    reading->note->settings[reading->note->settings_count - 1].otherwise = value;
    return 0;
}

static int take_required(struct reading *reading, char *value)
{
    if (!reading->setting_line || reading->line != reading->setting_line + 1 ||
        strcmp(value, "yes") != 0)
        return malformed(reading, "\"required yes\" must be the line after its setting");
    return 0;
}

static int take_settings(struct reading *reading, char *value)
{
    reading->none = true;
    return strcmp(value, "none") != 0 || reading->note->settings_count
               ? malformed(
                     reading,
                     "\"settings\" must be \"none\", and no setting may be declared beside it")
               : 0;
}

static const struct {
    const char *key;
    int (*take)(struct reading *reading, char *value);
} keys[] = {
    { "abi", take_abi },         { "name", take_name },         { "version", take_version },
    { "about", take_about },     { "licence", take_licence },   { "needs", take_need },
    { "emits", take_emitted },   { "consumes", take_consumed }, { "setting", take_setting },
    { "default", take_default }, { "required", take_required }, { "settings", take_settings },
};

/* The lines */

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

/* Reads one line. An unknown key is ignored, because it may come from a later version with the same
   ABI. */
static int take_line(struct reading *reading, char *line)
{
    size_t key = strcspn(line, " ");

    if (!is_printable(line))
        return malformed(reading, "it contains control characters");
    if (!key || !line[key])
        return malformed(reading, "it must be a key, a space and a value");
    line[key] = '\0';
    if (reading->line == 1 && strcmp(line, "abi") != 0)
        return malformed(reading, "the first line must be abi");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(line, keys[i].key) == 0)
            return keys[i].take(reading, line + key + 1);
    return 0;
}

/* Reads all lines. A note of another ABI may have other lines, so lines that cannot be read are
   ignored then. */
static int take_lines(struct reading *reading)
{
    char *at = reading->note->lines, *end;
    int err = 0;

    for (; *at && err == 0; at = end + 1) {
        end = strchr(at, '\n');
        reading->line++;
        if (!end)
            return malformed(reading, "it does not end with a newline");
        *end = '\0';
        err = take_line(reading, at);
        if (reading->line > 1 && reading->note->abi != TOCSIN_ABI)
            err = 0;
    }
    return err;
}

static int lines_check_complete(const struct reading *reading)
{
    const struct tocsin__note *note = reading->note;
    const char *missing = !note->abi       ? "abi"
                          : !note->name    ? "name"
                          : !note->version ? "version"
                          : !note->about   ? "about"
                                           : NULL;

    return missing
               ? tocsin__refuse(reading->reason, -EBADMSG, "the note has no \"%s\" line", missing)
               : 0;
}

static void lines_fill_missing(struct tocsin__note *note)
{
    const char **fields[] = { &note->name, &note->version, &note->about, &note->licence };

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (!*fields[i])
            *fields[i] = "";
}

static int lines_read(struct tocsin__note *note, const struct tocsin__reason *reason)
{
    struct reading reading = { .note = note, .reason = reason };
    int err = take_lines(&reading);

    if (note->abi && note->abi != TOCSIN_ABI)
        err = tocsin__refuse(reason, -EPROTONOSUPPORT,
                             "compiled for ABI %u of tocsin, but this is ABI %u", note->abi,
                             (unsigned)TOCSIN_ABI);
    else if (err == 0)
        err = lines_check_complete(&reading);
    lines_fill_missing(note);
    return err;
}

/* Functions for the text as a whole */

static int text_check(const struct tocsin__elf *elf, const struct tocsin__reason *reason)
{
    const char *end;

    if (elf->text_size > TEXT_MAX_BYTES)
        return tocsin__refuse(reason, -EBADMSG, "the note is larger than 64 KiB");
    end = memchr(elf->text, '\0', elf->text_size);
    if (!end)
        return tocsin__refuse(reason, -EBADMSG, "the note does not end with a NUL");
    while (end < elf->text + elf->text_size)
        if (*end++)
            return tocsin__refuse(reason, -EBADMSG, "the note has bytes after its NUL");
    return 0;
}

/* Allocates the arrays of a note. There are at most as many entries of each kind as there are
   lines. */
static int note_alloc(struct tocsin__note *note, const char *text,
                      const struct tocsin__reason *reason)
{
    size_t lines = 1;

    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    note->text = tocsin__copy_text(text);
    note->lines = tocsin__copy_text(text);
    note->needs = tocsin__alloc(lines * sizeof *note->needs);
    note->signals = tocsin__alloc(lines * sizeof *note->signals);
    note->settings = tocsin__alloc(lines * sizeof *note->settings);
    if (!note->text || !note->lines || !note->needs || !note->signals || !note->settings)
        return tocsin__refuse(reason, -ENOMEM, "not enough memory to read the note");
    return 0;
}

int tocsin__note_read(struct tocsin__note *note, const unsigned char *data, size_t size,
                      char *reason, size_t reason_size)
{
    struct tocsin__reason why = { reason, reason_size };
    struct tocsin__elf elf;
    int err = tocsin__elf_read(&elf, data, size, &why);

    *note = (struct tocsin__note){ .low = elf.low,
                                   .high = elf.high,
                                   .threads = elf.threads,
                                   .keys = elf.keys,
                                   .uniques = elf.uniques };
    if (err == 0)
        err = text_check(&elf, &why);
    if (err == 0)
        err = note_alloc(note, elf.text, &why);
    if (err == 0)
        err = lines_read(note, &why);
    if (err == 0 && !elf.starts)
        err = tocsin__refuse(&why, -ENOEXEC, "tocsin_plugin_init is not defined");
    if (err < 0 && err != -EPROTONOSUPPORT)
        tocsin__note_free(note);
    return err;
}

void tocsin__note_free(struct tocsin__note *note)
{
    tocsin__release(note->text);
    tocsin__release(note->lines);
    tocsin__release(note->needs);
    tocsin__release(note->signals);
    tocsin__release(note->settings);
    *note = (struct tocsin__note){ .text = NULL };
}
