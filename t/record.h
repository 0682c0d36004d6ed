/* The test's record is a line of words. Handlers append words to the line, and the test compares
   the line with the expected line. */
#ifndef TOCSIN_T_RECORD_H
#define TOCSIN_T_RECORD_H

#include <tocsin.h>

void record(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *record_take(void); /* returns the recorded line, and begins a new empty line */

/* a handler that appends its arg, a word */
int record_call(const struct tocsin_info *info, void *arg);
/* a handler like record_call, but its result is TOCSIN_STOP */
int record_stop(const struct tocsin_info *info, void *arg);
/* a destructor that appends the character ~ and its arg, a word */
void record_drop(void *arg);

#define ck_assert_record(line) ck_assert_str_eq(record_take(), line)

/* Declares a signal that has no payload. Returns its number. */
int record_signal(const char *name);

#endif
