/* Errors about names, patterns, signal numbers and payload layouts. Each function returns the
   error, and writes a sentence that explains it for TOCSIN_DEBUG=1 (base/refusal.h). */
#ifndef TOCSIN_REGISTRY_NAME_ERROR_H
#define TOCSIN_REGISTRY_NAME_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include "base/refusal.h"

struct tocsin_layout;
struct tocsin_payload;
struct tocsin__signal;

int tocsin__no_name(const char *name, size_t size);     /* returns -ENOENT: the name is not
                                                           declared */
int tocsin__bad_pattern(const char *pattern);           /* returns -EINVAL: the pattern is malformed
                                                           or NULL */
int tocsin__is_question(const char *name, size_t size); /* returns -EINVAL: a question cannot be
                                                           blocked */
int tocsin__no_signo(int signo, bool question); /* returns -EINVAL: not a signo, or a signal of the
                                                   wrong kind */
/* Returns -EPROTO: the payload has another layout than the signal. */
int tocsin__other_layout(const struct tocsin__signal *signal, const struct tocsin_payload *payload);

#endif
