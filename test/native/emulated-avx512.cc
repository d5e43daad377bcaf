#include "emulated.h"

#include "kernels/avx512.cc"
