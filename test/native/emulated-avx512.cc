#include "emulated.h"

#include "../../native/kernels-avx512.cc"
