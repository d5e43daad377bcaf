// The engine's face to JavaScript (src/runtime/jit/engine-addon.ts describes it):
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
//   encoding                                    version of the programs it reads
// and `ShapeGraph`. What the caller's values do wrong is a RangeError, all else an Error. Arguments and captures are tfjs-node's numbers of tensors.
#include <dlfcn.h>
#include <node_api.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "program/engine.h"
#include "program/errors.h"
#include "program/memory.h"
#include <tensorflow/c/eager/c_api.h>
#include "tensorflow/shape-graph.h"
#include "tensorflow/tensor-handles.h"

namespace siglip {
namespace {

void Check(napi_status status, const char *what) {
  if (status != napi_ok) Fail(std::string(what) + " is not what the engine takes");
}

struct AsyncRun;

// What one thread of JavaScript has of its own.
struct Instance {
  napi_ref handles_reference = nullptr;  // keeps them
  const TensorHandles *handles = nullptr;
  std::deque<std::shared_ptr<AsyncRun>> queue;
};

Instance &TheInstance(napi_env env) {
  void *instance = nullptr;
  Check(napi_get_instance_data(env, &instance), "this thread");
  return *static_cast<Instance *>(instance);
}

const TensorHandles &Handles(napi_env env) {
  const TensorHandles *const handles = TheInstance(env).handles;
  if (handles == nullptr) Fail("the engine is not attached to a backend");
  return *handles;
}

struct Status {
  TF_Status *const status = TF_NewStatus();
  ~Status() { TF_DeleteStatus(status); }
  void Check() const {
    if (TF_GetCode(status) != TF_OK) Fail(TF_Message(status));
  }
};

template <size_t count>
struct Arguments {
  napi_value values[count];
  Arguments(napi_env env, napi_callback_info info) {
    size_t found = count;
    Check(napi_get_cb_info(env, info, &found, values, nullptr, nullptr), "a call");
    if (found < count) Fail("an argument is missing");
  }
  napi_value operator[](size_t index) const { return values[index]; }
};

napi_value Number(napi_env env, double number);
napi_value Text(napi_env env, const char *text);
void Set(napi_env env, napi_value object, const char *name, napi_value value);

// What C++'s exceptions say, as JavaScript's: a RangeError for the caller's values, ERR_MEMORY as the code where memory runs out.
napi_value ErrorOf(napi_env env, const std::exception &error) {
  const bool is_range = dynamic_cast<const std::out_of_range *>(&error) != nullptr;
  const bool is_memory = dynamic_cast<const std::bad_alloc *>(&error) != nullptr;
  const napi_value message = Text(env, is_memory ? "there is not enough memory" : error.what());
  napi_value made;
  Check((is_range ? napi_create_range_error : napi_create_error)(env, is_memory ? Text(env, "ERR_MEMORY") : nullptr, message, &made), "an error");
  if (const auto *bad = dynamic_cast<const BadValue *>(&error)) {
    Set(env, made, "expected", Text(env, bad->expected().c_str()));
    Set(env, made, "position", Number(env, static_cast<double>(bad->position())));
    Set(env, made, "value", Number(env, bad->value()));
  }
  if (const auto *memory = dynamic_cast<const OutOfMemory *>(&error)) {
    Set(env, made, "bytes", Number(env, static_cast<double>(memory->bytes())));
    napi_value half_written;
    Check(napi_get_boolean(env, memory->half_written(), &half_written), "an error");
    Set(env, made, "halfWritten", half_written);
  }
  return made;
}

// JavaScript's exceptions carry what C++'s say.
template <napi_value (*function)(napi_env, napi_callback_info)>
napi_value Guarded(napi_env env, napi_callback_info info) {
  try {
    return function(env, info);
  } catch (const std::exception &error) {
    bool pending = false;
    if (napi_is_exception_pending(env, &pending) == napi_ok && pending) return nullptr;
    try {
      napi_throw(env, ErrorOf(env, error));
    } catch (const std::exception &) {
      napi_throw_error(env, nullptr, "the engine failed");
    }
  }
  return nullptr;
}

std::vector<napi_value> Elements(napi_env env, napi_value array, const char *what) {
  uint32_t length;
  Check(napi_get_array_length(env, array, &length), what);
  std::vector<napi_value> elements(length);
  for (uint32_t i = 0; i < length; ++i) Check(napi_get_element(env, array, i, &elements[i]), what);
  return elements;
}

std::string ToText(napi_env env, napi_value value) {
  size_t length;
  Check(napi_get_value_string_utf8(env, value, nullptr, 0, &length), "a text");
  std::string text(length, '\0');
  Check(napi_get_value_string_utf8(env, value, &text[0], length + 1, &length), "a text");
  return text;
}

napi_value Number(napi_env env, double number) {
  napi_value value;
  Check(napi_create_double(env, number, &value), "a number");
  return value;
}

napi_value Text(napi_env env, const char *text) {
  napi_value value;
  Check(napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value), "a text");
  return value;
}

template <typename Item, typename Make>
napi_value List(napi_env env, const std::vector<Item> &items, const Make &make) {
  napi_value list;
  Check(napi_create_array_with_length(env, items.size(), &list), "a list");
  for (size_t i = 0; i < items.size(); ++i) {
    Check(napi_set_element(env, list, static_cast<uint32_t>(i), make(items[i])), "a list");
  }
  return list;
}

void Set(napi_env env, napi_value object, const char *name, napi_value value) {
  Check(napi_set_named_property(env, object, name, value), name);
}

napi_value NewObject(napi_env env) {
  napi_value object;
  Check(napi_create_object(env, &object), "an object");
  return object;
}

using ProgramReference = std::shared_ptr<Program>;
constexpr napi_type_tag kProgramTag = {0x7369676c69702d74, 0x70726f6772616d31};

ProgramReference &ToProgram(napi_env env, napi_value value) {
  bool right = false;
  void *data = nullptr;
  Check(napi_check_object_type_tag(env, value, &kProgramTag, &right), "a program");
  if (!right) Fail("this is no program of the engine");
  Check(napi_get_value_external(env, value, &data), "a program");
  return *static_cast<ProgramReference *>(data);
}

void Release(ProgramReference &program) {
  if (program == nullptr) return;
  program.reset();
  Trim();
}

napi_value Attach(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Instance &instance = TheInstance(env);
  if (instance.handles != nullptr) return nullptr;
  void *handles = nullptr;
  int32_t threads;
  bool right = false;
  Check(napi_check_object_type_tag(env, arguments[0], &kTensorHandlesTag, &right), "the backend's handles");
  if (!right) Fail("these are not the handles of a backend");
  Check(napi_get_value_external(env, arguments[0], &handles), "the backend's handles");
  Check(napi_get_value_int32(env, arguments[1], &threads), "the number of threads");
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
  napi_typedarray_type type;
  void *words = nullptr;
  Check(napi_get_typedarray_info(env, arguments[0], &type, &source.word_count, &words, nullptr, nullptr), "a program's words");
  if (type != napi_float64_array) Fail("a program's words are no Float64Array");
  source.words = static_cast<const double *>(words);
  for (napi_value constant : Elements(env, arguments[1], "the constants")) {
    size_t length;
    void *data = nullptr;
    Check(napi_get_typedarray_info(env, constant, &type, &length, &data, nullptr, nullptr), "a constant");
    const DType dtype = ConstantType(type);
    source.constants.push_back({dtype, data, length * SizeOf(dtype)});
  }
  for (napi_value text : Elements(env, arguments[2], "the texts")) source.texts.push_back(ToText(env, text));

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

TF_Tensor *Resolve(TFE_TensorHandle *handle) {
  const Status status;
  TF_Tensor *const tensor = TFE_TensorHandleResolve(handle, status.status);
  status.Check();
  return tensor;
}

std::vector<int32_t> ToNumbers(napi_env env, napi_value values, const char *what) {
  std::vector<int32_t> numbers;
  for (napi_value value : Elements(env, values, what)) {
    numbers.push_back(0);
    Check(napi_get_value_int32(env, value, &numbers.back()), what);
  }
  return numbers;
}

std::vector<std::shared_ptr<TF_Tensor>> ToTensors(const TensorHandles &handles, const std::vector<int32_t> &ids,
                                                  const char *what) {
  std::vector<std::shared_ptr<TF_Tensor>> tensors;
  for (const int32_t id : ids) {
    TFE_TensorHandle *const handle = handles.find(handles.backend, id);
    if (handle == nullptr) Fail(std::string(what) + ": there is no tensor " + std::to_string(id));
    tensors.emplace_back(Resolve(handle), TF_DeleteTensor);
  }
  return tensors;
}

std::vector<int64_t> ShapeOf(const TF_Tensor *tensor) {
  std::vector<int64_t> shape;
  for (int d = 0; d < TF_NumDims(tensor); ++d) shape.push_back(TF_Dim(tensor, d));
  return shape;
}

std::shared_ptr<TF_Tensor> CopyOf(TF_Tensor *tensor) {
  const size_t bytes = TF_TensorByteSize(tensor);
  std::shared_ptr<TF_Tensor> copy = AllocateTensor(TF_TensorType(tensor), ShapeOf(tensor), bytes);
  if (bytes > 0) std::memcpy(TF_TensorData(copy.get()), TF_TensorData(tensor), bytes);
  return copy;
}

// A run that JavaScript asks for. Made and destroyed on its thread.
struct Call {
  Execution execution;
  size_t copied_bytes = 0;  // of captures whose memory somebody else has, too

  explicit Call(const TensorHandles &handles) : handles_(handles) {}
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;
  ~Call() {
    for (const auto &taken : taken_) GiveBack(taken.first, execution.captures[taken.second].get());
  }

  // A capture gets memory that nobody else has: its own, if the handle under its number was the only other one who had that, else a copy.
  void Own(int32_t id, size_t place) {
    TFE_TensorHandle *const handle = handles_.find(handles_.backend, id);
    if (handle == nullptr) Fail("capture " + std::to_string(place) + " is there twice");
    TF_Tensor *const tensor = Resolve(handle);
    TFE_DeleteTensorHandle(handles_.take(handles_.backend, id));
    std::shared_ptr<TF_Tensor> &capture = execution.captures[place];
    capture.reset();
    TF_Tensor *const moved = TF_TensorMaybeMove(tensor);
    capture = {moved != nullptr ? moved : tensor, TF_DeleteTensor};
    taken_.emplace_back(id, place);
    if (moved == nullptr) {
      copied_bytes += TF_TensorByteSize(tensor);
      capture = CopyOf(tensor);
    }
    execution.owned[place] = true;
  }

  // JavaScript ends: there is nobody to give it back to.
  void Forget() { taken_.clear(); }

 private:
  void GiveBack(int32_t id, TF_Tensor *tensor) {
    const Status status;
    TFE_TensorHandle *const handle = TFE_NewTensorHandle(tensor, status.status);
    if (handle != nullptr) handles_.put(handles_.backend, id, handle);
  }

  const TensorHandles &handles_;
  std::vector<std::pair<int32_t, size_t>> taken_;  // numbers of tensors, places of captures
};

constexpr size_t kWorthCollecting = size_t{64} << 20;

// What was copied may lie in JavaScript's memory, as weights do that were read, and be garbage now. JavaScript doesn't see that it is
// much: told of still more, it collects at once.
void CollectGarbage(napi_env env) {
  constexpr int64_t kVeryMuch = int64_t{1} << 40;
  int64_t now;
  napi_adjust_external_memory(env, kVeryMuch, &now);
  napi_adjust_external_memory(env, -kVeryMuch, &now);
}

std::unique_ptr<Call> ToCall(napi_env env, napi_callback_info info, bool at_once) {
  const Arguments<4> arguments(env, info);
  const TensorHandles &handles = Handles(env);
  auto call = std::make_unique<Call>(handles);
  Execution &execution = call->execution;
  execution.program = ToProgram(env, arguments[0]);
  if (execution.program == nullptr) Fail("the program was disposed of");
  execution.arguments = ToTensors(handles, ToNumbers(env, arguments[1], "the arguments"), "the arguments");
  const std::vector<int32_t> captures = ToNumbers(env, arguments[2], "the captures");
  execution.captures = ToTensors(handles, captures, "the captures");
  execution.owned.assign(captures.size(), false);
  CheckTensors(execution);
  const std::vector<int32_t> replaced = ToNumbers(env, arguments[3], "what is replaced");
  execution.in_place = at_once || !replaced.empty();
  for (const int32_t place : replaced) {
    if (place < 0 || static_cast<size_t>(place) >= captures.size()) Fail("there is no capture " + std::to_string(place));
    call->Own(captures[static_cast<size_t>(place)], static_cast<size_t>(place));
  }
  if (call->copied_bytes >= kWorthCollecting) CollectGarbage(env);
  return call;
}

// As tfjs-node's addon describes the results of an operation.
napi_value Describe(napi_env env, TF_Tensor *tensor) {
  const TensorHandles &handles = Handles(env);
  const Status status;
  TFE_TensorHandle *const handle = TFE_NewTensorHandle(tensor, status.status);
  status.Check();
  const napi_value described = NewObject(env);
  Set(env, described, "id", Number(env, handles.insert(handles.backend, handle)));
  Set(env, described, "dtype", Number(env, TF_TensorType(tensor)));
  Set(env, described, "shape", List(env, ShapeOf(tensor), [env](int64_t size) { return Number(env, static_cast<double>(size)); }));
  return described;
}

napi_value Null(napi_env env) {
  napi_value null;
  Check(napi_get_null(env, &null), "null");
  return null;
}

napi_value Results(napi_env env, const Execution &execution) {
  return List(env, execution.results, [env](const std::shared_ptr<TF_Tensor> &tensor) {
    return tensor == nullptr ? Null(env) : Describe(env, tensor.get());
  });
}

napi_value RunNow(napi_env env, napi_callback_info info) {
  const std::unique_ptr<Call> call = ToCall(env, info, true);
  Run(call->execution);
  return Results(env, call->execution);
}

napi_value Profile(napi_env env, napi_callback_info info) {
  const std::unique_ptr<Call> call = ToCall(env, info, false);
  std::vector<double> milliseconds;
  call->execution.milliseconds = &milliseconds;
  Run(call->execution);
  return List(env, milliseconds, [env](double time) { return Number(env, time); });
}

// Runs of one thread of JavaScript wait here, not in libuv's few threads, which others need. One that JavaScript wants the results of at
// once doesn't wait for its turn: runs of one thread never read what another one of them writes.
struct AsyncRun {
  std::unique_ptr<Call> call;  // until it is finished
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;

  // Whichever thread comes first runs it; returns once it has run.
  void Perform() {
    std::unique_lock<std::mutex> lock(mutex);
    if (state == kWaiting) {
      state = kRunning;
      lock.unlock();
      try {
        Run(call->execution);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      state = kDone;
      done.notify_all();
    }
    done.wait(lock, [this] { return state == kDone; });
  }

  napi_value Finish(napi_env env) {
    if (call == nullptr) Fail("a run is finished twice");
    Perform();
    const std::unique_ptr<Call> own = std::move(call);
    const struct Released {
      ProgramReference &program;
      ~Released() { Release(program); }
    } released{own->execution.program};
    if (error != nullptr) std::rethrow_exception(error);
    return Results(env, own->execution);
  }

  void Forget() {
    if (call != nullptr) call->Forget();
  }

  static void Execute(napi_env, void *data) { static_cast<AsyncRun *>(data)->Perform(); }

  static void Complete(napi_env env, napi_status status, void *) {
    std::deque<std::shared_ptr<AsyncRun>> &queue = TheInstance(env).queue;
    const std::shared_ptr<AsyncRun> run = std::move(queue.front());
    queue.pop_front();
    napi_delete_async_work(env, run->work);
    if (status == napi_cancelled) {
      run->Forget();
      return;
    }
    if (!queue.empty()) napi_queue_async_work(env, queue.front()->work);
    napi_value nothing = nullptr;
    napi_get_undefined(env, &nothing);
    napi_resolve_deferred(env, run->deferred, nothing);
  }

 private:
  std::mutex mutex;
  std::condition_variable done;
  enum { kWaiting, kRunning, kDone } state = kWaiting;
  std::exception_ptr error;
};

constexpr napi_type_tag kRunTag = {0x7369676c69702d74, 0x72756e2d6173796e};

napi_value Start(napi_env env, napi_callback_info info) {
  auto run = std::make_shared<AsyncRun>();
  run->call = ToCall(env, info, false);
  const napi_value started = NewObject(env);
  napi_value promise, external;
  Check(napi_create_async_work(env, nullptr, Text(env, "siglip"), AsyncRun::Execute, AsyncRun::Complete, run.get(), &run->work), "a run");
  Check(napi_create_promise(env, &run->deferred, &promise), "a promise");
  // What is not finished is left over when JavaScript ends.
  const auto finalize = [](napi_env, void *data, void *) {
    const std::unique_ptr<std::shared_ptr<AsyncRun>> run(static_cast<std::shared_ptr<AsyncRun> *>(data));
    (*run)->Forget();
  };
  auto reference = std::make_unique<std::shared_ptr<AsyncRun>>(run);
  Check(napi_create_external(env, reference.get(), finalize, nullptr, &external), "a run");
  reference.release();
  Check(napi_type_tag_object(env, external, &kRunTag), "a run");
  Set(env, started, "run", external);
  Set(env, started, "ended", promise);
  std::deque<std::shared_ptr<AsyncRun>> &queue = TheInstance(env).queue;
  queue.push_back(std::move(run));
  if (queue.size() == 1) Check(napi_queue_async_work(env, queue.front()->work), "a run");
  return started;
}

napi_value Finish(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  bool right = false;
  void *data = nullptr;
  Check(napi_check_object_type_tag(env, arguments[0], &kRunTag, &right), "a run");
  if (!right) Fail("this is no run of the engine");
  Check(napi_get_value_external(env, arguments[0], &data), "a run");
  return (*static_cast<std::shared_ptr<AsyncRun> *>(data))->Finish(env);
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
  napi_value bfloat16;
  Check(napi_get_boolean(env, info.kernels->bfloat16, &bfloat16), "bfloat16");
  Set(env, object, "kernels", Text(env, info.kernels->name));
  Set(env, object, "usable", List(env, info.usable, [env](const Kernels *kernels) { return Text(env, kernels->name); }));
  Set(env, object, "bfloat16", bfloat16);
  Set(env, object, "threads", Number(env, info.threads));
  return object;
}

napi_value SetThreadCount(napi_env env, napi_callback_info info) {
  int32_t count;
  Check(napi_get_value_int32(env, Arguments<1>(env, info)[0], &count), "the number of threads");
  if (count < 1 || count > 1024) Fail("the number of threads: expected 1 to 1024, found " + std::to_string(count));
  SetThreads(count);
  return nullptr;
}

napi_value ChooseKernels(napi_env env, napi_callback_info info) {
  SetKernels(ToText(env, Arguments<1>(env, info)[0]));
  return nullptr;
}

napi_value AlignedBuffer(napi_env env, napi_callback_info info) {
  int64_t bytes;
  Check(napi_get_value_int64(env, Arguments<1>(env, info)[0], &bytes), "a number of bytes");
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
    for (const std::shared_ptr<AsyncRun> &run : instance->queue) run->Forget();
  };
  Check(napi_set_instance_data(env, new Instance, release, nullptr), "this thread");
  const auto method = [](const char *name, napi_callback call) {
    return napi_property_descriptor{name, nullptr, call, nullptr, nullptr, nullptr, napi_default, nullptr};
  };
  const napi_property_descriptor methods[] = {
      method("attach", Guarded<Attach>),         method("create", Guarded<Create>),
      method("run", Guarded<RunNow>),            method("start", Guarded<Start>),
      method("profile", Guarded<Profile>),       method("dispose", Guarded<Dispose>),
      method("memory", Guarded<MemoryInfo>),     method("info", Guarded<EngineInfoObject>),
      method("setThreads", Guarded<SetThreadCount>), method("setKernels", Guarded<ChooseKernels>),
      method("alignedBuffer", Guarded<AlignedBuffer>), method("finish", Guarded<Finish>),
  };
  Check(napi_define_properties(env, exports, sizeof methods / sizeof *methods, methods), "the exports");
  Set(env, exports, "encoding", Number(env, kEncodingVersion));
  if (!ExportShapeGraph(env, exports)) return nullptr;
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
