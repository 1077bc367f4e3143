/* What goes wrong, said in sentences on stderr. */

#ifndef SAVEDMODELS_LOADER_MESSAGE_H
#define SAVEDMODELS_LOADER_MESSAGE_H

#include <stdbool.h>

/* From now on sentences name the signature and, when there are several requests, the
 * number of the request, from 1 on. */
void begin_request(const char *signature, int number, int num_requests);

/* Prints a sentence; always false, for callers to return. */
bool fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
