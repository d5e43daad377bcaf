// A fused elementwise kernel made ready to run: steps fused, their tiles assigned, the tile's size chosen.
#pragma once

#include "kernels/elementwise-steps.h"

namespace siglip {
namespace SIGLIP_ISA {

// Whether a step's result has one reader, which can do its work as well.
inline bool Fuses(const PlanStep &step) { return step.uses == 1 && !step.per_row && !step.gone; }

inline void CountUses(ElementwisePlan &plan) {
  for (int32_t i = 0; i < plan.step_count; i++) plan.steps[i].uses = 0;
  for (int32_t i = 0; i < plan.step_count; i++) {
    const PlanStep &step = plan.steps[i];
    if (step.gone || step.op == ElementwiseOp::kLoad || step.op == ElementwiseOp::kConstant) continue;
    const int32_t operands[3] = {step.a, step.b, step.c};
    for (const int32_t operand : operands) plan.steps[operand].last_use = i;
    plan.steps[step.a].uses++;
    if (step.b != step.a) plan.steps[step.b].uses++;
    if (step.c != step.a && step.c != step.b) plan.steps[step.c].uses++;
  }
}

// Two arithmetic operations become one; a product that is only summed is never stored.
inline void FuseSteps(ElementwisePlan &plan) {
  CountUses(plan);
  for (int32_t i = 0; i < plan.step_count; i++) {
    PlanStep &step = plan.steps[i];
    if (step.op == ElementwiseOp::kSquare) {  // as a product
      step.op = ElementwiseOp::kMultiply;
      const bool same = !step.per_row && plan.steps[step.a].per_row;
      step.function = ElementFunctionOf(step.op, same, same, same);
    }
    if (step.op == ElementwiseOp::kRowSum) {
      PlanStep &product = plan.steps[step.a];
      if (!Fuses(product) || product.fused || product.op != ElementwiseOp::kMultiply) continue;
      if (plan.steps[product.a].per_row || plan.steps[product.b].per_row) continue;
      product.gone = true;
      step.fused = true;
      step.b = step.c = product.b;
      step.a = product.a;
    } else if (!step.per_row && OperandsOf(step.op) == 2 && step.a != step.b) {
      for (int k = 0; k < 2 && !step.fused; k++) {
        const bool swapped = k == 1;
        PlanStep &first = plan.steps[swapped ? step.b : step.a];
        const int32_t other = swapped ? step.a : step.b;
        if (!Fuses(first) || first.fused || OperandsOf(first.op) != 2) continue;
        const bool same_c = plan.steps[other].per_row;
        const ElementFunction function =
            PairFunctionOf(first.op, step.op, swapped, plan.steps[first.a].per_row, plan.steps[first.b].per_row, same_c);
        if (function == nullptr) continue;
        first.gone = true;
        step.fused = true;
        step.function = function;
        step.a = first.a;
        step.b = first.b;
        step.c = other;
      }
    }
  }
  CountUses(plan);
}

// Results that are stored as they are get written to the output directly.
inline void AimAtOutputs(ElementwisePlan &plan) {
  for (int32_t i = 0; i < plan.step_count; i++) {
    const PlanStep &step = plan.steps[i];
    if (step.op != ElementwiseOp::kStore) continue;
    const PlanOperand &output = plan.operands[step.slot];
    PlanStep &value = plan.steps[step.a];
    if (!value.per_row && OperandsOf(value.op) > 0 && value.target < 0 && output.apart && output.dtype == DType::kFloat32 &&
        output.strides[plan.rank - 1] == 1)
      value.target = step.slot;
  }
}

// A tile for each result, free again after its last use.
inline void AssignTiles(ElementwisePlan &plan, int32_t *free_from) {
  plan.slot_count = 0;
  for (int32_t i = 0; i < plan.step_count; i++) {
    PlanStep &step = plan.steps[i];
    if (step.gone || step.per_row || IsStore(step.op)) continue;
    if (step.op == ElementwiseOp::kLoad && step.in_place && plan.operands[step.a].straight) continue;
    if (step.target >= 0 && plan.operands[step.target].straight) continue;
    int32_t slot = 0;
    while (slot < plan.slot_count && free_from[slot] > i) slot++;
    if (slot == plan.slot_count) plan.slot_count++;
    step.slot = slot;
    free_from[slot] = step.last_use > i ? step.last_use : i + 1;
  }
}

inline void ChooseTile(ElementwisePlan &plan) {
  const int64_t slots = plan.slot_count > 0 ? plan.slot_count : 1;
  // All tiles together stay in the first-level cache, or, for long rows, in the second.
  int64_t elements = 8192 / slots;
  elements = RoundUp(elements < 512 ? 512 : elements > 4096 ? 4096 : elements, 4 * kLanes);
  const int64_t longest = plan.reduces ? 131072 / slots : elements;
  int32_t levels = 0;
  for (int32_t i = 0; i < plan.step_count; i++) levels = plan.steps[i].level > levels ? plan.steps[i].level : levels;
  if (plan.columns > longest && plan.columns > RoundUp(elements, kTotalBlock) && levels < 32) {
    plan.tile_rows = 1;
    // Whole blocks of a sum (Total), so that a row's sum does not depend on what is fused with it.
    plan.tile_columns = plan.tile_pitch = RoundUp(elements, kTotalBlock);
    plan.passes = levels + 1;
    for (int32_t i = plan.step_count - 1; i >= 0; i--) {
      PlanStep &step = plan.steps[i];
      if (IsStore(step.op)) step.passes = 1u << levels;
      if (IsReduction(step.op)) step.passes = 1u << (step.level - 1);
      if (step.gone || step.op == ElementwiseOp::kLoad || step.op == ElementwiseOp::kConstant) continue;
      const int32_t operands[3] = {step.a, step.b, step.c};
      for (const int32_t operand : operands) plan.steps[operand].passes |= step.passes;
    }
    return;
  }
  plan.tile_columns = plan.columns;
  plan.tile_pitch = RoundUp(plan.columns, kLanes);
  plan.tile_rows = plan.tile_pitch > 0 ? elements / plan.tile_pitch : elements;
  if (plan.tile_rows < 1) plan.tile_rows = 1;
  if (plan.tile_rows > plan.rows) plan.tile_rows = plan.rows;
  // A tile has a part of a group or whole groups.
  if (plan.sum_count > 0 && plan.group_rows < plan.tile_rows) plan.tile_rows -= plan.tile_rows % plan.group_rows;
  plan.passes = 1;
  for (int32_t i = 0; i < plan.step_count; i++) plan.steps[i].passes = plan.steps[i].gone ? 0 : 1;
}

// The memory that a plan takes, and the plan in it.
inline size_t ElementwisePlanBytes(const ElementwiseProgram &program) {
  return sizeof(PlanOperand) * (program.input_count + program.output_count) + sizeof(PlanStep) * program.instruction_count +
         sizeof(int32_t) * (program.slot_count + program.instruction_count) + 64;
}

// A part of a program's loop, along one dimension.
struct LoopPart {
  int32_t dimension;
  int64_t first, count;
};

inline ElementwisePlan PlanElementwise(const ElementwiseProgram &program, char *memory, const LoopPart &part) {
  ElementwisePlan plan{};
  plan.rank = program.rank;
  std::memcpy(plan.shape, program.shape, sizeof plan.shape);
  if (plan.rank > 0) plan.shape[part.dimension] = part.count;
  plan.operand_count = program.input_count + program.output_count;
  plan.operands = reinterpret_cast<PlanOperand *>(memory);
  plan.steps = reinterpret_cast<PlanStep *>(plan.operands + plan.operand_count);
  int32_t *definitions = reinterpret_cast<int32_t *>(plan.steps + program.instruction_count);
  for (int32_t k = 0; k < plan.operand_count; k++) {
    const View &view = k < program.input_count ? program.inputs[k] : program.outputs[k - program.input_count];
    plan.operands[k].data = static_cast<char *>(view.data);
    plan.operands[k].dtype = view.dtype;
    std::memcpy(plan.operands[k].strides, view.strides, sizeof view.strides);
    if (plan.rank > 0)
      plan.operands[k].data += part.first * view.strides[part.dimension] * static_cast<int64_t>(SizeOf(view.dtype));
  }
  const bool rows_of_one = plan.rank == 0 || plan.shape[plan.rank - 1] == 1;
  for (int32_t i = 0; i < program.instruction_count; i++)
    plan.reduces = plan.reduces || (IsReduction(static_cast<ElementwiseOp>(program.instructions[i].op)) && !rows_of_one);
  MergeDimensions(plan);
  DescribeOperands(plan, program.input_count);
  ResolveSteps(program, rows_of_one, plan, definitions);
  GroupSums(plan);
  FuseSteps(plan);
  AimAtOutputs(plan);
  AssignTiles(plan, definitions);
  ChooseTile(plan);
  return plan;
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
