// Monotonic time in whole milliseconds, read once per turn by the loop.
#ifndef SRS_ENGINE_CLOCK_H_
#define SRS_ENGINE_CLOCK_H_

#include <time.h>

#include <cstdint>

namespace srs {

inline int64_t MonotonicMs() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

}  // namespace srs

#endif  // SRS_ENGINE_CLOCK_H_
