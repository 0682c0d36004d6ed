/* Formats figures. Each function returns a text that stays valid during the next 31 calls. */
#ifndef TEXT_H
#define TEXT_H

/* returns a text such as "486 ms" or "9.52 s" */
const char *text_time(double ms);
/* returns a text such as "486 to 502 ms" */
const char *text_times(double least_ms, double most_ms);
/* returns a text such as "19.1 to 20.3", or "19.1" if both are equal */
const char *text_range(const char *format, double least, double most);
const char *text_memory(long kib); /* returns a text such as "9.1 MiB" */
/* escapes the control characters of a text from outside, and cuts a long text */
const char *text_plain(const char *text);
const char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
