#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "plugin/snapshot.h"

static bool has_room(struct tocsin__snapshot *snapshot, size_t size)
{
    size_t room = snapshot->size + size + 4096;
    char *more;

    if (snapshot->room - snapshot->size >= size)
        return true;
    more = tocsin__resize(snapshot->lines, room);
    if (!more) {
        snapshot->err = -ENOMEM;
        return false;
    }
    snapshot->lines = more;
    snapshot->room = room;
    return true;
}

void tocsin__snapshot_add(struct tocsin__snapshot *snapshot, const char *format, ...)
{
    va_list values;
    int length;

    va_start(values, format);
    length = vsnprintf(NULL, 0, format, values);
    va_end(values);
    if (snapshot->err < 0 || length < 0 || !has_room(snapshot, (size_t)length + 1))
        return;
    va_start(values, format);
    vsnprintf(snapshot->lines + snapshot->size, (size_t)length + 1, format, values);
    va_end(values);
    snapshot->size += (size_t)length + 1;
}

void tocsin__snapshot_free(struct tocsin__snapshot *snapshot)
{
    tocsin__release(snapshot->lines);
    snapshot->lines = NULL;
}

static const char *end_of(const struct tocsin__snapshot *snapshot)
{
    return snapshot->lines + snapshot->size;
}

/* How many lines before end are this one, or begin with this much of it and a tab. */
static size_t count(const struct tocsin__snapshot *snapshot, const char *end, const char *line, size_t said)
{
    size_t found = 0;

    for (const char *at = snapshot->lines; at < end; at += strlen(at) + 1)
        found += said ? strncmp(at, line, said) == 0 && (at[said] == '\t' || !at[said]) : strcmp(at, line) == 0;
    return found;
}

bool tocsin__snapshot_has(const struct tocsin__snapshot *snapshot, const char *line)
{
    return count(snapshot, end_of(snapshot), line, 0) > 0;
}

/* Says the lines that are in one oftener than in the other. Whose value alone has changed, of that it is said once, with what is left. */
static bool beyond(const struct tocsin__snapshot *one, const struct tocsin__snapshot *other, bool values, const char *verb, const struct tocsin__reason *reason)
{
    size_t found = 0, unsaid = 0;

    for (const char *at = one->lines; at < end_of(one); at += strlen(at) + 1) {
        size_t said = strcspn(at, "\t");

        if (count(one, at, at, 0) < count(other, end_of(other), at, 0))
            continue;
        if (!values && at[said] && count(one, end_of(one), at, said) <= count(other, end_of(other), at, said))
            continue;
        unsaid += !tocsin__reason_add(reason, "%s%.*s", found ? ", " : verb, (int)said, at);
        found++;
    }
    if (unsaid)
        tocsin__reason_add(&(struct tocsin__reason){ reason->text, reason->size + 16 }, ", %zu more", unsaid);
    return found;
}

bool tocsin__snapshot_differs(const struct tocsin__snapshot *before, const struct tocsin__snapshot *now, const struct tocsin__reason *reason)
{
    struct tocsin__reason less = { reason->text, reason->size - 48 };      /* room for how many more there are, and for "takes" */
    bool leaves = beyond(now, before, true, "leaves: ", &less);

    less.size += 24;
    return beyond(before, now, false, leaves ? "; takes: " : "takes: ", &less) || leaves;
}
