/* Reports the state of the program to systemd. The functions do what sd_notify(3) does, but need no
   library of systemd. */
#ifndef TOOLS_NOTIFY_H
#define TOOLS_NOTIFY_H

void notify_ready(const char *status);
void notify_reloading(void); /* notify_ready() must be called after notify_reloading() */
void notify_stopping(const char *status);

#endif
