#include "request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "results.h"
#include "tensor.h"
#include "values.h"

/* ---- Options: those named here are the program's own, others name inputs. ---- */

#define ROWS "rows"
#define OUTPUT "output"

static const char *option_name(const Request *request, int i) {
  return request->options[2 * i] + strlen("--");
}

static const char *option_values(const Request *request, int i) {
  return request->options[2 * i + 1];
}

static bool is_output(const Request *request, int i) {
  return strcmp(option_name(request, i), OUTPUT) == 0;
}

static bool is_own(const char *name) {
  return strcmp(name, ROWS) == 0 || strcmp(name, OUTPUT) == 0;
}

/* The values of an option; NULL when it is not given. */
static const char *find_option(const Request *request, const char *name) {
  for (int i = 0; i < request->num_options; ++i) {
    if (strcmp(option_name(request, i), name) == 0) return option_values(request, i);
  }
  return NULL;
}

/* The file of an output: what --output has after "NAME="; NULL when there is none. */
static const char *find_file(const Request *request, const char *name) {
  size_t length = strlen(name);
  for (int i = 0; i < request->num_options; ++i) {
    const char *values = option_values(request, i);
    if (!is_output(request, i) || strncmp(values, name, length) != 0) continue;
    if (values[length] == '=') return values + length + 1;
  }
  return NULL;
}

/* ---- Reading a request. ---- */

static bool read_rows(const char *text, int64_t *rows) {
  char *end;
  errno = 0;
  *rows = strtoll(text, &end, 10);
  if (end != text && *end == '\0' && errno == 0 && *rows > 0 && *rows <= INT32_MAX) {
    return true;
  }
  return fail("--" ROWS " must be an integer from 1 to 2**31 - 1. Received: %s", text);
}

/* Whether two options say the same thing twice. */
static bool are_repeated(const Request *request, int i, int j) {
  if (strcmp(option_name(request, i), option_name(request, j)) != 0) return false;
  const char *values = option_values(request, i), *others = option_values(request, j);
  size_t length = strcspn(values, "=") + 1; /* with the = */
  return !is_output(request, i) || strncmp(values, others, length) == 0;
}

static bool check_option(const Request *request, int i) {
  const char *name = option_name(request, i), *values = option_values(request, i);
  int64_t rows;
  for (int j = 0; j < i; ++j) {
    if (!are_repeated(request, i, j)) continue;
    return fail("an option may come once only. Received again: --%s", name);
  }
  if (is_output(request, i)) {
    const char *equals = strchr(values, '=');
    return (equals != NULL && equals > values && equals[1] != '\0') ||
           fail("--" OUTPUT " must be NAME=FILE. Received: %s", values);
  }
  return strcmp(name, ROWS) != 0 || read_rows(values, &rows);
}

static bool is_option(const char *argument) {
  return strncmp(argument, "--", 2) == 0 && argument[2] != '\0';
}

bool read_request(char **arguments, int count, Request *request) {
  if (count == 0 || is_option(arguments[0])) {
    return fail("the name of a signature must come first. Received: %s",
                count == 0 ? "nothing" : arguments[0]);
  }
  *request = (Request){arguments[0], arguments + 1, 0};
  for (int next = 1; next < count; next += 2) {
    if (!is_option(arguments[next])) {
      return fail("an option must begin with --. Received: %s", arguments[next]);
    }
    if (next + 1 == count) {
      return fail("an option must have values. Received none: %s", arguments[next]);
    }
    if (!check_option(request, request->num_options++)) return false;
  }
  return true;
}

/* ---- What the signature makes of it. ---- */

static bool check_signature(const Signature *signature) {
  for (int i = 0; i < signature->num_inputs; ++i) {
    const TensorInfo *input = &signature->inputs[i];
    if (!check_input(input)) return false;
    if (!is_own(input->name)) continue;
    return fail("the input %s cannot be given: --%s is an option of the loader itself",
                input->name, input->name);
  }
  for (int i = 0; i < signature->num_outputs; ++i) {
    if (!check_output(&signature->outputs[i])) return false;
  }
  return true;
}

/* Whether there is an input for every option; says what there is if not. */
static bool check_inputs(const Request *request, const Signature *signature) {
  char phrase[PHRASE_SIZE];
  for (int i = 0; i < request->num_options; ++i) {
    const char *name = option_name(request, i);
    if (is_own(name)) continue;
    if (find_tensor(signature->inputs, signature->num_inputs, name) != NULL) continue;
    fail("the signature takes no --%s. It takes:", name);
    for (int j = 0; j < signature->num_inputs; ++j) {
      const TensorInfo *input = &signature->inputs[j];
      fprintf(stderr, "  --%s: %s\n", input->name, describe_values(input, phrase));
    }
    return false;
  }
  return true;
}

static bool check_file(const char *values, const Signature *signature) {
  char name[NAME_SIZE], phrase[PHRASE_SIZE];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(values, "="), values);
  const TensorInfo *output =
      find_tensor(signature->outputs, signature->num_outputs, name);
  if (output != NULL && output->type == TF_STRING) return true;
  if (output != NULL) {
    return fail("--" OUTPUT " %s: only strings go to files. Received: %s", name,
                describe_type(output->type, phrase));
  }
  fail("the signature has no output %s. It has:", name);
  for (int i = 0; i < signature->num_outputs; ++i) {
    fprintf(stderr, "  %s\n", signature->outputs[i].name);
  }
  return false;
}

/* Whether there is an output, of strings, for every --output. */
static bool check_files(const Request *request, const Signature *signature) {
  for (int i = 0; i < request->num_options; ++i) {
    if (!is_output(request, i)) continue;
    if (!check_file(option_values(request, i), signature)) return false;
  }
  return true;
}

/* ---- The tensors that go in. ---- */

/* Makes a tensor an input, each with as many rows as its values are for, or says which
 * options are missing. */
static bool parse_inputs(const Request *request, const Signature *signature,
                         TF_Tensor **tensors) {
  char phrase[PHRASE_SIZE];
  bool complete = true;
  for (int i = 0; i < signature->num_inputs; ++i) {
    const TensorInfo *input = &signature->inputs[i];
    if (find_option(request, input->name) != NULL) continue;
    complete = fail("the signature needs --%s: %s", input->name,
                    describe_values(input, phrase));
  }
  for (int i = 0; complete && i < signature->num_inputs; ++i) {
    const TensorInfo *input = &signature->inputs[i];
    tensors[i] = parse_values(input, find_option(request, input->name));
    complete = tensors[i] != NULL;
  }
  return complete;
}

/* Gives an input, which has one row or all, all rows. */
static bool fill_rows(const TensorInfo *input, TF_Tensor **tensor, int64_t rows) {
  char phrase[PHRASE_SIZE];
  int64_t given = TF_Dim(*tensor, 0), count = TF_TensorElementCount(*tensor);
  if (given == rows) return true;
  if (given != 1) {
    return fail("--%s must be %s. Received: %" PRId64 " for %" PRId64 " row%s",
                input->name, describe_values(input, phrase), count, rows,
                rows == 1 ? "" : "s");
  }
  if (count * rows > INT32_MAX) {
    return fail("--%s must have less than 2**31 values in all rows. Received: %" PRId64
                " for %" PRId64 " rows", input->name, count, rows);
  }
  TF_Tensor *row = *tensor;
  *tensor = repeat_row(input, row, rows);
  delete_tensor(row);
  return true;
}

/* Gives all inputs the same number of rows: that of --rows, or the most of any. */
static bool fill_inputs(const Request *request, const Signature *signature,
                        TF_Tensor **tensors) {
  const char *text = find_option(request, ROWS);
  int64_t rows = 1;
  if (text != NULL && !read_rows(text, &rows)) return false;
  for (int i = 0; text == NULL && i < signature->num_inputs; ++i) {
    if (TF_Dim(tensors[i], 0) > rows) rows = TF_Dim(tensors[i], 0);
  }
  for (int i = 0; i < signature->num_inputs; ++i) {
    if (!fill_rows(&signature->inputs[i], &tensors[i], rows)) return false;
  }
  return true;
}

/* ---- Running. ---- */

static bool run(const Model *model, const Request *request, const Signature *signature,
                TF_Tensor **inputs, TF_Tensor **outputs) {
  const char *files[MOST_TENSORS];
  for (int i = 0; i < signature->num_outputs; ++i) {
    files[i] = find_file(request, signature->outputs[i].name);
  }
  return check_signature(signature) && check_inputs(request, signature) &&
         check_files(request, signature) && parse_inputs(request, signature, inputs) &&
         fill_inputs(request, signature, inputs) &&
         run_signature(model, signature, inputs, outputs) &&
         write_results(request->signature, signature, outputs, files);
}

bool run_request(const Model *model, const Request *request) {
  Signature signature;
  TF_Tensor *inputs[MOST_TENSORS] = {NULL}, *outputs[MOST_TENSORS] = {NULL};
  if (!read_signature(model, request->signature, &signature)) return false;
  bool done = run(model, request, &signature, inputs, outputs);
  /* The outputs first: one may be an input, passed on. */
  for (int i = 0; i < signature.num_outputs; ++i) TF_DeleteTensor(outputs[i]);
  for (int i = 0; i < signature.num_inputs; ++i) delete_tensor(inputs[i]);
  return done;
}
