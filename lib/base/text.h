/* Functions for UTF-8 text, and escapes for the characters that must not be written to a
   terminal. */
#ifndef TOCSIN_BASE_TEXT_H
#define TOCSIN_BASE_TEXT_H

#include <tocsin/text.h>

/* the most bytes of an escape: four bytes in octal, or two \uXXXX */
enum { TOCSIN__ESCAPE_MOST = 16 };

/* Returns the size of the character at this position, and sets its code point; returns 0 if the
   character is malformed. `left` is the number of bytes from this position on, at least 1. */
size_t tocsin__text_character(const char *at, size_t left, uint32_t *ret_code);

/* Returns the number of bytes from this position on that need no escape and are not in `stops`. */
size_t tocsin__text_span(const char *at, size_t left, const char *stops);
#define TOCSIN__JSON_STOPS "\"\\"

/* Writes the JSON escape of the character at this position. *ret_taken is set to the number of
   bytes of text that the escape replaces. */
size_t tocsin__text_escape(const char *at, size_t left, char escape[TOCSIN__ESCAPE_MOST],
                           size_t *ret_taken);

#endif
