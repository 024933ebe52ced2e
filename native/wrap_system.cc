// The few system calls that Node does not offer: a file lock, the descriptor limit, and giving
// memory back.
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

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
  FillNumbers(info[1], {static_cast<double>(limit.rlim_cur), static_cast<double>(limit.rlim_max)});
}

// A mapping of /proc/self/smaps that is read-only and backed by a file.
struct Mapping {
  uintptr_t begin = 0;
  uintptr_t end = 0;
  bool candidate = false;
};

bool ReadMappingLine(const char* line, Mapping* mapping) {
  uintptr_t begin;
  uintptr_t end;
  char rights[5];
  unsigned long inode;
  if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*s %lu", &begin, &end, rights,
                  &inode) != 4) {
    return false;
  }
  *mapping = Mapping{begin, end,
                     inode != 0 && (!std::strcmp(rights, "r-xp") || !std::strcmp(rights, "r--p"))};
  return true;
}

// Pages of the program file that were mapped so far; most of them only its start needed. One that
// is needed again comes back from the page cache. Mappings with pages of their own (relocated data)
// are left alone: theirs would be lost.
void ReleaseProgramPages() {
  FILE* maps = std::fopen("/proc/self/smaps", "re");
  Mapping mapping;
  char line[512];
  while (maps != nullptr && std::fgets(line, sizeof(line), maps) != nullptr) {
    unsigned long kilobytes;
    if (ReadMappingLine(line, &mapping)) continue;
    if (!mapping.candidate || std::sscanf(line, "Anonymous: %lu kB", &kilobytes) != 1) continue;
    mapping.candidate = false;
    size_t length = mapping.end - mapping.begin;
    if (kilobytes > 0) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the address comes as text from the kernel
    madvise(reinterpret_cast<void*>(mapping.begin), length, MADV_DONTNEED);
  }
  if (maps != nullptr) std::fclose(maps);
}

// Some milliseconds of work, which no player shall wait for.
class MemoryReleaser : public Nan::AsyncWorker {
 public:
  explicit MemoryReleaser(Nan::Callback* done) : Nan::AsyncWorker(done, "srs:memory") {}
  void Execute() override {
    ReleaseProgramPages();
#ifdef __GLIBC__
    // The compilers of V8 leave megabytes of free heap in the arenas of their threads.
    malloc_trim(0);
#endif
  }
};

// releaseMemory(done)
NAN_METHOD(ReleaseMemory) {
  if (!info[0]->IsFunction()) return Nan::ThrowTypeError("releaseMemory: expected a callback");
  Nan::AsyncQueueWorker(new MemoryReleaser(new Nan::Callback(info[0].As<v8::Function>())));
}

}  // namespace

void RegisterSystemFunctions(v8::Local<v8::Object> exports) {
  Nan::SetMethod(exports, "lockFile", LockFile);
  Nan::SetMethod(exports, "raiseFileLimit", RaiseFileLimit);
  Nan::SetMethod(exports, "releaseMemory", ReleaseMemory);
}

}  // namespace srs
