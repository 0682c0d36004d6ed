/* Formats figures, on the main thread only. Each function returns a text that is valid for the next
   31 calls. */
#ifndef TEXT_H
#define TEXT_H

#include <stdint.h>

const char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *text_count(uint64_t count);              /* "12,345" */
const char *text_short(double count);                /* in four characters: "1234", "12k" */
const char *text_right(int width, const char *text); /* padded with blanks on the left */
const char *text_time(double us); /* "21 us", "1.2 ms", with a real mu in UTF-8 */

#endif
