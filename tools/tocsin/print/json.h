/* JSON (RFC 8259) on the standard output. */
#ifndef TOOLS_PRINT_JSON_H
#define TOOLS_PRINT_JSON_H

void json_string(const char *text); /* NULL prints null; a byte that is not UTF-8 becomes U+FFFD */
void json_member(const char *name, const char *text); /* prints "name":"text" */
/* prints words separated by spaces as an array */
void json_words(const char *words);

#endif
