// Row programs: each thread takes its share of the rows tile by tile, and runs all steps on a tile while it is in the cache.
#pragma once

#include "kernels/convert.h"
#include "kernels/elementwise-plan.h"

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
  double *sums;               // of `groups` groups from `first_group` on
  int64_t first_group, groups;
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

inline void ReduceTile(const RowPlan &plan, const RowStep &step, const RowTile &tile, RowState &state, double *partial,
                       float *to) {
  const Values &value = state.values[step.a];
  const bool per_row = plan.steps[step.a].per_row, maximum = step.op == RowOp::kRowMax;
  const bool first = tile.column == 0;  // of the row's pieces, whose results are put together
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
    bool in_tile = false;
    if (step.per_row) {
      value = {state.row_values + i * state.row_pitch, 1};
    } else if (step.target >= 0 && IsDirect(plan, plan.operands[step.target], tile)) {
      value = Direct(plan, plan.operands[step.target], tile);
    } else {
      value = {state.tiles + step.slot * state.tile_size, plan.tile_pitch};
      in_tile = true;
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
    } else if (a.pitch == value.pitch && b.pitch == value.pitch && c.pitch == value.pitch &&
               (in_tile || value.pitch == tile.columns)) {
      // One run, through what pads the rows of a tile as well. Between the rows of an output lie other rows of it.
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

inline RowState MakeRowState(const RowPlan &plan, char *memory) {
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
  for (int32_t i = 0; i < plan.step_count; i++) {
    if (plan.steps[i].op != RowOp::kConstant) continue;
    float *values = state.row_values + i * state.row_pitch;
    for (int64_t row = 0; row < plan.tile_rows; row++) values[row] = plan.steps[i].constant;
    state.values[i] = {values, 1};
  }
  return state;
}

// How many tiles lie side by side in a row that doesn't fit into one and needs but one pass.
inline int64_t PiecesOf(const RowPlan &plan) {
  return plan.passes == 1 ? (plan.columns + plan.tile_columns - 1) / plan.tile_columns : 1;
}

// Which rows, or pieces of rows: every `step`-th of [first, last).
struct RowUnits {
  int64_t first, last, step;
};

inline void RunRows(const RowPlan &plan, const RowUnits &units, RowState &state) {
  const int64_t run = plan.rank > 1 ? plan.shape[plan.rank - 2] : 1;
  const int64_t pieces = PiecesOf(plan);
  // Tiles that end where a run ends are simpler; only short runs are taken together.
  const bool cross = run < plan.tile_rows && run * plan.tile_pitch < 512;
  for (int64_t first = units.first; first < units.last;) {
    RowTile tile{};
    int64_t row = first / pieces;
    tile.column = (first - row * pieces) * plan.tile_columns;
    tile.columns = plan.columns - tile.column < plan.tile_columns ? plan.columns - tile.column : plan.tile_columns;
    for (int32_t d = plan.rank - 2; d > 0; d--) {
      tile.index[d] = row % plan.shape[d];
      row /= plan.shape[d];
    }
    if (plan.rank > 1) tile.index[0] = row;
    tile.rows = units.last - first < plan.tile_rows ? units.last - first : plan.tile_rows;
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
    first += tile.rows * units.step;
  }
}

// Work below which one thread is faster than several.
constexpr int64_t kSmallWork = 65536;

inline int64_t WorkOf(const RowPlan &plan, int64_t rows) { return rows * plan.columns * plan.step_count; }

inline RowState ScratchState(const RowPlan &plan, Threads &threads, int thread) {
  return MakeRowState(plan, static_cast<char *>(threads.Scratch(thread, RowStateBytes(plan))));
}

// The most memory that sums take while they are added up.
constexpr int64_t kMostSums = (32 << 20) / static_cast<int64_t>(sizeof(double));
// Sums of this many parts of a group are added up apart, at most.
constexpr int64_t kMostChunks = 32;

// How a group is cut into chunks, whose sums are added up in their order. It depends on the group alone, neither on the threads
// nor on other groups: nor do the sums, to the last bit.
struct SumChunks {
  bool by_piece;              // a chunk is a part of the rows in one piece of the columns
  int64_t pieces, chunks;     // chunks: of the rows, or of each piece
};

inline SumChunks CutGroup(const RowPlan &plan) {
  SumChunks cut{};
  cut.pieces = PiecesOf(plan);
  cut.by_piece = cut.pieces > 1;
  for (int32_t i = 0; i < plan.step_count; i++)
    cut.by_piece = cut.by_piece && (plan.steps[i].op != RowOp::kStoreSum || plan.steps[i].sum_strides[plan.rank - 1] != 0);
  const int64_t units = cut.by_piece ? plan.group_rows : plan.group_rows * cut.pieces;
  const int64_t limits[] = {cut.by_piece ? kMostChunks / cut.pieces : kMostChunks, units,
                            WorkOf(plan, plan.group_rows) / kSmallWork,
                            plan.group_rows * plan.columns / (4 * plan.sum_count),  // to add chunks up shall take little of the time
                            kMostSums / plan.sum_count};
  cut.chunks = kMostChunks;
  for (const int64_t limit : limits) cut.chunks = limit < cut.chunks ? limit : cut.chunks;
  if (cut.chunks < 1) cut.chunks = 1;
  return cut;
}

// Stores the sums of `groups` groups from `first` on: chunk after chunk.
inline void StoreSums(const RowPlan &plan, const double *sums, int64_t first, int64_t groups, int64_t chunks, Threads &threads) {
  for (int32_t i = 0; i < plan.step_count; i++) {
    const RowStep &step = plan.steps[i];
    if (step.op != RowOp::kStoreSum) continue;
    const RowOperand &output = plan.operands[step.slot];
    bool contiguous = true;
    for (int32_t d = 0; d < plan.rank; d++) contiguous = contiguous && output.strides[d] == step.sum_strides[d];
    const int64_t kept = groups * step.group_sums, begin = first * step.group_sums;
    const int64_t share = kept < 16384 ? kept : RoundUp((kept + threads.count() - 1) / threads.count(), 16);
    const auto store = [&](int64_t task, int) {
      const int64_t end = kept - task * share < share ? kept : (task + 1) * share;
      for (int64_t k = task * share; k < end; k++) {
        double sum = 0;
        for (int64_t chunk = 0; chunk < chunks; chunk++) sum += sums[groups * (chunk * plan.sum_count + step.sums) + k];
        int64_t offset = begin + k;
        if (!contiguous) {
          int64_t rest = begin + k;
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

inline void RunChunk(const RowPlan &plan, const SumChunks &cut, int64_t group, int64_t piece, int64_t chunk, RowState &state) {
  const int64_t units = cut.by_piece ? plan.group_rows : plan.group_rows * cut.pieces;
  const int64_t first = units * chunk / cut.chunks, last = units * (chunk + 1) / cut.chunks;
  const int64_t start = group * plan.group_rows * cut.pieces;
  if (cut.by_piece) {
    RunRows(plan, {start + first * cut.pieces + piece, start + last * cut.pieces, cut.pieces}, state);
  } else {
    RunRows(plan, {start + first, start + last, 1}, state);
  }
}

// Runs a plan that sums, as many groups at once as `sums` has room for.
inline void SumRows(const RowPlan &plan, const SumChunks &cut, int64_t at_once, double *sums, Threads &threads) {
  const bool small = WorkOf(plan, plan.rows) < kSmallWork;
  for (int64_t first = 0; first < plan.groups; first += at_once) {
    const int64_t groups = plan.groups - first < at_once ? plan.groups - first : at_once;
    const int64_t pieces = cut.by_piece ? cut.pieces : 1, chunks = groups * pieces * cut.chunks;
    const int64_t area = groups * plan.sum_count;
    const int64_t most = 8 * threads.count();
    const int64_t tasks = small ? 1 : chunks < most ? chunks : most;
    const int64_t zeroing = area * cut.chunks < 65536 ? 1 : threads.count();
    ParallelFor(threads, zeroing, [&](int64_t task, int) {
      const int64_t begin = area * cut.chunks * task / zeroing, end = area * cut.chunks * (task + 1) / zeroing;
      std::memset(sums + begin, 0, static_cast<size_t>(end - begin) * sizeof(double));
    });
    ParallelFor(threads, tasks, [&](int64_t task, int thread) {
      RowState state = ScratchState(plan, threads, thread);
      state.first_group = first;
      state.groups = groups;
      state.sums = sums;
      const int64_t begin = chunks * task / tasks, end = chunks * (task + 1) / tasks;
      if (chunks == groups && plan.group_rows < plan.tile_rows) {
        // Tiles of whole groups.
        const int64_t units = plan.group_rows * cut.pieces;
        RunRows(plan, {(first + begin) * units, (first + end) * units, 1}, state);
        return;
      }
      for (int64_t i = begin; i < end; i++) {
        const int64_t chunk = i % cut.chunks, piece = i / cut.chunks % pieces, group = i / cut.chunks / pieces;
        state.sums = sums + chunk * area;
        RunChunk(plan, cut, first + group, piece, chunk, state);
      }
    });
    StoreSums(plan, sums, first, groups, cut.chunks, threads);
  }
}

// The dimension along which a program whose sums take too much memory is cut: kept by all sums, and not one of those along which
// they are added up apart anyway. Or −1.
inline int32_t DimensionToCut(const RowProgram &program) {
  int32_t found = -1;
  bool reduces = false, outer = true;
  for (int32_t i = 0; i < program.instruction_count; i++)
    reduces = reduces || IsReduction(static_cast<RowOp>(program.instructions[i].op));
  for (int32_t d = 0; d < program.rank - (reduces ? 1 : 0); d++) {
    bool kept = true;
    for (int32_t i = 0; i < program.instruction_count; i++) {
      const RowInstruction &instruction = program.instructions[i];
      if (static_cast<RowOp>(instruction.op) == RowOp::kStoreSum)
        kept = kept && program.outputs[instruction.to].strides[d] != 0;
    }
    outer = outer && (kept || program.shape[d] == 1);
    if (kept && !outer && program.shape[d] > (found < 0 ? 1 : program.shape[found])) found = d;
  }
  return found;
}

inline void Rows(const RowProgram &program, Threads &threads) {
  // The sums come last, where their number is known.
  const int64_t plan_bytes = RoundUp(static_cast<int64_t>(RowPlanBytes(program)), 64);
  RowPart part{0, 0, program.rank > 0 ? program.shape[0] : 1};
  char *memory = static_cast<char *>(threads.Shared(static_cast<size_t>(plan_bytes)));
  RowPlan plan = PlanRows(program, memory, part);
  if (plan.sum_count == 0) {
    const int64_t units = plan.rows * PiecesOf(plan);
    const int64_t tasks = WorkOf(plan, plan.rows) < kSmallWork ? 1 : threads.count();
    ParallelFor(threads, tasks, [&](int64_t task, int thread) {
      RowState state = ScratchState(plan, threads, thread);
      RunRows(plan, {units * task / tasks, units * (task + 1) / tasks, 1}, state);
    });
    return;
  }
  const int32_t dimension = plan.sum_count > kMostSums ? DimensionToCut(program) : -1;
  int64_t whole = part.count;
  if (dimension >= 0) {
    whole = program.shape[dimension];
    const int64_t parts = (plan.sum_count + kMostSums - 1) / kMostSums;
    part = {dimension, 0, (whole + parts - 1) / parts};
  }
  const int64_t step = part.count;
  for (; part.first < whole; part.first += step) {
    if (whole - part.first < step) part.count = whole - part.first;
    plan = PlanRows(program, memory, part);
    const SumChunks cut = CutGroup(plan);
    int64_t at_once = kMostSums / (cut.chunks * plan.sum_count);
    at_once = at_once < 1 ? 1 : at_once > plan.groups ? plan.groups : at_once;
    const int64_t sums = cut.chunks * at_once * plan.sum_count;
    // What is asked for anew may lie elsewhere.
    memory = static_cast<char *>(threads.Shared(static_cast<size_t>(plan_bytes) + sizeof(double) * static_cast<size_t>(sums)));
    plan = PlanRows(program, memory, part);
    SumRows(plan, cut, at_once, reinterpret_cast<double *>(memory + plan_bytes), threads);
  }
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
