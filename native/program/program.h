// A program that has been checked: every view lies in its buffer, every number in its range.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "program/memory.h"
#include "program/reader.h"

namespace siglip {

struct Buffer {
  BufferKind kind;
  size_t index = 0;    // of the argument, capture or result
  size_t offset = 0;   // in the arena or among the constants
  size_t bytes = 0;    // for arguments and captures: what the views on it need at least
  bool typed = false;  // whether it has one type; the arena has none
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;  // of a result
  bool kept = false;           // whether a result becomes a variable's value
  int64_t over = -1;           // the capture in whose memory a result may be written, or −1
};

// A view and its buffer. `view.data` is set before each run of its step.
struct Operand {
  View view;
  size_t buffer;
  size_t byte_offset;
  size_t begin = 0, end = 0;  // the bytes of the buffer between which its elements lie
};

class Step;

class Program {
 public:
  explicit Program(const ProgramSource &source);
  ~Program();

  const std::vector<Buffer> &buffers() const { return buffers_; }
  const std::vector<std::unique_ptr<Step>> &steps() const { return steps_; }
  size_t arena_bytes() const { return arena_bytes_; }
  size_t result_bytes() const { return result_bytes_; }
  size_t argument_count() const { return CountOf(BufferKind::kArgument); }
  size_t capture_count() const { return CountOf(BufferKind::kCapture); }
  size_t result_count() const { return CountOf(BufferKind::kResult); }
  char *constants() const { return static_cast<char *>(constants_.data()); }

  // For steps: reads a view and checks that it lies in its buffer. With `loop`, the view's strides go over that shape.
  enum Access { kRead, kWrite };
  Operand ReadOperand(ProgramReader &reader, Access access, const View *loop = nullptr);
  // Whether they may share a byte.
  bool Overlap(const Operand &a, const Operand &b) const;

 private:
  void ReadBuffers(ProgramReader &reader);
  size_t CountOf(BufferKind kind) const { return counts_[static_cast<size_t>(kind)]; }
  void CheckResults() const;
  void CheckInside(Operand &operand);

  std::vector<Buffer> buffers_;
  Block constants_;
  std::vector<std::unique_ptr<Step>> steps_;
  size_t arena_bytes_ = 0;
  size_t result_bytes_ = 0;
  size_t counts_[siglip::CountOf(kBufferKinds)] = {};
};

// E.g. "[8, 196, 768]".
std::string ShapeText(const View &view);
int64_t ElementCount(const View &view);
// Whether elements follow each other without gaps, in order.
bool IsContiguous(const View &view);

}  // namespace siglip
