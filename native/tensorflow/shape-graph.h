// A graph of TensorFlow's, grown one operation at a time, for what it tells about each: whether it can be, and the shapes and
// types of its results. Nothing is computed.
#pragma once

#include <tensorflow/c/c_api.h>

#include <cstdint>
#include <string>
#include <vector>

namespace siglip {

struct GraphAttribute {
  std::string name;
  TF_AttrType type = TF_ATTR_INT;  // string, int, float, bool or type
  bool is_list = false;            // of ints
  std::string text;
  double number = 0;          // of a float
  std::vector<int64_t> ints;  // one, unless it is a list; of a bool 0 or 1
};

class ShapeGraph {
 public:
  // What an operation gives. An unknown size is −1; of an unknown rank there is one unknown size.
  struct Result {
    int64_t id;
    std::vector<int64_t> shape;
    TF_DataType dtype;
  };

  ShapeGraph() = default;
  ShapeGraph(const ShapeGraph &) = delete;
  ShapeGraph &operator=(const ShapeGraph &) = delete;
  ~ShapeGraph() { TF_DeleteGraph(graph_); }

  // Each returns the id of the (first) result, and throws with TensorFlow's message.
  int64_t Input(TF_DataType dtype, const std::vector<int64_t> &shape);
  int64_t Constant(TF_DataType dtype, const std::vector<int64_t> &shape, const void *values, size_t bytes);
  // At least `outputs` results, the first so many of which are returned.
  std::vector<Result> Operation(const std::string &op, const std::vector<GraphAttribute> &attributes,
                                const std::vector<int64_t> &inputs, int64_t outputs);

 private:
  TF_OperationDescription *New(const char *op);
  int64_t Finish(TF_OperationDescription *description);
  TF_Output At(int64_t id) const;
  Result Describe(int64_t id) const;

  TF_Graph *graph_ = TF_NewGraph();
  std::vector<TF_Output> outputs_;
  int64_t operations_ = 0;
};

}  // namespace siglip
