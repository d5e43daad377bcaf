// c = activation(alpha · a·b + bias) + residual, for all sizes, strides and ISAs.
#pragma once

#include "gemm/macrokernel.h"
#include "gemm/microkernel-simd.h"
#if defined(__AMX_BF16__) && defined(__AVX512BF16__)
#include "gemm/microkernel-amx.h"
#endif

namespace siglip {
namespace SIGLIP_ISA {

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)
using Bf16Microkernel = AmxMicrokernel;
constexpr bool kPacksWeights = true;
#else
using Bf16Microkernel = SimdMicrokernel<true>;
constexpr bool kPacksWeights = false;  // they would be as large as float32
#endif

// Elements from the start of `view` to that of matrix `index` of the batch; dimensions that it lacks or that are 1 repeat.
inline int64_t BatchOffset(const View &view, const View &c, int64_t index) {
  int64_t offset = 0;
  for (int32_t i = c.rank - 3; i >= 0; i--) {
    const int32_t own = i - (c.rank - view.rank);
    if (own >= 0 && view.shape[own] > 1) offset += index % c.shape[i] * view.strides[own];
    index /= c.shape[i];
  }
  return offset;
}

inline char *At(const View &view, int64_t offset) {
  return static_cast<char *>(view.data) + offset * static_cast<int64_t>(SizeOf(view.dtype));
}

inline Lines LinesOfA(const View &view, int64_t offset) {
  const int32_t row = view.rank - 2, column = view.rank - 1;
  return {At(view, offset), view.dtype, view.shape[row], view.shape[column], view.strides[row], view.strides[column]};
}

inline Lines LinesOfB(const View &view, int64_t offset) {
  const int32_t row = view.rank - 2, column = view.rank - 1;
  return {At(view, offset), view.dtype, view.shape[column], view.shape[row], view.strides[column], view.strides[row]};
}

inline int64_t StrideOf(const View &view, int32_t dimension) { return view.shape[dimension] > 1 ? view.strides[dimension] : 0; }

template <typename Microkernel>
Epilogue EpilogueOf(const Gemm &gemm, const GemmPlan &plan, int64_t index) {
  const View &c = gemm.c;
  Epilogue epilogue{};
  epilogue.c = At(c, BatchOffset(c, c, index));
  epilogue.c_stride = c.strides[c.rank - 2];
  if (gemm.residual != nullptr) {
    const View &residual = *gemm.residual;
    epilogue.residual = At(residual, BatchOffset(residual, c, index));
    epilogue.residual_stride = residual.rank > 1 ? StrideOf(residual, residual.rank - 2) : 0;
    epilogue.residual_step = StrideOf(residual, residual.rank - 1);
  }
  if (gemm.bias != nullptr) {
    epilogue.bias = static_cast<const float *>(gemm.bias->data);
    epilogue.bias_step = StrideOf(*gemm.bias, gemm.bias->rank - 1);
  }
  epilogue.alpha = gemm.alpha;
  epilogue.ahead = plan.a_cached ? Microkernel::kMr * epilogue.c_stride : Microkernel::kNr;
  const auto choose =
      c.dtype == DType::kBFloat16 ? EpilogueWithActivation<DType::kBFloat16> : EpilogueWithActivation<DType::kFloat32>;
  epilogue.rows = choose(gemm.activation, gemm.residual);
  return epilogue;
}

// A thread's claims of panels, some at once.
struct Claims {
  int64_t &unclaimed;  // of all threads
  const int64_t at_once;
  int64_t next = 0, end = 0;

  int64_t Next() {
    if (next == end) {
      next = __atomic_fetch_add(&unclaimed, at_once, __ATOMIC_RELAXED);
      end = next + at_once;
    }
    return next++;
  }
};

// One operand is small: all of its panels are packed at first and stay cached. Each thread claims panels of the other, packs and
// multiplies them, so a thread that is held up leaves more of them to the others.
template <typename Microkernel>
void MultiplyClaimed(const Gemm &gemm, const GemmPlan &plan, Threads &threads) {
  using Element = typename Microkernel::Element;
  constexpr int64_t kSize = sizeof(Element), kSums = Microkernel::kMr * Microkernel::kNr;
  const bool a_cached = plan.a_cached;
  const Lines a = LinesOfA(gemm.a, 0), b = LinesOfB(gemm.b, 0);
  const Lines &cached_lines = a_cached ? a : b, &streamed_lines = a_cached ? b : a;
  const int64_t cached_panels = plan.cached_panels(), streamed_panels = plan.streamed_panels();
  const int64_t cached_width = WidthOf<Microkernel>(a_cached), streamed_width = WidthOf<Microkernel>(!a_cached);
  const int64_t step = cached_width * plan.depth, streamed_bytes = streamed_width * plan.depth * kSize;
  Element *cached = static_cast<Element *>(threads.Shared(static_cast<size_t>(cached_panels * step * kSize)));
  PackAll(1, cached_panels, step, cached, threads, [&](int64_t, int64_t panel, int64_t count, Element *to) {
    PackPanels<Microkernel>(a_cached, cached_lines, panel, count, 0, plan.depth, to, step);
  });

  const Epilogue epilogue = EpilogueOf<Microkernel>(gemm, plan, 0);
  const int64_t panel_sums = cached_panels * kSums;
  const int64_t kc_steps = CeilDivide(plan.depth, plan.kc), sums_at = RoundUp(streamed_bytes, 64);
  const int64_t bytes = sums_at + 2 * panel_sums * 4;  // the sums of a panel and of the one before
  // Small neighbours are claimed together: their lines come from memory one after the other.
  const int64_t at_once = Max(1, Min(kClaimedAtOnce / streamed_bytes, streamed_panels / (8 * threads.count())));
  int64_t unclaimed = 0;
  ParallelFor(threads, threads.count(), [&](int64_t, int thread) {
    Claims claims{unclaimed, at_once};
    char *scratch = static_cast<char *>(threads.Scratch(thread, static_cast<size_t>(bytes)));
    Element *streamed = reinterpret_cast<Element *>(scratch);
    float *sums = reinterpret_cast<float *>(scratch + sums_at), *sums_before = sums + panel_sums;
    Interleaved<Microkernel> interleaved{epilogue, plan};
    Microkernel::Begin();
    for (int64_t j = claims.Next(), next; j < streamed_panels; j = next) {
      next = claims.Next();
      PackPanels<Microkernel>(!a_cached, streamed_lines, j, 1, 0, plan.depth, streamed, 0);
      for (int64_t start = 0; start < plan.depth; start += plan.kc) {
        if (start == 0 && next < streamed_panels) {
          interleaved.PlanPrefetch(streamed_lines, next, 0, plan.depth, cached_panels * kc_steps);
        }
        Macrokernel(cached + start * cached_width, 0, cached_panels, step, streamed + start * streamed_width, j, start,
                    Min(plan.kc, plan.depth - start), sums, interleaved);
      }
      interleaved.PlanEpilogue(sums, cached_panels, 0, j, kc_steps);
      float *const used = sums;
      sums = sums_before, sums_before = used;
    }
    interleaved.RunEpilogue(cached_panels * Microkernel::kMr);
    Microkernel::End();
  });
}

// The tasks of a product. A thread's scratch holds the cached panels, one streamed panel or all (unless they are packed already),
// and the sums of all tiles of a streamed panel, of this one and the one before; of all panels if k is packed in parts.
template <typename Microkernel>
class GemmTasks {
  using Element = typename Microkernel::Element;
  static constexpr int64_t kSize = sizeof(Element), kSums = Microkernel::kMr * Microkernel::kNr;

 public:
  GemmTasks(const Gemm &gemm, const GemmPlan &plan)
      : gemm_(gemm),
        plan_(plan),
        packed_(static_cast<const Element *>(gemm.packed)),
        cached_width_(WidthOf<Microkernel>(plan.a_cached)),
        streamed_width_(WidthOf<Microkernel>(!plan.a_cached)),
        streamed_size_(streamed_width_ * plan.depth) {}

  void Run(Threads &threads) {
    if (plan_.shared) PackStreamed(threads);
    const bool a_cached = plan_.a_cached;
    const int64_t max_cached = a_cached ? plan_.mc_panels : plan_.nc_panels;
    const int64_t max_streamed = a_cached ? plan_.nc_panels : plan_.mc_panels;
    kept_streamed_ = plan_.packed_k < plan_.depth ? max_streamed : 2;
    streamed_at_ = RoundUp(max_cached * cached_width_ * plan_.packed_k * kSize, 64);
    const int64_t packed_streamed = packed_ != nullptr ? 0 : plan_.together ? max_streamed : 1;
    sums_at_ = streamed_at_ + RoundUp(packed_streamed * streamed_width_ * plan_.packed_k * kSize, 64);
    const int64_t bytes = sums_at_ + max_cached * kept_streamed_ * kSums * 4;
    ParallelFor(threads, plan_.tasks(), [&](int64_t task, int thread) {
      RunTask(task, static_cast<char *>(threads.Scratch(thread, static_cast<size_t>(bytes))));
    });
  }

 private:
  Lines LinesOf(bool of_a, int64_t index) const {
    return of_a ? LinesOfA(gemm_.a, BatchOffset(gemm_.a, gemm_.c, index)) : LinesOfB(gemm_.b, BatchOffset(gemm_.b, gemm_.c, index));
  }

  void PackStreamed(Threads &threads) {
    const int64_t panels = plan_.streamed_panels();
    Element *to = static_cast<Element *>(threads.Shared(static_cast<size_t>(plan_.batch * panels * streamed_size_ * kSize)));
    PackAll(plan_.batch, panels, streamed_size_, to, threads, [&](int64_t index, int64_t panel, int64_t count, Element *target) {
      PackPanels<Microkernel>(!plan_.a_cached, LinesOf(!plan_.a_cached, index), panel, count, 0, plan_.depth, target,
                              streamed_size_);
    });
    packed_ = to;
  }

  // A task's block of c, and its operands.
  struct Task {
    int64_t index;                 // of the matrix
    int64_t first, cached_panels;  // of the cached operand
    int64_t streamed_first, streamed_end;
    Lines cached_lines, streamed_lines;
    Element *cached, *streamed;  // packed in scratch
    float *sums;
  };

  void RunTask(int64_t task, char *scratch) const {
    const bool a_cached = plan_.a_cached;
    const int64_t index = task / (plan_.m_tasks * plan_.n_tasks);
    const int64_t a = task / plan_.n_tasks % plan_.m_tasks * plan_.mc_panels;
    const int64_t b = task % plan_.n_tasks * plan_.nc_panels;
    const int64_t a_end = Min(a + plan_.mc_panels, plan_.a_panels), b_end = Min(b + plan_.nc_panels, plan_.b_panels);
    const int64_t first = a_cached ? a : b;
    const Task now{index,
                   first,
                   (a_cached ? a_end : b_end) - first,
                   a_cached ? b : a,
                   a_cached ? b_end : a_end,
                   LinesOf(a_cached, index),
                   LinesOf(!a_cached, index),
                   reinterpret_cast<Element *>(scratch),
                   reinterpret_cast<Element *>(scratch + streamed_at_),
                   reinterpret_cast<float *>(scratch + sums_at_)};
    const Epilogue epilogue = EpilogueOf<Microkernel>(gemm_, plan_, index);
    Interleaved<Microkernel> interleaved{epilogue, plan_};
    Microkernel::Begin();
    int64_t start = 0;
    do {
      const int64_t packed_k = Min(plan_.packed_k, plan_.depth - start);
      MultiplyPart(now, start, packed_k, interleaved);
      start += packed_k;
    } while (start < plan_.depth);
    interleaved.RunEpilogue(now.cached_panels * Microkernel::kMr);
    Microkernel::End();
  }

  // The task's part from k = start on, packed_k deep.
  void MultiplyPart(const Task &task, int64_t start, int64_t packed_k, Interleaved<Microkernel> &interleaved) const {
    const int64_t kc_steps = CeilDivide(Max(1, packed_k), plan_.kc);
    PackPanels<Microkernel>(plan_.a_cached, task.cached_lines, task.first, task.cached_panels, start, packed_k, task.cached,
                            cached_width_ * packed_k);
    if (plan_.together) {
      PackPanels<Microkernel>(!plan_.a_cached, task.streamed_lines, task.streamed_first, task.streamed_end - task.streamed_first,
                              start, packed_k, task.streamed, streamed_width_ * packed_k);
    }
    for (int64_t j = task.streamed_first; j < task.streamed_end; j++) {
      const Element *streamed = task.streamed;
      if (plan_.together) {
        streamed += (j - task.streamed_first) * streamed_width_ * packed_k;
      } else if (packed_ == nullptr) {
        PackPanels<Microkernel>(!plan_.a_cached, task.streamed_lines, j, 1, start, packed_k, task.streamed, 0);
      } else {
        const int64_t panel = gemm_.packed != nullptr ? j : task.index * plan_.streamed_panels() + j;
        streamed = packed_ + panel * streamed_size_ + start * streamed_width_;
      }
      float *sums = task.sums + (j - task.streamed_first) % kept_streamed_ * task.cached_panels * kSums;
      MultiplyPanel(task, j, streamed, start, packed_k, kc_steps, sums, interleaved);
      if (start + packed_k == plan_.depth) interleaved.PlanEpilogue(sums, task.cached_panels, task.first, j, kc_steps);
    }
  }

  // One streamed panel with all cached ones, kc deep at a time.
  void MultiplyPanel(const Task &task, int64_t j, const Element *streamed, int64_t start, int64_t packed_k, int64_t kc_steps,
                     float *sums, Interleaved<Microkernel> &interleaved) const {
    const int64_t step = cached_width_ * packed_k;
    int64_t k = 0;
    do {
      const int64_t depth = Min(plan_.kc, packed_k - k), bytes = depth * streamed_width_ * kSize;
      const bool is_last = k + depth == packed_k;
      const Element *part = streamed + k * streamed_width_;
      if (packed_ != nullptr) {  // what is next lies behind this part, or at the same k in the next panel
        const Element *next = is_last ? streamed + streamed_size_ : part + depth * streamed_width_;
        interleaved.PlanPrefetch(next, is_last && j + 1 == task.streamed_end ? 0 : 1, bytes, 0, task.cached_panels);
      } else if (k == 0 && !plan_.together && j + 1 < task.streamed_end && task.streamed_lines.depth_stride == 1) {
        interleaved.PlanPrefetch(task.streamed_lines, j + 1, start, packed_k, task.cached_panels * kc_steps);
      }
      Macrokernel(task.cached + k * cached_width_, task.first, task.cached_panels, step, part, j, start + k, depth, sums,
                  interleaved);
      k += depth;
    } while (k < packed_k);
  }

  const Gemm &gemm_;
  const GemmPlan &plan_;
  const Element *packed_;  // the streamed operand, or null
  const int64_t cached_width_, streamed_width_, streamed_size_;
  int64_t kept_streamed_ = 0, streamed_at_ = 0, sums_at_ = 0;
};

template <typename Microkernel>
void MultiplyBy(const Gemm &gemm, Threads &threads) {
  const View &a = gemm.a, &b = gemm.b, &c = gemm.c;
  const int64_t m = c.shape[c.rank - 2], n = c.shape[c.rank - 1], k = a.shape[a.rank - 1];
  int64_t batch = 1;
  for (int32_t i = 0; i < c.rank - 2; i++) batch *= c.shape[i];
  if (m * n * batch == 0) return;
  const Layout a_layout{a.strides[a.rank - 1] == 1, a.strides[a.rank - 2] == 1};
  const Layout b_layout{b.strides[b.rank - 2] == 1, b.strides[b.rank - 1] == 1};
  const GemmPlan plan = PlanGemm<Microkernel>(m, n, k, batch, gemm.packed != nullptr, a_layout, b_layout, threads.count());
  if (plan.claimed) return MultiplyClaimed<Microkernel>(gemm, plan, threads);
  GemmTasks<Microkernel>(gemm, plan).Run(threads);
}

inline void MultiplyMatrices(const Gemm &gemm, Threads &threads) {
  if (gemm.precision == DType::kBFloat16) MultiplyBy<Bf16Microkernel>(gemm, threads);
  else MultiplyBy<SimdMicrokernel<false>>(gemm, threads);
}

// Of b as B panels; 0 where packing beforehand brings nothing.
inline size_t PackedBytes(int64_t k, int64_t n, DType precision) {
  if (!kPacksWeights || precision != DType::kBFloat16) return 0;
  const int64_t depth = RoundUp(k, Bf16Microkernel::kKr);
  const int64_t width = RoundUp(n, Bf16Microkernel::kNr);
  return static_cast<size_t>(depth * width) * sizeof(Bf16Microkernel::Element);
}

inline void Pack(const View &b, DType precision, void *packed, Threads &threads) {
  if (!kPacksWeights || precision != DType::kBFloat16) return;
  const Lines columns = LinesOfB(b, 0);
  const int64_t depth = RoundUp(columns.depth, Bf16Microkernel::kKr);
  const int64_t panels = CeilDivide(columns.count, Bf16Microkernel::kNr);
  const int64_t size = depth * Bf16Microkernel::kNr;
  using Element = Bf16Microkernel::Element;
  PackAll(1, panels, size, static_cast<Element *>(packed), threads, [&](int64_t, int64_t panel, int64_t count, Element *to) {
    PackPanels<Bf16Microkernel>(false, columns, panel, count, 0, depth, to, size);
  });
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
