// Fused elementwise kernels. Each thread takes its share of the rows tile by tile, and runs all steps on a tile while it is cached.
#pragma once

#include "kernels/elementwise-sums.h"

namespace siglip {
namespace SIGLIP_ISA {

inline void RunElementwise(const ElementwiseProgram &program, Threads &threads) {
  // The sums come last, once their number is known.
  const int64_t plan_bytes = RoundUp(static_cast<int64_t>(ElementwisePlanBytes(program)), 64);
  LoopPart part{0, 0, program.rank > 0 ? program.shape[0] : 1};
  char *memory = static_cast<char *>(threads.Shared(static_cast<size_t>(plan_bytes)));
  ElementwisePlan plan = PlanElementwise(program, memory, part);
  if (plan.sum_count == 0) {
    const int64_t units = plan.rows * PiecesOf(plan);
    const int64_t tasks = WorkOf(plan, plan.rows) < kSmallWork ? 1 : threads.count();
    ParallelFor(threads, tasks, [&](int64_t task, int thread) {
      ElementwiseState state = ScratchState(plan, threads, thread);
      RunRows(plan, {units * task / tasks, units * (task + 1) / tasks, 1}, state);
    });
    return;
  }
  const int32_t dimension = plan.sum_count > kMaxSums ? DimensionToCut(program) : -1;
  int64_t whole = part.count;
  if (dimension >= 0) {
    whole = program.shape[dimension];
    const int64_t parts = (plan.sum_count + kMaxSums - 1) / kMaxSums;
    part = {dimension, 0, (whole + parts - 1) / parts};
  }
  const int64_t step = part.count;
  for (; part.first < whole; part.first += step) {
    if (whole - part.first < step) part.count = whole - part.first;
    plan = PlanElementwise(program, memory, part);
    const SumChunks cut = CutGroup(plan);
    int64_t at_once = kMaxSums / (cut.chunks * plan.sum_count);
    at_once = at_once < 1 ? 1 : at_once > plan.groups ? plan.groups : at_once;
    const int64_t sums = cut.chunks * at_once * plan.sum_count;
    // Growing may move the memory.
    memory = static_cast<char *>(threads.Shared(static_cast<size_t>(plan_bytes) + sizeof(double) * static_cast<size_t>(sums)));
    plan = PlanElementwise(program, memory, part);
    SumRows(plan, cut, at_once, reinterpret_cast<double *>(memory + plan_bytes), threads);
  }
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
