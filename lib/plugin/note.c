#include <errno.h>
#include <string.h>

#include <tocsin/plugin.h>

#include "core/layout.h"
#include "core/mem.h"
#include "core/registry.h"
#include "plugin/elf.h"
#include "plugin/note.h"

enum { NAME_MOST = 63, VERSION_MOST = 63, TEXT_MOST = 64 * 1024 };

struct reading {
    struct tocsin__note *note;
    const struct tocsin__reason *reason;
    unsigned line;
};

static int malformed(const struct reading *reading, const char *what)
{
    return tocsin__refuse(reading->reason, -EBADMSG, "line %u of its note is malformed: %s", reading->line, what);
}

bool tocsin__plugin_name(const char *name)
{
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    return size && size <= NAME_MOST && !name[size];
}

/* One line of each kind: a value is taken, or refused. */

static int take_once(const struct reading *reading, const char **field, const char *value)
{
    if (*field)
        return malformed(reading, "it was said before");
    *field = value;
    return 0;
}

static int take_abi(struct reading *reading, char *value)
{
    uint32_t abi = 0;

    if (reading->line > 1)
        return malformed(reading, "abi is said first, and once");
    for (const char *at = value; *at; at++)
        if (*at < '0' || *at > '9' || at - value >= 9)
            return malformed(reading, "abi is a number");
        else
            abi = 10 * abi + (uint32_t)(*at - '0');
    if (!abi)
        return malformed(reading, "abi is a number");
    reading->note->abi = abi;
    return 0;
}

static int take_name(struct reading *reading, char *value)
{
    if (!tocsin__plugin_name(value))
        return malformed(reading, "a name is 1 to 63 of a-z, 0-9, _ and -");
    return take_once(reading, &reading->note->name, value);
}

static int take_version(struct reading *reading, char *value)
{
    if (!*value || strlen(value) > VERSION_MOST)
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

    if (!tocsin__plugin_name(value))
        return malformed(reading, "a name is 1 to 63 of a-z, 0-9, _ and -");
    for (size_t i = 0; i < note->needs_count; i++)
        if (strcmp(note->needs[i], value) == 0)
            return malformed(reading, "it was said before");
    note->needs[note->needs_count++] = value;
    return 0;
}

static bool fields_fit(const char *fields)
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

static bool emits_already(const struct tocsin__note *note, const char *name)
{
    for (size_t i = 0; i < note->signals_count; i++)
        if (note->signals[i].emits && strcmp(note->signals[i].name, name) == 0)
            return true;
    return false;
}

/* "NAME FIELDS": cut in two. */
static int take_signal(struct reading *reading, char *value, struct tocsin__note_signal *signal)
{
    size_t size = strcspn(value, " ");

    if (tocsin__name_check(value, size) < 0)
        return malformed(reading, "no signal can have this name");
    if (!value[size] || !fields_fit(value + size + 1))
        return malformed(reading, "the fields are no layout");
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

    if (err == 0 && emits_already(note, signal->name))
        return malformed(reading, "it was said before");
    signal->emits = true;
    return err;
}

static int take_consumed(struct reading *reading, char *value)
{
    return take_signal(reading, value, &reading->note->signals[reading->note->signals_count]);
}

static const struct { const char *key; int (*take)(struct reading *reading, char *value); } keys[] = {
    { "abi", take_abi }, { "name", take_name }, { "version", take_version }, { "about", take_about }, { "licence", take_licence },
    { "needs", take_need }, { "emits", take_emitted }, { "consumes", take_consumed },
};

/* The lines */

static bool printable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

/* A key that is not known is of a later version, which has the same ABI. */
static int take_line(struct reading *reading, char *line)
{
    size_t key = strcspn(line, " ");

    if (!printable(line))
        return malformed(reading, "it has control characters");
    if (!key || !line[key])
        return malformed(reading, "it is not a key and a value");
    line[key] = '\0';
    if (reading->line == 1 && strcmp(line, "abi") != 0)
        return malformed(reading, "it is not abi");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(line, keys[i].key) == 0)
            return keys[i].take(reading, line + key + 1);
    return 0;
}

/* What another ABI has to say is read as far as it makes sense here. */
static int take_lines(struct reading *reading)
{
    char *at = reading->note->lines, *end;
    int err = 0;

    for (; *at && err == 0; at = end + 1) {
        end = strchr(at, '\n');
        reading->line++;
        if (!end)
            return malformed(reading, "it has no end");
        *end = '\0';
        err = take_line(reading, at);
        if (reading->line > 1 && reading->note->abi != TOCSIN_ABI)
            err = 0;
    }
    return err;
}

static int complete(const struct reading *reading)
{
    const struct tocsin__note *note = reading->note;
    const char *missing = !note->abi ? "abi" : !note->name ? "name" : !note->version ? "version" : !note->about ? "about" : NULL;

    return missing ? tocsin__refuse(reading->reason, -EBADMSG, "its note has no line \"%s\"", missing) : 0;
}

static void fill(struct tocsin__note *note)
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
        err = tocsin__refuse(reason, -EPROTONOSUPPORT, "it was made for ABI %u of tocsin, and this is ABI %u", note->abi, (unsigned)TOCSIN_ABI);
    else if (err == 0)
        err = complete(&reading);
    fill(note);
    return err;
}

/* The text as a whole */

static int text_check(const struct tocsin__elf *elf, const struct tocsin__reason *reason)
{
    const char *end;

    if (elf->text_size > TEXT_MOST)
        return tocsin__refuse(reason, -EBADMSG, "its note is larger than 64 KiB");
    end = memchr(elf->text, '\0', elf->text_size);
    if (!end)
        return tocsin__refuse(reason, -EBADMSG, "its note has no end");
    while (end < elf->text + elf->text_size)
        if (*end++)
            return tocsin__refuse(reason, -EBADMSG, "its note goes on behind its end");
    return 0;
}

/* At most as many of each as there are lines. */
static int room_make(struct tocsin__note *note, const char *text, const struct tocsin__reason *reason)
{
    size_t lines = 1;

    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    note->text = tocsin__copy_text(text);
    note->lines = tocsin__copy_text(text);
    note->needs = tocsin__alloc(lines * sizeof *note->needs);
    note->signals = tocsin__alloc(lines * sizeof *note->signals);
    if (!note->text || !note->lines || !note->needs || !note->signals)
        return tocsin__refuse(reason, -ENOMEM, "there is no memory for its note");
    return 0;
}

int tocsin__note_read(struct tocsin__note *note, const unsigned char *data, size_t size, char *reason, size_t reason_size)
{
    struct tocsin__reason why = { reason, reason_size };
    struct tocsin__elf elf;
    int err = tocsin__elf_read(&elf, data, size, &why);

    *note = (struct tocsin__note){ .low = elf.low, .high = elf.high, .threads = elf.threads };
    if (err == 0)
        err = text_check(&elf, &why);
    if (err == 0)
        err = room_make(note, elf.text, &why);
    if (err == 0)
        err = lines_read(note, &why);
    if (err == 0 && !elf.starts)
        err = tocsin__refuse(&why, -ENOEXEC, "it does not define tocsin_plugin_init");
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
    *note = (struct tocsin__note){ .text = NULL };
}
