/* The values of inputs, given as text. */

#ifndef SAVEDMODELS_LOADER_VALUES_H
#define SAVEDMODELS_LOADER_VALUES_H

#include <stdbool.h>

#include <tensorflow/c/c_api.h>

#include "saved_model.h"

/* Fails when an input has a type or a shape that cannot be given as text. The other
 * functions here are for inputs that have passed. */
bool check_input(const TensorInfo *input);

/* Writes what an input takes as a phrase, PHRASE_SIZE at most, and returns it. */
const char *describe_values(const TensorInfo *input, char *phrase);

/* Makes the tensor of an input, with as many rows as the values are for. NULL, once it
 * has said why, when they are not what the input takes. */
TF_Tensor *parse_values(const TensorInfo *input, const char *values);

#endif
