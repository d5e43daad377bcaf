// Attention, block of queries by block of queries, so that the scores never leave the cache.
//
// All is transposed: scoresᵀ = k·qᵀ, outᵀ = vᵀ·probabilitiesᵀ. So queries lie side by side in the vectors, the softmax needs no
// sums across lanes, and the scores are the B panel of the second product.
#pragma once

#include "gemm/microkernel-simd.h"
#include "kernels/simd-math.h"
#if defined(__AMX_BF16__)
#include "gemm/microkernel-amx.h"
#endif

namespace siglip {
namespace SIGLIP_ISA {

// The probabilities of two neighbouring keys for a vector of queries, as a B panel has them.
inline void StoreProbabilities(float *panel, int64_t pitch, int64_t key, int64_t column, Float even, Float odd) {
  Store(panel + key * pitch + column, even);
  Store(panel + (key + 1) * pitch + column, odd);
}

#if defined(__AMX_BF16__)
typedef uint16_t Bf16Pairs __attribute__((vector_size(4 * kLanes)));

// Interleaves the lower half's elements with the upper half's.
template <int... kIndex>
inline Bf16Pairs Interleave(Bf16Pairs v, Indices<kIndex...>) {
  return __builtin_shufflevector(v, v, (kIndex / 2 + kIndex % 2 * kLanes)...);
}

inline void StoreProbabilities(uint16_t *panel, int64_t, int64_t key, int64_t column, Float even, Float odd) {
  constexpr CountTo<2 * kLanes>::Type indices;
  const auto both = reinterpret_cast<Bf16Pairs>(_mm512_cvtne2ps_pbh(reinterpret_cast<__m512>(odd), reinterpret_cast<__m512>(even)));
  const Bf16Pairs pairs = Interleave(both, indices);
  const int64_t tile = key / 32 * 2 + column / 16;
  StoreAs(panel + tile * AmxMicrokernel::kTile + key % 32 / 2 * 32, pairs);
}
#endif

template <typename Microkernel, bool kRounded>
class AttentionTask {
  using Element = typename Microkernel::Element;
  static constexpr int kNr = Microkernel::kNr, kMr = Microkernel::kMr;

 public:
  explicit AttentionTask(const Attention &attention)
      : x_(attention),
        queries_(x_.q.shape[2]),
        keys_(x_.k.shape[2]),
        size_(x_.q.shape[3]),
        out_size_(x_.v.shape[3]),
        depth_(RoundUp(size_, Microkernel::kKr)),
        key_depth_(RoundUp(keys_, 2 * kLanes)),
        keys_padded_(RoundUp(key_depth_, kMr) + kMr),
        sizes_padded_(RoundUp(out_size_, kMr) + kLanes) {}

  size_t Bytes() const {
    return 64 * 8 + sizeof(Element) * (keys_padded_ * depth_ + sizes_padded_ * key_depth_ + kNr * depth_) +
           (sizeof(Element) + 4) * keys_padded_ * kNr + 4 * sizes_padded_ * kNr + (x_.mask ? 4 * keys_padded_ * kNr : 0);
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
    q_ = reinterpret_cast<Element *>(take(size * kNr * depth_));
    scores_ = reinterpret_cast<float *>(take(4 * keys_padded_ * kNr));
    probabilities_ = reinterpret_cast<Element *>(take(size * keys_padded_ * kNr));
    out_ = reinterpret_cast<float *>(take(4 * sizes_padded_ * kNr));
    if (x_.mask) mask_ = reinterpret_cast<float *>(take(4 * keys_padded_ * kNr));
    std::memset(out_, 0, static_cast<size_t>(4 * sizes_padded_ * kNr));
  }

  // Packs what all queries of a head share.
  void StartHead(int64_t batch, int64_t head) {
    batch_ = batch;
    head_ = head;
    const Lines k = LinesOf(x_.k, keys_, size_, x_.k.strides[2], 1);
    for (int64_t key = 0; key < keys_; key += kMr) Microkernel::PackA(k, key, 0, size_, k_ + key * depth_);
    const Lines v = LinesOf(x_.v, out_size_, keys_, 1, x_.v.strides[2]);
    for (int64_t i = 0; i < out_size_; i += kMr) Microkernel::PackA(v, i, 0, keys_, v_ + i * RoundUp(keys_, Microkernel::kKr));
  }

  // A load that nothing waits for. After it, unlike after a prefetch, the processor fetches what follows.
  static void Touch(const char *from) {
    const char value = *reinterpret_cast<const volatile char *>(from);
    static_cast<void>(value);
  }

  // Reads the operands of the next few heads row by row, in which order they come from memory far faster than head by head.
  // Returns how many heads.
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
          for (int64_t i = 0; i < row_bytes; i += 64) Touch(from + (row * view->strides[2] + head * view->strides[1]) * size + i);
    }
    return heads;
  }

  void RunQueries(int64_t first) {
    const int64_t count = queries_ - first < kNr ? queries_ - first : kNr;
    Microkernel::PackB(LinesOf(x_.q, queries_, size_, x_.q.strides[2], 1), first, 0, size_, q_);
    for (int64_t key = 0; key < keys_; key += kMr) {
      const int64_t rows = keys_ - key < kMr ? keys_ - key : kMr;
      Microkernel::Multiply(rows, count, k_ + key * depth_, q_, depth_, scores_ + key * kNr, false);
    }
    FetchOut(first, count);
    if (x_.mask) PackMask(first);
    Float scale[Microkernel::kNr / kLanes];
    for (int64_t column = 0; column < count; column += kLanes) scale[column / kLanes] = Softmax(column);
    const int64_t depth = RoundUp(keys_, Microkernel::kKr);
    for (int64_t i = 0; i < out_size_; i += kMr) {
      const int64_t rows = out_size_ - i < kMr ? out_size_ - i : kMr;
      Microkernel::Multiply(rows, count, v_ + i * depth, probabilities_, depth, out_ + i * kNr, false);
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
    PackFloats<kNr, DType::kFloat32, false>(mask, first, 0, keys_, mask_);
  }

  // Scores of a vector of queries to probabilities that are not yet divided by their sum; returns 1 over the sum.
  Float Softmax(int64_t column) {
    float *scores = scores_ + column;
    if (x_.mask || x_.scale < 0) {
      const float *mask = mask_ + column;
      for (int64_t key = 0; key < keys_; key++) {
        const Float score = Load(scores + key * kNr) * x_.scale;
        Store(scores + key * kNr, x_.mask ? score + Load(mask + key * kNr) : score);
      }
      return Exponentials(column, 1.0f);
    }
    return Exponentials(column, x_.scale);
  }

  // exp(scale · (score − the largest one)), and 1 over their sum. A score of NaN shows in the sum.
  Float Exponentials(int64_t column, float scale) {
    const float *scores = scores_ + column;
    Float largest[2] = {Splat(-__builtin_inff()), Splat(-__builtin_inff())};
    for (int64_t key = 0; key + 1 < keys_; key += 2) {
      for (int i = 0; i < 2; i++) largest[i] = MaximumOf(Load(scores + (key + i) * kNr), largest[i]);
    }
    if (keys_ % 2 == 1) largest[0] = MaximumOf(Load(scores + (keys_ - 1) * kNr), largest[0]);
    const Float by = Splat(scale), offset = MaximumOf(largest[0], largest[1]) * -scale;
    // Rounded as `offset` is: the largest score gives exp(0), however large it is.
    const auto at = [&](int64_t key) { return ExpOfSmall(Load(scores + key * kNr) * by + offset); };
    // The sum in short parts: long rows lose no precision.
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
    for (; key < RoundUp(keys_, Microkernel::kKr); key += 2) StoreProbability(key, column, Float{}, Float{});
    return 1.0f / sum;
  }

  void StoreProbability(int64_t key, int64_t column, Float even, Float odd) {
    if (kRounded) {
      even = FromBf16(ToBf16(even));
      odd = FromBf16(ToBf16(odd));
    }
    StoreProbabilities(probabilities_, kNr, key, column, even, odd);
  }

  void StoreOut(int64_t query, int64_t count, int64_t column, Float scale) {
    const View &out = x_.out;
    const int64_t offset = batch_ * out.strides[0] + head_ * out.strides[1] + query * out.strides[2];
    for (int64_t i = 0; i < out_size_; i += kLanes) {
      const int64_t n = out_size_ - i < kLanes ? out_size_ - i : kLanes;
      Float block[kLanes];
#pragma GCC unroll 16
      for (int j = 0; j < kLanes; j++) block[j] = Load(out_ + (i + j) * kNr + column) * scale;
      Transpose(block);
      for (int64_t row = 0; row < count; row++) {
        const int64_t at = offset + row * out.strides[2] + i;
        if (out.dtype == DType::kFloat32) {
          StoreNeighbours(static_cast<float *>(out.data) + at, n, block[row]);
        } else {
          const Bf16 narrow = ToBf16(block[row]);
          std::memcpy(static_cast<uint16_t *>(out.data) + at, &narrow, static_cast<size_t>(n) * 2);
        }
      }
    }
  }

  const Attention &x_;
  const int64_t queries_, keys_, size_, out_size_;
  const int64_t depth_;  // size_ as packed
  const int64_t key_depth_, keys_padded_, sizes_padded_;
  int64_t batch_ = 0, head_ = 0;
  Element *k_ = nullptr, *v_ = nullptr, *q_ = nullptr, *probabilities_ = nullptr;
  float *scores_ = nullptr, *out_ = nullptr, *mask_ = nullptr;
};

template <typename Microkernel, bool kRounded>
void AttendBy(const Attention &x, Threads &threads) {
  const int64_t heads = x.q.shape[1], blocks = (x.q.shape[2] + Microkernel::kNr - 1) / Microkernel::kNr;
  const int64_t units = x.q.shape[0] * heads * blocks, tasks = units < threads.count() ? units : threads.count();
  ParallelFor(threads, tasks, [&](int64_t task, int thread) {
    AttentionTask<Microkernel, kRounded> attention(x);
    attention.UseMemory(static_cast<char *>(threads.Scratch(thread, attention.Bytes())));
    Microkernel::Begin();
    const int64_t first = units * task / tasks;
    int64_t fetched = 0;
    for (int64_t unit = first; unit < units * (task + 1) / tasks; unit++) {
      const int64_t pair = unit / blocks;
      if (unit == first || unit % blocks == 0) {
        if (pair >= fetched || unit == first) fetched = pair + attention.FetchHeads(pair / heads, pair % heads);
        attention.StartHead(pair / heads, pair % heads);
      }
      attention.RunQueries(unit % blocks * Microkernel::kNr);
    }
    Microkernel::End();
  });
}

inline void Attend(const Attention &x, Threads &threads) {
  if (x.precision == DType::kFloat32) return AttendBy<SimdMicrokernel<false>, false>(x, threads);
#if defined(__AMX_BF16__)
  AttendBy<AmxMicrokernel, false>(x, threads);
#else
  AttendBy<SimdMicrokernel<true>, true>(x, threads);
#endif
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
