// tfjs-node's addon as its makers wrote it, and one thing more in its exports: `tensorHandles`.
#include <node_api.h>

#undef NAPI_MODULE
#define NAPI_MODULE(name, init)  // below

#include "tfjs_backend.cc"
#include "tfjs_binding.cc"

#include "tensorflow/tensor-handles.h"

namespace siglip {
namespace {

using tfnodejs::TFJSBackend;

// C++ lets an explicit instantiation name what is private: so the makers' files stay as they are.
template <typename Tag, typename Tag::Member member>
struct Reveal {
  friend typename Tag::Member Private(Tag) { return member; }
};
struct HandleMap {
  using Member = std::unordered_map<int32_t, TFE_TensorHandle *> TFJSBackend::*;
  friend Member Private(HandleMap);
};
struct InsertHandle {
  using Member = int32_t (TFJSBackend::*)(TFE_TensorHandle *);
  friend Member Private(InsertHandle);
};
template struct Reveal<HandleMap, &TFJSBackend::tfe_handle_map_>;
template struct Reveal<InsertHandle, &TFJSBackend::InsertHandle>;

TFE_TensorHandle *Find(void *backend, int32_t id) {
  const auto &handles = static_cast<TFJSBackend *>(backend)->*Private(HandleMap());
  const auto found = handles.find(id);
  return found == handles.end() ? nullptr : found->second;
}

int32_t Insert(void *backend, TFE_TensorHandle *handle) {
  return (static_cast<TFJSBackend *>(backend)->*Private(InsertHandle()))(handle);
}

TFE_TensorHandle *Take(void *backend, int32_t id) {
  auto &handles = static_cast<TFJSBackend *>(backend)->*Private(HandleMap());
  const auto found = handles.find(id);
  if (found == handles.end()) return nullptr;
  TFE_TensorHandle *const handle = found->second;
  handles.erase(found);
  return handle;
}

void Put(void *backend, int32_t id, TFE_TensorHandle *handle) {
  (static_cast<TFJSBackend *>(backend)->*Private(HandleMap()))[id] = handle;
}

napi_value Init(napi_env env, napi_value exports) {
  exports = tfnodejs::InitTFNodeJSBinding(env, exports);
  void *backend = nullptr;
  if (exports == nullptr || napi_get_instance_data(env, &backend) != napi_ok || backend == nullptr) return exports;
  TensorHandles *const handles = new TensorHandles{backend, Find, Insert, Take, Put};
  napi_value external;
  const auto release = [](napi_env, void *data, void *) { delete static_cast<TensorHandles *>(data); };
  if (napi_create_external(env, handles, release, nullptr, &external) != napi_ok) {
    delete handles;
  } else if (napi_type_tag_object(env, external, &kTensorHandlesTag) == napi_ok) {
    napi_set_named_property(env, exports, "tensorHandles", external);
  }
  return exports;
}

}  // namespace
}  // namespace siglip

NAPI_MODULE_INIT() { return siglip::Init(env, exports); }
