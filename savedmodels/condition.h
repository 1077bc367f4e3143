/* Conditions: the inputs that not every model has, given as text. */

#ifndef SAVEDMODELS_CONDITION_H
#define SAVEDMODELS_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include <tensorflow/c/c_api.h>

#include "signature.h"

enum { PHRASE_SIZE = 256 };

/* Fails when an input has a type or a shape that cannot be given as numbers. The other
 * functions here are for inputs that have passed. */
bool check_condition(const Input *condition);

/* Writes what a condition takes as a phrase, PHRASE_SIZE at most, and returns it. */
const char *describe_values(const Input *condition, char *phrase);

/* Makes the tensor of a condition from numbers separated by commas or white space: one
 * row for all the batch, or each row its own. NULL, once it has said why, when they are
 * not what the condition takes. */
TF_Tensor *parse_condition(const Input *condition, const char *values, int64_t rows);

#endif
