/* Runs an exported model through TensorFlow's C API, without Python.
 *
 *   loader EXPORT_DIR INPUT... -- OUTPUT...
 *
 * An INPUT is TENSOR=TYPE:SHAPE:VALUES, such as serving_default_seed:0=int64:2:7,8 or
 * log_prob_image:0=int32:1,8,8,1:0,0,3,..., and an OUTPUT the name of a tensor. Which
 * tensors a signature reads and gives stands in the SavedModel;
 * `python -m savedmodels.build_loader --export=EXPORT_DIR` prints whole commands.
 * Each result comes on stdout as a line of the same form as an INPUT.
 *
 * The model is loaded and run as TF Serving does it: by LoadSavedModel and
 * Session::Run, with XLA disabled. What goes wrong is said on stderr, with exit code 1.
 */

#define _POSIX_C_SOURCE 200809L /* strndup */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorflow/c/c_api.h>

enum { MOST_TENSORS = 16, MOST_AXES = 8 };

/* tensorflow::DisableXlaCompilation(), a C++ function that the C API leaves out. TF
 * Serving's own main calls it, too: what wants XLA then fails when it is run. */
void disable_xla_compilation(void) __asm__(
    "_ZN10tensorflow21DisableXlaCompilationEv");

static const struct {
  const char *name;
  TF_DataType type;
} types[] = {{"float32", TF_FLOAT},
             {"int32", TF_INT32},
             {"int64", TF_INT64},
             {"uint8", TF_UINT8},
             {"bool", TF_BOOL}};
enum { NUM_TYPES = sizeof types / sizeof *types };

static _Noreturn void fail(const char *rule, const char *received) {
  fprintf(stderr, "loader: %s Received: %s\n", rule, received);
  exit(EXIT_FAILURE);
}

static void check_status(TF_Status *status, const char *action) {
  if (TF_GetCode(status) != TF_OK) fail(action, TF_Message(status));
}

/* Finds OPERATION:INDEX in the graph; `length` is that of the name. */
static TF_Output find_tensor(TF_Graph *graph, const char *name, size_t length) {
  char *operation = strndup(name, length);
  char *colon = operation == NULL ? NULL : strrchr(operation, ':');
  if (colon == NULL) fail("A tensor must be OPERATION:INDEX.", name);
  *colon = '\0';
  TF_Output found = {TF_GraphOperationByName(graph, operation), atoi(colon + 1)};
  if (found.oper == NULL || found.index < 0 ||
      found.index >= TF_OperationNumOutputs(found.oper)) {
    fail("The model has no such tensor.", name);
  }
  free(operation);
  return found;
}

/* ---- Inputs. ---- */

static bool parse_integer(const char *text, char **end, int64_t least, int64_t most,
                          int64_t *value) {
  errno = 0;
  *value = strtoll(text, end, 10);
  return *end != text && errno == 0 && *value >= least && *value <= most;
}

/* Writes one number as element `i` of a tensor; false where its type has no such. */
static bool parse_element(const char *text, char **end, TF_DataType type, void *data,
                          int64_t i) {
  int64_t value;
  switch (type) {
    case TF_FLOAT:
      ((float *)data)[i] = strtof(text, end);
      return *end != text;
    case TF_INT64:
      return parse_integer(text, end, INT64_MIN, INT64_MAX, (int64_t *)data + i);
    case TF_INT32:
      if (!parse_integer(text, end, INT32_MIN, INT32_MAX, &value)) return false;
      ((int32_t *)data)[i] = (int32_t)value;
      return true;
    default: /* uint8 and bool, a byte each */
      if (!parse_integer(text, end, 0, type == TF_BOOL ? 1 : 255, &value)) return false;
      ((uint8_t *)data)[i] = (uint8_t)value;
      return true;
  }
}

static TF_DataType parse_type(const char *text, const char **end) {
  for (int i = 0; i < NUM_TYPES; ++i) {
    size_t length = strlen(types[i].name);
    if (strncmp(text, types[i].name, length) != 0 || text[length] != ':') continue;
    *end = text + length + 1;
    return types[i].type;
  }
  fail("A type must be float32, int32, int64, uint8 or bool, with a : after it.", text);
}

static int parse_shape(const char *text, int64_t *dims, const char **end) {
  int rank = 0;
  char *next = (char *)text;
  for (; *next != ':'; ++rank, next += *next == ',') {
    if (rank == MOST_AXES || !parse_integer(next, &next, 0, INT32_MAX, &dims[rank]) ||
        (*next != ',' && *next != ':')) {
      fail("A shape must be up to 8 sizes with commas between, and a : after.", text);
    }
  }
  *end = next + 1;
  return rank;
}

/* Makes a tensor of TYPE:SHAPE:VALUES. */
static TF_Tensor *parse_tensor(const char *text) {
  int64_t dims[MOST_AXES], count = 1;
  TF_DataType type = parse_type(text, &text);
  int rank = parse_shape(text, dims, &text);
  int64_t most = (int64_t)strlen(text) / 2 + 1; /* each value takes a digit and a comma */
  for (int i = 0; i < rank; ++i) {
    count *= dims[i];
    if (count > most) fail("There must be a value for each element.", text);
  }
  TF_Tensor *tensor =
      TF_AllocateTensor(type, dims, rank, (size_t)count * TF_DataTypeSize(type));
  char *next = (char *)text;
  for (int64_t i = 0; i < count; ++i) {
    if (!parse_element(next, &next, type, TF_TensorData(tensor), i) ||
        *next != (i + 1 < count ? ',' : '\0')) {
      fail("Values must be numbers of the type, as many as elements, with commas "
           "between.", text);
    }
    ++next;
  }
  if (count == 0 && *text != '\0') fail("An empty tensor must have no values.", text);
  return tensor;
}

/* ---- Outputs. ---- */

static void print_element(TF_DataType type, const void *data, int64_t i) {
  switch (type) {
    case TF_FLOAT: printf("%.9g", ((const float *)data)[i]); break; /* all its digits */
    case TF_INT64: printf("%" PRId64, ((const int64_t *)data)[i]); break;
    case TF_INT32: printf("%" PRId32, ((const int32_t *)data)[i]); break;
    default: printf("%d", ((const uint8_t *)data)[i]);
  }
}

static void print_tensor(const char *name, const TF_Tensor *tensor) {
  int known = 0, rank = TF_NumDims(tensor);
  while (known < NUM_TYPES && types[known].type != TF_TensorType(tensor)) ++known;
  if (known == NUM_TYPES) fail("A result must be of numbers or bool.", name);
  printf("%s=%s:", name, types[known].name);
  for (int i = 0; i < rank; ++i) {
    printf("%s%" PRId64, i > 0 ? "," : "", TF_Dim(tensor, i));
  }
  for (int64_t i = 0; i < TF_TensorElementCount(tensor); ++i) {
    putchar(i > 0 ? ',' : ':');
    print_element(types[known].type, TF_TensorData(tensor), i);
  }
  if (TF_TensorElementCount(tensor) == 0) putchar(':');
  putchar('\n');
}

int main(int argc, char **argv) {
  TF_Output inputs[MOST_TENSORS], outputs[MOST_TENSORS];
  TF_Tensor *values[MOST_TENSORS], *results[MOST_TENSORS] = {NULL};
  int first = 3;
  while (first < argc && strcmp(argv[first - 1], "--") != 0) ++first;
  int num_inputs = first - 3, num_outputs = argc - first;
  if (num_outputs < 1 || num_outputs > MOST_TENSORS || num_inputs > MOST_TENSORS) {
    fail("The arguments must be EXPORT_DIR INPUT... -- OUTPUT..., up to 16 of each.",
         argc < 2 ? "none" : argv[argc - 1]);
  }
  for (int i = 0; i < num_inputs; ++i) {
    const char *equals = strchr(argv[2 + i], '=');
    if (equals == NULL) fail("An input must be TENSOR=TYPE:SHAPE:VALUES.", argv[2 + i]);
    values[i] = parse_tensor(equals + 1);
  }
  const char *tags[] = {"serve"};
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  disable_xla_compilation();
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1,
                                                     graph, NULL, status);
  check_status(status, "The export cannot be loaded.");
  for (int i = 0; i < num_inputs; ++i) {
    inputs[i] = find_tensor(graph, argv[2 + i], strcspn(argv[2 + i], "="));
  }
  for (int i = 0; i < num_outputs; ++i) {
    outputs[i] = find_tensor(graph, argv[first + i], strlen(argv[first + i]));
  }
  TF_SessionRun(session, NULL, inputs, values, num_inputs, outputs, results,
                num_outputs, NULL, 0, NULL, status);
  check_status(status, "The model refuses the inputs.");
  for (int i = 0; i < num_outputs; ++i) print_tensor(argv[first + i], results[i]);
  if (fflush(stdout) != 0) fail("The results cannot be written.", strerror(errno));
  return EXIT_SUCCESS; /* the system takes back what a program of one run holds */
}
