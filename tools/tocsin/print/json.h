/* Prints JSON (RFC 8259) on the standard output. */
#ifndef TOOLS_PRINT_JSON_H
#define TOOLS_PRINT_JSON_H

/* prints a JSON string; prints null if text is NULL; a byte that is not UTF-8 becomes U+FFFD */
void json_string(const char *text);
void json_member(const char *name, const char *text); /* prints a member such as "name":"text" */
/* prints an array of the words, which are separated by spaces */
void json_words(const char *words);

#endif
