// A player without a socket: its bytes are fetched by whoever passes them on (TLS, WebSocket). Each
// read ends at a message boundary.
#ifndef SRS_ENGINE_LOG_READER_H_
#define SRS_ENGINE_LOG_READER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "log_cursor.h"
#include "send_queue.h"

namespace srs {

// What a read tells besides the bytes; the values are shared with the TypeScript side.
enum ReadState : uint8_t {
  // More waits already.
  kReadMore = 1,
  // The play duration was reached by this read.
  kReadEnded = 2,
};

class LogReader {
 public:
  // One read takes about so much, and the message that is under way then.
  static constexpr size_t kReadBytes = 512 * 1024;

  LogReader() = default;
  ~LogReader() { Leave(); }
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  // False when memory is exhausted.
  bool Join(BroadcastLog* log, uint32_t stream_id);
  void Leave() { LeaveLog(&cursor_); }
  bool IsLive() const { return cursor_.log != nullptr; }
  const Cursor& cursor() const { return cursor_; }

  // Appends the whole messages that come next to `to`; returns ReadState bits.
  uint8_t Read(std::vector<uint8_t>* to);
  // To be called from time to time, also while nothing is read: a reader that lags too far lets go
  // of what it missed.
  void CheckLag();
  // False when memory is exhausted.
  bool SetPaused(bool paused);
  void SetDurationLimit(int64_t limit_ms) { cursor_.limit_ms = limit_ms; }

 private:
  // Appends what one plan takes; returns whether the cursor moved.
  bool ReadOnce(bool only_message, std::vector<uint8_t>* to);

  Cursor cursor_;
  // Prefaces that were not fetched yet; nothing else, as no read ends inside a message.
  SendQueue out_;
};

}  // namespace srs

#endif  // SRS_ENGINE_LOG_READER_H_
