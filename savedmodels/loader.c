/* Samples and scores images with an exported model, in C and without Python.
 *
 *   loader EXPORT_DIR [--temperature T] [--NAME VALUES]... SEED [SEED ...]
 *
 * draws one image a seed, all in one batch, at the temperature T (1 unless given), and
 * prints
 *
 *   image SEED VALUE VALUE ...          row by row, the channels of a pixel together
 *   score SEED LOG_PROB BITS_PER_DIM    LOG_PROB in nats
 *
 * A conditional model has further inputs. Each is an option of its name, for example
 *
 *   --label 3    --label 0,1,2    --embedding "0.1 -2 3"    --spatial @FILE
 *
 * and its values are numbers separated by commas or white space, or @ and the name of a
 * text file of them: as many as one image needs, which all seeds then share, or as many
 * for each seed, in the order of the seeds. Sampling and scoring both receive them.
 *
 * What goes wrong is said on stderr, and the exit code is then 1. TensorFlow writes its
 * notes there too; the environment variable TF_CPP_MIN_LOG_LEVEL=3 silences most.
 * Build it with `python -m savedmodels.build_loader --output=loader`.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tensorflow/c/c_api.h>

#include "condition.h"
#include "signature.h"

#define USAGE                                                                       \
  "usage: loader EXPORT_DIR [--temperature T] [--NAME VALUES]... SEED [SEED ...]\n" \
  "  NAME is a further input of the model, such as label. VALUES are numbers\n"     \
  "  separated by commas or white space, or @FILE for a text file of them."

enum { IMAGE_RANK = 4 };

/* What is done with the model, in this order. */
enum { SAMPLE, SCORE, NUM_CALLS };

typedef struct {
  const char *name;
  const char *values;
  char *file_text; /* holds the values when they come from a file, else NULL */
} Option;

typedef struct {
  const char *directory;
  Option options[MOST_TENSORS];
  int num_options;
  char **seeds;
  int64_t num_seeds;
} Arguments;

/* A signature and the tensors that go in: those that every model takes, and then one
 * for each condition. */
typedef struct {
  const char *signature;
  NamedTensor inputs[MOST_TENSORS];
  int num_inputs;
  Input conditions[MOST_TENSORS];
  int num_conditions;
} Call;

static const Option *find_option(const Arguments *arguments, const char *name) {
  for (int i = 0; i < arguments->num_options; ++i) {
    if (strcmp(arguments->options[i].name, name) == 0) return &arguments->options[i];
  }
  return NULL;
}

static bool is_temperature(const Option *option) {
  return strcmp(option->name, "temperature") == 0;
}

/* ---- The conditions: inputs that not every model has. ---- */

/* Reads which conditions a call takes. */
static bool read_conditions(const Model *model, Call *call) {
  if (!read_other_inputs(model, call->signature, call->inputs, call->num_inputs,
                         call->conditions, &call->num_conditions)) {
    return false;
  }
  for (int i = 0; i < call->num_conditions; ++i) {
    if (!check_condition(&call->conditions[i])) return false;
  }
  return true;
}

static bool has_condition(const Call *call, const char *name) {
  for (int i = 0; i < call->num_conditions; ++i) {
    if (strcmp(call->conditions[i].name, name) == 0) return true;
  }
  return false;
}

static void print_conditions(const Call *call, const Call *except) {
  char phrase[PHRASE_SIZE];
  for (int i = 0; i < call->num_conditions; ++i) {
    const Input *condition = &call->conditions[i];
    if (except != NULL && has_condition(except, condition->name)) continue;
    fprintf(stderr, "  --%s: %s\n", condition->name,
            describe_values(condition, phrase));
  }
}

/* Whether there is an input for every option; says what the model takes if not. */
static bool check_options(const Arguments *arguments, const Call *calls) {
  for (int i = 0; i < arguments->num_options; ++i) {
    const Option *option = &arguments->options[i];
    if (is_temperature(option) || has_condition(&calls[SAMPLE], option->name) ||
        has_condition(&calls[SCORE], option->name)) {
      continue;
    }
    fail("the model takes no --%s. It takes:\n  --temperature: one number",
         option->name);
    print_conditions(&calls[SAMPLE], NULL);
    print_conditions(&calls[SCORE], &calls[SAMPLE]);
    return false;
  }
  return true;
}

/* Adds the tensors of its conditions to a call, or says which options are missing. */
static bool add_conditions(const Arguments *arguments, Call *call) {
  char phrase[PHRASE_SIZE];
  bool complete = true;
  for (int i = 0; i < call->num_conditions; ++i) {
    const Input *condition = &call->conditions[i];
    const Option *option = find_option(arguments, condition->name);
    if (option == NULL) {
      complete = fail("the model needs --%s: %s", condition->name,
                      describe_values(condition, phrase));
      continue;
    }
    TF_Tensor *tensor =
        parse_condition(condition, option->values, arguments->num_seeds);
    if (tensor == NULL) return false;
    call->inputs[call->num_inputs++] = (NamedTensor){condition->name, tensor};
  }
  return complete;
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

/* Draws and prints images and hands them to the call that scores them. */
static bool sample(const Model *model, Call *calls) {
  const Call *call = &calls[SAMPLE];
  const TF_Tensor *seeds = call->inputs[0].tensor;
  NamedTensor output = {"image", NULL};
  bool done = run_signature(model, call->signature, call->inputs, call->num_inputs,
                            &output, 1) &&
              check_output(&output, IMAGE_RANK, TF_Dim(seeds, 0), TF_UINT8, TF_INT32);
  if (done) {
    TF_Tensor *images = copy_as_int32(output.tensor);
    print_images(seeds, images);
    calls[SCORE].inputs[0].tensor = images;
  }
  TF_DeleteTensor(output.tensor);
  return done;
}

/* Scores images and prints their scores. */
static bool score(const Model *model, const Call *calls) {
  const Call *call = &calls[SCORE];
  NamedTensor outputs[] = {{"log_prob", NULL}, {"bits_per_dim", NULL}};
  const TF_Tensor *seeds = calls[SAMPLE].inputs[0].tensor;
  const int64_t *seed = TF_TensorData(seeds);
  int64_t rows = TF_Dim(seeds, 0);
  bool done = run_signature(model, call->signature, call->inputs, call->num_inputs,
                            outputs, 2) &&
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

static bool sample_and_score(const Arguments *arguments, Call *calls) {
  Model model;
  bool done = load_model(arguments->directory, &model) &&
              check_signature(&model, calls[SAMPLE].signature) &&
              read_conditions(&model, &calls[SAMPLE]) &&
              read_conditions(&model, &calls[SCORE]) &&
              check_options(arguments, calls) &&
              add_conditions(arguments, &calls[SAMPLE]) &&
              add_conditions(arguments, &calls[SCORE]) &&
              sample(&model, calls) &&
              score(&model, calls);
  close_model(&model);
  return done;
}

/* ---- The command line. ---- */

static bool add_option(Arguments *arguments, const char *name, const char *values) {
  if (find_option(arguments, name) != NULL) {
    return fail("an option may come once only. Received again: --%s\n" USAGE, name);
  }
  if (arguments->num_options == MOST_TENSORS) {
    return fail("there may be %d options at most.\n" USAGE, MOST_TENSORS);
  }
  arguments->options[arguments->num_options++] = (Option){name, values, NULL};
  return true;
}

/* Seeds may begin with a minus sign, but with one only. */
static bool is_option(const char *argument) {
  return strncmp(argument, "--", 2) == 0;
}

static bool split_arguments(int argc, char **argv, Arguments *arguments) {
  int next = 2;
  for (; next + 1 < argc && is_option(argv[next]); next += 2) {
    if (!add_option(arguments, argv[next] + 2, argv[next + 1])) return false;
  }
  if (next >= argc || is_option(argv[next])) {
    return fail("an argument is missing.\n" USAGE);
  }
  arguments->directory = argv[1];
  arguments->seeds = argv + next;
  arguments->num_seeds = argc - next;
  return true;
}

/* Reads a file to its end; NULL, with errno set, when that fails. */
static char *read_text(FILE *file, size_t *size) {
  char *text = NULL;
  size_t capacity = 0;
  *size = 0;
  do {
    capacity = 2 * capacity + BUFSIZ;
    char *larger = realloc(text, capacity + 1);
    if (larger == NULL) break;
    text = larger;
    *size += fread(text + *size, 1, capacity - *size, file);
  } while (*size == capacity);
  if (feof(file)) {
    text[*size] = '\0';
    return text;
  }
  free(text);
  return NULL;
}

/* Points an option's values to the text of the file that they name. */
static bool open_file(Option *option) {
  const char *path = option->values + 1;
  size_t size = 0;
  FILE *file = fopen(path, "r");
  if (file != NULL) option->file_text = read_text(file, &size);
  const char *error = NULL;
  if (option->file_text == NULL) {
    error = strerror(errno);
  } else if (strlen(option->file_text) < size) {
    error = "it holds a byte of 0, so it is no text";
  }
  if (file != NULL) fclose(file);
  option->values = option->file_text;
  if (error == NULL) return true;
  return fail("--%s: cannot read the file %s: %s", option->name, path, error);
}

static bool open_files(Arguments *arguments) {
  for (int i = 0; i < arguments->num_options; ++i) {
    Option *option = &arguments->options[i];
    if (is_temperature(option) || option->values[0] != '@') continue;
    if (!open_file(option)) return false;
  }
  return true;
}

/* Fills the tensors, one row a seed. What temperatures are allowed the model says. */
static bool parse_rows(const Arguments *arguments, TF_Tensor *seeds,
                       TF_Tensor *temperatures) {
  char *end;
  const Option *option = find_option(arguments, "temperature");
  const char *text = option == NULL ? "1" : option->values;
  float temperature = strtof(text, &end);
  if (end == text || *end != '\0') {
    return fail("the temperature must be a number. Received: %s\n" USAGE, text);
  }
  for (int64_t i = 0; i < arguments->num_seeds; ++i) {
    text = arguments->seeds[i];
    errno = 0;
    ((int64_t *)TF_TensorData(seeds))[i] = strtoll(text, &end, 10);
    ((float *)TF_TensorData(temperatures))[i] = temperature;
    if (end != text && *end == '\0' && errno == 0) continue;
    return fail("seeds must be integers from -2**63 to 2**63 - 1. Received: %s\n" USAGE,
                text);
  }
  return true;
}

static bool run(Arguments *arguments) {
  TF_Tensor *seeds = new_tensor(TF_INT64, &arguments->num_seeds, 1);
  TF_Tensor *temperatures = new_tensor(TF_FLOAT, &arguments->num_seeds, 1);
  Call calls[NUM_CALLS] = {
      [SAMPLE] = {.signature = "sample",
                  .inputs = {{"seed", seeds}, {"temperature", temperatures}},
                  .num_inputs = 2},
      [SCORE] = {.signature = "log_prob", .inputs = {{"image", NULL}}, .num_inputs = 1},
  };
  bool done = parse_rows(arguments, seeds, temperatures) && open_files(arguments) &&
              sample_and_score(arguments, calls);
  for (int i = 0; i < NUM_CALLS; ++i) {
    for (int j = 0; j < calls[i].num_inputs; ++j) {
      TF_DeleteTensor(calls[i].inputs[j].tensor);
    }
  }
  return done;
}

int main(int argc, char **argv) {
  Arguments arguments = {0};
  bool done = split_arguments(argc, argv, &arguments) && run(&arguments);
  for (int i = 0; i < arguments.num_options; ++i) free(arguments.options[i].file_text);
  if (fflush(stdout) != 0) done = fail("cannot write the results");
  return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
