/* Makes the errors about names and patterns, which suggest the name that was probably meant. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/text.h>

#include "registry/name_error.h"
#include "registry/layout.h"
#include "registry/os_names.h"
#include "registry/pattern.h"
#include "registry/registry.h"

/* The most similar name that was found so far, and its distance. */
struct nearest {
    const char *name;
    size_t size;
    const char *found;
    size_t best;
};

static void nearest_look(struct nearest *nearest, const char *other, const char *stands_for)
{
    size_t length = strlen(other);
    size_t far;

    if (length > nearest->size + nearest->best || nearest->size > length + nearest->best)
        return;
    far = tocsin_text_distance(nearest->name, nearest->size, other);
    if (far >= nearest->best)
        return;
    nearest->best = far;
    nearest->found = stands_for;
}

/* Returns the most similar name of all declared signals and all real signals, or NULL if no name is
   similar. A real signal is also compared without its prefix "os.". */
static const char *nearest_name(const char *name, size_t size)
{
    uint32_t count = atomic_load_explicit(&tocsin__signals, memory_order_acquire);
    struct nearest nearest = { name, size, NULL, (size / 3 > 2 ? size / 3 : 2) + 1 };
    const char *real;

    for (uint32_t signo = 1; signo <= count; signo++) {
        const struct tocsin__signal *signal = tocsin__signal((int)signo);

        if (signal && signal->declared)
            nearest_look(&nearest, signal->name, signal->name);
    }
    for (int i = 0; (real = tocsin__os_name(i)); i++) {
        nearest_look(&nearest, real, real);
        nearest_look(&nearest, real + strlen("os."), real);
    }
    return nearest.found;
}

int tocsin__no_name(const char *name, size_t size)
{
    const char *near = tocsin__debug.refusal && size <= TOCSIN_NAME_MAX ? nearest_name(name, size)
                                                                        : NULL;

    if (near)
        return tocsin__because(-ENOENT, "nobody declared '%.*s'; did you mean '%s'?", (int)size,
                               name, near);
    return tocsin__because(-ENOENT, "nobody declared '%.*s', and no declared name is similar",
                           (int)size, name);
}

int tocsin__bad_pattern(const char *pattern)
{
    if (!pattern || !*pattern)
        return tocsin__because(-EINVAL, pattern ? "the pattern is empty" : "the pattern is NULL");
    if (tocsin__pattern_check(pattern) >= 0)
        return tocsin__because(-EINVAL,
                               "'%s' has a '!', which excludes names from a list: only a name or a "
                               "pattern is allowed here",
                               pattern);
    if (*pattern == '!')
        return tocsin__because(
            -EINVAL, "'%s' matches nothing: write a pattern in front of the one that '!' excludes",
            pattern);
    if (strchr(pattern, '*'))
        return tocsin__because(
            -EINVAL,
            "'%s' is malformed: * matches one whole segment, ** one or more segments at the end",
            pattern);
    return tocsin__because(
        -EINVAL,
        "'%s' is malformed: a name has segments of A-Z a-z 0-9 _ - and single dots between them",
        pattern);
}

int tocsin__is_question(const char *name, size_t size)
{
    return tocsin__because(
        -EINVAL,
        "'%.*s' is a question, which is asked at once: it cannot be blocked, ignored or queued",
        (int)size, name);
}

int tocsin__no_signo(int signo, bool question)
{
    const struct tocsin__signal *signal = tocsin__signal(signo);

    if (signo < 0)
        return tocsin__because(
            -EINVAL, "%d is an error (%s), not a signo: the declaration of the signal failed",
            signo, tocsin_strerror(signo));
    if (!signal)
        return tocsin__because(-EINVAL, "no signal has the number %d: valid numbers are 1 to %u",
                               signo, atomic_load(&tocsin__signals));
    if (!signal->declared)
        return tocsin__because(
            -EINVAL, "'%s' is not declared: the name is known only from a handler or a mask",
            signal->name);
    return tocsin__because(-EINVAL,
                           question ? "'%s' is not a question: emit or post it"
                                    : "'%s' is a question: call tocsin_ask",
                           signal->name);
}

static const char *text_of(const struct tocsin_layout *layout)
{
    return layout ? layout->fields : "none";
}

int tocsin__other_layout(const struct tocsin__signal *signal, const struct tocsin_payload *payload)
{
    if (payload && !payload->layout)
        return tocsin__because(
            -EPROTO, "the payload of '%s' has no layout: make it with TOCSIN_PAYLOAD or NAME_make",
            signal->name);
    return tocsin__because(
        -EPROTO, "'%s' is declared with the layout \"%s\", the payload has \"%s\"", signal->name,
        text_of(signal->spec.layout), text_of(payload ? payload->layout : NULL));
}
