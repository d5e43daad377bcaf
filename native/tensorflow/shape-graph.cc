#include "tensorflow/shape-graph.h"

#include <cstring>
#include <memory>

#include "program/errors.h"
#include "tensorflow/status.h"

namespace siglip {
namespace {

void Set(TF_OperationDescription *description, const GraphAttribute &attribute) {
  const char *const name = attribute.name.c_str();
  const std::vector<int64_t> &ints = attribute.ints;
  switch (attribute.type) {
    case TF_ATTR_STRING: return TF_SetAttrString(description, name, attribute.text.data(), attribute.text.size());
    case TF_ATTR_INT:
      if (!attribute.is_list) return TF_SetAttrInt(description, name, ints[0]);
      return TF_SetAttrIntList(description, name, ints.data(), static_cast<int>(ints.size()));
    case TF_ATTR_FLOAT: return TF_SetAttrFloat(description, name, static_cast<float>(attribute.number));
    case TF_ATTR_BOOL: return TF_SetAttrBool(description, name, ints[0] != 0 ? 1 : 0);
    case TF_ATTR_TYPE: return TF_SetAttrType(description, name, static_cast<TF_DataType>(ints[0]));
    default: Fail("ShapeGraph: the attribute " + attribute.name + " is of an unknown kind");
  }
}

// The only lists of inputs that operations of tfjs have come first, and as many as their attribute N says.
size_t ListedInputs(const std::vector<GraphAttribute> &attributes) {
  for (const GraphAttribute &attribute : attributes) {
    if (attribute.name == "N" && attribute.type == TF_ATTR_INT && !attribute.is_list) return static_cast<size_t>(attribute.ints[0]);
  }
  return 0;
}

}  // namespace

int64_t ShapeGraph::Input(TF_DataType dtype, const std::vector<int64_t> &shape) {
  TF_OperationDescription *const description = New("Placeholder");
  TF_SetAttrType(description, "dtype", dtype);
  TF_SetAttrShape(description, "shape", shape.data(), static_cast<int>(shape.size()));
  return Finish(description);
}

int64_t ShapeGraph::Constant(TF_DataType dtype, const std::vector<int64_t> &shape, const void *values, size_t bytes) {
  size_t expected = TF_DataTypeSize(dtype);
  for (const int64_t size : shape) expected *= static_cast<size_t>(size);
  if (expected == 0 && bytes != 0) Fail("ShapeGraph: bad dtype");
  if (expected != bytes) Fail("ShapeGraph: the values don't fill the shape");
  const std::unique_ptr<TF_Tensor, decltype(&TF_DeleteTensor)> tensor(
      TF_AllocateTensor(dtype, shape.data(), static_cast<int>(shape.size()), bytes), TF_DeleteTensor);
  if (bytes > 0) std::memcpy(TF_TensorData(tensor.get()), values, bytes);
  TF_OperationDescription *const description = New("Const");
  TF_SetAttrType(description, "dtype", dtype);
  const Status status;
  TF_SetAttrTensor(description, "value", tensor.get(), status.status);
  return Finish(description);
}

std::vector<ShapeGraph::Result> ShapeGraph::Operation(const std::string &op, const std::vector<GraphAttribute> &attributes,
                                                      const std::vector<int64_t> &inputs, int64_t outputs) {
  std::vector<TF_Output> from;
  for (const int64_t input : inputs) from.push_back(At(input));
  const size_t listed = ListedInputs(attributes);
  if (listed > from.size()) Fail("ShapeGraph: " + op + " has fewer inputs than its attribute N says");
  TF_OperationDescription *const description = New(op.c_str());
  if (listed > 0) TF_AddInputList(description, from.data(), static_cast<int>(listed));
  for (size_t i = listed; i < from.size(); ++i) TF_AddInput(description, from[i]);
  // A description cannot be given up: it is always finished, and what was wrong with it is thrown then.
  std::string bad;
  for (const GraphAttribute &attribute : attributes) {
    try {
      Set(description, attribute);
    } catch (const std::runtime_error &error) {
      bad = error.what();
    }
  }
  const int64_t first = Finish(description);
  if (!bad.empty()) Fail(bad);
  if (static_cast<int64_t>(outputs_.size()) - first < outputs) Fail("ShapeGraph: " + op + " has fewer results than asked for");
  std::vector<Result> results;
  for (int64_t i = 0; i < outputs; ++i) results.push_back(Describe(first + i));
  return results;
}

TF_OperationDescription *ShapeGraph::New(const char *op) {
  return TF_NewOperation(graph_, op, ("n" + std::to_string(operations_++)).c_str());
}

// The id of its first result.
int64_t ShapeGraph::Finish(TF_OperationDescription *description) {
  const Status status;
  TF_Operation *const operation = TF_FinishOperation(description, status.status);
  status.Check();
  const int64_t first = static_cast<int64_t>(outputs_.size());
  const int count = TF_OperationNumOutputs(operation);
  for (int i = 0; i < count; ++i) outputs_.push_back({operation, i});
  return first;
}

TF_Output ShapeGraph::At(int64_t id) const {
  if (id < 0 || id >= static_cast<int64_t>(outputs_.size())) Fail("ShapeGraph: no tensor " + std::to_string(id));
  return outputs_[static_cast<size_t>(id)];
}

ShapeGraph::Result ShapeGraph::Describe(int64_t id) const {
  const TF_Output output = At(id);
  const Status status;
  const int rank = TF_GraphGetTensorNumDims(graph_, output, status.status);
  status.Check();
  std::vector<int64_t> shape(rank < 0 ? 1 : static_cast<size_t>(rank), -1);
  if (rank > 0) TF_GraphGetTensorShape(graph_, output, shape.data(), rank, status.status);
  status.Check();
  return {id, shape, TF_OperationOutputType(output)};
}

}  // namespace siglip
