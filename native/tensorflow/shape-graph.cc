#include "tensorflow/shape-graph.h"

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <tensorflow/c/c_api.h>

namespace siglip {
namespace {

// What goes wrong inside is thrown as a std::runtime_error, and once more as JavaScript's at the border (`Call`).
[[noreturn]] void Fail(const std::string &message) { throw std::runtime_error(message); }

void Check(napi_status status, const char *what) {
  if (status != napi_ok) Fail(std::string("ShapeGraph: bad ") + what);
}

struct Status {
  TF_Status *status = TF_NewStatus();
  ~Status() { TF_DeleteStatus(status); }
  void Check() const {
    if (TF_GetCode(status) != TF_OK) Fail(TF_Message(status));
  }
};

int64_t ToInt(napi_env env, napi_value value, const char *what) {
  int64_t number;
  Check(napi_get_value_int64(env, value, &number), what);
  return number;
}

std::vector<napi_value> ToList(napi_env env, napi_value array, const char *what) {
  uint32_t length;
  Check(napi_get_array_length(env, array, &length), what);
  std::vector<napi_value> list(length);
  for (uint32_t i = 0; i < length; ++i) Check(napi_get_element(env, array, i, &list[i]), what);
  return list;
}

std::vector<int64_t> ToInts(napi_env env, napi_value array, const char *what) {
  std::vector<int64_t> ints;
  for (napi_value element : ToList(env, array, what)) ints.push_back(ToInt(env, element, what));
  return ints;
}

std::string ToString(napi_env env, napi_value value, const char *what) {
  size_t length;
  Check(napi_get_value_string_utf8(env, value, nullptr, 0, &length), what);
  std::string text(length, '\0');
  Check(napi_get_value_string_utf8(env, value, &text[0], length + 1, &length), what);
  return text;
}

napi_value Property(napi_env env, napi_value object, const char *name) {
  napi_value value;
  Check(napi_get_named_property(env, object, name, &value), name);
  return value;
}

napi_value Number(napi_env env, int64_t number) {
  napi_value value;
  Check(napi_create_int64(env, number, &value), "number");
  return value;
}

class ShapeGraph {
 public:
  ~ShapeGraph() { TF_DeleteGraph(graph_); }

  int64_t Input(TF_DataType dtype, const std::vector<int64_t> &shape) {
    TF_OperationDescription *description = New("Placeholder");
    TF_SetAttrType(description, "dtype", dtype);
    TF_SetAttrShape(description, "shape", shape.data(), static_cast<int>(shape.size()));
    return Finish(description);
  }

  int64_t Constant(TF_DataType dtype, const std::vector<int64_t> &shape, const void *values, size_t bytes) {
    size_t expected = TF_DataTypeSize(dtype);
    for (int64_t size : shape) expected *= static_cast<size_t>(size);
    if (expected == 0 && bytes != 0) Fail("ShapeGraph: bad dtype");
    if (expected != bytes) Fail("ShapeGraph: the values don't fill the shape");
    std::unique_ptr<TF_Tensor, decltype(&TF_DeleteTensor)> tensor(
        TF_AllocateTensor(dtype, shape.data(), static_cast<int>(shape.size()), bytes), TF_DeleteTensor);
    if (bytes > 0) std::memcpy(TF_TensorData(tensor.get()), values, bytes);
    TF_OperationDescription *description = New("Const");
    TF_SetAttrType(description, "dtype", dtype);
    Status status;
    TF_SetAttrTensor(description, "value", tensor.get(), status.status);
    return Finish(description);
  }

  // A description cannot be given up: it is always finished, and what was wrong with it is said then.
  napi_value Operation(napi_env env, const std::string &op, const std::vector<napi_value> &attributes,
                       const std::vector<int64_t> &inputs, int64_t outputs) {
    std::vector<TF_Output> from;
    for (int64_t input : inputs) from.push_back(At(input));
    // The only lists of inputs that operations of tfjs have come first, and as many as their attribute N says.
    size_t listed = 0;
    for (napi_value attribute : attributes) {
      if (ToString(env, Property(env, attribute, "name"), "name") == "N") {
        listed = static_cast<size_t>(ToInt(env, Property(env, attribute, "value"), "N"));
      }
    }
    if (listed > from.size()) Fail("ShapeGraph: " + op + " has fewer inputs than its attribute N says");
    TF_OperationDescription *description = New(op.c_str());
    if (listed > 0) TF_AddInputList(description, from.data(), static_cast<int>(listed));
    for (size_t i = listed; i < from.size(); ++i) TF_AddInput(description, from[i]);
    std::string bad;
    for (napi_value attribute : attributes) {
      try {
        Set(env, description, attribute);
      } catch (const std::runtime_error &error) {
        bad = error.what();
      }
    }
    const int64_t first = Finish(description);
    if (!bad.empty()) Fail(bad);
    const int64_t count = static_cast<int64_t>(outputs_.size()) - first;
    if (count < outputs) Fail("ShapeGraph: " + op + " has fewer results than asked for");
    napi_value results;
    Check(napi_create_array_with_length(env, static_cast<size_t>(outputs), &results), "results");
    for (int64_t i = 0; i < outputs; ++i) {
      Check(napi_set_element(env, results, static_cast<uint32_t>(i), Describe(env, first + i)), "results");
    }
    return results;
  }

 private:
  TF_OperationDescription *New(const char *op) {
    return TF_NewOperation(graph_, op, ("n" + std::to_string(operations_++)).c_str());
  }

  // The number of its first result.
  int64_t Finish(TF_OperationDescription *description) {
    Status status;
    TF_Operation *operation = TF_FinishOperation(description, status.status);
    status.Check();
    const int64_t first = static_cast<int64_t>(outputs_.size());
    const int count = TF_OperationNumOutputs(operation);
    for (int i = 0; i < count; ++i) outputs_.push_back({operation, i});
    return first;
  }

  TF_Output At(int64_t id) const {
    if (id < 0 || id >= static_cast<int64_t>(outputs_.size())) Fail("ShapeGraph: no tensor " + std::to_string(id));
    return outputs_[static_cast<size_t>(id)];
  }

  napi_value Describe(napi_env env, int64_t id) const {
    const TF_Output output = At(id);
    Status status;
    const int rank = TF_GraphGetTensorNumDims(graph_, output, status.status);
    status.Check();
    std::vector<int64_t> shape(rank < 0 ? 1 : static_cast<size_t>(rank), -1);  // of unknown rank: one unknown size
    if (rank > 0) TF_GraphGetTensorShape(graph_, output, shape.data(), rank, status.status);
    status.Check();
    napi_value result, sizes;
    Check(napi_create_object(env, &result), "result");
    Check(napi_create_array_with_length(env, shape.size(), &sizes), "shape");
    for (size_t i = 0; i < shape.size(); ++i) {
      Check(napi_set_element(env, sizes, static_cast<uint32_t>(i), Number(env, shape[i])), "shape");
    }
    Check(napi_set_named_property(env, result, "id", Number(env, id)), "id");
    Check(napi_set_named_property(env, result, "shape", sizes), "shape");
    Check(napi_set_named_property(env, result, "dtype", Number(env, TF_OperationOutputType(output))), "dtype");
    return result;
  }

  static void Set(napi_env env, TF_OperationDescription *description, napi_value attribute) {
    const std::string name = ToString(env, Property(env, attribute, "name"), "name");
    const napi_value value = Property(env, attribute, "value");
    bool is_list = false;
    Check(napi_is_array(env, value, &is_list), "attribute");
    switch (ToInt(env, Property(env, attribute, "type"), "type")) {
      case TF_ATTR_STRING: {
        const std::string text = ToString(env, value, name.c_str());
        return TF_SetAttrString(description, name.c_str(), text.data(), text.size());
      }
      case TF_ATTR_INT: {
        if (!is_list) return TF_SetAttrInt(description, name.c_str(), ToInt(env, value, name.c_str()));
        const std::vector<int64_t> ints = ToInts(env, value, name.c_str());
        return TF_SetAttrIntList(description, name.c_str(), ints.data(), static_cast<int>(ints.size()));
      }
      case TF_ATTR_FLOAT: {
        double number;
        Check(napi_get_value_double(env, value, &number), name.c_str());
        return TF_SetAttrFloat(description, name.c_str(), static_cast<float>(number));
      }
      case TF_ATTR_BOOL: {
        bool flag;
        Check(napi_get_value_bool(env, value, &flag), name.c_str());
        return TF_SetAttrBool(description, name.c_str(), flag ? 1 : 0);
      }
      case TF_ATTR_TYPE:
        return TF_SetAttrType(description, name.c_str(), static_cast<TF_DataType>(ToInt(env, value, name.c_str())));
      default: Fail("ShapeGraph: the attribute " + name + " is of an unknown kind");
    }
  }

  TF_Graph *graph_ = TF_NewGraph();
  std::vector<TF_Output> outputs_;
  int64_t operations_ = 0;
};

struct Arguments {
  napi_env env;
  ShapeGraph &graph;
  napi_value values[4];
};

void Delete(napi_env, void *graph, void *) { delete static_cast<ShapeGraph *>(graph); }

napi_value New(napi_env env, napi_callback_info info) {
  napi_value self;
  if (napi_get_cb_info(env, info, nullptr, nullptr, &self, nullptr) != napi_ok) return nullptr;
  auto graph = std::make_unique<ShapeGraph>();
  if (napi_wrap(env, self, graph.get(), Delete, nullptr, nullptr) == napi_ok) graph.release();
  return self;
}

template <napi_value (*Method)(const Arguments &)>
napi_value Call(napi_env env, napi_callback_info info) {
  try {
    size_t count = 4;
    napi_value self, values[4];
    void *graph;
    Check(napi_get_cb_info(env, info, &count, values, &self, nullptr), "call");
    if (napi_unwrap(env, self, &graph) != napi_ok) Fail("ShapeGraph: it is disposed");
    return Method({env, *static_cast<ShapeGraph *>(graph), {values[0], values[1], values[2], values[3]}});
  } catch (const std::exception &error) {
    napi_throw_error(env, nullptr, error.what());
    return nullptr;
  }
}

napi_value Input(const Arguments &call) {
  const auto dtype = static_cast<TF_DataType>(ToInt(call.env, call.values[0], "dtype"));
  return Number(call.env, call.graph.Input(dtype, ToInts(call.env, call.values[1], "shape")));
}

napi_value Constant(const Arguments &call) {
  const auto dtype = static_cast<TF_DataType>(ToInt(call.env, call.values[0], "dtype"));
  napi_typedarray_type type;
  size_t length;
  void *data;
  Check(napi_get_typedarray_info(call.env, call.values[2], &type, &length, &data, nullptr, nullptr), "values");
  const size_t width = type == napi_uint8_array ? 1 : type == napi_float32_array || type == napi_int32_array ? 4 : 0;
  if (width == 0) Fail("ShapeGraph: bad values");
  const std::vector<int64_t> shape = ToInts(call.env, call.values[1], "shape");
  return Number(call.env, call.graph.Constant(dtype, shape, data, length * width));
}

napi_value Operation(const Arguments &call) {
  const auto &[env, graph, values] = call;
  return graph.Operation(env, ToString(env, values[0], "op"), ToList(env, values[1], "attributes"),
                         ToInts(env, values[2], "inputs"), ToInt(env, values[3], "outputs"));
}

napi_value Dispose(napi_env env, napi_callback_info info) {
  napi_value self;
  void *graph;
  if (napi_get_cb_info(env, info, nullptr, nullptr, &self, nullptr) != napi_ok) return nullptr;
  if (napi_remove_wrap(env, self, &graph) == napi_ok) Delete(env, graph, nullptr);
  return nullptr;
}

napi_property_descriptor Describe(const char *name, napi_callback method) {
  return {name, nullptr, method, nullptr, nullptr, nullptr, napi_default_method, nullptr};
}

}  // namespace

bool ExportShapeGraph(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
      Describe("input", Call<Input>),
      Describe("constant", Call<Constant>),
      Describe("operation", Call<Operation>),
      Describe("dispose", Dispose),
  };
  napi_value shape_graph;
  return napi_define_class(env, "ShapeGraph", NAPI_AUTO_LENGTH, New, nullptr, sizeof methods / sizeof methods[0], methods,
                           &shape_graph) == napi_ok &&
         napi_set_named_property(env, exports, "ShapeGraph", shape_graph) == napi_ok;
}

}  // namespace siglip
