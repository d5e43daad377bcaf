// TensorFlow's tensors as the core's, and results in memory that TensorFlow takes without copying.
#pragma once

#include <tensorflow/c/c_api.h>

#include <memory>
#include <vector>

#include "program/tensor.h"

namespace siglip {

// Takes the tensor over.
Tensor TensorOf(TF_Tensor *tensor);
// What `TensorOf` has taken over.
TF_Tensor *TensorFlowTensor(const Tensor &tensor);

std::vector<int64_t> ShapeOf(const TF_Tensor *tensor);

// A tensor with the same values in memory of its own.
Tensor CopyOf(TF_Tensor *tensor);

// Execution::allocate.
Tensor AllocateResult(DType dtype, const std::vector<int64_t> &shape, size_t bytes, bool in_place);

}  // namespace siglip
