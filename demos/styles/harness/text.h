/* Formats figures. Each function returns a text that is valid for the next 31 calls. */
#ifndef TEXT_H
#define TEXT_H

const char *text_time(double ms);                        /* "486 ms", "9.52 s" */
const char *text_times(double least_ms, double most_ms); /* "486 to 502 ms" */
const char *text_range(const char *format, double least,
                       double most); /* "19.1 to 20.3", or "19.1" */
const char *text_memory(long kib);   /* "9.1 MiB" */
/* escapes control characters of text from outside; cuts long text */
const char *text_plain(const char *text);
const char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
