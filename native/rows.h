// Row programs: each thread takes its share of the rows tile by tile, and runs all steps on a tile while it is in the cache.
#pragma once

#include "convert.h"
#include "row-plan.h"

namespace siglip {
namespace SIGLIP_ISA {

struct RowTile {
  int64_t rows, column, columns;
  int64_t index[kMaxRank];    // of the first row
  bool in_run;                // the rows follow one another in the last dimension but one
};

// A task's own memory.
struct RowState {
  Values *values;             // of each step
  float *tiles;               // of each slot
  float *row_values;          // of each step
  double *partial;            // of each step: a reduction over a row in pieces
  int64_t *offsets;           // of each row
  double *sums;
  int64_t row_pitch, tile_size;
};

inline int64_t FirstOffset(const RowPlan &plan, const RowTile &tile, const int64_t *strides) {
  int64_t offset = tile.column * strides[plan.rank - 1];
  for (int32_t d = 0; d + 1 < plan.rank; d++) offset += tile.index[d] * strides[d];
  return offset;
}

// Where each row begins.
inline const int64_t *Offsets(const RowPlan &plan, const RowTile &tile, const int64_t *strides, int64_t *offsets) {
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
inline bool IsDirect(const RowPlan &plan, const RowOperand &operand, const RowTile &tile) {
  return plan.rank == 1 || tile.in_run || operand.straight;
}

inline Values Direct(const RowPlan &plan, const RowOperand &operand, const RowTile &tile) {
  return {reinterpret_cast<const float *>(operand.data) + FirstOffset(plan, tile, operand.strides),
          plan.rank > 1 ? operand.strides[plan.rank - 2] : 0};
}

inline void LoadTile(const RowPlan &plan, const RowStep &step, const RowTile &tile, RowState &state, Values &value) {
  const RowOperand &operand = plan.operands[step.a];
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

inline void StoreTile(const RowPlan &plan, const RowStep &step, const RowTile &tile, RowState &state) {
  const RowOperand &output = plan.operands[step.slot];
  const int64_t stride = output.strides[plan.rank - 1];
  const Values &value = state.values[step.a];
  if (plan.steps[step.a].target == step.slot && IsDirect(plan, output, tile)) return;  // it lies there
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

inline void SumTile(const RowPlan &plan, const RowStep &step, const RowTile &tile, RowState &state) {
  const Values &value = state.values[step.a];
  const bool per_row = plan.steps[step.a].per_row;
  const int64_t stride = step.sum_strides[plan.rank - 1];
  double *sums = state.sums + step.sums;
  const int64_t *offsets = Offsets(plan, tile, step.sum_strides, state.offsets);
  for (int64_t row = 0; row < tile.rows;) {
    int64_t end = row + 1;
    while (end < tile.rows && offsets[end] == offsets[row]) end++;
    double *to = sums + offsets[row];
    const Values rows{value.data + row * value.pitch, value.pitch};
    if (per_row) {
      double sum = 0;
      for (int64_t i = row; i < end; i++) sum += value.data[i * value.pitch];
      if (stride == 0) *to += sum * static_cast<double>(tile.columns);
      for (int64_t i = 0; stride != 0 && i < tile.columns; i++) to[i] += sum;
    } else if (stride == 0) {
      for (int64_t i = row; i < end; i++) *to += RowTotal(value.data + i * value.pitch, tile.columns);
    } else {
      AddColumns(rows, end - row, tile.columns, to);
    }
    row = end;
  }
}

inline void ReduceTile(const RowPlan &plan, const RowStep &step, const RowTile &tile, RowState &state, double *partial,
                       float *to) {
  const Values &value = state.values[step.a];
  const bool per_row = plan.steps[step.a].per_row, maximum = step.op == RowOp::kRowMax;
  for (int64_t row = 0; row < tile.rows; row++) {
    const float *from = value.data + row * value.pitch;
    double result;
    if (maximum) {
      result = per_row ? *from : RowMaximum(from, tile.columns);
    } else {
      const Values &other = state.values[step.b];
      result = per_row      ? static_cast<double>(*from) * static_cast<double>(tile.columns)
               : step.fused ? RowDot(from, other.data + row * other.pitch, tile.columns)
                            : RowTotal(from, tile.columns);
    }
    if (plan.passes > 1) {
      if (tile.column == 0) *partial = result;
      else if (!maximum) *partial += result;
      else if (!(result <= *partial)) *partial = *partial != *partial ? *partial : result;
      result = *partial;
    }
    to[row] = static_cast<float>(result);
  }
}

inline void RunTile(const RowPlan &plan, const RowTile &tile, uint32_t pass, RowState &state) {
  for (int32_t i = 0; i < plan.step_count; i++) {
    const RowStep &step = plan.steps[i];
    if (!(step.passes & pass) || step.op == RowOp::kConstant) continue;
    if (step.op == RowOp::kStore) {
      StoreTile(plan, step, tile, state);
      continue;
    }
    if (step.op == RowOp::kStoreSum) {
      SumTile(plan, step, tile, state);
      continue;
    }
    Values &value = state.values[i];
    if (step.per_row) {
      value = {state.row_values + i * state.row_pitch, 1};
    } else if (step.target >= 0 && IsDirect(plan, plan.operands[step.target], tile)) {
      value = Direct(plan, plan.operands[step.target], tile);
    } else {
      value = {state.tiles + step.slot * state.tile_size, plan.tile_pitch};
    }
    if (step.op == RowOp::kLoad) {
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
    } else if (a.pitch == value.pitch && b.pitch == value.pitch && c.pitch == value.pitch) {
      // One run, through what pads the rows as well.
      loop.columns += (tile.rows - 1) * value.pitch;
      loop.rows = 1;
    }
    step.function(loop);
  }
}

inline size_t RowStateBytes(const RowPlan &plan) {
  const int64_t row_pitch = RoundUp(plan.tile_rows, kLanes);
  return RoundUp(plan.step_count * sizeof(Values), 64) + RoundUp(plan.step_count * sizeof(double), 64) +
         RoundUp(plan.tile_rows * sizeof(int64_t), 64) +
         4 * (plan.step_count * row_pitch + plan.slot_count * plan.tile_rows * plan.tile_pitch);
}

inline RowState MakeRowState(const RowPlan &plan, char *memory, double *sums) {
  RowState state{};
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
  state.sums = sums;
  std::memset(sums, 0, static_cast<size_t>(plan.sum_count) * sizeof(double));
  for (int32_t i = 0; i < plan.step_count; i++) {
    if (plan.steps[i].op != RowOp::kConstant) continue;
    float *values = state.row_values + i * state.row_pitch;
    for (int64_t row = 0; row < plan.tile_rows; row++) values[row] = plan.steps[i].constant;
    state.values[i] = {values, 1};
  }
  return state;
}

// Rows [first, last), or pieces of rows where a row doesn't fit into a tile and needs but one pass.
inline void RunRows(const RowPlan &plan, int64_t first, int64_t last, RowState &state) {
  const int64_t run = plan.rank > 1 ? plan.shape[plan.rank - 2] : 1;
  const bool pieces = plan.tile_columns < plan.columns && plan.passes == 1;
  const int64_t pieces_a_row = pieces ? (plan.columns + plan.tile_columns - 1) / plan.tile_columns : 1;
  // Tiles that end where a run ends are simpler; only short runs are taken together.
  const bool cross = run < plan.tile_rows && run * plan.tile_pitch < 512;
  while (first < last) {
    RowTile tile{};
    int64_t row = first / pieces_a_row;
    tile.column = pieces ? (first - row * pieces_a_row) * plan.tile_columns : 0;
    tile.columns = plan.columns - tile.column < plan.tile_columns ? plan.columns - tile.column : plan.tile_columns;
    for (int32_t d = plan.rank - 2; d > 0; d--) {
      tile.index[d] = row % plan.shape[d];
      row /= plan.shape[d];
    }
    if (plan.rank > 1) tile.index[0] = row;
    tile.rows = last - first < plan.tile_rows ? last - first : plan.tile_rows;
    const int64_t left = plan.rank > 1 ? run - tile.index[plan.rank - 2] : 1;
    tile.in_run = tile.rows <= left;
    if (!tile.in_run && !cross) {
      tile.rows = left;
      tile.in_run = true;
    }
    if (plan.passes == 1) {
      RunTile(plan, tile, 1, state);
    } else {
      for (int32_t pass = 0; pass < plan.passes; pass++) {
        for (tile.column = 0; tile.column < plan.columns; tile.column += plan.tile_columns) {
          const int64_t rest = plan.columns - tile.column;
          tile.columns = rest < plan.tile_columns ? rest : plan.tile_columns;
          RunTile(plan, tile, 1u << pass, state);
        }
      }
    }
    first += tile.rows;
  }
}

// Adds up what the tasks have summed, always in the same order.
inline void StoreSums(const RowPlan &plan, const double *sums, int64_t tasks, Threads &threads) {
  for (int32_t i = 0; i < plan.step_count; i++) {
    const RowStep &step = plan.steps[i];
    if (step.op != RowOp::kStoreSum) continue;
    const RowOperand &output = plan.operands[step.slot];
    int64_t kept = 1;
    bool contiguous = true;
    for (int32_t d = 0; d < plan.rank; d++) {
      if (step.sum_strides[d] != 0) kept *= plan.shape[d];
      contiguous = contiguous && output.strides[d] == step.sum_strides[d];
    }
    const int64_t share = kept < 16384 ? kept : RoundUp((kept + threads.count() - 1) / threads.count(), 16);
    const auto store = [&](int64_t task, int) {
      const int64_t end = kept - task * share < share ? kept : (task + 1) * share;
      for (int64_t k = task * share; k < end; k++) {
        double sum = 0;
        for (int64_t t = 0; t < tasks; t++) sum += sums[t * plan.sum_count + step.sums + k];
        int64_t offset = k;
        if (!contiguous) {
          int64_t rest = k;
          offset = 0;
          for (int32_t d = plan.rank - 1; d >= 0; d--) {
            if (step.sum_strides[d] == 0) continue;
            offset += rest % plan.shape[d] * output.strides[d];
            rest /= plan.shape[d];
          }
        }
        SetElement(output.data, output.dtype, offset, static_cast<float>(sum));
      }
    };
    if (kept > 0) ParallelFor(threads, (kept + share - 1) / share, store);
  }
}

inline void Rows(const RowProgram &program, Threads &threads) {
  // The sums come last, where their number is known.
  char *memory = static_cast<char *>(threads.Shared(RowPlanBytes(program)));
  RowPlan plan = PlanRows(program, memory);
  if (plan.sum_count > 0) {
    memory = static_cast<char *>(threads.Shared(RoundUp(RowPlanBytes(program), 64) +
                                                sizeof(double) * plan.sum_count * threads.count()));
    plan = PlanRows(program, memory);
  }
  double *sums = reinterpret_cast<double *>(memory + RoundUp(RowPlanBytes(program), 64));
  const bool pieces = plan.tile_columns < plan.columns && plan.passes == 1;
  const int64_t units = plan.rows * (pieces ? (plan.columns + plan.tile_columns - 1) / plan.tile_columns : 1);
  const int64_t work = plan.rows * plan.columns * plan.step_count;
  const int64_t tasks = work < 65536 ? 1 : threads.count();
  const size_t bytes = RowStateBytes(plan);
  ParallelFor(threads, tasks, [&](int64_t task, int thread) {
    char *scratch = static_cast<char *>(threads.Scratch(thread, bytes));
    RowState state = MakeRowState(plan, scratch, sums + task * plan.sum_count);
    RunRows(plan, units * task / tasks, units * (task + 1) / tasks, state);
  });
  if (plan.sum_count > 0) StoreSums(plan, sums, tasks, threads);
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
