/* What systemd is told, where it wants to know: sd_notify(3), without its library. */
#ifndef TOOLS_NOTIFY_H
#define TOOLS_NOTIFY_H

void notify_ready(const char *status);
void notify_reloading(void);                           /* and ready again afterwards */
void notify_stopping(const char *status);

#endif
