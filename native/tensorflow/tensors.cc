#include "tensorflow/tensors.h"

#include <cstring>

#include "program/errors.h"
#include "program/memory.h"

namespace siglip {
namespace {

constexpr size_t kOwnMemory = size_t{1} << 20;  // results from here on lie in recycled pages

TF_DataType TypeOf(DType dtype) { return dtype == DType::kFloat32 ? TF_FLOAT : dtype == DType::kInt32 ? TF_INT32 : TF_BOOL; }

std::optional<DType> DTypeOf(TF_DataType type) {
  switch (type) {
    case TF_FLOAT: return DType::kFloat32;
    case TF_INT32: return DType::kInt32;
    case TF_BOOL: return DType::kBool;
    default: return std::nullopt;
  }
}

// In TensorFlow's memory, in large pages if it is large.
Tensor AllocateTensor(TF_DataType type, const std::vector<int64_t> &shape, size_t bytes) {
  TF_Tensor *const tensor = TF_AllocateTensor(type, shape.data(), static_cast<int>(shape.size()), bytes);
  if (tensor == nullptr) throw OutOfMemory(bytes);
  const Tensor made = TensorOf(tensor);
  if (bytes > 0 && made.data == nullptr) throw OutOfMemory(bytes);
  AdviseLargePages(made.data, bytes);
  return made;
}

}  // namespace

Tensor TensorOf(TF_Tensor *tensor) {
  const auto release = [](void *owned) { TF_DeleteTensor(static_cast<TF_Tensor *>(owned)); };
  return {{static_cast<void *>(tensor), release}, TF_TensorData(tensor), TF_TensorByteSize(tensor), DTypeOf(TF_TensorType(tensor))};
}

TF_Tensor *TensorFlowTensor(const Tensor &tensor) { return static_cast<TF_Tensor *>(tensor.owner.get()); }

std::vector<int64_t> ShapeOf(const TF_Tensor *tensor) {
  std::vector<int64_t> shape;
  for (int d = 0; d < TF_NumDims(tensor); ++d) shape.push_back(TF_Dim(tensor, d));
  return shape;
}

Tensor CopyOf(TF_Tensor *tensor) {
  const Tensor copy = AllocateTensor(TF_TensorType(tensor), ShapeOf(tensor), TF_TensorByteSize(tensor));
  if (copy.bytes > 0) std::memcpy(copy.data, TF_TensorData(tensor), copy.bytes);
  return copy;
}

// What a later run updates in place lies in TensorFlow's memory: of that alone TensorFlow tells whether anything else has it.
Tensor AllocateResult(DType dtype, const std::vector<int64_t> &shape, size_t bytes, bool in_place) {
  const TF_DataType type = TypeOf(dtype);
  if (in_place || bytes < kOwnMemory) return AllocateTensor(type, shape, bytes);
  void *const memory = TakeTensorMemory(bytes);
  const auto give_back = [](void *data, size_t bytes, void *) { GiveTensorMemoryBack(data, bytes); };
  const int rank = static_cast<int>(shape.size());
  TF_Tensor *const tensor = TF_NewTensor(type, shape.data(), rank, memory, bytes, give_back, nullptr);
  if (tensor == nullptr) throw OutOfMemory(bytes);
  return TensorOf(tensor);
}

}  // namespace siglip
