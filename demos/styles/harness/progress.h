/* A progress line, which is rewritten in place, and removed at the end. The line appears only if
   the standard error is a terminal. */
#ifndef PROGRESS_H
#define PROGRESS_H

void progress_show(const char *text);
void progress_clear(void);

#endif
