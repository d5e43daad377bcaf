// Attention, block of queries by block of queries, so that the scores never leave the cache.
//
// Everything is computed transposed: scoresᵀ = k·qᵀ, outᵀ = vᵀ·probabilitiesᵀ. So the queries lie side by side in the vectors
// (the softmax needs no sums across lanes), and the scores come out as the second product wants its operand.
#pragma once

#include "gemm/microkernel-simd.h"
#include "kernels/simd-math.h"
#if defined(__AMX_BF16__)
#include "gemm/microkernel-amx.h"
#endif

namespace siglip {
namespace SIGLIP_ISA {

// The probabilities of two neighbouring keys for a vector of queries, as `Multiply` wants them.
inline void StoreProbabilities(float *panel, int64_t pitch, int64_t key, int64_t column, Float even, Float odd) {
  Store(panel + key * pitch + column, even);
  Store(panel + (key + 1) * pitch + column, odd);
}

#if defined(__AMX_BF16__)
typedef uint16_t Halves __attribute__((vector_size(4 * kLanes)));

// The lower half's elements between those of the upper half.
template <int... kIndex>
inline Halves Interleave(Halves v, Indices<kIndex...>) {
  return __builtin_shufflevector(v, v, (kIndex / 2 + kIndex % 2 * kLanes)...);
}

inline void StoreProbabilities(uint16_t *panel, int64_t, int64_t key, int64_t column, Float even, Float odd) {
  constexpr CountTo<2 * kLanes>::Type indices;
  const auto both = reinterpret_cast<Halves>(_mm512_cvtne2ps_pbh(reinterpret_cast<__m512>(odd), reinterpret_cast<__m512>(even)));
  const Halves pairs = Interleave(both, indices);
  const int64_t tile = key / 32 * 2 + column / 16;
  StoreAs(panel + tile * TileBlocks::kTile + key % 32 / 2 * 32, pairs);
}
#endif

template <typename Blocks, bool kRounded>
class AttentionTask {
  using Element = typename Blocks::Element;
  static constexpr int kColumns = Blocks::kColumns, kRows = Blocks::kRows;

 public:
  explicit AttentionTask(const Attention &attention)
      : x_(attention),
        queries_(x_.q.shape[2]),
        keys_(x_.k.shape[2]),
        size_(x_.q.shape[3]),
        out_size_(x_.v.shape[3]),
        depth_(RoundUp(size_, Blocks::kDepth)),
        key_depth_(RoundUp(keys_, 2 * kLanes)),
        keys_padded_(RoundUp(key_depth_, kRows) + kRows),
        sizes_padded_(RoundUp(out_size_, kRows) + kLanes) {}

  size_t Bytes() const {
    return 64 * 8 + sizeof(Element) * (keys_padded_ * depth_ + sizes_padded_ * key_depth_ + kColumns * depth_) +
           (sizeof(Element) + 4) * keys_padded_ * kColumns + 4 * sizes_padded_ * kColumns + (x_.mask ? 4 * keys_padded_ * kColumns : 0);
  }

  void UseMemory(char *memory) {
    const auto take = [&memory](int64_t bytes) {
      char *taken = memory;
      memory += RoundUp(bytes, 64);
      return taken;
    };
    const int64_t size = sizeof(Element);
    k_ = reinterpret_cast<Element *>(take(size * keys_padded_ * depth_));
    v_ = reinterpret_cast<Element *>(take(size * sizes_padded_ * key_depth_));
    q_ = reinterpret_cast<Element *>(take(size * kColumns * depth_));
    scores_ = reinterpret_cast<float *>(take(4 * keys_padded_ * kColumns));
    probabilities_ = reinterpret_cast<Element *>(take(size * keys_padded_ * kColumns));
    out_ = reinterpret_cast<float *>(take(4 * sizes_padded_ * kColumns));
    if (x_.mask) mask_ = reinterpret_cast<float *>(take(4 * keys_padded_ * kColumns));
    std::memset(out_, 0, static_cast<size_t>(4 * sizes_padded_ * kColumns));
  }

  // Packs what all queries of a head share.
  void StartHead(int64_t batch, int64_t head) {
    batch_ = batch;
    head_ = head;
    const Lines k = LinesOf(x_.k, keys_, size_, x_.k.strides[2], 1);
    for (int64_t key = 0; key < keys_; key += kRows) Blocks::PackRows(k, key, 0, size_, k_ + key * depth_);
    const Lines v = LinesOf(x_.v, out_size_, keys_, 1, x_.v.strides[2]);
    for (int64_t i = 0; i < out_size_; i += kRows) Blocks::PackRows(v, i, 0, keys_, v_ + i * RoundUp(keys_, Blocks::kDepth));
  }

  // A load that nothing waits for; the processor goes on fetching what follows, which it doesn't after a prefetch.
  static void Touch(const char *from) {
    const char value = *reinterpret_cast<const volatile char *>(from);
    static_cast<void>(value);
  }

  // Reads the operands of the next few heads row by row: in this order they come from memory far faster than head by head.
  // Returns how many heads these are.
  int64_t FetchHeads(int64_t batch, int64_t first) const {
    const View *const views[3] = {&x_.q, &x_.k, &x_.v};
    int64_t bytes = 1;
    for (const View *const view : views) bytes += view->shape[2] * view->shape[3] * static_cast<int64_t>(SizeOf(view->dtype));
    int64_t heads = (1 << 18) / bytes;
    heads = heads < 1 ? 1 : heads > x_.q.shape[1] - first ? x_.q.shape[1] - first : heads;
    for (const View *const view : views) {
      const int64_t size = static_cast<int64_t>(SizeOf(view->dtype)), row_bytes = view->shape[3] * size;
      const char *from = static_cast<const char *>(view->data) + (batch * view->strides[0] + first * view->strides[1]) * size;
      for (int64_t row = 0; row < view->shape[2]; row++)
        for (int64_t head = 0; head < heads; head++)
          for (int64_t i = 0; i < row_bytes; i += 64)
            Touch(from + (row * view->strides[2] + head * view->strides[1]) * size + i);
    }
    return heads;
  }

  void RunQueries(int64_t first) {
    const int64_t count = queries_ - first < kColumns ? queries_ - first : kColumns;
    Blocks::PackColumns(LinesOf(x_.q, queries_, size_, x_.q.strides[2], 1), first, 0, size_, q_);
    for (int64_t key = 0; key < keys_; key += kRows) {
      const int64_t rows = keys_ - key < kRows ? keys_ - key : kRows;
      Blocks::Multiply(rows, count, k_ + key * depth_, q_, depth_, scores_ + key * kColumns, false);
    }
    FetchOut(first, count);
    if (x_.mask) PackMask(first);
    Float scale[Blocks::kColumns / kLanes];
    for (int64_t column = 0; column < count; column += kLanes) scale[column / kLanes] = Softmax(column);
    const int64_t depth = RoundUp(keys_, Blocks::kDepth);
    for (int64_t i = 0; i < out_size_; i += kRows) {
      const int64_t rows = out_size_ - i < kRows ? out_size_ - i : kRows;
      Blocks::Multiply(rows, count, v_ + i * depth, probabilities_, depth, out_ + i * kColumns, false);
    }
    for (int64_t column = 0; column < count; column += kLanes)
      StoreOut(first + column, count - column < kLanes ? count - column : kLanes, column, scale[column / kLanes]);
  }

 private:
  Lines LinesOf(const View &view, int64_t count, int64_t depth, int64_t stride, int64_t depth_stride) const {
    const int64_t offset = batch_ * view.strides[0] + head_ * view.strides[1];
    const char *data = static_cast<const char *>(view.data) + offset * static_cast<int64_t>(SizeOf(view.dtype));
    return {data, view.dtype, count, depth, stride, depth_stride};
  }

  void FetchOut(int64_t first, int64_t count) const {
    const int64_t size = static_cast<int64_t>(SizeOf(x_.out.dtype));
    const char *to = static_cast<const char *>(x_.out.data) + (batch_ * x_.out.strides[0] + head_ * x_.out.strides[1]) * size;
    for (int64_t row = first; row < first + count; row++)
      for (int64_t i = 0; i < out_size_ * size; i += 64) __builtin_prefetch(to + row * x_.out.strides[2] * size + i, 1, 2);
  }

  void PackMask(int64_t first) {
    const Lines mask = LinesOf(*x_.mask, queries_, keys_, x_.mask->strides[2], x_.mask->strides[3]);
    PackFloats<kColumns, DType::kFloat32, false>(mask, first, 0, keys_, mask_);
  }

  // Scores → probabilities of a vector of queries, not yet divided by their sum; returns what to multiply with.
  Float Softmax(int64_t column) {
    float *scores = scores_ + column;
    if (x_.mask || x_.scale < 0) {
      const float *mask = mask_ + column;
      for (int64_t key = 0; key < keys_; key++) {
        const Float score = Load(scores + key * kColumns) * x_.scale;
        Store(scores + key * kColumns, x_.mask ? score + Load(mask + key * kColumns) : score);
      }
      return Exponentials(column, 1.0f);
    }
    return Exponentials(column, x_.scale);
  }

  // exp(scale · (score − the largest one)), and 1 over their sum. A score that isn't a number shows in the sum.
  Float Exponentials(int64_t column, float scale) {
    const float *scores = scores_ + column;
    Float largest[2] = {Splat(-__builtin_inff()), Splat(-__builtin_inff())};
    for (int64_t key = 0; key + 1 < keys_; key += 2) {
      for (int i = 0; i < 2; i++) largest[i] = MaximumOf(Load(scores + (key + i) * kColumns), largest[i]);
    }
    if (keys_ % 2 == 1) largest[0] = MaximumOf(Load(scores + (keys_ - 1) * kColumns), largest[0]);
    const Float by = Splat(scale), least = MaximumOf(largest[0], largest[1]) * -scale;
    // Rounded as `least` is: of the largest score nothing is left, however large it is.
    const auto at = [&](int64_t key) { return ExpOfSmall(Load(scores + key * kColumns) * by + least); };
    // The sum in short parts, so that long rows lose nothing.
    Float sum{};
    int64_t key = 0;
    while (key + 1 < keys_) {
      const int64_t end = keys_ - key < 64 ? keys_ - 1 : key + 63;
      Float part[2] = {};
      for (; key < end; key += 2) {
        const Float even = at(key), odd = at(key + 1);
        part[0] += even;
        part[1] += odd;
        StoreProbability(key, column, even, odd);
      }
      sum += part[0] + part[1];
    }
    if (key < keys_) {
      const Float last = at(key);
      sum += last;
      StoreProbability(key, column, last, Float{});
      key += 2;
    }
    for (; key < RoundUp(keys_, Blocks::kDepth); key += 2) StoreProbability(key, column, Float{}, Float{});
    return 1.0f / sum;
  }

  void StoreProbability(int64_t key, int64_t column, Float even, Float odd) {
    if (kRounded) {
      even = FromHalf(ToHalf(even));
      odd = FromHalf(ToHalf(odd));
    }
    StoreProbabilities(probabilities_, kColumns, key, column, even, odd);
  }

  void StoreOut(int64_t query, int64_t count, int64_t column, Float scale) {
    const View &out = x_.out;
    const int64_t offset = batch_ * out.strides[0] + head_ * out.strides[1] + query * out.strides[2];
    for (int64_t i = 0; i < out_size_; i += kLanes) {
      const int64_t n = out_size_ - i < kLanes ? out_size_ - i : kLanes;
      Float block[kLanes];
#pragma GCC unroll 16
      for (int j = 0; j < kLanes; j++) block[j] = Load(out_ + (i + j) * kColumns + column) * scale;
      Transpose(block);
      for (int64_t row = 0; row < count; row++) {
        const int64_t at = offset + row * out.strides[2] + i;
        if (out.dtype == DType::kFloat32) {
          StoreNeighbours(static_cast<float *>(out.data) + at, n, block[row]);
        } else {
          const Half half = ToHalf(block[row]);
          std::memcpy(static_cast<uint16_t *>(out.data) + at, &half, static_cast<size_t>(n) * 2);
        }
      }
    }
  }

  const Attention &x_;
  const int64_t queries_, keys_, size_, out_size_;
  const int64_t depth_;         // size_ as packed
  const int64_t key_depth_, keys_padded_, sizes_padded_;
  int64_t batch_ = 0, head_ = 0;
  Element *k_ = nullptr, *v_ = nullptr, *q_ = nullptr, *probabilities_ = nullptr;
  float *scores_ = nullptr, *out_ = nullptr, *mask_ = nullptr;
};

template <typename Blocks, bool kRounded>
void AttendBy(const Attention &x, Threads &threads) {
  const int64_t heads = x.q.shape[1], blocks = (x.q.shape[2] + Blocks::kColumns - 1) / Blocks::kColumns;
  const int64_t units = x.q.shape[0] * heads * blocks, tasks = units < threads.count() ? units : threads.count();
  ParallelFor(threads, tasks, [&](int64_t task, int thread) {
    AttentionTask<Blocks, kRounded> work(x);
    work.UseMemory(static_cast<char *>(threads.Scratch(thread, work.Bytes())));
    Blocks::Begin();
    const int64_t first = units * task / tasks;
    int64_t fetched = 0;
    for (int64_t unit = first; unit < units * (task + 1) / tasks; unit++) {
      const int64_t pair = unit / blocks;
      if (unit == first || unit % blocks == 0) {
        if (pair >= fetched || unit == first) fetched = pair + work.FetchHeads(pair / heads, pair % heads);
        work.StartHead(pair / heads, pair % heads);
      }
      work.RunQueries(unit % blocks * Blocks::kColumns);
    }
    Blocks::End();
  });
}

inline void Attend(const Attention &x, Threads &threads) {
  if (x.precision == DType::kFloat32) return AttendBy<FloatBlocks<false>, false>(x, threads);
#if defined(__AMX_BF16__)
  AttendBy<TileBlocks, false>(x, threads);
#else
  AttendBy<FloatBlocks<true>, true>(x, threads);
#endif
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
