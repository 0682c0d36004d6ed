/* Figures as a reader wants them. Each answers a text that is good until the thirty-second call from then; on the main thread only. */
#ifndef TEXT_H
#define TEXT_H

#include <stdint.h>

const char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *text_count(uint64_t count);                /* "12,345" */
const char *text_short(double count);                  /* in four letters: "1234", "12k" */
const char *text_right(int width, const char *text);   /* with blanks in front of it */
const char *text_time(double us);                      /* "21 us", "1.2 ms", with a real mu where there is one */

#endif
