#include "log_cursor.h"

#include <algorithm>
#include <vector>

#include "chunk_format.h"
#include "flv_format.h"
#include "log_plan.h"
#include "send_queue.h"

namespace srs {

namespace {

bool AppendChunks(const Header& header, uint32_t time, const Cursor& cursor, SendQueue* out) {
  const uint32_t chunk = cursor.log->options().chunk_size;
  const auto length = static_cast<uint32_t>(header.payload->size());
  uint8_t first[kMaxAbsoluteHeaderSize];
  size_t size = PutAbsoluteHeader(first, header.type, time, length, cursor.stream_id);
  uint8_t next[5] = {static_cast<uint8_t>(0xC0 | ChunkStreamOf(header.type))};
  Put32(next + 1, time);
  bool fine = out->Append(first, size);
  for (uint32_t done = 0; fine && done < length; done += chunk) {
    if (done > 0) fine = out->Append(next, size == kMaxAbsoluteHeaderSize ? 5 : 1);
    fine = fine && out->Append(header.payload->data() + done, std::min(chunk, length - done));
  }
  return fine;
}

bool AppendTag(const Header& header, uint32_t time, SendQueue* out) {
  const auto length = static_cast<uint32_t>(header.payload->size());
  uint8_t first[kTagHeaderSize];
  PutTagHeader(first, header.type, header.type == kTypeData ? 0 : time, length);
  uint8_t last[kTagTrailerSize];
  PutTagTrailer(last, length);
  return out->Append(first, sizeof(first)) && out->Append(header.payload->data(), length) &&
         out->Append(last, sizeof(last));
}

bool AppendHeaders(const HeaderSet& headers, uint32_t time, const Cursor& cursor, SendQueue* out) {
  const bool tags = cursor.log->format() == LogFormat::kFlv;
  for (const Header& header : headers) {
    bool fine = tags ? AppendTag(header, time, out) : AppendChunks(header, time, cursor, out);
    if (!fine) return false;
  }
  return true;
}

// Places the cursor at the newest GOP, or at the end, with what a decoder needs before it.
bool Enter(Cursor* cursor, bool at_gop, SendQueue* out) {
  BroadcastLog* log = cursor->log;
  const bool absolute = log->options().absolute;
  int64_t start = at_gop ? log->Gop().timestamp : log->last_timestamp();
  if (at_gop && !cursor->base_known) {
    cursor->start = start;
    cursor->base = absolute ? 0 : start;
    cursor->base_known = true;
  }
  cursor->unchained = log->chained();
  cursor->wait_key = !at_gop && log->seen_key_frame();
  cursor->sequence = at_gop ? log->gop_sequence() : log->end_sequence();
  cursor->inside_until = 0;
  cursor->skip = 0;

  const auto& headers = at_gop ? log->gop_headers() : log->headers();
  // An unread preface of the same content would only pile up before a player that takes nothing.
  bool repeated =
      !out->empty() && cursor->preface == headers && cursor->preface_offset == cursor->offset;
  log->MovePin(cursor, at_gop ? log->Gop().offset : log->end());
  cursor->preface = headers;
  cursor->preface_offset = cursor->offset;
  if (repeated) return true;
  int64_t unknown = absolute ? 0 : start;
  uint32_t time = PlayerTime(start, cursor->base_known ? cursor->base : unknown);
  return AppendHeaders(*headers, time, *cursor, out);
}

}  // namespace

bool FinishMessage(Cursor* cursor, SendQueue* out) {
  std::vector<uint8_t> rest;
  while (!cursor->AtBoundary()) {
    LogPlan plan;
    plan.Add(*cursor, true);
    for (size_t i = 0; i < plan.count; i++) {
      const auto* data = static_cast<const uint8_t*>(plan.vectors[i].iov_base);
      rest.insert(rest.end(), data, data + plan.vectors[i].iov_len);
    }
    plan.Commit(cursor, plan.bytes);
  }
  return rest.empty() || out->Prepend(rest.data(), rest.size());
}

bool JoinLog(BroadcastLog* log, Cursor* cursor, uint32_t stream_id, SendQueue* out) {
  cursor->log = log;
  cursor->stream_id = stream_id;
  log->Pin(cursor, log->end());
  return Enter(cursor, log->has_gop(), out);
}

void LeaveLog(Cursor* cursor) {
  if (cursor->log == nullptr) return;
  cursor->log->Unpin(cursor);
  cursor->log = nullptr;
}

bool EndAtLimit(Cursor* cursor) {
  const BroadcastLog& log = *cursor->log;
  if (cursor->limit_ms <= 0 || !cursor->base_known || !cursor->AtBoundary() ||
      cursor->offset == log.end()) {
    return false;
  }
  uint64_t sequence;
  const Entry& entry = log.EntryAt(cursor->offset, &sequence);
  if (BroadcastLog::BitOf(entry.type) == 0 || entry.timestamp - cursor->start < cursor->limit_ms) {
    return false;
  }
  cursor->limit_ms = 0;
  cursor->paused = true;
  cursor->ended = true;
  return true;
}

int64_t LagOf(const Cursor& cursor) {
  const BroadcastLog& log = *cursor.log;
  if (cursor.offset == log.end()) return 0;
  uint64_t sequence;
  return log.clock() - log.EntryAt(cursor.offset, &sequence).clock;
}

uint64_t MessagesOf(const Cursor& cursor) {
  const BroadcastLog& log = *cursor.log;
  uint64_t sequence = log.end_sequence();
  if (cursor.offset != log.end()) log.EntryAt(cursor.offset, &sequence);
  return cursor.messages + (sequence - cursor.sequence);
}

bool LagsTooFar(const Cursor& cursor) {
  const BroadcastLog& log = *cursor.log;
  if (cursor.offset == log.end()) return false;
  uint64_t sequence;
  const Entry& entry = log.EntryAt(cursor.offset, &sequence);
  return log.clock() - entry.clock > log.options().queue_ms ||
         log.CostFrom(cursor.offset, sequence) > BroadcastLog::kMaxLagBytes;
}

namespace {

// Accounts for leaving out everything before the message number `to`.
void SkipTo(Cursor* cursor, uint64_t to) {
  uint64_t from = cursor->log->end_sequence();
  if (cursor->offset != cursor->log->end()) cursor->log->EntryAt(cursor->offset, &from);
  cursor->messages += from - cursor->sequence;
  cursor->dropped += to - from;
  cursor->sequence = to;
}

}  // namespace

bool JumpIfLagging(Cursor* cursor, SendQueue* out) {
  BroadcastLog* log = cursor->log;
  if (!LagsTooFar(*cursor) || !FinishMessage(cursor, out)) return false;
  bool at_gop = log->has_gop() && log->Gop().offset > cursor->offset;
  SkipTo(cursor, at_gop ? log->gop_sequence() : log->end_sequence());
  cursor->jumps++;
  return Enter(cursor, at_gop, out);
}

bool ParkIfLagging(Cursor* cursor, SendQueue* out) {
  BroadcastLog* log = cursor->log;
  if (!cursor->parked && (!LagsTooFar(*cursor) || !FinishMessage(cursor, out))) return false;
  SkipTo(cursor, log->end_sequence());
  log->MovePin(cursor, log->end());
  if (!cursor->parked) cursor->jumps++;
  cursor->parked = true;
  return true;
}

bool Unpause(Cursor* cursor, SendQueue* out) {
  cursor->paused = false;
  if (!cursor->parked) return true;
  cursor->parked = false;
  return Enter(cursor, cursor->log->has_gop(), out);
}

}  // namespace srs
