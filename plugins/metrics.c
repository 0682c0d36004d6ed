/* The plugin "metrics": how often each signal is emitted, how often operations fail and how long they take, and what each owner holds, in the text format that Prometheus reads,
   in a file that is replaced whole.

   to         where to; it has to be said. A file, or none yet, in a folder in which it can be replaced
   every_ms   how often it is written: 10000; and at once when it begins and ends
   patterns   which signals: "**, !tocsin.**"

   How long: of an operation that says so in its payload (a number total_us or ran_us). The file is written by a thread, so a slow disk holds nothing up;
   what cannot be written is tried again the next time, and the old file stays. Numbers are written in whole parts: a host's locale may have a comma for the point. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tocsin.h>

TOCSIN_PLUGIN("metrics", "1.0", "Counts emissions, failures, durations and holdings, for Prometheus." TOCSIN_LICENCE("MIT"));

static const int64_t bounds_us[] = { 100, 1000, 5000, 10000, 50000, 100000, 500000, 1000000, 5000000, 10000000 };
static const char *const bounds[] = { "0.0001", "0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "10" };      /* in seconds */
enum { BOUNDS = sizeof bounds_us / sizeof *bounds_us };
_Static_assert(sizeof bounds / sizeof *bounds == BOUNDS, "each has its text");

struct counts { uint64_t seen, failed, timed, sum_us, within[BOUNDS]; };

static struct counts *all;                             /* by signo */
static int room;
static uint64_t unseen;                                /* for lack of memory */
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

/* -1: it does not say. */
static int64_t duration_us(const struct tocsin_info *info)
{
    struct tocsin_field field;

    for (int i = 0; info->code == TOCSIN_DONE && tocsin_payload_field(info->payload, i, &field) == 0; i++)
        if (field.type == TOCSIN_I64 && (strcmp(field.name, "total_us") == 0 || strcmp(field.name, "ran_us") == 0))
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
    counts->seen += 1 + info->overrun;
    counts->failed += info->status < 0;
    if (took_us < 0)
        return TOCSIN_NEXT;
    counts->timed++;
    counts->sum_us += (uint64_t)took_us;
    for (int i = 0; i < BOUNDS; i++)
        counts->within[i] += took_us <= bounds_us[i];
    return TOCSIN_NEXT;
}

/* The text. Names of signals, owners and holdings have nothing in them that would have to be escaped. */

struct text { char *data; size_t size, room; bool short_of_memory; };

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

    head(text, "emissions_total", "counter", "Emissions of a signal, by who declared it.");
    for (int signo = 1; signo < room; signo++)
        if (signal_at(signo, &facts))
            add(text, "tocsin_emissions_total{signal=\"%s\",owner=\"%s\"} %llu\n", facts.name, facts.owner, (unsigned long long)all[signo].seen);
    head(text, "failures_total", "counter", "Those that said that something had failed.");
    for (int signo = 1; signo < room; signo++)
        if (signal_at(signo, &facts))
            add(text, "tocsin_failures_total{signal=\"%s\",owner=\"%s\"} %llu\n", facts.name, facts.owner, (unsigned long long)all[signo].failed);
}

static void add_durations(struct text *text)
{
    struct tocsin_signal_facts facts;

    head(text, "duration_seconds", "histogram", "How long operations took, by what they say of themselves.");
    for (int signo = 1; signo < room; signo++) {
        if (!signal_at(signo, &facts) || !all[signo].timed)
            continue;
        for (int i = 0; i < BOUNDS; i++)
            add(text, "tocsin_duration_seconds_bucket{signal=\"%s\",owner=\"%s\",le=\"%s\"} %llu\n", facts.name, facts.owner, bounds[i],
                (unsigned long long)all[signo].within[i]);
        add(text, "tocsin_duration_seconds_bucket{signal=\"%s\",owner=\"%s\",le=\"+Inf\"} %llu\n", facts.name, facts.owner, (unsigned long long)all[signo].timed);
        add(text, "tocsin_duration_seconds_sum{signal=\"%s\",owner=\"%s\"} %llu.%06u\n", facts.name, facts.owner,
            (unsigned long long)(all[signo].sum_us / 1000000), (unsigned)(all[signo].sum_us % 1000000));
        add(text, "tocsin_duration_seconds_count{signal=\"%s\",owner=\"%s\"} %llu\n", facts.name, facts.owner, (unsigned long long)all[signo].timed);
    }
}

/* What is left of a version that is gone has the name of the one that came after it: one line says both. False: a line has. */
static bool owner_sum(struct tocsin_owner_facts *sum)
{
    struct tocsin_owner_facts other = { .id = 0 };

    while (tocsin_owner_next(other.id, &other) == 0) {
        if (other.id == sum->id || strcmp(other.name, sum->name) != 0)
            continue;
        if (other.id < sum->id)
            return false;
        for (int i = 0; i < TOCSIN_HOLDS; i++)
            sum->held[i] += other.held[i];
        sum->refused += other.refused;
    }
    return true;
}

static void add_owners(struct text *text)
{
    struct tocsin_owner_facts facts = { .id = 0 };

    head(text, "owner_holds", "gauge", "What an owner holds, the program or a plugin.");
    while (tocsin_owner_next(facts.id, &facts) == 0) {
        bool says = owner_sum(&facts);

        for (int i = 0; says && i < TOCSIN_HOLDS; i++)
            add(text, "tocsin_owner_holds{owner=\"%s\",holding=\"%s\"} %llu\n", facts.name, tocsin_holding_name((enum tocsin_holding)i), (unsigned long long)facts.held[i]);
    }
    head(text, "owner_refused_total", "counter", "What an owner was refused for its limits.");
    facts.id = 0;
    while (tocsin_owner_next(facts.id, &facts) == 0)
        if (owner_sum(&facts))
            add(text, "tocsin_owner_refused_total{owner=\"%s\"} %llu\n", facts.name, (unsigned long long)facts.refused);
}

/* The file. On a thread: it has the text and the path, and touches nothing else. */

struct page { struct text text; char path[4096], fresh[4104]; };

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

static int replace(void *arg)
{
    struct page *page = arg;
    int fd = open(page->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644), err;

    if (fd < 0)
        return -errno;
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

static int on_written(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    writing.source.id = 0;
    return TOCSIN_NEXT;
}

static struct page *page_new(void)
{
    struct page *page = calloc(1, sizeof *page);

    if (!page)
        return NULL;
    snprintf(page->path, sizeof page->path, "%s", tocsin_setting("to", ""));
    snprintf(page->fresh, sizeof page->fresh, "%s.fresh", page->path);
    add_counts(&page->text);
    add_durations(&page->text);
    add_owners(&page->text);
    add(&page->text, "# HELP tocsin_unseen_total Emissions that could not be counted for lack of memory.\n# TYPE tocsin_unseen_total counter\ntocsin_unseen_total %llu\n",
        (unsigned long long)unseen);
    return page;
}

/* One at a time: a disk that is slower than the clock is written to less often. */
static int on_time(const struct tocsin_info *info, void *arg)
{
    struct page *page = writing.source.id ? NULL : page_new();
    const struct tocsin_work_options options = { .drop = page_free };

    (void)info, (void)arg;
    if (page && (page->text.short_of_memory || tocsin_work_with(&options, replace, page, TOCSIN_CALL(on_written), &writing) < 0)) {
        writing.source.id = 0;
        page_free(page);
    }
    return TOCSIN_NEXT;
}

/* Here and now. */
static int write_now(void)
{
    struct page *page = page_new();
    int err = page && !page->text.short_of_memory ? replace(page) : -ENOMEM;

    if (page)
        page_free(page);
    return err;
}

/* What is no file would become one: /dev/stdout, say. */
static int check_to(const char *to)
{
    struct stat it;

    if (!*to)
        return tocsin_plugin_refuse(-EINVAL, "to: it has to be said where to");
    if (strlen(to) >= sizeof ((struct page *)0)->path)
        return tocsin_plugin_refuse(-ENAMETOOLONG, "to: it is too long");
    if (lstat(to, &it) == 0 && !S_ISREG(it.st_mode))
        return tocsin_plugin_refuse(-EINVAL, "to: it is no file that could be replaced");
    return 0;
}

/* 0: it is none. */
static int64_t read_every(void)
{
    const char *text = tocsin_setting("every_ms", "10000");
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    return *text >= '1' && *text <= '9' && !*end && !errno && number <= 1000000000000 ? number : 0;
}

int tocsin_plugin_init(void)
{
    const char *patterns = tocsin_setting("patterns", "**, !tocsin.**");
    int64_t every_ms = read_every();
    int err = check_to(tocsin_setting("to", ""));

    if (err < 0)
        return err;
    if (!every_ms)
        return tocsin_plugin_refuse(-EINVAL, "every_ms: a number of milliseconds from 1 on");
    if (tocsin_match(patterns, "a") < 0)
        return tocsin_plugin_refuse(-EINVAL, "patterns: malformed");
    err = write_now();
    if (err < 0)
        return tocsin_plugin_refuse(err, "to: it cannot be written");
    err = tocsin_observe(patterns, &(struct tocsin_action){ .fn = on_any }, NULL);
    return err < 0 ? err : tocsin_every(every_ms, TOCSIN_EACH(on_time), NULL);
}

/* What it has counted is lost with it, but for the last page. */
void tocsin_plugin_fini(void)
{
    write_now();
    free(all);
}
