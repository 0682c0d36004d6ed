/* The two signals that the host and its plugins share, and their payload. */
#include <stdio.h>
#include <string.h>
#include <tocsin.h>

#define CHAT_LINE(F) F(string, who) F(string, text)
TOCSIN_LAYOUT(chat_line, CHAT_LINE); /* the payload of chat.said and of the question chat.may_say */
