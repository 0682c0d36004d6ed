/* Carries out the section [actions] of the file, and declares the signals that the host emits. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "mem.h"
#include "print/plain.h"
#include "threads.h"

static const struct tocsin_signal_spec specs[] = {
    { .name = "host.started",
      .layout = &host_started_layout,
      .doc = "The loops and plugins that the file lists are running." },
    { .name = "host.reloaded",
      .layout = &host_reloaded_layout,
      .doc = "The file was read again; error says what failed." },
    { .name = "host.ticked",
      .layout = &host_ticked_layout,
      .doc = "Another tick_ms milliseconds have passed.",
      .kind = TOCSIN_COALESCE },
    { .name = "host.draining",
      .layout = &host_draining_layout,
      .doc = "The program begins to end: it unloads its plugins, then drains." },
};

const char *host_signal(size_t index)
{
    return index < sizeof specs / sizeof specs[0] ? specs[index].name : NULL;
}

int host_declare(struct host *host)
{
    int *const signos[] = { &host->started, &host->reloaded, &host->ticked, &host->draining };

    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        *signos[i] = tocsin_declare(&specs[i]);
        if (*signos[i] < 0)
            return *signos[i];
    }
    return 0;
}

/* Functions of the action print, which writes a line for each emission: "name field=value …" */

/* Writes the text as a C string literal, in which control characters are escaped. */
static void print_text(const char *text)
{
    putchar('"');
    while (text && *text) {
        size_t size = strcspn(text, "\"\\");

        print_plain(stdout, text, size);
        text += size;
        if (*text)
            printf("\\%c", *text++);
    }
    putchar('"');
}

static void print_field(const struct tocsin_field *field)
{
    printf(" %s=", field->name);
    switch (field->type) {
    case TOCSIN_BOOL: fputs(field->value.boolean ? "true" : "false", stdout); break;
    case TOCSIN_I32: printf("%" PRId32, field->value.i32); break;
    case TOCSIN_U32: printf("%" PRIu32, field->value.u32); break;
    case TOCSIN_I64: printf("%" PRId64, field->value.i64); break;
    case TOCSIN_U64: printf("%" PRIu64, field->value.u64); break;
    case TOCSIN_F64: printf("%g", field->value.f64); break;
    case TOCSIN_ERROR: printf("\"%s\"", tocsin_strerror(field->value.error)); break;
    case TOCSIN_OP: printf("%#" PRIx64, field->value.op); break;
    case TOCSIN_FD: printf("%d", field->value.fd); break;
    case TOCSIN_BYTES: printf("(%zu bytes)", field->value.bytes.size); break;
    case TOCSIN_STRING: print_text(field->value.string); break;
    default: fputs("(object)", stdout); break;
    }
}

static int on_print(const struct tocsin_info *info, void *arg)
{
    struct tocsin_field field;

    (void)arg;
    flockfile(stdout);
    fputs(info->name, stdout);
    if (info->code == TOCSIN_DONE)
        printf(" status=\"%s\"", tocsin_strerror(info->status < 0 ? info->status : 0));
    if (info->overrun)
        printf(" overrun=%u", info->overrun);
    for (int i = 0; tocsin_payload_field(info->payload, i, &field) == 0; i++)
        print_field(&field);
    putchar('\n');
    funlockfile(stdout);
    return TOCSIN_NEXT;
}

/* Functions for the actions drain and stop */

static int on_drain(const struct tocsin_info *info, void *arg)
{
    const struct act *act = arg;

    host_end_unasked(act->host, info->name);
    return TOCSIN_NEXT;
}

static int on_stop(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    host_end_now(info->name);
    return TOCSIN_NEXT;
}

/* Functions of the action ignore, which is applied on every loop */

static int on_ignore(void *pattern)
{
    return tocsin_ignore(pattern);
}

static int on_unignore(void *pattern)
{
    return tocsin_unignore(pattern);
}

/* Adds a pattern to a list of patterns. tocsin_ignore() is called once for the whole list, because
 * each call visits all ignored signals. */
static void pattern_add(struct growing *patterns, const char *pattern)
{
    must_add(patterns, patterns->length ? ", " : "");
    must_add(patterns, pattern);
}

void actions_begin(struct host *host, struct tocsin_loop loop)
{
    struct growing patterns = { NULL, 0, 0 };

    for (const struct act *act = host->acts; act; act = act->next)
        if (act->action == ACTION_IGNORE)
            pattern_add(&patterns, act->pattern);
    if (patterns.text)
        host_call(loop, (struct call){ on_ignore, patterns.text, free }, -1, NULL);
}

/* Functions that begin and end actions */

static int act_begin(struct act *act)
{
    struct tocsin_action action = { .arg = act, .flags = TOCSIN_EARLY };

    action.fn = act->action == ACTION_PRINT   ? on_print
                : act->action == ACTION_DRAIN ? on_drain
                                              : on_stop;
    if (act->action == ACTION_PRINT)
        return tocsin_observe(act->pattern, &action, &act->handler);
    action.priority = -32768; /* the lowest priority, so that this handler runs last */
    return tocsin_connect(act->pattern, &action, &act->handler);
}

/* Ends an action. If the action is "ignore", its pattern is added to the list in `ignored`. */
static void act_end(struct act *act, struct growing *ignored)
{
    if (act->action == ACTION_IGNORE)
        pattern_add(ignored, act->pattern);
    else
        tocsin_disconnect(act->handler);
    free(act->pattern);
    free(act);
}

static bool act_is(const struct act *act, const struct entry *entry)
{
    return strcmp(act->pattern, entry->key) == 0 &&
           act->action == (enum action)action_of(entry->value);
}

static bool is_listed(const struct act *act, const struct plan *plan, const struct section *section)
{
    const struct entry *entry = section ? section_entry(plan->config, section, act->pattern) : NULL;

    return entry && act_is(act, entry);
}

/* Returns an index of the actions in force, by pattern. Actions that the file no longer lists have
 * been ended before. */
static struct index acts_index(const struct host *host)
{
    struct index acts = { .room = 0 };

    for (const struct act *act = host->acts; act; act = act->next)
        index_add(&acts, 0, act->pattern, 0);
    return acts;
}

static void act_failed(struct host *host, const struct config *config, const struct entry *entry,
                       int err)
{
    host_failed(host, "%s:%d: %s = %s: %s", config->file, entry->line, entry->key, entry->value,
                err == -ENOENT ? "nothing declares this signal: check its name"
                               : tocsin_strerror(err));
}

static void act_add(struct host *host, const struct config *config, const struct entry *entry)
{
    struct act *act = must_alloc(sizeof *act);
    int err = 0;

    *act = (struct act){
        host->acts, host, must_copy(entry->key), (enum action)action_of(entry->value), { 0 }
    };
    if (act->action != ACTION_IGNORE)
        err = act_begin(act);
    if (err == 0) {
        host->acts = act;
        return;
    }
    act_failed(host, config, entry, err);
    free(act->pattern);
    free(act);
}

static const struct section *section_of(const struct plan *plan)
{
    return plan ? config_section(plan->config, SECTION_ACTIONS, "") : NULL;
}

/* Begins the entries of the plan that are new. If `ignored` is true, these are the entries with the
 * action ignore; otherwise all other entries. Their patterns are added to the list `all`. */
static void acts_add(struct host *host, const struct plan *plan, bool ignored, struct growing *all)
{
    const struct section *section = section_of(plan);
    struct index acts = acts_index(host);

    for (size_t i = 0; section && i < section->count; i++) {
        const struct entry *entry = &section->entries[i];

        if ((action_of(entry->value) == ACTION_IGNORE) != ignored ||
            index_find(&acts, 0, entry->key) != INDEX_NONE)
            continue;
        pattern_add(all, entry->key);
        act_add(host, plan->config, entry);
    }
    index_free(&acts);
}

void actions_listen(struct host *host, const struct plan *plan)
{
    const struct section *section = section_of(plan);
    struct growing ignored = { NULL, 0, 0 }, added = { NULL, 0, 0 };

    for (struct act **link = &host->acts; *link;) {
        struct act *act = *link;

        if (is_listed(act, plan, section)) {
            link = &act->next;
        } else {
            *link = act->next;
            act_end(act, &ignored);
        }
    }
    if (ignored.text)
        host_call_all(host, on_unignore, ignored.text, ignored.length + 1);
    acts_add(host, plan, false, &added);
    free(ignored.text);
    free(added.text);
}

/* Called when a pattern of the actions before `old` was refused. Ignores the patterns one by one,
   so that the refused pattern is found and reported. */
static void ignore_singly(struct host *host, const struct plan *plan, const struct act *old)
{
    struct act **link = &host->acts;

    while (*link != old) {
        struct act *act = *link;
        int err = host_call_all(host, on_ignore, act->pattern, strlen(act->pattern) + 1);

        if (err == 0) {
            link = &act->next;
            continue;
        }
        act_failed(host, plan->config, section_entry(plan->config, section_of(plan), act->pattern),
                   err);
        *link = act->next;
        free(act->pattern);
        free(act);
    }
}

void actions_ignore(struct host *host, const struct plan *plan)
{
    struct growing ignored = { NULL, 0, 0 };
    const struct act *old = host->acts;

    acts_add(host, plan, true, &ignored);
    if (ignored.text && host_call_all(host, on_ignore, ignored.text, ignored.length + 1) < 0)
        ignore_singly(host, plan, old);
    free(ignored.text);
}
