// A row program made ready to run: dimensions merged, each operand's kind known, the tile's size chosen.
#pragma once

#include "kernels/elementwise-ops.h"

namespace siglip {
namespace SIGLIP_ISA {

struct RowOperand {
  char *data;
  DType dtype;
  bool straight;              // from one row to the next always by the same stride
  bool apart;                 // shares no memory with what the program reads or writes besides
  int64_t strides[kMaxRank];
};

struct RowStep {
  RowOp op;
  bool per_row;               // the result is one value for the row
  bool in_place;              // kLoad: read where it lies
  bool fused;                 // does another step's work as well
  bool gone;                  // done by another step
  int32_t slot;               // the result's tile; kStore, kStoreSum: number of the operand
  int32_t target;             // the output that the result is written to at once, or −1
  int32_t a, b, c;            // steps whose results it reads; kLoad: number of the operand
  int32_t uses, last_use;
  ElementFunction function;
  float constant;
  int32_t level;              // how many reductions follow one another up to here
  uint32_t passes;            // a bit for each pass over the row that needs it
  // kStoreSum: its sums of a group are `group_sums` numbers after the `sums` of the steps before it
  int64_t sums, group_sums;
  int64_t sum_strides[kMaxRank];
};

struct RowPlan {
  int32_t rank;
  int64_t shape[kMaxRank];
  int64_t rows, columns;
  int32_t operand_count, step_count, slot_count;
  RowOperand *operands;       // inputs, then outputs
  RowStep *steps;
  // Rows whose sums are apart from those of all others; sums of a group depend on nothing but the group.
  int64_t groups, group_rows;
  int64_t sum_count;          // numbers that a group adds up to
  // A tile is `tile_rows` rows, or `tile_columns` of one row, which is gone through once for each level of reductions.
  int64_t tile_rows, tile_columns, tile_pitch;
  int32_t passes;
  bool reduces;
};

inline bool IsReduction(RowOp op) { return op == RowOp::kRowSum || op == RowOp::kRowMax; }
inline bool IsStore(RowOp op) { return op == RowOp::kStore || op == RowOp::kStoreSum; }

// Drops dimensions of 1 and merges those that all operands go through as through one. The row stays if there are reductions.
inline void MergeDimensions(RowPlan &plan) {
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

inline bool Overlap(const RowPlan &plan, const RowOperand &x, const RowOperand &y) {
  const RowOperand *const both[2] = {&x, &y};
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

inline void DescribeOperands(RowPlan &plan, int32_t input_count) {
  for (int32_t k = 0; k < plan.operand_count; k++) {
    RowOperand &operand = plan.operands[k];
    operand.straight = true;
    for (int32_t i = 0; i + 2 < plan.rank; i++)
      operand.straight = operand.straight && operand.strides[i] == operand.strides[i + 1] * plan.shape[i + 1];
    operand.apart = true;
    for (int32_t other = 0; other < plan.operand_count; other++)
      if (other != k && (other >= input_count || k >= input_count))
        operand.apart = operand.apart && !Overlap(plan, operand, plan.operands[other]);
  }
}

// Instructions → steps that name the steps they read instead of slots.
inline void ResolveSteps(const RowProgram &program, bool rows_of_one, RowPlan &plan, int32_t *definitions) {
  plan.step_count = 0;
  for (int32_t i = 0; i < program.instruction_count; i++) {
    RowInstruction instruction = program.instructions[i];
    if (IsReduction(static_cast<RowOp>(instruction.op)) && rows_of_one) {
      instruction.op = static_cast<int32_t>(RowOp::kMaximum);  // of an element and itself
      instruction.b = instruction.a;
    }
    const RowOp op = static_cast<RowOp>(instruction.op);
    RowStep &step = plan.steps[plan.step_count];
    step = {};
    step.op = op;
    step.target = -1;
    if (op == RowOp::kLoad) {
      const RowOperand &operand = plan.operands[step.a = instruction.a];
      const int64_t stride = operand.strides[plan.rank - 1];
      step.per_row = stride == 0;
      step.in_place = !step.per_row && stride == 1 && operand.dtype == DType::kFloat32 && operand.apart;
    } else if (op == RowOp::kConstant) {
      step.per_row = true;
      std::memcpy(&step.constant, &instruction.a, 4);
    } else {
      const int count = OperandsOf(op);
      const RowStep &a = plan.steps[step.a = definitions[instruction.a]];
      const RowStep &b = plan.steps[step.b = count > 1 ? definitions[instruction.b] : step.a];
      const RowStep &c = plan.steps[step.c = count > 2 ? definitions[instruction.c] : step.a];
      step.per_row = IsReduction(op) || (a.per_row && b.per_row && c.per_row);
      const bool mixed = !step.per_row;  // values that are the same along the row lie like a row themselves
      step.function = ElementFunctionOf(op, mixed && a.per_row, mixed && b.per_row, mixed && c.per_row);
      step.level = a.level > b.level ? a.level : b.level;
      step.level = (step.level > c.level ? step.level : c.level) + (IsReduction(op) ? 1 : 0);
    }
    if (IsStore(op)) {
      step.slot = program.input_count + instruction.to;
      const RowOperand &output = plan.operands[step.slot];
      bool sums = false;
      int64_t kept = 1;
      for (int32_t d = plan.rank - 1; d >= 0; d--) {
        sums = sums || (output.strides[d] == 0 && plan.shape[d] != 1);
        step.sum_strides[d] = output.strides[d] == 0 ? 0 : kept;
        if (output.strides[d] != 0) kept *= plan.shape[d];
      }
      if (op == RowOp::kStoreSum && !sums) step.op = RowOp::kStore;
      step.group_sums = kept;
    } else {
      definitions[instruction.to] = plan.step_count;
    }
    plan.step_count++;
  }
}

// The outer dimensions that all sums keep make the groups.
inline void GroupSums(RowPlan &plan) {
  plan.sum_count = 0;
  plan.groups = 1;
  for (int32_t d = 0; d + 1 < plan.rank; d++) {
    bool kept = true;
    for (int32_t i = 0; i < plan.step_count; i++)
      kept = kept && (plan.steps[i].op != RowOp::kStoreSum || plan.steps[i].sum_strides[d] != 0);
    if (!kept) break;
    plan.groups *= plan.shape[d];
  }
  plan.group_rows = plan.groups > 0 ? plan.rows / plan.groups : 0;
  for (int32_t i = 0; i < plan.step_count; i++) {
    RowStep &step = plan.steps[i];
    if (step.op != RowOp::kStoreSum) continue;
    step.group_sums /= plan.groups;
    step.sums = plan.sum_count;
    plan.sum_count += step.group_sums;
  }
}

// Whether a step's result is but the operand of one other, which can do its work as well.
inline bool Fuses(const RowStep &step) { return step.uses == 1 && !step.per_row && !step.gone; }

inline void CountUses(RowPlan &plan) {
  for (int32_t i = 0; i < plan.step_count; i++) plan.steps[i].uses = 0;
  for (int32_t i = 0; i < plan.step_count; i++) {
    const RowStep &step = plan.steps[i];
    if (step.gone || step.op == RowOp::kLoad || step.op == RowOp::kConstant) continue;
    const int32_t operands[3] = {step.a, step.b, step.c};
    for (const int32_t operand : operands) plan.steps[operand].last_use = i;
    plan.steps[step.a].uses++;
    if (step.b != step.a) plan.steps[step.b].uses++;
    if (step.c != step.a && step.c != step.b) plan.steps[step.c].uses++;
  }
}

// Two operations of arithmetic become one; a product that is only summed is never stored.
inline void FuseSteps(RowPlan &plan) {
  CountUses(plan);
  for (int32_t i = 0; i < plan.step_count; i++) {
    RowStep &step = plan.steps[i];
    if (step.op == RowOp::kSquare) {  // as a product
      step.op = RowOp::kMultiply;
      const bool same = !step.per_row && plan.steps[step.a].per_row;
      step.function = ElementFunctionOf(step.op, same, same, same);
    }
    if (step.op == RowOp::kRowSum) {
      RowStep &product = plan.steps[step.a];
      if (!Fuses(product) || product.fused || product.op != RowOp::kMultiply) continue;
      if (plan.steps[product.a].per_row || plan.steps[product.b].per_row) continue;
      product.gone = true;
      step.fused = true;
      step.b = step.c = product.b;
      step.a = product.a;
    } else if (!step.per_row && OperandsOf(step.op) == 2 && step.a != step.b) {
      for (int k = 0; k < 2 && !step.fused; k++) {
        const bool swapped = k == 1;
        RowStep &first = plan.steps[swapped ? step.b : step.a];
        const int32_t other = swapped ? step.a : step.b;
        if (!Fuses(first) || first.fused || OperandsOf(first.op) != 2) continue;
        const bool same_c = plan.steps[other].per_row;
        const ElementFunction function = PairFunctionOf(first.op, step.op, swapped, plan.steps[first.a].per_row,
                                                        plan.steps[first.b].per_row, same_c);
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

// Results that are stored as they are go where they belong at once.
inline void AimAtOutputs(RowPlan &plan) {
  for (int32_t i = 0; i < plan.step_count; i++) {
    const RowStep &step = plan.steps[i];
    if (step.op != RowOp::kStore) continue;
    const RowOperand &output = plan.operands[step.slot];
    RowStep &value = plan.steps[step.a];
    if (!value.per_row && OperandsOf(value.op) > 0 && value.target < 0 && output.apart && output.dtype == DType::kFloat32 &&
        output.strides[plan.rank - 1] == 1)
      value.target = step.slot;
  }
}

// A tile for each result, as long as it is needed.
inline void AssignTiles(RowPlan &plan, int32_t *free_from) {
  plan.slot_count = 0;
  for (int32_t i = 0; i < plan.step_count; i++) {
    RowStep &step = plan.steps[i];
    if (step.gone || step.per_row || IsStore(step.op)) continue;
    if (step.op == RowOp::kLoad && step.in_place && plan.operands[step.a].straight) continue;
    if (step.target >= 0 && plan.operands[step.target].straight) continue;
    int32_t slot = 0;
    while (slot < plan.slot_count && free_from[slot] > i) slot++;
    if (slot == plan.slot_count) plan.slot_count++;
    step.slot = slot;
    free_from[slot] = step.last_use > i ? step.last_use : i + 1;
  }
}

inline void ChooseTile(RowPlan &plan) {
  const int64_t slots = plan.slot_count > 0 ? plan.slot_count : 1;
  // All tiles together stay in the first-level cache, or, for long rows, in the second.
  int64_t elements = 8192 / slots;
  elements = RoundUp(elements < 512 ? 512 : elements > 4096 ? 4096 : elements, 4 * kLanes);
  const int64_t longest = plan.reduces ? 131072 / slots : elements;
  int32_t levels = 0;
  for (int32_t i = 0; i < plan.step_count; i++) levels = plan.steps[i].level > levels ? plan.steps[i].level : levels;
  if (plan.columns > longest && plan.columns > RoundUp(elements, kTotalBlock) && levels < 32) {
    plan.tile_rows = 1;
    // Whole blocks of a sum (Total), so that a row's is the same whatever else is computed with it.
    plan.tile_columns = plan.tile_pitch = RoundUp(elements, kTotalBlock);
    plan.passes = levels + 1;
    for (int32_t i = plan.step_count - 1; i >= 0; i--) {
      RowStep &step = plan.steps[i];
      if (IsStore(step.op)) step.passes = 1u << levels;
      if (IsReduction(step.op)) step.passes = 1u << (step.level - 1);
      if (step.gone || step.op == RowOp::kLoad || step.op == RowOp::kConstant) continue;
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
  // A tile has a part of a group or whole ones.
  if (plan.sum_count > 0 && plan.group_rows < plan.tile_rows) plan.tile_rows -= plan.tile_rows % plan.group_rows;
  plan.passes = 1;
  for (int32_t i = 0; i < plan.step_count; i++) plan.steps[i].passes = plan.steps[i].gone ? 0 : 1;
}

// The memory that a plan takes, and the plan in it.
inline size_t RowPlanBytes(const RowProgram &program) {
  return sizeof(RowOperand) * (program.input_count + program.output_count) + sizeof(RowStep) * program.instruction_count +
         sizeof(int32_t) * (program.slot_count + program.instruction_count) + 64;
}

// A part of a program's loop, along one dimension.
struct RowPart {
  int32_t dimension;
  int64_t first, count;
};

inline RowPlan PlanRows(const RowProgram &program, char *memory, const RowPart &part) {
  RowPlan plan{};
  plan.rank = program.rank;
  std::memcpy(plan.shape, program.shape, sizeof plan.shape);
  if (plan.rank > 0) plan.shape[part.dimension] = part.count;
  plan.operand_count = program.input_count + program.output_count;
  plan.operands = reinterpret_cast<RowOperand *>(memory);
  plan.steps = reinterpret_cast<RowStep *>(plan.operands + plan.operand_count);
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
    plan.reduces = plan.reduces || (IsReduction(static_cast<RowOp>(program.instructions[i].op)) && !rows_of_one);
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
