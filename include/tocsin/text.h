/* Foreign text (of a file, a plugin, a peer, a user): escaped so that it cannot control a terminal
   or a log; compared with the words that the user may have meant. */
#ifndef TOCSIN_TEXT_H
#define TOCSIN_TEXT_H

#include <tocsin/base.h>

TOCSIN__BEGIN

/* These are escaped: control characters (C0, DEL, C1); line and paragraph separators; characters
   that are invisible or change the direction of text (bidirectional marks, embeddings, overrides
   and isolates, zero-width spaces, byte order marks, tags); and bytes that are not UTF-8. */

/**
 * Copies a text and replaces each byte to escape by an octal escape as in C: \033. The result is
 * one line of valid UTF-8. Quotation marks and backslashes stay as they are. buffer may be NULL if
 * room is 0. A result that does not fit is cut between characters.
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
 * Copies a text as tocsin_text_plain does, for the contents of a JSON string: the escapes are
 * JSON's, and a byte that is not UTF-8 becomes U+FFFD.
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
 * Counts the letters of a word that must be changed, removed, inserted or swapped with the next one
 * to get the other word: the edit distance. The case of ASCII letters does not count. A program
 * finds what a user meant by a misspelt word: the known word with the smallest distance.
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
