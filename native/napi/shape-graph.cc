#include "napi/shape-graph.h"

#include <memory>
#include <string>
#include <vector>

#include "napi/guarded.h"
#include "napi/values.h"
#include "tensorflow/shape-graph.h"

namespace siglip {
namespace {

void Delete(napi_env, void *graph, void *) { delete static_cast<ShapeGraph *>(graph); }

napi_value New(napi_env env, napi_callback_info info) {
  napi_value self;
  if (napi_get_cb_info(env, info, nullptr, nullptr, &self, nullptr) != napi_ok) return nullptr;
  auto graph = std::make_unique<ShapeGraph>();
  if (napi_wrap(env, self, graph.get(), Delete, nullptr, nullptr) == napi_ok) graph.release();
  return self;
}

struct GraphCall {
  napi_value values[4];
  ShapeGraph *graph;
  GraphCall(napi_env env, napi_callback_info info) {
    size_t count = 4;
    napi_value self;
    void *wrapped;
    Check(napi_get_cb_info(env, info, &count, values, &self, nullptr), "a call");
    if (napi_unwrap(env, self, &wrapped) != napi_ok) Fail("ShapeGraph: it is disposed");
    graph = static_cast<ShapeGraph *>(wrapped);
  }
};

TF_DataType ToType(napi_env env, napi_value value) { return static_cast<TF_DataType>(ToInt(env, value, "dtype")); }

napi_value Input(napi_env env, napi_callback_info info) {
  const GraphCall call(env, info);
  const std::vector<int64_t> shape = ToInts(env, call.values[1], "shape");
  return Number(env, static_cast<double>(call.graph->Input(ToType(env, call.values[0]), shape)));
}

napi_value Constant(napi_env env, napi_callback_info info) {
  const GraphCall call(env, info);
  const TypedArray values = ToTypedArray(env, call.values[2], "values");
  const bool four = values.type == napi_float32_array || values.type == napi_int32_array;
  const size_t width = values.type == napi_uint8_array ? 1 : four ? 4 : 0;
  if (width == 0) Fail("ShapeGraph: bad values");
  const std::vector<int64_t> shape = ToInts(env, call.values[1], "shape");
  const int64_t id = call.graph->Constant(ToType(env, call.values[0]), shape, values.data, values.length * width);
  return Number(env, static_cast<double>(id));
}

GraphAttribute ToAttribute(napi_env env, napi_value object) {
  GraphAttribute attribute;
  attribute.name = ToText(env, Property(env, object, "name"), "name");
  attribute.type = static_cast<TF_AttrType>(ToInt(env, Property(env, object, "type"), "type"));
  const char *const what = attribute.name.c_str();
  const napi_value value = Property(env, object, "value");
  Check(napi_is_array(env, value, &attribute.is_list), "attribute");
  if (attribute.type == TF_ATTR_STRING) {
    attribute.text = ToText(env, value, what);
  } else if (attribute.type == TF_ATTR_FLOAT) {
    Check(napi_get_value_double(env, value, &attribute.number), what);
  } else if (attribute.type == TF_ATTR_BOOL) {
    bool flag;
    Check(napi_get_value_bool(env, value, &flag), what);
    attribute.ints = {flag ? 1 : 0};
  } else if (attribute.type == TF_ATTR_INT && attribute.is_list) {
    attribute.ints = ToInts(env, value, what);
  } else if (attribute.type == TF_ATTR_INT || attribute.type == TF_ATTR_TYPE) {
    attribute.ints = {ToInt(env, value, what)};
  }
  return attribute;
}

napi_value Operation(napi_env env, napi_callback_info info) {
  const GraphCall call(env, info);
  std::vector<GraphAttribute> attributes;
  for (const napi_value attribute : Elements(env, call.values[1], "attributes")) attributes.push_back(ToAttribute(env, attribute));
  const std::vector<ShapeGraph::Result> results = call.graph->Operation(
      ToText(env, call.values[0], "op"), attributes, ToInts(env, call.values[2], "inputs"), ToInt(env, call.values[3], "outputs"));
  return List(env, results, [env](const ShapeGraph::Result &result) {
    const napi_value object = NewObject(env);
    Set(env, object, "id", Number(env, static_cast<double>(result.id)));
    Set(env, object, "shape", ShapeList(env, result.shape));
    Set(env, object, "dtype", Number(env, result.dtype));
    return object;
  });
}

napi_value Dispose(napi_env env, napi_callback_info info) {
  napi_value self;
  void *graph;
  if (napi_get_cb_info(env, info, nullptr, nullptr, &self, nullptr) != napi_ok) return nullptr;
  if (napi_remove_wrap(env, self, &graph) == napi_ok) Delete(env, graph, nullptr);
  return nullptr;
}

}  // namespace

napi_value ShapeGraphClass(napi_env env) {
  const napi_property_descriptor methods[] = {
      Method("input", Guarded<Input>),
      Method("constant", Guarded<Constant>),
      Method("operation", Guarded<Operation>),
      Method("dispose", Dispose),
  };
  napi_value made;
  Check(napi_define_class(env, "ShapeGraph", NAPI_AUTO_LENGTH, New, nullptr, sizeof methods / sizeof *methods, methods, &made),
        "ShapeGraph");
  return made;
}

}  // namespace siglip
