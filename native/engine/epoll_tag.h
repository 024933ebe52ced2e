// What an epoll event is about: a kind, and for sockets the slot and its generation, so that an
// event of a socket closed in this batch is not taken for its successor's.
#ifndef SRS_ENGINE_EPOLL_TAG_H_
#define SRS_ENGINE_EPOLL_TAG_H_

#include <errno.h>
#include <sys/epoll.h>

#include <cstdint>

#include "socket.h"

namespace srs {

constexpr uint64_t kTagTimer = 1ull << 62;
constexpr uint64_t kTagListener = 2ull << 62;

inline uint64_t TagOf(const Socket& socket) {
  return static_cast<uint64_t>(socket.generation) << 32 | static_cast<uint32_t>(socket.slot);
}

// 0 or a negative errno.
inline int AddToEpoll(int epoll, int fd, uint32_t events, uint64_t tag) {
  struct epoll_event event = {};
  event.events = events;
  event.data.u64 = tag;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

}  // namespace srs

#endif  // SRS_ENGINE_EPOLL_TAG_H_
