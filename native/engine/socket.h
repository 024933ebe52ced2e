// A non-blocking TCP socket as the loop sees it: plain state plus the system calls on it.
// Who may read, write or close when is the loop's business (loop.h).
#ifndef SRS_ENGINE_SOCKET_H_
#define SRS_ENGINE_SOCKET_H_

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "log_cursor.h"
#include "pacer.h"
#include "read_lanes.h"
#include "send_queue.h"

namespace srs {

enum class SocketState : uint8_t {
  kFree,
  kConnecting,
  kOpen,
  // Closing in good order: the queue is sent, then the write side is shut, then the peer's end is
  // awaited.
  kEnding,
  kLingering,
  // The descriptor is gone; the place is free once the owner has been told.
  kClosed,
};

struct Socket {
  int fd = -1;
  int32_t slot = -1;
  uint32_t generation = 0;
  SocketState state = SocketState::kFree;
  // Events armed in epoll now.
  uint32_t armed = 0;
  bool read_paused = false;
  // The peer's end of stream leaves our side open.
  bool half_open = false;
  // The peer has ended: there is nothing more to read.
  bool read_ended = false;
  // The kernel's send buffer is full: EPOLLOUT is awaited.
  bool blocked = false;
  // Stands in the loop's list of sockets to flush.
  bool dirty = false;
  // The next flush takes live media too, not only own bytes.
  bool flush_media = false;
  // Own bytes had to wait: the owner is told once they are gone.
  bool tell_drained = false;

  int32_t receive_timeout_ms = 0;
  int32_t send_timeout_ms = 0;
  int64_t last_receive = 0;
  int64_t last_send = 0;
  // Connecting or lingering may last until then.
  int64_t deadline = 0;

  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;

  SendQueue out;
  std::unique_ptr<Cursor> cursor;
  int32_t log = -1;
  // 0 = flushed as soon as the log grows.
  int64_t flush_ms = 0;
  uint32_t realtime_index = 0;
  PacePlace flush_place;
  // Where it is read from time to time; nullptr when it is read at once.
  ReadLane* lane = nullptr;

  bool IsOpen() const { return state == SocketState::kOpen; }
  bool HasDescriptor() const { return fd >= 0; }
  bool IsLive() const { return cursor != nullptr; }
  // One that is closing is read whatever its owner wanted: what comes is thrown away.
  bool Reads() const { return !read_ended && (!IsOpen() || !read_paused); }
};

// Addresses are numeric text, "::1" without brackets. All functions return 0 or a descriptor,
// or a negative errno.
int OpenListener(const std::string& address, uint16_t port, int backlog);
int OpenConnection(const std::string& address, uint16_t port);
// Takes one connection; -EAGAIN when none waits.
int AcceptConnection(int listener);
int PendingError(int fd);
void SetNoDelay(int fd, bool on);
bool AddressOf(int fd, bool peer, std::string* address, uint16_t* port);

}  // namespace srs

#endif  // SRS_ENGINE_SOCKET_H_
