/* A dictionary library that does not know tocsin. */
#ifndef DICT_H
#define DICT_H

typedef void (*dict_answer)(void *arg, int err, const char *text);

/* Looks up the word, and calls the function `answer` once, on a thread of the library. If
   dict_forget() is called first, `answer` is not called. Returns 0 or a negative errno. */
int dict_ask(const char *word, dict_answer answer, void *arg);

/* Forgets all questions with this arg. After dict_forget() has returned, no answer is given to
   them. */
void dict_forget(void *arg);

#endif
