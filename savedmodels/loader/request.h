/* Requests: a signature and its inputs, as the command line gives them. */

#ifndef SAVEDMODELS_LOADER_REQUEST_H
#define SAVEDMODELS_LOADER_REQUEST_H

#include <stdbool.h>

#include "saved_model.h"

typedef struct {
  const char *signature;
  char **options; /* each two arguments: --NAME and its values */
  int num_options;
} Request;

/* Reads the arguments of a request. Fails when one is malformed. */
bool read_request(char **arguments, int count, Request *request);

/* Runs a request and writes its results. */
bool run_request(const Model *model, const Request *request);

#endif
