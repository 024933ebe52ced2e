// The few system calls that Node does not offer: a file lock, and the descriptor limit.
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>

#include "addon.h"

namespace srs {

namespace {

// lockFile(fd) -> 0, or the errno of a write lock over the whole file that cannot be had now
NAN_METHOD(LockFile) {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  int result = fcntl(IntOf(info[0]), F_SETLK, &lock);
  info.GetReturnValue().Set(result == 0 ? 0 : errno);
}

// raiseFileLimit(wanted, numbers: soft, hard): raises the soft limit to `wanted` as far as the
// hard one allows; never lowers it
NAN_METHOD(RaiseFileLimit) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  auto wanted = static_cast<rlim_t>(NumberOf(info[0]));
  if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
    struct rlimit raised = limit;
    raised.rlim_cur = std::min(wanted, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  FillNumbers(info[1],
              {static_cast<double>(limit.rlim_cur), static_cast<double>(limit.rlim_max)});
}

}  // namespace

void RegisterSystemFunctions(v8::Local<v8::Object> exports) {
  Nan::SetMethod(exports, "lockFile", LockFile);
  Nan::SetMethod(exports, "raiseFileLimit", RaiseFileLimit);
}

}  // namespace srs
