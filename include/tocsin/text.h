/* Foreign text comes from a file, a plugin, a peer or a user. These functions escape it, so that it
   cannot control a terminal or a log, or compare it with words that the user may have meant. */
#ifndef TOCSIN_TEXT_H
#define TOCSIN_TEXT_H

#include <tocsin/base.h>

TOCSIN__BEGIN

/* The following bytes and characters are escaped: control characters (C0, DEL, C1); line and
   paragraph separators; characters that are invisible or change the direction of text
   (bidirectional marks, embeddings, overrides and isolates, zero-width spaces, byte order marks,
   tags); and bytes that are not UTF-8. */

/**
 * Copies a text and replaces each byte that must be escaped by an octal escape as in C, such as
 * \033. The result is one line of valid UTF-8. Quotation marks and backslashes stay as they are. A
 * result that does not fit is cut between characters. `buffer` may be NULL if `room` is 0.
 *
 * @owner   buffer is the caller's; it ends with a NUL if room is not 0
 * @return  the length of the whole result, whether or not it fits, as snprintf: at most 4 * size;
 *          0: text is NULL
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  The Unicode Standard, table 3-7; RFC 3629; ECMA-48
 * @since   0.1
 */
TOCSIN_API size_t tocsin_text_plain(const char *text, size_t size, char *buffer, size_t room);

/**
 * Copies a text as tocsin_text_plain does, but for the contents of a JSON string: the escapes are
 * those of JSON, and each byte that is not UTF-8 becomes U+FFFD.
 *
 * @owner   buffer is the caller's; it ends with a NUL if room is not 0
 * @return  the length of the whole result, whether or not it fits: at most 6 * size; 0: text is
 *          NULL
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  RFC 8259 section 7
 * @since   0.1
 */
TOCSIN_API size_t tocsin_text_json(const char *text, size_t size, char *buffer, size_t room);

/**
 * Returns the edit distance of two words. This is the number of letters that must be changed,
 * removed, inserted, or swapped with the next letter, to get the other word from the first. The
 * case of ASCII letters does not count. The known word with the smallest distance is probably the
 * one that a user meant by a misspelt word.
 *
 * @owner   word (of size bytes) and other are borrowed
 * @return  the distance in bytes; SIZE_MAX: a word has more than 255 bytes
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  optimal string alignment, after Damerau (1964)
 * @since   0.1
 */
TOCSIN_API size_t tocsin_text_distance(const char *word, size_t size, const char *other);

TOCSIN__END
#endif
