#include "saved_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "protobuf.h"

/* ---- Loading. ---- */

/* tensorflow::DisableXlaCompilation(), a C++ function that the C API leaves out. TF
 * Serving's own main calls it, too: what wants XLA then fails when it is run. */
void disable_xla_compilation(void) __asm__(
    "_ZN10tensorflow21DisableXlaCompilationEv");

bool load_model(const char *directory, Model *model) {
  const char *tags[] = {"serve"};
  TF_SessionOptions *options = TF_NewSessionOptions();
  disable_xla_compilation();
  model->graph = TF_NewGraph();
  model->meta_graph = TF_NewBuffer();
  model->status = TF_NewStatus();
  /* This is C's way to tensorflow::LoadSavedModel, as TF_SessionRun is to
   * Session::Run. */
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

/* ---- Reading signatures. ---- */

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
  DIM_SIZE = 1
};

static Bytes meta_graph(const Model *model) {
  return (Bytes){model->meta_graph->data, model->meta_graph->length};
}

bool next_signature(const Model *model, char *name) {
  char candidate[NAME_SIZE], next[NAME_SIZE] = "";
  Bytes rest = meta_graph(model), key, value;
  while (take_map_entry(&rest, META_GRAPH_SIGNATURES, &key, &value)) {
    if (!copy_text(key, candidate, sizeof candidate)) continue;
    if (strncmp(candidate, "__", 2) == 0) continue; /* TensorFlow's own */
    if (strcmp(candidate, name) <= 0) continue;
    if (*next == '\0' || strcmp(candidate, next) < 0) strcpy(next, candidate);
  }
  strcpy(name, next);
  return *name != '\0';
}

static void read_shape(Bytes shape, TensorInfo *tensor) {
  Field dim;
  bool unknown_rank = find_field(shape, SHAPE_UNKNOWN_RANK).integer != 0;
  tensor->rank = 0;
  while (take_field(&shape, &dim)) {
    if (dim.number != SHAPE_DIM) continue;
    if (tensor->rank < MOST_AXES) {
      tensor->dims[tensor->rank] = (int64_t)find_field(dim.bytes, DIM_SIZE).integer;
    }
    ++tensor->rank;
  }
  if (unknown_rank) tensor->rank = -1;
}

static int compare_names(const void *tensor, const void *other) {
  return strcmp(((const TensorInfo *)tensor)->name, ((const TensorInfo *)other)->name);
}

/* Reads the inputs or the outputs of a signature. */
static bool read_tensors(Bytes message, uint64_t map, TensorInfo *tensors, int *count) {
  const char *kind = map == SIGNATURE_INPUTS ? "inputs" : "outputs";
  Bytes key, value;
  for (*count = 0; take_map_entry(&message, map, &key, &value); ++*count) {
    if (*count == MOST_TENSORS) {
      return fail("there may be %d %s at most, and the signature has more",
                  MOST_TENSORS, kind);
    }
    TensorInfo *tensor = &tensors[*count];
    Bytes tensor_name = find_field(value, TENSOR_NAME).bytes;
    if (!copy_text(key, tensor->name, NAME_SIZE) ||
        !copy_text(tensor_name, tensor->tensor_name, NAME_SIZE)) {
      return fail("the names of its %s may have %d bytes at most", kind, NAME_SIZE - 1);
    }
    tensor->type = (TF_DataType)find_field(value, TENSOR_TYPE).integer;
    read_shape(find_field(value, TENSOR_SHAPE).bytes, tensor);
  }
  qsort(tensors, (size_t)*count, sizeof *tensors, compare_names);
  return true;
}

bool read_signature(const Model *model, const char *name, Signature *signature) {
  char other[NAME_SIZE] = "";
  Bytes message;
  if (find_in_map(meta_graph(model), META_GRAPH_SIGNATURES, name, &message)) {
    return read_tensors(message, SIGNATURE_INPUTS, signature->inputs,
                        &signature->num_inputs) &&
           read_tensors(message, SIGNATURE_OUTPUTS, signature->outputs,
                        &signature->num_outputs);
  }
  fail("the export has no signature of this name. It has:");
  while (next_signature(model, other)) fprintf(stderr, "  %s\n", other);
  return false;
}

const TensorInfo *find_tensor(const TensorInfo *tensors, int count, const char *name) {
  for (int i = 0; i < count; ++i) {
    if (strcmp(tensors[i].name, name) == 0) return &tensors[i];
  }
  return NULL;
}

/* ---- Running a signature. ---- */

/* Finds tensors in the graph. */
static bool find_in_graph(const Model *model, const TensorInfo *tensors, int count,
                          TF_Output *found) {
  for (int i = 0; i < count; ++i) {
    char name[NAME_SIZE];
    strcpy(name, tensors[i].tensor_name);
    char *colon = strrchr(name, ':');
    found[i].index = colon == NULL ? 0 : atoi(colon + 1);
    if (colon != NULL) *colon = '\0';
    found[i].oper = TF_GraphOperationByName(model->graph, name);
    if (found[i].oper == NULL) return fail("the graph has no operation %s", name);
  }
  return true;
}

bool run_signature(const Model *model, const Signature *signature,
                   TF_Tensor *const *inputs, TF_Tensor **outputs) {
  TF_Output from[MOST_TENSORS], to[MOST_TENSORS];
  if (!find_in_graph(model, signature->inputs, signature->num_inputs, from) ||
      !find_in_graph(model, signature->outputs, signature->num_outputs, to)) {
    return false;
  }
  TF_SessionRun(model->session, NULL, from, inputs, signature->num_inputs, to, outputs,
                signature->num_outputs, NULL, 0, NULL, model->status);
  if (TF_GetCode(model->status) == TF_OK) return true;
  return fail("%s", TF_Message(model->status));
}
