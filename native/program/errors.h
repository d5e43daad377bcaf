// What the engine throws. A face hands the fields on (napi/guarded.cc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace siglip {

// A program, or what it is given, is wrong.
[[noreturn]] inline void Fail(const std::string &message) { throw std::runtime_error(message); }

// The system has no such memory.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(size_t bytes, bool half_written = false) : bytes_(bytes), half_written_(half_written) {}
  // 0: unknown
  size_t bytes() const { return bytes_; }
  // Whether captures that are written in place may be half new.
  bool half_written() const { return half_written_; }
  const char *what() const noexcept override { return "there is not enough memory"; }

 private:
  size_t bytes_;
  bool half_written_;
};

// A value that a check of the program does not allow.
class BadValue : public std::out_of_range {
 public:
  BadValue(const std::string &summary, std::string expected, int64_t position, double value)
      : std::out_of_range(summary), expected_(std::move(expected)), position_(position), value_(value) {}
  const std::string &expected() const { return expected_; }
  int64_t position() const { return position_; }
  double value() const { return value_; }

 private:
  std::string expected_;
  int64_t position_;
  double value_;
};

}  // namespace siglip
