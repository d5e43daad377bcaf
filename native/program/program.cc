#include "program/program.h"

#include <algorithm>
#include <cstring>

#include "program/steps.h"

namespace siglip {
namespace {

size_t Aligned(size_t bytes) { return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment; }

int64_t ReadSize(ProgramReader &reader) { return reader.Int(0, ProgramReader::kMostElements, "size"); }

void CheckElements(const View &view) {
  int64_t elements = 1;
  for (int d = 0; d < view.rank; ++d) {
    if (__builtin_mul_overflow(elements, std::max<int64_t>(view.shape[d], 1), &elements) ||
        elements > ProgramReader::kMostElements) {
      Fail("shape " + ShapeText(view) + " is too large");
    }
  }
}

}  // namespace

std::string ShapeText(const View &view) {
  std::string text = "[";
  for (int d = 0; d < view.rank; ++d) text += (d > 0 ? ", " : "") + std::to_string(view.shape[d]);
  return text + "]";
}

int64_t ElementCount(const View &view) {
  int64_t elements = 1;
  for (int d = 0; d < view.rank; ++d) elements *= view.shape[d];
  return elements;
}

bool IsContiguous(const View &view) {
  int64_t expected = 1;
  for (int d = view.rank - 1; d >= 0; --d) {
    if (view.shape[d] != 1 && view.strides[d] != expected) return false;
    expected *= view.shape[d];
  }
  return true;
}

Program::Program(const ProgramSource &source) {
  ProgramReader reader(source);
  reader.Int(kEncodingVersion, kEncodingVersion, "version");
  arena_bytes_ = static_cast<size_t>(reader.Int(0, ProgramReader::kMostElements, "arena"));
  ReadBuffers(reader);
  const size_t count = reader.Count("steps");
  for (size_t i = 0; i < count; ++i) {
    try {
      steps_.push_back(ReadStep(*this, reader));
    } catch (const std::runtime_error &error) {
      Fail("step " + std::to_string(i) + ": " + error.what());
    }
  }
  if (!reader.AtEnd()) Fail("the program does not end where it should");
}

Program::~Program() = default;

void Program::ReadBuffers(ProgramReader &reader) {
  const auto &constants = reader.source().constants;
  std::vector<size_t> places;
  size_t total = 0;
  for (const auto &constant : constants) {
    places.push_back(total);
    total += Aligned(constant.bytes);
  }
  char *const memory = static_cast<char *>(constants_.Ensure(total));
  for (size_t i = 0; i < constants.size(); ++i) {
    if (constants[i].bytes > 0) std::memcpy(memory + places[i], constants[i].data, constants[i].bytes);
  }

  const size_t count = reader.Count("buffers");
  for (size_t i = 0; i < count; ++i) {
    Buffer buffer;
    buffer.kind = reader.Kind<BufferKind>(kBufferKinds, "kind of buffer");
    if (buffer.kind == BufferKind::kArena) {
      buffer.offset = static_cast<size_t>(reader.Int(0, static_cast<int64_t>(arena_bytes_), "offset in the arena"));
      buffer.bytes = static_cast<size_t>(reader.Int(0, static_cast<int64_t>(arena_bytes_ - buffer.offset), "bytes in the arena"));
      if (buffer.offset % kArenaAlignment != 0) Fail("an offset in the arena is no multiple of " + std::to_string(kArenaAlignment));
    } else if (buffer.kind == BufferKind::kConstant) {
      const size_t index = static_cast<size_t>(reader.Int(0, static_cast<int64_t>(constants.size()) - 1, "constant"));
      buffer.typed = true;
      buffer.dtype = constants[index].dtype;
      buffer.bytes = constants[index].bytes;
      buffer.offset = places[index];
    } else {
      buffer.index = static_cast<size_t>(reader.Int(0, 1 << 20, "index of a buffer"));
      size_t &count = counts_[static_cast<size_t>(buffer.kind)];
      count = std::max(count, buffer.index + 1);
      if (buffer.kind == BufferKind::kResult) {
        buffer.typed = true;
        buffer.dtype = reader.Type();
        if (buffer.dtype == DType::kBFloat16) Fail("a result cannot be bfloat16");
        buffer.kept = reader.Int(0, 1, "a result that is kept") != 0;
        buffer.over = reader.Int(-1, 1 << 20, "the capture that a result replaces");
        View view;
        view.rank = static_cast<int32_t>(reader.Int(0, kMaxRank, "rank"));
        for (int d = 0; d < view.rank; ++d) buffer.shape.push_back(view.shape[d] = ReadSize(reader));
        CheckElements(view);
        buffer.bytes = static_cast<size_t>(ElementCount(view)) * SizeOf(buffer.dtype);
        result_bytes_ += buffer.bytes;
      }
    }
    buffers_.push_back(buffer);
  }
  CheckResults();
}

void Program::CheckResults() const {
  std::vector<bool> made(result_count());
  for (const Buffer &buffer : buffers_) {
    if (buffer.kind != BufferKind::kResult) continue;
    if (made[buffer.index]) Fail("result " + std::to_string(buffer.index) + " is there twice");
    made[buffer.index] = true;
    if (buffer.over >= static_cast<int64_t>(capture_count())) {
      Fail("result " + std::to_string(buffer.index) + " replaces a capture that is missing");
    }
  }
  for (size_t i = 0; i < made.size(); ++i) {
    if (!made[i]) Fail("result " + std::to_string(i) + " is missing");
  }
}

Operand Program::ReadOperand(ProgramReader &reader, Access access, const View *loop) {
  Operand operand;
  View &view = operand.view;
  if (buffers_.empty()) Fail("there are no buffers");
  operand.buffer = static_cast<size_t>(reader.Int(0, static_cast<int64_t>(buffers_.size()) - 1, "buffer"));
  const int64_t offset = ReadSize(reader);
  view.data = nullptr;
  view.dtype = reader.Type();
  view.rank = static_cast<int32_t>(reader.Int(0, kMaxRank, "rank"));
  for (int d = 0; d < view.rank; ++d) view.shape[d] = ReadSize(reader);
  for (int d = 0; d < view.rank; ++d) {
    view.strides[d] = reader.Int(-ProgramReader::kMostElements, ProgramReader::kMostElements, "stride");
  }
  if (loop != nullptr) {
    if (view.rank != loop->rank)
      Fail("a view of rank " + std::to_string(view.rank) + " in a loop of " + std::to_string(loop->rank));
    std::copy_n(loop->shape, view.rank, view.shape);
  } else if (view.rank == 0) {  // kernels needn't know of scalars
    view.rank = 1;
    view.shape[0] = view.strides[0] = 1;
  }
  operand.byte_offset = static_cast<size_t>(offset) * SizeOf(view.dtype);

  Buffer &buffer = buffers_[operand.buffer];
  if (access == kWrite && buffer.kind != BufferKind::kArena && buffer.kind != BufferKind::kResult) {
    Fail("an argument, capture or constant would be written");
  }
  if (buffer.typed && buffer.dtype != view.dtype) Fail("a view of another type than its buffer");
  if (buffer.kind == BufferKind::kArgument || buffer.kind == BufferKind::kCapture) {
    buffer.typed = true;
    buffer.dtype = view.dtype;
    if (view.dtype == DType::kBFloat16) Fail("a tensor cannot be bfloat16");
  }
  CheckElements(view);
  CheckInside(operand);
  return operand;
}

// The first and the last element that the strides reach.
void Program::CheckInside(Operand &operand) {
  const View &view = operand.view;
  if (ElementCount(view) == 0) return;
  const int64_t size = static_cast<int64_t>(SizeOf(view.dtype));
  int64_t first = static_cast<int64_t>(operand.byte_offset) / size;
  int64_t last = first;
  for (int d = 0; d < view.rank; ++d) {
    int64_t reach;
    int64_t &end = view.strides[d] < 0 ? first : last;
    if (__builtin_mul_overflow(view.shape[d] - 1, view.strides[d], &reach) || __builtin_add_overflow(end, reach, &end)) {
      Fail("a view reaches too far");
    }
  }
  if (first < 0 || last > ProgramReader::kMostElements)
    Fail("a view of " + ShapeText(view) + " starts before its buffer or ends too far");
  const size_t needed = static_cast<size_t>((last + 1) * size);
  operand.begin = static_cast<size_t>(first * size);
  operand.end = needed;
  Buffer &buffer = buffers_[operand.buffer];
  if (buffer.kind == BufferKind::kArgument || buffer.kind == BufferKind::kCapture) {
    buffer.bytes = std::max(buffer.bytes, needed);
  } else if (needed > buffer.bytes) {
    Fail("a view of " + ShapeText(view) + " needs " + std::to_string(needed) + " bytes of buffer " +
         std::to_string(operand.buffer) + ", which has " + std::to_string(buffer.bytes));
  }
}

bool Program::Overlap(const Operand &a, const Operand &b) const {
  const Buffer &first = buffers_[a.buffer], &second = buffers_[b.buffer];
  if (first.kind == BufferKind::kArena && second.kind == BufferKind::kArena) {
    return first.offset + a.begin < second.offset + b.end && second.offset + b.begin < first.offset + a.end;
  }
  const auto replaces = [](const Buffer &result, const Buffer &capture) {
    return capture.kind == BufferKind::kCapture && result.over == static_cast<int64_t>(capture.index);
  };
  const bool same = a.buffer == b.buffer || replaces(first, second) || replaces(second, first);
  return same && a.begin < b.end && b.begin < a.end;
}

}  // namespace siglip
