/* Errors that public functions return. With TOCSIN_DEBUG=1 the library prints each error: the
   function, the reason, and the place of the call. Without TOCSIN_DEBUG=1, an error costs one more
   load, and a success costs nothing. */
#ifndef TOCSIN_BASE_REFUSAL_H
#define TOCSIN_BASE_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/debug_hooks.h"
#include "base/mem.h"

/* Where the program called a public function: the place that a macro passed, or the return
   address. */
struct tocsin__caller {
    const char *function, *where;
    const void *code;
    bool async;
};

static inline int tocsin__traced_by(const char *function, const char *where, const void *code,
                                    bool async, int err)
{
    if (tocsin__unlikely(err < 0) && tocsin__debug.refusal)
        tocsin__debug.refusal(&(struct tocsin__caller){ function, where, code, async }, err);
    return err;
}

/* Wraps the result of a public function, so that TOCSIN_DEBUG=1 can print an error. */
#define tocsin__traced(...) tocsin__traced_at(NULL, __VA_ARGS__)
#define tocsin__traced_at(where, ...) \
    tocsin__traced_by(__func__, (where), __builtin_return_address(0), false, (__VA_ARGS__))

/* Works as tocsin__traced, for functions that real signal handlers may call. */
#define tocsin__traced_async(...) \
    tocsin__traced_by(__func__, NULL, __builtin_return_address(0), true, (__VA_ARGS__))

/* Works as tocsin__traced, but does not print the error `ordinary`. This error is part of normal
 * use, such as the end of a walk or a time-out. */
#define tocsin__traced_but(ordinary, ...) \
    tocsin__traced_but_by((ordinary), __func__, __builtin_return_address(0), (__VA_ARGS__))

static inline int tocsin__traced_but_by(int ordinary, const char *function, const void *code,
                                        int err)
{
    return err == ordinary ? err : tocsin__traced_by(function, NULL, code, false, err);
}

/* Stores the sentence that explains an error, and returns `err`. With TOCSIN_DEBUG=1, the public
   function that returns `err` on this thread prints the sentence. This function is
   async-signal-safe. */
int(tocsin__because)(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define tocsin__because(err, ...) \
    (tocsin__debug.refusal ? tocsin__because((err), __VA_ARGS__) : (err))

/* Replaces the stored sentence by a longer text. If the text does not begin with the stored
   sentence, the text is ignored. */
void tocsin__because_more(const char *text);

/* With TOCSIN_DEBUG=1, prints a warning about a call that succeeds but is probably a mistake. */
void tocsin__remark(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Removes and returns the sentence that was stored for `err`, or returns NULL if there is none. */
const char *tocsin__reason_take(int err);

#endif
