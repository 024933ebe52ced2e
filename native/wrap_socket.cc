// Sockets by slot number. A call on a slot that is closed already succeeds quietly.
#include <errno.h>

#include "addon.h"

namespace srs {

namespace {

// write(slot, bytes, begin, end) -> bytes that wait
NAN_METHOD(Write) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  const uint8_t* data;
  size_t length;
  if (!BytesOf(info[1], info[2], info[3], &data, &length)) {
    return Nan::ThrowRangeError("write: expected a Uint8Array and a range within it");
  }
  info.GetReturnValue().Set(static_cast<double>(loop->Write(IntOf(info[0]), data, length)));
}

NAN_METHOD(End) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop != nullptr) loop->End(IntOf(info[0]));
}

NAN_METHOD(Destroy) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop != nullptr) loop->Destroy(IntOf(info[0]));
}

// pauseRead(slot, paused)
NAN_METHOD(PauseRead) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop != nullptr) loop->PauseRead(IntOf(info[0]), TruthOf(info[1]));
}

// setTimeouts(slot, receiveMs, sendMs)
NAN_METHOD(SetTimeouts) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop != nullptr) loop->SetTimeouts(IntOf(info[0]), IntOf(info[1]), IntOf(info[2]));
}

// setMergedRead(slot, intervalMs, maxIntervalMs)
NAN_METHOD(SetMergedRead) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop != nullptr) loop->SetMergedRead(IntOf(info[0]), IntOf(info[1]), IntOf(info[2]));
}

// setHalfOpen(slot, on)
NAN_METHOD(SetHalfOpen) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop != nullptr) loop->SetHalfOpen(IntOf(info[0]), TruthOf(info[1]));
}

// setNoDelay(slot, on)
NAN_METHOD(NoDelay) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  Socket* socket = loop->SocketAt(IntOf(info[0]));
  if (socket != nullptr && socket->HasDescriptor()) SetNoDelay(socket->fd, TruthOf(info[1]));
}

// addressOf(slot, peer) -> "address port", or "" when the socket is gone
NAN_METHOD(SocketAddress) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  Socket* socket = loop->SocketAt(IntOf(info[0]));
  std::string address;
  uint16_t port = 0;
  std::string text;
  if (socket != nullptr && socket->HasDescriptor() &&
      AddressOf(socket->fd, TruthOf(info[1]), &address, &port)) {
    text = address + " " + std::to_string(port);
  }
  info.GetReturnValue().Set(Nan::New(text).ToLocalChecked());
}

// counters(slot, numbers: received, sent, waiting) -> whether the slot is known
NAN_METHOD(Counters) {
  Loop* loop = EngineObject::LoopOf(info);
  if (loop == nullptr) return;
  Socket* socket = loop->SocketAt(IntOf(info[0]));
  if (socket != nullptr) {
    FillNumbers(info[1],
                {static_cast<double>(socket->bytes_received),
                 static_cast<double>(socket->bytes_sent), static_cast<double>(socket->out.size())});
  }
  info.GetReturnValue().Set(socket != nullptr);
}

}  // namespace

void RegisterSocketMethods(v8::Local<v8::FunctionTemplate> engine) {
  Nan::SetPrototypeMethod(engine, "write", Write);
  Nan::SetPrototypeMethod(engine, "end", End);
  Nan::SetPrototypeMethod(engine, "destroy", Destroy);
  Nan::SetPrototypeMethod(engine, "pauseRead", PauseRead);
  Nan::SetPrototypeMethod(engine, "setTimeouts", SetTimeouts);
  Nan::SetPrototypeMethod(engine, "setMergedRead", SetMergedRead);
  Nan::SetPrototypeMethod(engine, "setHalfOpen", SetHalfOpen);
  Nan::SetPrototypeMethod(engine, "setNoDelay", NoDelay);
  Nan::SetPrototypeMethod(engine, "addressOf", SocketAddress);
  Nan::SetPrototypeMethod(engine, "counters", Counters);
}

}  // namespace srs
