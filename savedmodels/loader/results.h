/* The outputs of a signature, as lines of text and as files. */

#ifndef SAVEDMODELS_LOADER_RESULTS_H
#define SAVEDMODELS_LOADER_RESULTS_H

#include <stdbool.h>

#include <tensorflow/c/c_api.h>

#include "saved_model.h"

/* Fails when an output has a type that cannot be printed. The function below is for
 * outputs that have passed. */
bool check_output(const TensorInfo *output);

/* Writes all outputs of a signature: strings into files where one is named, the rest
 * on stdout. A file is NULL or a name, in which %d stands for the number of the row. */
bool write_results(const char *name, const Signature *signature,
                   TF_Tensor *const *outputs, const char *const *files);

#endif
