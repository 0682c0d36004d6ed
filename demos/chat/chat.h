/* What the host and its plugins know of each other: two signals, and what they carry. */
#include <stdio.h>
#include <string.h>
#include <tocsin.h>

#define CHAT_LINE(F) F(string, who) F(string, text)
TOCSIN_LAYOUT(chat_line, CHAT_LINE);                           /* of chat.said, and of the question chat.may_say */
