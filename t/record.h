/* What handlers did, written down as a line of words, for a test to compare. */
#ifndef TOCSIN_T_RECORD_H
#define TOCSIN_T_RECORD_H

#include <tocsin.h>

void record(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *record_take(void);                         /* the line so far; the next begins empty */

int  record_call(const struct tocsin_info *info, void *arg);     /* a handler: writes its arg, a word */
int  record_stop(const struct tocsin_info *info, void *arg);     /* the same, and answers TOCSIN_STOP */
void record_drop(void *arg);                                     /* a drop: writes ~word */

#define ck_assert_record(line) ck_assert_str_eq(record_take(), line)

/* A signal that carries nothing, declared with the defaults. */
int record_signal(const char *name);

#endif
