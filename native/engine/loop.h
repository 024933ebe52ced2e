// The event loop of the engine: one epoll instance over all listeners and sockets, one timer
// descriptor, batched events out, gathered writes in. One thread; no V8, no libuv.
//
// The owner watches descriptor() and calls Turn() whenever it is readable. A turn dispatches what
// is ready, hands events over in batches, flushes what the owner wrote meanwhile, and only then
// frees what was closed: a callback may close anything.
#ifndef SRS_ENGINE_LOOP_H_
#define SRS_ENGINE_LOOP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "live_log.h"
#include "log_reader.h"
#include "socket.h"

namespace srs {

enum EventType : int32_t {
  kEventAccepted = 1,  // slot of the new socket, listener id
  kEventConnected = 2,
  kEventData = 3,    // slot, begin and length in the slab
  kEventClosed = 4,  // slot, errno (0 in good order)
  kEventDrained = 5,
  kEventPlayEnded = 6,
  kEventAcceptFailed = 7,  // listener id, errno
  kEventEnded = 8,         // the peer of a half-open socket has ended
};

struct Event {
  int32_t type;
  int32_t slot;
  int32_t a;
  int32_t b;
};

struct LoopStats {
  uint64_t turns = 0;
  uint64_t accepted = 0;
  uint64_t reads = 0;
  uint64_t writes = 0;
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
};

class Loop {
 public:
  // Receives `count` events, and the slab they point into, for the duration of the call.
  using Deliver = void (*)(void* owner, size_t count);

  // `slab` and `events` belong to the owner and outlive the loop.
  Loop(uint8_t* slab, size_t slab_size, Event* events, size_t event_capacity, Deliver deliver,
       void* owner);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // 0, or a negative errno when the kernel refuses the descriptors.
  int Open();
  int descriptor() const { return epoll_; }
  void Turn();

  // Listeners are numbered from 0; results are the number or a negative errno.
  int Listen(const std::string& address, uint16_t port, int backlog);
  int ListenerDescriptor(int listener) const;
  void CloseListener(int listener);

  // Returns the slot of the socket, whose kEventConnected or kEventClosed will follow.
  int Connect(const std::string& address, uint16_t port, int64_t timeout_ms);

  // Calls on a slot whose socket is closed already succeed quietly.
  // Write copies; returns the bytes that wait, or -ENOBUFS when the peer takes too little.
  int64_t Write(int32_t slot, const uint8_t* data, size_t length);
  void End(int32_t slot);
  void Destroy(int32_t slot);
  void PauseRead(int32_t slot, bool paused);
  void SetTimeouts(int32_t slot, int32_t receive_ms, int32_t send_ms);
  // Whether the peer's end of stream leaves our side open (kEventEnded) or closes the socket.
  void SetHalfOpen(int32_t slot, bool on);
  // 0 = read at each packet; otherwise from time to time, see ReadLanes::Choose.
  void SetMergedRead(int32_t slot, int64_t interval_ms, int64_t max_interval_ms);
  // nullptr once the slot is closed and its owner told.
  Socket* SocketAt(int32_t slot);

  int CreateLog(const LogOptions& options);
  // nullptr once the log is closed.
  LiveLog* LogAt(int32_t log);
  void Append(int32_t log, uint8_t type, int64_t timestamp, uint8_t flags, int32_t header_slot,
              const uint8_t* data, uint32_t length);
  void CloseLog(int32_t log);
  void Attach(int32_t slot, int32_t log, uint32_t stream_id, int64_t flush_ms,
              LogFormat format = LogFormat::kRtmp);
  void Detach(int32_t slot);
  void SetPaused(int32_t slot, bool paused);
  void SetFlushMs(int32_t slot, int64_t flush_ms);
  void SetDurationLimit(int32_t slot, int64_t limit_ms);

  // Players without a socket, by number. Returns the number, or a negative errno.
  int OpenReader(int32_t log, uint32_t stream_id, LogFormat format);
  void CloseReader(int32_t reader);
  LogReader* ReaderAt(int32_t reader);

  const LoopStats& stats() const { return stats_; }
  size_t open_sockets() const { return open_sockets_; }

  // Own bytes that may wait on one socket.
  static constexpr size_t kMaxPending = 16 * 1024 * 1024;
  // How often timeouts, and the lag of readers, are looked at.
  static constexpr int64_t kSweepMs = 1000;

 private:
  struct LogState {
    explicit LogState(const LogOptions& options) : log(options) {}
    LiveLog log;
    // Sockets that are flushed when the log grows, and how many are flushed from time to time.
    std::vector<Socket*> realtime;
    size_t paced = 0;
    bool dirty = false;
  };
  struct ReaderState {
    LogReader reader;
    int32_t log = -1;
  };

  static int OpenSpare();
  Socket* NewSocket(int fd, SocketState state);
  void Dispatch(uint64_t tag, uint32_t ready);
  void AcceptAll(int listener);
  void AcceptFailed(int listener, int error);
  void ArmListener(int listener, bool on);
  void FinishConnect(Socket* socket);
  // Returns whether the read filled its room, so that more may wait.
  bool Read(Socket* socket);
  void Discard(Socket* socket);
  void EndOfInput(Socket* socket);
  void Arm(Socket* socket);
  int PollerOf(const Socket& socket) const {
    return socket.lane == nullptr ? epoll_ : socket.lane->epoll;
  }
  void MoveTo(Socket* socket, ReadLane* lane);
  void Close(Socket* socket, int error);
  void DetachSocket(Socket* socket);
  void LeavePace(Socket* socket);
  void EnterPace(Socket* socket);

  void MarkDirty(Socket* socket, bool media);
  void Flush(Socket* socket, bool media);
  // Returns whether there is more to send at once.
  bool FlushOnce(Socket* socket, bool media);
  void AfterFlush(Socket* socket);
  void CheckLag(Socket* socket);
  void FlushDirty();
  void FlushLog(LogState* state);

  void Emit(int32_t type, int32_t slot, int32_t a, int32_t b);
  void DeliverNow();
  void RunTimers();
  void Sweep();
  void ScheduleSweep(int64_t when);
  void SweepSocket(Socket* socket);
  int64_t NextDue() const;
  void ArmTimer();
  void RequestTurn();
  void FreeClosed();

  uint8_t* slab_;
  size_t slab_size_;
  size_t slab_used_ = 0;
  Event* events_;
  size_t event_capacity_;
  size_t event_count_ = 0;
  bool delivering_ = false;
  std::vector<Event> deferred_;
  Deliver deliver_;
  void* owner_;

  int epoll_ = -1;
  int timer_ = -1;
  int spare_fd_ = -1;
  int64_t now_ = 0;
  int64_t armed_at_ = INT64_MAX;
  int64_t next_sweep_ = INT64_MAX;
  bool in_turn_ = false;

  std::vector<std::unique_ptr<Socket>> sockets_;
  std::vector<int32_t> free_slots_;
  std::vector<int32_t> told_slots_;
  uint32_t next_generation_ = 1;
  size_t open_sockets_ = 0;
  std::vector<int> listeners_;
  std::vector<int> resting_listeners_;
  std::vector<std::unique_ptr<LogState>> logs_;
  std::vector<int32_t> free_logs_;
  std::vector<std::unique_ptr<ReaderState>> readers_;
  std::vector<int32_t> free_readers_;
  std::vector<LogState*> dirty_logs_;
  std::vector<Socket*> dirty_sockets_;

  Pacer flush_pacer_;
  ReadLanes read_lanes_;
  // Grows with each message that paced players have to get.
  uint64_t work_ = 1;
  LoopStats stats_;
};

}  // namespace srs

#endif  // SRS_ENGINE_LOOP_H_
