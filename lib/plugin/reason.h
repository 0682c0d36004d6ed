/* Why a plugin is refused, in a sentence: room for it, and what is written there. */
#ifndef TOCSIN_PLUGIN_REASON_H
#define TOCSIN_PLUGIN_REASON_H

#include <stdbool.h>
#include <stddef.h>

struct tocsin__reason { char *text; size_t size; };

/* Writes the sentence, cut where there is no more room, and answers err. */
int  tocsin__refuse(const struct tocsin__reason *reason, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds to it, all of this or nothing: whether there was room. */
bool tocsin__reason_add(const struct tocsin__reason *reason, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
