// The engine's face to JavaScript (src/jit/program/engine-addon.ts describes it):
//   attach(tensorHandles, threads)              once a thread of JavaScript, before anything runs
//   create(words, constants, texts) → program   throws what is wrong with it
//   run(program, arguments, captures, replaced) → [{ id, dtype, shape }]
//                                               replaced: captures, by place, that the results which replace them may be written
//                                               over: such a result is null. Nobody who shares their memory sees it; until the
//                                               run is finished their numbers have no tensors.
//   start(program, arguments, captures, replaced) → { run, ended }
//                                               the same off JavaScript's thread; `ended` is a promise of nothing that always keeps
//   finish(run) → as run(…)                     waits for its end, on this thread if it has not begun; once for each run
//   profile(program, arguments, captures) → milliseconds of each step
//   dispose(program)                            a run under way comes to its end first
//   memory() → { arena, packed }, info() → { kernels, usable, bfloat16, threads }
//   setThreads(count), setKernels(name)
//   alignedBuffer(bytes) → ArrayBuffer          that TensorFlow takes without copying
//   tables                                      the lists and limits of program/ops.def
// and `ShapeGraph` (napi/shape-graph.h). What is thrown: napi/guarded.h. Arguments and captures are tfjs-node's numbers of tensors.
#include <dlfcn.h>
#include <node_api.h>

#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "napi/guarded.h"
#include "napi/instance.h"
#include "napi/runs.h"
#include "napi/shape-graph.h"
#include "napi/tables.h"
#include "napi/values.h"
#include "program/engine.h"
#include "program/errors.h"
#include "program/memory.h"
#include "tensorflow/step.h"

namespace siglip {
namespace {

napi_value Attach(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Instance &instance = TheInstance(env);
  if (instance.handles != nullptr) return nullptr;
  void *const handles = Untagged(env, arguments[0], kTensorHandlesTag, "the handles of a backend");
  const int32_t threads = ToInt32(env, arguments[1], "the number of threads");
  Check(napi_create_reference(env, arguments[0], 1, &instance.handles_reference), "the backend's handles");
  instance.handles = static_cast<const TensorHandles *>(handles);
  StartThreads(threads);
  return nullptr;
}

DType ConstantType(napi_typedarray_type type) {
  switch (type) {
    case napi_float32_array: return DType::kFloat32;
    case napi_int32_array: return DType::kInt32;
    case napi_uint8_array: return DType::kBool;
    default: Fail("a constant is of another type than float32, int32 and bool");
  }
}

napi_value Create(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  ProgramSource source;
  const TypedArray words = ToTypedArray(env, arguments[0], "a program's words");
  if (words.type != napi_float64_array) Fail("a program's words are no Float64Array");
  source.words = static_cast<const double *>(words.data);
  source.word_count = words.length;
  for (napi_value constant : Elements(env, arguments[1], "the constants")) {
    const TypedArray values = ToTypedArray(env, constant, "a constant");
    const DType dtype = ConstantType(values.type);
    source.constants.push_back({dtype, values.data, values.length * SizeOf(dtype)});
  }
  for (napi_value text : Elements(env, arguments[2], "the texts")) source.texts.push_back(ToText(env, text, "a text"));
  source.read_host_step = ReadTensorFlowStep;

  auto program = std::make_unique<ProgramReference>(std::make_shared<Program>(source));
  const auto finalize = [](napi_env, void *data, void *) {
    const std::unique_ptr<ProgramReference> program(static_cast<ProgramReference *>(data));
    Release(*program);
  };
  napi_value external;
  Check(napi_create_external(env, program.get(), finalize, nullptr, &external), "a program");
  program.release();
  Check(napi_type_tag_object(env, external, &kProgramTag), "a program");
  return external;
}

napi_value Dispose(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Release(ToProgram(env, arguments[0]));
  return nullptr;
}

napi_value MemoryInfo(napi_env env, napi_callback_info) {
  const EngineMemory memory = Memory();
  const napi_value object = NewObject(env);
  Set(env, object, "arena", Number(env, static_cast<double>(memory.arena)));
  Set(env, object, "packed", Number(env, static_cast<double>(memory.packed)));
  return object;
}

napi_value EngineInfoObject(napi_env env, napi_callback_info) {
  const EngineInfo info = Info();
  const napi_value object = NewObject(env);
  Set(env, object, "kernels", Text(env, info.kernels->name));
  Set(env, object, "usable", List(env, info.usable, [env](const Kernels *kernels) { return Text(env, kernels->name); }));
  Set(env, object, "bfloat16", Boolean(env, info.kernels->bfloat16));
  Set(env, object, "threads", Number(env, info.threads));
  return object;
}

napi_value SetThreadCount(napi_env env, napi_callback_info info) {
  const int32_t count = ToInt32(env, Arguments<1>(env, info)[0], "the number of threads");
  if (count < 1 || count > 1024) Fail("the number of threads: expected 1 to 1024, found " + std::to_string(count));
  SetThreads(count);
  return nullptr;
}

napi_value ChooseKernels(napi_env env, napi_callback_info info) {
  SetKernels(ToText(env, Arguments<1>(env, info)[0], "a name"));
  return nullptr;
}

napi_value AlignedBuffer(napi_env env, napi_callback_info info) {
  const int64_t bytes = ToInt(env, Arguments<1>(env, info)[0], "a number of bytes");
  if (bytes < 0) Fail("a number of bytes: expected none or more, found " + std::to_string(bytes));
  const size_t size = static_cast<size_t>(bytes);
  void *const data = AllocatePages(size);
  if (data == nullptr) throw OutOfMemory(size);
  const auto finalize = [](napi_env, void *data, void *size) { FreePages(data, reinterpret_cast<size_t>(size)); };
  napi_value buffer;
  if (napi_create_external_arraybuffer(env, data, size, finalize, reinterpret_cast<void *>(size), &buffer) != napi_ok) {
    FreePages(data, size);
    Fail("this JavaScript takes no memory from outside");
  }
  return buffer;
}

// The engine's threads sleep in this library: it stays, even if the thread of JavaScript that has loaded it ends.
void StayLoaded() {
  Dl_info self;
  if (dladdr(reinterpret_cast<void *>(&StayLoaded), &self) != 0) dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

napi_value Init(napi_env env, napi_value exports) {
  StayLoaded();
  const auto release = [](napi_env, void *data, void *) {
    const std::unique_ptr<Instance> instance(static_cast<Instance *>(data));
    ForgetRuns(*instance);
  };
  Check(napi_set_instance_data(env, new Instance, release, nullptr), "this thread");
  const napi_property_descriptor methods[] = {
      Method("attach", Guarded<Attach>),
      Method("create", Guarded<Create>),
      Method("run", Guarded<RunNow>),
      Method("start", Guarded<Start>),
      Method("finish", Guarded<Finish>),
      Method("profile", Guarded<Profile>),
      Method("dispose", Guarded<Dispose>),
      Method("memory", Guarded<MemoryInfo>),
      Method("info", Guarded<EngineInfoObject>),
      Method("setThreads", Guarded<SetThreadCount>),
      Method("setKernels", Guarded<ChooseKernels>),
      Method("alignedBuffer", Guarded<AlignedBuffer>),
  };
  Check(napi_define_properties(env, exports, sizeof methods / sizeof *methods, methods), "the exports");
  Set(env, exports, "tables", Tables(env));
  Set(env, exports, "ShapeGraph", ShapeGraphClass(env));
  return exports;
}

}  // namespace
}  // namespace siglip

NAPI_MODULE_INIT() {
  try {
    return siglip::Init(env, exports);
  } catch (const std::exception &error) {
    napi_throw_error(env, nullptr, error.what());
    return nullptr;
  }
}
