// Each step reads its words in the order that src/jit/program/encode-program.ts writes them.
#include "program/steps.h"

#include <cmath>
#include <cstring>

#include "program/errors.h"
#include "program/packed-weights.h"

namespace siglip {
namespace {

bool IsFloat(const View &view) { return view.dtype == DType::kFloat32 || view.dtype == DType::kBFloat16; }

void Expect(bool right, const char *what) {
  if (!right) Fail(what);
}

bool SameShape(const View &a, const View &b) {
  if (a.rank != b.rank) return false;
  for (int d = 0; d < a.rank; ++d) {
    if (a.shape[d] != b.shape[d]) return false;
  }
  return true;
}

// An index out of range would reach memory of something else. This is an error of the caller's values, so it has an exception of
// its own.
void CheckIndices(const View &indices, int64_t size, const char *what, bool negative_dropped = false) {
  const int32_t *const data = static_cast<const int32_t *>(indices.data);
  for (int64_t i = 0; i < indices.shape[0]; ++i) {
    const int32_t index = data[i * indices.strides[0]];
    if ((index < 0 && !negative_dropped) || index >= size) {
      throw std::out_of_range(std::string(what) + "[" + std::to_string(i) + "] = " + std::to_string(index) + " is not in [0, " +
                              std::to_string(size) + ")");
    }
  }
}

class ProductStep : public Step {
 public:
  ProductStep(Program &program, ProgramReader &reader)
      : a_(program.ReadOperand(reader, Program::kRead)),
        b_(program.ReadOperand(reader, Program::kRead)),
        c_(program.ReadOperand(reader, Program::kWrite)) {
    gemm_.precision = reader.Precision();
    gemm_.alpha = reader.Float();
    has_bias_ = reader.Bool("bias");
    if (has_bias_) bias_ = program.ReadOperand(reader, Program::kRead);
    gemm_.activation = reader.Kind<Activation>(kActivations, "activation");
    has_residual_ = reader.Bool("residual");
    if (has_residual_) residual_ = program.ReadOperand(reader, Program::kRead);
    const bool keep = reader.Bool("keep");

    const View &a = a_.view, &b = b_.view, &c = c_.view;
    const int rank = c.rank;
    Expect(rank >= 2 && rank <= 4 && a.rank == rank && b.rank == rank,
           "a product's operands are matrices with at most two more dimensions");
    for (int d = 0; d < rank - 2; ++d) Expect(a.shape[d] == c.shape[d] && b.shape[d] == c.shape[d], "a product's batches differ");
    Expect(a.shape[rank - 2] == c.shape[rank - 2] && b.shape[rank - 1] == c.shape[rank - 1] &&
               a.shape[rank - 1] == b.shape[rank - 2] && a.shape[rank - 1] > 0,
           "a product's shapes do not fit");
    Expect(IsFloat(a) && IsFloat(b) && IsFloat(c), "a product of numbers that are no floats");
    Expect(c.strides[rank - 1] == 1 || c.shape[rank - 1] <= 1, "a product's columns must lie beside each other");
    if (has_bias_) {
      const View &bias = bias_.view;
      Expect(bias.rank == 1 && bias.shape[0] == c.shape[rank - 1] && bias.dtype == DType::kFloat32 &&
                 (bias.strides[0] == 1 || bias.shape[0] == 1),
             "a product's bias is no float32 vector of its width");
    }
    if (has_residual_) {
      const View &residual = residual_.view;
      Expect(SameShape(residual, c) && IsFloat(residual) && (residual.strides[rank - 1] == 1 || c.shape[rank - 1] <= 1),
             "a product's residual is not shaped as the product");
    }
    const Buffer &weights = program.buffers()[b_.buffer];
    captured_ = weights.kind == BufferKind::kCapture;
    capture_ = weights.index;
    keeps_ = keep && rank == 2 && (captured_ || weights.kind == BufferKind::kConstant);
    operands = {&a_, &b_, &c_};
    if (has_bias_) operands.push_back(&bias_);
    if (has_residual_) operands.push_back(&residual_);
  }

  void Run(Machine &machine) override {
    if (ElementCount(c_.view) == 0) return;
    gemm_.a = a_.view;
    gemm_.b = b_.view;
    gemm_.c = c_.view;
    gemm_.bias = has_bias_ ? &bias_.view : nullptr;
    gemm_.residual = has_residual_ ? &residual_.view : nullptr;
    if (keeps_) Keep(machine);
    gemm_.packed = layout_ ? layout_->memory.data() : nullptr;
    machine.kernels.gemm(gemm_, machine.threads);
  }

 private:
  // The layout stays as long as the memory and the kernels are the same.
  void Keep(Machine &machine) {
    if (packed_from_ == b_.view.data && packed_by_ == &machine.kernels) return;
    packed_from_ = nullptr;  // if there is no memory for the next one
    if (layout_ != nullptr) machine.retired.push_back(std::move(layout_));
    const std::shared_ptr<const void> owner = captured_ ? machine.captures[capture_].owner : nullptr;
    layout_ = machine.packed.Get(machine.kernels, b_.view, gemm_.precision, owner, machine.threads);
    packed_from_ = layout_ ? b_.view.data : nullptr;
    packed_by_ = &machine.kernels;
  }

  Operand a_, b_, c_, bias_{}, residual_{};
  bool has_bias_, has_residual_, captured_;
  bool keeps_;      // b stays as it is between runs
  size_t capture_;  // index of the capture that b is
  Gemm gemm_{};
  std::shared_ptr<const PackedWeights::Layout> layout_;
  const void *packed_from_ = nullptr;
  const Kernels *packed_by_ = nullptr;
};

class AttentionStep : public Step {
 public:
  AttentionStep(Program &program, ProgramReader &reader)
      : q_(program.ReadOperand(reader, Program::kRead)),
        k_(program.ReadOperand(reader, Program::kRead)),
        v_(program.ReadOperand(reader, Program::kRead)),
        out_(program.ReadOperand(reader, Program::kWrite)),
        has_mask_(reader.Bool("mask")) {
    if (has_mask_) mask_ = program.ReadOperand(reader, Program::kRead);
    attention_.scale = reader.Float();
    attention_.precision = reader.Precision();

    const View &q = q_.view, &k = k_.view, &v = v_.view, &out = out_.view;
    for (const View *view : {&q, &k, &v, &out}) {
      Expect(view->rank == 4 && IsFloat(*view) && (view->strides[3] == 1 || view->shape[3] <= 1),
             "attention's operands are [batch, heads, length, size] of floats");
      Expect(view->shape[0] == q.shape[0] && view->shape[1] == q.shape[1] && view->shape[2] > 0 && view->shape[3] > 0,
             "attention's batches and heads differ or are empty");
    }
    Expect(k.shape[3] == q.shape[3] && v.shape[2] == k.shape[2] && out.shape[2] == q.shape[2] && out.shape[3] == v.shape[3],
           "attention's shapes do not fit");
    if (has_mask_) {
      const View &mask = mask_.view;
      Expect(mask.rank == 4 && mask.dtype == DType::kFloat32 && mask.shape[0] == q.shape[0] && mask.shape[1] == q.shape[1] &&
                 mask.shape[2] == q.shape[2] && mask.shape[3] == k.shape[2],
             "attention's mask is no float32 [batch, heads, queries, keys]");
    }
    operands = {&q_, &k_, &v_, &out_};
    if (has_mask_) operands.push_back(&mask_);
  }

  void Run(Machine &machine) override {
    if (ElementCount(out_.view) == 0) return;
    attention_.q = q_.view;
    attention_.k = k_.view;
    attention_.v = v_.view;
    attention_.out = out_.view;
    attention_.mask = has_mask_ ? &mask_.view : nullptr;
    machine.kernels.attention(attention_, machine.threads);
  }

 private:
  Operand q_, k_, v_, out_, mask_{};
  bool has_mask_;
  Attention attention_{};
};

class ElementwiseStep : public Step {
 public:
  ElementwiseStep(Program &program, ProgramReader &reader) {
    View loop{};
    loop.rank = static_cast<int32_t>(reader.Int(1, kMaxRank, "rank of a loop"));
    for (int d = 0; d < loop.rank; ++d) loop.shape[d] = reader.Int(0, ProgramReader::kMostElements, "size of a loop");
    inputs_ = ReadOperands(program, reader, Program::kRead, loop);
    outputs_ = ReadOperands(program, reader, Program::kWrite, loop);
    program_.rank = loop.rank;
    std::memcpy(program_.shape, loop.shape, sizeof loop.shape);
    program_.input_count = static_cast<int32_t>(inputs_.size());
    program_.output_count = static_cast<int32_t>(outputs_.size());
    program_.slot_count = static_cast<int32_t>(reader.Int(0, kMaxSlots, "slots"));
    ReadInstructions(reader);
    program_.instruction_count = static_cast<int32_t>(instructions_.size());
    program_.instructions = instructions_.data();
    for (const Operand &output : outputs_) {
      Expect(output.view.dtype != DType::kInt32, "a fused elementwise kernel cannot write int32");
      empty_ = empty_ || ElementCount(output.view) == 0;
    }
    for (Operand &operand : inputs_) operands.push_back(&operand);
    for (Operand &operand : outputs_) operands.push_back(&operand);
    input_views_.resize(inputs_.size());
    output_views_.resize(outputs_.size());
  }

  void Run(Machine &machine) override {
    if (empty_) return;
    for (size_t i = 0; i < inputs_.size(); ++i) input_views_[i] = inputs_[i].view;
    for (size_t i = 0; i < outputs_.size(); ++i) output_views_[i] = outputs_[i].view;
    program_.inputs = input_views_.data();
    program_.outputs = output_views_.data();
    machine.kernels.elementwise(program_, machine.threads);
  }

 private:
  static std::vector<Operand> ReadOperands(Program &program, ProgramReader &reader, Program::Access access, const View &loop) {
    std::vector<Operand> operands;
    for (size_t count = reader.Count("operands"); count > 0; --count) {
      operands.push_back(program.ReadOperand(reader, access, &loop));
    }
    return operands;
  }

  // Slots are written before they are read, so nothing of an earlier step shows.
  void ReadInstructions(ProgramReader &reader) {
    std::vector<bool> written(static_cast<size_t>(program_.slot_count));
    const size_t count = reader.Count("instructions");
    for (size_t i = 0; i < count; ++i) {
      ElementwiseInstruction instruction;
      for (int32_t *word : {&instruction.op, &instruction.to, &instruction.a, &instruction.b, &instruction.c}) {
        *word = static_cast<int32_t>(reader.Int(INT32_MIN, INT32_MAX, "instruction"));
      }
      Expect(instruction.op >= 0 && instruction.op < CountOf(kElementwiseOps), "an instruction that is not there");
      const ElementwiseOp op = static_cast<ElementwiseOp>(instruction.op);
      const int32_t slots[] = {instruction.a, instruction.b, instruction.c};
      for (int s = 0; s < kSlotsRead[instruction.op]; ++s) {
        Expect(slots[s] >= 0 && slots[s] < program_.slot_count && written[static_cast<size_t>(slots[s])],
               "an instruction reads a slot that nothing has written");
      }
      if (op == ElementwiseOp::kLoad)
        Expect(instruction.a >= 0 && instruction.a < program_.input_count, "an instruction loads an input that is not there");
      const bool stores = op == ElementwiseOp::kStore || op == ElementwiseOp::kStoreSum;
      Expect(instruction.to >= 0 && instruction.to < (stores ? program_.output_count : program_.slot_count),
             "an instruction writes what is not there");
      if (!stores) written[static_cast<size_t>(instruction.to)] = true;
      instructions_.push_back(instruction);
    }
  }

  std::vector<Operand> inputs_, outputs_;
  std::vector<View> input_views_, output_views_;
  std::vector<ElementwiseInstruction> instructions_;
  ElementwiseProgram program_{};
  bool empty_ = false;
};

class CopyStep : public Step {
 public:
  CopyStep(Program &program, ProgramReader &reader)
      : from_(program.ReadOperand(reader, Program::kRead)), to_(program.ReadOperand(reader, Program::kWrite)) {
    Expect(SameShape(from_.view, to_.view), "a copy between two shapes");
    operands = {&from_, &to_};
  }

  void Run(Machine &machine) override {
    if (ElementCount(to_.view) > 0) machine.kernels.copy(from_.view, to_.view, machine.threads);
  }

 private:
  Operand from_, to_;
};

class GatherStep : public Step {
 public:
  GatherStep(Program &program, ProgramReader &reader)
      : table_(program.ReadOperand(reader, Program::kRead)),
        indices_(program.ReadOperand(reader, Program::kRead)),
        to_(program.ReadOperand(reader, Program::kWrite)) {
    const View &table = table_.view, &indices = indices_.view, &to = to_.view;
    Expect(table.rank == 2 && indices.rank == 1 && to.rank == 2 && to.shape[0] == indices.shape[0] && to.shape[1] == table.shape[1],
           "gather's shapes do not fit");
    Expect(indices.dtype == DType::kInt32, "gather's indices are no int32");
    Expect(!program.Overlap(to_, table_) && !program.Overlap(to_, indices_), "gather writes over what it reads");
    operands = {&table_, &indices_, &to_};
  }

  void Run(Machine &machine) override {
    CheckIndices(indices_.view, table_.view.shape[0], "indices");
    if (ElementCount(to_.view) > 0) machine.kernels.gather(table_.view, indices_.view, to_.view, machine.threads);
  }

 private:
  Operand table_, indices_, to_;
};

class SegmentSumStep : public Step {
 public:
  SegmentSumStep(Program &program, ProgramReader &reader)
      : values_(program.ReadOperand(reader, Program::kRead)),
        segments_(program.ReadOperand(reader, Program::kRead)),
        to_(program.ReadOperand(reader, Program::kWrite)) {
    const View &values = values_.view, &segments = segments_.view, &to = to_.view;
    Expect(values.rank == 2 && segments.rank == 1 && to.rank == 2 && values.shape[0] == segments.shape[0] &&
               values.shape[1] == to.shape[1],
           "segmentSum's shapes do not fit");
    Expect(segments.dtype == DType::kInt32, "segmentSum's segments are no int32");
    Expect(!program.Overlap(to_, values_) && !program.Overlap(to_, segments_), "segmentSum writes over what it reads");
    Expect(IsFloat(values) && IsFloat(to), "segmentSum of numbers that are no floats");
    operands = {&values_, &segments_, &to_};
  }

  void Run(Machine &machine) override {
    CheckIndices(segments_.view, to_.view.shape[0], "segments", true);
    if (ElementCount(to_.view) > 0) machine.kernels.segment_sum(values_.view, segments_.view, to_.view, machine.threads);
  }

 private:
  Operand values_, segments_, to_;
};

// Checks values that later steps take for granted.
class CheckStep : public Step {
 public:
  CheckStep(Program &program, ProgramReader &reader)
      : value_(program.ReadOperand(reader, Program::kRead)),
        whole_(reader.Bool("whole")),
        least_(reader.Double()),
        most_(reader.Double()),
        also_(reader.Double()),
        summary_(reader.Text()),
        expected_(reader.Text()) {
    Expect(IsContiguous(value_.view) && value_.view.dtype != DType::kBFloat16, "what is checked is not contiguous, or bfloat16");
    operands = {&value_};
  }

  void Run(Machine &) override {
    switch (value_.view.dtype) {
      case DType::kInt32: return Check<int32_t>();
      case DType::kBool: return Check<uint8_t>();
      default: return Check<float>();
    }
  }

 private:
  template <typename Element>
  void Check() const {
    const Element *const values = static_cast<const Element *>(value_.view.data);
    for (int64_t i = 0, count = ElementCount(value_.view); i < count; ++i) {
      const double value = static_cast<double>(values[i]);
      const bool allowed = value >= least_ && value <= most_ && (!whole_ || value == std::floor(value));
      if (!allowed && value != also_) throw BadValue(summary_, expected_, i, value);
    }
  }

  Operand value_;
  bool whole_;
  double least_, most_, also_;
  std::string summary_, expected_;
};

}  // namespace

std::unique_ptr<Step> ReadStep(Program &program, ProgramReader &reader) {
  switch (reader.Kind<StepKind>(kStepKinds, "kind of step")) {
    case StepKind::kProduct: return std::make_unique<ProductStep>(program, reader);
    case StepKind::kAttention: return std::make_unique<AttentionStep>(program, reader);
    case StepKind::kElementwise: return std::make_unique<ElementwiseStep>(program, reader);
    case StepKind::kCopy: return std::make_unique<CopyStep>(program, reader);
    case StepKind::kGather: return std::make_unique<GatherStep>(program, reader);
    case StepKind::kSegmentSum: return std::make_unique<SegmentSumStep>(program, reader);
    case StepKind::kCheck: return std::make_unique<CheckStep>(program, reader);
    case StepKind::kHost: break;
  }
  if (reader.source().read_host_step == nullptr) Fail("no operations of a host run here");
  return reader.source().read_host_step(program, reader);
}

}  // namespace siglip
