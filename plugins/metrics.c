/* The plugin "metrics": writes counters to a file, in the text format that Prometheus reads. The
   counters say how often each signal is emitted, how often operations fail and how long they take,
   and which resources each owner holds.

   to         the file; required. A new file replaces the old one, so its folder must be writable
   every_ms   how often the file is written, in milliseconds; default 10000. The file is also
              written when the plugin is loaded and unloaded
   patterns   which signals; default "**, !tocsin.**"

   The duration of an operation is the number total_us or ran_us of its payload. A thread writes the
   file, so a slow disk delays nothing. A page that cannot be written is counted and reported once.
   The old file then stays until a later write succeeds. Seconds are printed as two whole numbers,
   since the locale of the host may use a comma for the decimal point. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tocsin.h>
#include <tocsin/inspect.h>
#include <tocsin/owner.h>

#include "fresh.h"
#include "state.h"
#include "trouble.h"

/* clang-format off */
TOCSIN_PLUGIN("metrics", "1.0",
    "Counts emissions, failures, durations and resources, for Prometheus."
    TOCSIN_LICENCE("MIT")
    TOCSIN_SETTING_REQUIRED("to", "string", "The file to write; each page replaces the last one.")
    TOCSIN_SETTING("every_ms", "u64 1..1000000000", "10000",
        "How often the file is written, in milliseconds.")
    TOCSIN_SETTING("patterns", "pattern", "**, !tocsin.**", "Which signals are counted."));
/* clang-format on */

static const int64_t bounds_us[] = { 100,    1000,   5000,    10000,   50000,
                                     100000, 500000, 1000000, 5000000, 10000000 };
/* the bounds as text, in seconds */
static const char *const bounds[] = { "0.0001", "0.001", "0.005", "0.01", "0.05",
                                      "0.1",    "0.5",   "1",     "5",    "10" };
enum { BOUNDS = sizeof bounds_us / sizeof *bounds_us };
_Static_assert(sizeof bounds / sizeof *bounds == BOUNDS, "each bound has a text");

struct counts {
    uint64_t seen, failed, timed, sum_us, within[BOUNDS];
};

static struct counts *all; /* an array; the index is the signo */
static int room;
static uint64_t unseen;    /* the number of emissions that were not counted, because there was no
                            * memory */
static uint64_t unwritten; /* the number of pages that could not be written */
static struct tocsin_op writing;

/* Counting */

static struct counts *counts_of(int signo)
{
    int more = signo < 64 ? 128 : signo * 2;
    struct counts *larger;

    if (signo < room)
        return &all[signo];
    larger = realloc(all, (size_t)more * sizeof *all);
    if (!larger)
        return NULL;
    memset(larger + room, 0, (size_t)(more - room) * sizeof *all);
    all = larger;
    room = more;
    return &all[signo];
}

/* Returns the duration in the payload, or -1 if the payload has none. */
static int64_t duration_us(const struct tocsin_info *info)
{
    struct tocsin_field field;

    for (int i = 0;
         info->code == TOCSIN_DONE && tocsin_payload_field(info->payload, i, &field) == 0; i++)
        if (field.type == TOCSIN_I64 &&
            (strcmp(field.name, "total_us") == 0 || strcmp(field.name, "ran_us") == 0))
            return field.value.i64;
    return -1;
}

static int on_any(const struct tocsin_info *info, void *arg)
{
    struct counts *counts = counts_of(info->signo);
    int64_t took_us = duration_us(info);

    (void)arg;
    if (!counts) {
        unseen++;
        return TOCSIN_NEXT;
    }
    counts->seen += 1 + (uint64_t)info->overrun;
    counts->failed += info->status < 0;
    if (took_us < 0)
        return TOCSIN_NEXT;
    counts->timed++;
    counts->sum_us += (uint64_t)took_us;
    for (int i = 0; i < BOUNDS; i++)
        counts->within[i] += took_us <= bounds_us[i];
    return TOCSIN_NEXT;
}

/* Functions that build the page. Names of signals, owners and resources contain no character that
   must be escaped. */

struct text {
    char *data;
    size_t size, room;
    bool short_of_memory;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    char line[512];
    va_list values;
    char *more;
    int size;

    va_start(values, format);
    size = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (size < 0 || (size_t)size >= sizeof line || text->short_of_memory)
        return;
    if (text->size + (size_t)size > text->room) {
        more = realloc(text->data, 2 * text->room + 65536);
        text->short_of_memory = !more;
        if (!more)
            return;
        text->data = more;
        text->room = 2 * text->room + 65536;
    }
    memcpy(text->data + text->size, line, (size_t)size);
    text->size += (size_t)size;
}

static void head(struct text *text, const char *name, const char *type, const char *help)
{
    add(text, "# HELP tocsin_%s %s\n# TYPE tocsin_%s %s\n", name, help, name, type);
}

static bool signal_at(int signo, struct tocsin_signal_facts *facts)
{
    return signo < room && all[signo].seen && tocsin_signal_get(signo, facts) == 0;
}

static void add_counts(struct text *text)
{
    struct tocsin_signal_facts facts;

    head(text, "emissions_total", "counter", "Emissions of a signal; owner: who declared it.");
    for (int signo = 1; signo < room; signo++)
        if (signal_at(signo, &facts))
            add(text, "tocsin_emissions_total{signal=\"%s\",owner=\"%s\"} %llu\n", facts.name,
                facts.owner, (unsigned long long)all[signo].seen);
    head(text, "failures_total", "counter", "Emissions with an error for a status.");
    for (int signo = 1; signo < room; signo++)
        if (signal_at(signo, &facts))
            add(text, "tocsin_failures_total{signal=\"%s\",owner=\"%s\"} %llu\n", facts.name,
                facts.owner, (unsigned long long)all[signo].failed);
}

static void add_durations(struct text *text)
{
    struct tocsin_signal_facts facts;

    head(text, "duration_seconds", "histogram", "Durations of operations, from their payloads.");
    for (int signo = 1; signo < room; signo++) {
        if (!signal_at(signo, &facts) || !all[signo].timed)
            continue;
        for (int i = 0; i < BOUNDS; i++)
            add(text, "tocsin_duration_seconds_bucket{signal=\"%s\",owner=\"%s\",le=\"%s\"} %llu\n",
                facts.name, facts.owner, bounds[i], (unsigned long long)all[signo].within[i]);
        add(text, "tocsin_duration_seconds_bucket{signal=\"%s\",owner=\"%s\",le=\"+Inf\"} %llu\n",
            facts.name, facts.owner, (unsigned long long)all[signo].timed);
        add(text, "tocsin_duration_seconds_sum{signal=\"%s\",owner=\"%s\"} %llu.%06u\n", facts.name,
            facts.owner, (unsigned long long)(all[signo].sum_us / 1000000),
            (unsigned)(all[signo].sum_us % 1000000));
        add(text, "tocsin_duration_seconds_count{signal=\"%s\",owner=\"%s\"} %llu\n", facts.name,
            facts.owner, (unsigned long long)all[signo].timed);
    }
}

/* Adds up the figures of all owners with the same name, for example of two versions of one plugin.
 * Returns false if an owner with a smaller id has this name, too: then the sum has been printed for
 * the other owner. */
static bool owner_sum(struct tocsin_owner_facts *sum)
{
    struct tocsin_owner_facts other = { .id = 0 };

    while (tocsin_owner_next(other.id, &other) == 0) {
        if (other.id == sum->id || strcmp(other.name, sum->name) != 0)
            continue;
        if (other.id < sum->id)
            return false;
        for (int i = 0; i < TOCSIN_RESOURCE_COUNT; i++)
            sum->held[i] += other.held[i];
        sum->refused += other.refused;
    }
    return true;
}

static void add_owners(struct text *text)
{
    struct tocsin_owner_facts facts = { .id = 0 };

    head(text, "owner_holds", "gauge", "Resources that the program or a plugin holds.");
    while (tocsin_owner_next(facts.id, &facts) == 0) {
        bool is_first = owner_sum(&facts);

        for (int i = 0; is_first && i < TOCSIN_RESOURCE_COUNT; i++)
            add(text, "tocsin_owner_holds{owner=\"%s\",resource=\"%s\"} %llu\n", facts.name,
                tocsin_resource_name((enum tocsin_resource)i), (unsigned long long)facts.held[i]);
    }
    head(text, "owner_refused_total", "counter", "Requests of an owner that its limits refused.");
    facts.id = 0;
    while (tocsin_owner_next(facts.id, &facts) == 0)
        if (owner_sum(&facts))
            add(text, "tocsin_owner_refused_total{owner=\"%s\"} %llu\n", facts.name,
                (unsigned long long)facts.refused);
}

/* Functions that write the file. A thread of the pool calls them, and they use only the page. */

struct page {
    struct text text;
    char path[4096], fresh[4120];
};

static int write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t done = write(fd, data, size);

        if (done < 0 && errno != EINTR)
            return -errno;
        data += done < 0 ? 0 : done;
        size -= done < 0 ? 0 : (size_t)done;
    }
    return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

static int page_write(void *arg)
{
    struct page *page = arg;
    int fd = fresh_open(page->path, 0644, page->fresh, sizeof page->fresh), err;

    if (fd < 0)
        return fd;
    err = write_all(fd, page->text.data, page->text.size);
    if (close(fd) < 0 && err == 0)
        err = -errno;
    if (err == 0 && rename(page->fresh, page->path) < 0)
        err = -errno;
    if (err < 0)
        unlink(page->fresh);
    return err;
}

static void page_free(void *arg)
{
    struct page *page = arg;

    free(page->text.data);
    free(page);
}

static void note_result(int err)
{
    static struct trouble trouble = { .plugin = "metrics", .lost = "the old page stays" };

    unwritten += err < 0;
    trouble_note(&trouble, tocsin_setting("to", ""), err < 0 ? err : 0);
}

static int on_written(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    writing.source.id = 0;
    note_result(info->status);
    return TOCSIN_NEXT;
}

static struct page *page_new(void)
{
    struct page *page = calloc(1, sizeof *page);

    if (!page)
        return NULL;
    snprintf(page->path, sizeof page->path, "%s", tocsin_setting("to", ""));
    add_counts(&page->text);
    add_durations(&page->text);
    add_owners(&page->text);
    head(&page->text, "unseen_total", "counter",
         "Emissions that could not be counted for lack of memory.");
    add(&page->text, "tocsin_unseen_total %llu\n", (unsigned long long)unseen);
    head(&page->text, "unwritten_total", "counter", "Pages that could not be written.");
    add(&page->text, "tocsin_unwritten_total %llu\n", (unsigned long long)unwritten);
    return page;
}

/* Starts to write a page. If the previous page is still being written, nothing is started. */
static int on_time(const struct tocsin_info *info, void *arg)
{
    struct page *page = writing.source.id ? NULL : page_new();
    const struct tocsin_work_options options = { .drop = page_free };

    (void)info, (void)arg;
    if (page &&
        (page->text.short_of_memory ||
         tocsin_work_with(&options, page_write, page, TOCSIN_CALL(on_written), &writing) < 0)) {
        writing.source.id = 0;
        page_free(page);
        unwritten++;
    }
    return TOCSIN_NEXT;
}

/* Writes the page on the calling thread, and not on a thread of the pool. */
static int write_now(void)
{
    struct page *page = page_new();
    int err = page && !page->text.short_of_memory ? page_write(page) : -ENOMEM;

    if (page)
        page_free(page);
    return err;
}

/* Returns an error if the path is not a regular file, such as /dev/stdout. The plugin may replace
   only a regular file. */
static int check_to(const char *to)
{
    if (!*to)
        return tocsin_plugin_fail(-EINVAL, "to: this setting is missing: name the file to write");
    if (strlen(to) >= sizeof((struct page *)0)->path)
        return tocsin_plugin_fail(-ENAMETOOLONG, "to: the path is too long");
    if (!fresh_fits(to))
        return tocsin_plugin_fail(-EINVAL, "to: not a regular file, so it cannot be replaced");
    return 0;
}

/* Returns the setting every_ms, or 0 if it is not valid. */
static int64_t read_every(void)
{
    const char *text = tocsin_setting("every_ms", "10000");
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    return *text >= '1' && *text <= '9' && !*end && !errno && number <= 1000000000000 ? number : 0;
}

/* A reload: the new version continues the counts of the old version. Signos stay valid as long as
   the process runs. */

enum { STATE_VERSION = 1 };
/* The array of counts, indexed by signo, follows this struct in memory. */
struct left {
    uint32_t counts_size, bounds;
    uint64_t room, unseen, unwritten;
};

static void state_save(void)
{
    const struct left left = { sizeof *all, BOUNDS, (uint64_t)room, unseen, unwritten };
    size_t size = (size_t)room * sizeof *all;
    char *state = malloc(sizeof left + size);

    if (!state)
        return;
    memcpy(state, &left, sizeof left);
    if (size)
        memcpy(state + sizeof left, all, size);
    tocsin_state_save(STATE_VERSION, state, sizeof left + size);
    free(state);
}

static int state_restore(void)
{
    struct tocsin_bytes state;
    struct left left;

    if (!state_take("metrics", STATE_VERSION, sizeof left, &state))
        return 0;
    memcpy(&left, state.data, sizeof left);
    if (left.counts_size != sizeof *all || left.bounds != BOUNDS ||
        left.room != (state.size - sizeof left) / sizeof *all)
        return 0;
    all = calloc(left.room + 1, sizeof *all);
    if (!all)
        return -ENOMEM;
    memcpy(all, (const char *)state.data + sizeof left, left.room * sizeof *all);
    room = (int)left.room;
    unseen = left.unseen;
    unwritten = left.unwritten;
    return 0;
}

int tocsin_plugin_init(void)
{
    const char *patterns = tocsin_setting("patterns", "**, !tocsin.**");
    int64_t every_ms = read_every();
    int err = check_to(tocsin_setting("to", ""));
    char why[512];

    if (err < 0)
        return err;
    if (!every_ms)
        return tocsin_plugin_fail(-EINVAL, "every_ms: must be a number of milliseconds from 1");
    if (tocsin_match(patterns, "a") < 0)
        return tocsin_plugin_fail(-EINVAL, "patterns: not a valid pattern of signals");
    err = state_restore();
    if (err == 0)
        err = write_now();
    if (err < 0) {
        snprintf(why, sizeof why, "to: cannot write %.150s: %s", tocsin_setting("to", ""),
                 strerror(-err));
        free(all);
        return tocsin_plugin_fail(err, why);
    }
    err = tocsin_observe(patterns, &(struct tocsin_action){ .fn = on_any, .name = "on_any" }, NULL);
    return err < 0 ? err : tocsin_every(every_ms, TOCSIN_EACH(on_time), NULL);
}

void tocsin_plugin_fini(void)
{
    note_result(write_now());
    state_save();
    free(all);
}
