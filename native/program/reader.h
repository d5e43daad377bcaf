// Reads an encoded program: a row of numbers, and beside them texts and constants.
// A wrong program is a std::runtime_error, never a crash.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "program/errors.h"

namespace siglip {

class Program;
class ProgramReader;
class Step;

// What the host hands over; its memory is read while the program is made, not later.
struct ProgramSource {
  struct Constant {
    DType dtype;
    const void *data;
    size_t bytes;
  };
  const double *words;
  size_t word_count;
  std::vector<Constant> constants;
  std::vector<std::string> texts;
  // Reads a step that the host runs itself (an operation of TensorFlow); null if it runs none.
  std::unique_ptr<Step> (*read_host_step)(Program &, ProgramReader &) = nullptr;
};

class ProgramReader {
 public:
  explicit ProgramReader(const ProgramSource &source) : source_(source) {}

  int64_t Int(int64_t least, int64_t most, const char *what) {
    const double word = Word();
    if (!(word >= static_cast<double>(least) && word <= static_cast<double>(most)) || word != std::floor(word)) {
      Fail(std::string(what) + ": expected a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
           ", found " + std::to_string(word));
    }
    return static_cast<int64_t>(word);
  }
  // How many entries follow. Each takes at least a word, so a wrong count takes no memory.
  size_t Count(const char *what) { return static_cast<size_t>(Int(0, static_cast<int64_t>(source_.word_count - next_), what)); }
  bool Bool(const char *what) { return Int(0, 1, what) == 1; }
  float Float() { return static_cast<float>(Word()); }
  double Double() { return Word(); }
  // An entry of a list of ops.def.
  template <typename Enum, size_t kCount>
  Enum Kind(const char *const (&)[kCount], const char *what) {
    return static_cast<Enum>(Int(0, static_cast<int64_t>(kCount) - 1, what));
  }
  DType Type() { return Kind<DType>(kDTypes, "type"); }
  DType Precision() { return static_cast<DType>(Int(0, static_cast<int64_t>(DType::kBFloat16), "precision")); }
  const std::string &Text() {
    if (source_.texts.empty()) Fail("text: there is none");
    return source_.texts[static_cast<size_t>(Int(0, static_cast<int64_t>(source_.texts.size()) - 1, "text"))];
  }
  bool AtEnd() const { return next_ == source_.word_count; }
  const ProgramSource &source() const { return source_; }

  static constexpr int64_t kMostElements = int64_t{1} << 48;

 private:
  double Word() {
    if (AtEnd()) Fail("the program is cut off");
    return source_.words[next_++];
  }

  const ProgramSource &source_;
  size_t next_ = 0;
};

}  // namespace siglip
