#include "message.h"

#include <stdarg.h>
#include <stdio.h>

static const char *present_signature;
static int present_number;

void begin_request(const char *signature, int number, int num_requests) {
  present_signature = signature;
  present_number = num_requests > 1 ? number : 0;
}

bool fail(const char *format, ...) {
  va_list arguments;
  fputs("loader: ", stderr);
  if (present_number > 0) fprintf(stderr, "request %d, ", present_number);
  if (present_signature != NULL) fprintf(stderr, "%s: ", present_signature);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  return false;
}
