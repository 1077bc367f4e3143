/* Reads a MetaGraphDef by hand: TensorFlow's C API hands it out, but reads none. */

#include "signature.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("loader: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  return false;
}

TF_Tensor *new_tensor(TF_DataType type, const int64_t *dims, int rank) {
  size_t size = TF_DataTypeSize(type);
  for (int i = 0; i < rank; ++i) size *= (size_t)dims[i];
  return TF_AllocateTensor(type, dims, rank, size);
}

/* ---- Protobuf: a message is a row of fields, each a number and its content. ---- */

/* Some bytes of a serialized message; they belong to someone else. */
typedef struct {
  const uint8_t *data;
  size_t size;
} Bytes;

typedef struct {
  uint64_t number;
  Bytes bytes;      /* of a string or a message */
  uint64_t integer; /* a negative one as its two's complement */
} Field;

/* The fields read here, by their numbers in TensorFlow's .proto files. */
enum {
  META_GRAPH_SIGNATURES = 5,
  SIGNATURE_INPUTS = 1,
  SIGNATURE_OUTPUTS = 2,
  TENSOR_NAME = 1,
  TENSOR_TYPE = 2,
  TENSOR_SHAPE = 3,
  SHAPE_DIM = 2,
  SHAPE_UNKNOWN_RANK = 3,
  DIM_SIZE = 1,
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
  uint64_t key, size;
  *field = (Field){0};
  if (!take_integer(message, &key)) return false;
  field->number = key >> 3;
  switch (key & 7) {
    case 0: return take_integer(message, &field->integer);
    case 1: return take_bytes(message, 8, &field->bytes);
    case 2: return take_integer(message, &size) &&
                   take_bytes(message, size, &field->bytes);
    case 5: return take_bytes(message, 4, &field->bytes);
    default: return false;
  }
}

/* The field of a number; empty or 0, as protobuf has it, when it is absent. */
static Field find_field(Bytes message, uint64_t number) {
  Field field;
  while (take_field(&message, &field)) {
    if (field.number == number) return field;
  }
  return (Field){0};
}

/* Takes the next entry of a map off a message: each is a field of a key and a value. */
static bool take_map_entry(Bytes *message, uint64_t map, Bytes *key, Bytes *value) {
  Field entry;
  while (take_field(message, &entry)) {
    if (entry.number != map) continue;
    *key = find_field(entry.bytes, MAP_KEY).bytes;
    *value = find_field(entry.bytes, MAP_VALUE).bytes;
    return true;
  }
  return false;
}

static bool equals(Bytes text, const char *other) {
  return text.size == strlen(other) && memcmp(text.data, other, text.size) == 0;
}

static bool has_key(Bytes message, uint64_t map, const char *name, Bytes *value) {
  Bytes key;
  while (take_map_entry(&message, map, &key, value)) {
    if (equals(key, name)) return true;
  }
  return false;
}

/* Looks an entry up by its key, or says which there are. */
static bool find_in_map(Bytes message, uint64_t map, const char *kind, const char *name,
                        Bytes *value) {
  Bytes key;
  if (has_key(message, map, name, value)) return true;
  fail("the export has no %s named %s. It has:", kind, name);
  while (take_map_entry(&message, map, &key, value)) {
    /* Names that begin so are TensorFlow's own. */
    if (key.size > 1 && memcmp(key.data, "__", 2) == 0) continue;
    fprintf(stderr, "  %.*s\n", (int)key.size, (const char *)key.data);
  }
  return false;
}

/* ---- The model. ---- */

bool load_model(const char *directory, Model *model) {
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

void close_model(Model *model) {
  if (model->session != NULL) {
    TF_CloseSession(model->session, model->status);
    TF_DeleteSession(model->session, model->status);
  }
  TF_DeleteGraph(model->graph);
  TF_DeleteBuffer(model->meta_graph);
  TF_DeleteStatus(model->status);
}

/* ---- What a signature takes. ---- */

static Bytes meta_graph(const Model *model) {
  return (Bytes){model->meta_graph->data, model->meta_graph->length};
}

static bool find_signature(const Model *model, const char *name, Bytes *signature) {
  return find_in_map(meta_graph(model), META_GRAPH_SIGNATURES, "signature", name,
                     signature);
}

bool check_signature(const Model *model, const char *signature) {
  Bytes found;
  return find_signature(model, signature, &found);
}

static void read_input(Bytes name, Bytes info, Input *input) {
  Field dim;
  Bytes shape = find_field(info, TENSOR_SHAPE).bytes;
  bool unknown_rank = find_field(shape, SHAPE_UNKNOWN_RANK).integer != 0;
  snprintf(input->name, sizeof input->name, "%.*s", (int)name.size,
           (const char *)name.data);
  input->type = (TF_DataType)find_field(info, TENSOR_TYPE).integer;
  input->rank = 0;
  while (take_field(&shape, &dim)) {
    if (dim.number != SHAPE_DIM) continue;
    if (input->rank < MOST_AXES) {
      input->dims[input->rank] = (int64_t)find_field(dim.bytes, DIM_SIZE).integer;
    }
    ++input->rank;
  }
  if (unknown_rank) input->rank = -1;
}

bool read_other_inputs(const Model *model, const char *signature,
                       const NamedTensor *known, int num_known, Input *inputs,
                       int *num_inputs) {
  Bytes message, key, info;
  *num_inputs = 0;
  if (!has_key(meta_graph(model), META_GRAPH_SIGNATURES, signature, &message)) {
    return true;
  }
  while (take_map_entry(&message, SIGNATURE_INPUTS, &key, &info)) {
    bool is_known = false;
    for (int i = 0; i < num_known; ++i) is_known |= equals(key, known[i].name);
    if (is_known) continue;
    if (num_known + *num_inputs == MOST_TENSORS) {
      return fail("%s takes more than %d inputs", signature, MOST_TENSORS);
    }
    read_input(key, info, &inputs[(*num_inputs)++]);
  }
  return true;
}

/* ---- Running a signature. ---- */

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
    Bytes name = find_field(info, TENSOR_NAME).bytes;
    if (!find_operation(model, name, &found[i])) return false;
  }
  return true;
}

bool run_signature(const Model *model, const char *signature, const NamedTensor *inputs,
                   int num_inputs, NamedTensor *outputs, int num_outputs) {
  Bytes message;
  TF_Output from[MOST_TENSORS], to[MOST_TENSORS];
  TF_Tensor *given[MOST_TENSORS], *results[MOST_TENSORS] = {NULL};
  if (!find_signature(model, signature, &message) ||
      !find_tensors(model, message, SIGNATURE_INPUTS, inputs, num_inputs, from) ||
      !find_tensors(model, message, SIGNATURE_OUTPUTS, outputs, num_outputs, to)) {
    return false;
  }
  for (int i = 0; i < num_inputs; ++i) given[i] = inputs[i].tensor;
  TF_SessionRun(model->session, NULL, from, given, num_inputs, to, results,
                num_outputs, NULL, 0, NULL, model->status);
  for (int i = 0; i < num_outputs; ++i) outputs[i].tensor = results[i];
  if (TF_GetCode(model->status) == TF_OK) return true;
  return fail("%s: %s", signature, TF_Message(model->status));
}
