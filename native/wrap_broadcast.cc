// Broadcast logs by number, the players on them by socket slot, and readers by number.
#include <errno.h>

#include "addon.h"

namespace srs {

namespace {

// Arguments from `first` on: chunkSize, queueMs, gopCache, gopCacheMaxBytes, absolute.
LogOptions OptionsOf(const Nan::FunctionCallbackInfo<v8::Value>& info, int first) {
  LogOptions options;
  options.chunk_size = static_cast<uint32_t>(IntOf(info[first]));
  options.queue_ms = static_cast<int64_t>(NumberOf(info[first + 1]));
  options.gop_cache = TruthOf(info[first + 2]);
  options.gop_cache_max_bytes = static_cast<uint64_t>(NumberOf(info[first + 3]));
  options.absolute = TruthOf(info[first + 4]);
  return options;
}

LogFormat FormatOf(v8::Local<v8::Value> value) {
  return IntOf(value) == static_cast<int32_t>(LogFormat::kFlv) ? LogFormat::kFlv : LogFormat::kRtmp;
}

// numbers: messages, dropped, lag ms, jumps
void FillPlayer(v8::Local<v8::Value> numbers, const Cursor& cursor) {
  FillNumbers(numbers,
              {static_cast<double>(MessagesOf(cursor)), static_cast<double>(cursor.dropped),
               static_cast<double>(LagOf(cursor)), static_cast<double>(cursor.jumps)});
}

// createLog(options…) -> log
NAN_METHOD(CreateLog) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  LogOptions options = OptionsOf(info, 0);
  if (options.chunk_size < 1 || options.chunk_size > 0xFFFFFF) {
    return Nan::ThrowRangeError("createLog: the chunk size must lie in 1..16777215");
  }
  info.GetReturnValue().Set(loop->CreateLog(options));
}

// setLogOptions(log, options…)
NAN_METHOD(SetLogOptions) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  LiveLog* log = loop->LogAt(IntOf(info[0]));
  if (log != nullptr) log->SetOptions(OptionsOf(info, 1));
}

// append(log, type, timestamp, flags, headerSlot, bytes, begin, end)
NAN_METHOD(Append) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  const uint8_t* data;
  size_t length;
  if (!BytesOf(info[5], info[6], info[7], &data, &length) || length > 0xFFFFFF) {
    return Nan::ThrowRangeError("append: expected a Uint8Array and a range of below 16 MiB in it");
  }
  loop->Append(IntOf(info[0]), static_cast<uint8_t>(IntOf(info[1])),
               static_cast<int64_t>(NumberOf(info[2])), static_cast<uint8_t>(IntOf(info[3])),
               IntOf(info[4]), data, static_cast<uint32_t>(length));
}

NAN_METHOD(ResetLog) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  LiveLog* log = loop->LogAt(IntOf(info[0]));
  if (log != nullptr) log->Reset();
}

NAN_METHOD(CloseLog) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop != nullptr) loop->CloseLog(IntOf(info[0]));
}

// attach(slot, log, streamId, flushMs, format)
NAN_METHOD(Attach) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  loop->Attach(IntOf(info[0]), IntOf(info[1]), static_cast<uint32_t>(IntOf(info[2])),
               IntOf(info[3]), FormatOf(info[4]));
}

NAN_METHOD(Detach) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop != nullptr) loop->Detach(IntOf(info[0]));
}

NAN_METHOD(SetPaused) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop != nullptr) loop->SetPaused(IntOf(info[0]), TruthOf(info[1]));
}

NAN_METHOD(SetFlushMs) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop != nullptr) loop->SetFlushMs(IntOf(info[0]), IntOf(info[1]));
}

NAN_METHOD(SetDurationLimit) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop != nullptr) {
    loop->SetDurationLimit(IntOf(info[0]), static_cast<int64_t>(NumberOf(info[1])));
  }
}

// hasEnded(slot) -> whether the player that the socket is now has reached its duration
NAN_METHOD(HasEnded) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  Socket* socket = loop->SocketAt(IntOf(info[0]));
  info.GetReturnValue().Set(socket != nullptr && socket->IsLive() && socket->cursor->ended);
}

// playerStats(slot, numbers: messages, dropped, lag ms, jumps) -> whether it plays
NAN_METHOD(PlayerStats) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  Socket* socket = loop->SocketAt(IntOf(info[0]));
  bool live = socket != nullptr && socket->IsLive();
  if (live) FillPlayer(info[1], *socket->cursor);
  info.GetReturnValue().Set(live);
}

// logStats(log, numbers: players, messages, end, held bytes, GOP ms, GOP bytes) -> whether known
NAN_METHOD(LogStats) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  LiveLog* log = loop->LogAt(IntOf(info[0]));
  if (log != nullptr) {
    const BroadcastLog& rtmp = log->rtmp();
    FillNumbers(info[1],
                {static_cast<double>(log->players()), static_cast<double>(rtmp.total_messages()),
                 static_cast<double>(rtmp.end()), static_cast<double>(log->held_bytes()),
                 static_cast<double>(rtmp.gop_ms()), static_cast<double>(rtmp.gop_bytes())});
  }
  info.GetReturnValue().Set(log != nullptr);
}

// openReader(log, streamId, format) -> reader
NAN_METHOD(OpenReader) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  int reader =
      loop->OpenReader(IntOf(info[0]), static_cast<uint32_t>(IntOf(info[1])), FormatOf(info[2]));
  if (reader < 0) return Nan::ThrowError(Nan::ErrnoException(-reader, "openReader"));
  info.GetReturnValue().Set(reader);
}

NAN_METHOD(CloseReader) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop != nullptr) loop->CloseReader(IntOf(info[0]));
}

// read(reader, numbers: ReadState bits) -> Buffer of whole messages, undefined when there is none
NAN_METHOD(Read) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  LogReader* reader = loop->ReaderAt(IntOf(info[0]));
  std::vector<uint8_t> bytes;
  double state = reader == nullptr ? 0 : reader->Read(&bytes);
  FillNumbers(info[1], {state});
  if (bytes.empty()) return;
  v8::Local<v8::Object> copy;
  auto size = static_cast<uint32_t>(bytes.size());
  if (Nan::CopyBuffer(reinterpret_cast<const char*>(bytes.data()), size).ToLocal(&copy)) {
    info.GetReturnValue().Set(copy);
  }
}

// setReaderPaused(reader, paused)
NAN_METHOD(SetReaderPaused) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  LogReader* reader = loop->ReaderAt(IntOf(info[0]));
  if (reader != nullptr && !reader->SetPaused(TruthOf(info[1]))) {
    Nan::ThrowError(Nan::ErrnoException(ENOMEM, "setReaderPaused", "no memory for a preface"));
  }
}

// setReaderLimit(reader, limitMs)
NAN_METHOD(SetReaderLimit) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  LogReader* reader = loop->ReaderAt(IntOf(info[0]));
  if (reader != nullptr) reader->SetDurationLimit(static_cast<int64_t>(NumberOf(info[1])));
}

// readerStats(reader, numbers as of playerStats) -> whether it plays
NAN_METHOD(ReaderStats) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  LogReader* reader = loop->ReaderAt(IntOf(info[0]));
  bool live = reader != nullptr && reader->IsLive();
  if (live) FillPlayer(info[1], reader->cursor());
  info.GetReturnValue().Set(live);
}

}  // namespace

void RegisterBroadcastMethods(v8::Local<v8::FunctionTemplate> engine) {
  Nan::SetPrototypeMethod(engine, "createLog", CreateLog);
  Nan::SetPrototypeMethod(engine, "setLogOptions", SetLogOptions);
  Nan::SetPrototypeMethod(engine, "append", Append);
  Nan::SetPrototypeMethod(engine, "resetLog", ResetLog);
  Nan::SetPrototypeMethod(engine, "closeLog", CloseLog);
  Nan::SetPrototypeMethod(engine, "attach", Attach);
  Nan::SetPrototypeMethod(engine, "detach", Detach);
  Nan::SetPrototypeMethod(engine, "setPaused", SetPaused);
  Nan::SetPrototypeMethod(engine, "setFlushMs", SetFlushMs);
  Nan::SetPrototypeMethod(engine, "setDurationLimit", SetDurationLimit);
  Nan::SetPrototypeMethod(engine, "hasEnded", HasEnded);
  Nan::SetPrototypeMethod(engine, "playerStats", PlayerStats);
  Nan::SetPrototypeMethod(engine, "logStats", LogStats);
  Nan::SetPrototypeMethod(engine, "openReader", OpenReader);
  Nan::SetPrototypeMethod(engine, "closeReader", CloseReader);
  Nan::SetPrototypeMethod(engine, "read", Read);
  Nan::SetPrototypeMethod(engine, "setReaderPaused", SetReaderPaused);
  Nan::SetPrototypeMethod(engine, "setReaderLimit", SetReaderLimit);
  Nan::SetPrototypeMethod(engine, "readerStats", ReaderStats);
}

}  // namespace srs
