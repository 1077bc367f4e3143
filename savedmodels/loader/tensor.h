/* Tensors and what is said of them. */

#ifndef SAVEDMODELS_LOADER_TENSOR_H
#define SAVEDMODELS_LOADER_TENSOR_H

#include <stdint.h>

#include <tensorflow/c/c_api.h>

#include "saved_model.h"

enum { PHRASE_SIZE = 256 };

/* Writes a type as a word, PHRASE_SIZE at most, and returns it. */
const char *describe_type(TF_DataType type, char *phrase);

/* Writes a shape as a phrase, such as (?, 28, 28, 1) with ? for what is unknown, and
 * returns it. A rank of -1 is unknown; dims beyond MOST_AXES are not read. */
const char *describe_shape(const int64_t *dims, int rank, char *phrase);

/* Makes a tensor for an input, with so many rows. Strings are empty ones; numbers wait
 * to be written. */
TF_Tensor *new_tensor(const TensorInfo *input, int64_t rows);

/* A copy of a tensor of one row, with so many of that row. */
TF_Tensor *repeat_row(const TensorInfo *input, const TF_Tensor *row, int64_t rows);

/* Deletes a tensor of new_tensor's, or NULL. */
void delete_tensor(TF_Tensor *tensor);

#endif
