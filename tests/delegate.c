/* A delegate of LiteRT for tests: takes every edgetpu-custom-op; output byte i is input byte i.
   Layouts after TensorFlow Lite's core/c/common.h, as far as they are used.
   -DNO_DEVICE: finds no device. -DDIES_AT=N: dies of SIGSEGV in the Nth inference of a process. */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef DIES_AT
#define DIES_AT 0
#endif

typedef struct { int size; int data[]; } IntArray;
typedef struct { int type; void *data; IntArray *dims; float scale; int32_t zero_point; int allocation; size_t bytes; void *rest[8]; } Tensor;
typedef struct { IntArray *inputs, *outputs; } Node;
typedef struct Context Context;
typedef struct {
  void *(*init)(Context *, const char *, size_t);
  void (*release)(Context *, void *);
  int (*prepare)(Context *, Node *);
  int (*invoke)(Context *, Node *);
  void *profiling_string;
  int32_t builtin_code;
  const char *custom_name;
  int version;
  void *rest[4];
} Registration;
typedef struct Delegate {
  void *data;
  int (*prepare)(Context *, struct Delegate *);
  void *buffer_functions[3];
  int64_t flags;
  void *opaque_builder;
} Delegate;
struct Context {
  size_t tensor_count;
  int (*execution_plan)(Context *, IntArray **);
  Tensor *tensors;
  void *impl, *resize, *report_error, *add_tensors;
  int (*node_and_registration)(Context *, int, Node **, Registration **);
  int (*replace)(Context *, Registration, const IntArray *, Delegate *);
};

static int invocations;

static int invoke(Context *context, Node *node) {
  if (++invocations == DIES_AT) raise(SIGSEGV);
  Tensor *in = &context->tensors[node->inputs->data[0]];
  Tensor *out = &context->tensors[node->outputs->data[0]];
  memcpy(out->data, in->data, in->bytes < out->bytes ? in->bytes : out->bytes);
  return 0;
}

static int prepare(Context *context, Delegate *delegate) {
  Registration kernel = {.invoke = invoke, .custom_name = "test delegate", .version = 1};
  IntArray *plan, *taken;
  if (context->execution_plan(context, &plan)) return 1;
  taken = calloc(plan->size + 1, sizeof(int));
  for (int i = 0; i < plan->size; i++) {
    Node *node;
    Registration *found;
    if (context->node_and_registration(context, plan->data[i], &node, &found)) return 1;
    if (found->custom_name && !strcmp(found->custom_name, "edgetpu-custom-op")) taken->data[taken->size++] = plan->data[i];
  }
  int status = context->replace(context, kernel, taken, delegate);
  free(taken);
  return status;
}

void *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
#ifdef NO_DEVICE
  report("no device");
  return NULL;
#endif
  Delegate *delegate = calloc(1, sizeof *delegate);
  delegate->prepare = prepare;
  delegate->flags = 1; /* AllowDynamicTensors: else LiteRT prepares the unknown operator before asking here */
  return delegate;
}

void tflite_plugin_destroy_delegate(void *delegate) { free(delegate); }
