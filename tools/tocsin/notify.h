/* Reports the state of the program to systemd, as sd_notify(3) does, without its library. */
#ifndef TOOLS_NOTIFY_H
#define TOOLS_NOTIFY_H

void notify_ready(const char *status);
void notify_reloading(void); /* notify_ready() must be called after it */
void notify_stopping(const char *status);

#endif
