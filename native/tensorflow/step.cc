#include "tensorflow/step.h"

#include <tensorflow/c/eager/c_api.h>

#include <cstring>
#include <string>

#include "program/errors.h"
#include "program/steps.h"
#include "tensorflow/status.h"

namespace siglip {
namespace {

// Made when the first program needs it; stays, as TensorFlow's own threads do.
TFE_Context *Context() {
  static TFE_Context *const context = [] {
    const Status status;
    TFE_ContextOptions *const options = TFE_NewContextOptions();
    TFE_Context *const made = TFE_NewContext(options, status.status);
    TFE_DeleteContextOptions(options);
    status.Check("TensorFlow");
    return made;
  }();
  return context;
}

TF_DataType TypeOf(const View &view) {
  switch (view.dtype) {
    case DType::kFloat32: return TF_FLOAT;
    case DType::kInt32: return TF_INT32;
    case DType::kBool: return TF_BOOL;
    default: Fail("TensorFlow is given bfloat16");
  }
}

struct AttributeValue {
  std::string name;
  AttributeKind kind;
  double number = 0;
  std::string text;
  std::vector<int64_t> numbers;

  void Set(TFE_Op *op) const {
    const char *const key = name.c_str();
    switch (kind) {
      case AttributeKind::kBool: return TFE_OpSetAttrBool(op, key, number != 0);
      case AttributeKind::kInt: return TFE_OpSetAttrInt(op, key, static_cast<int64_t>(number));
      case AttributeKind::kFloat: return TFE_OpSetAttrFloat(op, key, static_cast<float>(number));
      case AttributeKind::kString: return TFE_OpSetAttrString(op, key, text.data(), text.size());
      case AttributeKind::kType: return TFE_OpSetAttrType(op, key, static_cast<TF_DataType>(number));
      case AttributeKind::kInts: return TFE_OpSetAttrIntList(op, key, numbers.data(), static_cast<int>(numbers.size()));
      case AttributeKind::kTypes: {
        std::vector<TF_DataType> types;
        for (int64_t type : numbers) types.push_back(static_cast<TF_DataType>(type));
        return TFE_OpSetAttrTypeList(op, key, types.data(), static_cast<int>(types.size()));
      }
    }
  }
};

class TensorFlowStep : public Step {
 public:
  TensorFlowStep(Program &program, ProgramReader &reader) : op_(reader.Text()) {
    for (size_t count = reader.Count("attributes"); count > 0; --count) attributes_.push_back(ReadAttribute(reader));
    ReadOperands(program, reader, Program::kRead, inputs_);
    ReadOperands(program, reader, Program::kWrite, outputs_);
    for (Operand &operand : inputs_) operands.push_back(&operand);
    for (Operand &operand : outputs_) operands.push_back(&operand);
    for (const Operand *operand : operands) {
      TypeOf(operand->view);
      if (!IsContiguous(operand->view)) Fail("an operand of " + op_ + " is not contiguous");
    }
  }

  void Run(Machine &) override {
    const Status status;
    const std::unique_ptr<TFE_Op, void (*)(TFE_Op *)> op(TFE_NewOp(Context(), op_.c_str(), status.status), TFE_DeleteOp);
    status.Check(op_);
    for (size_t i = 0; i < inputs_.size(); ++i) AddInput(op.get(), inputs_[i].view, scalar_inputs_[i], status);
    for (const AttributeValue &attribute : attributes_) attribute.Set(op.get());
    std::vector<TFE_TensorHandle *> results(outputs_.size());
    int count = static_cast<int>(results.size());
    TFE_Execute(op.get(), results.data(), &count, status.status);
    Check(status);
    // Every handle is taken before the first one can be refused.
    std::vector<std::unique_ptr<TFE_TensorHandle, void (*)(TFE_TensorHandle *)>> owned;
    for (int i = 0; i < count; ++i) owned.emplace_back(results[static_cast<size_t>(i)], TFE_DeleteTensorHandle);
    if (owned.size() != outputs_.size()) Fail(op_ + " has " + std::to_string(count) + " results");
    for (size_t i = 0; i < owned.size(); ++i) Take(owned[i].get(), outputs_[i].view, status);
  }

 private:
  // What TensorFlow says of the caller's values is theirs, and what it says of memory is nobody's fault.
  void Check(const Status &status) const {
    const TF_Code code = TF_GetCode(status.status);
    if (code == TF_RESOURCE_EXHAUSTED) {
      size_t bytes = 0;
      for (const Operand &output : outputs_) bytes += static_cast<size_t>(ElementCount(output.view)) * SizeOf(output.view.dtype);
      throw OutOfMemory(bytes);
    }
    if (code == TF_INVALID_ARGUMENT || code == TF_OUT_OF_RANGE) throw std::out_of_range(op_ + ": " + TF_Message(status.status));
    status.Check(op_);
  }

  static AttributeValue ReadAttribute(ProgramReader &reader) {
    AttributeValue attribute;
    attribute.name = reader.Text();
    attribute.kind = reader.Kind<AttributeKind>(kAttributeKinds, "kind of attribute");
    if (attribute.kind == AttributeKind::kString) {
      attribute.text = reader.Text();
    } else if (attribute.kind == AttributeKind::kInts || attribute.kind == AttributeKind::kTypes) {
      for (size_t count = reader.Count("numbers"); count > 0; --count) {
        attribute.numbers.push_back(reader.Int(-ProgramReader::kMostElements, ProgramReader::kMostElements, "attribute"));
      }
    } else if (attribute.kind == AttributeKind::kFloat) {
      attribute.number = reader.Float();
    } else {
      attribute.number = static_cast<double>(reader.Int(-ProgramReader::kMostElements, ProgramReader::kMostElements, "attribute"));
    }
    return attribute;
  }

  void ReadOperands(Program &program, ProgramReader &reader, Program::Access access, std::vector<Operand> &operands) {
    for (size_t count = reader.Count("operands"); count > 0; --count) {
      const bool scalar = reader.Bool("scalar");
      if (access == Program::kRead) scalar_inputs_.push_back(scalar);
      operands.push_back(program.ReadOperand(reader, access));
    }
  }

  // TensorFlow reads aligned memory where it lies, and copies what is not.
  void AddInput(TFE_Op *op, const View &view, bool scalar, const Status &status) const {
    const size_t bytes = static_cast<size_t>(ElementCount(view)) * SizeOf(view.dtype);
    const std::unique_ptr<TF_Tensor, void (*)(TF_Tensor *)> tensor(
        TF_NewTensor(
            TypeOf(view), view.shape, scalar ? 0 : view.rank, view.data, bytes, [](void *, size_t, void *) {}, nullptr),
        TF_DeleteTensor);
    if (tensor == nullptr) Fail(op_ + ": TensorFlow takes no tensor of " + ShapeText(view));
    const std::unique_ptr<TFE_TensorHandle, void (*)(TFE_TensorHandle *)> handle(TFE_NewTensorHandle(tensor.get(), status.status),
                                                                                 TFE_DeleteTensorHandle);
    status.Check(op_);
    TFE_OpAddInput(op, handle.get(), status.status);
    status.Check(op_);
  }

  void Take(TFE_TensorHandle *handle, const View &to, const Status &status) const {
    const std::unique_ptr<TF_Tensor, void (*)(TF_Tensor *)> tensor(TFE_TensorHandleResolve(handle, status.status), TF_DeleteTensor);
    status.Check(op_);
    const size_t bytes = static_cast<size_t>(ElementCount(to)) * SizeOf(to.dtype);
    if (TF_TensorType(tensor.get()) != TypeOf(to) || TF_TensorByteSize(tensor.get()) != bytes) {
      Fail(op_ + " gives another type or shape than " + ShapeText(to));
    }
    if (bytes > 0) std::memcpy(to.data, TF_TensorData(tensor.get()), bytes);
  }

  std::string op_;
  std::vector<AttributeValue> attributes_;
  std::vector<Operand> inputs_, outputs_;
  std::vector<bool> scalar_inputs_;  // a view has at least one dimension here, a tensor needn't
};

}  // namespace

std::unique_ptr<Step> ReadTensorFlowStep(Program &program, ProgramReader &reader) {
  return std::make_unique<TensorFlowStep>(program, reader);
}

}  // namespace siglip
