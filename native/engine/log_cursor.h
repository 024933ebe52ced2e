// One player's place in a broadcast log: where it joins, how far it lags, where it jumps to.
// What comes next from there is planned by LogPlan (log_plan.h).
#ifndef SRS_ENGINE_LOG_CURSOR_H_
#define SRS_ENGINE_LOG_CURSOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "broadcast_log.h"

namespace srs {

class SendQueue;

// A timestamp of the log as a player sees it: never before its start, where the other kind of
// message may have begun a little later.
inline uint32_t PlayerTime(int64_t timestamp, int64_t base) {
  return static_cast<uint32_t>(timestamp > base ? timestamp - base : 0);
}

struct Cursor {
  BroadcastLog* log = nullptr;
  // Next byte of the log; while `skip` > 0 the start of the entry whose rendered form is under way.
  uint64_t offset = 0;
  // End of the entry in which `offset` stands; 0 at a message boundary.
  uint64_t inside_until = 0;
  // Bytes already sent of an entry that is rendered with a header of this player's own.
  uint32_t skip = 0;
  uint32_t stream_id = 1;

  // Timestamp of the log at which this player's time begins, and what is subtracted from the log's
  // timestamps for it (the same, or 0 for absolute ones); both once known.
  int64_t start = 0;
  int64_t base = 0;
  bool base_known = false;
  // Chunk streams (bits) on which this player has had no absolute timestamp yet.
  uint8_t unchained = 0;
  // Inter frames are left out until a key frame comes.
  bool wait_key = false;
  bool paused = false;
  // Lagged too far while paused: holds no media, and enters anew when it goes on.
  bool parked = false;

  // Stop after so many ms of media; 0 = never.
  int64_t limit_ms = 0;
  // That limit was reached.
  bool ended = false;

  // Sequence number of the next entry as of the last time it was looked up.
  uint64_t sequence = 0;
  uint64_t messages = 0;
  uint64_t dropped = 0;
  uint64_t jumps = 0;
  // Headers last put into the preface, and where the cursor stood then.
  std::shared_ptr<const HeaderSet> preface;
  uint64_t preface_offset = 0;

  bool AtBoundary() const { return inside_until == 0 && skip == 0; }
  // Entries must be looked at one by one, not taken as a plain range of bytes.
  bool Careful() const { return !base_known || unchained != 0 || wait_key || limit_ms > 0; }
};

// Puts a new player at the start of the cached GOP, or at the end of the log, and its preface
// (metadata, sequence headers) into `out`. False when memory is exhausted.
bool JoinLog(BroadcastLog* log, Cursor* cursor, uint32_t stream_id, SendQueue* out);
void LeaveLog(Cursor* cursor);
// Moves the unsent rest of the message in flight to the front of `out`, so that the cursor may go
// elsewhere. False when memory is exhausted.
bool FinishMessage(Cursor* cursor, SendQueue* out);
// More media or bytes wait than a player may lag behind.
bool LagsTooFar(const Cursor& cursor);
// Lets a cursor that lags too far finish the message in flight (its rest goes to `out`) and jump
// to the newest key frame with a new preface. Returns whether it jumped.
bool JumpIfLagging(Cursor* cursor, SendQueue* out);
// The same for a paused cursor: it lets go of the media and gets nothing before it goes on.
bool ParkIfLagging(Cursor* cursor, SendQueue* out);
// Goes on after a pause. False when memory is exhausted.
bool Unpause(Cursor* cursor, SendQueue* out);
// Pauses for good when the next message lies past the play duration that was asked for; returns
// whether it did so now.
bool EndAtLimit(Cursor* cursor);
// Media between the cursor and the end of the log, ms.
int64_t LagOf(const Cursor& cursor);
// Messages this player got so far.
uint64_t MessagesOf(const Cursor& cursor);

}  // namespace srs

#endif  // SRS_ENGINE_LOG_CURSOR_H_
