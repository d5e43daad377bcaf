// TensorFlow's answer to a call, as an exception where it is an error.
#pragma once

#include <tensorflow/c/c_api.h>

#include <string>

#include "program/errors.h"

namespace siglip {

struct Status {
  TF_Status *const status = TF_NewStatus();
  Status() = default;
  Status(const Status &) = delete;
  Status &operator=(const Status &) = delete;
  ~Status() { TF_DeleteStatus(status); }

  void Check() const {
    if (TF_GetCode(status) != TF_OK) Fail(TF_Message(status));
  }
  void Check(const std::string &where) const {
    if (TF_GetCode(status) != TF_OK) Fail(where + ": " + TF_Message(status));
  }
};

}  // namespace siglip
