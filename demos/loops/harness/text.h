/* Formats figures. Only the main thread may call these functions. Each function returns a text that
   stays valid during the next 31 calls. */
#ifndef TEXT_H
#define TEXT_H

#include <stdint.h>

const char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *text_count(uint64_t count); /* returns a text such as "12,345" */
/* returns at most four characters, such as "1234" or "12k" */
const char *text_short(double count);
/* returns the text with blanks on its left, so that it has this width */
const char *text_right(int width, const char *text);
/* returns a text such as "21 us" or "1.2 ms"; on a UTF-8 terminal the u is a mu */
const char *text_time(double us);

#endif
