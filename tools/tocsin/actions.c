/* What the file has done with signals, and the signals that the host makes itself. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "mem.h"

static const struct tocsin_spec specs[] = {
    { .name = "host.started", .layout = &host_started_layout, .doc = "All that the file lists is there." },
    { .name = "host.reloaded", .layout = &host_reloaded_layout, .doc = "The file was read again; with an error, nothing has changed." },
    { .name = "host.ticked", .layout = &host_ticked_layout, .doc = "Another tick_ms milliseconds are over.", .kind = TOCSIN_COALESCE },
    { .name = "host.draining", .layout = &host_draining_layout, .doc = "The program is about to end: its plugins go, then it drains." },
};

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

/* print: a line for each emission, "name field=value …" */

/* As in C: whatever a text holds, it is one line, and does nothing to a terminal. */
static void print_text(const char *text)
{
    putchar('"');
    for (; text && *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            printf("\\%03o", (unsigned)*text);
        else
            printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    putchar('"');
}

static void print_field(const struct tocsin_field *field)
{
    printf(" %s=", field->name);
    switch (field->type) {
    case TOCSIN_BOOL:   fputs(field->value.boolean ? "true" : "false", stdout); break;
    case TOCSIN_I32:    printf("%" PRId32, field->value.i32); break;
    case TOCSIN_U32:    printf("%" PRIu32, field->value.u32); break;
    case TOCSIN_I64:    printf("%" PRId64, field->value.i64); break;
    case TOCSIN_U64:    printf("%" PRIu64, field->value.u64); break;
    case TOCSIN_F64:    printf("%g", field->value.f64); break;
    case TOCSIN_ERROR:  printf("\"%s\"", tocsin_strerror(field->value.error)); break;
    case TOCSIN_OP:     printf("%#" PRIx64, field->value.op); break;
    case TOCSIN_FD:     printf("%d", field->value.fd); break;
    case TOCSIN_BYTES:  printf("(%zu bytes)", field->value.bytes.size); break;
    case TOCSIN_STRING: print_text(field->value.string); break;
    default:            fputs("(object)", stdout); break;
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

/* drain, stop */

static int on_drain(const struct tocsin_info *info, void *arg)
{
    const struct act *act = arg;

    if (!act->host->ending)
        host_end(act->host, info->name);
    return TOCSIN_NEXT;
}

static int on_stop(const struct tocsin_info *info, void *arg)
{
    const struct act *act = arg;

    act->host->ending = true;
    host_end(act->host, info->name);
    return TOCSIN_NEXT;
}

/* ignore, on each loop */

static int ignore(void *arg)
{
    return tocsin_ignore(((const struct act *)arg)->pattern);
}

static int unignore(void *arg)
{
    return tocsin_default(((const struct act *)arg)->pattern);
}

void actions_begin(struct host *host, struct tocsin_loop loop)
{
    for (struct act *act = host->acts; act; act = act->next)
        if (act->action == ACTION_IGNORE)
            host_call(loop, ignore, act);
}

/* From the file */

static int act_begin(struct act *act)
{
    struct tocsin_action action = { .arg = act, .flags = TOCSIN_EARLY };

    if (act->action == ACTION_IGNORE)
        return host_call_all(act->host, ignore, act);
    action.fn = act->action == ACTION_PRINT ? on_print : act->action == ACTION_DRAIN ? on_drain : on_stop;
    if (act->action == ACTION_PRINT)
        return tocsin_observe(act->pattern, &action, &act->handler);
    action.priority = -32768;                          /* others have their say before */
    return tocsin_connect(act->pattern, &action, &act->handler);
}

static void act_end(struct act *act)
{
    if (act->action == ACTION_IGNORE)
        host_call_all(act->host, unignore, act);
    else
        tocsin_disconnect(act->handler);
    free(act->pattern);
    free(act);
}

static bool act_is(const struct act *act, const struct entry *entry)
{
    return strcmp(act->pattern, entry->key) == 0 && act->action == (enum action)action_of(entry->value);
}

static bool is_listed(const struct act *act, const struct section *section)
{
    for (size_t i = 0; section && i < section->count; i++)
        if (act_is(act, &section->entries[i]))
            return true;
    return false;
}

static void act_add(struct host *host, const struct config *config, const struct entry *entry)
{
    struct act *act;
    int err;

    for (act = host->acts; act; act = act->next)
        if (act_is(act, entry))
            return;
    act = must_alloc(sizeof *act);
    *act = (struct act){ host->acts, host, must_copy(entry->key), (enum action)action_of(entry->value), { 0 } };
    err = act_begin(act);
    if (err == 0) {
        host->acts = act;
        return;
    }
    host_failed(host, "%s:%d: %s = %s: %s", config->file, entry->line, entry->key, entry->value,
                err == -ENOENT ? "nobody declares it: misspelt?" : tocsin_strerror(err));
    free(act->pattern);
    free(act);
}

static const struct section *section_of(const struct plan *plan)
{
    return plan ? config_section(plan->config, SECTION_ACTIONS, "") : NULL;
}

void actions_listen(struct host *host, const struct plan *plan)
{
    const struct section *section = section_of(plan);

    for (struct act **link = &host->acts; *link;) {
        struct act *act = *link;

        if (is_listed(act, section)) {
            link = &act->next;
        } else {
            *link = act->next;
            act_end(act);
        }
    }
    for (size_t i = 0; section && i < section->count; i++)
        if (action_of(section->entries[i].value) != ACTION_IGNORE)
            act_add(host, plan->config, &section->entries[i]);
}

void actions_ignore(struct host *host, const struct plan *plan)
{
    const struct section *section = section_of(plan);

    for (size_t i = 0; section && i < section->count; i++)
        if (action_of(section->entries[i].value) == ACTION_IGNORE)
            act_add(host, plan->config, &section->entries[i]);
}
