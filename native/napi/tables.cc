#include "napi/tables.h"

#include <iterator>
#include <vector>

#include "napi/values.h"
#include "program/ops.h"

namespace siglip {
namespace {

template <size_t kCount>
napi_value Names(napi_env env, const char *const (&names)[kCount]) {
  const std::vector<const char *> list(std::begin(names), std::end(names));
  return List(env, list, [env](const char *name) { return Text(env, name); });
}

}  // namespace

napi_value Tables(napi_env env) {
  const napi_value limits = NewObject(env);
#define SIGLIP_LIMIT(name, text, value) Set(env, limits, text, Number(env, value));
#include "program/ops.def"
  const napi_value tables = NewObject(env);
  Set(env, tables, "limits", limits);
  Set(env, tables, "dtypes", Names(env, kDTypes));
  Set(env, tables, "buffers", Names(env, kBufferKinds));
  Set(env, tables, "steps", Names(env, kStepKinds));
  Set(env, tables, "activations", Names(env, kActivations));
  Set(env, tables, "operations", Names(env, kElementwiseOps));
  Set(env, tables, "attributes", Names(env, kAttributeKinds));
  return tables;
}

}  // namespace siglip
