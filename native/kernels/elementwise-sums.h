// Sums over rows: groups are cut into chunks, which are added up in order.
#pragma once

#include "kernels/elementwise-loop.h"

namespace siglip {
namespace SIGLIP_ISA {

// The memory that sums may take while they are added up.
constexpr int64_t kMaxSums = (32 << 20) / static_cast<int64_t>(sizeof(double));
// Of a group.
constexpr int64_t kMaxChunks = 32;

// How a group is cut into chunks, whose sums are added up in order. The cut depends on the group alone, not on the threads or other
// groups, so the sums have the same bits.
struct SumChunks {
  bool by_piece;           // a chunk is a part of the rows in one piece of the columns
  int64_t pieces, chunks;  // chunks: of the rows, or of each piece
};

inline SumChunks CutGroup(const ElementwisePlan &plan) {
  SumChunks cut{};
  cut.pieces = PiecesOf(plan);
  cut.by_piece = cut.pieces > 1;
  for (int32_t i = 0; i < plan.step_count; i++)
    cut.by_piece = cut.by_piece && (plan.steps[i].op != ElementwiseOp::kStoreSum || plan.steps[i].sum_strides[plan.rank - 1] != 0);
  const int64_t units = cut.by_piece ? plan.group_rows : plan.group_rows * cut.pieces;
  const int64_t limits[] = {cut.by_piece ? kMaxChunks / cut.pieces : kMaxChunks, units, WorkOf(plan, plan.group_rows) / kSmallWork,
                            plan.group_rows * plan.columns / (4 * plan.sum_count),  // adding up chunks takes little of the time
                            kMaxSums / plan.sum_count};
  cut.chunks = kMaxChunks;
  for (const int64_t limit : limits) cut.chunks = limit < cut.chunks ? limit : cut.chunks;
  if (cut.chunks < 1) cut.chunks = 1;
  return cut;
}

// Stores the sums of `groups` groups from `first` on: chunk after chunk.
inline void StoreSums(const ElementwisePlan &plan, const double *sums, int64_t first, int64_t groups, int64_t chunks,
                      Threads &threads) {
  for (int32_t i = 0; i < plan.step_count; i++) {
    const PlanStep &step = plan.steps[i];
    if (step.op != ElementwiseOp::kStoreSum) continue;
    const PlanOperand &output = plan.operands[step.slot];
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

inline void RunChunk(const ElementwisePlan &plan, const SumChunks &cut, int64_t group, int64_t piece, int64_t chunk,
                     ElementwiseState &state) {
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
inline void SumRows(const ElementwisePlan &plan, const SumChunks &cut, int64_t at_once, double *sums, Threads &threads) {
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
      ElementwiseState state = ScratchState(plan, threads, thread);
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

// The dimension along which a kernel is cut whose sums take too much memory, or −1: all sums keep it, and it is none of those that
// make the groups.
inline int32_t DimensionToCut(const ElementwiseProgram &program) {
  int32_t found = -1;
  bool reduces = false, outer = true;
  for (int32_t i = 0; i < program.instruction_count; i++)
    reduces = reduces || IsReduction(static_cast<ElementwiseOp>(program.instructions[i].op));
  for (int32_t d = 0; d < program.rank - (reduces ? 1 : 0); d++) {
    bool kept = true;
    for (int32_t i = 0; i < program.instruction_count; i++) {
      const ElementwiseInstruction &instruction = program.instructions[i];
      if (static_cast<ElementwiseOp>(instruction.op) == ElementwiseOp::kStoreSum)
        kept = kept && program.outputs[instruction.to].strides[d] != 0;
    }
    outer = outer && (kept || program.shape[d] == 1);
    if (kept && !outer && program.shape[d] > (found < 0 ? 1 : program.shape[found])) found = d;
  }
  return found;
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
