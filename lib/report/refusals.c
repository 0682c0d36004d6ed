/* TOCSIN_DEBUG=1: prints each error that a public function returns, with its cause and the place of
   the call. The cause is the sentence that tocsin__because stored. If there is none, the cause is
   the @return text of the header, or else the text of tocsin_strerror. If the same refusal is
   repeated, it is printed the 1st, 10th, 100th, … time. */
#define _GNU_SOURCE /* makes the headers declare dladdr, dl_iterate_phdr and strerrorname_np */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tocsin.h>

#include "base/refusal.h"
#include "report/line.h"
#include "report/refusals.h"

static const struct cause {
    const char *function;
    int err;
    const char *text;
} causes[] = {
#include "report/causes.inc"
};

enum { CAUSES = sizeof causes / sizeof causes[0], AS_DEEP = 4, FRAMES = 32, SEEN = 256 };

static const char *cause_of(const char *function, int err, int deep)
{
    const char *text = NULL;

    for (size_t i = 0; i < CAUSES && !text; i++)
        if (causes[i].err == err && strcmp(causes[i].function, function) == 0)
            text = causes[i].text;
    for (size_t i = 0; i < CAUSES && !text && deep < AS_DEEP; i++)
        if (causes[i].err == 0 && strcmp(causes[i].function, function) == 0)
            text = cause_of(causes[i].text, err, deep + 1);
    return text;
}

/* The address range of the library's own code. Errors of calls from this range are not printed,
   because the program's call returns the same error. The range is empty if the library is linked
   statically. */
static uintptr_t own_begin, own_end;

static int own_find(struct dl_phdr_info *object, size_t size, void *arg)
{
    const uintptr_t mine = (uintptr_t)arg;

    (void)size;
    for (int i = 0; i < object->dlpi_phnum && *object->dlpi_name; i++) {
        uintptr_t begin = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
        uintptr_t end = begin + object->dlpi_phdr[i].p_memsz;

        if (object->dlpi_phdr[i].p_type != PT_LOAD || mine < begin || mine >= end)
            continue;
        own_begin = begin;
        own_end = end;
        return 1;
    }
    return 0;
}

static bool is_own(const void *code)
{
    return (uintptr_t)code >= own_begin && (uintptr_t)code < own_end;
}

/* Returns true if the code belongs to libtocsin or libtocsin-net. */
static bool is_of_the_library(const void *code)
{
    const char *name;
    Dl_info object;

    if (is_own(code) || dladdr(code, &object) == 0)
        return is_own(code);
    name = object.dli_fname ? strrchr(object.dli_fname, '/') : NULL;
    return strncmp(name ? name + 1 : "", "libtocsin-net.", 14) == 0;
}

const void *tocsin__debug_caller(void)
{
    void *frames[FRAMES];
    int count = backtrace(frames, FRAMES), i = 1;

    while (i < count && is_of_the_library(frames[i]))
        i++;
    return i < count ? frames[i] : NULL;
}

void tocsin__debug_place(const void *code, char *buffer, size_t size)
{
    Dl_info object = { .dli_fname = NULL };
    const char *name;

    *buffer = '\0';
    if (!code)
        return;
    if (dladdr(code, &object) == 0 || !object.dli_fname) {
        snprintf(buffer, size, "%p", code);
        return;
    }
    name = strrchr(object.dli_fname, '/');
    name = name ? name + 1 : object.dli_fname;
    if (object.dli_sname)
        snprintf(buffer, size, "%s+%#tx in %s", object.dli_sname,
                 (const char *)code - (const char *)object.dli_saddr, name);
    else
        snprintf(buffer, size, "%s+%#tx", name,
                 (const char *)code - (const char *)object.dli_fbase);
}

/* Repeats */

static uint64_t hash_add(uint64_t key, const char *text)
{
    for (; text && *text; text++)
        /* Digits are ignored, because counts and ids differ between calls. */
        if (*text < '0' || *text > '9')
            key = (key ^ (unsigned char)*text) * 0x100000001b3;
    return key;
}

static unsigned count_repeat(uint64_t key)
{
    static struct {
        _Atomic uint64_t key;
        _Atomic unsigned count;
    } seen[SEEN];
    unsigned i = key % SEEN;

    if (atomic_exchange(&seen[i].key, key) != key)
        atomic_store(&seen[i].count, 0);
    return atomic_fetch_add(&seen[i].count, 1) + 1;
}

static bool is_power_of_ten(unsigned count)
{
    while (count % 10 == 0)
        count /= 10;
    return count == 1;
}

/* Printing */

/* Prints `head`, `why` and the place of the call. If `place` is empty, `code` identifies the
   call. */
static void print_line(const char *head, const char *why, const char *place, const void *code)
{
    unsigned count = count_repeat(hash_add(hash_add((uintptr_t)code, head), why));
    char again[32] = "";

    if (!is_power_of_ten(count))
        return;
    if (count > 1)
        snprintf(again, sizeof again, " (%u times)", count);
    tocsin__say("tocsin: %s%s%s%s%s", head, why, *place ? ", at " : "", place, again);
}

static void print_refusal(const struct tocsin__caller *caller, const char *function, int err,
                          const char *why)
{
    const char *name = err > -4096 ? strerrorname_np(-err) : NULL;
    char place[256] = "", head[128];
    const void *code = caller->code ? caller->code : tocsin__debug_caller();

    if (caller->where && *caller->where)
        snprintf(place, sizeof place, "%s", caller->where);
    else if (caller->async) /* the thread may hold the dynamic linker's lock in a real signal
                               handler, so only the address is printed */
        snprintf(place, sizeof place, "%p", code);
    else
        tocsin__debug_place(code, place, sizeof place);
    if (name)
        snprintf(head, sizeof head, "%s: -%s: ", function, name);
    else
        snprintf(head, sizeof head, "%s: %d: ", function, err);
    print_line(head, why, place, code);
}

static void on_remark(const char *text)
{
    const void *code = tocsin__debug_caller();
    char place[256];
    int was = errno;

    tocsin__debug_place(code, place, sizeof place);
    print_line("", text, place, code);
    errno = was;
}

static int on_refusal(const struct tocsin__caller *caller, int err)
{
    char function[64];
    const char *why;
    size_t length;
    int was = errno;

    if (caller->code && (caller->async ? is_own : is_of_the_library)(caller->code))
        return err;
    snprintf(function, sizeof function, "%s", caller->function);
    length = strlen(function);
    /* The program called a macro. Its name is the name of the function without "_at". */
    if (length > 3 && strcmp(function + length - 3, "_at") == 0)
        function[length - 3] = '\0';
    why = tocsin__reason_take(err);
    if (!why)
        why = cause_of(function, err, 0);
    print_refusal(caller, function, err, why ? why : tocsin_strerror(err));
    errno = was;
    return err;
}

void tocsin__debug_refusals(void)
{
    void *frame;

    dl_iterate_phdr(own_find, (void *)(uintptr_t)own_find);
    backtrace(&frame, 1); /* loads libgcc now, so that no refusal has to load it */
    tocsin__debug.caller = tocsin__debug_caller;
    tocsin__debug.remark = on_remark;
    tocsin__debug.refusal = on_refusal;
}
