// The loop over the tiles of a plan.
#pragma once

#include "kernels/elementwise-tile.h"

namespace siglip {
namespace SIGLIP_ISA {

// How many tiles lie side by side in a row that is larger than a tile and needs one pass.
inline int64_t PiecesOf(const ElementwisePlan &plan) {
  return plan.passes == 1 ? (plan.columns + plan.tile_columns - 1) / plan.tile_columns : 1;
}

// Rows, or pieces of rows: every `step`-th of [first, last).
struct LoopUnits {
  int64_t first, last, step;
};

inline void RunRows(const ElementwisePlan &plan, const LoopUnits &units, ElementwiseState &state) {
  const int64_t run = plan.rank > 1 ? plan.shape[plan.rank - 2] : 1;
  const int64_t pieces = PiecesOf(plan);
  // Tiles that end where a run ends are simpler; only short runs are taken together.
  const bool cross = run < plan.tile_rows && run * plan.tile_pitch < 512;
  for (int64_t first = units.first; first < units.last;) {
    ElementwiseTile tile{};
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

// Below this many operations one thread is faster than several.
constexpr int64_t kSmallWork = 65536;

inline int64_t WorkOf(const ElementwisePlan &plan, int64_t rows) { return rows * plan.columns * plan.step_count; }

inline ElementwiseState ScratchState(const ElementwisePlan &plan, Threads &threads, int thread) {
  return MakeState(plan, static_cast<char *>(threads.Scratch(thread, ElementwiseStateBytes(plan))));
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
