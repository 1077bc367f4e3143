#include "results.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "message.h"
#include "tensor.h"

bool check_output(const TensorInfo *output) {
  char phrase[PHRASE_SIZE];
  switch (output->type) {
    case TF_UINT8: case TF_INT32: case TF_INT64: case TF_FLOAT: case TF_BOOL:
    case TF_STRING: return true;
    default:
      return fail("the output %s cannot be printed: its type must be uint8, int32, "
                  "int64, float32, bool or string. Received: %s",
                  output->name, describe_type(output->type, phrase));
  }
}

/* ---- Rows. A tensor without axes is one row. ---- */

static int64_t count_rows(const TF_Tensor *tensor) {
  return TF_NumDims(tensor) == 0 ? 1 : TF_Dim(tensor, 0);
}

static int64_t row_size(const TF_Tensor *tensor) {
  int64_t rows = count_rows(tensor);
  return rows == 0 ? 0 : TF_TensorElementCount(tensor) / rows;
}

/* ---- Values as text. ---- */

static void print_number(TF_DataType type, const void *data, int64_t index) {
  switch (type) {
    case TF_UINT8: printf("%d", ((const uint8_t *)data)[index]); return;
    case TF_INT32: printf("%" PRId32, ((const int32_t *)data)[index]); return;
    case TF_INT64: printf("%" PRId64, ((const int64_t *)data)[index]); return;
    case TF_BOOL: fputs(((const bool *)data)[index] ? "true" : "false", stdout); return;
    /* Nine digits give every float32 back exactly. */
    default: printf("%.9g", (double)((const float *)data)[index]);
  }
}

static bool is_plain(const char *bytes, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    if (bytes[i] < ' ' || bytes[i] > '~') return false;
  }
  return size < 4 || memcmp(bytes, "hex:", 4) != 0;
}

/* Prints a string, in hexadecimal unless it is plain text alone in its row. */
static void print_string(const TF_TString *string, bool alone) {
  const char *bytes = TF_StringGetDataPointer(string);
  size_t size = TF_StringGetSize(string);
  if (alone && is_plain(bytes, size)) {
    fwrite(bytes, 1, size, stdout);
    return;
  }
  fputs("hex:", stdout);
  for (size_t i = 0; i < size; ++i) printf("%02x", (unsigned char)bytes[i]);
}

static void print_rows(const char *name, const TF_Tensor *tensor) {
  int64_t rows = count_rows(tensor), size = row_size(tensor);
  TF_DataType type = TF_TensorType(tensor);
  const void *data = TF_TensorData(tensor);
  for (int64_t row = 0; row < rows; ++row) {
    fputs(name, stdout);
    for (int64_t i = row * size; i < (row + 1) * size; ++i) {
      putchar(' ');
      if (type == TF_STRING) {
        print_string((const TF_TString *)data + i, size == 1);
      } else {
        print_number(type, data, i);
      }
    }
    putchar('\n');
  }
}

/* Prints what the answer holds: # SIGNATURE: NAME TYPE SHAPE, NAME TYPE SHAPE, ... */
static void print_heading(const char *name, const Signature *signature,
                          TF_Tensor *const *outputs) {
  char type[PHRASE_SIZE], shape[PHRASE_SIZE];
  printf("# %s", name);
  for (int i = 0; i < signature->num_outputs; ++i) {
    int64_t dims[MOST_AXES] = {0};
    int rank = TF_NumDims(outputs[i]);
    for (int j = 0; j < rank && j < MOST_AXES; ++j) dims[j] = TF_Dim(outputs[i], j);
    printf("%s %s %s %s", i == 0 ? ":" : ",", signature->outputs[i].name,
           describe_type(TF_TensorType(outputs[i]), type),
           describe_shape(dims, rank, shape));
  }
  putchar('\n');
}

/* ---- Files. ---- */

#define ROW_MARK "%d"

/* The name of a row's file, which the caller frees; NULL when there is no memory. */
static char *row_file(const char *file, int64_t row) {
  size_t size = strlen(file) + 32;
  char *name = malloc(size);
  const char *mark = strstr(file, ROW_MARK);
  if (name == NULL) return NULL;
  if (mark == NULL) return strcpy(name, file);
  snprintf(name, size, "%.*s%" PRId64 "%s", (int)(mark - file), file, row,
           mark + strlen(ROW_MARK));
  return name;
}

/* Whether a tensor can be written to files, one a row. */
static bool check_files(const char *name, const TF_Tensor *tensor, const char *file) {
  int64_t rows = count_rows(tensor);
  if (rows > 0 && row_size(tensor) != 1) {
    return fail("--output %s: a file holds one string. Received: %" PRId64 " a row",
                name, row_size(tensor));
  }
  if (rows <= 1 || strstr(file, ROW_MARK) != NULL) return true;
  return fail("--output %s must have %s in the name of its file, for the number of the "
              "row. Received: %s for %" PRId64 " rows", name, ROW_MARK, file, rows);
}

/* Writes a file a row. */
static bool write_rows(const char *name, const TF_Tensor *tensor, const char *file) {
  const TF_TString *strings = TF_TensorData(tensor);
  int64_t rows = count_rows(tensor);
  bool done = true;
  for (int64_t row = 0; done && row < rows; ++row) {
    char *path = row_file(file, row);
    done = path != NULL && write_file(path, TF_StringGetDataPointer(&strings[row]),
                                      TF_StringGetSize(&strings[row]));
    if (!done) {
      fail("--output %s: cannot write the file %s: %s", name,
           path == NULL ? file : path, strerror(errno));
    }
    free(path);
  }
  return done;
}

/* Prints the name of the file of each row. */
static void print_files(const char *name, const TF_Tensor *tensor, const char *file) {
  int64_t rows = count_rows(tensor);
  for (int64_t row = 0; row < rows; ++row) {
    char *path = row_file(file, row);
    printf("%s %s\n", name, path == NULL ? file : path);
    free(path);
  }
}

bool write_results(const char *name, const Signature *signature,
                   TF_Tensor *const *outputs, const char *const *files) {
  const TensorInfo *infos = signature->outputs;
  int count = signature->num_outputs;
  for (int i = 0; i < count; ++i) {
    if (files[i] == NULL) continue;
    if (!check_files(infos[i].name, outputs[i], files[i])) return false;
  }
  for (int i = 0; i < count; ++i) {
    if (files[i] == NULL) continue;
    if (!write_rows(infos[i].name, outputs[i], files[i])) return false;
  }
  print_heading(name, signature, outputs);
  for (int i = 0; i < count; ++i) {
    if (files[i] == NULL) {
      print_rows(infos[i].name, outputs[i]);
    } else {
      print_files(infos[i].name, outputs[i], files[i]);
    }
  }
  return true;
}
