// The smallest test frame that serves: named cases, checks that say where they failed, a count.
#ifndef SRS_TEST_CHECK_H_
#define SRS_TEST_CHECK_H_

#include <cstdio>

namespace check {

struct Case {
  const char* name;
  void (*run)();
};

extern int failures_in_case;

template <typename A, typename B>
void Equal(const A& actual, const B& expected, const char* text, const char* file, int line) {
  if (actual == static_cast<A>(expected)) return;
  failures_in_case++;
  std::printf("  %s:%d: %s: got %lld, expected %lld\n", file, line, text,
              static_cast<long long>(actual), static_cast<long long>(expected));
}

inline void True(bool holds, const char* text, const char* file, int line) {
  if (holds) return;
  failures_in_case++;
  std::printf("  %s:%d: %s does not hold\n", file, line, text);
}

// Runs all cases, prints "N passed, N failed" as the last line, returns the exit status.
int Run(const Case* cases, int count);

}  // namespace check

#define CHECK_EQ(actual, expected) \
  check::Equal((actual), (expected), #actual " == " #expected, __FILE__, __LINE__)
#define CHECK(holds) check::True((holds), #holds, __FILE__, __LINE__)

#endif  // SRS_TEST_CHECK_H_
