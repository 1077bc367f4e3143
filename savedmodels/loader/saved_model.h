/* An exported model and its signatures: what they take and give, and running them. */

#ifndef SAVEDMODELS_LOADER_SAVED_MODEL_H
#define SAVEDMODELS_LOADER_SAVED_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <tensorflow/c/c_api.h>

enum { MOST_TENSORS = 16, MOST_AXES = 8, NAME_SIZE = 512 };

typedef struct {
  TF_Graph *graph;
  TF_Session *session;
  TF_Buffer *meta_graph; /* a serialized MetaGraphDef: it holds the signatures */
  TF_Status *status;
} Model;

/* What a signature says of an input or an output. */
typedef struct {
  char name[NAME_SIZE];
  char tensor_name[NAME_SIZE]; /* in the graph, as "operation:index" */
  TF_DataType type;
  int rank;                /* -1 where it is unknown */
  int64_t dims[MOST_AXES]; /* -1 where one is unknown; of a higher rank the first few */
} TensorInfo;

/* Both in the order of their names. */
typedef struct {
  TensorInfo inputs[MOST_TENSORS];
  int num_inputs;
  TensorInfo outputs[MOST_TENSORS];
  int num_outputs;
} Signature;

/* Loads an export as a server does; whether that worked or not, close_model follows. */
bool load_model(const char *directory, Model *model);
void close_model(Model *model);

/* Replaces a name of NAME_SIZE by that of the next signature, in the order of names;
 * false, and then the name is empty, after the last one. Before the first one is "". */
bool next_signature(const Model *model, char *name);

/* Reads a signature. When there is none of that name, says which there are. */
bool read_signature(const Model *model, const char *name, Signature *signature);

/* The input or output of a name; NULL when there is none. */
const TensorInfo *find_tensor(const TensorInfo *tensors, int count, const char *name);

/* Runs a signature on one tensor an input; the caller deletes the outputs, NULL until
 * it has run. */
bool run_signature(const Model *model, const Signature *signature,
                   TF_Tensor *const *inputs, TF_Tensor **outputs);

#endif
