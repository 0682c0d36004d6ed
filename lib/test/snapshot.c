/* Compares two lists of lines. A line may occur several times, so occurrences are counted. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "test/mem.h"
#include "test/snapshot.h"

static bool snapshot_reserve(struct tocsin__snapshot *snapshot, size_t size)
{
    size_t room = snapshot->size + size + 4096;
    char *lines;

    if (snapshot->room - snapshot->size >= size)
        return true;
    lines = tocsin__test_resize(snapshot->lines, room);
    if (!lines) {
        snapshot->err = -ENOMEM;
        return false;
    }
    snapshot->lines = lines;
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
    if (snapshot->err < 0 || length < 0 || !snapshot_reserve(snapshot, (size_t)length + 1))
        return;
    va_start(values, format);
    vsnprintf(snapshot->lines + snapshot->size, (size_t)length + 1, format, values);
    va_end(values);
    snapshot->size += (size_t)length + 1;
}

void tocsin__snapshot_free(struct tocsin__snapshot *snapshot)
{
    tocsin__test_release(snapshot->lines);
    snapshot->lines = NULL;
}

static const char *snapshot_end(const struct tocsin__snapshot *snapshot)
{
    return snapshot->lines + snapshot->size;
}

/* Counts the lines before `end` that are equal to `line`. If name_size is not 0, only the names
   must be equal: the first name_size bytes of `line`. */
static size_t snapshot_count(const struct tocsin__snapshot *snapshot, const char *end,
                             const char *line, size_t name_size)
{
    size_t count = 0;

    for (const char *at = snapshot->lines; at < end; at += strlen(at) + 1)
        if (name_size)
            count += strncmp(at, line, name_size) == 0 && (at[name_size] == '\t' || !at[name_size]);
        else
            count += strcmp(at, line) == 0;
    return count;
}

bool tocsin__snapshot_has(const struct tocsin__snapshot *snapshot, const char *line)
{
    return snapshot_count(snapshot, snapshot_end(snapshot), line, 0) > 0;
}

/* Returns true if this occurrence of a line has no counterpart in `other`. A changed value is a
   difference only if `with_values` is true. */
static bool line_is_extra(const struct tocsin__snapshot *one, const struct tocsin__snapshot *other,
                          const char *line, bool with_values)
{
    size_t name_size = strcspn(line, "\t");

    if (snapshot_count(one, line, line, 0) < snapshot_count(other, snapshot_end(other), line, 0))
        return false;
    return with_values || !line[name_size] ||
           snapshot_count(one, snapshot_end(one), line, name_size) >
               snapshot_count(other, snapshot_end(other), line, name_size);
}

/* Appends the names of the lines that occur more often in `one` than in `other`. */
static bool snapshot_extra(const struct tocsin__snapshot *one, const struct tocsin__snapshot *other,
                           bool with_values, const char *verb,
                           const struct tocsin__sentence *sentence)
{
    enum { MORE_ROOM = 16 };
    size_t found = 0, omitted = 0;

    for (const char *at = one->lines; at < snapshot_end(one); at += strlen(at) + 1) {
        if (!line_is_extra(one, other, at, with_values))
            continue;
        omitted += !tocsin__sentence_add(sentence, "%s%.*s", found ? ", " : verb,
                                         (int)strcspn(at, "\t"), at);
        found++;
    }
    if (omitted)
        tocsin__sentence_add(
            &(struct tocsin__sentence){ sentence->text, sentence->size + MORE_ROOM }, ", %zu more",
            omitted);
    return found;
}

bool tocsin__snapshot_differs(const struct tocsin__snapshot *before,
                              const struct tocsin__snapshot *after,
                              const struct tocsin__sentence *sentence)
{
    enum {
        RESERVED = 64,
        RESERVED_REMOVES = 32
    }; /* the numbers of bytes that ", 99 more; removes: " and ", 99 more" need */
    struct tocsin__sentence shorter = { sentence->text, sentence->size - RESERVED };
    bool leaves = snapshot_extra(after, before, true, "leaves behind: ", &shorter);

    /* If a value has changed, both lists have its name. It is reported only once, as left
       behind. */
    shorter.size += RESERVED_REMOVES;
    return snapshot_extra(before, after, false, leaves ? "; removes: " : "removes: ", &shorter) ||
           leaves;
}
