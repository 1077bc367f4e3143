/* Samples and scores images with an exported model, in C and without Python.
 *
 *   loader EXPORT_DIR [--temperature T] SEED [SEED ...]
 *
 * draws one image a seed, all in one batch, at the temperature T (1 unless given), and
 * prints
 *
 *   image SEED VALUE VALUE ...          row by row, the channels of a pixel together
 *   score SEED LOG_PROB BITS_PER_DIM    LOG_PROB in nats
 *
 * What goes wrong is said on stderr, and the exit code is then 1. TensorFlow writes its
 * notes there too; the environment variable TF_CPP_MIN_LOG_LEVEL=3 silences most.
 * Build it with `python -m savedmodels.build_loader --output=loader`.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tensorflow/c/c_api.h>

#define USAGE "usage: loader EXPORT_DIR [--temperature T] SEED [SEED ...]"

enum { MOST_TENSORS = 2, NAME_SIZE = 1024, IMAGE_RANK = 4 };

/* Prints a sentence on stderr; always false, for callers to return. */
static bool fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("loader: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  return false;
}

/* ---- Protobuf: a message is a row of fields, each a number and its content. ---- */

/* Some bytes of a serialized message; they belong to someone else. */
typedef struct {
  const uint8_t *data;
  size_t size;
} Bytes;

typedef struct {
  uint64_t number;
  Bytes bytes; /* of a string or a message; numbers are passed over */
} Field;

/* The fields read here, by their numbers in TensorFlow's .proto files. */
enum {
  META_GRAPH_SIGNATURES = 5,
  SIGNATURE_INPUTS = 1,
  SIGNATURE_OUTPUTS = 2,
  TENSOR_NAME = 1,
  MAP_KEY = 1,
  MAP_VALUE = 2
};

static bool take_bytes(Bytes *message, uint64_t size, Bytes *taken) {
  if (size > message->size) return false;
  *taken = (Bytes){message->data, (size_t)size};
  message->data += size;
  message->size -= (size_t)size;
  return true;
}

static bool take_integer(Bytes *message, uint64_t *value) {
  Bytes byte;
  *value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (!take_bytes(message, 1, &byte)) return false;
    *value |= (uint64_t)(*byte.data & 0x7f) << shift;
    if (*byte.data < 0x80) return true;
  }
  return false;
}

/* Takes the first field off a message; false at its end, or where it is damaged. */
static bool take_field(Bytes *message, Field *field) {
  uint64_t key, value;
  *field = (Field){0};
  if (!take_integer(message, &key)) return false;
  field->number = key >> 3;
  switch (key & 7) {
    case 0: return take_integer(message, &value);
    case 1: return take_bytes(message, 8, &field->bytes);
    case 2: return take_integer(message, &value) &&
                   take_bytes(message, value, &field->bytes);
    case 5: return take_bytes(message, 4, &field->bytes);
    default: return false;
  }
}

/* The string or message of a number; empty, as protobuf has it, when it is absent. */
static Bytes find_field(Bytes message, uint64_t number) {
  Field field;
  while (take_field(&message, &field)) {
    if (field.number == number) return field.bytes;
  }
  return (Bytes){0};
}

/* Takes the next entry of a map off a message: each is a field of a key and a value. */
static bool take_map_entry(Bytes *message, uint64_t map, Bytes *key, Bytes *value) {
  Field entry;
  while (take_field(message, &entry)) {
    if (entry.number != map) continue;
    *key = find_field(entry.bytes, MAP_KEY);
    *value = find_field(entry.bytes, MAP_VALUE);
    return true;
  }
  return false;
}

/* Looks an entry up by its key, or says which there are. */
static bool find_in_map(Bytes message, uint64_t map, const char *kind, const char *name,
                        Bytes *value) {
  Bytes key, rest = message;
  while (take_map_entry(&rest, map, &key, value)) {
    if (key.size == strlen(name) && memcmp(key.data, name, key.size) == 0) return true;
  }
  fail("the export has no %s named %s. It has:", kind, name);
  while (take_map_entry(&message, map, &key, value)) {
    /* Names that begin so are TensorFlow's own. */
    if (key.size > 1 && memcmp(key.data, "__", 2) == 0) continue;
    fprintf(stderr, "  %.*s\n", (int)key.size, (const char *)key.data);
  }
  return false;
}

/* ---- The model. ---- */

typedef struct {
  TF_Graph *graph;
  TF_Session *session;
  TF_Buffer *meta_graph; /* a serialized MetaGraphDef: it holds the signatures */
  TF_Status *status;
} Model;

/* A tensor, under its name in a signature. */
typedef struct {
  const char *name;
  TF_Tensor *tensor;
} NamedTensor;

static TF_Tensor *new_tensor(TF_DataType type, const int64_t *dims, int rank) {
  size_t size = TF_DataTypeSize(type);
  for (int i = 0; i < rank; ++i) size *= (size_t)dims[i];
  return TF_AllocateTensor(type, dims, rank, size);
}

static bool load_model(const char *directory, Model *model) {
  const char *tags[] = {"serve"};
  TF_SessionOptions *options = TF_NewSessionOptions();
  model->graph = TF_NewGraph();
  model->meta_graph = TF_NewBuffer();
  model->status = TF_NewStatus();
  model->session = TF_LoadSessionFromSavedModel(options, NULL, directory, tags, 1,
                                                model->graph, model->meta_graph,
                                                model->status);
  TF_DeleteSessionOptions(options);
  if (TF_GetCode(model->status) == TF_OK) return true;
  return fail("cannot load %s: %s", directory, TF_Message(model->status));
}

static void close_model(Model *model) {
  if (model->session != NULL) {
    TF_CloseSession(model->session, model->status);
    TF_DeleteSession(model->session, model->status);
  }
  TF_DeleteGraph(model->graph);
  TF_DeleteBuffer(model->meta_graph);
  TF_DeleteStatus(model->status);
}

/* Finds the operation behind a tensor's name, which is "operation:index". */
static bool find_operation(const Model *model, Bytes tensor_name, TF_Output *output) {
  char name[NAME_SIZE];
  snprintf(name, sizeof name, "%.*s", (int)tensor_name.size,
           (const char *)tensor_name.data);
  char *colon = strrchr(name, ':');
  output->index = colon == NULL ? 0 : atoi(colon + 1);
  if (colon != NULL) *colon = '\0';
  output->oper = TF_GraphOperationByName(model->graph, name);
  return output->oper != NULL || fail("the graph has no operation %s", name);
}

/* Finds tensors of the graph by their names in a signature's inputs or outputs. */
static bool find_tensors(const Model *model, Bytes signature, uint64_t map,
                         const NamedTensor *wanted, int count, TF_Output *found) {
  const char *kind = map == SIGNATURE_INPUTS ? "input" : "output";
  for (int i = 0; i < count; ++i) {
    Bytes info;
    if (!find_in_map(signature, map, kind, wanted[i].name, &info)) return false;
    if (!find_operation(model, find_field(info, TENSOR_NAME), &found[i])) return false;
  }
  return true;
}

/* Runs a signature; the caller deletes the tensors that it leaves in `outputs`. */
static bool run_signature(const Model *model, const char *name,
                          const NamedTensor *inputs, int num_inputs,
                          NamedTensor *outputs, int num_outputs) {
  Bytes signature, graph = {model->meta_graph->data, model->meta_graph->length};
  TF_Output from[MOST_TENSORS], to[MOST_TENSORS];
  TF_Tensor *given[MOST_TENSORS], *results[MOST_TENSORS] = {NULL};
  if (!find_in_map(graph, META_GRAPH_SIGNATURES, "signature", name, &signature) ||
      !find_tensors(model, signature, SIGNATURE_INPUTS, inputs, num_inputs, from) ||
      !find_tensors(model, signature, SIGNATURE_OUTPUTS, outputs, num_outputs, to)) {
    return false;
  }
  for (int i = 0; i < num_inputs; ++i) given[i] = inputs[i].tensor;
  TF_SessionRun(model->session, NULL, from, given, num_inputs, to, results,
                num_outputs, NULL, 0, NULL, model->status);
  for (int i = 0; i < num_outputs; ++i) outputs[i].tensor = results[i];
  if (TF_GetCode(model->status) == TF_OK) return true;
  return fail("%s: %s", name, TF_Message(model->status));
}

/* ---- The images. ---- */

/* Copies images, uint8 or int32, as the int32 that `log_prob` takes. */
static TF_Tensor *copy_as_int32(const TF_Tensor *images) {
  int64_t dims[IMAGE_RANK], count = TF_TensorElementCount(images);
  for (int i = 0; i < IMAGE_RANK; ++i) dims[i] = TF_Dim(images, i);
  TF_Tensor *copy = new_tensor(TF_INT32, dims, IMAGE_RANK);
  bool is_uint8 = TF_TensorType(images) == TF_UINT8;
  const void *from = TF_TensorData(images);
  int32_t *to = TF_TensorData(copy);
  for (int64_t i = 0; i < count; ++i) {
    to[i] = is_uint8 ? ((const uint8_t *)from)[i] : ((const int32_t *)from)[i];
  }
  return copy;
}

/* Whether a tensor can be read as its printing below does. */
static bool check_output(const NamedTensor *output, int rank, int64_t rows,
                         TF_DataType type, TF_DataType other_type) {
  TF_DataType received = TF_TensorType(output->tensor);
  if (TF_NumDims(output->tensor) == rank && TF_Dim(output->tensor, 0) == rows &&
      (received == type || received == other_type)) {
    return true;
  }
  return fail("the output %s has not the type, the axes or the rows that are due",
              output->name);
}

static void print_images(const TF_Tensor *seeds, const TF_Tensor *images) {
  const int64_t *seed = TF_TensorData(seeds);
  const int32_t *value = TF_TensorData(images);
  int64_t count = TF_Dim(images, 0), size = TF_TensorElementCount(images) / count;
  for (int64_t i = 0; i < count; ++i) {
    printf("image %" PRId64, seed[i]);
    for (int64_t j = 0; j < size; ++j) printf(" %" PRId32, *value++);
    putchar('\n');
  }
}

/* Draws and prints images and leaves them in `images`, for the caller to delete. */
static bool sample(const Model *model, TF_Tensor *seeds, TF_Tensor *temperatures,
                   TF_Tensor **images) {
  NamedTensor inputs[] = {{"seed", seeds}, {"temperature", temperatures}};
  NamedTensor output = {"image", NULL};
  bool done = run_signature(model, "sample", inputs, 2, &output, 1) &&
              check_output(&output, IMAGE_RANK, TF_Dim(seeds, 0), TF_UINT8, TF_INT32);
  if (done) {
    *images = copy_as_int32(output.tensor);
    print_images(seeds, *images);
  }
  TF_DeleteTensor(output.tensor);
  return done;
}

/* Scores images and prints their scores. */
static bool score(const Model *model, const TF_Tensor *seeds, TF_Tensor *images) {
  NamedTensor input = {"image", images};
  NamedTensor outputs[] = {{"log_prob", NULL}, {"bits_per_dim", NULL}};
  const int64_t *seed = TF_TensorData(seeds);
  int64_t rows = TF_Dim(seeds, 0);
  bool done = run_signature(model, "log_prob", &input, 1, outputs, 2) &&
              check_output(&outputs[0], 1, rows, TF_FLOAT, TF_FLOAT) &&
              check_output(&outputs[1], 1, rows, TF_FLOAT, TF_FLOAT);
  for (int64_t i = 0; done && i < rows; ++i) {
    /* Nine digits give every float32 back exactly. */
    printf("score %" PRId64 " %.9g %.9g\n", seed[i],
           ((const float *)TF_TensorData(outputs[0].tensor))[i],
           ((const float *)TF_TensorData(outputs[1].tensor))[i]);
  }
  for (int i = 0; i < 2; ++i) TF_DeleteTensor(outputs[i].tensor);
  return done;
}

static bool sample_and_score(const char *directory, TF_Tensor *seeds,
                             TF_Tensor *temperatures) {
  Model model;
  TF_Tensor *images = NULL;
  bool done = load_model(directory, &model) &&
              sample(&model, seeds, temperatures, &images) &&
              score(&model, seeds, images);
  TF_DeleteTensor(images);
  close_model(&model);
  return done;
}

/* ---- The command line. ---- */

/* Fills the tensors, one row a seed. What temperatures are allowed the model says. */
static bool parse_rows(char **seed_texts, const char *temperature_text,
                       TF_Tensor *seeds, TF_Tensor *temperatures) {
  char *end;
  float temperature = strtof(temperature_text, &end);
  if (end == temperature_text || *end != '\0') {
    return fail("the temperature must be a number. Received: %s\n" USAGE,
                temperature_text);
  }
  for (int64_t i = 0; i < TF_Dim(seeds, 0); ++i) {
    errno = 0;
    ((int64_t *)TF_TensorData(seeds))[i] = strtoll(seed_texts[i], &end, 10);
    ((float *)TF_TensorData(temperatures))[i] = temperature;
    if (end != seed_texts[i] && *end == '\0' && errno == 0) continue;
    return fail("seeds must be integers from -2**63 to 2**63 - 1. Received: %s\n" USAGE,
                seed_texts[i]);
  }
  return true;
}

int main(int argc, char **argv) {
  bool has_temperature = argc > 2 && strcmp(argv[2], "--temperature") == 0;
  int first_seed = has_temperature ? 4 : 2;
  int64_t count = argc - first_seed;
  if (count < 1) {
    fail("an argument is missing.\n" USAGE);
    return EXIT_FAILURE;
  }
  TF_Tensor *seeds = new_tensor(TF_INT64, &count, 1);
  TF_Tensor *temperatures = new_tensor(TF_FLOAT, &count, 1);
  bool done = parse_rows(argv + first_seed, has_temperature ? argv[3] : "1", seeds,
                         temperatures) &&
              sample_and_score(argv[1], seeds, temperatures);
  TF_DeleteTensor(temperatures);
  TF_DeleteTensor(seeds);
  if (fflush(stdout) != 0) done = fail("cannot write the results");
  return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
