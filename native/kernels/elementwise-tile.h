// The steps of a plan on one tile of rows.
#pragma once

#include "kernels/convert.h"
#include "kernels/elementwise-plan.h"

namespace siglip {
namespace SIGLIP_ISA {

struct ElementwiseTile {
  int64_t rows, column, columns;
  int64_t index[kMaxRank];  // of the first row
  bool in_run;              // the rows are neighbours in the last dimension but one
};

// A task's own memory.
struct ElementwiseState {
  Values *values;     // of each step
  float *tiles;       // of each slot
  float *row_values;  // of each step
  double *partial;    // of each step: a reduction over a row in pieces
  int64_t *offsets;   // of each row
  double *sums;       // of `groups` groups from `first_group` on
  int64_t first_group, groups;
  int64_t row_pitch, tile_size;
};

inline int64_t FirstOffset(const ElementwisePlan &plan, const ElementwiseTile &tile, const int64_t *strides) {
  int64_t offset = tile.column * strides[plan.rank - 1];
  for (int32_t d = 0; d + 1 < plan.rank; d++) offset += tile.index[d] * strides[d];
  return offset;
}

// Where each row begins.
inline const int64_t *Offsets(const ElementwisePlan &plan, const ElementwiseTile &tile, const int64_t *strides, int64_t *offsets) {
  int64_t index[kMaxRank];
  std::memcpy(index, tile.index, sizeof index);
  int64_t offset = FirstOffset(plan, tile, strides);
  for (int64_t row = 0; row < tile.rows; row++) {
    offsets[row] = offset;
    for (int32_t d = plan.rank - 2; d >= 0; d--) {
      offset += strides[d];
      if (++index[d] < plan.shape[d]) break;
      offset -= strides[d] * plan.shape[d];
      index[d] = 0;
    }
  }
  return offsets;
}

// Whether a tile's rows follow one another by one stride.
inline bool IsDirect(const ElementwisePlan &plan, const PlanOperand &operand, const ElementwiseTile &tile) {
  return plan.rank == 1 || tile.in_run || operand.straight;
}

inline Values Direct(const ElementwisePlan &plan, const PlanOperand &operand, const ElementwiseTile &tile) {
  return {reinterpret_cast<const float *>(operand.data) + FirstOffset(plan, tile, operand.strides),
          plan.rank > 1 ? operand.strides[plan.rank - 2] : 0};
}

inline void LoadTile(const ElementwisePlan &plan, const PlanStep &step, const ElementwiseTile &tile, ElementwiseState &state,
                     Values &value) {
  const PlanOperand &operand = plan.operands[step.a];
  const int64_t stride = operand.strides[plan.rank - 1];
  if (step.in_place && IsDirect(plan, operand, tile)) {
    value = Direct(plan, operand, tile);
    return;
  }
  float *to = const_cast<float *>(value.data);
  const int64_t *offsets = Offsets(plan, tile, operand.strides, state.offsets);
  if (step.per_row) {
    for (int64_t row = 0; row < tile.rows; row++) to[row] = ElementAt(operand.data, operand.dtype, offsets[row]);
  } else {
    for (int64_t row = 0; row < tile.rows; row++)
      LoadRun(operand.data, operand.dtype, offsets[row], stride, tile.columns, to + row * value.pitch);
  }
}

inline void StoreTile(const ElementwisePlan &plan, const PlanStep &step, const ElementwiseTile &tile, ElementwiseState &state) {
  const PlanOperand &output = plan.operands[step.slot];
  const int64_t stride = output.strides[plan.rank - 1];
  const Values &value = state.values[step.a];
  if (plan.steps[step.a].target == step.slot && IsDirect(plan, output, tile)) return;  // it is there already
  const bool one_a_row = stride == 0 || plan.columns == 1;
  if (one_a_row && tile.column > 0) return;
  const int64_t *offsets = Offsets(plan, tile, output.strides, state.offsets);
  for (int64_t row = 0; row < tile.rows; row++) {
    const float *from = value.data + row * value.pitch;
    if (one_a_row) {
      SetElement(output.data, output.dtype, offsets[row], *from);
    } else if (plan.steps[step.a].per_row) {
      for (int64_t i = 0; i < tile.columns; i++) SetElement(output.data, output.dtype, offsets[row] + i * stride, *from);
    } else {
      StoreRun(from, tile.columns, output.data, output.dtype, offsets[row], stride);
    }
  }
}

inline void SumTile(const ElementwisePlan &plan, const PlanStep &step, const ElementwiseTile &tile, ElementwiseState &state) {
  const Values &value = state.values[step.a];
  const bool per_row = plan.steps[step.a].per_row;
  const int64_t stride = step.sum_strides[plan.rank - 1];
  const int64_t first = state.groups * step.sums - state.first_group * step.group_sums;
  const int64_t *offsets = Offsets(plan, tile, step.sum_strides, state.offsets);
  for (int64_t row = 0; row < tile.rows;) {
    int64_t end = row + 1;
    while (end < tile.rows && offsets[end] == offsets[row]) end++;
    double *to = state.sums + (first + offsets[row]);
    const Values rows{value.data + row * value.pitch, value.pitch};
    if (per_row) {
      for (int64_t i = row; i < end; i++) {
        const double same = value.data[i * value.pitch];
        if (stride == 0) *to += same * static_cast<double>(tile.columns);
        for (int64_t j = 0; stride != 0 && j < tile.columns; j++) to[j] += same;
      }
    } else if (stride == 0) {
      for (int64_t i = row; i < end; i++) *to = RowTotal(*to, value.data + i * value.pitch, tile.columns);
    } else {
      AddColumns(rows, end - row, tile.columns, to);
    }
    row = end;
  }
}

inline void ReduceTile(const ElementwisePlan &plan, const PlanStep &step, const ElementwiseTile &tile, ElementwiseState &state,
                       double *partial, float *to) {
  const Values &value = state.values[step.a];
  const bool per_row = plan.steps[step.a].per_row, maximum = step.op == ElementwiseOp::kRowMax;
  const bool first = tile.column == 0;  // of the row's pieces, whose results are combined
  for (int64_t row = 0; row < tile.rows; row++) {
    const float *from = value.data + row * value.pitch;
    double result;
    if (maximum) {
      result = per_row ? *from : RowMaximum(from, tile.columns);
      if (!first && (result <= *partial || *partial != *partial)) result = *partial;
    } else {
      const Values &other = state.values[step.b];
      const double before = first ? 0 : *partial;
      result = per_row      ? before + static_cast<double>(*from) * static_cast<double>(tile.columns)
               : step.fused ? RowDot(before, from, other.data + row * other.pitch, tile.columns)
                            : RowTotal(before, from, tile.columns);
    }
    if (plan.passes > 1) *partial = result;
    to[row] = static_cast<float>(result);
  }
}

inline void RunTile(const ElementwisePlan &plan, const ElementwiseTile &tile, uint32_t pass, ElementwiseState &state) {
  for (int32_t i = 0; i < plan.step_count; i++) {
    const PlanStep &step = plan.steps[i];
    if (!(step.passes & pass) || step.op == ElementwiseOp::kConstant) continue;
    if (step.op == ElementwiseOp::kStore) {
      StoreTile(plan, step, tile, state);
      continue;
    }
    if (step.op == ElementwiseOp::kStoreSum) {
      SumTile(plan, step, tile, state);
      continue;
    }
    Values &value = state.values[i];
    bool in_tile = false;
    if (step.per_row) {
      value = {state.row_values + i * state.row_pitch, 1};
    } else if (step.target >= 0 && IsDirect(plan, plan.operands[step.target], tile)) {
      value = Direct(plan, plan.operands[step.target], tile);
    } else {
      value = {state.tiles + step.slot * state.tile_size, plan.tile_pitch};
      in_tile = true;
    }
    if (step.op == ElementwiseOp::kLoad) {
      LoadTile(plan, step, tile, state, value);
      continue;
    }
    float *to = const_cast<float *>(value.data);
    if (IsReduction(step.op)) {
      ReduceTile(plan, step, tile, state, state.partial + i, to);
      continue;
    }
    const Values a = state.values[step.a], b = state.values[step.b], c = state.values[step.c];
    ElementLoop loop{to, value.pitch, a, b, c, tile.rows, tile.columns};
    if (step.per_row) {
      loop.rows = 1;
      loop.columns = tile.rows;
    } else if (a.pitch == value.pitch && b.pitch == value.pitch && c.pitch == value.pitch &&
               (in_tile || value.pitch == tile.columns)) {
      // One run, through the padding of a tile's rows as well. In an output, other rows may lie between.
      loop.columns += (tile.rows - 1) * value.pitch;
      loop.rows = 1;
    }
    step.function(loop);
  }
}

inline size_t ElementwiseStateBytes(const ElementwisePlan &plan) {
  const int64_t row_pitch = RoundUp(plan.tile_rows, kLanes);
  return RoundUp(plan.step_count * sizeof(Values), 64) + RoundUp(plan.step_count * sizeof(double), 64) +
         RoundUp(plan.tile_rows * sizeof(int64_t), 64) +
         4 * (plan.step_count * row_pitch + plan.slot_count * plan.tile_rows * plan.tile_pitch);
}

inline ElementwiseState MakeState(const ElementwisePlan &plan, char *memory) {
  ElementwiseState state{};
  const auto take = [&memory](size_t bytes) {
    char *taken = memory;
    memory += RoundUp(static_cast<int64_t>(bytes), 64);
    return taken;
  };
  state.values = reinterpret_cast<Values *>(take(plan.step_count * sizeof(Values)));
  state.partial = reinterpret_cast<double *>(take(plan.step_count * sizeof(double)));
  state.offsets = reinterpret_cast<int64_t *>(take(plan.tile_rows * sizeof(int64_t)));
  state.row_pitch = RoundUp(plan.tile_rows, kLanes);
  state.tile_size = plan.tile_rows * plan.tile_pitch;
  state.row_values = reinterpret_cast<float *>(memory);
  state.tiles = state.row_values + plan.step_count * state.row_pitch;
  for (int32_t i = 0; i < plan.step_count; i++) {
    if (plan.steps[i].op != ElementwiseOp::kConstant) continue;
    float *values = state.row_values + i * state.row_pitch;
    for (int64_t row = 0; row < plan.tile_rows; row++) values[row] = plan.steps[i].constant;
    state.values[i] = {values, 1};
  }
  return state;
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
