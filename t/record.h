/* A line of words: handlers append words, and the test compares the line with the expected one. */
#ifndef TOCSIN_T_RECORD_H
#define TOCSIN_T_RECORD_H

#include <tocsin.h>

void record(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *record_take(void); /* returns the line and begins an empty one */

/* a handler that appends its arg, a word */
int record_call(const struct tocsin_info *info, void *arg);
/* like record_call, but returns TOCSIN_STOP */
int record_stop(const struct tocsin_info *info, void *arg);
/* a destructor that appends ~ and its arg */
void record_drop(void *arg);

#define ck_assert_record(line) ck_assert_str_eq(record_take(), line)

/* Declares a signal that has no payload. Returns its number. */
int record_signal(const char *name);

#endif
