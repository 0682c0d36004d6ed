/* One line on the terminal that says how far it is; it is written again and again, and leaves nothing behind. Where
   standard error is no terminal there is none. */
#ifndef PROGRESS_H
#define PROGRESS_H

void progress_show(const char *text);
void progress_clear(void);

#endif
