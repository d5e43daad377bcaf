#include "napi/instance.h"

#include "napi/values.h"
#include "program/engine.h"

namespace siglip {

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

ProgramReference &ToProgram(napi_env env, napi_value value) {
  return *static_cast<ProgramReference *>(Untagged(env, value, kProgramTag, "a program of the engine"));
}

void Release(ProgramReference &program) {
  if (program == nullptr) return;
  program.reset();
  Trim();
}

}  // namespace siglip
