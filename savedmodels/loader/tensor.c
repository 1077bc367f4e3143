#include "tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Types and shapes as text. ---- */

static const char *const type_names[] = {
    [TF_FLOAT] = "float32",      [TF_DOUBLE] = "float64",
    [TF_INT8] = "int8",          [TF_INT16] = "int16",
    [TF_INT32] = "int32",        [TF_INT64] = "int64",
    [TF_UINT8] = "uint8",        [TF_UINT16] = "uint16",
    [TF_UINT32] = "uint32",      [TF_UINT64] = "uint64",
    [TF_HALF] = "float16",       [TF_BFLOAT16] = "bfloat16",
    [TF_COMPLEX64] = "complex64", [TF_COMPLEX128] = "complex128",
    [TF_BOOL] = "bool",          [TF_STRING] = "string",
};

const char *describe_type(TF_DataType type, char *phrase) {
  size_t number = (size_t)type, known = sizeof type_names / sizeof *type_names;
  if (number < known && type_names[number] != NULL) return type_names[number];
  snprintf(phrase, PHRASE_SIZE, "number %zu of TensorFlow's DataType", number);
  return phrase;
}

const char *describe_shape(const int64_t *dims, int rank, char *phrase) {
  if (rank < 0) return "any shape";
  size_t used = (size_t)snprintf(phrase, PHRASE_SIZE, "(");
  for (int i = 0; i < rank && i < MOST_AXES; ++i) {
    const char *comma = i > 0 ? ", " : "";
    char *end = phrase + used;
    size_t left = PHRASE_SIZE - used; /* 22 bytes an axis fit well */
    used += (size_t)(dims[i] < 0
                         ? snprintf(end, left, "%s?", comma)
                         : snprintf(end, left, "%s%" PRId64, comma, dims[i]));
  }
  snprintf(phrase + used, PHRASE_SIZE - used, rank > MOST_AXES ? ", ...)" : ")");
  return phrase;
}

/* ---- Tensors of inputs. ---- */

static size_t element_size(TF_DataType type) {
  return type == TF_STRING ? sizeof(TF_TString) : TF_DataTypeSize(type);
}

TF_Tensor *new_tensor(const TensorInfo *input, int64_t rows) {
  int64_t dims[MOST_AXES] = {rows};
  size_t count = (size_t)rows;
  for (int i = 1; i < input->rank; ++i) {
    dims[i] = input->dims[i];
    count *= (size_t)dims[i];
  }
  TF_Tensor *tensor = TF_AllocateTensor(input->type, dims, input->rank,
                                        count * element_size(input->type));
  TF_TString *strings = TF_TensorData(tensor);
  for (size_t i = 0; input->type == TF_STRING && i < count; ++i) {
    TF_StringInit(&strings[i]);
  }
  return tensor;
}

/* Copies elements; strings into ones that exist. */
static void copy_elements(TF_DataType type, const void *from, void *to, size_t count) {
  if (type != TF_STRING) {
    memcpy(to, from, count * element_size(type));
    return;
  }
  const TF_TString *strings = from;
  TF_TString *copies = to;
  for (size_t i = 0; i < count; ++i) {
    TF_StringCopy(&copies[i], TF_StringGetDataPointer(&strings[i]),
                  TF_StringGetSize(&strings[i]));
  }
}

TF_Tensor *repeat_row(const TensorInfo *input, const TF_Tensor *row, int64_t rows) {
  TF_Tensor *tensor = new_tensor(input, rows);
  size_t size = (size_t)TF_TensorElementCount(row);
  size_t row_bytes = size * element_size(input->type);
  char *to = TF_TensorData(tensor);
  for (int64_t i = 0; size > 0 && i < rows; ++i) {
    copy_elements(input->type, TF_TensorData(row), to + (size_t)i * row_bytes, size);
  }
  return tensor;
}

void delete_tensor(TF_Tensor *tensor) {
  if (tensor != NULL && TF_TensorType(tensor) == TF_STRING) {
    TF_TString *strings = TF_TensorData(tensor);
    int64_t count = TF_TensorElementCount(tensor);
    for (int64_t i = 0; i < count; ++i) TF_StringDealloc(&strings[i]);
  }
  TF_DeleteTensor(tensor);
}
