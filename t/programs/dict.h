/* A dictionary library that does not know tocsin. */
#ifndef DICT_H
#define DICT_H

typedef void (*dict_answer)(void *arg, int err, const char *text);

/* Looks up the word, and calls answer once on a thread of the library, unless dict_forget() is
   called before. Returns 0 or a negative errno. */
int dict_ask(const char *word, dict_answer answer, void *arg);

/* Forgets all questions with this arg. After dict_forget() has returned, no answer is given. */
void dict_forget(void *arg);

#endif
