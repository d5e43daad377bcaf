// Reads a program as src/runtime/jit/encode-program.ts writes it: numbers in a row, and beside them texts and constants.
// What does not fit throws a std::runtime_error: a wrong program is an error, never a crash.
#pragma once

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace siglip {

[[noreturn]] inline void Fail(const std::string &message) { throw std::runtime_error(message); }

// What JavaScript hands over; its memory is read while the program is made, not later.
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
  // How many things follow. Each takes at least a word, so a wrong count takes no memory.
  size_t Count(const char *what) {
    return static_cast<size_t>(Int(0, static_cast<int64_t>(source_.word_count - next_), what));
  }
  bool Bool(const char *what) { return Int(0, 1, what) == 1; }
  float Float() { return static_cast<float>(Word()); }
  double Double() { return Word(); }
  DType Type() { return static_cast<DType>(Int(0, 3, "type")); }
  DType Precision() { return static_cast<DType>(Int(0, 1, "precision")); }
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
