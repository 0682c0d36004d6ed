#include <tocsin.h>

#define FILE_QUESTION(F) F(string, path) F(string, user)
TOCSIN_LAYOUT(file_question, FILE_QUESTION);
