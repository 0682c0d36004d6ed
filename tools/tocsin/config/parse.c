/* Feeds a file to the library inih, and stores the sections and entries that inih finds.

   inih reports entries, but neither line numbers nor the beginning of a section. So this file feeds
   inih line by line. After each section head it inserts a mark, which is an entry without a key.
   Before inih gets a line, comments and indentation are removed. Lines that inih would cut or
   misread are refused. */
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"
#include "mem.h"
#include "usage.h"

struct reading {
    struct config *config;
    const char *text; /* the rest of the text, from the next line on */
    int line;         /* the number of the current line */
    /* what inih got last: a section head, the mark after a head, or something else */
    enum { NO_HEAD, HEAD, MARK } given_last;
    /* the text between the brackets of the head, since inih would cut it off at 50 bytes */
    char head[256];
    size_t indent;  /* the number of blanks before the last key */
    bool continues; /* true if the current line continues the last value */
    bool skips;     /* true if the section was refused, so that its entries are skipped */
};

static const char *const kinds[] = { "tocsin", "actions", "loop", "plugin", "limits", NULL };

/* Sections */

static bool is_name(const char *name)
{
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    return size > 0 && size <= 63 && !name[size];
}

/* Splits a head such as "plugin NAME" into the kind and the name. The text head is changed. Returns
   false if an error was reported. */
static bool head_split(struct reading *reading, char *head, enum section_kind *ret_kind,
                       const char **ret_name)
{
    struct config *config = reading->config;
    size_t size = strcspn(head, " \t");
    char *name = head + size + strspn(head + size, " \t");
    const char *near;
    int kind = 0;
    bool named;

    head[size] = '\0';
    while (kinds[kind] && strcmp(kinds[kind], head) != 0)
        kind++;
    if (!kinds[kind]) {
        near = meant(head, kinds);
        config_wrong(config, reading->line,
                     near ? "there is no section [%s]: did you mean [%s]?"
                          : "there is no section [%s]",
                     head, near);
        return false;
    }
    *ret_kind = (enum section_kind)kind;
    *ret_name = name;
    named = kind != SECTION_TOCSIN && kind != SECTION_ACTIONS;
    if (!named && *name)
        config_wrong(config, reading->line, "[%s] takes no name", head);
    else if (named && !is_name(name))
        config_wrong(config, reading->line,
                     *name ? "[%s %s]: a name has 1 to 63 characters of a-z, 0-9, _ and -"
                           : "[%s] needs a name: [%s NAME]",
                     head, *name ? name : head);
    else
        return true;
    return false;
}

static void section_begin(struct reading *reading)
{
    struct config *config = reading->config;
    const struct section *before;
    char *head = must_copy(reading->head);
    enum section_kind kind;
    const char *name;

    reading->skips = true;
    if (head_split(reading, head, &kind, &name)) {
        before = config_section(config, kind, name);
        if (before) {
            config_wrong(config, reading->line,
                         "[%s] is in line %d already: merge the two sections", reading->head,
                         before->line);
        } else {
            config_section_add(config, kind, name, reading->line);
            reading->skips = false;
        }
    }
    free(head);
}

/* Entries */

static void entry_add(struct reading *reading, const char *key, const char *value)
{
    struct config *config = reading->config;
    struct section *section = config->count ? &config->sections[config->count - 1] : NULL;

    if (!section)
        config_wrong(config, reading->line,
                     "'%s' is in no section: write a [section] line before it", key);
    else if (reading->continues)
        config_entry_continue(&section->entries[section->count - 1], value);
    else if (!*key)
        config_wrong(config, reading->line, "'= %s' has no key: write key = value", value);
    else if (section_entry(config, section, key))
        config_wrong(config, reading->line, "'%s' is set twice in this section", key);
    else
        config_entry_add(config, key, value, reading->line);
}

static int on_entry(void *arg, const char *section, const char *key, const char *value)
{
    struct reading *reading = arg;

    (void)section;
    if (reading->given_last == MARK)
        section_begin(reading);
    else if (!reading->skips)
        entry_add(reading, key, value);
    return 1;
}

/* Lines */

/* A line without its indentation and comment. The member `blanks` is the size of the
   indentation. */
struct line {
    const char *text;
    size_t size, blanks;
};

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

static bool is_comment(char character)
{
    return character == ';' || character == '#';
}

static struct line line_cut(const char *text, size_t size)
{
    struct line line = { text, 0, 0 };

    while (line.blanks < size && is_blank(text[line.blanks]))
        line.blanks++;
    line.text += line.blanks;
    size -= line.blanks;
    while (line.size < size && !(is_comment(line.text[line.size]) &&
                                 (!line.size || is_blank(line.text[line.size - 1]))))
        line.size++;
    while (line.size && is_blank(line.text[line.size - 1]))
        line.size--;
    return line;
}

/* Returns the next line of the text. A line ends with LF or CR LF. */
static struct line line_next(struct reading *reading)
{
    const char *text = reading->text;
    size_t size = strcspn(text, "\n");

    reading->line++;
    reading->text += size + (text[size] == '\n');
    return line_cut(text, size && text[size - 1] == '\r' ? size - 1 : size);
}

/* Returns true if the line contains control characters, which are refused. Some programs treat some
   of these characters as line ends or blanks, but inih does not. */
static bool has_controls(const struct line *line)
{
    for (size_t i = 0; i < line->size; i++)
        if (((unsigned char)line->text[i] < ' ' && line->text[i] != '\t') || line->text[i] == 0x7f)
            return true;
    return false;
}

static bool head_take(struct reading *reading, const struct line *line)
{
    const char *first = line->text + 1, *end = memchr(line->text, ']', line->size);

    if (!end || line->blanks) {
        config_wrong(reading->config, reading->line,
                     end ? "a [section] must begin in the first column of the line"
                         : "the ] of the section is missing");
        return false;
    }
    if (end + 1 < line->text + line->size) {
        config_wrong(reading->config, reading->line,
                     "only a comment may follow the ] of a section");
        return false;
    }
    while (first < end && is_blank(*first))
        first++;
    while (end > first && is_blank(end[-1]))
        end--;
    memcpy(reading->head, first, (size_t)(end - first));
    reading->head[end - first] = '\0';
    return true;
}

static struct section *section_last(const struct reading *reading)
{
    return reading->config->count && !reading->skips
               ? &reading->config->sections[reading->config->count - 1]
               : NULL;
}

/* Returns true for a line such as "word =" or "word: x", which is probably a key that is indented
   by mistake. In [actions] every indented line is such a line, since values there are single
   words. */
static bool is_like_key(const struct section *section, const struct line *line)
{
    size_t size = 0;

    if (section->kind == SECTION_ACTIONS)
        return true;
    while (size < line->size &&
           strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-",
                  line->text[size]))
        size++;
    if (size && size < line->size && line->text[size] == ':')
        return size + 1 < line->size && is_blank(line->text[size + 1]);
    while (size && size < line->size && is_blank(line->text[size]))
        size++;
    return size && size < line->size && line->text[size] == '=';
}

/* Returns true if the line continues the last value. Such a line is indented further than the last
   key. So a whole section may be indented. */
static bool line_continues(struct reading *reading, const struct line *line)
{
    const struct section *section = section_last(reading);

    return section && section->count && line->blanks > reading->indent;
}

static bool line_check(struct reading *reading, const struct line *line, bool continues)
{
    const struct section *section = section_last(reading);

    if (continues && is_like_key(section, line))
        config_wrong(reading->config, reading->line,
                     "the line continues '%s', since it is indented: "
                     "to make it a key, indent it like '%s'",
                     section->entries[section->count - 1].key,
                     section->entries[section->count - 1].key);
    else if (!continues && !memchr(line->text, '=', line->size) &&
             !memchr(line->text, ':', line->size))
        config_wrong(reading->config, reading->line,
                     "the line is neither a [section] nor key = value");
    else
        return true;
    return false;
}

static bool line_is_too_long(const struct reading *reading, const struct line *line, size_t most)
{
    if (line->size > most)
        config_wrong(reading->config, reading->line,
                     "the line is longer than %zu bytes: continue it on the next line, indented",
                     most);
    return line->size > most;
}

/* Splits a line into key and value for inih. Returns false if the line is empty, skipped or wrong.
   Then inih gets an empty line. */
static bool line_take(struct reading *reading, const struct line *line, size_t most)
{
    if (!line->size || (reading->skips && *line->text != '['))
        return false;
    if (has_controls(line)) {
        config_wrong(reading->config, reading->line, "the line has a control character: %.*s",
                     (int)(line->size < 60 ? line->size : 60), line->text);
        return false;
    }
    if (*line->text == '[') {
        if (line_is_too_long(reading, line, most))
            return false;
        reading->skips = !head_take(reading, line);
        reading->given_last = reading->skips ? NO_HEAD : HEAD;
        return !reading->skips;
    }
    reading->continues = line_continues(reading, line);
    if (line_is_too_long(reading, line, most - reading->continues) ||
        !line_check(reading, line, reading->continues))
        return false;
    reading->indent = reading->continues ? reading->indent : line->blanks;
    return true;
}

/* Writes the next line of the text into the buffer, as fgets(3) does. */
static char *line_give(char *buffer, int size, struct reading *reading)
{
    struct line line;

    if (!*reading->text)
        return NULL;
    line = line_next(reading);
    if (line_take(reading, &line, (size_t)size - 2))
        snprintf(buffer, (size_t)size, "%s%.*s\n",
                 reading->continues && reading->given_last == NO_HEAD ? " " : "", (int)line.size,
                 line.text);
    else
        strcpy(buffer, "\n");
    return buffer;
}

/* The function by which inih reads. It gives inih a line, or the mark after a section head. */
static char *on_read(char *buffer, int size, void *arg)
{
    struct reading *reading = arg;

    if (reading->given_last == HEAD) {
        reading->given_last = MARK;
        return strcpy(buffer, "=\n");
    }
    reading->given_last = NO_HEAD;
    return line_give(buffer, size, reading);
}

void config_parse(struct config *config, const char *text)
{
    struct reading reading = { .config = config, .text = text };

    if (ini_parse_stream(on_read, &reading, on_entry, &reading) != 0 && !config->errors)
        config_wrong(config, 0, "cannot parse this INI file");
}
