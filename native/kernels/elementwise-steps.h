// The instructions of a fused elementwise kernel as steps: dimensions merged, operands described, sums grouped.
#pragma once

#include "kernels/elementwise-ops.h"

namespace siglip {
namespace SIGLIP_ISA {

struct PlanOperand {
  char *data;
  DType dtype;
  bool straight;  // one stride leads from each row to the next
  bool apart;     // shares no memory with other operands
  int64_t strides[kMaxRank];
};

struct PlanStep {
  ElementwiseOp op;
  bool per_row;     // the result is one value a row
  bool in_place;    // kLoad: read in place
  bool fused;       // does another step's work as well
  bool gone;        // done by another step
  int32_t slot;     // the result's tile; kStore, kStoreSum: number of the operand
  int32_t target;   // the output that the result is written to directly, or −1
  int32_t a, b, c;  // steps whose results it reads; kLoad: index of the operand
  int32_t uses, last_use;
  ElementFunction function;
  float constant;
  int32_t level;    // how many reductions depend on one another up to here
  uint32_t passes;  // a bit for each pass over the row that needs it
  // kStoreSum: its sums of a group are `group_sums` numbers after the `sums` of the steps before it
  int64_t sums, group_sums;
  int64_t sum_strides[kMaxRank];
};

struct ElementwisePlan {
  int32_t rank;
  int64_t shape[kMaxRank];
  int64_t rows, columns;
  int32_t operand_count, step_count, slot_count;
  PlanOperand *operands;  // inputs, then outputs
  PlanStep *steps;
  // Rows whose sums are apart from all others. The sums of a group depend on the group alone.
  int64_t groups, group_rows;
  int64_t sum_count;  // numbers that a group adds up to
  // A tile is `tile_rows` rows, or `tile_columns` of one row, with one pass over the row for each level of reductions.
  int64_t tile_rows, tile_columns, tile_pitch;
  int32_t passes;
  bool reduces;
};

inline bool IsReduction(ElementwiseOp op) { return op == ElementwiseOp::kRowSum || op == ElementwiseOp::kRowMax; }
inline bool IsStore(ElementwiseOp op) { return op == ElementwiseOp::kStore || op == ElementwiseOp::kStoreSum; }

// Drops dimensions of 1 and merges those that are one to all operands. The row stays if there are reductions.
inline void MergeDimensions(ElementwisePlan &plan) {
  int32_t rank = 0;
  for (int32_t i = 0; i < plan.rank; i++) {
    if (plan.shape[i] == 1) continue;
    bool merges = rank > 0 && !(plan.reduces && i == plan.rank - 1);
    for (int32_t k = 0; merges && k < plan.operand_count; k++) {
      const int64_t *strides = plan.operands[k].strides;
      merges = strides[rank - 1] == strides[i] * plan.shape[i];
    }
    const int32_t to = merges ? rank - 1 : rank++;
    plan.shape[to] = merges ? plan.shape[to] * plan.shape[i] : plan.shape[i];
    for (int32_t k = 0; k < plan.operand_count; k++) plan.operands[k].strides[to] = plan.operands[k].strides[i];
  }
  if (rank == 0) {
    plan.shape[rank++] = 1;
    for (int32_t k = 0; k < plan.operand_count; k++) plan.operands[k].strides[0] = 0;
  }
  plan.rank = rank;
  plan.columns = plan.shape[rank - 1];
  plan.rows = 1;
  for (int32_t i = 0; i + 1 < rank; i++) plan.rows *= plan.shape[i];
}

inline bool Overlap(const ElementwisePlan &plan, const PlanOperand &x, const PlanOperand &y) {
  const PlanOperand *const both[2] = {&x, &y};
  const char *low[2], *high[2];
  for (int k = 0; k < 2; k++) {
    low[k] = high[k] = both[k]->data;
    for (int32_t i = 0; i < plan.rank; i++) {
      const int64_t reach =
          plan.shape[i] > 0 ? (plan.shape[i] - 1) * both[k]->strides[i] * static_cast<int64_t>(SizeOf(both[k]->dtype)) : 0;
      (reach < 0 ? low[k] : high[k]) += reach;
    }
    high[k] += SizeOf(both[k]->dtype);
  }
  return low[0] < high[1] && low[1] < high[0];
}

inline void DescribeOperands(ElementwisePlan &plan, int32_t input_count) {
  for (int32_t k = 0; k < plan.operand_count; k++) {
    PlanOperand &operand = plan.operands[k];
    operand.straight = true;
    for (int32_t i = 0; i + 2 < plan.rank; i++)
      operand.straight = operand.straight && operand.strides[i] == operand.strides[i + 1] * plan.shape[i + 1];
    operand.apart = true;
    for (int32_t other = 0; other < plan.operand_count; other++)
      if (other != k && (other >= input_count || k >= input_count))
        operand.apart = operand.apart && !Overlap(plan, operand, plan.operands[other]);
  }
}

// Instructions to steps, which name the steps that they read instead of slots.
inline void ResolveSteps(const ElementwiseProgram &program, bool rows_of_one, ElementwisePlan &plan, int32_t *definitions) {
  plan.step_count = 0;
  for (int32_t i = 0; i < program.instruction_count; i++) {
    ElementwiseInstruction instruction = program.instructions[i];
    if (IsReduction(static_cast<ElementwiseOp>(instruction.op)) && rows_of_one) {
      instruction.op = static_cast<int32_t>(ElementwiseOp::kMaximum);  // of an element and itself
      instruction.b = instruction.a;
    }
    const ElementwiseOp op = static_cast<ElementwiseOp>(instruction.op);
    PlanStep &step = plan.steps[plan.step_count];
    step = {};
    step.op = op;
    step.target = -1;
    if (op == ElementwiseOp::kLoad) {
      const PlanOperand &operand = plan.operands[step.a = instruction.a];
      const int64_t stride = operand.strides[plan.rank - 1];
      step.per_row = stride == 0;
      step.in_place = !step.per_row && stride == 1 && operand.dtype == DType::kFloat32 && operand.apart;
    } else if (op == ElementwiseOp::kConstant) {
      step.per_row = true;
      std::memcpy(&step.constant, &instruction.a, 4);
    } else {
      const int count = OperandsOf(op);
      const PlanStep &a = plan.steps[step.a = definitions[instruction.a]];
      const PlanStep &b = plan.steps[step.b = count > 1 ? definitions[instruction.b] : step.a];
      const PlanStep &c = plan.steps[step.c = count > 2 ? definitions[instruction.c] : step.a];
      step.per_row = IsReduction(op) || (a.per_row && b.per_row && c.per_row);
      const bool mixed = !step.per_row;  // values of a row alone lie side by side
      step.function = ElementFunctionOf(op, mixed && a.per_row, mixed && b.per_row, mixed && c.per_row);
      step.level = a.level > b.level ? a.level : b.level;
      step.level = (step.level > c.level ? step.level : c.level) + (IsReduction(op) ? 1 : 0);
    }
    if (IsStore(op)) {
      step.slot = program.input_count + instruction.to;
      const PlanOperand &output = plan.operands[step.slot];
      bool sums = false;
      int64_t kept = 1;
      for (int32_t d = plan.rank - 1; d >= 0; d--) {
        sums = sums || (output.strides[d] == 0 && plan.shape[d] != 1);
        step.sum_strides[d] = output.strides[d] == 0 ? 0 : kept;
        if (output.strides[d] != 0) kept *= plan.shape[d];
      }
      if (op == ElementwiseOp::kStoreSum && !sums) step.op = ElementwiseOp::kStore;
      step.group_sums = kept;
    } else {
      definitions[instruction.to] = plan.step_count;
    }
    plan.step_count++;
  }
}

// The outer dimensions that all sums keep make the groups.
inline void GroupSums(ElementwisePlan &plan) {
  plan.sum_count = 0;
  plan.groups = 1;
  for (int32_t d = 0; d + 1 < plan.rank; d++) {
    bool kept = true;
    for (int32_t i = 0; i < plan.step_count; i++)
      kept = kept && (plan.steps[i].op != ElementwiseOp::kStoreSum || plan.steps[i].sum_strides[d] != 0);
    if (!kept) break;
    plan.groups *= plan.shape[d];
  }
  plan.group_rows = plan.groups > 0 ? plan.rows / plan.groups : 0;
  for (int32_t i = 0; i < plan.step_count; i++) {
    PlanStep &step = plan.steps[i];
    if (step.op != ElementwiseOp::kStoreSum) continue;
    step.group_sums /= plan.groups;
    step.sums = plan.sum_count;
    plan.sum_count += step.group_sums;
  }
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
