/* The two signals that the host and its plugins share, and the payload of these signals. */
#include <stdio.h>
#include <string.h>
#include <tocsin.h>

#define CHAT_LINE(F) F(string, who) F(string, text)
/* the payload of the signal chat.said and of the question chat.may_say */
TOCSIN_LAYOUT(chat_line, CHAT_LINE);
