#include "check.h"

namespace check {

int failures_in_case = 0;

int Run(const Case* cases, int count) {
  int passed = 0;
  for (int i = 0; i < count; i++) {
    failures_in_case = 0;
    cases[i].run();
    std::printf("%s %s\n", failures_in_case == 0 ? "ok    " : "FAILED", cases[i].name);
    passed += failures_in_case == 0 ? 1 : 0;
  }
  std::printf("%d passed, %d failed\n", passed, count - passed);
  return passed == count ? 0 : 1;
}

}  // namespace check
