/* An exported model and its signatures: what they take, and running them. */

#ifndef SAVEDMODELS_SIGNATURE_H
#define SAVEDMODELS_SIGNATURE_H

#include <stdbool.h>
#include <stdint.h>

#include <tensorflow/c/c_api.h>

enum { MOST_TENSORS = 16, MOST_AXES = 8, NAME_SIZE = 1024 };

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

TF_Tensor *new_tensor(TF_DataType type, const int64_t *dims, int rank);

/* What a signature says of an input. */
typedef struct {
  char name[NAME_SIZE];
  TF_DataType type;
  int rank;                /* -1 where it is unknown */
  int64_t dims[MOST_AXES]; /* -1 where one is unknown; of a higher rank the first few */
} Input;

/* Prints a sentence on stderr; always false, for callers to return. */
bool fail(const char *format, ...);

/* Loads an export; whether that worked or not, close_model follows. */
bool load_model(const char *directory, Model *model);
void close_model(Model *model);

/* Fails when there is no such signature. */
bool check_signature(const Model *model, const char *signature);

/* Reads the inputs of a signature, MOST_TENSORS at most, except those named in `known`.
 * An absent signature has none: run_signature says that it is absent. */
bool read_other_inputs(const Model *model, const char *signature,
                       const NamedTensor *known, int num_known, Input *inputs,
                       int *num_inputs);

/* Runs a signature; the caller deletes the tensors that it leaves in `outputs`. */
bool run_signature(const Model *model, const char *signature, const NamedTensor *inputs,
                   int num_inputs, NamedTensor *outputs, int num_outputs);

#endif
